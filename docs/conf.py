"""How Sphinx makes a site of these pages; ``scripts/docs`` calls it.

The pages are to be read on a code host too. So they are Markdown, their links are relative ones to
files of the repository, and what it takes to have these work in the site is in ``extensions``.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "extensions"), str(HERE.parent)]

from gridengine import __version__  # noqa: E402  # the clone's own, wherever that is

project = "gridengine"
author = "The gridengine developers"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "repository_links",
    "from_the_code",
]
exclude_patterns = ["extensions", "pictures"]

# ---------------------------------------------------------------------- pages

myst_heading_anchors = 4

# ------------------------------------------------------------------ reference

add_module_names = False
autodoc_member_order = "bysource"
# Docstrings say what arguments are; the overloads of `map` would fill a screen.
autodoc_typehints = "none"
napoleon_numpy_docstring = False
# In docstrings one pair of backticks has a name of Python, which is a link where it has a page.
default_role = "py:obj"
nitpick_ignore_regex = [
    # Some are names of modules within, for those who read the code.
    ("py:obj", r".*"),
    # Of the standard library, whose pages are elsewhere.
    ("py:class", r"TracebackType|collections\.abc\..*"),
]

# ---------------------------------------------------------------------- looks

html_theme = "furo"
html_title = f"gridengine {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
