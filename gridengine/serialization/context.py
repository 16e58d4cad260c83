"""What a function relies on beside its arguments, as the program has it: its context.

That is the working directory, the environment, where modules are found, the command line's
arguments, the recursion limit, the filters for warnings, and the key by which processes of
`multiprocessing` know each other. It is looked at when a job or map is started; where something
is not as it was, it travels anew, with the functions that are packed from then on.
"""

from __future__ import annotations

# `note_environment` is called before the first worker has been started: nothing that takes long
# to import is so up here.
import _thread
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


class _Seen:
    """What was there at the last look, as it can be compared soonest."""

    environ: Any = None
    cwd: bytes | None = None
    # Whether `os.chdir` tells when it is called, and has since.
    told = moved = False
    path: object = None
    argv: object = None
    limit = 0
    filters: object = None
    authkey: bytes | None = None
    # The environment as text, None before the first look; and what of it has ever changed since.
    variables: Mapping[str, str] | None = None
    changed: frozenset[str] = frozenset()
    packed = b""


_seen = _Seen()
_lock = _thread.allocate_lock()


def current(*, hurried: bool = False) -> bytes:
    """Returns the program's context, packed: equal to the last one if nothing has changed.

    Args:
        hurried: Whether it was asked for just before: then the system is not asked, as far as the
            program says itself what it does.
    """
    seen, modules = _seen, sys.modules
    # Compared with copies, part by part the very same objects: a microsecond for all of it.
    if (
        getattr(os.environ, "_data", os.environ) != seen.environ
        or sys.path != seen.path
        or getattr(sys, "argv", None) != seen.argv
        or sys.getrecursionlimit() != seen.limit
        or ("warnings" in modules and modules["warnings"].filters != seen.filters)
        or ("multiprocessing.managers" in modules and _authkey() != seen.authkey)
        or ((seen.moved or not (hurried and seen.told)) and _moved(seen, hurried))
    ):
        with _lock:
            _look(seen)
    return seen.packed


def note_environment() -> None:
    """Notes the environment that workers which are about to be started begin with."""
    with _lock:
        if _note_environment(_seen):
            # Other workers have not heard of it: the next look shall tell.
            _seen.environ = None


def _look(seen: _Seen) -> None:
    from .by_value import forget_importability
    from .by_value.shared_values import begin_generation

    cwd, path = _working_directory(), list(sys.path)
    if cwd != seen.cwd or path != seen.path:
        forget_importability()
    seen.cwd, seen.path = cwd, path
    argv = getattr(sys, "argv", None)
    seen.argv = argv and list(argv)
    seen.limit = sys.getrecursionlimit()
    warnings = sys.modules.get("warnings")
    seen.filters = None if warnings is None else list(warnings.filters)
    seen.authkey = _authkey()
    seen.environ = dict(_raw_environment())
    _note_environment(seen)
    packed = _pack(seen)
    if packed != seen.packed:
        seen.packed = packed
        # Functions travel with the context that they are called in.
        begin_generation()


def _note_environment(seen: _Seen) -> bool:
    """Notes the variables; returns True if they are not what they were."""
    variables = dict(os.environ)
    before, seen.variables = seen.variables, variables
    if before is None or before == variables:
        return False
    # A variable that has changed once is told from then on, be it as it was again: some workers
    # may have been started in between.
    seen.changed |= {
        name for name in variables.keys() | before.keys() if variables.get(name) != before.get(name)
    }
    return True


def _pack(seen: _Seen) -> bytes:
    import pickle

    from ..transport.launch_file import import_path

    variables = seen.variables or {}
    return pickle.dumps(
        {
            "environ": {name: variables.get(name) for name in sorted(seen.changed)},
            "sys_path": import_path(),
            "cwd": seen.cwd and os.fsdecode(seen.cwd),
            "argv": seen.argv,
            "recursion_limit": seen.limit,
            "warnings": None if seen.filters is None else _described(seen.filters),
            "authkey": seen.authkey,
        },
        5,
    )


def _described(filters: Any) -> list[tuple[Any, ...]]:
    """Returns filters with the names of their categories: to import one may take long."""
    import re

    plain = (str, int, type(None), re.Pattern)
    return [
        (action, message, (category.__module__, category.__qualname__), module, line)
        for action, message, category, module, line in filters
        if isinstance(category, type)
        and all(isinstance(part, plain) for part in (action, message, module, line))
    ]


def _raw_environment() -> Any:
    # The dictionary within, which is compared in a tenth of the time.
    return getattr(os.environ, "_data", os.environ)


def _working_directory() -> bytes | None:
    try:
        return os.getcwdb()
    except OSError:
        # It has been removed.
        return None


def _moved(seen: _Seen, hurried: bool) -> bool:
    if hurried and not seen.told:
        _have_moves_told(seen)
    seen.moved = False
    return _working_directory() != seen.cwd


def _have_moves_told(seen: _Seen) -> None:
    """Has `os.chdir` say that it was called.

    To ask the system each time would take a quarter of what it takes to start a job.
    """
    import functools

    def told(move: Callable[..., None]) -> Callable[..., None]:
        def moves(*args: Any, **kwargs: Any) -> None:
            try:
                move(*args, **kwargs)
            finally:
                seen.moved = True

        functools.update_wrapper(moves, move).__module__ = "os"
        return moves

    seen.told = True
    os.chdir, os.fchdir = told(os.chdir), told(os.fchdir)


def _authkey() -> bytes | None:
    # Who has no manager has no use for the key, and a worker would import much to be given it.
    if "multiprocessing.managers" not in sys.modules:
        return None
    process: Any = sys.modules["multiprocessing.process"]
    return bytes(process.current_process().authkey)


def _start_anew() -> None:
    """In a fork of this program: another thread may have been looking."""
    global _lock
    _lock = _thread.allocate_lock()


os.register_at_fork(after_in_child=_start_anew)
