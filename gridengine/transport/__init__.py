"""Messages between the program and its workers, and what carries them."""
