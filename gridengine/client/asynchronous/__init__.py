"""What stands behind `gridengine.aio`, and ``await job``."""
