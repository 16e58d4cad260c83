"""The interpreters that are promised, and those that the tests are run on."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from pathlib import Path

import pytest

from . import interpreters

ROOT = Path(__file__).parent.parent


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of the PATH, and nothing got so far."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "GRIDENGINE_PYTHONS"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


def put(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def test_documents_and_settings_name_the_versions_of_the_metadata() -> None:
    oldest, *_, newest = interpreters.supported()
    for name in ("README.md", "docs/install.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert set(re.findall(r"CPython (3\.\d+) to (3\.\d+)", text)) == {(oldest, newest)}
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg", encoding="utf-8")
    assert metadata["options"]["python_requires"] == f">={oldest}"
    tools = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'python_version = "{oldest}"' in tools
    assert f'target-version = "py{oldest.replace(".", "")}"' in tools


def test_nox_has_a_session_for_each_version() -> None:
    (versions,) = re.findall("VERSIONS = (.*)", (ROOT / "noxfile.py").read_text(encoding="utf-8"))
    assert ast.literal_eval(versions) == interpreters.supported()


def test_the_running_interpreter_is_found() -> None:
    version = "{}.{}".format(*sys.version_info)
    found = interpreters.find(version)
    assert found is not None
    assert found.samefile(sys.executable)


@pytest.mark.parametrize(
    "script", ["exit 127", "echo CPython 3.98 /x", "echo PyPy 3.99 /x"], ids=["no", "other", "pypy"]
)
def test_what_is_not_what_its_name_says_is_passed_over(nowhere: Path, script: str) -> None:
    put(nowhere, "python3.99", script)
    assert interpreters.find("3.99") is None
    genuine = put(
        nowhere / "PYENV_ROOT/versions/3.99.1/bin", "python3.99", 'echo CPython 3.99 "$0"'
    )
    assert interpreters.find("3.99") == genuine


def test_without_debian_it_is_said_why_there_is_none(nowhere: Path) -> None:
    with pytest.raises(interpreters.InterpreterUnavailable, match="not Debian"):
        interpreters.get("3.99")
