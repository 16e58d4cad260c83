"""Results that outlive the program: kept in a file, and answered from it."""
