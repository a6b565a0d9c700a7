"""Rules of `--set KEY=VALUE`."""

from __future__ import annotations

from typing import Any

import pytest

from lab.errors import InvalidInput
from lab.scenario.catalogue import load_catalogue
from lab.scenario.model import FaultKind
from lab.scenario.settings import Settings, knob_texts, read_settings, with_timers
from tests.unit import worlds

REGION_KILL = load_catalogue(worlds.ROOT / "scenarios")["region-kill"]


def problems(*settings: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        read_settings(REGION_KILL, settings)
    return [str(p).replace("\n    ", " ") for p in caught.value.problems]


def read(*settings: str) -> Settings[Any]:
    return read_settings(REGION_KILL, settings)


class TestReadSettings:
    def test_knobs_have_defaults(self) -> None:
        assert read().knobs == REGION_KILL.knobs()
        assert read().timers == {}

    def test_splits_timers_from_knobs(self) -> None:
        seen = read("fault=drain", "ttl_s=30", "check.threshold=3", "age_s=2.5")

        assert seen.timers == {"ttl_s": "30", "check.threshold": "3"}
        assert seen.knobs.fault is FaultKind.DRAIN
        assert seen.knobs.age_s == 2.5

    def test_unknown_key_lists_knobs_and_timers(self) -> None:
        (told,) = problems("tll_s=3")

        assert told.startswith('unknown knob "tll_s" allowed: fault, target, age_s')
        assert "bfd.interval_ms" in told
        assert "bgp.hold_s" in told

    def test_word_outside_a_closed_set_lists_the_set(self) -> None:
        assert problems("fault=bang") == [
            'fault is "bang" allowed: power-off, crash, drain'
        ]

    def test_tells_every_problem_at_once(self) -> None:
        assert problems(
            "age_s=old",
            "dns_clients=0",
            "ttl_s",
            "fault=crash",
            "fault=crash",
        ) == [
            'age_s is "old" allowed: a number',
            "dns_clients is 0 allowed: 1 or more",
            '"ttl_s" sets nothing allowed: KEY=VALUE',
            '"fault" is set twice allowed: each key once',
        ]


class TestWithTimers:
    def test_sets_timers_over_any_profile(self) -> None:
        topology = with_timers(worlds.quick(), read("ttl_s=30").timers)

        assert topology.timers.ttl_s == 30
        assert topology.timers.clamp_s == worlds.quick().timers.clamp_s

    def test_refuses_what_the_topology_does_not_allow(self) -> None:
        with pytest.raises(InvalidInput, match="ttl_s"):
            with_timers(worlds.quick(), read("ttl_s=0").timers)


class TestKnobTexts:
    def test_tells_every_knob(self) -> None:
        assert knob_texts(read("age_s=4").knobs)[:3] == (
            ("fault", "power-off"),
            ("target", ""),
            ("age_s", "4"),
        )
