"""Lines of jobs stand above bars of tqdm's that are on the same terminal, those of maps or others.

A bar leaves the cursor at its end: what is written there is glued to it, and the bar is left behind
in the middle of the text.
"""

from __future__ import annotations

import contextlib
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TextIO


@contextlib.contextmanager
def above_bars(stream: TextIO | None) -> Iterator[None]:
    """Has bars away from the terminal while something is written to a stream, and then drawn again.

    Args:
        stream: ``sys.stdout`` or ``sys.stderr``.
    """
    with contextlib.ExitStack() as away:
        # Without this, what a bar raises would take the text with it.
        with contextlib.suppress(Exception):
            bar = _bar_on_a_terminal()
            if bar is not None and _is_terminal(stream):
                away.enter_context(type(bar).external_write_mode(file=stream))
        yield


def _bar_on_a_terminal() -> Any:
    # Where nobody has imported it there is none.
    tqdm = sys.modules.get("tqdm.std")
    bars = () if tqdm is None else list(tqdm.tqdm._instances)
    # One that is just being made has no stream yet.
    return next((bar for bar in bars if _is_terminal(getattr(bar, "fp", None))), None)


def _is_terminal(stream: Any) -> bool:
    return bool(stream is not None and stream.isatty())
