"""``gridengine map``: a line in, a line out, and what is said of lines that fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridengine.cli import main as cli
from gridengine.schedulers import (
    GridEngineScheduler,
    InlineScheduler,
    ProcessScheduler,
    Scheduler,
)
from gridengine.schedulers.base import enter

from ..conftest import warm

ROOT = Path(__file__).parents[2]

WORK = """\
import os, time

def same(x):
    return x

def noisy(x):
    print("noise", x)
    return x

def seven(x):
    if x == 7:
        raise ValueError("no sevens\\x1b[31m")
    return x

def die(x):
    if x == 7:
        os._exit(3)
    return x

def noted(x):
    with open("calls", "a") as file:
        file.write(f"{x} ")
    return x

def nap(x):
    time.sleep(x)
    return x

def power(base, exponent=2):
    return base ** exponent

def nan(x):
    return {"x": float("nan")}

def thing(x):
    return object()

def half(x):
    return "\\ud800" if x else "a\\nb"

def array(x):
    import numpy
    return {"row": numpy.arange(x), "last": numpy.int64(x)}

class Scorer:
    @staticmethod
    def score(x):
        return -x

number = 7
"""

Map = Callable[..., tuple[int, bytes, str]]


@pytest.fixture(
    scope="module", params=["inline", "process", pytest.param("cluster", marks=pytest.mark.cluster)]
)
def scheduler(request: pytest.FixtureRequest) -> Iterator[Scheduler]:
    if request.param == "cluster":
        request.getfixturevalue("cluster")
        made: Scheduler = GridEngineScheduler(max_workers=2)
    else:
        made = InlineScheduler() if request.param == "inline" else ProcessScheduler(2)
    with made:
        warm(made, 1 if request.param == "inline" else 2)
        yield made


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a module of functions that no other test imports."""
    (tmp_path / "lines_work.py").write_text(WORK, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "lines_work", raising=False)
    return tmp_path


@pytest.fixture
def lines(scheduler: Scheduler, folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Map:
    """Maps bytes in this process, on a warm scheduler: returns status, output and errors."""

    def lines(function: str, given: bytes, *options: str) -> tuple[int, bytes, str]:
        (folder / "inputs").write_bytes(given)
        status = cli.main(["map", f"lines_work.py:{function}", "inputs", *options])
        printed = capsysbinary.readouterr()
        return status, printed.out, printed.err.decode()

    return lines


def command(*arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "gridengine", *arguments],
        env=environ(), input=given, capture_output=True, timeout=60,
    )  # fmt: skip


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "GRIDENGINE_SCHEDULER": "process"}


# ---------------------------------------------------------------------- lines


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        (b"1\n2\n3\n", b"1\n2\n3\n"),
        (b"", b""),
        (b"1", b"1\n"),
        (b'\xef\xbb\xbf{"a": [1, null]}\r\n\r\n \n"\xc3\xbc"', b'{"a": [1, null]}\n"\xc3\xbc"\n'),
        (b"12345678901234567890123\n", b"12345678901234567890123\n"),
        (b'"\\ud800"\n"\xe2\x80\xa8"\n', b'"\\ud800"\n"\xe2\x80\xa8"\n'),
    ],
    ids=["lines", "nothing", "unfinished", "of Windows", "large", "unicode"],
)
def test_a_line_in_is_a_line_out(lines: Map, given: bytes, printed: bytes) -> None:
    assert lines("same", given) == (0, printed, "")


def test_results_come_in_the_order_of_the_lines(lines: Map) -> None:
    numbers = b"".join(b"%d\n" % number for number in range(3000))
    assert lines("same", numbers)[1] == numbers
    unordered = lines("same", numbers, "--unordered")[1]
    assert sorted(unordered.split()) == sorted(numbers.split())


def test_what_calls_print_is_not_between_the_results(lines: Map) -> None:
    status, printed, errors = lines("noisy", b"1\n2\n")
    assert (status, printed) == (0, b"1\n2\n")
    assert {*errors.splitlines()} == {"noise 1", "noise 2"}


def test_texts_come_and_go_as_they_are(lines: Map) -> None:
    given = "\ufeffa b\r\n\n\tü".encode()
    assert lines("same", given, "--text", "--raw")[1] == "a b\n\n\tü\n".encode()
    assert lines("same", given, "--text")[1] == '"a b"\n""\n"\\tü"\n'.encode()


def test_a_line_may_have_all_the_arguments(lines: Map) -> None:
    given = b'[3]\n[3, 3]\n{"base": 2, "exponent": 5}\n'
    assert lines("power", given, "--star")[1] == b"9\n27\n32\n"
    assert (
        "line 1: with --star a line takes a list or an object" in lines("power", b"3", "--star")[2]
    )


def test_numbers_and_arrays_of_numpy_are_numbers_and_lists(lines: Map) -> None:
    pytest.importorskip("numpy")
    assert lines("array", b"3")[1] == b'{"row": [0, 1, 2], "last": 3}\n'


def test_a_line_of_a_megabyte_is_a_line(lines: Map) -> None:
    given = b'"%s"\n' % (b"x" * 1_000_000)
    assert lines("same", given * 2)[1] == given * 2


# ---------------------------------------------------------------------- failures


def test_the_first_failure_ends_it_and_its_line_is_named(lines: Map) -> None:
    given = b"\n1\n2\n7\n" + b"4\n" * 50
    status, printed, errors = lines("seven", given, "--chunksize", "1")
    assert status == 1
    assert b"1\n2\n4\n".startswith(printed[:4])
    *trace, last = errors.splitlines()
    assert last == "gridengine: line 4: ValueError: no sevens\\x1b[31m"
    # From the function on, and no frame of what calls it.
    assert [line.strip()[:5] for line in trace[:2]] == ["Trace", "File "]
    assert 'lines_work.py", line' in trace[1]


@pytest.mark.parametrize("order", [[], ["--unordered"]])
def test_with_keep_going_each_failure_is_told_and_the_others_are_done(
    lines: Map, folder: Path, order: list[str]
) -> None:
    given = b"1\n\n7\nnope\n2\n7\n"
    status, printed, errors = lines("seven", given, "--keep-going", *order)
    assert status == 3
    assert sorted(printed.split()) == [b"1", b"2"]
    *told, last = errors.splitlines()
    assert last == "gridengine: 3 of 5 lines failed"
    failures = sorted(map(json.loads, told), key=lambda each: int(each["line"]))
    assert [each["line"] for each in failures] == [3, 4, 6]
    assert failures[0]["error"] == "ValueError: no sevens\x1b[31m"
    assert "in seven" in failures[0]["traceback"]
    assert failures[1] == {
        "line": 4,
        "error": "it is no JSON: Expecting value: line 1 column 1 (char 0)",
    }
    status, _, errors = lines("seven", given, "--keep-going", "--errors", "failed", *order)
    assert errors == "gridengine: 3 of 5 lines failed\n"
    assert len((folder / "failed").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("function", "given", "options", "said"),
    [
        ("same", b"1\n{\n", [], "line 2: it is no JSON: "),
        ("same", b"NaN\n", [], "line 1: it is no JSON: NaN is none"),
        ("same", b"1\n\xff\n", ["--text"], "line 2: it is no UTF-8: "),
        ("nan", b"1\n", [], "line 1: the result is no JSON: Out of range float"),
        ("thing", b"1\n", [], "line 1: the result is no JSON: there is none for 'object'"),
        ("half", b"0\n", ["--raw"], "line 1: the result has several lines; without --raw"),
        ("half", b"1\n", ["--raw"], "line 1: the result is no UTF-8: "),
    ],
)
def test_what_is_no_line_is_a_failure_of_its_line(
    lines: Map, function: str, given: bytes, options: list[str], said: str
) -> None:
    status, _, errors = lines(function, given, *options)
    assert status == 1
    assert errors.startswith(f"gridengine: {said}")
    assert errors.count("\n") == 1


def test_a_call_that_dies_is_told_with_its_line_and_its_certificate(
    scheduler: Scheduler, lines: Map
) -> None:
    if scheduler.inline:
        pytest.skip("it would end this process")
    status, _, errors = lines("die", b"1\n\n7\n", "--retries", "0")
    assert status == 1
    assert errors.startswith("gridengine: line 3: job 'die' call 1 with b'7' died: exited")


def test_each_call_may_take_so_long(scheduler: Scheduler, lines: Map) -> None:
    if scheduler.inline:
        pytest.skip("nobody is there to end it")
    status, _, errors = lines("nap", b"0\n60\n", "--timeout", "0.2")
    assert status == 1
    assert "gridengine: line 2: JobTimeout: " in errors


# ---------------------------------------------------------------------- the file of results


def test_a_file_has_its_name_when_it_is_whole(lines: Map, folder: Path) -> None:
    out = folder / "out"
    status, printed, errors = lines("seven", b"1\n7\n", "-o", "out", "--chunksize", "1")
    assert (status, printed, out.exists()) == (1, b"", False)
    assert f"gridengine: what was done until then is in {out}.part\n" in errors
    assert lines("seven", b"1\n2\n", "-o", "out") == (0, b"", "")
    assert out.read_bytes() == b"1\n2\n"
    assert not (folder / "out.part").exists()


def test_a_file_may_be_that_of_the_inputs_and_a_link(lines: Map, folder: Path) -> None:
    (folder / "link").symlink_to("inputs")
    assert lines("power", b"2\n3\n", "-o", "link")[0] == 0
    assert (folder / "inputs").read_bytes() == b"4\n9\n"
    assert (folder / "link").is_symlink()
    assert lines("power", b"2\n", "-o", "-")[1] == b"4\n"
    assert lines("power", b"2\n", "-o", "/dev/null") == (0, b"", "")


def test_with_a_journal_a_line_that_is_done_is_not_done_again(lines: Map, folder: Path) -> None:
    for given in (b"1\n2\n", b"3\n2\n1\n"):
        assert lines("noted", given, "--journal", "run.journal") == (0, given, "")
    assert sorted((folder / "calls").read_text().split()) == ["1", "2", "3"]


# ---------------------------------------------------------------------- what is called


@pytest.mark.parametrize(
    ("target", "printed"),
    [
        ("lines_work:Scorer.score", b"-4\n"),
        ("./lines_work.py:Scorer.score", b"-4\n"),
        ("math:sqrt", b"2.0\n"),
        ("builtins:str", b'"4"\n'),
    ],
)
def test_what_is_called_is_a_function_of_a_module_or_a_file(
    laptop: ProcessScheduler, target: str, printed: bytes,
    folder: Path, capsysbinary: pytest.CaptureFixture[bytes],
) -> None:  # fmt: skip
    (folder / "inputs").write_bytes(b"4\n")
    leave = enter(laptop)
    try:
        assert cli.main(["map", target, "inputs"]) == 0
    finally:
        leave()
    assert capsysbinary.readouterr().out == printed


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("lines_work.py", "names no function; write MODULE:FUNCTION or FILE.py:FUNCTION"),
        ("lines_work.py:sevn", "lines_work.py has no 'sevn'; did you mean 'seven'?"),
        ("lines_work:number", "lines_work:number is 'int', which cannot be called"),
        ("nowhere.py:f", "nowhere.py is no file of Python that is there"),
        ("nowhere:f", "there is no module 'nowhere' here, nor in sys.path"),
        ("json.nowhere:f", "there is no module 'json.nowhere' here"),
        ("json.py:f", "json.py has the name of another module, 'json'"),
        ("..:f", "'..' is no name of a module"),
    ],
)
def test_what_is_no_function_is_told_with_what_is_right(
    target: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "json.py").touch()
    assert cli.main(["map", target, os.devnull]) == 1
    assert said in capsys.readouterr().err


def test_an_error_of_the_module_is_shown_as_it_is(folder: Path) -> None:
    (folder / "broken.py").write_text("import nowhere_at_all", encoding="utf-8")
    done = command("map", "broken.py:f")
    assert done.returncode == 1
    assert b"No module named 'nowhere_at_all'" in done.stderr
    assert b"broken.py" in done.stderr


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--errors", "x"], 2, "--errors is for --keep-going"),
        (["--workers", "0"], 2, "at least 1"),
        (["--chunksize", "x"], 2, "a whole number of at least 1"),
        (["--retries", "-1"], 2, "at least 0"),
        (["--timeout", "0"], 2, "seconds, above 0"),
        (["--scheduler", "moab"], 2, "invalid choice"),
        (["--scheduler", "process", "--queue", "q"], 2, "are for a cluster"),
        (["--scheduler", "inline", "--workers", "2"], 2, "--workers is for workers"),
    ],
)
def test_options_that_cannot_be_are_told(
    options: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as over:
        cli.main(["map", "lines_work.py:same", os.devnull, *options])
    assert over.value.code == status
    assert said in capsys.readouterr().err


def test_a_folder_is_no_journal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["map", "math:sqrt", "--journal", "."])
    assert "it takes the path of a file, such as 'run.journal'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "name"),
    [("-o", "run.journal"), ("-o", "linked"), ("-o", "./new.journal"), ("--errors", "hard"),
     ("--errors", "new.journal")],
)  # fmt: skip
def test_the_journal_is_not_overwritten(
    option: str, name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = "new.journal" if "new" in name else "run.journal"
    (folder / "run.journal").write_bytes(b"kept")
    (folder / "linked").symlink_to("run.journal")
    (folder / "hard").hardlink_to(folder / "run.journal")
    _is_refused(folder, capsys, "--journal", journal, option, name)


def test_nor_is_the_journal_by_what_the_output_is_called_until_its_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "run.part").write_bytes(b"kept")
    _is_refused(folder, capsys, "--journal", "run.part", "-o", "run")


def _is_refused(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(SystemExit, match="2"):
        cli.main(["map", "math:sqrt", "/dev/null", "--keep-going", *options])
    assert f"--journal and {options[2]} name the same file" in capsys.readouterr().err
    assert before == {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["map", "math:sqrt", "nowhere.jsonl"]) == 1
    assert "No such file or directory: 'nowhere.jsonl'" in capsys.readouterr().err


# ---------------------------------------------------------------------- as a shell has it


def test_results_are_there_though_the_next_line_is_long_in_coming() -> None:
    with mapping("same") as process:
        for number in (b"1\n", b"2\n"):
            process.stdin.write(number)
            process.stdin.flush()
            # It would wait for ever for one that waits for the next.
            assert process.stdout.readline() == number
        process.stdin.close()
        assert process.wait(20) == 0


def test_ctrl_c_ends_it_without_a_traceback() -> None:
    with mapping("nap") as process:
        process.stdin.write(b"0\n60\n60\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"0\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read() == b""


def test_it_ends_when_nobody_reads_its_results_and_says_nothing() -> None:
    with mapping("same") as process:
        process.stdin.write(b"1\n")
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(b"2\n")
        process.stdin.flush()
        # The input is still open.
        assert process.wait(20) == 141
        assert process.stderr.read() == b""


class mapping(subprocess.Popen[bytes]):  # it reads as a function
    def __init__(self, function: str) -> None:
        super().__init__(
            [sys.executable, "-m", "gridengine", "map", f"lines_work:{function}"], bufsize=-1,
            env=environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("redirection", "said"),
    [
        (">&-", "standard output is closed; name a file by -o"),
        ("<&-", "standard input is closed; name a file of lines"),
        (">/dev/full", "No space left on device"),
    ],
)
def test_streams_that_cannot_be_used_are_told(redirection: str, said: str) -> None:
    if redirection.endswith("full") and not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m gridengine map math:sqrt {redirection}', sys.executable],
        env=environ(), input=b"1\n" * 10, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.decode().count("\n") == 1
    assert said in done.stderr.decode()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc has the peak of one process")
def test_a_hundred_thousand_lines_take_the_memory_of_a_few(folder: Path) -> None:
    program = (
        "from gridengine.cli.main import main\n"
        "status = main(['map', 'lines_work:same', 'inputs', '-o', 'out'])\n"
        "[peak] = [line.split()[1] for line in open('/proc/self/status') if 'VmHWM' in line]\n"
        "print(peak); raise SystemExit(status)"
    )

    def peak(count: int) -> int:
        given = b"".join(b'{"number": %d}\n' % number for number in range(count))
        (folder / "inputs").write_bytes(given)
        done = subprocess.run(
            [sys.executable, "-c", program], env=environ(), capture_output=True, timeout=80
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert (folder / "out").read_bytes() == given
        return int(done.stdout)

    few = peak(10_000)
    assert peak(100_000) < few + 8 * 1024
