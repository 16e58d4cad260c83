"""All commands: their examples work, their exit statuses are one system, shells complete them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gridengine
from gridengine import errors
from gridengine.cli import main as cli
from gridengine.cli.commands import completion, map, run, settings

from ..cluster import Cluster

ROOT = Path(gridengine.__file__).parents[1]

WORK = """\
def score(line):
    if line == 7:
        raise ValueError("a seven")
    return line
"""

SCRIPT = """\
import sys, gridengine

def double(x):
    return 2 * x

if __name__ == "__main__":
    print(__file__, sys.argv, gridengine.schedulers.best_available())
    print(gridengine.map(double, [1, 2]))
    sys.exit(int(sys.argv[1]) if sys.argv[1:] else 0)
"""


def examples(epilog: str) -> list[str]:
    """Returns the commands in an epilog."""
    _, _, rest = epilog.partition("examples:\n")
    return [line.strip() for line in rest.partition("\n\n")[0].splitlines()]


EXAMPLES = [
    pytest.param(line, marks=[pytest.mark.cluster] if "--queue" in line else [], id=line)
    for command in (map, run, settings, completion)
    for line in examples(command._EPILOG)
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with what the examples name, a home, and the command in the PATH."""
    for name in [name for name in os.environ if name.startswith("GRIDENGINE_")]:
        if name != "GRIDENGINE_RUN_DIR":
            monkeypatch.delenv(name)
    (tmp_path / "work.py").write_text(WORK, encoding="utf-8")
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "INPUTS.jsonl").write_text("1\n2\n", encoding="utf-8")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "module.py").write_text(SCRIPT, encoding="utf-8")
    for name in (".local/share/bash-completion/completions", ".zfunc", "bin"):
        (tmp_path / name).mkdir(parents=True)
    program = tmp_path / "bin" / "gridengine"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gridengine "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=80, stdin=subprocess.DEVNULL
    )


# ---------------------------------------------------------------------- examples


@pytest.mark.parametrize("line", EXAMPLES)
def test_the_examples_of_a_command_work(line: str, request: pytest.FixtureRequest) -> None:
    if "completion" in line:
        pytest.importorskip("shtab")
    if "--queue" in line:
        request.getfixturevalue("cluster")
        # The one that the test cluster has.
        line = line.replace("short.q", "all.q")
        # The script takes a number at most.
        line = line.replace(" --its own options", " 0")
    elif "--scheduler" not in line:
        os.environ["GRIDENGINE_SCHEDULER"] = "process"
        request.addfinalizer(lambda: os.environ.pop("GRIDENGINE_SCHEDULER"))
    done = shell(line)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_program_among_the_examples_is_mapped_and_run() -> None:
    path = ROOT / "examples" / "score_lines.py"
    given = '{"name": "1", "text": "to be or not to be"}'
    wanted = '{"name": "1", "words": {"to": 2, "be": 2, "or": 1, "not": 1}}\n'
    said = "--scheduler process --workers 1"
    assert shell(f"echo '{given}' | gridengine map {path}:score {said}").stdout == wanted
    assert shell(f"gridengine run {said} {path} 'to be or not to be'").stdout == wanted


def test_every_command_has_examples_and_says_its_exit_status(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = ROOT / "gridengine" / "cli" / "commands"
    names = [path.stem for path in folder.glob("[a-z]*.py")]
    assert len(names) >= 10
    for name in names:
        with pytest.raises(SystemExit):
            cli.main([name, "--help"])
        shown = capsys.readouterr().out
        assert re.search(rf"^examples:\n  .*gridengine {name}", shown, re.MULTILINE), name
        assert "exit status:" in shown, name


# ---------------------------------------------------------------------- run


def test_a_program_runs_as_by_python_with_the_scheduler_that_is_said(folder: Path) -> None:
    done = shell("gridengine run --scheduler process --workers 3 script.py 7 --workers 4")
    assert done.stdout.splitlines() == [
        f"{folder}/script.py ['script.py', '7', '--workers', '4'] ProcessScheduler(max_workers=3)",
        "[2, 4]",
    ]
    assert (done.returncode, done.stderr) == (7, "")
    done = shell("gridengine run --scheduler inline -m package.module 5 -m x")
    assert done.stdout.splitlines()[0].endswith("'5', '-m', 'x'] InlineScheduler()")
    assert done.returncode == 5


def test_what_is_said_on_the_command_line_counts_more_than_files(folder: Path) -> None:
    (folder / "gridengine.toml").write_text(
        'scheduler = "inline"\n[process]\nmax_workers = 5\nfresh = true\n', encoding="utf-8"
    )
    assert "InlineScheduler()" in shell("gridengine run script.py").stdout
    said = shell("gridengine run --scheduler process script.py").stdout
    assert "ProcessScheduler(max_workers=5, fresh=True)" in said
    said = shell("gridengine run --scheduler process --workers 2 script.py").stdout
    assert "ProcessScheduler(max_workers=2, fresh=True)" in said


def test_a_program_that_is_not_there_is_told_as_by_python() -> None:
    done = shell("gridengine run nowhere.py")
    assert done.returncode == 2
    assert "can't open file" in done.stderr
    done = shell("gridengine run --workers 2")
    assert done.returncode == 2
    assert "which program? SCRIPT or -m MODULE" in done.stderr


@pytest.mark.parametrize("text", ["{", "[]", '{"moab": {}}', '{"process": 3}'])
def test_arguments_in_the_environment_that_are_none_are_told(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDENGINE_ARGUMENTS", text)
    assert cli.main(["settings"]) == 1
    assert f"GRIDENGINE_ARGUMENTS is {text!r}; it takes JSON" in capsys.readouterr().err


def test_arguments_in_the_environment_are_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GRIDENGINE_ARGUMENTS", '{"process": {"max_workers": 2}}')
    assert cli.main(["settings"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.split() == ["[process]", "max_workers", "2", "GRIDENGINE_ARGUMENTS"]
    monkeypatch.setenv("GRIDENGINE_ARGUMENTS", '{"process": {"max_worker": 2}}')
    assert cli.main(["settings"]) == 1
    assert "GRIDENGINE_ARGUMENTS" in capsys.readouterr().err


@pytest.mark.cluster
def test_a_program_runs_on_the_cluster_with_what_is_said(cluster: Cluster) -> None:
    done = shell("gridengine run --queue all.q --resources h_rt=0:10:00 --workers 2 script.py")
    assert (done.returncode, done.stderr) == (0, "")
    scheduler, values = done.stdout.splitlines()
    assert "GridEngineScheduler(queue='all.q', h_rt='0:10:00', max_workers=2)" in scheduler
    assert values == "[2, 4]"


# ---------------------------------------------------------------------- exit statuses


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (errors.GridEngineError("no\x1b[31m"), 1, "gridengine: no\\x1b[31m\n"),
        (OSError(28, "No space left"), 1, "gridengine: [Errno 28] No space left\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_an_error_is_told_in_a_line_and_by_the_status(
    error: BaseException, status: int, said: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(settings, "_print", fail)
    assert cli.main(["settings"]) == status
    assert capsys.readouterr().err == said


def test_a_command_whose_reader_is_gone_says_nothing() -> None:
    done = shell("gridengine settings --json | true; echo ${PIPESTATUS[0]}")
    # It may have written all before that.
    assert done.stdout in ("141\n", "0\n")
    assert done.stderr == ""


def test_a_library_of_an_extra_that_is_missing_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert cli.main(["completion", "bash"]) == 1
    told = capsys.readouterr().err
    assert "needs shtab" in told
    assert "pip install 'gridengine[completion]'\n" in told


# ---------------------------------------------------------------------- completion


def test_bash_completes_commands_and_options(folder: Path) -> None:
    pytest.importorskip("shtab")
    (folder / "bash").write_text(shell("gridengine completion bash").stdout, encoding="utf-8")
    complete = "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _shtab_gridengine 2>/dev/null"
    for words, wanted in [("gridengine se", "settings"), ("gridengine map --keep", "--keep-going")]:
        line = f". ./bash; COMP_WORDS=({words}); {complete}; echo ${{COMPREPLY[*]}}"
        assert shell(line).stdout.split() == [wanted]
