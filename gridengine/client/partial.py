"""`partial`, for functions that shall keep their names."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from ..serialization.by_value.explain import short_repr
from ..serialization.functions import name_of

R = TypeVar("R")


class partial(functools.partial[R]):
    """`functools.partial` that keeps the function's name, docstring and module.

    Its ``__name__`` shows what is closed over, so that logs and death certificates do too.

    Example:
        >>> def power(base, exponent):
        ...     "Raises to a power."
        ...     return base**exponent
        >>> square = partial(power, exponent=2)
        >>> square(3), square.__name__, square.__doc__
        (9, 'power(exponent=2)', 'Raises to a power.')
    """

    __name__: str

    def __new__(cls, f: Callable[..., R], /, *args: Any, **kwargs: Any) -> partial[R]:
        self = super().__new__(cls, f, *args, **kwargs)
        shown = [short_repr(arg) for arg in self.args]
        shown += [f"{name}={short_repr(value)}" for name, value in self.keywords.items()]
        self.__name__ = f"{name_of(self.func)}({', '.join(shown)})"
        self.__doc__ = getattr(f, "__doc__", None)
        self.__module__ = getattr(f, "__module__", cls.__module__)
        return self
