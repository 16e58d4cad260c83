"""In which order the answers of a map's calls are taken: of the calls, or as they come."""

from __future__ import annotations

import abc
import collections
from typing import Generic, TypeVar

A = TypeVar("A")


class AnswerOrder(abc.ABC, Generic[A]):
    """Answers that have come and were not taken; each is for some neighbouring calls."""

    @abc.abstractmethod
    def add(self, first: int, calls: int, answer: A) -> None:
        """Takes in the answer for ``calls`` calls from number ``first`` of the map on."""

    @abc.abstractmethod
    def is_next(self, first: int) -> bool:
        """Tells whether an answer for the calls from ``first`` on could be taken at once."""

    @abc.abstractmethod
    def ready(self) -> bool:
        """Tells whether there is an answer to be taken."""

    @abc.abstractmethod
    def take(self) -> A:
        """Returns the next answer, and lets go of it.

        Raises:
            LookupError: It has not come.
        """


class InOrder(AnswerOrder[A]):
    """Taken in the order of the calls."""

    def __init__(self) -> None:
        self._early: dict[int, tuple[int, A]] = {}
        self._next = 0

    def add(self, first: int, calls: int, answer: A) -> None:
        self._early[first] = calls, answer

    def is_next(self, first: int) -> bool:
        return first == self._next

    def ready(self) -> bool:
        return self._next in self._early

    def take(self) -> A:
        calls, answer = self._early.pop(self._next)
        self._next += calls
        return answer


class AsTheyCome(AnswerOrder[A]):
    """Taken in the order in which they have come."""

    def __init__(self) -> None:
        self._come: collections.deque[A] = collections.deque()

    def add(self, first: int, calls: int, answer: A) -> None:
        self._come.append(answer)

    def is_next(self, first: int) -> bool:
        return True

    def ready(self) -> bool:
        return bool(self._come)

    def take(self) -> A:
        return self._come.popleft()
