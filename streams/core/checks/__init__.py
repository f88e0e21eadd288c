"""The false-positive filter's checks: one file each, listed in ``registry``."""
