"""What ``gridengine map`` is made of: lines in, calls, lines out."""
