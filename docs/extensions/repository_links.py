"""Links of pages to what lies outside of ``docs/``, which work on a code host as they are.

A page at the top of the repository has a page in the site that includes it (`PAGES`): links to it,
and those in it, are bent. A link to any other file leads to a page that shows the file.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent

#: Pages at the top of the repository, and what they are in the site.
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/reporting.md",
}

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")

#: Where the pages lie that show files.
_FILES = "_files"


def _bent(text: str, written_in: Path, shown_in: Path) -> str:
    """Returns a page's text with links as they must be in the site.

    Args:
        text: The text, Markdown.
        written_in: The folder of the file that it is from.
        shown_in: The folder of the page that shows it.
    """

    def bend(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(written_in / link[1]))
        if not target.exists():
            return link[1]  # which Sphinx will complain about
        within = target.relative_to(ROOT).as_posix() if target.is_relative_to(ROOT) else ""
        if within in PAGES:
            target = DOCS / PAGES[within]
        path = os.path.relpath(target, shown_in)
        # Else MyST would look for a page where the file is Markdown.
        return path if target.is_relative_to(DOCS) else f"path:{path}"

    return _LINK.sub(bend, text)


def _read(app: Sphinx, page: str, content: list[str]) -> None:
    folder = Path(app.env.doc2path(page)).parent
    content[0] = _bent(content[0], folder, folder)


def _include(app: Sphinx, path: Path, _parent: str, content: list[str]) -> None:
    file = (Path(app.srcdir) / path).resolve()
    name = file.relative_to(ROOT).as_posix()
    if name in PAGES:
        content[0] = _bent(content[0], file.parent, (DOCS / PAGES[name]).parent)


def _show_files(app: Sphinx, document: nodes.document) -> None:
    """Has links to files lead to pages that show them, rather than have them downloaded."""
    page = app.env.docname
    for link in list(document.findall(addnodes.download_reference)):
        file = (DOCS / page).parent / link["reftarget"]
        name = Path(os.path.normpath(file)).relative_to(ROOT).as_posix()
        address = app.builder.get_relative_uri(page, f"{_FILES}/{name}")
        shown = nodes.reference("", "", refuri=address, internal=True, repository_file=name)
        shown += link.children
        link.replace_self(shown)


def _pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yields the pages that show files: of all that some page links to."""
    names = {
        link["repository_file"]
        for page in app.env.found_docs
        for link in app.env.get_doctree(page).findall(nodes.reference)
        if "repository_file" in link
    }
    for name in sorted(names):
        text = (ROOT / name).read_text(encoding="utf-8")
        shown = app.builder.highlighter.highlight_block(text, _language(name))
        title = html.escape(name)
        yield (
            f"{_FILES}/{name}",
            {"title": title, "body": f'<h1 class="file">{title}</h1>{shown}'},
            "page.html",
        )


def _language(name: str) -> str:
    from pygments.lexers import get_lexer_for_filename

    try:
        return str(get_lexer_for_filename(name).aliases[0])
    except ClassNotFound:
        return "sh" if name.startswith(("scripts/", ".ci/")) else "text"


def setup(app: Sphinx) -> dict[str, Any]:
    """Adds it to a build."""
    app.connect("source-read", _read)
    app.connect("include-read", _include)
    # Before Sphinx gathers what is to be downloaded.
    app.connect("doctree-read", _show_files, priority=400)
    app.connect("html-collect-pages", _pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
