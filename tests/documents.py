"""The documents, and the code in them as programs.

What can be said behind the language of a block: ``python cluster``, to be run on a Grid Engine
alone; ``python slurm``, on a Slurm; ``python no-run``, which need only compile;
``python notebook``, cells, which a kernel runs elsewhere; ``text printed``, what the page's
blocks print.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"

#: All pages, by what one calls them.
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in (
        *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CHANGELOG")),
        *sorted(DOCS.rglob("*.md")),
    )
}

#: What the code in documents imports that is not everywhere.
OPTIONAL = {"anyio", "dask", "IPython", "joblib", "numpy", "pandas", "scipy", "sklearn", "tqdm"}
OPTIONAL |= {"drmaa", "matplotlib", "numba", "torch", "trio"}

_BLOCK = re.compile(r"^( *)```([\w{}-]+)( [^\n]*)?\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)

_IMPORT = re.compile(r"^ *(?:import|from) +(\w+)", re.MULTILINE)

#: Compares what an interactive session prints with what stands there.
_SESSION = (
    "import doctest as _doctest; assert not _doctest.DocTestRunner().run(_doctest.DocTestParser()"
    ".get_doctest({text!r}, globals(), 'session', 'document.py', {line}), clear_globs=False).failed"
)


class Block(NamedTuple):
    """A block of code in a document.

    Attributes:
        language: What it is.
        about: What is said about it behind the language.
        text: The code.
        line: The number of its first line in the document, from 0.
    """

    language: str
    about: str
    text: str
    line: int


def blocks(path: Path) -> list[Block]:
    """Returns all blocks of code of a document."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(
            found[2],
            (found[3] or "").strip(),
            re.sub(f"^{found[1]}", "", found[4], flags=re.MULTILINE),
            text.count("\n", 0, found.start(4)),
        )
        for found in _BLOCK.finditer(text)
    ]


def program(given: Iterable[Block], *kinds: str) -> str:
    """Returns the Python blocks as one program, each where it stands in its document.

    Args:
        given: The blocks of the document.
        kinds: What may be said about those that are taken; the others are left out.
    """
    lines: list[str] = []
    for block in given:
        if block.about not in kinds or block.language not in {"python", "pycon"}:
            continue
        # So the line numbers of a traceback are those of the document.
        lines += [""] * (block.line - len(lines))
        if block.language == "python":
            lines += block.text.splitlines()
        else:
            lines.append(_SESSION.format(text=block.text, line=block.line))
    return "\n".join([*lines, ""])


def printed(given: Iterable[Block]) -> str:
    """Returns what the document says that its program prints."""
    return "".join(
        block.text for block in given if (block.language, block.about) == ("text", "printed")
    )


def libraries(code: str) -> set[str]:
    """Returns which of the libraries that are not everywhere a program imports."""
    return OPTIONAL & set(_IMPORT.findall(code))


def commands(given: Iterable[Block]) -> Iterator[list[str]]:
    """Yields the commands of blocks of shell, without comments and redirections."""
    for block in given:
        if block.language in {"sh", "bash", "console"}:
            for line in block.text.replace("\\\n", " ").splitlines():
                for part in line.partition(" #")[0].split(" | "):
                    if words := part.partition(" > ")[0].split():
                        yield words
