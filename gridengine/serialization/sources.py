"""The source of the user's modules: what it comes to, and which modules of the user's it uses.

A module uses what it imports, at its top or in any function, as the names in its code say, and
where functions, classes and instances come from that it holds otherwise. It need not be loaded:
what a function imports when it is called is found where the import will find it, and nothing is
executed for that. A module whose name is made up while the program runs is not seen.
"""

from __future__ import annotations

import ast
import dis
import hashlib
import importlib.util
import os
import sys
import time
import types
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .by_value.importability import find_spec
from .code_changes import is_own_source, own_source

_IMPORT = dis.opmap["IMPORT_NAME"]


class _Module(NamedTuple):
    digest: bytes
    uses: list[str]


class Sources:
    """What was found so far of the user's modules."""

    def __init__(self) -> None:
        self._found: dict[str, _Module | None] = {}

    def of(self, names: Iterable[str]) -> list[tuple[str, bytes]]:
        """Returns the digests of some modules and all that these use, if they are the user's."""
        used: dict[str, bytes] = {}
        seen: set[str] = set()
        left = list(names)
        while left:
            name = left.pop()
            if name in seen:
                continue
            seen.add(name)
            if name not in self._found:
                self._found[name] = _looked_at(name)
            module = self._found[name]
            if module is not None:
                used[name] = module.digest
                left += module.uses
        return sorted(used.items())


def imported(code: types.CodeType, package: str | None) -> Iterator[str]:
    """Yields the names of what may be modules that some code imports, functions in it included.

    Args:
        code: It.
        package: That to which the names of relative imports are relative; None if there is none.
    """
    if _IMPORT in code.co_code[::2]:
        yield from _imported_here(code, package)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from imported(constant, package)


def _imported_here(code: types.CodeType, package: str | None) -> Iterator[str]:
    steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
    for at, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":
            # Before it are loaded how many dots there are, and the names that are taken from it.
            level, names = (before.argval for before in steps[at - 2 : at])
            name = _absolute(str(step.argval), level, package)
            if name:
                yield from _with_parents(name)
            if name and isinstance(names, tuple):
                yield from (f"{name}.{each}" for each in _taken(name, names))


def _absolute(name: str, level: int, package: str | None) -> str:
    """Returns the whole name of what is imported; nothing if the import will fail."""
    try:
        return importlib.util.resolve_name("." * level + name, package)
    except ImportError:
        return ""


def _with_parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]


def _taken(name: str, names: Iterable[str]) -> Iterable[str]:
    """Returns the names that ``from name import names`` takes."""
    if "*" not in names:
        return names
    found = _attribute(sys.modules.get(name), "__dict__") or {}
    return [each for each in found.get("__all__") or () if isinstance(each, str)]


def _looked_at(name: str) -> _Module | None:
    """Returns what a module comes to; None if it is none of the user's."""
    spec = _spec(name)
    path = own_source(name, spec)
    if path is None:
        return None
    uses = [*_with_parents(name), *_held(name)]
    try:
        digest, imports = _read(path, spec.parent)
    except OSError:
        # In an archive, or gone: its name must do.
        return _Module(b"", uses)
    return _Module(digest, [*uses, *imports])


class _Read(NamedTuple):
    stamp: tuple[object, ...]
    digest: bytes
    imports: list[str]


#: What was read, by the file's path and the package of its module: to read one takes milliseconds,
#: and a program may have hundreds, and map many times.
_known: dict[tuple[str, str], _Read] = {}

#: Nanoseconds for which a file that was written may be written again, and look the same: there are
#: file systems whose times are whole seconds, and those of FAT are even ones.
_SETTLED = 2_500_000_000


def _read(path: str, package: str) -> tuple[bytes, list[str]]:
    """Returns what a source comes to, and what it imports.

    Raises:
        OSError: It cannot be read.
    """
    known = _known.get((path, package))
    # Opened also to look at its times: those of a network file system may be old ones else.
    with open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if known is not None and known.stamp == _stamp(status):
            return known.digest, known.imports
        source = file.read()
    try:
        digest, imports = _meaning(source, path, package)
    except (SyntaxError, ValueError, RecursionError):
        # It is being edited, or deeper than anybody writes; or this call is in deep recursion, and
        # the next one may not be.
        return _digest(source), []
    if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED:
        _known[path, package] = _Read(_stamp(status), digest, imports)
    return digest, imports


def _stamp(status: os.stat_result) -> tuple[object, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _meaning(source: bytes, path: str, package: str) -> tuple[bytes, list[str]]:
    tree = ast.parse(source)
    code = compile(tree, path, "exec", dont_inherit=True)
    # Not of the code, in which a class has the number of its first line (from 3.13 on).
    meaning = ast.dump(tree).encode(errors="surrogatepass")
    return _digest(meaning), list(imported(code, package))


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _held(name: str) -> Iterator[str]:
    """Yields the names of modules from which there is something in a module that is loaded."""
    for value in list((_attribute(sys.modules.get(name), "__dict__") or {}).values()):
        if isinstance(value, types.ModuleType):
            found = _attribute(value, "__name__")
        elif isinstance(value, (types.FunctionType, type)):
            found = value.__module__
        else:
            found = type(value).__module__
        if isinstance(found, str):
            yield found


def _spec(name: str) -> Any:
    """Returns how a module was found, or will be; None if it is not. Executes nothing."""
    module = sys.modules.get(name)
    if module is not None:
        return _attribute(module, "__spec__")
    parent = name.rpartition(".")[0]
    path = None
    if parent:
        spec = _spec(parent)
        path = getattr(spec, "submodule_search_locations", None)
        origin = getattr(spec, "origin", None)
        # One without is a namespace, which may be spread over several folders.
        if path is None or (origin is not None and not is_own_source(origin)):
            return None
    elif name in sys.stdlib_module_names:
        return None
    try:
        return find_spec(name, path)
    except Exception:
        # Of a finder of the user's.
        return None


def _attribute(module: Any, name: str) -> Any:
    """Returns an attribute of a module; None if it has none.

    One that is about to be loaded is not loaded by that, as it is by any other look.
    """
    try:
        return object.__getattribute__(module, name)
    except AttributeError:
        return None
