"""Rules of what regions announce for a prefix that is meant for one of them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from lab.topology.hybrids import Hybrid, Technique
from lab.topology.loading import load
from tests.unit.worlds import ROOT

HALF, WHOLE = IPv4Network("198.18.66.0/25"), IPv4Network("198.18.66.0/24")


def hybrid(technique: Technique) -> Hybrid:
    return Hybrid(
        name="x",
        technique=technique,
        primary="us-east",
        prefix=HALF,
        address=IPv4Address("198.18.66.1"),
        prepend=3,
    )


class TestHybrid:
    @pytest.mark.parametrize("technique", list(Technique))
    def test_the_primary_announces_the_prefix_as_it_is(
        self, technique: Technique
    ) -> None:
        of = hybrid(technique)

        assert of.announced_by("us-east") == HALF
        assert of.prepended_by("us-east") == 0
        assert not of.stands_by("us-east")

    @pytest.mark.parametrize(
        ("technique", "announced", "prepended", "stands_by"),
        [
            (Technique.PREPENDING, HALF, 3, False),
            (Technique.SUPERPREFIX, WHOLE, 0, False),
            (Technique.REACTIVE, None, 0, True),
        ],
    )
    def test_others_do_what_the_technique_is_about(
        self,
        technique: Technique,
        announced: IPv4Network | None,
        prepended: int,
        stands_by: bool,
    ) -> None:
        of = hybrid(technique)

        assert of.announced_by("eu-west") == announced
        assert of.prepended_by("eu-west") == prepended
        assert of.stands_by("eu-west") is stands_by


class TestTopology:
    def test_shared_prefixes_are_all_that_several_regions_may_announce(self) -> None:
        topology = load(ROOT / "topologies/hybrids.yaml")

        assert list(map(str, topology.shared_prefixes)) == [
            "198.51.100.0/24",
            "198.18.64.0/24",
            "198.18.66.0/25",
            "198.18.66.0/24",
            "198.18.68.0/24",
        ]
