"""Lines of JSON, and nothing else."""

from __future__ import annotations

import pytest

from gridengine.schedulers.queue_session.process.messages import (
    BatchDelayed,
    Close,
    Hello,
    Malformed,
    Message,
    QueueJobEnd,
    QueueJobsWait,
    Submit,
    decode,
    encode,
)


@pytest.mark.parametrize(
    "message",
    [
        Hello("a:B", ("/a", "/b"), 1, "/run/x.json", 60.0, True, "", ("1.1",)),
        Submit(1, ("/bin/true", "a\nb", "\udcff"), 2, "x", "-r n", "/logs"),
        BatchDelayed(1, "1 job is allowed"),
        QueueJobsWait(("1.1", "1.2"), "all slots are taken", True, "$ qstat -j 1"),
        QueueJobEnd("1.1", True, 0, "", False, False, {"a": "b"}, {}),
        Close(),
    ],
)
def test_a_message_survives_the_way(message: Message) -> None:
    line = encode(message)
    assert 1 == line.count(b"\n")
    assert message == decode(line)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'["Nonsense", {}]',
        b'["Close", []]',
        b'["Close", {"x": 1}]',
        b'["Delete", {}]',
        b'["Delete", {"queue_jobs": "1.1"}]',
        b'["Delete", {"queue_jobs": [1]}]',
        b'["BatchTaken", {"batch": true, "queue_jobs": []}]',
        b'["LogEntry", {"text": null}]',
        b'[["LogEntry"], {"text": ""}]',
    ],
)
def test_anything_else_is_malformed(line: bytes) -> None:
    with pytest.raises(Malformed):
        decode(line)
