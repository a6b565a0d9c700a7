"""`docs/resolvers.md` is measured: it has to be about the zoo, and as bounds assume."""

from __future__ import annotations

import re

import pytest

from lab.scenario.bounds import (
    ROUNDINGS,
    lifetime_s,
    stale_answer_ttl_s,
    tells_stale_first,
)
from lab.topology.loading import load
from lab.topology.model import Resolver, ResolverBehaviour
from lab.topology.profiles import Profile, apply
from tests.unit.worlds import ROOT

ZOO = apply(load("resolver-zoo"), Profile.QUICK)
RESOLVERS = {r.name: r for r in ZOO.resolvers}
LINES = (ROOT / "docs" / "resolvers.md").read_text("utf-8").splitlines()
#: Cells by resolver; the first one may name whom it asks.
ROWS = {
    cells[0].partition(" ")[0]: cells[1:]
    for cells in ([c.strip() for c in line.split("|")[1:-1]] for line in LINES)
    if cells and cells[0].partition(" ")[0] in RESOLVERS
}
#: "12, 12.0 to 12.1 s"
CELL = re.compile(r"(?P<told>\d+), (?P<least>[\d.]+)(?: to (?P<most>[\d.]+))? s")
#: A question of the bench may come this late, and the page shows tenths.
SLACK_S = 0.3 + 0.05

each = pytest.mark.parametrize("resolver", ZOO.resolvers, ids=lambda r: r.name)


def rounding(of: Resolver) -> tuple[float, float]:
    """Return how much earlier and later than its end an answer may go."""
    own = ROUNDINGS[of.daemon]
    if not of.forwards_to:
        return own.early_s, own.late_s
    other = ROUNDINGS[RESOLVERS[of.forwards_to].daemon]
    return own.early_s + other.early_s, own.late_s + other.late_s


def test_the_rows_are_the_resolvers_of_the_zoo() -> None:
    heads = [line for line in LINES if line.startswith("| ")][1:]

    assert list(ROWS) == list(RESOLVERS)
    assert len(heads) == len(ROWS) + 1  # the line below the headings


@each
@pytest.mark.parametrize(("column", "name"), [(0, "rr"), (1, "short")])
def test_what_is_told_and_kept_is_as_bounds_assume(
    resolver: Resolver, column: int, name: str
) -> None:
    seen = CELL.fullmatch(ROWS[resolver.name][column])
    assert seen
    life_s = lifetime_s(ZOO.timers_of(name), resolver)
    early_s, late_s = rounding(resolver)

    assert int(seen["told"]) == life_s
    assert float(seen["least"]) >= life_s - early_s - SLACK_S
    assert float(seen["most"] or seen["least"]) <= life_s + late_s + SLACK_S


@each
def test_who_is_stale_and_for_how_long_is_as_bounds_assume(resolver: Resolver) -> None:
    well, silent = ROWS[resolver.name][2:4]
    told = f"(TTL {stale_answer_ttl_s(ZOO.timers, resolver)})"

    assert (told in well) is tells_stale_first(resolver)
    stale = resolver.behaviour is ResolverBehaviour.SERVE_STALE
    assert (f"stale {told}" in silent) is stale
