"""A scenario as a value: who watches what, what happens, what is expected.

Frozen values only. A scenario touches nothing, so it can be printed and predicted
without a lab, run live, and judged again years later from a stored run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from lab.scenario.figures import Figure


class Behaviour(StrEnum):
    """What a client does with the addresses in an answer."""

    FIRST_ADDRESS = "first-address"
    RETRY_NEXT = "retry-next"
    PINNED = "pinned"
    HAPPY_EYEBALLS = "happy-eyeballs"  # races all addresses (RFC 8305)
    SDK = "sdk"  # tries all again and again, after random pauses, up to a deadline
    POOL = "pool"  # keeps its connection, and asks DNS only for a new one


class FaultKind(StrEnum):
    """How something dies; the words of docs and command line alike."""

    POWER_OFF = "power-off"  # silent: links cut first, then every process killed
    CRASH = "crash"  # processes killed; their kernels still say goodbye
    HANG = "hang"  # processes frozen: connections open, and nobody answers
    ISOLATE = "isolate"  # links cut, silently; processes go on behind the cut
    APP_DEAD = "app-dead"  # the service is gone; routers and balancers are well
    DRAIN = "drain"  # marked as going and reported unhealthy first, stopped later
    WITHDRAW = "withdraw"  # the anycast route taken back at once, and nothing else
    BROWN_OUT = "brown-out"  # the shallow check passes, users' requests fail
    PROVIDER_OUTAGE = "provider-outage"  # an authoritative provider gone, silently
    PARTITION = "partition"  # two that are well cannot reach each other, silently
    ONE_WAY = "one-way"  # a link is lost in one direction, silently
    LOSSY = "lossy"  # a link loses a share of its packets, each by chance
    SLOW = "slow"  # a link takes longer, in either direction


#: What there can be more or less of: {name: (its kind, the most there can be)}. A link
#: that loses everything is cut; none is declared longer than the longest here.
AMOUNTS: Mapping[str, tuple[FaultKind, float]] = MappingProxyType(
    {"loss": (FaultKind.LOSSY, 0.99), "extra_ms": (FaultKind.SLOW, 1000.0)}
)
#: For all checkers at once, after a region's name and a colon.
EVERY_PROVIDER = "providers"


class Cause(StrEnum):
    """Why an attempt failed; exactly one per failed attempt."""

    DETECTION = "detection"
    WITHDRAWAL = "withdrawal"
    RESOLVER_CACHE = "resolver-cache"
    RESOLVER_CLAMP = "resolver-clamp"
    SERVE_STALE = "serve-stale"
    CLIENT_PIN = "client-pin"
    OVERLOAD = "overload"
    NO_PATH = "no-path"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Clients with the same access network, resolver, behaviour and name.

    Attributes:
        name: Unique; by convention `<side>/<name>/<resolver>/<behaviour>`.
        access: Access network whose client node they live in.
        resolver: Name of the resolver they ask.
        qname: Served name, without the zone (`failover`).
        clients: How many.
        interval_ms: Pace of each client; the schedule is open-loop.
        jitter: Share of a TTL, at most, for which a client keeps an answer longer, at
            random each time; shorter if it is negative.
        cookies: Whether each client sends back the cookie it was given.
        keeps_port: Whether each connects from one port: its flow is always the same.
        path: What each asks for.
        header: Line of the request besides (`x-canary: always`), if there is one.
        tls: Whether they ask in TLS, and trust nobody but the lab's authority.
    """

    name: str
    access: str
    resolver: str
    behaviour: Behaviour
    qname: str
    clients: int
    interval_ms: int
    jitter: float = 0.0
    cookies: bool = False
    keeps_port: bool = False
    path: str = "/"
    header: str = ""
    tls: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prime:
    """Empty all caches, resolve every watched name once: each answer has age 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveCache:
    """Until `until_s` after priming: TTLs count down and no authority is asked."""

    until_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Let `target` die.

    Attributes:
        at_age_s: How long after priming; None is as soon as the step is reached.
        drain_s: How long a drain waits before it stops; for a drain only.
        label: What figures call it.
        loss: Share of the packets that a lossy link loses in a direction; 0.3 is 30 %.
        extra_ms: How much longer a slow link takes in a direction.

    Raises:
        ValueError: An amount is missing, out of its range, or not of this kind.
    """

    kind: FaultKind
    target: str
    at_age_s: float | None = None
    drain_s: float = 0.0
    label: str = "fault"
    loss: float = 0.0
    extra_ms: float = 0.0

    def __post_init__(self) -> None:
        """Refuse amounts that cannot be."""
        for name, (kind, most) in AMOUNTS.items():
            amount = getattr(self, name)
            if self.kind is not kind and amount:
                raise ValueError(f"{self.kind} has no {name}; {kind} has")
            if self.kind is kind and not 0 < amount <= most:
                allowed = f"more than 0, at most {most:g}"
                raise ValueError(f"{kind} needs {name}: {allowed}; not {amount:g}")

    @property
    def amounts(self) -> dict[str, float]:
        """How much it is, by name; nothing of most kinds."""
        return {name: getattr(self, name) for name in AMOUNTS if getattr(self, name)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observe:
    """Watch for `for_s` after the last fault, or from now on if none is in force.

    From now on in any case with `from_now`. Figures call it by its label.
    """

    for_s: float
    label: str = "observe"
    from_now: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A burst: the same question many times to one server, at an even pace.

    Attributes:
        label: What figures call it.
        access: Access network whose client node asks.
        server: Name of a resolver, or of a provider, past all caches.
        subnets: Client subnets that it tells (RFC 7871), in turn; none if empty.
        users: How many of the access network's subnets the questions come from.
    """

    label: str
    access: str
    server: str
    qname: str
    count: int
    interval_ms: float
    subnets: tuple[str, ...] = ()
    users: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Put these questions, all at the same time, and wait for the answers.

    With `behind` they are put while the following steps happen; what was answered is
    told when the last one is.
    """

    questions: tuple[Question, ...]
    label: str = "ask"
    behind: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Undo every fault in force and wait until the lab meets its baseline again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Undo the fault of a target, as soon as the step is reached; wait for nothing.

    `after_s` is how long after that fault took effect, if that is later.
    """

    target: str
    after_s: float = 0.0
    label: str = "undo"


Step = Prime | ProveCache | Fault | Observe | Ask | Undo | Restore


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A computed interval in seconds after the fault, and the arithmetic behind it."""

    low_s: float
    high_s: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoversWithin:
    """Every client of the cohort recovers inside the bound.

    A client that loses nothing recovers at 0, so only a bound from 0 allows that.
    """

    text: str
    cohort: str
    bound: Bound


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowestRecoversWithin:
    """The slowest client of all these cohorts recovers inside the bound."""

    text: str
    cohorts: tuple[str, ...]
    bound: Bound


@dataclass(frozen=True, slots=True, kw_only=True)
class FailsOnlyWithin:
    """Lost attempts of the cohort all start inside the bound; there are `at_least`."""

    text: str
    cohort: str
    bound: Bound
    at_least: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NoFailures:
    """No client of the cohort loses an attempt after the fault."""

    text: str
    cohort: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RescuedByRetry:
    """In these cohorts an attempt failed at one address and worked at the next."""

    text: str
    cohorts: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRatio:
    """Median recovery of `slow` over that of `fast` lies between the two numbers.

    A recovery faster than the pace of its clients counts as one interval: nothing
    finer was seen.
    """

    text: str
    slow: str
    fast: str
    low: float
    high: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedWithin:
    """A provider declares the region down inside the bound."""

    text: str
    provider: str
    region: str
    bound: Bound


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheOnPath:
    """Before the fault the resolver's TTL counted down, no authority was asked."""

    text: str
    resolver: str
    qname: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseAtMost:
    """The share of failed attempts that have this cause; 0.01 is one percent."""

    text: str
    cause: Cause
    share: float
    why: str


class Unit(StrEnum):
    """How a measured number is shown."""

    SECONDS = "s"
    MILLISECONDS = "ms"  # of a figure in seconds
    PERCENT = "%"  # of a share
    TIMES = "x"
    COUNT = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """A figure of the run lies between two numbers; None leaves a side open.

    Attributes:
        text: What it is, for a reader of a table.
        section: Heading of its rows in that table.
        column: Where it stands in the scenario's matrix, in the row of its section.
        series: With `x`: line and place of the point in the scenario's picture.
    """

    text: str
    figure: Figure
    low: float | None
    high: float | None
    why: str
    unit: Unit = Unit.COUNT
    section: str = ""
    column: str = ""
    series: str = ""
    x: float | None = None


Expectation = (
    Measures
    | RecoversWithin
    | SlowestRecoversWithin
    | FailsOnlyWithin
    | NoFailures
    | RescuedByRetry
    | RecoveryRatio
    | DetectedWithin
    | CacheOnPath
    | CauseAtMost
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A whole scenario.

    Attributes:
        name: As in `lab run NAME`.
        title: One sentence for a reader.
        questions: Questions of the subject it answers (`Q4`).
        knobs: Every knob with the value in force, as text.
        watch: Cohorts that attempt during the whole run.
        steps: In order.
        expectations: Judged after the run.
        picture: What the x of `Measures` in the picture is, "" if there is no picture.
    """

    name: str
    title: str
    questions: tuple[str, ...]
    knobs: tuple[tuple[str, str], ...]
    watch: tuple[Cohort, ...]
    steps: tuple[Step, ...]
    expectations: tuple[Expectation, ...]
    picture: str = ""
