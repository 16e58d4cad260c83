"""What a chunk has made: a file of results, and one of exceptions where some tasks have failed."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Iterable
from typing import Any

from ...errors import PackingError
from ...serialization.exceptions import pack_error, unpack_error
from ...serialization.serializer import UpwardPickler, patient
from . import files, packing


def results_of(tasks: str) -> str:
    """Returns where the results of a chunk are, whose tasks are in a file."""
    return f"{tasks}.out"


def failures_of(tasks: str) -> str:
    """Returns where its failures are."""
    return f"{tasks}.failures"


def write(tasks: str, results: list[Any], failures: dict[int, BaseException]) -> None:
    """Writes what a chunk has made.

    Args:
        tasks: The file of its tasks.
        results: One for each, None for what has failed. One that cannot travel becomes a failure.
        failures: By their tasks' numbers within the chunk; those that are found here are added.

    Raises:
        OSError: There is no room for it.
    """
    try:
        data = _dumps(results)
    except PackingError:
        # It is the failure of its own task, not of its neighbours.
        data = _dumps([_checked(*each, failures) for each in enumerate(results)])
    if failures:
        # First: with the results the chunk is done.
        packed = [(number, pack_error(failures[number])) for number in sorted(failures)]
        files.write(failures_of(tasks), pickle.dumps(packed))
    files.write(results_of(tasks), data)


def read(tasks: str) -> tuple[list[Any], dict[int, BaseException]]:
    """Returns what `write` has written; what is in there is unpickled.

    Raises:
        Exception: It is damaged, or the code of something in it has failed.
    """
    results = pickle.loads(files.read(results_of(tasks)))
    failures: Iterable[tuple[int, bytes]] = ()
    if os.path.exists(failures_of(tasks)):
        failures = pickle.loads(files.read(failures_of(tasks)))
    return results, {number: unpack_error(packed) for number, packed in failures}


def told(failures: dict[int, BaseException]) -> str:
    """Returns what a queue job writes as errors about failed tasks."""
    return "".join(
        f"[task {number: 3d}, in chunk]\n{''.join(traceback.format_exception(error))}"
        for number, error in sorted(failures.items())
    )


def _checked(number: int, result: object, failures: dict[int, BaseException]) -> object:
    try:
        _dumps(result)
    except PackingError as error:
        failures[number] = error
        return None
    return result


def _dumps(obj: object) -> bytes:
    return packing.dumps_by((UpwardPickler, patient(UpwardPickler)), obj, "the result")
