"""``python -m gridengine.schedulers.queue_session.process``; see the package's docstring."""

from .main import main

main()
