"""What stands behind `gridengine.Executor`."""
