"""The doctor on a laptop, and its queue job on a stand-in for a cluster."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gridengine
from gridengine.cli import main as cli
from gridengine.diagnosis import node_command, on_the_node
from gridengine.diagnosis.clusters import CLUSTERS
from gridengine.diagnosis.report import Check, DoctorReport
from gridengine.diagnosis.trial import Trial
from gridengine.diagnosis.wanted import wanted
from gridengine.dispatcher.run_folder import new_shared_folder, remove_shared_folder
from gridengine.errors import SchedulerUnavailable
from gridengine.schedulers import (
    GridEngineScheduler,
    ProcessScheduler,
    Scheduler,
    SlurmScheduler,
)
from gridengine.schedulers.grid_engine import drmaa_library, way
from gridengine.schedulers.slurm import presence
from gridengine.settings import Settings

from ..schedulers.test_a_scheduler_of_ones_own import HERE, Make, make
from ..waiting import wait_until

__all__ = ["make"]

ROOT = Path(__file__).parents[2]


def by_name(report: DoctorReport) -> dict[str, Check]:
    return {check.name: check for check in report.checks}


# -- on a laptop --------------------------------------------------------------------------------


def test_on_a_laptop_all_is_well() -> None:
    report = gridengine.doctor("process")
    assert report.ok, str(report)
    checks = by_name(report)
    assert {"python", "packages", "limits", "run folder", "workers here"} <= checks.keys()
    assert sys.executable in checks["python"].found
    assert "asked for" in checks["scheduler"].found
    assert report.settings == {"scheduler": "process"}
    assert report.seconds < 20


def test_a_scheduler_of_the_programs_is_what_is_tested() -> None:
    with ProcessScheduler(2) as scheduler:
        assert by_name(gridengine.doctor())["scheduler"].found == repr(scheduler)


@pytest.fixture(autouse=True)
def no_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of Slurm's commands are here, whatever was installed for other tests."""
    monkeypatch.setattr(presence, "missing", lambda _: "sbatch")
    monkeypatch.setattr(presence, "signs", list)


def test_no_drmaa_library_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", "/nowhere/libdrmaa.so")
    report = gridengine.doctor("grid_engine")
    assert not report.ok
    checks = by_name(report)
    assert checks["DRMAA library"].state == "failed"
    assert "/nowhere/libdrmaa.so does not exist" in checks["DRMAA library"].found
    assert "DRMAA_LIBRARY_PATH=" in checks["DRMAA library"].advice
    assert {checks[name].state for name in ("master", "queues", "test job", "network")} == {
        "unknown"
    }
    assert report.settings == {}


def test_signs_of_a_cluster_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", "/nowhere/libdrmaa.so")
    monkeypatch.setenv("SGE_ROOT", "/opt/sge")
    monkeypatch.setattr(presence, "missing", lambda _: "sbatch")
    checks = by_name(gridengine.doctor())
    assert "SGE_ROOT=/opt/sge" in checks["scheduler"].found
    assert checks["DRMAA library"].state == "failed"


def test_sbatch_without_its_kin_is_a_sign_that_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way, "problem", lambda _: "there is none")
    monkeypatch.setattr(drmaa_library, "signs", list)
    monkeypatch.setattr(presence, "signs", lambda: ["/opt/slurm/bin/sbatch"])
    monkeypatch.setattr(presence, "missing", lambda _: "squeue")
    checks = by_name(gridengine.doctor())
    assert "/opt/slurm/bin/sbatch" in checks["scheduler"].found
    assert (checks["scheduler"].state, checks["Slurm's commands"].state) == ("warning", "failed")


def test_where_the_master_is_dead_a_slurm_is_tested_as_it_would_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dead(_: object) -> str:
        raise SchedulerUnavailable("its master has not answered")

    monkeypatch.setattr(way, "problem", lambda _: None)
    monkeypatch.setattr(presence, "missing", lambda _: None)
    monkeypatch.setattr(GridEngineScheduler, "probe", dead)
    monkeypatch.setenv("GRIDENGINE_ARGUMENTS", '{"slurm": {"partition": "debug"}}')
    scheduler, check = wanted(None)
    assert isinstance(scheduler, SlurmScheduler)
    # With the arguments that it would have.
    assert scheduler.request.partition == "debug"
    assert check.state == "warning"
    assert "its master has not answered" in check.found
    monkeypatch.setattr(GridEngineScheduler, "probe", lambda _: "SGE")
    assert isinstance(wanted(None)[0], GridEngineScheduler)


@pytest.mark.parametrize("kind", [SlurmScheduler, GridEngineScheduler])
def test_the_advice_about_the_test_job_is_of_its_own_batch_system(kind: type[Scheduler]) -> None:
    advice = CLUSTERS[kind].advice
    told = " ".join([advice.refused, advice.not_taken, advice.stuck("7.1"), advice.another])
    is_slurm = kind is SlurmScheduler
    assert bool(re.search(r"sbatch|scontrol|partition", told)) is is_slurm
    assert bool(re.search(r"qsub|qstat|another queue", told)) is not is_slurm


def test_no_sign_of_a_cluster_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", "/nowhere/libdrmaa.so")
    for name in ("SGE_ROOT", "SGE_CELL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    report = gridengine.doctor()
    assert report.ok, str(report)
    assert "there is no Grid Engine" in by_name(report)["scheduler"].found


def test_a_run_folder_that_cannot_be_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRIDENGINE_RUN_DIR", str(tmp_path / "file"))
    checks = by_name(gridengine.doctor("process"))
    assert checks["run folder"].state == "failed"
    assert str(tmp_path / "file") in checks["run folder"].found


@pytest.mark.parametrize("given", ["moab", 3])
def test_what_is_no_scheduler_is_an_error(given: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="scheduler is"):
        gridengine.doctor(given)


# -- a queue job --------------------------------------------------------------------------------

Try = Callable[..., dict[str, Check]]


@pytest.fixture
def attempt(make: Make) -> Iterator[Try]:
    """Sends a queue job, and returns what is known by it."""

    def attempt(
        *,
        command: tuple[str, ...] = HERE,
        settings: Settings = Settings(),  # noqa: B008  # it cannot be changed
        before: Callable[[Trial], object] = lambda _: None,
    ) -> dict[str, Check]:
        settings = settings._replace(run_dir=os.environ["GRIDENGINE_RUN_DIR"])
        scheduler: Scheduler = make(["one"], command=command)
        folder = new_shared_folder(settings.run_dir)
        session = scheduler.open()
        try:
            made = Trial(session, settings, folder.path)
            try:
                before(made)
                outcome = made.run(time.monotonic() + 25, lambda: False)
            finally:
                made.close()
            judged = on_the_node.judged(outcome, settings, made.port.configured, folder.path)
            return {check.name: check for check in judged}
        finally:
            session.close()
            remove_shared_folder(folder)

    return attempt


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def unreachable(made: Trial) -> None:
    """Has the queue job try a port at which nobody listens."""
    shown = made._command
    (told,) = {word for word in shown if word.startswith("{")}
    changed = json.loads(told)
    changed["endpoints"] = [["127.0.0.1", closed_port()]]
    made._command = [json.dumps(changed) if word == told else word for word in shown]
    start = Path(made._folder, "start")
    start.write_text(start.read_text().replace(shlex.quote(told), shlex.quote(json.dumps(changed))))


def elsewhere(made: Trial) -> None:
    """Has the queue job look for the folder where it is not."""
    made._command = [word.replace(made._folder, "/nowhere/run") for word in made._command]


def test_what_is_well_is_told_by_the_network(attempt: Try) -> None:
    checks = attempt()
    assert set(checks) == set(on_the_node.ON_THE_NODE)
    assert {check.state for check in checks.values()} == {"ok"}, checks
    assert "a file is seen there after" in checks["run folder there"].found
    assert "answers in" in checks["network"].found


def test_a_scheduler_of_ones_own_is_tested_too(make: Make) -> None:
    report = gridengine.doctor(make(["one"], command=HERE))
    checks = by_name(report)
    assert checks["test job"].state == checks["network"].state == "ok", str(report)


def test_ports_that_nobody_reaches_are_told_by_the_folder(attempt: Try) -> None:
    checks = attempt(before=unreachable)
    assert checks["network"].state == "warning"
    assert "Connection refused" in checks["network"].found
    assert "messages go through files" in checks["network"].found
    assert "GRIDENGINE_PORTS=" in checks["network"].advice
    assert checks["packages there"].state == checks["run folder there"].state == "ok"
    assert checks["clock"].state == "unknown"


def test_a_folder_that_is_not_seen_is_told_by_the_network(attempt: Try) -> None:
    checks = attempt(before=elsewhere)
    assert checks["run folder there"].state == "failed"
    assert "GRIDENGINE_RUN_DIR" in checks["run folder there"].advice
    assert checks["network"].state == checks["clock"].state == "ok"
    assert checks["packages there"].state == "unknown"


def test_where_both_fail_the_exit_status_tells_it(attempt: Try) -> None:
    def both(made: Trial) -> None:
        unreachable(made)
        elsewhere(made)

    checks = attempt(before=both)
    assert checks["run folder there"].state == checks["network"].state == "failed"
    assert checks["Python there"].state == "ok"
    assert checks["clock"].state == "unknown"


def test_a_python_that_is_not_there_is_told_and_another_tells_the_rest(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/bin/python")
    checks = attempt()
    assert checks["Python there"].state == "failed"
    assert "/nowhere/bin/python" in checks["Python there"].found
    assert "not found" in checks["Python there"].found
    assert checks["network"].state == checks["run folder there"].state == "ok"
    assert checks["packages there"].state == "unknown"


def test_no_python_at_all_is_told_too(attempt: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/bin/python")
    monkeypatch.setattr(
        node_command, "_SHELL", node_command._SHELL.replace("python3", "/nowhere/python3")
    )
    checks = attempt()
    assert checks["Python there"].state == "failed"
    assert checks["run folder there"].state == "ok"
    checks = attempt(before=elsewhere)
    assert checks["Python there"].state == checks["run folder there"].state == "failed"


def test_packages_that_are_not_there_are_named(attempt: Try) -> None:
    def without(made: Trial) -> None:
        path = Path(made._folder, "asked")
        asked = json.loads(path.read_text())
        asked["sys_path"] = [each for each in asked["sys_path"] if "site-packages" not in each]
        asked["sys_path"] = [*asked["sys_path"], "/nowhere/site-packages"]
        asked["cwd"] = "/nowhere/project"
        path.write_text(json.dumps(asked))

    checks = attempt(before=without)
    assert checks["packages there"].state == "failed"
    assert "msgspec: ModuleNotFoundError" in checks["packages there"].found
    assert "/nowhere/site-packages" in checks["packages there"].advice
    assert "/nowhere/project" in checks["folders there"].found


def test_an_editable_installation_of_this_package_is_found(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where an import hook finds it, its folder is not in sys.path.
    source = Path(gridengine.__file__).parents[1]
    others = [path for path in sys.path if Path(path).resolve() != source]
    monkeypatch.setattr(sys, "path", others)
    checks = attempt()
    assert checks["packages there"].state == "ok", checks["packages there"]
    assert checks["folders there"].state == "ok"


def test_a_host_by_which_nothing_is_reached_is_told_with_one_that_is(attempt: Try) -> None:
    checks = attempt(settings=Settings(host="192.0.2.77"))
    network = checks["network"]
    assert network.state == "failed"
    assert "GRIDENGINE_HOST is 192.0.2.77" in network.found
    assert re.search(r"answers in .* ms", network.found)
    assert "GRIDENGINE_HOST=" in network.advice


def test_who_does_not_know_the_token_is_told_nothing(attempt: Try) -> None:
    heard = []

    def knock(made: Trial) -> None:
        address, port = made.port.endpoints[0]
        with socket.create_connection((address, port), timeout=10) as line:
            line.sendall(b'{"token": "?", "findings": {"complete": true, "host": "evil"}}\n')
            for _ in range(50):
                made.port.wait(0.01)
            heard.append(line.recv(100))

    checks = attempt(before=knock)
    assert heard == [b""]
    assert "evil" not in checks["Python there"].found


def test_a_host_that_leads_nowhere_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDENGINE_HOST", "no.such.host.invalid")
    checks = by_name(gridengine.doctor(make(["one"], command=HERE)))
    assert checks["network"].state == "failed"
    assert "no.such.host.invalid" in checks["network"].found
    assert "GRIDENGINE_HOST" in checks["network"].advice
    assert checks["test job"].state == "unknown"


@pytest.mark.parametrize("rubbish", [{"addresses": [1]}, {"limits": {"as": "x"}}, {"host": []}])
def test_rubbish_with_the_right_token_is_a_failure_and_no_crash(
    make: Make, monkeypatch: pytest.MonkeyPatch, rubbish: dict[str, Any]
) -> None:
    run = Trial.run

    def fooled(made: Trial, deadline: float, hopeless: Callable[[], bool]) -> Any:
        outcome = run(made, deadline, hopeless)
        outcome.node = {**(outcome.node or {}), **rubbish}
        return outcome

    monkeypatch.setattr(Trial, "run", fooled)
    report = gridengine.doctor(make(["one"], command=HERE))
    assert str(report)
    assert isinstance(report.ok, bool)


def test_what_runs_on_a_node_needs_no_new_python_and_no_package() -> None:
    source = Path(node_command.__file__).with_name("node_script.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= sys.stdlib_module_names
        elif isinstance(node, ast.ImportFrom):
            assert node.module in sys.stdlib_module_names
            assert not node.level


# -- the command --------------------------------------------------------------------------------


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--scheduler", "process"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^ok +workers here +a worker has started", shown, re.MULTILINE)


def test_json_is_all_that_a_program_reads(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "settings.toml"
    options = ["--scheduler", "process", "--json", "--write", str(path)]
    assert cli.main(["doctor", *options]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["ok"] is True
    assert 'scheduler = "process"' in captured.err
    assert path.read_text() == 'scheduler = "process"\n'


def test_a_failure_is_the_exit_status_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DRMAA_LIBRARY_PATH", "/nowhere/libdrmaa.so")
    path = tmp_path / "settings.toml"
    assert cli.main(["doctor", "--scheduler", "grid_engine", "--write", str(path)]) == 1
    assert "nothing is written" in capsys.readouterr().err
    assert not path.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--scheduler", "grid_engine", "--set", "slots=2"], "slots=2 needs parallel_environment"),
        (["-l", "=3"], "write NAME=VALUE"),
        (
            ["--scheduler", "process", "--queue", "a.q"],
            "of use with a Grid Engine or a Slurm alone",
        ),
    ],
)
def test_impossible_options_are_told(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["doctor", *options]) == 1
    assert said in capsys.readouterr().err


WAITS = """
import sys
from gridengine.cli import main
from tests.schedulers.test_a_scheduler_of_ones_own import source
from gridengine.cli.commands import doctor
names = {"__name__": "hosts_scheduler"}
exec(source(), names)
wait = ("sh", "-c", "touch %s; exec cat >/dev/null")
doctor._scheduler = lambda given: names["HostsScheduler"](["one"], command=wait)
sys.exit(main.main(["doctor"]))
"""


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    run_dir = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS % (tmp_path / "started")],
        cwd=ROOT,
        env={**os.environ, "GRIDENGINE_RUN_DIR": str(run_dir)},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until((tmp_path / "started").exists, what="the queue job has started")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert said == "gridengine: interrupted; nothing is left behind\n"
    assert not os.listdir(run_dir)
