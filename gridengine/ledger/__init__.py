"""Which job is where since when, and what is next. No socket, thread, clock or pickle."""
