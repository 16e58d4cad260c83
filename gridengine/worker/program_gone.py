"""What a supervisor does when the program that it works for is gone."""

from __future__ import annotations

import os
import sys

from ..transport.launch_file import Launch


def clear_up(launch: Launch, path: str, *, certain: bool) -> None:
    """Removes what the program could not.

    Args:
        launch: What the supervisor was told.
        path: The file in which that stood, in the program's folder.
        certain: Whether the program is known to be gone; otherwise it is only silent, and the
            scheduler may know more.
    """
    folder = os.path.dirname(path)
    if certain:
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
    elif launch.when_silent:
        import importlib

        module, argument = launch.when_silent
        try:
            importlib.import_module(module).main(argument, folder)
        except Exception as error:
            sys.stderr.write(f"gridengine: {module}: {error!r}\n")
