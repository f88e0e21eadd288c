"""What takes a site's records up: sinks and stores, the API, the edge agent."""
