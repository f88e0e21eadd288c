"""Configuration down to a site, and the edge agent that applies it there."""
