"""Whether the code of imported modules has changed since workers may have imported it.

A worker imports a module once. If the program executes it anew (``importlib.reload``, or an import
after it was taken out of `sys.modules`), or patches it in place from its changed source
(``%autoreload``), the worker has what the program has no more, and must be replaced.

Looked at are all modules but those of Python and of installed packages. That a module was executed
anew its spec says, which is another object then. What is patched in place says nothing; but it is
done when the source has changed, and then the functions of the module are others, or have other
code. A source that has changed alone means nothing: the program has the old code still.
"""

from __future__ import annotations

import _thread
import operator
import os
import sys
import time
from types import FunctionType, ModuleType
from typing import Any

from .by_value import forget_importability

#: Seconds from the look for a job to that for the next in which no module can have been executed,
#: nor patched: to read a source and to compile it takes longer. So many jobs at once, one after
#: the other, cost no look each.
_TO_EXECUTE = 0.0001
_TO_PATCH = 0.001

#: Seconds after which there is a look in any case: another thread may be at it.
_LONG = 0.1

_STANDARD_LIBRARY = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_OWN = __name__.partition(".")[0]

_spec_of = operator.attrgetter("__spec__")


class CodeChanges:
    """Watches the modules of the program.

    Attributes:
        version: How often code has changed so far.
        hurried: Whether the last look came so soon after the one before that it asked nothing of
            the system.
    """

    def __init__(self) -> None:
        self.version = 0
        self.hurried = False
        self._lock = _thread.allocate_lock()
        self._judged: set[str] = set()
        self._loaded = 0
        self._watched: list[_Watched] = []
        # Of all that are watched, to be compared at once.
        self._names: list[str] = []
        self._modules: list[Any] = []
        self._specs: list[object] = []
        self._asked = self._thorough = 0.0

    def look(self) -> None:
        """Notes what has changed."""
        now = time.perf_counter()
        gap = now - self._asked
        self.hurried = gap < _TO_PATCH and now - self._thorough < _LONG
        if gap > _TO_EXECUTE or not self.hurried:
            with self._lock:
                self._look()
        # When it is over: to ask about many modules takes longer than what is to be told from it.
        self._asked = time.perf_counter()
        if not self.hurried:
            self._thorough = self._asked

    def _look(self) -> None:
        changed = False
        if not self._all_the_same():
            # Each of them notes what it is now.
            changed = any([watched.is_executed_anew() for watched in self._watched])  # noqa: C419
            self._list()
        if len(sys.modules) != self._loaded:
            self._find_modules()
        if not self.hurried:
            changed |= any([watched.is_patched() for watched in self._watched])  # noqa: C419
        if changed:
            self.version += 1
            forget_importability()

    def _all_the_same(self) -> bool:
        try:
            return (
                list(map(sys.modules.get, self._names)) == self._modules
                # A new spec equals the one before.
                and all(map(operator.is_, map(_spec_of, self._modules), self._specs))
            )
        except AttributeError:
            # One of them has no spec any more.
            return False

    def _find_modules(self) -> None:
        self._loaded = len(sys.modules)
        for name in sys.modules.keys() - self._judged:
            module = sys.modules.get(name)
            if module is not None and type(module) is not ModuleType:
                # It may be about to be loaded: to look into it would have it be so.
                continue
            self._judged.add(name)
            path = None if module is None else source_of(name, module)
            if module is not None and path is not None:
                self._watched.append(_Watched(name, module, path))
        self._list()

    def _list(self) -> None:
        self._names = [watched.name for watched in self._watched]
        self._modules = [watched.module for watched in self._watched]
        self._specs = [watched.spec for watched in self._watched]


def source_of(name: str, module: ModuleType) -> str | None:
    """Returns where the source of one of the program's own modules lies; None for all others."""
    return own_source(name, getattr(module, "__spec__", None))


def own_source(name: str, spec: object) -> str | None:
    """As `source_of`, of a module of which it is known how it is found, loaded or not."""
    if name in ("__main__", "__mp_main__") or name.partition(".")[0] == _OWN:
        return None
    path = getattr(spec, "origin", None)
    return path if isinstance(path, str) and is_own_source(path) else None


def is_own_source(path: str) -> bool:
    """Tells whether a file is a source, and neither Python's nor that of an installed package."""
    return (
        path.endswith(".py")
        and not path.startswith(_STANDARD_LIBRARY)
        and not any(part in path for part in _INSTALLED)
    )


class _Watched:
    """A module as it was at the last look."""

    def __init__(self, name: str, module: ModuleType, path: str) -> None:
        self.name = name
        self._path = path
        self._note(module)

    def _note(self, module: ModuleType) -> None:
        self.module = module
        self.spec = getattr(module, "__spec__", None)
        self._source = self._stamp()
        self._contents = _contents(module)
        self._edited = False

    def is_executed_anew(self) -> bool:
        """Returns True once if it is another module than it was, or was executed once more."""
        module = sys.modules.get(self.name)
        # One that was taken out may come back, as another.
        if module is None or (
            module is self.module and getattr(module, "__spec__", None) is self.spec
        ):
            return False
        self._note(module)
        return True

    def is_patched(self) -> bool:
        """Returns True once if the source has changed, and the module with it since."""
        source = self._stamp()
        if source != self._source:
            self._source = source
            self._edited = True
        if not self._edited:
            return False
        contents = _contents(self.module)
        if contents == self._contents:
            return False
        self._contents = contents
        self._edited = False
        return True

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size


def _contents(module: ModuleType) -> list[Any]:
    """Returns what of a module is another when its code is."""
    parts: list[Any] = []
    # Where sources are patched in, constants are too. Elsewhere they change as the program runs.
    constants = "IPython.extensions.autoreload" in sys.modules
    _note(vars(module), module.__name__, parts, constants)
    return parts


def _note(namespace: Any, module: str, parts: list[Any], constants: bool) -> None:
    for name, value in list(namespace.items()):
        if isinstance(value, (staticmethod, classmethod)):
            value = value.__func__
        elif isinstance(value, property):
            value = value.fget
        if isinstance(value, FunctionType):
            parts += name, id(value), _Code(value.__code__)
        elif isinstance(value, type):
            parts += name, id(value)
            if value.__module__ == module and name == value.__name__:
                _note(vars(value), module, parts, constants)
        elif constants and not name.startswith("__"):
            parts += name, id(value)


class _Code:
    """Equals another if both are the very same code, which it keeps."""

    __slots__ = ("code",)

    def __init__(self, code: object) -> None:
        self.code = code

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Code) and other.code is self.code

    __hash__ = None  # type: ignore[assignment]


WATCH = CodeChanges()
"""That of this program."""


def _start_anew() -> None:
    """In a fork of this program: another thread may have been looking."""
    WATCH._lock = _thread.allocate_lock()


os.register_at_fork(after_in_child=_start_anew)
