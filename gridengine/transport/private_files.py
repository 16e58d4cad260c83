"""Files and folders that are this user's alone: how they are made and opened.

What nobody else can read or write where it lies, and nobody else can put something in the place of:
each folder on the way to it is this user's or root's, as sshd demands it of the way to its keys
(``StrictModes``, sshd_config(5)).

Nothing of the package is imported here: a supervisor looks by this at the file that says where
modules are found, and the session process of a Grid Engine does without most of the package.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys

#: Without waiting for the other end of a pipe, and without following a link.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
#: With which a folder is opened, and nothing else that is in its place.
FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

#: Links on one way until it is taken for a circle, as the kernel does: path_resolution(7).
_LINKS = 40

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class NotPrivate(PermissionError):
    """Others could have read or planted a file, or could put something else in its place."""


def run_folder(run_dir: str) -> str:
    """Returns the folder in which programs have theirs; ``run_dir`` is the setting of that name."""
    return run_dir or os.path.expanduser("~/.gridengine")


def make_folder(path: str) -> None:
    """Makes a folder that its owner alone can enter, or checks that an existing one is so.

    What is missing on the way to it is made so too, whatever the umask is.

    Raises:
        NotPrivate: It is somebody else's, open to others, or no folder; or they could replace it.
        OSError: It cannot be made.
    """
    path = os.path.abspath(path)
    _check_way(os.path.dirname(path), goal=path, make=True)
    with contextlib.suppress(FileExistsError):
        new_folder(path)
    os.close(_open_checked_folder(path))


def new_folder(path: str) -> None:
    """Makes a folder with mode 0700, whatever the umask is, where nobody else can replace it.

    Raises:
        FileExistsError: Something is there.
        OSError: It cannot be made.
    """
    os.mkdir(path, 0o700)
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    if mode & stat.S_IRWXU == stat.S_IRWXU:
        return
    # The umask has taken from its owner too. Its setgid bit stays as it is.
    if sys.platform != "linux":
        os.chmod(path, mode | stat.S_IRWXU, follow_symlinks=False)
        return
    # What may not be read opens only as a path, and such a descriptor takes no fchmod.
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.chmod(f"/proc/self/fd/{descriptor}", mode | stat.S_IRWXU)
    finally:
        os.close(descriptor)


def without_link(path: str, *, make: bool = False) -> str:
    """Returns where a folder lies that may be a link of the user's own; else its path as it is.

    Args:
        path: The folder.
        make: Whether to make what is missing, if it is a link.

    Raises:
        NotPrivate: Others could replace the link, or something on the way that it leads.
        OSError: It leads nowhere.
    """
    path = os.path.abspath(path)
    return _check_way(path, goal=path, make=make) if os.path.islink(path) else path


def open_folder(path: str) -> int:
    """Returns a descriptor of a private folder.

    Raises:
        NotPrivate: It is somebody else's, open to others, or no folder; or they could replace it.
        OSError: It cannot be opened.
    """
    path = os.path.abspath(path)
    _check_way(os.path.dirname(path), goal=path)
    return _open_checked_folder(path)


def _open_checked_folder(path: str) -> int:
    try:
        descriptor = os.open(path, FOLDER)
    except OSError as error:
        # The system's word for a link varies.
        if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
            raise
        raise NotPrivate(f"{path} is no folder, or a link to one: remove it") from None
    try:
        _refuse_if_shared(path, os.fstat(descriptor), 0o700)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_file(path: str) -> int:
    """Returns a descriptor of a private file in a private folder, to read from.

    Raises:
        NotPrivate: Somebody else could have read or planted it, or it is no file.
        OSError: It cannot be opened.
    """
    place = open_folder(os.path.dirname(path))
    try:
        return open_file_in(place, path)
    finally:
        os.close(place)


def open_file_in(place: int, path: str) -> int:
    """As `open_file`, for one that lies in the private folder that ``place`` is open on."""
    try:
        descriptor = os.open(os.path.basename(path), _FILE, dir_fd=place)
    except OSError as error:
        # ENXIO: a socket.
        if error.errno not in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise
        raise NotPrivate(f"{path} is a link, or no file: remove it") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotPrivate(f"{path} is no file: remove it")
        _refuse_if_shared(path, status, 0o600)
        # Less than one if it has just been replaced.
        if status.st_nlink > 1:
            raise NotPrivate(f"{path} is a file that has another name too: remove it")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_file(path: str) -> str:
    """Returns what is in a private file in a private folder.

    Raises:
        NotPrivate: Somebody else could have read or planted it, or it is no file.
        OSError: It cannot be read.
        ValueError: It is no text (UTF-8).
    """
    with open(open_file(path), encoding="utf-8") as file:
        return file.read()


def write_file(path: str, text: str, *, replace: bool = False) -> None:
    """Writes a private file into a private folder; it has its name only when it is complete.

    Raises:
        FileExistsError: It is there, and is not to be replaced.
        NotPrivate: The folder is not private.
        OSError: It cannot be written.
    """
    folder, name = os.path.split(os.path.abspath(path))
    unfinished = f".{name}"
    place = open_folder(folder)
    try:
        if replace:
            # Of a process that was killed meanwhile.
            _unlink_if_there(unfinished, place)
        elif _is_there(name, place):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        descriptor = os.open(unfinished, _NEW, 0o600, dir_fd=place)
        try:
            # A umask may take from its owner too.
            if stat.S_IMODE(os.fstat(descriptor).st_mode) != 0o600:
                os.fchmod(descriptor, 0o600)
            with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
            # Who waits for the file shall find all of it.
            os.rename(unfinished, name, src_dir_fd=place, dst_dir_fd=place)
        except BaseException:
            _unlink_if_there(unfinished, place)
            raise
    finally:
        os.close(place)


def _is_there(name: str, place: int) -> bool:
    try:
        os.stat(name, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _unlink_if_there(name: str, place: int) -> None:
    try:
        os.unlink(name, dir_fd=place)
    except FileNotFoundError:
        return


# -- who can change what ----------------------------------------------------------------------


def _refuse_if_shared(path: str, status: os.stat_result, wanted: int) -> None:
    mode = stat.S_IMODE(status.st_mode)
    own, is_folder = status.st_uid == os.geteuid(), stat.S_ISDIR(status.st_mode)
    if own and not mode & _OTHERS:
        return
    if own:
        what = f"chmod go-rwx {path}"
        if is_folder:
            what += ", or name a new one (GRIDENGINE_RUN_DIR)"
        elif mode & _OTHERS_WRITE:
            what = f"remove it, or if what is in it is yours: {what}"
    elif is_folder:
        # What lies below it could be replaced too, if it is somebody else's.
        below = status.st_uid == 0 and not _replaceable(status)
        where = "below it" if below else "elsewhere"
        what = f"name one of your own {where} (GRIDENGINE_RUN_DIR)"
    else:
        what = "nothing in it is believed"
    raise NotPrivate(
        f"{path} belongs to {called(status.st_uid)} with mode {mode:o}: it must be this user's, "
        f"with mode {wanted:o}, for it holds keys: {what}"
    )


def _replaceable(status: os.stat_result) -> bool:
    """Tells whether others than its owner can replace what is in a folder."""
    # With the sticky bit only the owner of an entry can rename or remove it.
    return bool(status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX)


def called(uid: int) -> str:
    """Returns what a user is called in messages."""
    return f"user {uid}" + " (a user not known here)" * (uid == _owner_without_a_number())


def _check_way(folder: str, goal: str, *, make: bool = False) -> str:
    """Refuses a way on which others than this user and root could put something in its place.

    The folders to which links lead are looked at as well as those in which the links lie. What is
    found to be safe stays so: nobody else can change it.

    Args:
        folder: The last folder of the way, an absolute path.
        goal: What lies there, for errors.
        make: Whether to make what is missing.

    Returns:
        The folder, by a path without links.
    """
    here, links = "/", 0
    shared = _check_folder(here, os.lstat(here), goal, shared=False)
    left = folder.split("/")[::-1]
    while left:
        name = left.pop()
        if name in ("", "."):
            continue
        if name == "..":
            # Of a link's target; that way has been found to be safe.
            here = os.path.dirname(here)
            shared = bool(os.lstat(here).st_mode & _OTHERS_WRITE)
            continue
        at = os.path.join(here, name)
        status = _status(at, make=make)
        if not stat.S_ISLNK(status.st_mode):
            shared = _check_folder(at, status, goal, shared=shared)
            here = at
            continue
        _check_owner(at, status, goal, shared=shared)
        links += 1
        if links > _LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), folder)
        target = os.readlink(at)
        if target.startswith("/"):
            here, shared = "/", False
        left += target.split("/")[::-1]
    return here


def _status(path: str, *, make: bool) -> os.stat_result:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):
        new_folder(path)
    return os.lstat(path)


def _check_folder(path: str, status: os.stat_result, goal: str, *, shared: bool) -> bool:
    """Refuses a folder in which others can replace what is there; True if they can add to it."""
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    _check_owner(path, status, goal, shared=shared)
    if _replaceable(status):
        who = "everybody" if status.st_mode & stat.S_IWOTH else "its group"
        what = "name a folder elsewhere (GRIDENGINE_RUN_DIR)"
        if status.st_uid == os.geteuid():
            what = f"chmod go-w {path}, or {what}"
        else:
            what += f", or have it made sticky (chmod +t {path})"
        raise NotPrivate(
            f"{path} can be written by {who} (mode {stat.S_IMODE(status.st_mode):o}), who could "
            f"replace {goal}, which holds keys: {what}"
        )
    return bool(status.st_mode & _OTHERS_WRITE)


def _check_owner(path: str, status: os.stat_result, goal: str, *, shared: bool) -> None:
    if status.st_uid in (0, os.geteuid()):
        return
    # Where others can make entries it may be theirs as well as root's.
    if not shared and status.st_uid == _owner_without_a_number():
        return
    raise NotPrivate(
        f"{path} belongs to {called(status.st_uid)}, who could replace {goal}, which holds keys: "
        "name a folder of your own (GRIDENGINE_RUN_DIR)"
    )


def _owner_without_a_number() -> int | None:
    """Returns the number that stands for root in a container in which root has none, else None.

    It stands for all users that are not known there: user_namespaces(7).
    """
    try:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            if file.read().split() == ["0", "0", "4294967295"]:
                return None
        with open("/proc/sys/kernel/overflowuid", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None
