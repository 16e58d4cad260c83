"""Pythons as a site has them: for all users to read, and not where the program's own was built.

A Python of pyenv or of a home directory is for its owner alone. A copy of it under the cluster's
own folder, with what gridengine needs and nothing else, every user of the cluster can start.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from .. import interpreters
from .shell import run

_PACKAGE = Path(__file__).parent.parent.parent / "gridengine"
_WITHOUT = shutil.ignore_patterns(
    "site-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3",
    "config-*", "*.a", "pkgconfig",
)  # fmt: skip


class PythonUnavailable(RuntimeError):
    """No such Python can be made here; the message says why."""


def own(place: Path) -> Path:
    """Make a copy of this Python, with gridengine, once; give it."""
    return _made(place, Path(sys.base_prefix), "$ORIGIN/../lib", packages=True)


def by_library_path(place: Path) -> Path:
    """Make a copy of this Python that starts only with LD_LIBRARY_PATH set, once; give it.

    Raises:
        PythonUnavailable: This Python has no library of its own.
    """
    python = _made(place, Path(sys.base_prefix), "/nowhere", packages=True)
    # As a module's Python that was built elsewhere. A Debian may have one of the same version.
    name = f"libpython{_version(place)}.so.1.0"
    if (library := place / "lib" / name).exists():
        renamed = name.removesuffix("0") + "9"
        _patch(python.resolve(), name, renamed)
        library.rename(library.with_name(renamed))
    if subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
        raise PythonUnavailable(f"{sys.base_prefix} has no libpython of its own")
    return python


def other(place: Path) -> Path:
    """Make a copy of a Python of another version, with no packages, once; give it.

    Raises:
        PythonUnavailable: There is none on this machine.
    """
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for version in interpreters.supported():
        found = None if version == this else interpreters.find(version)
        if found is not None:
            # What has its C library in the same folder could not be moved.
            prefix = Path(run([str(found), "-c", "import sys; print(sys.base_prefix)"]).strip())
            if (prefix / "lib" / f"python{version}" / "os.py").exists():
                return _made(place, prefix, "$ORIGIN/../lib", packages=False)
    raise PythonUnavailable(f"no other supported Python than {this} is on this machine")


def other_beside(place: Path, python: Path) -> Path:
    """Make a copy of a Python of another version, with all that is beside this one, once; give it.

    As where a site's nodes have another Python than its login hosts, and packages are shared: under
    the same paths lie gridengine and what it needs.

    Raises:
        PythonUnavailable: There is none on this machine.
    """
    found = other(place)
    version = _version(python.parent.parent)
    if not (place / "lib" / f"python{version}").exists():
        shutil.copytree(python.parent.parent / "lib", place / "lib", dirs_exist_ok=True)
        run(["chmod", "--recursive", "go=u-w", str(place)])
    return found


def changed_package(place: Path, package: Path, version: str) -> Path:
    """Make a copy of gridengine that says it is another version, anew; give it."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(package, place, ignore=shutil.ignore_patterns("__pycache__"))
    lobby = place / "__init__.py"
    text, changed = re.subn('__version__ = ".*"', f'__version__ = "{version}"', lobby.read_text())
    assert changed == 1
    lobby.write_text(text)
    run(["chmod", "--recursive", "go=u-w", str(place)])
    return place


def _made(place: Path, prefix: Path, libraries: str, *, packages: bool) -> Path:
    python = place / "bin/python"
    if not python.exists():
        _copy(prefix, place)
        _patch(python.resolve(), str(prefix / "lib"), libraries)
        if packages:
            _add_packages(place)
    return python


def _patch(program: Path, old: str, new: str) -> None:
    """Replace a text in a program, its RUNPATH say, by one that is no longer."""
    before, after = (text.encode() + b"\0" for text in (old, new))
    program.write_bytes(program.read_bytes().replace(before, after.ljust(len(before), b"\0")))


def _copy(prefix: Path, place: Path) -> None:
    version = _version(prefix)
    name = f"python{version}"
    (place / "bin").mkdir(parents=True, exist_ok=True)
    (place / "lib").mkdir(exist_ok=True)
    shutil.copytree(prefix / "lib" / name, place / "lib" / name, ignore=_WITHOUT)
    for library in (prefix / "lib").glob("libpython*.so*"):
        shutil.copy2(library, place / "lib", follow_symlinks=False)
    shutil.copy2((prefix / "bin" / name).resolve(), place / "bin" / name)
    for link in ("python", "python3"):
        (place / "bin" / link).symlink_to(name)
    run(["chmod", "--recursive", "go=u-w", str(place)])


def _version(prefix: Path) -> str:
    names = (path.name for path in (prefix / "bin").glob("python3.*"))
    return next(m[1] for name in names if (m := re.fullmatch(r"python(3\.\d+)", name)))


def _add_packages(place: Path) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    folder = place / "lib" / f"python{version}" / "site-packages"
    folder.mkdir()
    for name in {"drmaa", *_required("gridengine")}:
        _copy_distribution(metadata.distribution(name), folder)
    shutil.copytree(_PACKAGE, folder / "gridengine", ignore=shutil.ignore_patterns("__pycache__"))
    run(["chmod", "--recursive", "go=u-w", str(folder)])


def _required(name: str) -> Iterator[str]:
    for requirement in map(Requirement, metadata.distribution(name).requires or ()):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name


def _copy_distribution(distribution: metadata.Distribution, folder: Path) -> None:
    for file in distribution.files or ():
        if ".." not in file.parts:
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(distribution.locate_file(file)), target)
