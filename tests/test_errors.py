"""The tree as drawn, the death certificate, and exceptions that travel."""

from __future__ import annotations

import builtins
import copy
import errno
import inspect
import pickle
import re

import pytest

from gridengine import errors
from gridengine.errors import (
    Death,
    GridEngineError,
    JobCancelled,
    JobDied,
    JobExited,
    JobTimeout,
    PackingError,
    SchedulerError,
    SchedulerUnavailable,
    UnpackingError,
    format_bytes,
)
from gridengine.states import DeathCause

DEATH = Death(
    job="train",
    index=17,
    input="Path('x.h5')",
    host="node7",
    pid=4711,
    attempt=2,
    exitcode=-9,
    signal="SIGKILL",
    cause=DeathCause.OUT_OF_MEMORY,
    peak_memory=1181116006,
    requested_memory=2**30,
    wall_time=12.345,
    output="epoch 1\nepoch 2\n",
    detail="job 99.1 exceeds job hard limit h_vmem",
    advice="h_vmem: peak 1.1G of 1G; ask for more",
)


def _drawn() -> dict[str, str]:
    """Returns the parent of each exception as the module's docstring draws it."""
    assert errors.__doc__ is not None
    parents: dict[str, str] = {}
    path: list[str] = []
    for indent, name in re.findall(r"^    ([ │├└─]*)(\w+)", errors.__doc__, re.MULTILINE):
        path[len(indent) // 4 :] = [name]
        if len(path) > 1:
            parents[name] = path[-2]
    return parents


def _real() -> dict[str, type[BaseException]]:
    classes = vars(errors).values()
    own = (c for c in classes if inspect.isclass(c) and c.__module__ == errors.__name__)
    return {c.__name__: c for c in own if issubclass(c, BaseException)}


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    real = _real()
    assert _drawn() == {
        name: cls.__bases__[0].__name__ for name, cls in real.items() if cls is not GridEngineError
    }


def test_the_second_parents_in_the_docstring_are_the_real_ones() -> None:
    assert errors.__doc__ is not None
    drawn = re.findall(r"(\w+) +\(also (?:a|the builtin) (\w+)\)", errors.__doc__)
    real = {name: cls.__bases__[1] for name, cls in _real().items() if len(cls.__bases__) > 1}
    assert {name: getattr(builtins, second) for name, second in drawn} == real


def test_every_exception_says_in_a_docstring_what_it_means() -> None:
    for cls in _real().values():
        assert cls.__doc__
        assert cls.__doc__ != cls.__bases__[0].__doc__


@pytest.mark.parametrize(
    "error",
    [
        GridEngineError("text"),
        PackingError("text"),
        UnpackingError("text"),
        errors.TimeoutError("text"),
        SchedulerError("text"),
        SchedulerUnavailable("text"),
        JobCancelled("text"),
        JobExited("text", 3),
        JobTimeout("text"),
        JobDied(DEATH),
        JobDied(Death()),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("journey", [pickle.dumps, copy.copy, copy.deepcopy])
def test_an_exception_is_the_same_after_any_journey(error: Exception, journey: object) -> None:
    assert callable(journey)
    again = pickle.loads(journey(error)) if journey is pickle.dumps else journey(error)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.args == error.args
    assert vars(again) == vars(error)


def test_notes_travel_with_a_death() -> None:
    error = JobDied(DEATH)
    error.__notes__ = ["job 17 on node7"]
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["job 17 on node7"]


def test_a_death_is_told_with_all_that_is_known() -> None:
    text = str(JobDied(DEATH))
    for part in (
        "'train'", "call 17", "Path('x.h5')", "node7", "4711", "attempt 2", "SIGKILL",
        "out of memory", "1.1G of 1G requested", "12.3 s", "    epoch 2", "exceeds job hard limit",
        "ask for more",
    ):  # fmt: skip
        assert part in text


def test_a_death_of_which_nothing_is_known_claims_nothing() -> None:
    text = str(Death(job="f", attempt=1))
    assert text == "job 'f' died: unknown\n  attempt 1, after 0 s"


def test_an_exit_status_is_told_where_there_was_no_signal() -> None:
    assert "exited (exit status 3)" in str(Death(cause=DeathCause.EXITED, exitcode=3))


def test_of_a_long_output_the_last_lines_are_told() -> None:
    text = str(Death(output="\n".join(f"line {i}" for i in range(100))))
    assert text.endswith("    line 98\n    line 99")
    assert "line 0\n" not in text
    assert len(text.splitlines()) < 50


def test_every_fact_of_a_death_is_an_attribute_of_the_exception() -> None:
    error = JobDied(DEATH)
    assert error.death is DEATH
    for field in Death._fields:
        assert getattr(error, field) == getattr(DEATH, field)


def test_every_fact_is_explained() -> None:
    assert Death.__doc__ is not None
    for field in Death._fields:
        assert f"\n    {field}: " in inspect.cleandoc(Death.__doc__)


def test_a_job_that_exited_tells_its_status() -> None:
    assert JobExited("text").exitcode == 1
    assert (str(JobExited("text", 3)), JobExited("text", 3).exitcode) == ("text", 3)


def test_a_time_limit_is_caught_as_the_builtin_too() -> None:
    assert issubclass(JobTimeout, builtins.TimeoutError)
    assert issubclass(errors.TimeoutError, builtins.TimeoutError)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"), (1, "1"), (1000, "1000"), (1023, "1023"), (1024, "1K"), (1536, "1.5K"),
        (64 * 1024, "64K"), (1023 * 1024, "1023K"), (2**30, "1G"), (1181116006, "1.1G"),
        (2**40, "1T"), (5000 * 2**40, "5000T"),
    ],
)  # fmt: skip
def test_bytes_are_told_in_the_batch_systems_manner(count: int, text: str) -> None:
    assert format_bytes(count) == text


def test_a_long_time_is_told_without_powers_of_ten() -> None:
    assert "after 86400 s" in str(Death(wall_time=86400.0))


def test_type_checkers_know_every_field_of_a_certificate_as_an_attribute() -> None:
    def types_of(cls: type) -> dict[str, str]:
        return {k: getattr(v, "__forward_arg__", v) for k, v in cls.__annotations__.items()}

    assert {"death": "Death", **types_of(Death)} == types_of(JobDied)


def test_what_the_system_refuses_is_told_with_what_to_do() -> None:
    refused = errors.reason_of(OSError(errno.EMFILE, "Too many open files"))
    assert refused == (
        "Too many open files; close some, or raise the limit of open files (ulimit -n)"
    )
    assert errors.reason_of(OSError(errno.EPERM, "Not permitted")) == "Not permitted"
    assert "ulimit -u" in errors.reason_of(RuntimeError("can't start new thread"))
