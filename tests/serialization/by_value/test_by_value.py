"""Functions and classes of ``__main__`` between fresh interpreters; see harness.py.

And what can be told without another interpreter: fingerprints, and what is importable.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import os
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gridengine.serialization import by_value
from gridengine.serialization.by_value import importability

HERE = Path(__file__).parent
PROGRAMS = [
    "functions",
    "callables",
    "modules",
    "classes",
    "hierarchies",
    "enums",
    "stdlib",
    "exceptions",
]
DEF_CASE = re.compile(r"^ *def (case_\w+)", re.MULTILINE)


def source(program: str) -> str:
    return (HERE / f"{program}.py").read_text(encoding="utf-8")


def cases(program: str, version: tuple[int, int] = sys.version_info[:2]) -> list[str]:
    """Returns the cases that a program has on a version of Python, by the conditions in it."""
    tree = ast.parse(source(program))
    # Its texts with a syntax that the oldest Python does not have, for `exec`.
    texts = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    names = {"sys": types.SimpleNamespace(version_info=version), "__name__": program}
    return list(_cases(tree.body, texts, names))


def _cases(body: list[ast.stmt], texts: dict[str, Any], names: dict[str, Any]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("case_"):
            yield node.name
        elif isinstance(node, ast.If):
            holds = eval(compile(ast.Expression(node.test), "a condition", "eval"), names)
            yield from _cases(node.body if holds else node.orelse, texts, names)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            for argument in node.value.args:
                if isinstance(argument, ast.Name):
                    yield from DEF_CASE.findall(texts.get(argument.id, ""))


CASES = [(program, case) for program in PROGRAMS for case in cases(program)]


@functools.cache
def outcomes(program: str) -> dict[str, str]:
    path = os.pathsep.join([str(HERE.parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-W", "error", str(HERE / f"{program}.py")],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(("program", "case"), CASES, ids=lambda part: part.removeprefix("case_"))
def test_by_value(program: str, case: str) -> None:
    outcome = outcomes(program).get(case, "it did not run")
    assert not outcome, outcome


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_case_is_overlooked(program: str) -> None:
    # What is written there runs on some version, and what runs here is looked at.
    assert DEF_CASE.findall(source(program)) == cases(program, (99, 0))
    assert outcomes(program).keys() == set(cases(program)) != set()


def module_by_hand(text: str) -> types.ModuleType:
    """Returns a module that no worker can import."""
    module = types.ModuleType("by_hand")
    exec(text, vars(module))
    return module


# ---------------------------------------------------------------------- fingerprints


CHANGES = {
    "a global": lambda code: setattr(code, "K", 2),
    "a global's type": lambda code: setattr(code, "K", True),
    "a global's sign": lambda code: setattr(code, "Z", -0.0),
    "a new global": lambda code: setattr(code, "LATER", 1),
    "a module": lambda code: setattr(code, "json", os),
    "a helper": lambda code: exec("def helper(x): return 5", code.__dict__),
    "a helper's global": lambda code: setattr(code, "H", "b"),
    "a default": lambda code: setattr(code.f, "__defaults__", (8,)),
    "code": lambda code: setattr(code.helper, "__code__", (lambda x: 6).__code__),
    "a variable": lambda code: code.change(5),
    "a class attribute": lambda code: setattr(code.C, "n", 2),
    "a method's global": lambda code: setattr(code, "M", 2),
    "a base's attribute": lambda code: setattr(code.B, "b", 2),
    "an enumeration": lambda code: setattr(code, "E", code.make_enum()),
}
CODE = """
import json, enum
K, Z, H, M = 1, 0.0, "a", (1, (2,))
def helper(x): return H
class B:
    b = 1
class C(B):
    n = 1
    def m(self): return M
    @property
    def p(self): return M
    @staticmethod
    def s(): return M
def make_enum():
    return enum.Enum("E", "A B")
E = make_enum()
def outer():
    v = 4
    def f(x=7): return K, Z, helper(x), v, json, LATER, C, len, E
    def change(value):
        nonlocal v
        v = value
    return f, change
f, change = outer()
"""


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_fingerprint_changes_with(change: Callable[[Any], None]) -> None:
    code: Any = module_by_hand(CODE)
    before = by_value.fingerprint(code.f)
    assert before is not None
    assert by_value.fingerprint(code.f) == before
    change(code)
    after = by_value.fingerprint(code.f)
    assert after != before
    assert after is not None


@pytest.mark.parametrize(
    "text",
    [
        "K = [1]\ndef f(): return K",
        "class C:\n    items = []\ndef f(): return C",
        "def outer():\n    k = {}\n    return lambda: k\nf = outer()",
        "def f(x=[]): return x",
        "class C: pass\nK = C()\ndef f(): return K",
        "def helper(): return []\nhelper.cache = {}\ndef f(): return helper",
    ],
)
def test_no_fingerprint_of_what_can_change_within(text: str) -> None:
    assert by_value.fingerprint(module_by_hand(text).f) is None


def test_fingerprint_of_recursion() -> None:
    code: Any = module_by_hand("def f(n): return g(n)\ndef g(n): return f(n)")
    assert by_value.fingerprint(code.f) == by_value.fingerprint(code.f) is not None


# ---------------------------------------------------------------------- importable


def test_importable() -> None:
    known: tuple[Any, ...] = (
        json.dumps,
        json.JSONDecoder.decode,
        os.path.join,
        np.mean,
        np.ndarray,
        Path,
    )
    for obj in known:
        assert by_value.importable(obj)
    for obj in (outcomes, by_value.reduce, pytest.raises):
        assert by_value.importable(obj) is importability.module_importable(obj.__module__)
    assert not by_value.importable(lambda: 1)
    assert not by_value.importable(module_by_hand("def f(): pass").f)
    assert not by_value.importable(3)


def test_a_monkeypatched_name_is_not_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    original = json.dumps
    monkeypatch.setattr(json, "dumps", lambda: None)
    assert not by_value.importable(original)
    assert not by_value.importable(json.dumps)


@pytest.mark.parametrize("on_path", [True, False])
@pytest.mark.parametrize("name", ["a_module_here", "a_package_here.part"])
def test_a_file_counts_as_importable_where_the_path_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, on_path: bool
) -> None:
    (tmp_path / "a_module_here.py").write_text("def f(): pass")
    (tmp_path / "a_package_here").mkdir()
    (tmp_path / "a_package_here" / "part.py").write_text("def f(): pass")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(name)
    importability.forget()
    if not on_path:
        sys.path.remove(str(tmp_path))
        sys.path_importer_cache.clear()
    assert by_value.importable(module.f) is on_path
    for each in name, name.partition(".")[0]:
        sys.modules.pop(each, None)
    importability.forget()


def test_another_file_of_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "twin_module.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    elsewhere = tmp_path / "elsewhere.py"
    elsewhere.write_text("def f(): pass")
    spec = importlib.util.spec_from_file_location("twin_module", elsewhere)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "twin_module", module)
    spec.loader.exec_module(module)
    assert not by_value.importable(module.f)


def test_an_editable_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As setuptools makes it: a finder of its own, which a .pth file puts there in a worker too.
    (tmp_path / "editable_module.py").write_text("def f(): pass")

    class Finder:
        @classmethod
        def find_spec(cls, name: str, path: object = None, target: object = None) -> Any:
            if name != "editable_module":
                return None
            return importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    module = importlib.import_module("editable_module")
    monkeypatch.setitem(sys.modules, "editable_module", module)
    assert by_value.importable(module.f)
