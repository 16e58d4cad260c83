"""A table whose rows change, and whose cursor stays at the same one."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import DataTable

from ..programs.rows import Row

#: Rows that are shown: who has more looks at them by ``gridengine status --all``.
_MOST = 500


class RowTable(DataTable[Text]):
    """Shows rows.

    Args:
        headings: Those of the columns.
        id: As of any widget.
        newest_first: Whether rows come above the others. The cursor is at the newest then, until
            somebody is at this table.
    """

    def __init__(self, headings: Sequence[str], id: str, *, newest_first: bool = False) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=True)
        self._headings = headings
        self._newest_first = newest_first
        self._rows: list[Row] = []

    def on_mount(self) -> None:
        """Gives it its columns."""
        self.add_columns(*self._headings)

    @property
    def chosen(self) -> Row | None:
        """The row at the cursor, None if there is none."""
        here = self.cursor_row
        return self._rows[here] if 0 <= here < len(self._rows) else None

    def show(self, rows: Sequence[Row]) -> None:
        """Has it show these rows."""
        rows = list(rows[:_MOST])
        if [row.key for row in rows] == [row.key for row in self._rows]:
            self._change(rows)
            return
        chosen, place = self.chosen, self.cursor_row
        keys = [row.key for row in rows]
        top = self.scroll_y
        if self._newest_first and self.screen.focused is not self:
            chosen = None
        self.clear()
        for row in rows:
            # Not as markup: it may be anybody's text.
            self.add_row(*map(Text, row.cells), key=row.key)
        self._rows = rows
        if chosen is not None and chosen.key in keys:
            self.move_cursor(row=keys.index(chosen.key), scroll=False)
            if self._newest_first:
                # It stays where it is seen.
                top += self.cursor_row - place
        self.scroll_to(y=top, animate=False)

    def _change(self, rows: list[Row]) -> None:
        for number, (old, new) in enumerate(zip(self._rows, rows, strict=True)):
            if old.cells == new.cells:
                continue
            for column, (before, now) in enumerate(zip(old.cells, new.cells, strict=True)):
                if before != now:
                    self.update_cell_at((number, column), Text(now), update_width=True)  # type: ignore[arg-type]
        self._rows = rows
