"""Tables, whose rows are made anew and sent when they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from bokeh.models import (
    CellFormatter,
    ColumnDataSource,
    DataTable,
    NumberFormatter,
    StringFormatter,
    TableColumn,
)

#: Rows that are sent at most.
ROWS = 1000


class Column(NamedTuple):
    """A column.

    Attributes:
        title: Above it.
        width: In pixels, of the whole table's about.
        number: How numbers are written (``0,0.0``), empty for texts.
        bold: Whether it stands out.
    """

    title: str
    width: int
    number: str = ""
    bold: bool = False


class RowsTable:
    """A table.

    Args:
        columns: Its columns.
        height: In pixels, None for all that there is.

    Attributes:
        source: Its rows.
        root: What Bokeh draws.
    """

    def __init__(self, columns: Sequence[Column], height: int | None = None) -> None:
        self._columns = columns
        self._shown: list[tuple[Any, ...]] = []
        self.source = ColumnDataSource({column.title: [] for column in columns})
        room: dict[str, Any] = (
            {"sizing_mode": "stretch_both", "min_height": 200}
            if height is None
            else {"sizing_mode": "stretch_width", "height": height}
        )
        self.root = DataTable(
            source=self.source,
            columns=[
                TableColumn(
                    field=column.title,
                    title=column.title,
                    width=column.width,
                    formatter=_formatter(column),
                )
                for column in columns
            ],
            index_position=None,
            autosize_mode="none",
            row_height=24,
            **room,
        )

    def show(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Shows these rows."""
        new = [row for row, _ in zip(rows, range(ROWS), strict=False)]
        if new == self._shown:
            return
        self._shown = new
        columns = zip(*new, strict=True) if new else ((),) * len(self._columns)
        self.source.data = {
            column.title: list(values)
            for column, values in zip(self._columns, columns, strict=True)
        }


def _formatter(column: Column) -> CellFormatter:
    if column.number:
        return NumberFormatter(format=column.number, text_align="right", nan_format="")
    return StringFormatter(font_style="bold" if column.bold else "normal")
