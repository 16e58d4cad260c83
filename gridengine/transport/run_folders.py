"""The folder of a program with workers on other hosts, which they see too, and whose it is.

Launch files and scripts for queue jobs lie in it, and what these print. Which program's it is
stands in a file within, with the folder's inode, so that nobody who clears up goes by its name.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import NamedTuple

from . import private_files, removal
from .process_identity import ProcessIdentity

_NOTE = "program"


class RunFolder(NamedTuple):
    """A program's folder.

    Attributes:
        path: Where it lies.
        program: Whose it is.
        device: The number of the device on which it lies, as seen from here.
        inode: Its number there.
    """

    path: str
    program: ProcessIdentity
    device: int
    inode: int

    @classmethod
    def make(cls, parent: str) -> RunFolder:
        """Makes this program's folder in another one, which is made too if need be.

        Raises:
            NotPrivate: The folder around it is somebody else's, or open to others.
            OSError: It cannot be made.
        """
        private_files.make_folder(parent)
        program = ProcessIdentity.of(os.getpid())
        name = f"run-{program.host}-{program.pid}-{os.urandom(4).hex()}"
        path = os.path.join(os.path.abspath(parent), name)
        private_files.new_folder(path)
        status = os.lstat(path)
        made = cls(path, program, status.st_dev, status.st_ino)
        try:
            noted = {"program": program._asdict(), "inode": made.inode}
            private_files.write_file(os.path.join(path, _NOTE), json.dumps(noted))
        except BaseException:
            made.remove()
            raise
        return made

    @classmethod
    def read(cls, path: str) -> RunFolder:
        """Returns what a folder is by what was noted in it, when it was made.

        Raises:
            NotPrivate: Somebody else could have planted it.
            OSError: It cannot be read, or nothing is noted there.
            ValueError: It is not the folder that was made, or not under its name.
        """
        path = os.path.abspath(path)
        place = private_files.open_folder(path)
        try:
            status = os.fstat(place)
            note = private_files.open_file_in(place, os.path.join(path, _NOTE))
        except FileNotFoundError:
            raise ValueError("it does not say which program's it is") from None
        finally:
            os.close(place)
        with open(note, encoding="utf-8") as file:
            noted = json.load(file)
        if not isinstance(noted, dict):
            raise ValueError("it does not say which program's it is")
        program = ProcessIdentity.from_json(noted.get("program"))
        if noted.get("inode") != status.st_ino:
            raise ValueError("it is not the folder that its program has made")
        if not os.path.basename(path).startswith(f"run-{program.host}-{program.pid}-"):
            raise ValueError(f"it has another name than program {program.pid} has given it")
        return cls(path, program, status.st_dev, status.st_ino)

    def remove(self) -> list[str]:
        """Removes the folder, if it is still this one; returns what is left, with the reasons.

        Raises:
            NotPrivate: Something else has taken its place, or could.
            OSError: It cannot be removed.
        """
        with contextlib.suppress(FileNotFoundError):
            return removal.remove_folder(self.path, self.device, self.inode)
        return []
