"""Other libraries' ways to say what shall run: each is a module that is imported for it."""
