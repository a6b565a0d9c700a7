"""What BIRD 2.17 prints, and what is read from it."""

from __future__ import annotations

from lab.live.paths import Path, parse_paths

SAID = """\
BIRD 2.17.5 ready.
Table master4:
198.51.100.0/24      unicast [to_us_edge 12:16:44.447] * (100) [AS64496i]
\tvia 10.213.3.130 on eth1
\tType: BGP univ
\tBGP.origin: IGP
\tBGP.as_path: 64496
\tBGP.next_hop: 10.213.3.130
\tBGP.local_pref: 100
\tBGP.community: (65535,0) (64500,7)
                     unicast [to_transit_b 12:16:50.001] (100) [AS64497i]
\tvia 10.213.3.200 on eth2
\tType: BGP univ
\tBGP.origin: IGP
\tBGP.as_path: 64501 64497
\tBGP.next_hop: 10.213.3.200
\tBGP.local_pref: 90
203.0.113.0/26       unreachable [own 12:16:44.439] * (200)
\tType: static univ
203.0.113.10/32      unicast [to_l4 12:16:44.439] * (100) [i]
\tvia 10.213.1.195 on eth0 weight 1
\tvia 10.213.1.196 on eth0 weight 1
\tType: BGP univ
\tBGP.as_path:\x20
\tBGP.local_pref: 100
"""


class TestParsePaths:
    def test_alternatives_belong_to_the_prefix_above(self) -> None:
        best, other, _, _ = parse_paths(SAID)

        assert best == Path(
            prefix="198.51.100.0/24",
            kind="unicast",
            protocol="to_us_edge",
            best=True,
            via=("10.213.3.130",),
            as_path=(64496,),
            local_pref=100,
            communities=("(65535,0)", "(64500,7)"),
        )
        assert other == Path(
            prefix="198.51.100.0/24",
            kind="unicast",
            protocol="to_transit_b",
            best=False,
            via=("10.213.3.200",),
            as_path=(64501, 64497),
            local_pref=90,
        )

    def test_a_prefix_that_leads_nowhere_has_no_next_hop(self) -> None:
        nowhere = parse_paths(SAID)[2]

        assert (nowhere.kind, nowhere.via, nowhere.local_pref) == (
            "unreachable",
            (),
            None,
        )

    def test_several_next_hops_are_kept_in_order(self) -> None:
        several = parse_paths(SAID)[3]

        assert several.via == ("10.213.1.195", "10.213.1.196")
        assert several.as_path == ()

    def test_an_empty_table_has_no_paths(self) -> None:
        assert parse_paths("BIRD 2.17.5 ready.\nTable master4:\n") == ()
