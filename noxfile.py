"""The tests without the cluster, on each CPython: ``nox``, ``nox -p 3.12 -- tests/serialization``.

``scripts/interpreters`` calls it after it has got the interpreters that are missing.
"""

from __future__ import annotations

import nox

# Those of setup.cfg, which nox cannot read; a test sees to it.
VERSIONS = ["3.10", "3.11", "3.12", "3.13", "3.14", "3.15"]

nox.options.sessions = ["tests"]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"


@nox.session(python=VERSIONS)
def tests(session: nox.Session) -> None:
    """Runs pytest with the given arguments, all tests without any."""
    # The newest that each has: not all of constraints.txt is to be had for every Python.
    session.install("--editable", ".[test]")
    # As scripts/test does.
    together = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    session.run("python", "-m", "pytest", "-m", "not cluster", *together, *session.posargs)
