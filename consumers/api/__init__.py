"""The main API of the cloud: REST under ``/api/v1``, OpenAPI 3.1, problem+json errors."""
