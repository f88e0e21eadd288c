"""What is kept and for how long: retention, legal hold, erasure, and the partitions of days."""
