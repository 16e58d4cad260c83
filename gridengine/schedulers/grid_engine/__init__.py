"""Workers as queue jobs of a Grid Engine, by way of DRMAA."""
