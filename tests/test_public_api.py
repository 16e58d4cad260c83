"""What `import gridengine` offers, and what it costs."""

from __future__ import annotations

import ast
import inspect
import json
import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import gridengine


def offered() -> dict[str, str]:
    """Returns the names that the lobby shows to type checkers, and the module of each."""
    [block] = [
        node
        for node in ast.parse(Path(gridengine.__file__).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    names = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname is None
            names[alias.name] = node.module or alias.name
    return names


def test_what_type_checkers_see_is_what_there_is() -> None:
    assert sorted(offered()) == sorted(gridengine.__all__)


@pytest.mark.parametrize(("name", "home"), offered().items())
def test_every_name_comes_from_where_type_checkers_think(name: str, home: str) -> None:
    module = sys.modules.get(f"gridengine.{home}") or __import__(
        f"gridengine.{home}", fromlist=["*"]
    )
    value = getattr(gridengine, name)
    assert value is (module if name == home else getattr(module, name))


def test_every_home_has_a_public_guest() -> None:
    assert set(gridengine._HOMES) <= set(gridengine.__all__)
    assert {name: gridengine._HOMES.get(name, "errors") for name in offered()} | {
        "aio": "aio",
        "errors": "errors",
        "schedulers": "schedulers",
    } == offered()


@pytest.mark.parametrize("name", gridengine.__all__)
def test_every_public_name_has_a_docstring_of_its_own(name: str) -> None:
    value = getattr(gridengine, name)
    assert value.__doc__
    if inspect.isclass(value):
        assert all(value.__doc__ != base.__doc__ for base in value.__mro__[1:])


def test_every_public_method_has_a_docstring() -> None:
    for name in gridengine.__all__:
        value = getattr(gridengine, name)
        for attribute, member in vars(value).items() if inspect.isclass(value) else ():
            if not attribute.startswith("_") and callable(member):
                assert inspect.getdoc(member), f"{name}.{attribute}"


def test_the_names_can_be_listed_and_imported_with_a_star() -> None:
    assert set(gridengine.__all__) <= set(dir(gridengine))
    assert len(set(gridengine.__all__)) == len(gridengine.__all__)
    namespace: dict[str, object] = {}
    exec("from gridengine import *", namespace)
    assert set(gridengine.__all__) <= set(namespace)


def test_the_tab_key_shows_what_users_may_use_and_nothing_else() -> None:
    code = (
        "import gridengine\n"
        "for name in gridengine.__all__: getattr(gridengine, name)\n"
        "shown = [name for name in dir(gridengine) if not name.startswith('_')]\n"
        "assert shown == sorted(gridengine.__all__), shown"
    )
    assert loaded_by(code)


def test_help_is_of_what_users_call() -> None:
    text = pydoc.plain(pydoc.render_doc(gridengine))
    assert all(f"`{name}`" in text for name in ("map", "Job", "Pool", "Executor", "schedulers"))
    assert not [name for name in ("__getattr__", "__dir__") if name in text]


def test_a_name_that_is_not_there_is_an_attribute_error_that_says_so() -> None:
    with pytest.raises(AttributeError, match="'gridengine' has no attribute 'mop'"):
        gridengine.mop  # type: ignore[attr-defined]


def loaded_by(code: str) -> set[str]:
    """Returns the modules that a fresh interpreter has after ``code``."""
    package = str(Path(gridengine.__file__).parents[1])
    program = (
        f"import sys; sys.path.insert(0, {package!r})\n{code}\n"
        "import json; print(json.dumps(sorted(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return set(json.loads(answer.stdout))


HEAVY = {"zmq", "msgspec", "drmaa", "dill", "cloudpickle", "psutil", "tqdm", "asyncio"}
HEAVY |= {"multiprocessing"}


def test_importing_the_package_imports_nothing_heavy_and_none_of_its_rooms() -> None:
    loaded = loaded_by("import gridengine")
    assert not loaded & HEAVY
    assert {name for name in loaded if name.startswith("gridengine.")} == set()


def test_looking_at_an_exception_imports_nothing_heavy() -> None:
    loaded = loaded_by("import gridengine\ngridengine.JobDied")
    assert not loaded & HEAVY


def test_no_drmaa_library_is_needed_to_use_this_computer() -> None:
    loaded = loaded_by(
        "import gridengine\ngridengine.map, gridengine.Job, gridengine.JobDispatcher\n"
        "gridengine.schedulers.ProcessScheduler"
    )
    assert "drmaa" not in loaded
