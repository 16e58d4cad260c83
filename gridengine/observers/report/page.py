"""The page: its template filled in, and written."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from importlib import resources
from typing import Any

from ... import extras
from ...errors import GridEngineError
from ...logs import printable
from .records import About
from .run_facts import RunFacts

#: The libraries of the extra; numpy comes with matplotlib.
_LIBRARIES = ("matplotlib", "jinja2")


def check() -> None:
    """Raises if a library is missing; imports none.

    Raises:
        ModuleNotFoundError: It is, with what to install.
    """
    for library in _LIBRARIES:
        if importlib.util.find_spec(library) is None:
            raise ModuleNotFoundError(
                f"a report needs {library}, which is not installed: {extras.command('report')}",
                name=library,
            )


def checked_path(given: Any) -> str:
    """Returns where a page is to be written, seen from the program's own directory.

    Raises:
        TypeError: It is no path.
        ValueError: No file can be there.
    """
    try:
        path = os.fsdecode(given)
    except TypeError:
        raise TypeError(
            f"report is {given!r}; it takes the path of a file, such as 'run.html'"
        ) from None
    if not path or "\0" in path:
        raise ValueError(f"report is {given!r}; it takes the path of a file, such as 'run.html'")
    path = os.path.abspath(os.path.expanduser(path))
    folder = os.path.dirname(path)
    if os.path.isdir(path):
        raise ValueError(f"report is {given!r}, which is a directory; it takes the path of a file")
    if not os.path.isdir(folder):
        raise ValueError(f"report is {given!r}, but there is no directory {folder}")
    try:
        # Rights do not say all: not of root, nor of a network's file system.
        descriptor, tried = _new_file(path)
        os.close(descriptor)
        os.unlink(tried)
    except OSError as error:
        raise ValueError(
            f"report is {given!r}, but nothing can be written there: {error}"
        ) from None
    return path


def _new_file(path: str) -> tuple[int, str]:
    """Returns a descriptor of a new file beside this one, and its path."""
    folder, name = os.path.split(path)
    unfinished = os.path.join(folder, f".{name[:100]}.{os.urandom(4).hex()}")
    # As the umask says who may read it, as of any file that a program writes.
    return os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), unfinished


def page(facts: RunFacts, about: About) -> str:
    """Returns the page of a run, as HTML that needs nothing else.

    Raises:
        ModuleNotFoundError: A library is missing.
    """
    with extras.needed("report", "a report"):
        import jinja2

        from . import plots, requests
        from .figures import Figures
    figures = Figures(facts, about)
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
    )
    template = resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    return environment.from_string(template).render(
        figures=figures,
        plots=plots.plots(figures),
        colours=plots.colours(figures),
        time_formula=requests.TIME_FORMULA,
        memory_formula=requests.MEMORY_FORMULA,
    )


def _printable(value: Any) -> Any:
    return printable(value) if type(value) is str else value


def write(path: str, text: str) -> None:
    """Writes a page; what was there is replaced when all of it is written.

    Raises:
        GridEngineError: It cannot be written.
    """
    try:
        descriptor, unfinished = _new_file(path)
        try:
            with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            os.replace(unfinished, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(unfinished)
            raise
    except OSError as error:
        raise GridEngineError(f"the report {path} cannot be written: {error}") from None
