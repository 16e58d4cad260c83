"""What stands above all panels: how far the program is, in a line of figures and a bar."""

from __future__ import annotations

from collections.abc import Iterator

from bokeh.models import Div, InlineStyleSheet

from .. import texts
from ..watching import Watched

_STYLE = """
:host { font: 14px/1.4 system-ui, sans-serif; color: #1f2933 }
.bk-clearfix { display: block !important; width: 100% }
.tiles { display: flex; flex-wrap: wrap; gap: 8px; margin-bottom: 8px }
.tile { background: #fff; border: 1px solid #dde3ea; border-radius: 8px; padding: 6px 14px 8px;
        flex: 1 1 0; min-width: 84px }
.tile b { display: block; font-size: 21px; font-weight: 600; font-variant-numeric: tabular-nums;
          white-space: nowrap }
.tile span { color: #647282; font-size: 12px; white-space: nowrap }
.bad b { color: #b3261e }
.bar { height: 12px; border-radius: 6px; background: #dde3ea; overflow: hidden; display: flex }
.bar i { display: block; height: 100% }
.done { background: #2f7d5b } .failed { background: #c0392b } .given { background: #8fc1a9 }
.why { margin-top: 6px; padding: 6px 12px; border-radius: 6px; background: #fff4d6;
       border: 1px solid #f0dca0; overflow-wrap: anywhere }
.facts { color: #647282; font-size: 12px; margin: 0 0 8px 2px; overflow: hidden;
         text-overflow: ellipsis; white-space: nowrap }
"""


class SummaryPanel:
    """It.

    Attributes:
        root: What Bokeh draws.
    """

    def __init__(self) -> None:
        self.root = Div(
            text="",
            sizing_mode="stretch_width",
            disable_math=True,
            stylesheets=[InlineStyleSheet(css=_STYLE)],
            name="summary",
        )

    def show(self, watched: Watched) -> None:
        """Shows how a program stands."""
        tiles = "".join(
            f'<div class="tile{" bad" if bad else ""}"><b>{value}</b><span>{label}</span></div>'
            for label, value, bad in _figures(watched)
        )
        facts = watched.facts
        began = texts.clock(facts.began)
        self.root.text = (
            f'<div class="facts">{texts.escaped(facts.scheduler, 120)} · process {facts.pid} on '
            f"{texts.escaped(facts.host)} · since {began}{_end(watched)} · "
            f"{texts.escaped(facts.cwd, 120)}</div>"
            f'<div class="tiles">{tiles}</div>{_bar(watched)}{_why(watched)}'
        )

    def say(self, text: str) -> None:
        """Shows a text, where there is no program."""
        self.root.text = f'<div class="why">{texts.escaped(text, 500)}</div>'


def _figures(watched: Watched) -> Iterator[tuple[str, str, bool]]:
    view = watched.view
    yield "done", texts.count(view.done), False
    if watched.ended:
        yield "failed", texts.count(view.failed), view.failed > 0
        yield "tried again", texts.count(view.retried), False
        yield "it took", texts.seconds(watched.ended - watched.facts.began), False
        return
    yield "given out", texts.count(view.given), False
    yield "waiting", texts.count(view.waiting), False
    yield "failed", texts.count(view.failed), view.failed > 0
    yield "tried again", texts.count(view.retried), False
    yield "calls/s", f"{view.rate:,.1f}" if view.rate < 100 else texts.count(view.rate), False
    left = view.seconds_left
    yield "left", "?" if left is None else texts.seconds(left) if left else "–", False
    yield "at work", f"{view.running}/{len(view.workers)}", False
    if any(job.host != watched.facts.host for job in view.queue_jobs.values()):
        waiting = sum(not job.host for job in view.queue_jobs.values())
        yield "queued", f"{waiting}/{len(view.queue_jobs)}", False


def _bar(watched: Watched) -> str:
    view = watched.view
    given, waiting = (0, 0) if watched.ended else (view.given, view.waiting)
    whole = max(1, view.done + given + waiting)
    parts = {"done": view.done - view.failed, "failed": view.failed, "given": given}
    return (
        f'<div class="bar" title="{100 * view.done / whole:.1f} %">'
        + "".join(
            f'<i class="{part}" style="width:{100 * calls / whole:.3f}%"></i>'
            for part, calls in parts.items()
        )
        + "</div>"
    )


def _why(watched: Watched) -> str:
    why = "" if watched.ended else watched.view.why_waiting
    return f'<div class="why">Why queue jobs wait: {texts.escaped(why, 1000)}</div>' if why else ""


def _end(watched: Watched) -> str:
    return f", <b>ended</b> at {texts.clock(watched.ended)}" if watched.ended else ""
