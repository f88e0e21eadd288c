"""The API's resources of notifications, put together by ``consumers.api.routes.notifications``."""
