"""What a notebook's user sees, by a real kernel."""
