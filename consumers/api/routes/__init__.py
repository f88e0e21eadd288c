"""One module for each resource; ``consumers.api.registry`` names them."""
