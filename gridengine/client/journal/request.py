"""What is asked for when a map or a job is to have its results kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import GridEngineError
from ...serialization import digests
from ...serialization.by_value.explain import short_repr
from ...serialization.functions import name_of
from ...states import Mode
from .writer import Scope

if TYPE_CHECKING:
    from ..call_options import CallOptions


class JournalRequest(NamedTuple):
    """A journal that was asked for.

    Attributes:
        path: Where it lies.
        key: Of a map a function that returns what an item is known by, of a job that itself; None
            for the item, or the arguments, and the code of the function. What is bound to that
            counts in any case.
    """

    path: str
    key: Any

    def scope(self, function: Callable[..., Any], mode: Mode, options: CallOptions) -> Scope:
        """Returns what tells these calls from those of other functions, and with other options.

        Raises:
            GridEngineError: The function cannot be told from others in another run.
        """
        name = name_of(function)
        try:
            # With a key the code does not count, but what is bound to it does.
            made_of = digests.Digests(code=self.key is None).of(function)
        except Exception as error:
            remedy = (
                "give the journal a key=" if self.key is None else "give it that with its items"
            )
            raise GridEngineError(
                f"the function {short_repr(function)}, with what is bound to it, cannot be known "
                f"again in another run ({error}): {remedy}"
            ) from error
        env = sorted((options.env or {}).items())
        parts = mode.name, made_of, self.key is None, options.seed, options.cwd, env
        return Scope(digests.joined(parts), name)


def journal_request(journal: str | os.PathLike[str] | None, key: Any) -> JournalRequest:
    """Returns what was asked for.

    Raises:
        TypeError: The journal is no path.
        ValueError: There is a key, and no journal; or the journal has no name.
    """
    if journal is None:
        raise ValueError(f"key is {short_repr(key)}, without a journal= in which it would be kept")
    try:
        path = os.fspath(journal)
    except TypeError:
        path = None
    if not isinstance(path, str):
        raise TypeError(f"journal is {short_repr(journal)}; it takes the path of a file")
    folder, name = os.path.split(os.path.abspath(path))
    if not path or path.endswith("/") or os.path.isdir(path):
        raise ValueError(f"journal is {path!r}; it takes the path of a file, such as 'run.journal'")
    return JournalRequest(os.path.join(os.path.realpath(folder), name), key)
