"""What stands behind `gridengine.Pool`."""
