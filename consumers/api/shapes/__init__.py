"""What the API takes and gives, as types: the routes' and the Python client's alike."""
