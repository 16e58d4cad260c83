"""The tests without the cluster on every CPython that is supported and to be had.

``python -m tests.interpreters [--ends] [arguments of pytest]``, or ``scripts/interpreters``, which
also installs what that needs.

What is on the machine is taken: from the PATH, pyenv and uv. What is not comes from Debian, from
its testing suite mostly: the packages are laid into a folder of their own, where the interpreter
has its own C library and loader, so that nothing of the machine is touched and nobody needs to be
root. Then nox makes an environment for each and runs the tests there.
"""

from __future__ import annotations

import argparse
import configparser
import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from .cluster.shell import CommandError, run

_ROOT = Path(__file__).parent.parent

#: Names another folder for what was got than the user's cache.
_VARIABLE = "GRIDENGINE_PYTHONS"

#: Testing has the newest, the others what testing has dropped.
_SUITES = ("testing", "stable", "oldstable")

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

_LIMIT = 600.0  # seconds, for a slow mirror
_LISTS_LAST = 86_400.0  # seconds; interpreters are released by the month

_WHO = (
    "import platform, sys;"
    "print(platform.python_implementation(), '%d.%d' % sys.version_info[:2], sys.executable)"
)


class InterpreterUnavailable(Exception):
    """An interpreter is not on this machine and cannot be got; the message says why."""


def supported() -> list[str]:
    """Returns the versions that the metadata names, the oldest first."""
    metadata = configparser.ConfigParser()
    metadata.read(_ROOT / "setup.cfg", encoding="utf-8")
    lines = metadata["metadata"]["classifiers"].split("\n")
    versions = [line.removeprefix("Programming Language :: Python :: ") for line in lines]
    return sorted(
        (version for version in versions if version.startswith("3.")),
        key=lambda version: int(version.partition(".")[2]),
    )


def find(version: str) -> Path | None:
    """Returns the CPython of a version, ``3.12`` say, that is on this machine, or None."""
    for candidate in _candidates(version):
        # pyenv has a `python3.12` on the PATH that only says that it is not the chosen one.
        with contextlib.suppress(CommandError, OSError):
            implementation, found, path = run([str(candidate), "-c", _WHO]).split(maxsplit=2)
            if (implementation, found) == ("CPython", version):
                return Path(path.strip())
    return None


def _candidates(version: str) -> Iterator[Path]:
    name = f"python{version}"
    yield from (Path(folder, name) for folder in [f"{sys.base_prefix}/bin", *os.get_exec_path()])
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/{name}"), reverse=True)
    data = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local/share"))
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", data / "uv/python"))
    yield from sorted(uv.glob(f"cpython-{version}.*/bin/{name}"), reverse=True)
    yield _place(version) / "usr/bin" / name


def get(version: str) -> Path:
    """Gets a CPython from Debian, once.

    Raises:
        InterpreterUnavailable: It cannot be had.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise InterpreterUnavailable(f"not Debian: there is no {tool}")
    if not _KEYRING.exists():
        raise InterpreterUnavailable(f"there is no {_KEYRING}, of debian-archive-keyring")
    _folder().mkdir(parents=True, exist_ok=True)
    with open(_folder() / "lock", "w") as lock:
        # Two at a time would write into each other's lists.
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return find(version) or _install(version)
        except CommandError as error:
            raise InterpreterUnavailable(str(error)) from error


def _install(version: str) -> Path:
    mirror = _mirror()
    for suite in _SUITES:
        apt = _Apt(mirror, suite)
        apt.update()
        if apt.has(f"python{version}"):
            with tempfile.TemporaryDirectory(dir=_folder()) as folder:
                # Wheels need the C++ library, of the same age as the C library.
                laid_out = Path(folder, version)
                apt.lay_out([f"python{version}", "libstdc++6"], laid_out)
                _move_in(laid_out, version)
            return _place(version) / "usr/bin" / f"python{version}"
    raise InterpreterUnavailable(
        f"neither on this machine nor in Debian's {', '.join(_SUITES)} at {mirror}"
    )


def _move_in(laid_out: Path, version: str) -> None:
    """Brings a tree of packages to its place, and its interpreter to use what lies in it."""
    place = _place(version)
    program = laid_out / "usr/bin" / f"python{version}"
    loader = Path(run([_patchelf(), "--print-interpreter", str(program)]).strip())
    # Before it merged the two, Debian had the C library and its loader in /lib, most in /usr/lib.
    (c_library,) = (*laid_out.glob("lib/*/libc.so.6"), *laid_out.glob("usr/lib/*/libc.so.6"))
    folder = c_library.parent.relative_to(laid_out)
    libraries = [place / folder, place / "usr/lib" / folder.name]
    # A RUNPATH would not hold for what a library needs itself.
    paths = ["--force-rpath", "--set-rpath", ":".join(map(str, dict.fromkeys(libraries)))]
    paths += ["--set-interpreter", str(place / folder / loader.name)]
    run([_patchelf(), *paths, str(program)])
    for other in program.parent.iterdir():
        # They would be found on the PATH, and fail with the machine's C library.
        if other != program:
            other.unlink()
    shutil.rmtree(place, ignore_errors=True)
    laid_out.rename(place)


def _patchelf() -> str:
    return str(Path(sys.prefix) / "bin/patchelf")


def _folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get(_VARIABLE, cache / "gridengine-pythons")).absolute()


def _place(version: str) -> Path:
    return _folder() / version


def _mirror() -> str:
    """Returns the mirror of Debian from which this machine's own packages come."""
    argv = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    argv += ["Created-By: Packages", "Origin: Debian", "Label: Debian"]
    mirrors = run(argv).split()
    if not mirrors and os.geteuid() == 0:
        # As in a fresh container: apt has not looked yet whose the mirrors are.
        run(["apt-get", "update"], limit=_LIMIT)
        mirrors = run(argv).split()
    if not mirrors:
        raise InterpreterUnavailable("apt knows no mirror of Debian: `apt-get update` may help")
    return mirrors[0]


class _Apt:
    """apt for one suite, with lists of its own, and as if nothing were installed.

    The proxies and such that the machine's apt is set up with hold for it too.
    """

    def __init__(self, mirror: str, suite: str) -> None:
        self._home = _folder() / "apt" / suite
        for name in ("lists/partial", "archives/partial"):
            (self._home / name).mkdir(parents=True, exist_ok=True)
        (self._home / "status").touch()
        source = f"deb [signed-by={_KEYRING}] {mirror} {suite} main\n"
        (self._home / "sources.list").write_text(source)

    def update(self) -> None:
        """Fetches what the suite has, if that was long ago."""
        stamp = self._home / "updated"
        if not stamp.exists() or time.time() - stamp.stat().st_mtime > _LISTS_LAST:
            self._run("apt-get", "update")
            stamp.touch()

    def has(self, package: str) -> bool:
        """Tells whether the suite has a package."""
        return package in self._run("apt-cache", "pkgnames", package).split()

    def lay_out(self, packages: Sequence[str], folder: Path) -> None:
        """Unpacks packages, with all that they depend on, into a folder."""
        self._run("apt-get", "clean")
        self._run("apt-get", "install", "--yes", "--no-install-recommends", "-d", *packages)
        for archive in sorted(self._home.glob("archives/*.deb")):
            run(["dpkg-deb", "--extract", str(archive), str(folder)], limit=_LIMIT)
        self._run("apt-get", "clean")

    def _run(self, tool: str, *arguments: str) -> str:
        options = {
            "Dir::State": self._home,
            "Dir::State::status": self._home / "status",
            "Dir::Cache": self._home,
            "Dir::Etc::SourceList": self._home / "sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            # apt's own user may not see a folder of ours.
            "APT::Sandbox::User": "root",
            # As debootstrap: to run tests with, what a mirror that lags has is good enough.
            "Acquire::Check-Valid-Until": "false",
            "Acquire::Languages": "none",
        }
        argv = [tool, "-q", *(f"-o{name}={value}" for name, value in options.items())]
        return run([*argv, *arguments], limit=_LIMIT)


def collect() -> dict[str, Path]:
    """Finds or gets all that are supported, and says so; those that cannot be had are left out."""
    found: dict[str, Path] = {}
    for version in supported():
        try:
            found[version] = find(version) or get(version)
        except InterpreterUnavailable as error:
            print(f"CPython {version} cannot be had: {error}", flush=True)
        else:
            print(f"CPython {version}: {found[version]}", flush=True)
    return found


def main() -> NoReturn:
    """Runs the tests by nox."""
    parser = argparse.ArgumentParser(prog="scripts/interpreters", description=__doc__)
    parser.add_argument(
        "--ends", action="store_true", help="only on the oldest and the newest that can be had"
    )
    arguments, for_pytest = parser.parse_known_args()
    found = collect()
    if not found:
        sys.exit("none of the supported interpreters can be had")
    versions = list(found)
    if arguments.ends:
        versions = [*dict.fromkeys([versions[0], versions[-1]])]
    print(f"testing on CPython {', '.join(versions)} of {', '.join(supported())}", flush=True)
    nox = [sys.executable, "-m", "nox", "--noxfile", str(_ROOT / "noxfile.py")]
    nox += ["--session", "tests", "--python", *versions, "--", *for_pytest]
    # nox takes the first of a name on the PATH.
    path = os.pathsep.join(
        [*(str(found[version].parent) for version in versions), os.environ["PATH"]]
    )
    os.execve(sys.executable, nox, {**os.environ, "PATH": path})


if __name__ == "__main__":
    main()
