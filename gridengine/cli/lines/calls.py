"""A call of a function with what is in a line, in the worker: there lines are read and written.

So the program only hands them on, and what the function returns need not be something that can
travel.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

from ...serialization.functions import name_of


class LineError(ValueError):
    """A line cannot be read, or a result cannot be written as one."""


class LineCall:
    """Calls a function with what is in a line, and returns the line that has its result.

    Args:
        function: It.
        text: Whether the line is the argument as it is; otherwise it is JSON.
        star: Whether what is in the line is a list of all arguments, or an object of them by name.
        raw: Whether a result that is a text is the line as it is.
    """

    def __init__(self, function: Callable[..., Any], *, text: bool, star: bool, raw: bool) -> None:
        # What the queue job is called, and what is said of calls that fail.
        self.__qualname__ = name_of(function)
        self._function = function
        self._text = text
        self._star = star
        self._raw = raw

    def __call__(self, line: bytes) -> bytes:
        """Returns the line of the result.

        Raises:
            LineError: A line cannot be read or written.
            BaseException: What the function raises.
        """
        value = self._read(line)
        if not self._star:
            return self._written(self._function(value))
        if isinstance(value, dict):
            return self._written(self._function(**value))
        if isinstance(value, list):
            return self._written(self._function(*value))
        raise LineError("with --star a line takes a list or an object")

    def _read(self, line: bytes) -> Any:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise LineError(f"it is no UTF-8: {error}") from None
        if self._text:
            return text
        try:
            return json.loads(text, parse_constant=_refuse)
        except ValueError as error:
            raise LineError(f"it is no JSON: {error}") from None

    def _written(self, value: Any) -> bytes:
        if self._raw and isinstance(value, str):
            if "\n" in value:
                raise LineError("the result has several lines; without --raw it is one, as JSON")
            try:
                return value.encode("utf-8") + b"\n"
            except UnicodeEncodeError as error:
                raise LineError(f"the result is no UTF-8: {error}") from None
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
        except (TypeError, ValueError, RecursionError) as error:
            raise LineError(f"the result is no JSON: {error}") from None
        try:
            return text.encode("utf-8") + b"\n"
        except UnicodeEncodeError:
            # Half of a surrogate pair, which JSON can have as an escape.
            return json.dumps(json.loads(text)).encode("ascii") + b"\n"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is none")


def _plain(value: Any) -> Any:
    """Returns what JSON has for a number or an array of numpy's, a column of pandas'."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"there is none for {type(value).__name__!r}")
