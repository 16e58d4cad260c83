"""One process's records reach another through a folder: each once, in order, whole."""

from __future__ import annotations

import os
import random
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gridengine.transport import segments
from gridengine.transport.private_files import NotPrivate
from gridengine.transport.segments import Damaged, Folder, SegmentReader, SegmentWriter
from gridengine.transport.shared_memory import Scattered


@pytest.fixture
def place(tmp_path: Path) -> Iterator[int]:
    folder = tmp_path / "messages"
    folder.mkdir(mode=0o700)
    descriptor = Folder(str(folder)).open()
    yield descriptor
    os.close(descriptor)


def plain(records: list[list[object]]) -> list[list[bytes]]:
    return [[bytes(frame) for frame in record] for record in records]  # type: ignore[call-overload]


def everything(reader: SegmentReader, place: int) -> list[list[bytes]]:
    found = plain(reader.look(place))
    while reader.more:
        found += plain(reader.look(place))
    return found


def test_records_arrive_once_and_in_order_over_many_segments(place: int) -> None:
    writer, reader = SegmentWriter("a"), SegmentReader("a")
    sent, got = [], []
    dice = random.Random(7)
    for number in range(300):
        sizes = [dice.choice([0, 1, 100, 70_000, 300_000]) for _ in range(dice.randint(1, 4))]
        record = [b"%d" % number, *(dice.randbytes(size) for size in sizes)]
        sent.append(record)
        writer.waiting.append([*record])
        if dice.random() < 0.3:
            while writer.waiting:
                writer.write(place)
        if dice.random() < 0.3:
            got += everything(reader, place)
    while writer.waiting:
        writer.write(place)
    got += everything(reader, place)
    assert got == sent
    # What was read is not kept, but for the segment that is being written.
    assert len(os.listdir(place)) <= 1


def test_what_lies_in_several_parts_arrives_as_one(place: int) -> None:
    writer = SegmentWriter("a")
    writer.waiting.append([b"x", Scattered([b"ab", memoryview(b"cd")], 4)])
    writer.write(place)
    assert plain(SegmentReader("a").look(place)) == [[b"x", b"abcd"]]


def test_a_record_that_is_not_whole_yet_is_seen_to_come(place: int, tmp_path: Path) -> None:
    writer, reader = SegmentWriter("whole"), SegmentReader("seen")
    writer.waiting.extend([[b"one", b"1" * 1000], [b"two", bytes(segments.SEGMENT)]])
    writer.write(place)
    whole = (tmp_path / "messages" / "whole.0").read_bytes()
    seen = tmp_path / "messages" / "seen.0"
    assert (reader.look(place), reader.moved) == ([], False)
    seen.touch(mode=0o600)
    for end in (500, 2000, 70_000):
        seen.write_bytes(whole[:end])
        reader.look(place)
        assert reader.moved
        assert (reader.look(place), reader.moved) == ([], False)
    seen.write_bytes(whole)
    assert len(reader.look(place)) == 1
    assert reader.moved
    assert (reader.look(place), reader.moved) == ([], False)


def test_a_record_is_taken_only_when_all_of_it_is_seen(place: int, tmp_path: Path) -> None:
    writer = SegmentWriter("whole")
    writer.waiting.extend([[b"one", b"1" * 1000], [b"two", b"2" * 1000]])
    writer.write(place)
    whole = (tmp_path / "messages" / "whole.0").read_bytes()
    seen = tmp_path / "messages" / "seen.0"
    seen.touch(mode=0o600)
    reader, got = SegmentReader("seen"), []
    for end in range(0, len(whole) + 1, 7):
        # What a file server shows of a file that grows: less of it, or zeros for the rest.
        seen.write_bytes(whole[:end])
        got += everything(reader, place)
        seen.write_bytes(whole[:end] + bytes(len(whole) - end))
        got += everything(reader, place)
    seen.write_bytes(whole)
    got += everything(reader, place)
    assert got == [[b"one", b"1" * 1000], [b"two", b"2" * 1000]]


def test_a_wrong_byte_is_not_taken_for_a_message(place: int, tmp_path: Path) -> None:
    writer, reader = SegmentWriter("a"), SegmentReader("a")
    writer.waiting.append([b"x", bytes(1000)])
    writer.write(place)
    path = tmp_path / "messages" / "a.0"
    data = path.read_bytes()
    path.write_bytes(data[:500] + b"!" + data[501:])
    assert reader.look(place) == []
    path.write_bytes(data)
    assert plain(reader.look(place)) == [[b"x", bytes(1000)]]


def test_a_record_that_makes_no_sense_is_an_error(place: int, tmp_path: Path) -> None:
    body = segments._COUNT.pack(5)
    checksum = zlib.crc32(body, segments._begun(segments._RECORD, len(body)))
    head = segments._HEADER.pack(segments._RECORD, len(body), checksum)
    path = tmp_path / "messages" / "a.0"
    path.write_bytes(head + body)
    path.chmod(0o600)
    with pytest.raises(Damaged):
        SegmentReader("a").look(place)


def test_what_found_no_room_leaves_no_half_and_is_written_when_there_is(
    place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = SegmentWriter("a"), SegmentReader("a")
    writer.waiting.append([b"x", b"before"])
    writer.write(place)
    size = (tmp_path / "messages" / "a.0").stat().st_size
    real, room = os.pwritev, [100]

    def little_room(descriptor: int, buffers: list[memoryview], at: int) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        part = memoryview(b"".join(buffers))[: room[0]]
        room[0] -= len(part)
        return real(descriptor, [part], at)

    monkeypatch.setattr(os, "pwritev", little_room)
    writer.waiting.append([b"x", b"large" * 1000])
    with pytest.raises(OSError, match="No space"):
        writer.write(place)
    assert (tmp_path / "messages" / "a.0").stat().st_size == size
    monkeypatch.setattr(os, "pwritev", real)
    writer.write(place)
    assert plain(reader.look(place)) == [[b"x", b"before"], [b"x", b"large" * 1000]]


@pytest.mark.parametrize("planted", ["link", "pipe", "second name", "open to others"])
def test_what_somebody_could_have_planted_is_not_read(
    place: int, tmp_path: Path, planted: str
) -> None:
    other, path = tmp_path / "other", tmp_path / "messages" / "a.0"
    other.write_bytes(b"")
    other.chmod(0o600)
    if planted == "link":
        path.symlink_to(other)
    elif planted == "pipe":
        os.mkfifo(path, 0o600)
    elif planted == "second name":
        path.hardlink_to(other)
    else:
        path.touch()
        path.chmod(0o644)
    begun = time.monotonic()
    with pytest.raises(NotPrivate):
        SegmentReader("a").look(place)
    if planted != "open to others":
        writer = SegmentWriter("a")
        writer.waiting.append([b"x", b"secret"])
        with pytest.raises(OSError):  # of several sorts
            writer.write(place)
    assert other.read_bytes() == b""
    assert time.monotonic() - begun < 5


def test_a_folder_in_the_place_of_the_known_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    path.mkdir(mode=0o700)
    folder = Folder(str(path))
    path.rename(tmp_path / "away")
    path.mkdir(mode=0o700)
    with pytest.raises(NotPrivate, match="not the folder any more"):
        folder.open()


def test_a_folder_that_is_open_to_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    path.mkdir(mode=0o700)
    path.chmod(0o755)
    with pytest.raises(NotPrivate):
        Folder(str(path))
