"""Frames on the host: what is encoded is decoded, and nothing else is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.measure.frames import Broken, Frame, Splitter, decode, encode

payloads = st.binary(max_size=600)
lines = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map("m-".__add__)
frames = st.builds(Frame, st.integers(0x80, 0xFF), st.integers(0, 0xFFFF), payloads)


def on_line(frame: Frame) -> bytes:
    return encode(frame.type, frame.sequence, frame.payload)


@given(frame=frames)
def test_a_frame_comes_back(frame: Frame) -> None:
    line = on_line(frame)
    assert line[0] == line[-1] == 0
    assert 0 not in line[1:-1]
    assert decode(line[1:-1]) == frame


@given(frame=frames, at=st.integers(0), bit=st.integers(0, 7))
def test_one_wrong_bit_is_found(frame: Frame, at: int, bit: int) -> None:
    inner = bytearray(on_line(frame)[1:-1])
    inner[at % len(inner)] ^= 1 << bit
    assert decode(bytes(inner)) is None


@given(
    items=st.lists(st.one_of(frames, lines), max_size=8),
    cuts=st.lists(st.integers(1, 50), max_size=200),
)
def test_text_and_frames_are_told_apart_in_pieces_of_any_size(
    items: list[Frame | str], cuts: list[int]
) -> None:
    line = b"".join(
        on_line(item) if isinstance(item, Frame) else item.encode() + b"\r\n" for item in items
    )
    split = Splitter()
    found: list[str | Frame | Broken] = []
    for cut in cuts:
        found += split.feed(line[:cut])
        line = line[cut:]
    found += split.feed(line)
    assert found == items


def test_what_precedes_a_zero_is_a_line_too() -> None:
    assert list(Splitter().feed(b"m-re\0")) == ["m-re"]


def test_a_frame_with_a_wrong_byte_is_broken() -> None:
    line = encode(0xC4, 1, b"payload").replace(b"pay", b"say")
    assert list(Splitter().feed(line)) == [Broken(line[1:-1])]


def test_endless_garbage_is_not_kept_for_ever() -> None:
    split = Splitter()
    found = [item for _ in range(100) for item in split.feed(b"\xff" * 4096)]
    assert found
    assert all(isinstance(item, Broken) for item in found)


@given(noise=st.binary(max_size=2000))
def test_noise_is_survived_and_frames_are_found_after_it(noise: bytes) -> None:
    split = Splitter()
    list(split.feed(noise))
    assert Frame(0xC2, 5, b"x") in list(split.feed(b"\0" + encode(0xC2, 5, b"x")))
