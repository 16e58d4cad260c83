"""What the reference takes from the code, so that no page has a copy of it.

``.. settings::`` is the table of `gridengine.settings.Settings`, ``.. command-line::`` the help of
each command.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from gridengine.cli import main
from gridengine.cli.settings_table import all_settings


def settings_table() -> list[str]:
    """Returns the table of all settings, as lines of reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 30 10 60", ""]
    rows = [("variable", "default", "what it is, what it takes, and what says it in a program")]
    for setting in all_settings():
        default = f"``{setting.default}``" if setting.default else ""
        said = " or ".join(_as_code(each) for each in setting.argument.split("; "))
        text = f"{setting.meaning} Takes: {setting.takes}. In a program: {said}."
        rows.append((f"``{setting.variable}``", default, text))
    for first, *others in rows:
        lines += [f"   * - {first}", *(f"     - {each}" for each in others)]
    return lines


def _as_code(argument: str) -> str:
    code, of, whose = argument.partition(" of ")
    return f"``{code}``{of}{whose}"


class SettingsTable(SphinxDirective):
    """The table of all settings."""

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes("\n".join(settings_table()))


def helps() -> dict[str, str]:
    """Returns what ``--help`` prints of the program and of each of its commands, by its name."""
    os.environ["COLUMNS"] = "80"
    parser = main.parser()
    [commands] = [
        action.choices
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    return {each.prog: each.format_help() for each in (parser, *commands.values())}


class CommandLine(SphinxDirective):
    """The help of the program and of each command."""

    def run(self) -> list[nodes.Node]:
        shown: list[nodes.Node] = []
        for prog, text in helps().items():
            section = nodes.section(ids=[nodes.make_id(prog)], names=[prog])
            section += nodes.title("", "", nodes.literal("", prog))
            section += nodes.literal_block(text, text, language="text")
            shown.append(section)
        return shown


def _from_the_package(
    app: Sphinx, env: BuildEnvironment, link: addnodes.pending_xref, shown: nodes.Element
) -> nodes.reference | None:
    """Finds what docstrings of a module call by the name that it has in `gridengine`."""
    target = link["reftarget"]
    if link["refdomain"] != "py" or "." in target:
        return None
    python = env.domains.python_domain
    page = link["refdoc"]
    return python.resolve_xref(
        env, page, app.builder, link["reftype"], f"gridengine.{target}", link, shown
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Adds it to a build."""
    app.add_directive("settings", SettingsTable)
    app.add_directive("command-line", CommandLine)
    app.connect("missing-reference", _from_the_package)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
