"""What `gridengine status` and `gridengine top` show of programs that run."""
