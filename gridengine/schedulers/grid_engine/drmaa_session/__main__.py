"""``python -m gridengine.schedulers.grid_engine.drmaa_session``; see the package's docstring."""

from .program import main

main()
