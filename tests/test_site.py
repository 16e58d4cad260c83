"""The site that is made of the documents: whole, without anything from elsewhere."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

import gridengine
from gridengine.settings import Settings

from .documents import DOCS, ROOT

#: What a page loads by itself, by the attributes that name it; not what a reader clicks.
LOADED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "video": ("src", "poster"),
    "object": ("data",),
    "use": ("href",),
}
#: Links of a page's head that only name something.
NAMES = {"canonical", "license", "author", "next", "prev", "search", "index", "genindex"}

PUBLIC = {
    "gridengine": gridengine.__all__,
    "gridengine.schedulers": gridengine.schedulers.__all__,
    "gridengine.aio": gridengine.aio.__all__,
    "gridengine.errors": [
        name
        for name, value in vars(gridengine.errors).items()
        if isinstance(value, type) and value.__module__ == "gridengine.errors"
    ],
    "gridengine.compat.joblib": ["GridEngineBackend"],
    "gridengine.compat.gridmap": [
        *("grid_map", "process_jobs", "Job", "JobException"),
        *("DRMAANotPresentException", "install"),
    ],
}
# The site is made of the whole documentation, beside other tests.
pytestmark = pytest.mark.timeout(240)

NAMED = [f"{module}.{name}" for module, names in PUBLIC.items() for name in names]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made as `scripts/docs` makes it."""
    for library in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(library)
    folder = tmp_path_factory.mktemp("site")
    options = re.findall(r"--[\w-]+", (ROOT / "scripts" / "docs").read_text(encoding="utf-8"))
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, str(DOCS), str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=230,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder


class Loads(HTMLParser):
    """Gathers what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        names = LOADED.get(tag, ())
        if tag == "link" and not NAMES & set((given.get("rel") or "").split()):
            names = ("href",)
        self.found += [given[name] or "" for name in names if name in given]
        self.found += re.findall(r"url\(([^)]+)\)", given.get("style") or "")


def _loads(file: Path) -> Iterator[str]:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".html":
        page = Loads()
        page.feed(text)
        yield from page.found
        text = "".join(re.findall(r"<style.*?</style>", text, re.DOTALL))
    yield from re.findall(r"""(?:url\(|@import )\s*["']?([^"')]+)""", text)


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    files = [each for each in site.rglob("*") if each.suffix in {".html", ".css", ".svg"}]
    assert len(files) > 30
    outside = re.compile(r"(?:[a-z]+:)?//", re.IGNORECASE)
    assert [(each.name, it) for each in files for it in _loads(each) if outside.match(it)] == []
    scripts = "".join(each.read_text(encoding="utf-8") for each in site.rglob("*.js"))
    assert not re.search(r"""(?:fetch|import|open)\(["'`](?:https?:)?//""", scripts)


def test_what_a_page_loads_is_there(site: Path) -> None:
    missing = [
        (str(page.relative_to(site)), it)
        for page in site.rglob("*.html")
        for it in _loads(page)
        if not it.startswith(("data:", "#"))
        and not (page.parent / re.split("[?#]", it)[0]).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("name", NAMED)
def test_every_public_name_is_in_the_reference(site: Path, name: str) -> None:
    inventory = importlib.import_module("sphinx.util.inventory").InventoryFile
    with (site / "objects.inv").open("rb") as file:
        entries = inventory.load(file, "", lambda base, uri: uri)
    known = {found for kind, names in entries.items() if kind.startswith("py:") for found in names}
    module, _, alone = name.rpartition(".")
    assert name in known or (module == "gridengine" and alone in {"aio", "errors", "schedulers"})


def test_every_setting_and_every_command_is_in_the_reference(site: Path) -> None:
    settings = (site / "reference" / "settings.html").read_text(encoding="utf-8")
    for field in Settings._fields:
        assert f"GRIDENGINE_{field.upper()}<" in settings
    commands = (site / "reference" / "command-line.html").read_text(encoding="utf-8")
    assert "usage: gridengine reap" in commands


def test_what_lies_outside_of_the_documents_has_pages(site: Path) -> None:
    design = (site / "design.html").read_text(encoding="utf-8")
    assert 'href="_files/gridengine/transport/messages.py.html"' in design
    shown = (site / "_files" / "gridengine" / "transport" / "messages.py.html").read_text()
    assert "THE DRAWING" in shown or "Who says what to whom" in shown
    assert 'href="project/reporting.html"' in (site / "security.html").read_text(encoding="utf-8")
