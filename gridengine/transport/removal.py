"""Removes a private folder with all in it, and nothing that has taken the place of any of it."""

from __future__ import annotations

import errno
import os
import stat

from .private_files import FOLDER, NotPrivate, called, open_folder

#: How often a folder is emptied into which somebody writes meanwhile.
_ROUNDS = 20


def remove_folder(path: str, device: int, inode: int) -> list[str]:
    """Removes a folder in a private one, and all in it, if it is still the one that was meant.

    No link is followed, and nothing is removed that is another user's, or lies on another file
    system.

    Args:
        path: The folder.
        device: Its device number, as it was when the caller knew that it was this one.
        inode: Its inode number, likewise.

    Returns:
        What of it is left, each with the reason.

    Raises:
        NotPrivate: Something else has taken its place, or could.
        OSError: It cannot be opened, or not be removed.
    """
    folder, name = os.path.split(os.path.abspath(path))
    place = open_folder(folder)
    try:
        try:
            descriptor = os.open(name, FOLDER, dir_fd=place)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
                raise
            raise NotPrivate(f"{path} is not the folder any more that it was") from None
        try:
            status = os.fstat(descriptor)
            if (status.st_dev, status.st_ino) != (device, inode):
                raise NotPrivate(f"{path} is not the folder any more that it was")
            return _removed_folder(place, name, descriptor, path)
        finally:
            os.close(descriptor)
    finally:
        os.close(place)


def _removed_folder(place: int, name: str, descriptor: int, path: str) -> list[str]:
    """Removes a folder with what is in it; returns what is left, each with the reason."""
    for rounds in range(1, _ROUNDS + 1):
        if left := _emptied(descriptor, path):
            return left
        try:
            os.rmdir(name, dir_fd=place)
            break
        except OSError as error:
            # The last of those who write there may not have ended yet.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or rounds == _ROUNDS:
                raise
    return []


def _emptied(descriptor: int, path: str) -> list[str]:
    """Removes what is in a folder; returns what is left, each with the reason."""
    left: list[str] = []
    device = os.fstat(descriptor).st_dev
    for name in os.listdir(descriptor):
        inner = f"{path}/{name}"
        try:
            left += _removed(descriptor, name, inner, device)
        except FileNotFoundError:
            # Another one is at it, too.
            continue
        except OSError as error:
            left.append(f"{inner} ({error.strerror or error})")
    return left


def _removed(place: int, name: str, path: str, device: int) -> list[str]:
    """Removes one thing from a folder; returns what is left of it, each with the reason."""
    status = os.stat(name, dir_fd=place, follow_symlinks=False)
    if status.st_uid != os.geteuid():
        return [f"{path} (it belongs to {called(status.st_uid)})"]
    if not stat.S_ISDIR(status.st_mode):
        os.unlink(name, dir_fd=place)
        return []
    if status.st_dev != device:
        return [f"{path} (it is on another file system)"]
    # A link that has taken its place since is not followed, but an error.
    descriptor = os.open(name, FOLDER, dir_fd=place)
    try:
        opened = os.fstat(descriptor)
        if (opened.st_dev, opened.st_ino) != (status.st_dev, status.st_ino):
            return [f"{path} (something else has taken its place)"]
        return _removed_folder(place, name, descriptor, path)
    finally:
        os.close(descriptor)
