"""Parts of the group stage: group keys, open events, verdicts and their provenance."""
