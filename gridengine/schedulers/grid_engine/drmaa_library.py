"""Finds the DRMAA library of a Grid Engine, and the environment that it needs to be loaded.

Nothing here loads the library, or starts a process: on a laptop without one the answer has to
cost next to nothing.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...errors import SchedulerUnavailable

_NAMES = ("libdrmaa.dylib",) if sys.platform == "darwin" else ("libdrmaa.so", "libdrmaa.so.*")
_LOADER_PATH = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"
_LOADER_CACHE = Path("/etc/ld.so.cache")

_PLACES = (
    "/usr/lib/gridengine-drmaa/lib",  # Debian, Ubuntu
    "/usr/lib*/gridengine*",  # Fedora, EPEL
    "/usr/lib*/gridengine*/lib",
    "/usr/share/gridengine/lib/*",
    "/opt/*/lib/*-*",  # /opt/sge, /opt/uge-8.6.4, /opt/ogs: lib/lx-amd64
    "/opt/*/*/lib/*-*",
    "/gridware/*/lib/*-*",
    "/usr/local/sge/lib/*",
    "/usr/local/lib",
    "/usr/lib",
    "/usr/lib64",
)
_ROOTS = ("/var/lib/gridengine", "/usr/share/gridengine", "/opt/sge", "/opt/gridengine")

# Allocators with thread-local data that a running process has no room left for.
_ALLOCATOR = re.compile(rb"\0(lib(?:jemalloc|tcmalloc)[\w.-]*\.so[.\d]*)\0")


def find(environ: Mapping[str, str] | None = None) -> Path | None:
    """Returns the library's path, None if there is none."""
    environ = os.environ if environ is None else environ
    if given := environ.get("DRMAA_LIBRARY_PATH"):
        return Path(given) if os.path.exists(given) else None
    return next((path for folder in _folders(environ) for path in _libraries(folder)), None)


def require() -> Path:
    """Returns the library's path.

    Raises:
        SchedulerUnavailable: DRMAA cannot be used here, as far as that can be told without trying.
    """
    library = find()
    if (reason := problem(library)) is not None or library is None:
        raise SchedulerUnavailable(f"no Grid Engine here: {reason}")
    return library


def problem(library: Path | None, environ: Mapping[str, str] | None = None) -> str | None:
    """Says why DRMAA cannot be used here, as far as that can be told without trying."""
    environ = os.environ if environ is None else environ
    if library is None:
        if given := environ.get("DRMAA_LIBRARY_PATH"):
            return f"DRMAA_LIBRARY_PATH={given} does not exist"
        return (
            "no DRMAA library found in DRMAA_LIBRARY_PATH, $SGE_ROOT/lib, the loader's path and "
            "the usual places; set DRMAA_LIBRARY_PATH to your libdrmaa.so"
        )
    if importlib.util.find_spec("drmaa") is None:
        from ... import extras

        install = extras.command("cluster")
        return f"{library} is here, but not the Python package drmaa: {install}"
    if root(library, environ) is None:
        return f"SGE_ROOT is not set, and no Grid Engine's files are in {', '.join(_ROOTS)}"
    return None


def signs(environ: Mapping[str, str] | None = None) -> list[str]:
    """Returns what makes one think that this host belongs to a cluster."""
    environ = os.environ if environ is None else environ
    found = [f"{name}={environ[name]}" for name in ("SGE_ROOT", "SGE_CELL") if environ.get(name)]
    if (library := find(environ)) is not None:
        found.append(str(library))
    # Not `shutil.which`, whose import takes longer than all of this.
    for folder in environ.get("PATH", "").split(os.pathsep):
        if folder and os.access(path := os.path.join(folder, "qstat"), os.X_OK):
            found.append(path)
            break
    return found


def root(library: Path, environ: Mapping[str, str]) -> str | None:
    """Returns SGE_ROOT, or where its files are if it is not set."""
    if given := environ.get("SGE_ROOT"):
        return given
    cell = environ.get("SGE_CELL", "default")
    # .../lib/lx-amd64/libdrmaa.so lies in the root itself, if it is not a distribution's.
    for folder in (*(str(parent) for parent in library.parents[1:3]), *_ROOTS):
        if os.path.exists(f"{folder}/{cell}/common/act_qmaster"):
            return folder
    return None


def environment(library: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the environment of a process that can load the library."""
    made = dict(os.environ if environ is None else environ)
    made["DRMAA_LIBRARY_PATH"] = str(library)
    if found := root(library, made):
        made["SGE_ROOT"] = found
    if allocator := _allocator(library):
        made["LD_PRELOAD"] = ":".join(filter(None, (allocator, made.get("LD_PRELOAD"))))
    return made


def _allocator(library: Path) -> str | None:
    try:
        match = _ALLOCATOR.search(library.read_bytes())
    except OSError:
        return None
    if match is None:
        return None
    name = match[1].decode()
    beside = library.parent / name
    return str(beside) if beside.exists() else name  # the loader finds a bare name by itself


def _folders(environ: Mapping[str, str]) -> Iterator[str]:
    if given := environ.get("SGE_ROOT"):
        yield from sorted(glob.glob(f"{glob.escape(given)}/lib/*"))
    yield from filter(None, environ.get(_LOADER_PATH, "").split(os.pathsep))
    yield from _cached_folders()
    for place in _PLACES:
        yield from sorted(glob.glob(place))


def _cached_folders() -> Iterator[str]:
    """The folders in which the loader has seen one."""
    try:
        cache = _LOADER_CACHE.read_bytes()
    except OSError:
        return
    for match in re.finditer(rb"(/[^\0]*)/libdrmaa\.so[^\0/]*\0", cache):
        yield os.fsdecode(match[1])


def _libraries(folder: str) -> Iterator[Path]:
    for name in _NAMES:
        yield from map(Path, sorted(glob.glob(f"{glob.escape(folder)}/{name}")))
