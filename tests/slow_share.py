"""A folder that two hosts share by a slow file server: each sees what the other writes only later.

What the other side sees of a file that grows is what it was some time ago; now and then a part of
the last bytes, or zeros in their place, as a client of NFS may show it.
"""

from __future__ import annotations

import collections
import contextlib
import os
import random
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path


class SlowShare:
    """Copies what one side writes to the other one's view.

    Args:
        here: The folder as the program sees it; what ends in ``.down.NUMBER`` is written here.
        there: The folder as nodes see it; what ends in ``.up.NUMBER`` is written there.
        delay: Seconds until a byte is seen.
    """

    def __init__(self, here: Path, there: Path, delay: float) -> None:
        self._here, self._there, self._delay = here, there, delay
        self._sizes: dict[Path, collections.deque[tuple[float, int]]] = {}
        self._shown: dict[Path, int] = {}
        self._dice = random.Random(3)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> SlowShare:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.01):
            # Whoever has just removed something.
            with contextlib.suppress(FileNotFoundError):
                self._copy_folders()
                for source, goal in self._segments():
                    self._show(source, goal, time.monotonic())

    def _copy_folders(self) -> None:
        for folder, _, files in os.walk(self._here):
            goal = self._there / Path(folder).relative_to(self._here)
            if not goal.exists():
                goal.mkdir(mode=0o700)
            for name in files:
                path = goal / name
                if "." in name or path.exists():
                    continue
                shutil.copy2(Path(folder) / name, goal / f"{name}.new")
                (goal / f"{name}.new").rename(path)

    def _segments(self) -> Iterator[tuple[Path, Path]]:
        for source, goal, way in (
            (self._here, self._there, "down"),
            (self._there, self._here, "up"),
        ):
            for path in source.glob(f"run-*/messages/*.{way}.*"):
                yield path, goal / path.relative_to(source)

    def _show(self, source: Path, goal: Path, now: float) -> None:
        sizes = self._sizes.setdefault(source, collections.deque())
        sizes.append((now, source.stat().st_size))
        while len(sizes) > 1 and sizes[1][0] <= now - self._delay:
            sizes.popleft()
        if sizes[0][0] > now - self._delay:
            return
        before, size = self._shown.get(source, 0), sizes[0][1]
        if before and not goal.exists():
            # Its reader has read it to the end.
            return
        if size <= before:
            return
        with source.open("rb") as file:
            file.seek(before)
            new = file.read(size - before)
        trick = self._dice.randrange(3)
        if trick == 0:
            new = new[: self._dice.randrange(len(new) + 1)]
        descriptor = os.open(goal, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            if trick == 1:
                os.pwrite(descriptor, bytes(len(new)), before)
                time.sleep(0.02)
            os.pwrite(descriptor, new, before)
        finally:
            os.close(descriptor)
        self._shown[source] = before + len(new)
