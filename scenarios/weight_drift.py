"""90/10 is published: what did the authorities give, and what did users get?

Ten thousand answers of each provider keep the weights. Users inherit them by resolver
and TTL: a whole population is here or there. The same split made request by request at
L7 stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.scenario import bounds, caching, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import share_bounds
from lab.scenario.figures import ServedShare, ServedSpread, Unanimity
from lab.scenario.model import (
    Ask,
    Measures,
    Observe,
    Prime,
    Scenario,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.model import Failover, ResolverBehaviour, Topology, Weighted

#: As fast as leaves an authority with most of its core to spare.
PACE_MS = 1.0
DRAWS = ("first draw", "second draw")
USER_MS = 2000
#: Resolvers that keep an answer for its TTL and tell nobody's subnet.
PLAIN = frozenset({ResolverBehaviour.HONEST, ResolverBehaviour.NO_ECS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    resolver: Annotated[
        str, Knob("whose users are watched; all honest ones unless set")
    ] = ""
    answers: Annotated[int, Knob("answers of each provider", minimum=1000)] = 10_000
    users: Annotated[int, Knob("users of each resolver", minimum=10)] = 40
    lives: Annotated[int, Knob("times to live to watch", minimum=3)] = 4


def build(topology: Topology, knobs: Knobs) -> Scenario:
    served = pick.name(
        topology, Weighted, where=lambda n: len(set(n.weights.values())) > 1
    )
    total = sum(served.weights.values())
    shares = {r: weight / total for r, weight in served.weights.items()}
    favourite = max(shares, key=lambda r: shares[r])
    first = pick.resolver(
        topology, ResolverBehaviour.HONEST, knobs.resolver, among=pick.PLAIN
    )
    honest = [r for r in topology.resolvers if r.behaviour is ResolverBehaviour.HONEST]
    plain = tuple(r for r in topology.resolvers if r.behaviour in PLAIN)
    resolvers = (first,) if knobs.resolver else plain
    populations = {
        r: pick.cohort(
            pick.access_of(topology, r),
            r,
            served,
            clients=knobs.users,
            interval_ms=USER_MS,
        )
        for r in resolvers
    }
    timers = topology.timers_of(served.name)
    ttl_s = timers.ttl_s
    life_s = max(bounds.lifetime_s(timers, r) for r in resolvers)
    # The first draw is over by then: two at a time would keep an authority busy.
    for_s = max(knobs.lives * (life_s + 1.0), knobs.answers * PACE_MS / 1000)

    split = pick.name(topology, Failover)
    region = topology.region(split.regions[0])
    backends = region.backends
    weight = backends[0].weight / sum(b.weight for b in backends)
    at_l7 = pick.cohort(
        topology.access[0], honest[0], split, clients=20, interval_ms=500
    )
    backend = f"{region.name}-be-1"

    def draw(label: str, *, behind: bool = False) -> Ask:
        """Return the step that puts the question to each provider, past all caches."""
        return common.past_caches(
            label,
            topology.zone.providers,
            access=at_l7.access,
            qname=served.name,
            count=knobs.answers,
            interval_ms=PACE_MS,
            behind=behind,
        )

    def expectations() -> Iterator[Measures]:
        addresses = {str(topology.region(r).address): s for r, s in shares.items()}
        for provider in topology.zone.providers:
            yield common.chance(
                f"{provider.name} ({provider.daemon}): p-value",
                tuple(f"{draw}-{provider.name}" for draw in DRAWS),
                addresses,
                section=f"What the authorities gave, over {knobs.answers} answers, the "
                f"better of {len(DRAWS)} draws",
            )
        draws = caching.least_draws(
            timers, resolvers, for_s=for_s, every_s=USER_MS / knobs.users / 1000
        )
        low, high = share_bounds(shares[favourite], draws)
        yield Measures(
            section="What users got",
            text=f"share of {favourite}, {shares[favourite]:.0%} published",
            figure=ServedShare(
                cohorts=tuple(c.name for c in populations.values()),
                during="users",
                region=favourite,
            ),
            low=low,
            high=high,
            unit=Unit.PERCENT,
            why=f"at least {draws} draws decide for {len(populations)} populations in "
            f"{for_s:g} s, and no request is drawn by itself",
        )
        for resolver, cohort in populations.items():
            yield Measures(
                section="Requests that go where the population's one answer says",
                text=f"{knobs.users} users of {resolver.name}",
                figure=Unanimity(cohorts=(cohort.name,), during="users"),
                low=0.99,
                high=1.0,
                unit=Unit.PERCENT,
                why="an answer is for a resolver and a TTL: all or nothing",
            )
        rate_rps = at_l7.clients * 1000 / at_l7.interval_ms
        low, high = share_bounds(weight, int(rate_rps * for_s))
        section = f"The same at L7, request by request: share of {backend}"
        yield Measures(
            section=section,
            text=f"over {for_s:g} s",
            figure=ServedShare(cohorts=(at_l7.name,), during="users", backend=backend),
            low=low,
            high=high,
            unit=Unit.PERCENT,
            why=f"weight {backends[0].weight} of {sum(b.weight for b in backends)}, in "
            "turns; others' requests take turns in between, and which is chance",
        )
        low, high = share_bounds(weight, int(rate_rps * ttl_s))
        yield Measures(
            section=section,
            text=f"greatest less least over windows of {ttl_s} s",
            figure=ServedSpread(
                cohorts=(at_l7.name,), during="users", backend=backend, window_s=ttl_s
            ),
            low=0.0,
            high=high - low,
            unit=Unit.PERCENT,
            why=f"chance over {rate_rps * ttl_s:.0f} requests: {low:.0%} to {high:.0%}",
        )
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(*populations.values(), at_l7),
        steps=(
            Prime(),
            draw(DRAWS[0], behind=True),
            Observe(for_s=for_s, label="users"),
            draw(DRAWS[1]),
        ),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="weight-drift",
    title="Weights hold for answers, not for users; at L7 they hold for requests",
    questions=("Q7", "Q14"),
    topology="steering",
    knobs=Knobs,
    build=build,
)
