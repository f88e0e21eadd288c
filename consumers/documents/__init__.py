"""Documents of the cloud: configurations by version, commands, models, whole tracks, schemas."""
