"""The suite that every scheduler has to pass, as a class for pytest."""

from __future__ import annotations

from .failures import FailureContract
from .fixtures import ContractFixtures
from .functions import FunctionContract
from .jobs import JobContract
from .maps import MapContract
from .sessions import SessionContract


class SchedulerContract(
    ContractFixtures, MapContract, FunctionContract, JobContract, FailureContract, SessionContract
):
    """What is promised to a program, whatever scheduler it uses; a subclass says which one.

    ``make_scheduler`` of the subclass returns a new one, with two workers or more, and its name
    has to begin with ``Test``. All tests but a few share one scheduler, which is closed after the
    last. They take half a minute on two cores, and the time in which the batch system starts and
    ends some fifteen queue jobs, one after the other.

    Of a scheduler that is not ``remote`` those are skipped that speak to its session.
    """
