"""What a program holds: maps, jobs, and batches of them."""
