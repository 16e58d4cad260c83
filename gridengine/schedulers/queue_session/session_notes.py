"""Where a session notes its queue jobs."""

from __future__ import annotations

import itertools
import os
import socket

from ...settings import Settings
from ...transport import private_files

_numbers = itertools.count(1)


def registry_file() -> str:
    """Returns the path of a new session's file: one for each, even if its process is replaced."""
    folder = private_files.run_folder(Settings.read().run_dir)
    name = f"{socket.gethostname()}.{os.getpid()}.{next(_numbers)}.json"
    return os.path.abspath(os.path.join(folder, "sessions", name))
