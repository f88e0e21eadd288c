"""One module for each step, beside the SQL that it runs."""
