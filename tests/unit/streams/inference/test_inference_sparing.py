"""Under overload each model of a camera has its own newest frame."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from streams.inference.choosing import Use
from streams.inference.overload import Load, OverloadConfig
from streams.inference.rounds import Shown
from streams.inference.sparing import Spared, Sparing, spare
from tests.unit.streams.inference.scenes import frame

FAST, SLOW = Use("fast"), Use("slow", Fraction(1))
BUSY = Sparing(Load(looks_per_s=2.0, overloaded=True, left_out_s=0.0))


def second(*, keep: bool = False) -> list[Shown]:
    """One second of a camera whose slow model is due at the first frame alone."""
    return [
        Shown(frame(seq, b"", keep=keep), (FAST, SLOW) if seq == 0 else (FAST,)) for seq in range(5)
    ]


def test_the_slow_model_keeps_the_only_frame_it_was_due_at() -> None:
    _, found = spare(BUSY, second(), 0, 1.0, OverloadConfig(turn_s=1.0))
    assert [[use.model for use in one.shown.uses] for one in found] == [
        ["slow"],
        [],
        [],
        [],
        ["fast"],
    ]
    assert [[(r.outcome, r.reason, r.model) for r in one.left_out] for one in found] == [
        *[[("dropped", "overload", "fast")]] * 4,
        [],
    ]


def test_without_overload_and_of_what_must_be_kept_nothing_is_left_out() -> None:
    for state, shown in ((Sparing(), second()), (BUSY, second(keep=True))):
        _, found = spare(state, shown, 0, 1.0, OverloadConfig())
        assert [one.shown for one in found] == shown
        assert not any(one.left_out for one in found)


def test_frames_that_nobody_has_to_look_at_take_no_time() -> None:
    nobody = [Shown(frame(seq, b""), ()) for seq in range(50)]
    state, found = spare(Sparing(Load(looks_per_s=5.0)), nobody, 0, 1.0, OverloadConfig())
    assert not state.load.overloaded and not any(one.left_out for one in found)


DETECTOR, HELMETS = Use("people"), Use("helmets", Fraction(1))
SECOND = frozenset({"helmets"})


def models_at(found: list[Spared]) -> list[list[str]]:
    return [[use.model for use in one.shown.uses] for one in found]


def test_the_second_stage_makes_up_for_where_no_detector_looked() -> None:
    shown = [
        Shown(frame(seq, b""), (HELMETS, DETECTOR) if seq == 0 else (DETECTOR,)) for seq in range(5)
    ]
    state, found = spare(BUSY, shown, 0, 1.0, OverloadConfig(turn_s=0.5), SECOND)
    assert models_at(found) == [[], [], [], [], ["people", "helmets"]]
    assert [(one.model, one.reason) for one in found[0].left_out] == [
        ("helmets", "overload"),
        ("people", "overload"),
    ]
    assert not state.owed


def test_what_the_second_stage_is_owed_is_not_forgotten_between_turns() -> None:
    due = [
        Shown(frame(0, b"", camera="a"), (DETECTOR, HELMETS)),
        Shown(frame(0, b"", camera="b"), (DETECTOR, HELMETS)),
    ]
    config = OverloadConfig(turn_s=0.5)
    state, found = spare(BUSY, due, 0, 1.0, config, SECOND)
    assert models_at(found) == [["people", "helmets"], []]
    later = [Shown(frame(1, b"", camera="b"), (DETECTOR,))]
    state, found = spare(state, later, 0, 1.1, config, SECOND)
    assert models_at(found) == [["people", "helmets"]] and not state.owed


def test_what_is_owed_under_another_configuration_is_void() -> None:
    due = [Shown(frame(seq, b"", camera="ab"[seq]), (DETECTOR, HELMETS)) for seq in range(2)]
    config = OverloadConfig(turn_s=0.5)
    state, _ = spare(BUSY, due, 0, 1.0, config, SECOND)
    later = [Shown(frame(2, b"", camera="b", config_version=3), (DETECTOR,))]
    state, found = spare(state, later, 0, 1.1, config, SECOND)
    assert models_at(found) == [["people"]] and not state.owed


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.booleans(), st.booleans(), st.booleans()), max_size=40
    ),
    st.floats(1, 40),
)
def test_the_second_stage_looks_only_where_a_detector_does_and_is_never_starved(
    sent: list[tuple[str, bool, bool, bool]], speed: float
) -> None:
    shown = [
        Shown(
            frame(seq, b"", camera=camera, keep=keep),
            (*((DETECTOR,) if first else ()), *((HELMETS,) if follows else ())),
        )
        for seq, (camera, first, follows, keep) in enumerate(sent)
    ]
    busy = Sparing(Load(looks_per_s=speed, overloaded=True))
    state, found = spare(busy, shown, 0, 1.0, OverloadConfig(), SECOND)
    owed: set[str] = set()
    for before, after in zip(shown, found, strict=True):
        camera, asked = before.frame.camera, after.shown.uses
        if DETECTOR in before.uses and DETECTOR not in asked:
            assert HELMETS not in asked
            owed |= {camera} if HELMETS in before.uses else set()
        elif DETECTOR in asked:
            assert (HELMETS in asked) == (HELMETS in before.uses or camera in owed)
            owed.discard(camera)
        else:
            assert after.shown == before
    assert set(state.owed) == owed
