"""Ways out: one file for each kind of target, and one line in the registry."""
