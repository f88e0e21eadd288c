from __future__ import annotations

import pytest

from producers.tails import _murmur2, partition_of


# The vectors of Kafka's own UtilsTest.testMurmur2.
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_the_hash_is_the_one_that_kafka_uses(text: str, expected: int) -> None:
    assert _murmur2(text.encode()) == expected & 0xFFFFFFFF


def test_a_partition_is_always_one_of_those_there_are() -> None:
    found = {partition_of(f"camera-{n}".encode(), 12) for n in range(500)}
    assert found == set(range(12))
