"""What a supervisor does when it does not hear of the program that it works for."""

from __future__ import annotations

import importlib
import os
import sys

from ..transport.launch_file import Launch


def clear_up(launch: Launch, path: str) -> None:
    """Removes what the program could not, as far as the scheduler knows that it is gone.

    Args:
        launch: What the supervisor was told.
        path: The file in which that stood, in the program's folder.
    """
    if launch.when_silent:
        module, argument = launch.when_silent
        try:
            importlib.import_module(module).main(argument, os.path.dirname(path))
        except Exception as error:
            sys.stderr.write(f"gridengine: {module}: {error!r}\n")
