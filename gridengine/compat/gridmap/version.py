"""The version of GridMap whose interface this is."""

__version__ = "0.15.0"
VERSION = tuple(int(part) for part in __version__.split("."))
