"""One job's way, from ``job.start()`` to ``job.result``, as a sequence."""

from __future__ import annotations

from drawing import Drawing

LANES = {"your thread": 92, "dispatcher's thread": 296, "supervisor": 496, "worker": 664}
THREAD, DISPATCHER, SUPERVISOR, WORKER = LANES.values()

#: Each line: from where to where, and what is said; or where something is done, and what.
WAY: list[tuple[int, int, str]] = [
    (THREAD, THREAD, "job.start(): pack()"),
    (THREAD, DISPATCHER, "Task"),
    (DISPATCHER, SUPERVISOR, "Staff: have one worker"),
    (SUPERVISOR, WORKER, "fork()"),
    (WORKER, DISPATCHER, "Ready"),
    (DISPATCHER, WORKER, "Run: a Call"),
    (WORKER, WORKER, "unpack(), f(x), pack()"),
    (WORKER, DISPATCHER, "Done: a Result"),
    (DISPATCHER, THREAD, "Outcome"),
    (THREAD, THREAD, "job.result: unpack()"),
]
DEATH: list[tuple[int, int, str]] = [
    (SUPERVISOR, SUPERVISOR, "waitpid()"),
    (SUPERVISOR, DISPATCHER, "Died: how, where, last output"),
    (DISPATCHER, DISPATCHER, "once more on another"),
    (DISPATCHER, THREAD, "or JobDied"),
]

_STEP = 36


def draw() -> str:
    """Returns the picture."""
    first, gap = 92, 58
    height = first + _STEP * (len(WAY) + len(DEATH)) + gap
    picture = Drawing(
        760, height,
        "A job is packed in the program's thread, handed out by the dispatcher, run by a worker, "
        "and its result comes back the same way",
    )  # fmt: skip
    for name, x in LANES.items():
        picture.line((x, 52), (x, height - 16), "line", dashed=True)
        picture.box(x - 80, 16, 160, 36, name)
    _steps(picture, first, WAY)
    again = first + _STEP * len(WAY) + gap
    picture.line((16, again - gap + 8), (744, again - gap + 8))
    picture.rectangle(16, again - gap + 14, 196, 22, "canvas")
    picture.text(16, again - gap + 30, "If the worker dies before:", colour="faint", bold=True)
    _steps(picture, again, DEATH)
    return picture.svg()


def _steps(picture: Drawing, y: float, steps: list[tuple[int, int, str]]) -> None:
    for start, end, text in steps:
        if start == end:
            width = 7.2 * len(text) + 16
            x = min(max(start, 12 + width / 2), 748 - width / 2)
            picture.rectangle(x - width / 2, y - 19, width, 26, "panel", "line")
            picture.text(x, y - 1, text, anchor="middle", size=13)
        else:
            picture.arrow([(start, y), (end, y)])
            middle = (start + end) / 2
            if abs(start - end) > 300:
                # Not where the lane between would run through it.
                middle = (SUPERVISOR + DISPATCHER) / 2
            picture.text(middle, y - 7, text, anchor="middle", size=13)
        y += _STEP
