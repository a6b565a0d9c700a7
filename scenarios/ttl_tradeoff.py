"""What does a TTL buy, and what does it cost? A sweep in one run.

The same health-checked name is published with several TTLs. First the authorities
count who asks, then a region dies at one moment for all of them. Beside them, users
whose caches end together, with and without jitter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, caching, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import share_bounds
from lab.scenario.figures import GreatestPart, Irrevocable, PeakAskers, Upstream
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
from lab.topology.model import Failover, Probe, ResolverBehaviour, Topology

INTERVAL_MS = 500
CROWD_MS = 1000
FILLING_S = 2 * CROWD_MS / 1000
FAILOVER = "Failover time: last failure after the fault, s"
BLAST = "Blast radius: a wrong answer in use after its correction, s"
LOAD = "Authority load: queries of one resolver"
FAIRNESS = "Fairness: the step in which load is shared, % of all requests"
HERD = "Thundering herd: most users that ask the resolver in one second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[str, Knob("who is asked; the first honest one unless set")] = ""
    clients: Annotated[int, Knob("clients of each TTL", minimum=1)] = 4
    crowd: Annotated[int, Knob("users whose caches end together", minimum=20)] = 40
    age_s: Annotated[float, Knob("age of cached answers at the fault", minimum=1)] = 1.0


def build(topology: Topology, knobs: Knobs) -> Scenario:
    resolver = pick.resolver(
        topology, ResolverBehaviour.HONEST, knobs.resolver, among=pick.PLAIN
    )
    access = pick.access_of(topology, resolver)
    by_ttl = {
        topology.timers_of(n.name).ttl_s: n
        for n in reversed(topology.zone.names)
        if isinstance(n, Failover) and n.probe is Probe.DEEP and n.threshold is None
    }
    if len(by_ttl) < 2:
        what = f"health-checked names have {len(by_ttl)} different TTLs"
        problem = Problem(what=what, allowed="two at least, and no --set ttl=…")
        raise InvalidInput((problem,))
    ttls = sorted(by_ttl)
    swept = {
        ttl_s: pick.cohort(
            access, resolver, name, clients=knobs.clients, interval_ms=INTERVAL_MS
        )
        for ttl_s, name in sorted(by_ttl.items())
    }
    longest_s = max(swept)
    crowds = {
        label: pick.cohort(
            access,
            resolver,
            by_ttl[ttls[-2]],
            clients=knobs.crowd,
            interval_ms=CROWD_MS,
            jitter=jitter,
            label=label,
        )
        for label, jitter in (
            ("no jitter", 0.0),
            ("up to half a TTL earlier", -0.5),
            ("up to a TTL later", 1.0),
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
            p.daemon, topology.timers.check, round_trip_s=farthest_s(topology)
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
    count_s = max(held_s.values()) + 3.0

    watch = (*swept.values(), *crowds.values())
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
        for ttl_s, cohort in swept.items():
            least, most, why = caching.greatest_part(
                topology.timers_of(cohort.qname),
                resolver,
                age_s=FILLING_S,
                for_s=count_s,
                interval_s=INTERVAL_MS / 1000,
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
        yield from _herds(crowds, ttls[-2])
        yield from common.lab_itself(topology)

    def drawn() -> Iterator[Measures]:
        """Place the figures of the sweep in the picture, by section and TTL."""
        for expected in expectations():
            x = {f"TTL {ttl_s} s": float(ttl_s) for ttl_s in swept}.get(expected.text)
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


def _herds(crowds: dict[str, Cohort], ttl_s: int) -> Iterator[Measures]:
    for label, cohort in crowds.items():
        least, most, why = 0.5, 1.0, "filled at one moment, they end within two seconds"
        if cohort.jitter < 0:
            why = "who asks earlier is told what is left, and ends with the others"
        if cohort.jitter > 0:
            width_s = cohort.jitter * ttl_s
            # A client asks up to one interval later, and is seen within one second.
            chance = min(1.0, 2 * CROWD_MS / 1000 / width_s)
            least, most = 0.0, share_bounds(chance, cohort.clients)[1]
            why = f"their ends are spread over {width_s:g} s at random"
        yield Measures(
            section=HERD,
            text=f"{cohort.clients} users, {label}",
            figure=PeakAskers(cohorts=(cohort.name,), during="count"),
            low=least * cohort.clients,
            high=most * cohort.clients,
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
