"""What does a TTL buy, and what does it cost? A sweep in one run.

The same health-checked name is published with several TTLs, and so is one that two
regions share evenly. First the authorities count who asks, and what one draw of theirs
decides; then a region dies at one moment for all. Beside them, users whose caches end
together, with and without jitter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, caching, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import fullest
from lab.scenario.figures import (
    GreatestPart,
    Irrevocable,
    PeakAskers,
    Undivided,
    Upstream,
)
from lab.scenario.model import (
    Bound,
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    Restore,
    Scenario,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.distance import farthest_s
from lab.topology.model import (
    Failover,
    Probe,
    Resolver,
    ResolverBehaviour,
    Topology,
    Weighted,
)
from lab.topology.timers import Timers

N = TypeVar("N", Failover, Weighted)

INTERVAL_MS = 500
#: Users of each resolver and each TTL of the evenly weighted names.
SHARERS, SHARERS_MS = 2, 1000
CROWD_MS = 1000
FILLING_S = 2 * CROWD_MS / 1000
#: Share of a TTL, at most, by which users ask later than told.
LATER = 1.5
FAILOVER = "Failover time: last failure after the fault, s"
BLAST = "Blast radius: a wrong answer in use after its correction, s"
LOAD = "Authority load: queries of one resolver"
FAIRNESS = "Fairness of an even split: what one draw decides, % of all requests"
UNFAIR = "Fairness: share of populations that one region serves alone"
HERD = "Thundering herd: most users that ask the resolver in one second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[str, Knob("who is asked; the first honest one unless set")] = ""
    clients: Annotated[int, Knob("clients of each TTL", minimum=1)] = 2
    crowd: Annotated[int, Knob("users whose caches end together", minimum=20)] = 50
    age_s: Annotated[float, Knob("age of cached answers at the fault", minimum=1)] = 1.0


def build(topology: Topology, knobs: Knobs) -> Scenario:
    resolver = pick.resolver(
        topology, ResolverBehaviour.HONEST, knobs.resolver, among=pick.PLAIN
    )
    access = pick.access_of(topology, resolver)
    by_ttl = _by_ttl(
        topology,
        "health-checked",
        (
            n
            for n in topology.zone.names
            if isinstance(n, Failover) and n.probe is Probe.DEEP and n.threshold is None
        ),
    )
    even_by_ttl = _by_ttl(
        topology,
        "evenly weighted",
        (
            n
            for n in topology.zone.names
            if isinstance(n, Weighted)
            and len(set(n.weights.values())) == 1 < len(n.weights)
        ),
    )
    ttls = list(by_ttl)
    drawing = _who_draws(topology, resolver)
    shared = {
        ttl_s: {
            r: pick.cohort(
                pick.access_of(topology, r),
                r,
                name,
                clients=SHARERS,
                interval_ms=SHARERS_MS,
            )
            for r in drawing
        }
        for ttl_s, name in even_by_ttl.items()
    }
    swept = {
        ttl_s: pick.cohort(
            access, resolver, name, clients=knobs.clients, interval_ms=INTERVAL_MS
        )
        for ttl_s, name in by_ttl.items()
    }
    longest_s = max(swept)
    crowd_ttl_s = ttls[len(ttls) // 2]
    crowds = {
        label: pick.cohort(
            access,
            resolver,
            by_ttl[crowd_ttl_s],
            clients=round(knobs.crowd * part),
            interval_ms=CROWD_MS,
            jitter=jitter,
            label=label,
        )
        # What does not help is seen with fewer; all together are no overload.
        for label, jitter, part in (
            ("no jitter", 0.0, 1.0),
            ("up to half a TTL earlier", -0.5, 0.4),
            (f"up to {LATER:g} TTLs later", LATER, 1.0),
        )
    }
    fault = Fault(
        kind=FaultKind.POWER_OFF,
        target=next(iter(by_ttl.values())).regions[0],
        at_age_s=knobs.age_s,
    )
    bound = {ttl_s: common.recovery(topology, c, fault) for ttl_s, c in swept.items()}
    held_s = {
        ttl_s: bounds.lifetime_s(topology.timers_of(c.qname), resolver)
        for ttl_s, c in swept.items()
    }
    verdicts = [
        bounds.check_detection(
            p.daemon,
            topology.timers.check,
            round_trip_s=farthest_s(topology),
            silent_s=bounds.unanswered_s(topology.timers, fault.kind),
        )
        for p in topology.zone.providers
    ]
    publish_s = max(
        bounds.CHECKERS[p.daemon].publish_s for p in topology.zone.providers
    )
    corrected = Bound(
        low_s=max(v.low_s for v in verdicts),
        high_s=max(v.high_s for v in verdicts),
        why="the last authority's verdict",
    )
    # Long enough for all but the longest TTL, and for the last one of a crowd.
    again_s = crowd_ttl_s * (1 + LATER) + CROWD_MS / 1000 + bounds.ATTEMPT_S
    count_s = max(held_s[ttls[-2]] + 3.0, again_s + 1.0 - FILLING_S)

    populations = tuple(
        c for by_resolver in shared.values() for c in by_resolver.values()
    )
    watch = (*swept.values(), *populations, *crowds.values())
    asked = {
        ttl_s: Upstream(qname=c.qname, during="count", resolver=resolver.name)
        for ttl_s, c in swept.items()
    }
    queries = {
        ttl_s: caching.fetches(
            topology.timers_of(c.qname),
            resolver,
            for_s=count_s,
            every_s=INTERVAL_MS / 1000 / knobs.clients,
        )
        for ttl_s, c in swept.items()
    }

    def expectations() -> Iterator[Measures]:
        for ttl_s, cohort in swept.items():
            yield common.fails_until(
                f"TTL {ttl_s} s",
                cohort,
                bound[ttl_s],
                fault,
                section=FAILOVER,
                during="observe",
            )
        for ttl_s, cohort in swept.items():
            held = caching.after_correction(
                topology.timers_of(cohort.qname),
                resolver,
                failing=common.failing(bound[ttl_s], cohort),
                corrected=corrected,
                publish_s=publish_s,
                interval_s=INTERVAL_MS / 1000,
            )
            yield Measures(
                section=BLAST,
                text=f"TTL {ttl_s} s",
                figure=Irrevocable(
                    cohorts=(cohort.name,), during="observe", region=fault.target
                ),
                low=held.low_s,
                high=held.high_s,
                unit=Unit.SECONDS,
                why=held.why,
            )
        for ttl_s in swept:
            low, high, why = queries[ttl_s]
            yield Measures(
                section=f"{LOAD}, in {count_s:g} s",
                text=f"TTL {ttl_s} s",
                figure=asked[ttl_s],
                low=low,
                high=high,
                why=why,
            )
        for ttl_s, by_resolver in shared.items():
            cohort = by_resolver[resolver]
            least, most, why = caching.greatest_part(
                topology.timers_of(cohort.qname),
                resolver,
                age_s=FILLING_S,
                for_s=count_s,
                interval_s=SHARERS_MS / 1000,
            )
            yield Measures(
                section=FAIRNESS,
                text=f"TTL {ttl_s} s",
                figure=GreatestPart(cohorts=(cohort.name,), during="count"),
                low=least,
                high=most,
                unit=Unit.PERCENT,
                why=why,
            )
        for ttl_s, by_resolver in shared.items():
            name = even_by_ttl[ttl_s]
            least, most, why = caching.undivided(
                topology.timers_of(name.name),
                drawing,
                regions=len(name.weights),
                age_s=FILLING_S,
                for_s=count_s,
                every_s=SHARERS_MS / 1000 / SHARERS,
            )
            if (least, most) == (0.0, 1.0):
                continue  # too few draws to tell anything by chance
            yield Measures(
                section=f"{UNFAIR}, {len(drawing)} resolvers, {count_s:g} s",
                text=f"TTL {ttl_s} s",
                figure=Undivided(
                    cohorts=tuple(c.name for c in by_resolver.values()), during="count"
                ),
                low=least,
                high=most,
                unit=Unit.PERCENT,
                why=why,
            )
        yield from _herds(
            crowds, topology.timers_of(by_ttl[crowd_ttl_s].name), resolver
        )
        yield from common.lab_itself(topology)

    def drawn() -> Iterator[Measures]:
        """Place the figures of the sweep in the picture, by section and TTL."""
        for expected in expectations():
            x = {f"TTL {ttl_s} s": float(ttl_s) for ttl_s in (*swept, *shared)}.get(
                expected.text
            )
            yield replace(expected, x=x, series=expected.section if x else "")

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=watch,
        steps=(
            Prime(),
            Observe(for_s=FILLING_S, label="filling"),
            Observe(for_s=count_s, label="count"),
            Prime(),
            fault,
            Observe(for_s=bound[longest_s].high_s + bounds.ATTEMPT_S),
            Restore(),
        ),
        expectations=tuple(drawn()),
        picture="published TTL, s",
    )


def _by_ttl(topology: Topology, kind: str, names: Iterable[N]) -> dict[int, N]:
    """Return the first of some names of each TTL, from the shortest to the longest."""
    found: dict[int, N] = {}
    for name in names:
        found.setdefault(topology.timers_of(name.name).ttl_s, name)
    if len(found) < 2:
        what = f"{kind} names have {len(found)} different TTLs"
        problem = Problem(what=what, allowed="two at least, and no --set ttl=…")
        raise InvalidInput((problem,))
    return dict(sorted(found.items()))


def _who_draws(topology: Topology, asked: Resolver) -> tuple[Resolver, ...]:
    """Return who is asked, and every other one that honours a TTL by itself."""
    honouring = pick.PLAIN - {ResolverBehaviour.CLAMPING}
    others = (r for r in topology.resolvers if r.behaviour in honouring)
    return tuple(dict.fromkeys((asked, *others)))


def _herds(
    crowds: dict[str, Cohort], timers: Timers, resolver: Resolver
) -> Iterator[Measures]:
    """Yield how many ask in the fullest second; nobody's cache is older than filled."""
    # A copy is told in whole seconds; who finds it ended asks at the next request.
    spread_s = bounds.ROUNDINGS[resolver.daemon].copy_s + CROWD_MS / 1000
    for label, cohort in crowds.items():
        least = math.ceil(cohort.clients / spread_s)
        most = cohort.clients
        why = f"filled at one moment, they end within {spread_s:g} s"
        if cohort.jitter < 0:
            why = "who asks earlier is told what is left, and ends with the others"
        if cohort.jitter > 0:
            widest_s = cohort.jitter * timers.ttl_s + spread_s
            least_told_s = max(timers.ttl_s - FILLING_S, 1.0)
            chance = min(1.0, CROWD_MS / 1000 / (cohort.jitter * least_told_s))
            least = math.ceil(cohort.clients / math.ceil(widest_s))
            most = fullest(
                chance, cohort.clients, windows=cohort.clients * math.ceil(widest_s)
            )
            why = (
                f"they end within {widest_s:g} s, at random: 1 of {1 / chance:g} in a "
                "certain second"
            )
        yield Measures(
            section=HERD,
            text=f"{cohort.clients} users, {label}",
            # Who asks earlier asks again, with the others; who asks later comes to be
            # told less and less, and only the first time tells of the jitter alone.
            figure=PeakAskers(
                cohorts=(cohort.name,), during="count", first=cohort.jitter >= 0
            ),
            low=least,
            high=most,
            why=why,
        )


SCENARIO = ScenarioFile(
    name="ttl-tradeoff",
    title="A shorter TTL fails over sooner and decides more finely, for more queries",
    questions=("Q5",),
    topology="steering",
    knobs=Knobs,
    build=build,
)
