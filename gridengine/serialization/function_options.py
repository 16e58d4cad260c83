"""What is to be done with the calls of a function, and travels with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Seed(NamedTuple):
    """The arguments of the `numpy.random.SeedSequence` that all calls of a map come from.

    It is understood without numpy.
    """

    entropy: int | tuple[int, ...]
    spawn_key: tuple[int, ...] = ()
    pool_size: int = 4


class FunctionWithOptions:
    """Takes a function's place on its way to the workers.

    In the same pickle the function and what it raises refer to the same classes.

    Attributes:
        function: It.
        retry_on: The exceptions after which a call may be tried again, None for any.
        seed: What the calls of a map are seeded with, None if they are not.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        retry_on: tuple[type[BaseException], ...] | None = None,
        seed: Seed | None = None,
    ) -> None:
        self.function = function
        self.retry_on = retry_on
        self.seed = seed

    @property
    def __name__(self) -> str:
        """What people call the function."""
        # A worker does without.
        from .functions import name_of

        return name_of(self.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function."""
        return self.function(*args, **kwargs)

    def may_be_tried_again(self, error: BaseException) -> bool:
        """Tells whether a call that has raised this is one of those."""
        return self.retry_on is None or isinstance(error, self.retry_on)
