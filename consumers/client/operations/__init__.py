"""What can be asked of the API: each function returns the request; a module is a subject."""
