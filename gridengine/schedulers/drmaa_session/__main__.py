"""``python -m gridengine.schedulers.drmaa_session``; see the package's docstring."""

from .program import main

main()
