"""What a function relies on beside its arguments, as the program has it: its context.

That is the working directory, the environment, where modules are found, the command line's
arguments, the recursion limit, the filters for warnings, the levels of loggers, and the key by
which processes of `multiprocessing` know each other. It is looked at when a job or map is started;
where something is not as it was, it travels anew, with the functions that are packed from then on.
"""

from __future__ import annotations

# `note_environment` is called before the first worker has been started: nothing that takes long
# to import is so up here.
import _thread
import os
import sys

from .log_levels import MARK, UNSEEN, levels, mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any


class _Seen:
    """What was there at the last look, as it can be compared soonest."""

    environ: Any = None
    cwd: bytes | None = None
    path: object = None
    argv: object = None
    limit = 0
    filters: object = None
    authkey: bytes | None = None
    levels: Any = None
    # Where a mark stands as long as no level is set.
    marked: Mapping[Any, bool] = UNSEEN
    # The environment as text, None before the first look; and what of it has ever changed since.
    variables: Mapping[str, str] | None = None
    changed: frozenset[str] = frozenset()
    packed = b""


#: Behind the variables in a packed context, which are JSON: the dispatcher looks at them. No line
#: ends within that.
_END = b"\n"

_seen = _Seen()
_lock = _thread.allocate_lock()


def current(*, hurried: bool = False) -> bytes:
    """Returns the program's context, packed: equal to the last one if nothing has changed.

    Args:
        hurried: Whether it was asked for just before, and may be often from now on.
    """
    seen, modules = _seen, sys.modules
    # Compared with copies, part by part the very same objects: a microsecond for all of it. A
    # record is not changed any more once it is to be seen here.
    if (
        getattr(os.environ, "_data", os.environ) != seen.environ
        or sys.path != seen.path
        or getattr(sys, "argv", None) != seen.argv
        or sys.getrecursionlimit() != seen.limit
        or ("warnings" in modules and modules["warnings"].filters != seen.filters)
        or MARK not in seen.marked
        or (seen.marked is UNSEEN and "logging" in modules)
        or ("multiprocessing.managers" in modules and _authkey() != seen.authkey)
        or (_directory_soon if hurried else _working_directory)() != seen.cwd
    ):
        with _lock:
            seen = _look()
    return seen.packed


def for_nodes(packed: bytes, passed: Callable[[Mapping[str, str | None]], Iterable[str]]) -> bytes:
    """Returns a context with those variables alone that go to other hosts. Unpickles nothing.

    Args:
        packed: What `current` has returned.
        passed: Names those of some variables; see `gridengine.transport.environment`.
    """
    import json

    variables, _, rest = packed.partition(_END)
    environ = json.loads(variables)
    return b"%s%s%s" % (_dumped({name: environ[name] for name in passed(environ)}), _END, rest)


def unpack(packed: bytes) -> dict[str, Any]:
    """Returns the parts of a context: for workers, which believe the program."""
    import json
    import pickle

    variables, _, rest = packed.partition(_END)
    parts: dict[str, Any] = pickle.loads(rest)
    parts["environ"] = json.loads(variables)
    return parts


def note_environment() -> None:
    """Notes the environment that workers which are about to be started begin with."""
    global _seen
    with _lock:
        # Other workers have not heard of what has changed: the next look shall tell.
        _seen = _noted(_seen)


def _look() -> _Seen:
    global _seen
    from .by_value import forget_importability

    before, environ = _seen, dict(_raw_environment())
    seen = _noted(before)
    seen.environ = environ
    seen.cwd, seen.path = _working_directory(), list(sys.path)
    if seen.cwd != before.cwd or seen.path != before.path:
        forget_importability()
    argv = getattr(sys, "argv", None)
    seen.argv = argv and list(argv)
    seen.limit = sys.getrecursionlimit()
    warnings = sys.modules.get("warnings")
    seen.filters = None if warnings is None else list(warnings.filters)
    # In this order: what is set meanwhile shows at the next look.
    seen.marked = mark()
    seen.levels = levels()
    seen.authkey = _authkey()
    seen.packed = _pack(seen)
    _seen = seen
    return seen


def _noted(before: _Seen) -> _Seen:
    """Returns a copy of a record with the variables as they are, to be completed by a look."""
    seen = _Seen()
    vars(seen).update(vars(before))
    seen.variables = variables = dict(os.environ)
    known = before.variables
    if known is not None and known != variables:
        # A variable that has changed once is told from then on, be it as it was again: some workers
        # may have been started in between.
        seen.changed |= {
            name
            for name in variables.keys() | known.keys()
            if variables.get(name) != known.get(name)
        }
        seen.environ = None
    return seen


def _pack(seen: _Seen) -> bytes:
    import pickle

    from ..transport.launch_file import import_path

    variables = seen.variables or {}
    environ = {name: variables.get(name) for name in sorted(seen.changed)}
    rest = pickle.dumps(
        {
            "sys_path": import_path(),
            "cwd": seen.cwd and os.fsdecode(seen.cwd),
            "argv": seen.argv,
            "recursion_limit": seen.limit,
            "warnings": None if seen.filters is None else _described(seen.filters),
            "log_levels": seen.levels,
            "authkey": seen.authkey,
        },
        5,
    )
    return b"%s%s%s" % (_dumped(environ), _END, rest)


def _dumped(environ: Mapping[str, str | None]) -> bytes:
    import json

    return json.dumps(environ).encode()


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


def _find_getcwd() -> bytes | None:
    """As `_working_directory`; in `_directory_soon` is from then on what keeps Python's lock.

    `os.getcwd` lets go of it, and where many jobs are started the dispatcher's thread takes it
    each time: that costs a job as much as all the rest of its start.
    """
    global _directory_soon
    try:
        import ctypes

        getcwd = ctypes.PyDLL(None).getcwd
    except (ImportError, OSError, AttributeError):
        _directory_soon = _working_directory
    else:
        getcwd.restype = ctypes.c_size_t
        length = 4096
        buffer, size = ctypes.create_string_buffer(length), ctypes.c_size_t(length)
        # It fails for a longer one, too.
        _directory_soon = lambda: buffer.value if getcwd(buffer, size) else _working_directory()  # noqa: E731
    return _directory_soon()


_directory_soon: Callable[[], bytes | None] = _find_getcwd


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
