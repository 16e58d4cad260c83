"""The program in the terminal."""

from __future__ import annotations

from textual import work
from textual.app import App, ComposeResult
from textual.widgets import DataTable, Footer, Static, TabbedContent, TabPane

from ...logs import printable
from ...observers import programs
from ...observers.map_counts import clock
from ...observers.watching import WatchedPrograms, WatchedScheduler
from ..programs import rows
from ..programs.rows import Row
from .row_table import RowTable
from .screens import Asking, Reading

#: Seconds between two pictures, and between two searches for new programs.
_PICTURE, _SEARCH = 0.5, 2.0

_PROGRAMS = (
    "PROCESS", "PROGRAM", "SCHEDULER", "DONE", "RUNNING", "WAITING", "FAILED", "WORKERS",
    "CALLS/S", "LEFT",
)  # fmt: skip

#: The tables of one scheduler: what their tab says, their headings, and what makes their rows.
_TABLES = {
    "workers": ("Workers", rows.WORKERS, rows.worker_rows),
    "queue-jobs": ("Queue jobs", rows.QUEUE_JOBS, rows.queue_job_rows),
    "jobs": ("Jobs since top began", rows.JOBS, rows.job_rows),
    "failures": ("Failures", rows.FAILURES, rows.failure_rows),
    "notices": ("Notices", rows.NOTICES, rows.notice_rows),
}

_NEWEST_FIRST = ("jobs", "failures", "notices")


class Top(App[None]):
    """Shows all programs, and the jobs of one of them.

    Args:
        watched: They; whoever makes this closes it.
    """

    TITLE = "gridengine top"
    BINDINGS = [  # noqa: RUF012  # textual's own way
        ("o", "ask('output')", "Output"),
        ("s", "ask('stack')", "Stack"),
        ("k", "end", "End job"),
        ("f", "failures", "Failures"),
        ("q", "quit", "Quit"),
    ]
    CSS = """
    #programs { height: auto; max-height: 30%; }
    #summary { height: auto; padding: 0 1; }
    TabbedContent { height: 1fr; }
    """
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, watched: WatchedPrograms) -> None:
        super().__init__()
        self._watched = watched

    def compose(self) -> ComposeResult:
        """Yields the tables."""
        yield RowTable(_PROGRAMS, id="programs")
        yield Static("", id="summary", markup=False)
        with TabbedContent():
            for name, (title, headings, _) in _TABLES.items():
                with TabPane(title, id=f"tab-{name}"):
                    yield RowTable(headings, id=name, newest_first=name in _NEWEST_FIRST)
        yield Footer()

    def on_mount(self) -> None:
        """Begins to look."""
        self.query_one("#workers").focus()
        self.set_interval(_PICTURE, self.look)
        self.set_interval(_SEARCH, self._search)
        self.look()

    @work(thread=True, exclusive=True)
    def _search(self) -> None:
        # One that does not answer is waited for.
        found = list(self._watched.search())
        self.call_from_thread(self._watched.add, found)

    def look(self) -> None:
        """Takes in what has happened, and shows it."""
        self._watched.listen(0.0)
        if not self._is_there():
            return
        schedulers = [each for program in self._watched.programs() for each in program]
        self._table("programs").show([_program_row(each) for each in schedulers])
        self._show_chosen()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Shows another program."""
        if event.data_table.id == "programs" and self._is_there():
            self._show_chosen()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Shows all of a failure, with Enter."""
        scheduler = self._chosen()
        row = self._table("failures").chosen
        if event.data_table.id == "failures" and scheduler is not None and row is not None:
            self.push_screen(Reading(row.cells[0], rows.failure_text(scheduler.view, row)))

    def _is_there(self) -> bool:
        # What is asked for from time to time may come before the tables, or after some of them.
        if not self.screen_stack:
            return False
        there = {widget.id for widget in self.screen_stack[0].query("*")}
        return there.issuperset({"programs", "summary", *_TABLES})

    def _show_chosen(self) -> None:
        scheduler = self._chosen()
        if scheduler is None:
            text = "no program of yours runs jobs on this host"
            if self._watched.silent:
                text += f"; process {self._watched.silent[0]} does not answer"
        else:
            text = "\n".join(rows.summary(scheduler.facts, scheduler.view))
        self.query_one("#summary", Static).update(text)
        for name, (_, _, make) in _TABLES.items():
            known = make(scheduler.path, scheduler.view) if scheduler is not None else []
            self._table(name).show(known)

    def _table(self, name: str) -> RowTable:
        # Of the screen below, if something stands above it.
        return self.screen_stack[0].query_one(f"#{name}", RowTable)

    def _chosen(self) -> WatchedScheduler | None:
        row = self._table("programs").chosen
        schedulers = [each for program in self._watched.programs() for each in program]
        return next((each for each in schedulers if row and each.path == row.path), None)

    # ------------------------------------------------------------------ keys

    def action_ask(self, what: str) -> None:
        """Shows what the job at the cursor has printed, or where it is."""
        row = self._job()
        if row is not None:
            self._ask(what, row)

    def action_end(self) -> None:
        """Ends the job at the cursor, if that is meant."""
        row = self._job()
        if row is None:
            return

        def go_on(meant: bool | None) -> None:
            if meant:
                self._ask("end", row)

        self.push_screen(Asking(f"End {row.cells[2]}, on {row.cells[0]}?"), go_on)

    def action_failures(self) -> None:
        """Goes to what has failed, or from there to the workers again."""
        tabs = self.query_one(TabbedContent)
        name = "workers" if tabs.active == "tab-failures" else "failures"
        tabs.active = f"tab-{name}"
        # Only what is shown can be gone to.
        self.call_after_refresh(self._table(name).focus)

    def _job(self) -> Row | None:
        row = self._table("workers").chosen
        if row is None or row.task < 0:
            self.notify("choose a worker that runs a job", severity="warning")
            return None
        return row

    @work(thread=True)
    def _ask(self, what: str, row: Row) -> None:
        try:
            answer = programs.ask(row.path, what, row.task)
        except (LookupError, OSError) as error:
            text = printable(str(error.args[0] if error.args else error))
            self.call_from_thread(self.notify, text, severity="warning", markup=False)
            return
        if what == "end":
            self.call_from_thread(self.notify, printable(answer), markup=False)
            return
        heading = f"{what.capitalize()} of {row.cells[2]}, process {row.cells[1]} on {row.cells[0]}"
        text = printable(answer) or "it has printed nothing so far"
        self.call_from_thread(self.push_screen, Reading(heading, text))


def _program_row(scheduler: WatchedScheduler) -> Row:
    facts, view = scheduler.facts, scheduler.view
    left = view.seconds_left
    cells = (
        str(facts.pid),
        rows.short(rows.command(facts), 40),
        rows.short(facts.scheduler, 40),
        f"{view.done:,}",
        f"{view.running:,}",
        f"{rows.waiting(view):,}",
        f"{view.failed:,}",
        f"{len(view.workers):,}",
        f"{view.rate:,.3g}" if view.rate else rows.NOTHING,
        clock(left) if left else rows.NOTHING,
    )
    return Row(scheduler.path, cells, scheduler.path)
