"""The rollups, one table each; ``registry`` says which stored rows they are made of."""
