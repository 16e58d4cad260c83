"""``python -m gridengine.schedulers.grid_engine.drmaa_session``; see the package's docstring."""

from .main import main

main()
