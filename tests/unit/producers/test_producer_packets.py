from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from producers.packets import MOST_BYTES, MOST_PACKET_BYTES, Fragmenter
from producers.sources.source import Packet, StreamFacts
from schemas.records import Video

EPOCH = 1_700_000_000_000
FACTS = StreamFacts("h264", b"sets", 640, 360, Fraction(1, 1000))


def packets(
    count: int, *, every: int, size: int = 100, interval: int = 100, first: int = 0
) -> list[Packet]:
    return [
        Packet(first + interval * n, first + interval * n, interval, n % every == 0, bytes(size))
        for n in range(count)
    ]


def fragment(stream: list[Packet], begins_after: int = 0) -> list[Video]:
    """Fragment a stream whose first picture is shown after so many packets."""
    fragmenter = Fragmenter("depot", "gate", FACTS)
    found: list[Video] = []
    for index, packet in enumerate(stream):
        if index == begins_after:
            fragmenter.begin(EPOCH, Fraction(stream[0].pts))
        found.extend(fragmenter.add(packet))
    found.extend(fragmenter.finish())
    return found


def test_a_fragment_lasts_a_second_at_most_and_never_spans_two_groups() -> None:
    found = fragment(packets(40, every=25, first=7000))
    assert [(one.gop, one.part, one.key_frame, len(one.packets)) for one in found] == [
        (0, 0, True, 10),
        (0, 1, False, 10),
        (0, 2, False, 5),
        (1, 0, True, 10),
        (1, 1, False, 5),
    ]
    assert [one.captured_at - EPOCH for one in found] == [0, 1000, 2000, 2500, 3500]
    assert [one.duration_ms for one in found] == [1000, 1000, 500, 1000, 500]


def test_times_count_from_the_first_picture_in_the_streams_units() -> None:
    (found,) = fragment(packets(3, every=25, first=7000))
    assert [(one.pts, one.dts) for one in found.packets] == [(0, 0), (100, 100), (200, 200)]
    assert (found.codec, found.extradata, found.width, found.height) == ("h264", b"sets", 640, 360)
    assert (found.time_base_numerator, found.time_base_denominator) == (1, 1000)


def test_packets_before_the_first_picture_are_not_lost() -> None:
    assert fragment(packets(12, every=25), begins_after=3) == fragment(packets(12, every=25))


def test_what_stands_before_the_first_key_frame_is_left_out() -> None:
    stream = packets(30, every=20)[5:]
    found = fragment(stream)
    assert found[0].key_frame
    assert sum(len(one.packets) for one in found) == 10


def test_a_packet_too_large_for_a_record_ends_its_group() -> None:
    stream = packets(6, every=3)
    stream[1] = Packet(100, 100, 100, False, bytes(MOST_PACKET_BYTES + 1))
    found = fragment(stream)
    assert [(one.gop, len(one.packets)) for one in found] == [(0, 1), (1, 3)]


def test_a_correction_of_the_clock_moves_whole_groups() -> None:
    fragmenter = Fragmenter("depot", "gate", FACTS)
    fragmenter.begin(EPOCH, Fraction(0))
    stream = packets(4, every=2)
    shifts = (0, 5000, 5000, 5000)
    found = [
        video
        for packet, shift_ms in zip(stream, shifts, strict=True)
        for video in fragmenter.add(packet, shift_ms)
    ]
    found.extend(fragmenter.finish())
    assert [[one.pts for one in video.packets] for video in found] == [[0, 100], [5200, 5300]]
    assert found[1].captured_at == EPOCH + 5200


sizes = st.lists(
    st.tuples(st.integers(1, 600_000), st.integers(1, 400), st.booleans()),
    min_size=1,
    max_size=60,
)


@given(sizes)
def test_every_packet_from_the_first_key_frame_on_is_in_one_fragment_in_order(
    drawn: list[tuple[int, int, bool]],
) -> None:
    stream, at = [], 0
    for size, interval, key in drawn:
        stream.append(Packet(at, at, interval, key, bytes(size)))
        at += interval
    found = fragment(stream)
    first = next((n for n, packet in enumerate(stream) if packet.key_frame), len(stream))
    written = [packet for video in found for packet in video.packets]
    assert [one.pts for one in written] == [one.pts - stream[0].pts for one in stream[first:]]
    for video in found:
        alone = len(video.packets) == 1
        assert alone or sum(len(one.data) for one in video.packets) <= MOST_BYTES
        assert alone or video.duration_ms <= 1000
        assert video.key_frame == (video.part == 0)
        assert not any(one.key_frame for one in video.packets[1:])
    assert len({(one.gop, one.part) for one in found}) == len(found)
