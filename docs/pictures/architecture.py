"""The processes that take part, and what connects them."""

from __future__ import annotations

from drawing import Drawing


def draw() -> str:
    """Returns the picture."""
    picture = Drawing(
        760, 432,
        "A program with a dispatcher and a scheduler; on this computer and on each node of the "
        "cluster a supervisor with its workers",
    )  # fmt: skip
    _program(picture)
    _this_computer(picture)
    _node(picture)
    _batch_system(picture)
    return picture.svg()


def _program(picture: Drawing) -> None:
    picture.panel(16, 16, 272, 312, "your program")
    picture.box(36, 54, 232, 58, "map · Job · Pool · Executor", "your threads")
    picture.arrow([(92, 112), (92, 146)])
    picture.text(102, 134, "calls", colour="faint", size=13)
    picture.arrow([(182, 146), (182, 112)])
    picture.text(192, 134, "results", colour="faint", size=13)
    picture.box(36, 146, 232, 58, "dispatcher", "a thread: which call is where")
    picture.arrow([(92, 204), (92, 250)])
    picture.text(102, 232, "three more workers", colour="faint", size=13)
    picture.box(36, 250, 232, 58, "scheduler", "where workers come from")


def _this_computer(picture: Drawing) -> None:
    picture.panel(456, 16, 288, 138, "this computer")
    picture.box(474, 52, 112, 84, "supervisor", "forks, watches")
    for number in range(3):
        y = 52 + 30 * number
        picture.box(624, y, 102, 24, "worker")
        picture.arrow([(586, 94), (606, 94), (606, y + 12), (624, y + 12)])
    picture.arrow([(268, 164), (360, 164), (360, 94), (456, 94)], both=True)
    picture.text(370, 84, "socket pairs", colour="faint", size=13)


def _node(picture: Drawing) -> None:
    picture.panel(464, 190, 280, 138, "")
    picture.panel(456, 182, 280, 138, "each node of the cluster")
    picture.box(474, 218, 112, 84, "supervisor", "a queue job")
    picture.box(624, 236, 96, 48, "worker", "runs f(x)")
    picture.arrow([(586, 260), (624, 260)])
    picture.arrow([(268, 186), (360, 186), (360, 260), (456, 260)], both=True)
    picture.text(370, 232, "ZeroMQ,", colour="faint", size=13)
    picture.text(370, 249, "encrypted", colour="faint", size=13)


def _batch_system(picture: Drawing) -> None:
    picture.box(36, 362, 232, 52, "session process", "DRMAA; only on a cluster")
    picture.arrow([(152, 308), (152, 362)])
    picture.box(474, 362, 252, 52, "Grid Engine", "starts and ends queue jobs")
    picture.arrow([(268, 388), (474, 388)])
    picture.text(371, 378, "submit, watch, delete", colour="faint", size=13, anchor="middle")
    picture.arrow([(600, 362), (600, 328)])
