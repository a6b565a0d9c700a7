"""DNS, L4 and L7 side by side: what each decides, about what, and how soon again.

One table of figures. Then the same service dies a part at a time: a backend, an L7
node, an L4 node, and at last all backends of the region. Each layer hides the death of
one of those it chooses among, in its own unit and its own time, and of no other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Literal

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, caching, common, crowd, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.chance import longest_miss, share_bounds
from lab.scenario.figures import (
    AnsweredAt,
    Decided,
    FailedShare,
    Figure,
    Foreign,
    LastFailure,
    PassedBytes,
    ServedShare,
    Stays,
    TlsEnded,
    Unanimity,
)
from lab.scenario.model import (
    Behaviour,
    Bound,
    Cohort,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Prime,
    Restore,
    Scenario,
    Undo,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.l7 import Route
from lab.topology.model import AnycastName, Failover, Region, Resolver, Topology

DNS, L4, L7 = "DNS", "L4", "L7"
#: Not multiples of each other: else a proxy that takes its backends in turn could
#: meet each user with the same one. The slower is for those who keep a connection: it
#: carries one request at a time, and whoever cannot wait for its reply opens another.
PACE_MS, KEPT_PACE_MS = 250, 1510
#: Until whoever keeps a connection has one, after all were told to forget theirs.
SETTLING_S, STEADY_S, MOVED_S = 2.0, 4.0, 2.0
#: From a death until every balancer knows, and whatever failed till then is over.
NOTICED_S = bounds.looked_dead().high_s + bounds.ATTEMPT_S
ALL, NONE = (1.0, 1.0), (0.0, 0.0)
#: Any request of the lab is longer than its first line and its host.
SHORTEST = "GET / HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    clients: Annotated[int, Knob("clients of each kind", minimum=4)] = 8
    age_s: Annotated[float, Knob("age of cached answers at the death", minimum=1)] = 4.0


def build(topology: Topology, knobs: Knobs) -> Scenario:
    told = _Layers(topology=topology, knobs=knobs)
    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=told.everyone,
        steps=(
            Prime(),
            Observe(for_s=SETTLING_S, label="settling"),
            Observe(for_s=STEADY_S, label="steady"),
            told.backend,
            Observe(for_s=NOTICED_S, label=_after(told.backend)),
            Undo(target=told.backend.target, label="backend mended"),
            told.l7,
            Observe(for_s=NOTICED_S, label=_after(told.l7)),
            Undo(target=told.l7.target, label="l7 mended"),
            told.l4,
            Observe(for_s=NOTICED_S, label=_after(told.l4)),
            Restore(),
            Prime(),
            told.service,
            Observe(
                for_s=told.by_answer.high_s + bounds.ATTEMPT_S,
                label=_after(told.service),
            ),
            Observe(
                for_s=told.by_answer.high_s + bounds.ATTEMPT_S + MOVED_S, label="moved"
            ),
            Restore(),
        ),
        expectations=(
            *told.when(),
            *told.unit(),
            *told.sight(),
            *told.secrets(),
            *told.failover(),
            *told.affinity(),
            *told.reach(),
            *told.path(),
            *common.lab_itself(topology),
        ),
    )


def _after(fault: Fault) -> str:
    return f"after-{fault.label}"


@dataclass(frozen=True, kw_only=True)
class _Layers:
    """Users whom all layers steer, and the deaths that each layer hides."""

    topology: Topology
    knobs: Knobs

    @cached_property
    def checked(self) -> Failover:
        return pick.name(self.topology, Failover)

    @cached_property
    def region(self) -> Region:
        return pick.spared(self.topology, self.checked.regions[0])

    @cached_property
    def resolver(self) -> Resolver:
        access = pick.beside(self.topology, self.region)
        return pick.honest_in(self.topology, access)

    @cached_property
    def routes(self) -> tuple[Route, Route]:
        """A route by path and one by header, each to one backend.

        Raises:
            InvalidInput: The region has not both.
        """
        routes = self.region.l7_policy.routes
        by_path = next((r for r in routes if r.header is None and r.path != "/"), None)
        by_header = next((r for r in routes if r.header is not None), None)
        if by_path is None or by_header is None:
            what = f"region {self.region.name} has not what this scenario needs"
            allowed = "l7_policy with a route by path and one by header"
            raise InvalidInput((Problem(what=what, allowed=allowed),))
        return by_path, by_header

    @cached_property
    def plain(self) -> Cohort:
        return self._users(self._anycast)

    @cached_property
    def kept(self) -> Cohort:
        return self._users(
            self._anycast,
            how=Behaviour.POOL,
            clients=2 * self.knobs.clients,
            pace_ms=KEPT_PACE_MS,
        )

    @cached_property
    def sessions(self) -> Cohort:
        return self._users(self._anycast, cookies=True, label="cookie")

    @cached_property
    def pathed(self) -> Cohort:
        path = self.routes[0].path
        return self._users(self._anycast, path=path, label=path)

    @cached_property
    def headed(self) -> Cohort:
        header = self.routes[1].header
        assert header is not None
        line = f"{header.name}: {header.value}"
        return self._users(self._anycast, header=line, label=line)

    @cached_property
    def secured(self) -> Cohort:
        """Users as those with the path, but in TLS.

        Raises:
            InvalidInput: The region's L7 nodes do not end it.
        """
        if not self.region.l7_policy.tls:
            what = f"region {self.region.name} has not what this scenario needs"
            raise InvalidInput((Problem(what=what, allowed="l7_policy with tls"),))
        path = self.routes[0].path
        return self._users(self._anycast, path=path, tls=True, label="tls")

    @cached_property
    def cached(self) -> Cohort:
        return self._users(self.checked)

    @cached_property
    def cached_pathed(self) -> Cohort:
        path = self.routes[0].path
        return self._users(self.checked, path=path, label=path)

    @property
    def everyone(self) -> tuple[Cohort, ...]:
        anycast = (self.plain, self.kept, self.sessions, self.pathed, self.headed)
        return (*anycast, self.secured, self.cached, self.cached_pathed)

    @property
    def backend(self) -> Fault:
        target = f"{self.region.name}-be-1"
        return Fault(kind=FaultKind.CRASH, target=target, label="backend")

    @property
    def l7(self) -> Fault:
        target = f"{self.region.name}-l7-1"
        return Fault(kind=FaultKind.CRASH, target=target, label="l7")

    @property
    def l4(self) -> Fault:
        target = f"{self.region.name}-l4-1"
        return Fault(kind=FaultKind.HANG, target=target, label="l4")

    @property
    def service(self) -> Fault:
        return Fault(
            kind=FaultKind.APP_DEAD,
            target=self.region.name,
            at_age_s=crowd.age_or_third(self.topology, self.knobs.age_s),
            label="service",
        )

    @cached_property
    def by_answer(self) -> Bound:
        return common.recovery(self.topology, self.cached, self.service)

    @cached_property
    def by_route(self) -> Bound:
        return common.recovery(self.topology, self.plain, self.service)

    def when(self) -> Iterator[Measures]:
        section = "When it acts: for so many requests, each on a new connection"
        requests = STEADY_S * 1000 / PACE_MS
        timers = self.topology.timers_of(self.checked.name)
        asked = math.ceil(STEADY_S / caching.period_s(timers, self.resolver))
        own, kept = (self.cached.name,), (self.kept.name,)
        for layer, text, figure, between, why in (
            (
                DNS,
                "at resolution, before the connection",
                Decided(cohorts=own, during="steady", by="dns"),
                (0.0, asked / requests),
                f"{requests:g} requests of each client, and an answer lasts "
                f"{timers.ttl_s} s: asked for {asked} times at most",
            ),
            (
                L4,
                "per connection",
                Decided(cohorts=own, during="steady", by="l4"),
                ALL,
                "each connection is passed on anew",
            ),
            (
                L7,
                "per request",
                Decided(cohorts=own, during="steady", by="l7"),
                ALL,
                "each request is passed on anew",
            ),
        ):
            yield _share(layer, text, figure, between, why, section=section)
        section = "When it acts: for so many requests on a connection that is kept"
        for layer, text, figure, between, why in (
            (
                DNS,
                "not again",
                Decided(cohorts=kept, during="steady", by="dns"),
                NONE,
                "nobody asks for an address who has a connection",
            ),
            (
                L4,
                "not again: it is one flow",
                Decided(cohorts=kept, during="steady", by="l4"),
                NONE,
                "the connection stands, and so does whoever is behind it",
            ),
            (
                L7,
                "per request all the same",
                Decided(cohorts=kept, during="steady", by="l7"),
                ALL,
                "it ends the connection, and reads one request after the other",
            ),
        ):
            yield _share(layer, text, figure, between, why, section=section)

    def unit(self) -> Iterator[Measures]:
        section = "Unit of balancing: how much of it goes one way"
        share = self.region.backends[0].weight / sum(
            b.weight for b in self.region.backends
        )
        for layer, text, figure, between, why in (
            (
                DNS,
                "all users of a resolver, for one TTL",
                Unanimity(cohorts=(self.cached.name,), during="steady"),
                ALL,
                "whoever asks the resolver within the TTL gets what it holds",
            ),
            (
                L4,
                "a connection, to one L7 node",
                Stays(cohorts=(self.kept.name,), during="steady", by="l7"),
                ALL,
                "a flow stays where its first packet went",
            ),
            (
                L7,
                f"a request: of one connection's, {self.backend.target} gets",
                ServedShare(
                    cohorts=(self.kept.name,),
                    during="steady",
                    backend=self.backend.target,
                ),
                share_bounds(share, self._requests(self.kept)),
                f"each is balanced anew, whatever its connection: {share:.0%} by "
                "weight",
            ),
        ):
            yield _share(layer, text, figure, between, why, section=section)

    def sight(self) -> Iterator[Measures]:
        by_path, by_header = self.routes
        section = f"Sees the request: {by_path.path} against all others"
        nodes = self.region.l7
        yield _share(
            DNS,
            "no, the name alone: both go to one region",
            Unanimity(
                cohorts=(self.cached.name, self.cached_pathed.name), during="steady"
            ),
            ALL,
            "a question holds a name and no path (RFC 1035, section 4.1.2)",
            section=section,
        )
        yield _share(
            L4,
            "no, addresses and ports: an L7 node gets its part of both",
            ServedShare(
                cohorts=(self.pathed.name,),
                during="steady",
                l7=f"{self.region.name}-l7-1",
            ),
            share_bounds(1 / nodes, self._requests(self.pathed)),
            f"a flow's hash leads to any of {nodes} nodes",
            section=section,
        )
        for cohort, route, text in (
            (self.pathed, by_path, "yes: a route by path sends to its backend"),
            (self.headed, by_header, "and a route by header"),
            (self.secured, by_path, "and a route by path in TLS, which it ends"),
        ):
            yield _share(
                L7,
                text,
                ServedShare(
                    cohorts=(cohort.name,),
                    during="steady",
                    backend=self._only(route),
                ),
                ALL,
                "it reads method, path and fields, and compares them with its routes",
                section=section,
            )

    def secrets(self) -> Iterator[Measures]:
        section = "Ends TLS: connections for which it has the certificate"
        servers = tuple(provider.name for provider in self.topology.zone.providers)
        for layer, text, nodes, between, why in (
            (DNS, "no", servers, NONE, "no connection comes here"),
            (
                L4,
                "no: it passes on what it cannot read",
                self._nodes("l4"),
                NONE,
                "a proxy for TCP has neither key nor certificate",
            ),
            (
                L7,
                "yes, for the zone's names",
                self._nodes("l7"),
                ALL,
                "users verify its certificate: it is for the name, it is from the "
                "lab's authority, and it names the node",
            ),
        ):
            figure = TlsEnded(
                cohorts=(self.secured.name,), during="steady", nodes=nodes
            )
            yield _share(layer, text, figure, between, why, section=section)

    def failover(self) -> Iterator[Measures]:
        section = "One of those it chooses among dies: the last request that fails"
        yield self._fails_until(
            DNS, "a region: detection, then the TTL", section, self.cached
        )
        dead = bounds.looked_dead()
        rate_rps = self.plain.clients * 1000 / PACE_MS
        gap_s = longest_miss(1 / self.region.l7) / rate_rps
        yield Measures(
            section=section,
            column=L4,
            text="an L7 node: looks at it fail",
            figure=self._last(self.plain, self.l7),
            low=max(0.0, dead.low_s - gap_s),
            high=dead.high_s,
            unit=Unit.SECONDS,
            why=f"{dead.why}; by chance none goes to it for up to {gap_s:.2g} s",
        )
        yield _share(
            L7,
            "a backend: none fails, each is repeated at the next one",
            FailedShare(cohorts=(self.plain.name,), during=_after(self.backend)),
            NONE,
            "a request that gets no reply is made again (RFC 9110, section 9.2.2)",
            section=section,
        )
        section = "All backends of a region die: the last request that fails"
        yield self._fails_until(DNS, "the next region, by name", section, self.cached)
        yield self._fails_until(
            L4,
            "its nodes withdraw their routes: the next region, by address",
            section,
            self.plain,
        )
        yield _share(
            L7,
            "none is left: of its requests are served",
            self._at_home(),
            NONE,
            "it chooses among its own backends, and of those none lives",
            section=section,
        )
        section = "A node of its own dies: the last request that fails"
        flow = bounds.bfd_detection(self.topology.timers.bfd)
        yield Measures(
            section=section,
            column=L4,
            text="BFD misses it, and its flows move",
            figure=self._last(self.plain, self.l4),
            low=max(0.0, flow.low_s - PACE_MS / 1000),
            high=flow.high_s + bounds.CONVERGENCE_S,
            unit=Unit.SECONDS,
            why=f"{flow.why}; + {bounds.CONVERGENCE_S:g} s for the routes",
        )

    def affinity(self) -> Iterator[Measures]:
        section = "Affinity: users who stay, from one connection to the next"
        timers = self.topology.timers_of(self.checked.name)
        nodes = self.region.l7
        for layer, text, figure, between, why in (
            (
                DNS,
                f"by accident, with their region, for {timers.ttl_s} s",
                Stays(cohorts=(self.cached.name,), during="steady", by="region"),
                ALL,
                "nobody asks again while an answer lives",
            ),
            (
                L4,
                "with a connection only: else any L7 node",
                Stays(cohorts=(self.plain.name,), during="steady", by="l7"),
                share_bounds(1 / nodes, self._requests(self.plain)),
                f"each connection is another flow, and any of {nodes} nodes may get it",
            ),
            (
                L7,
                "by a cookie, with their backend",
                Stays(cohorts=(self.sessions.name,), during="steady", by="backend"),
                ALL,
                "whichever node reads the cookie finds the backend in it",
            ),
        ):
            yield _share(layer, text, figure, between, why, section=section)

    def reach(self) -> Iterator[Measures]:
        section = "Reach: a region serves nobody, and of its users' requests are served"
        other = next(n for n in self.checked.regions if n != self.region.name)
        yield _share(
            DNS,
            f"by {other}, in time: it names any address",
            AnsweredAt(
                cohorts=(self.cached.name,),
                during="moved",
                address=str(self.topology.region(other).address),
            ),
            ALL,
            "an answer may hold any address there is",
            section=section,
        )
        for layer, own in ((L4, "L7 nodes"), (L7, "backends")):
            yield _share(
                layer,
                f"none: it knows its own site's {own}",
                self._at_home(),
                NONE,
                "whoever has come to this site's address goes no further",
                section=section,
            )

    def path(self) -> Iterator[Measures]:
        section = "In the byte path: what it carries of the traffic"
        yield Measures(
            section=section,
            column=DNS,
            text="packets at the authorities that are not DNS",
            figure=Foreign(),
            low=0,
            high=0,
            why="an authority answers a question; the traffic never passes it",
        )
        for layer, nodes, text in (
            (L4, self._nodes("l4"), "bytes that it receives, for each request"),
            (L7, self._nodes("l7"), "bytes that it receives, and reads, for each"),
        ):
            yield Measures(
                section=section,
                column=layer,
                text=text,
                figure=PassedBytes(nodes=nodes),
                low=len(SHORTEST),
                high=None,
                why="every request passes one of them, and none is shorter than "
                f"{len(SHORTEST)} bytes",
            )

    @property
    def _anycast(self) -> AnycastName:
        return pick.name(self.topology, AnycastName)

    def _at_home(self) -> AnsweredAt:
        return AnsweredAt(
            cohorts=(self.cached.name,),
            during=_after(self.service),
            address=str(self.region.address),
        )

    def _only(self, route: Route) -> str:
        """Return the first backend that a route leads to."""
        subsets = [backend.subset for backend in self.region.backends]
        return f"{self.region.name}-be-{subsets.index(route.to[0].subset) + 1}"

    def _nodes(self, kind: Literal["l4", "l7"]) -> tuple[str, ...]:
        return tuple(
            f"{region.name}-{kind}-{number}"
            for region in self.topology.regions
            for number in range(1, getattr(region, kind) + 1)
        )

    def _requests(self, cohort: Cohort) -> int:
        return int(cohort.clients * STEADY_S * 1000 / cohort.interval_ms)

    def _last(self, cohort: Cohort, fault: Fault) -> LastFailure:
        return LastFailure(
            cohorts=(cohort.name,), during=_after(fault), fault=fault.label
        )

    def _fails_until(
        self, layer: str, text: str, section: str, cohort: Cohort
    ) -> Measures:
        bound = self.by_answer if cohort is self.cached else self.by_route
        expected = common.fails_until(
            text,
            cohort,
            bound,
            self.service,
            section=section,
            during=_after(self.service),
        )
        return replace(expected, column=layer)

    def _users(
        self,
        name: AnycastName | Failover,
        *,
        how: Behaviour = Behaviour.FIRST_ADDRESS,
        clients: int | None = None,
        pace_ms: int = PACE_MS,
        cookies: bool = False,
        path: str = "/",
        header: str = "",
        tls: bool = False,
        label: str = "",
    ) -> Cohort:
        return pick.cohort(
            pick.beside(self.topology, self.region),
            self.resolver,
            name,
            how,
            clients=clients or self.knobs.clients,
            interval_ms=pace_ms,
            cookies=cookies,
            path=path,
            header=header,
            tls=tls,
            label=label,
        )


def _share(
    layer: str,
    text: str,
    figure: Figure,
    between: tuple[float, float],
    why: str,
    *,
    section: str,
) -> Measures:
    low, high = between
    return Measures(
        section=section,
        column=layer,
        text=text,
        figure=figure,
        low=low,
        high=high,
        unit=Unit.PERCENT,
        why=why,
    )


SCENARIO = ScenarioFile(
    name="three-layers",
    title="DNS, L4, L7 side by side: what each decides, about what, how soon again",
    questions=("Q6", "Q13"),
    topology="two-region",
    knobs=Knobs,
    build=build,
)
