"""Why a queue job waits, from what the commands print; the samples are of a Grid Engine 8.1.9."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gridengine.schedulers.grid_engine.batch_system.amounts import largest, lists_hosts
from gridengine.schedulers.grid_engine.batch_system.obstacles import why

_NOTHING = "verification: no suitable queues\n"
_SUITABLE = "verification: found suitable queue(s)\n"

_TAKEN = """\
Job 7 (-l NONE) cannot run in queue "all.q@node1" because it offers only qc:slots=0.000000
Job 7 (-l NONE) cannot run in queue "all.q@node2" because it offers only qc:slots=0.000000
"""

_UNAVAILABLE = """\
Job 7 queue instance "all.q@node1" dropped because it is temporarily not available
Job 7 queue instance "all.q@node2" dropped because it is temporarily not available
"""

_QUEUES = """\
queuename                      qtype resv/used/tot. load_avg arch          states
---------------------------------------------------------------------------------
all.q@node1                    BIP   0/0/4          4.80     lx-amd64      {}
{}---------------------------------------------------------------------------------
all.q@node2                    BIP   0/4/4          -NA-     lx-amd64      {}
---------------------------------------------------------------------------------
all.q@node3                    BIP   0/4/4          4.80     lx-amd64
     33 0.75000 sleep      root         r     11/21/2026 02:28:24     1 1
############################################################################
 - PENDING JOBS - PENDING JOBS - PENDING JOBS - PENDING JOBS - PENDING JOBS
############################################################################
      7 0.50000 sleep      root         qw    11/26/2026 14:21:05     1
"""

_ERROR = "\tqueue all.q marked QERROR as result of job 35's failure at host node1\n"


class Commands:
    """Prints what is given for the commands, and notes which were run."""

    def __init__(self, printed: Mapping[str, str]) -> None:
        self.printed = printed
        self.run: list[str] = []

    def ask(self, *command: str) -> str:
        self.run.append(" ".join(command))
        return self.printed.get(self.run[-1], "")

    def why(self, *, held: bool = False) -> str:
        return why("7", held=held, user="me", ask=self.ask)


def reason(tried: str, **printed: str) -> str:
    """Returns why job 7 waits if ``qalter -w p`` and others print these."""
    names = {
        "told": "qstat -j 7",
        "queues": "qstat -f -explain aAcE",
        "empty": "qalter -w v 7",
        "quotas": "qquota",
        "scheduler": "qconf -ssconf",
        "running": "qstat -s r -u me",
    }
    given = {names[name]: text for name, text in printed.items()}
    return Commands({"qalter -w p 7": tried + _NOTHING, **given}).why()


def test_a_full_queue_is_named() -> None:
    assert reason(_TAKEN) == "all slots of queue all.q on node1, node2 are taken"


def test_of_many_hosts_it_is_said_how_many() -> None:
    many = "".join(_TAKEN.replace("node", f"node{number}") for number in range(20))
    assert reason(many) == "all slots of queue all.q on 40 hosts are taken"


@pytest.mark.parametrize(
    ("letters", "words"),
    [
        ("d", "is disabled"),
        ("s", "is suspended"),
        ("S", "is suspended for another queue"),
        ("au", "does not answer"),
        ("dE", "is in error"),
        ("C", "is suspended by its calendar"),
        ("a", "is overloaded"),
        ("z", "is in state z"),
    ],
)
def test_a_queue_in_trouble_is_named_with_its_state_in_words(letters: str, words: str) -> None:
    text = reason(_UNAVAILABLE, queues=_QUEUES.format(letters, "", letters))
    assert text == f"queue all.q {words} on node1, node2"


def test_a_queue_in_error_is_named_with_the_masters_words() -> None:
    assert reason(_UNAVAILABLE, queues=_QUEUES.format("E", _ERROR, "au")) == (
        "queue all.q is in error on node1 (queue all.q marked QERROR as result of job 35's "
        "failure at host node1); queue all.q does not answer on node2"
    )


def test_where_the_states_cannot_be_had_the_queue_is_named_all_the_same() -> None:
    assert reason(_UNAVAILABLE) == "queue all.q is not available on node1, node2"


_MEMORY = """\
Job 7 (-l h_vmem=900G,h_rt=60) cannot run at host "node1" because it offers only hc:h_vmem=4.000G
Job 7 (-l h_vmem=900G,h_rt=60) cannot run at host "node2" because it offers only hc:h_vmem=512.000M
"""


def test_what_no_host_has_is_told_from_what_none_has_left() -> None:
    assert reason(_MEMORY, empty=_NOTHING) == (
        "h_vmem=900G is more than any host has (4G at most): it can never start"
    )
    assert reason(_MEMORY, empty=_SUITABLE) == (
        "h_vmem=900G is more than any host has left now (4G at most)"
    )


def test_of_what_is_measured_nobody_says_that_it_will_never_be_there() -> None:
    line = 'Job 7 (-l mem_free=9G) cannot run at host "n" because it offers only hl:mem_free=2.5G\n'
    assert reason(line, empty=_NOTHING) == (
        "mem_free=9G is more than any host has left now (2.5G at most)"
    )


def test_what_is_no_amount_is_compared_as_it_is() -> None:
    line = 'Job 7 (-l arch=x) cannot run at host "n" because it offers only hf:arch=lx-amd64\n'
    assert reason(line) == "arch=x is asked for, and there is arch=lx-amd64"


def test_a_quota_is_named_with_how_much_is_used() -> None:
    line = 'Job 7 cannot run because it exceeds limit "root/////" in rule "two/1"\n'
    quotas = (
        "resource quota rule limit                filter\n"
        "two/1              slots=1/1            users root\n"
    )
    assert reason(line, quotas=quotas) == "resource quota two/1 is used up (slots=1/1)"
    assert reason(line) == "resource quota two/1 is used up"


def test_a_parallel_environment_without_slots_is_named() -> None:
    line = 'Job 7 cannot run in PE "smp" because it only offers 0 slots\n'
    assert reason(line) == ("parallel environment smp has 0 slots left, fewer than are asked for")


def test_what_has_no_words_of_its_own_is_said_once_for_all_hosts() -> None:
    lines = "".join(
        f'Job 7 (-l NONE) cannot run in queue "all.q@n{n}" because of a broken door\n'
        for n in (1, 2)
    )
    assert reason(lines) == "it cannot run in queue all.q because of a broken door (n1, n2)"


def test_queues_that_were_not_asked_for_are_no_reason() -> None:
    other = (
        'Job 7 cannot run in queue "b.q@n1" because it is not contained in its hard queue list '
        "(-q)\n"
    )
    assert reason(other + _TAKEN) == "all slots of queue all.q on node1, node2 are taken"


_LATER = """\
execution_time:             Thu Dec 31 23:59:00 2099
scheduling info:            execution time not reached
"""


@pytest.mark.parametrize(
    ("told", "held", "words"),
    [
        ("", True, "it is held (state hqw); `qrls 7` releases it, if the hold is yours"),
        (
            "jid_predecessor_list:       10\n",
            True,
            "it is held until job 10 is over (qsub -hold_jid)",
        ),
        (
            _LATER,
            False,
            "it is not to start before Thu Dec 31 23:59:00 2099 (UTC)",
        ),
    ],
)
def test_what_it_was_given_itself_is_found_without_trying(
    told: str, held: bool, words: str
) -> None:
    commands = Commands({"qstat -j 7": told})
    assert commands.why(held=held) == words
    assert commands.run == ["qstat -j 7"]


def test_a_users_limit_is_found_where_there_is_room() -> None:
    told = "scheduling info:            job dropped because of user limitations\n"
    one = "maxujobs                          1\n"
    limit = "your limit of 1 running at once is reached (maxujobs of qconf -ssconf)"
    run = "job-ID  prior\n-----\n     13 0.75000 sleep      root         r     11/26/2026\n"
    room = "there is room for it: the batch system has not started it yet"

    def because(**printed: str) -> str:
        commands = {"qalter -w p 7": _SUITABLE, "qconf -ssconf": one, **printed}
        return Commands(commands).why()

    assert because(**{"qstat -j 7": told}) == limit
    # Where the site keeps no reasons.
    assert because(**{"qstat -s r -u me": run}) == limit
    assert because() == room
    assert because(**{"qconf -ssconf": "maxujobs   0\n"}) == room


def test_where_nothing_is_known_nothing_is_said() -> None:
    assert Commands({}).why() == ""
    assert Commands({"qalter -w p 7": 'denied: job "7" does not exist\n'}).why() == ""


@pytest.mark.parametrize(
    ("values", "most"),
    [
        (["512.000M", "4.000G"], "4G"),
        (["1000.000k", "0.5M"], "1000k"),
        (["00:10:00", "01:00:00"], "01:00:00"),
        (["3.000000"], "3"),
        (["lx-amd64"], None),
    ],
)
def test_the_largest_amount_is_found(values: list[str], most: str | None) -> None:
    assert largest(values) == most


def test_hosts_are_named_once() -> None:
    assert lists_hosts(["a", "b", "a"]) == "a, b"
