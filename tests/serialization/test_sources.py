"""What a function comes to takes in the code of the user's modules that it uses, however."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gridengine.serialization import sources
from gridengine.serialization.digests import Digests

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
import time
from gridengine.serialization.digests import Digests
for source in {!r}:
    namespace = {{"__name__": "__main__"}}
    exec(source, namespace)
    print(Digests().of(namespace["f"]).hex())
print(*sorted(set(sys.modules) & {{"rates", "pack", "pack.inner", "near"}}), file=sys.stderr)
"""

#: What modules that are imported have, and functions of ``__main__``.
USES = [
    "from rates import RATE\ndef f(x): return x * RATE",
    "def f(x):\n    import rates\n    return x * rates.RATE",
    "from pack.inner import TWICE\ndef f(x): return x * TWICE",
    "import pack\ndef f(x): return x * pack.inner.TWICE",
    "from rates import *\ndef f(x): return x * RATE",
    "import importlib\nrate = importlib.import_module('rates').Rate()\ndef f(x): return rate",
    "import functools, rates\n@functools.lru_cache\ndef f(x): return rates.RATE",
]
IN_MAIN = [
    "def f(x):\n    import rates",
    "def f(x):\n    from pack import inner",
    "def f(x):\n    from pack.inner import TWICE",
    "def f(x):\n    class C:\n        def g(self):\n            import rates\n    return C",
]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[list[str], str]]:
    """Returns what makes digests of the ``f`` of some sources, and says what is loaded then."""

    def run(sources: list[str], modules: dict[str, str]) -> tuple[list[str], str]:
        for name, text in modules.items():
            file = tmp_path / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        done = subprocess.run(
            [sys.executable, "-B", "-c", PROGRAM.format(sources)],
            env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
            cwd=tmp_path, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.split(), done.stderr.strip()

    return run


def test_a_number_in_a_module_that_is_imported_counts(
    run: Callable[..., tuple[list[str], str]],
) -> None:
    using = {f"using{number}.py": source for number, source in enumerate(USES)}
    sources = [f"from {name[:-3]} import f" for name in using] + IN_MAIN
    rates = "RATE = {}\nclass Rate: pass"
    first, _ = run(
        sources,
        {
            **using,
            "rates.py": rates.format(2),
            "pack/__init__.py": "from . import inner",
            "pack/inner.py": "def late():\n    from .deep import RATE\nTWICE = 2",
            "pack/deep.py": "from rates import RATE",
        },
    )
    assert len(first) == len(sources)
    assert run(sources, {"rates.py": f"# the same\n{rates.format(2)}"})[0] == first
    changed, _ = run(sources, {"rates.py": rates.format(3)})
    same = [source for source, *digests in zip(sources, first, changed, strict=True)
            if digests[0] == digests[1]]  # fmt: skip
    assert same == []


def test_what_a_function_will_import_is_not_loaded_to_look_at_it(
    run: Callable[..., tuple[list[str], str]],
) -> None:
    source = "def f(x):\n    from pack.inner import RATE\n    import nowhere.at_all"
    modules = {"pack/__init__.py": "", "pack/inner.py": "from near import RATE", "near.py": "R = 1"}
    first, loaded = run([source], modules)
    assert loaded == ""
    assert run([source], {"near.py": "R = 2"})[0] != first


def test_names_of_imports_are_found_in_code() -> None:
    code = compile(
        "import a.b as c\nfrom .d import e, f\n"
        "def g():\n  from .. import h\n  class I:\n    import j",
        "", "exec",
    )  # fmt: skip
    found = {*sources.imported(code, "p.q")}
    assert found == {"a", "a.b", "p", "p.q", "p.q.d", "p.q.d.e", "p.q.d.f", "p.h", "j"}
    # Without a package relative imports fail.
    assert {*sources.imported(code, None)} == {"a", "a.b", "j"}


def test_installed_modules_do_not_count() -> None:
    found = sources.Sources().of(["json", "pytest", "numpy.linalg", "nowhere", __name__])
    assert __name__ in dict(found)
    assert not {"json", "pytest", "numpy.linalg", "nowhere"} & dict(found).keys()
    assert Digests().of(pytest.raises) == Digests().of(pytest.raises)


def test_a_source_is_read_once_until_it_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    read: list[bytes] = []
    meaning = sources._meaning

    def noted(source: bytes, path: str, package: str) -> tuple[bytes, list[str]]:
        read.append(source)
        return meaning(source, path, package)

    monkeypatch.setattr(sources, "_meaning", noted)
    file = tmp_path / "read_once.py"
    time_ns = time.time_ns
    written = ["RATE = 2", "RATE = 3", "RATE = 4"]
    digests = []
    for number, source in enumerate(written):
        file.write_text(source)
        os.utime(file, ns=(number, number))
        # Somebody who writes it again may be quicker than the clock of the files.
        now = time_ns() + (1 if number == 1 else 10) * 10**9
        monkeypatch.setattr(sources.time, "time_ns", lambda now=now: now)
        digests += [sources.Sources().of(["read_once"])[0][1] for _ in range(2)]
    assert read == [b"RATE = 2", *[b"RATE = 3"] * 2, b"RATE = 4"]
    assert digests[::2] == digests[1::2]
    assert len(set(digests)) == 3


def test_what_is_not_understood_deep_in_a_recursion_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "deep.py").write_text("import far")
    (tmp_path / "far.py").write_text("")
    now = time.time_ns() + 10**10
    monkeypatch.setattr(sources.time, "time_ns", lambda: now)

    def too_deep(source: bytes, path: str, package: str) -> tuple[bytes, list[str]]:
        raise RecursionError

    with monkeypatch.context() as patch:
        patch.setattr(sources, "_meaning", too_deep)
        assert [name for name, _ in sources.Sources().of(["deep"])] == ["deep"]
    assert [name for name, _ in sources.Sources().of(["deep"])] == ["deep", "far"]
