"""The steps by which the tables came about, applied in order by ``consumers.store.migrate``."""
