"""The package's loggers, made on first use: `logging` takes longer to import than a map to run.

And what people read of it: `printable`, for what comes from other hosts, files and batch systems.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Any


class _Escapes(dict[int, "str | int"]):
    """For ``str.translate``: what a terminal obeys instead of showing it becomes an escape."""

    def __missing__(self, code: int) -> str | int:
        character = chr(code)
        if not _is_obeyed(character):
            return code  # not kept: there are a million of them
        # Not by a codec, which is imported when it is used first, and needs a descriptor for that.
        self[code] = shown = repr(character)[1:-1]
        return shown


#: What changes the order of the letters around it, or ends a line that looks as one.
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029"


def _is_obeyed(character: str) -> bool:
    control = character < " " or "\x7f" <= character <= "\x9f"
    return (control and character not in "\n\t") or (
        character in _BIDI or "\ud800" <= character <= "\udfff"
    )


_escapes = _Escapes()


def printable(text: str) -> str:
    """Returns a text in which what a terminal would obey stands as an escape, as in ``repr``.

    Those are control characters but for newline and tab, those that turn the direction of writing,
    and lone surrogates, which no terminal can be sent. Other letters stay, in whatever language.
    """
    return text if text.isprintable() else text.translate(_escapes)


class Log:
    """Stands for ``logging.getLogger(name)``, whose lines are `printable`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        try:
            import logging
        except OSError:
            # No descriptor is left for its file; it is then that there is something to say.
            return _say
        logger = logging.getLogger(self._name)
        logger.addFilter(_made_printable)  # once, however often this is said
        return getattr(logger, attribute)


def _made_printable(record: logging.LogRecord) -> bool:
    """Has a record say what can be shown; one that does already keeps its parts."""
    try:
        text = record.getMessage()
    except Exception:
        # The ``__repr__`` of something of the user's: `logging` says so itself.
        return True
    shown = printable(text)
    if shown != text:
        record.msg, record.args = shown, ()
    return True


def _say(text: str, *values: object) -> None:
    import sys

    if sys.stderr is not None:
        sys.stderr.write(printable(f"gridengine: {text % values}\n"))
