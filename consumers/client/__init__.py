"""The typed Python client of the API."""
