"""The cloud's Postgres: its tables, and the questions that are asked of them."""
