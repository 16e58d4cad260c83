"""Large buffers in pieces: put together as they were, or dropped without harm to anything else."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest

from gridengine.transport import pieces
from gridengine.transport.link import Link
from gridengine.transport.pieces import FRAME, PIECE, Assembler, Cutter, is_piece
from gridengine.transport.shared_memory import Missing, Scattered

HEADER = bytes(17)


def cut(frames: list[Any], cutter: Cutter | None = None) -> list[list[Any]]:
    return [list(each) for each in (cutter or Cutter()).cut(frames)]


def assembled(messages: list[list[Any]], assembler: Assembler | None = None) -> list[Any]:
    """What arrives, if all pieces do."""
    assembler = assembler or Assembler()
    *before, last = [assembler.add([bytes(part) for part in message]) for message in messages]
    assert not any(before)
    assert last is not None
    return [frame if type(frame) is Missing else bytes(frame) for frame in last]


@pytest.mark.parametrize("sizes", [(), (0,), (1, FRAME)])
def test_what_is_small_is_sent_as_it_is(sizes: tuple[int, ...]) -> None:
    frames = [HEADER, *map(bytes, sizes)]
    assert [frames] == cut(frames)
    assert not is_piece(frames[0])


@pytest.mark.parametrize("seed", range(20))
def test_frames_of_all_sizes_and_sorts_arrive_as_they_were(seed: int) -> None:
    chance = random.Random(seed)
    sizes = [0, 1, FRAME, FRAME + 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 7]
    header = HEADER + chance.randbytes(chance.choice((0, FRAME, PIECE, 2 * PIECE)))
    frames: list[Any] = [header]
    expected = [header]
    for size in [*chance.choices(sizes, k=5), FRAME + 1]:
        data = chance.randbytes(size)
        expected.append(data)
        edges = sorted(chance.choices(range(size + 1), k=3))
        parts = [data[a:b] for a, b in zip([0, *edges], [*edges, size], strict=True)]
        frames.append(
            chance.choice([data, memoryview(bytearray(data)), Scattered(parts, len(data))])
        )
    messages = cut(frames)
    assert max(sum(map(len, message[1:])) for message in messages[1:]) <= PIECE
    assert max(len(frame) for message in messages for frame in message) <= FRAME
    assert all(is_piece(message[0]) for message in messages)
    assert expected == assembled(messages)


def test_so_do_more_frames_than_there_is_room_for_their_sizes_in_one() -> None:
    frames = [HEADER, *([bytes([1])] * (FRAME // 4)), bytes(FRAME + 1)]
    messages = cut(frames)
    assert max(len(frame) for message in messages for frame in message) <= FRAME
    assert frames == assembled(messages)


def test_nothing_large_is_copied_on_its_way_out() -> None:
    data = bytes(5 * PIECE)
    for message in cut([HEADER, data])[1:]:
        assert all(view.obj is data for view in message[1:])


@pytest.mark.parametrize("lost", range(4))
def test_if_one_is_lost_so_is_the_message_and_the_next_arrives(lost: int) -> None:
    cutter, assembler = Cutter(), Assembler()
    messages = cut([HEADER, bytes(3 * PIECE)], cutter)
    del messages[lost]
    assert [None] * 3 == [assembler.add(list(message)) for message in messages]
    whole = [HEADER, b"x" * (2 * PIECE)]
    assert whole == assembled(cut(whole, cutter), assembler)
    assert not assembler.open


def test_for_what_there_is_no_memory_is_missing_and_all_else_arrives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def mmap(_: int, nbytes: int, **how: int) -> memoryview:
        if nbytes == 3 * PIECE:
            raise OSError(12, "Cannot allocate memory")
        return memoryview(bytearray(nbytes))

    monkeypatch.setattr(pieces.mmap, "mmap", mmap)
    there = b"y" * (2 * PIECE)
    _, one, missing, other = assembled(cut([HEADER, there, bytes(3 * PIECE), there]))
    assert (there, there) == (one, other)
    assert 3 * PIECE == missing.nbytes


def test_a_message_itself_for_which_there_is_no_memory_is_an_error_of_its_own() -> None:
    sizes = struct.pack(">QQ", 1 << 62, 0)
    assembler = Assembler()
    with pytest.raises(MemoryError, match=str(1 << 62)):
        assembler.add([struct.pack(">BQQQ", 16, 1, 1, 2), sizes, b"x"])
    assert not assembler.open


def test_where_there_may_be_no_more_mappings_there_is_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def mmap(_: int, nbytes: int, **how: int) -> memoryview:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(pieces.mmap, "mmap", mmap)
    frames = [HEADER, b"y" * (FRAME + 1), b"z" * (PIECE - 1)]
    assert frames == assembled(cut(frames))


def test_what_no_computer_can_hold_is_missing_too() -> None:
    assert Missing is type(pieces._place_for(1 << 62))
    assert Missing is type(pieces._place_for(1 << 64))


@pytest.mark.parametrize(
    "rubbish",
    [
        [struct.pack(">BQQ", 16, 1, 1) + b"short"],
        [struct.pack(">BQQ", 16, 1, 1) + struct.pack(">Q", 2), struct.pack(">QQ", 0, 9)],
        [struct.pack(">BQQ", 16, 1, 1) + struct.pack(">Q", 2**64 - 1), bytes(16)],
        [struct.pack(">BQQ", 16, 1, 1) + struct.pack(">Q", 0)],
        [struct.pack(">BQQ", 16, 1, 1)],
        [struct.pack(">BQQ", 16, 1, 1) + struct.pack(">Q", 9), b"x"],
        [struct.pack(">BQQ", 99, 1, 1)],
    ],
)
def test_rubbish_is_told_from_pieces(rubbish: list[bytes]) -> None:
    assembler = Assembler()
    if rubbish[-1] == struct.pack(">QQ", 0, 9):
        rubbish.append(b"no message")
        rubbish.append(b"one frame more than announced")
    with pytest.raises(ValueError, match=r"opening|pieces"):
        assembler.add(rubbish)
    assert not assembler.open


def test_pieces_of_other_sizes_than_announced_are_refused() -> None:
    opening, first, second = cut([HEADER, bytes(2 * PIECE)])
    for wrong in ([*first, b"x"], [first[0], b"x"]):
        assembler = Assembler()
        assembler.add(list(opening))
        with pytest.raises(ValueError, match="bytes than were announced"):
            [assembler.add(list(each)) for each in (wrong, second, second)]
        assert not assembler.open


def test_a_header_of_the_link_is_none_of_a_piece() -> None:
    assert not is_piece(Link().outgoing(b"x")[0])
    assert not is_piece(b"")
    assert not is_piece(b"\x10")
