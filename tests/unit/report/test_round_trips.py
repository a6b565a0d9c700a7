"""Rules of telling how far apart things were."""

from __future__ import annotations

import pytest

from lab.history import Event, EventKind, History
from lab.judge.round_trips import RoundTrip, round_trips
from lab.report.round_trips import sentence

FAR = (80.0, 80.0)


def trip(rtt_ms: float | None, declared_ms: tuple[float, float] = FAR) -> RoundTrip:
    return RoundTrip(here="us", there="eu", declared_ms=declared_ms, rtt_ms=rtt_ms)


class TestRoundTrips:
    def test_they_are_read_off_the_history(self) -> None:
        detail = {"from": "us", "to": "eu", "rtt_ms": 80.5, "declared_ms": [80, 80]}
        events = (
            Event(at_ns=1, kind=EventKind.PHASE),
            Event(at_ns=2, kind=EventKind.RTT, detail=detail),
        )

        assert round_trips(History(events=events, attempts=())) == (trip(80.5),)


class TestAsDeclared:
    @pytest.mark.parametrize(
        ("rtt_ms", "declared_ms", "expected"),
        [
            (80.5, FAR, True),
            (84.0, FAR, True),
            (84.1, FAR, False),
            (75.9, FAR, False),
            (None, FAR, False),
            (1.9, (0.0, 0.0), True),
            (2.1, (0.0, 0.0), False),
            (100.0, (80.0, 120.0), True),
        ],
    )
    def test_within_two_milliseconds_or_five_per_cent(
        self, rtt_ms: float | None, declared_ms: tuple[float, float], expected: bool
    ) -> None:
        assert trip(rtt_ms, declared_ms).as_declared is expected


class TestSentence:
    def test_tells_the_long_ones(self) -> None:
        told = sentence((trip(80.46), trip(0.2, (0, 0)), trip(99, (80, 120))))

        assert told == (
            "Round trips in ms, and as declared: us to eu 80.5 (80), "
            "us to eu 99.0 (80 to 120)."
        )

    def test_names_what_is_not_as_declared(self) -> None:
        assert sentence((trip(0.3),)).endswith(" Not as declared: us to eu!")
        assert "no reply (80)" in sentence((trip(None),))

    def test_says_nothing_where_nothing_is_far(self) -> None:
        assert sentence((trip(0.2, (0, 0)),)) == sentence(()) == ""
