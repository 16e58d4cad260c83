"""What is known of a map from its folder alone."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from typing import Any

from . import files

_DIGITS = 9


def list_ids(work_dir: str, suffix: str) -> list[int]:
    """Returns the numbers of the chunks that have a file with an ending, such as ``.pkl``."""
    return sorted(_ids(work_dir, suffix))


def _ids(work_dir: str, suffix: str) -> Iterator[int]:
    for name in os.listdir(work_dir):
        number, ending = name[:_DIGITS], name[_DIGITS:]
        if number.isdecimal() and len(number) == _DIGITS and ending == suffix:
            yield int(number)


def make_summary(work_dir: str, max_osize: int = 10**6, max_esize: int = 10**6) -> dict[str, Any]:
    """Returns what became of each chunk of a map whose folder was kept.

    Args:
        work_dir: The folder. What is in it is unpickled.
        max_osize: Bytes of each chunk's output that are read at most.
        max_esize: The same of what it wrote as errors.

    Returns:
        The sets of chunks ``started``, ``completed`` and ``incomplete``; what they printed,
        ``stdout`` and ``stderr``, bytes by the number of the chunk; and ``incomplete_jobs``, the
        tasks of those that are incomplete; by these names.

    Raises:
        OSError: There is no such folder.
    """
    started, completed = set(list_ids(work_dir, ".pkl")), set(list_ids(work_dir, ".pkl.out"))
    incomplete = started - completed
    path = os.path.join(work_dir, "{:09d}.pkl").format
    return {
        "started": started,
        "completed": completed,
        "incomplete": incomplete,
        "stdout": dict(_read(started, path, ".o", max_osize)),
        "stderr": dict(_read(started, path, ".e", max_esize)),
        "incomplete_jobs": {each: read_pkl(path(each)) for each in sorted(incomplete)},
    }


def read_pkl(path: str) -> Any:
    """Returns what was pickled into a file.

    Raises:
        OSError: It cannot be read.
    """
    return pickle.loads(files.read(path))


def _read(chunks: set[int], path: Any, ending: str, most: int) -> Iterator[tuple[int, bytes]]:
    for ichunk in sorted(chunks):
        try:
            with open(f"{path(ichunk)}{ending}", "rb") as file:
                yield ichunk, file.read(most)
        except FileNotFoundError:
            # Its queue job has not run.
            continue
