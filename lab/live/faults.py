"""Faults: struck at one instant on all nodes concerned, stamped, undone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from lab.errors import WrongUse
from lab.live import targets
from lab.live.blows import Blow, Target
from lab.live.channel import Message, Request, output_of, replies
from lab.live.fleet import Fleet
from lab.live.several import AT_ONCE
from lab.plan.model import Role
from lab.scenario.model import Fault, FaultKind

#: A fault is agreed with all nodes at least this long before it happens.
LEAD_S = 0.5
#: How long after its instant a fault's replies may take (a stop waits for daemons).
_REPLY_S = 15.0
_NS = 1_000_000_000
#: The state of what suffers from no fault.
UP = "up"
#: States of a node that comes back as a whole: one process would start behind a cut.
_OFF = ("down", "isolated")
#: Faults by which L4 nodes withhold routes: their BIRDs have to run.
_WITHHOLDING = (FaultKind.DRAIN, FaultKind.WITHDRAW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """When something took effect: at `at_ns`, or up to `uncertainty_ns` earlier.

    `silent` are the nodes whose daemons spoke no more, and between which moments.
    """

    at_ns: int
    uncertainty_ns: int
    silent: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault agreed with its nodes.

    Attributes:
        at_ns: The instant agreed.
        watched: The nodes whose stamps tell when the outside saw it.
        behind: What is asked, and of whom, only when all of that is done: the rest of
            a node's last words must not be heard.
        exits: The nodes whose neighbours miss them when they fall silent.
    """

    fleet: Fleet
    at_ns: int
    requests: Mapping[str, Request]
    watched: tuple[str, ...]
    behind: tuple[Blow, ...] = ()
    exits: tuple[str, ...] = ()

    def effect(self) -> Effect:
        """Wait for the fault and return when it took effect.

        Raises:
            CommandFailed: A node did not do it.
        """
        left_s = max(0.0, (self.at_ns - time.monotonic_ns()) / _NS)
        told = _done(self.requests, left_s + _REPLY_S)
        effect = effect_of(told[node] for node in self.watched)
        for blow in self.behind:
            _done(self.fleet.request(blow.do, blow.nodes, **blow.facts), _REPLY_S)
        told_by = {node: told[node] for node in self.exits if node in told}
        silent = {
            node: (reply["silent_ns"][0], reply["silent_ns"][1])
            for node, reply in told_by.items()
            if "silent_ns" in reply
        }
        return replace(effect, silent=silent)


def effect_of(told: Iterable[Message]) -> Effect:
    """Return the latest end among the replies, and back to the earliest beginning."""
    stamps = [(reply["before_ns"], reply["after_ns"]) for reply in told]
    at_ns = max(after for _, after in stamps)
    return Effect(at_ns=at_ns, uncertainty_ns=at_ns - min(b for b, _ in stamps))


def arm(fleet: Fleet, fault: Fault, at_ns: int) -> Strike:
    """Agree on a fault with all nodes concerned; each has promised on return.

    Raises:
        WrongUse: There is no such target, or it cannot suffer that.
        CommandFailed: A node did not promise in time.
    """
    suffers = targets.find(fleet, fault.target)
    blows = targets.blows(fleet, suffers, fault)
    seen = [blow for blow in blows if not blow.behind]
    everybody = tuple(node for blow in seen for node in blow.nodes)
    return Strike(
        fleet=fleet,
        at_ns=at_ns,
        requests=_promised(fleet, seen, at_ns),
        watched=suffers.watched.get(fault.kind, everybody),
        behind=tuple(blow for blow in blows if blow.behind),
        exits=suffers.exits,
    )


def arm_stop(fleet: Fleet, target: str, at_ns: int) -> Strike:
    """Agree on the second stage of a drain: every daemon stops."""
    nodes = targets.find(fleet, target).nodes
    stop = Blow(do="stop", nodes=nodes)
    requests = _promised(fleet, (stop,), at_ns)
    return Strike(fleet=fleet, at_ns=at_ns, requests=requests, watched=nodes)


def _promised(fleet: Fleet, blows: Iterable[Blow], at_ns: int) -> Mapping[str, Request]:
    requests: dict[str, Request] = {}
    for blow in blows:
        requests |= fleet.request(blow.do, blow.nodes, at_ns=at_ns, **blow.facts)
    for request in requests.values():
        left_s = (at_ns - time.monotonic_ns()) / _NS
        request.wait_armed(max(0.0, left_s))
    return requests


def restore(fleet: Fleet, target: str) -> Effect:
    """Undo whatever befell a target; its conditions are looked at from now on.

    Raises:
        WrongUse: There is no such target.
        CommandFailed: A node did not do it.
    """
    told: list[Message] = []
    for blow in targets.find(fleet, target).undo:
        requests = fleet.request(blow.do, blow.nodes, **blow.facts)
        told += _done(requests, _REPLY_S).values()
    return effect_of(told)


def _done(requests: Mapping[str, Request], timeout_s: float) -> dict[str, Message]:
    """Return the replies of nodes that have done as they were told."""
    told = replies(requests, timeout_s)
    for node, reply in told.items():
        if "status" in reply:
            output_of(reply, requests[node].what, ())
    return told


def state(fleet: Fleet, target: str) -> str:
    """Return `up`, or what a target suffers from, as its nodes themselves tell it.

    What befell only some of its nodes is theirs, and not the whole target's.
    """
    return _state_of(fleet, targets.find(fleet, target))


def _state_of(fleet: Fleet, target: Target) -> str:
    if target.hears:
        return _state_of_link(fleet, target)
    if not target.nodes:
        return "parted" if _is_barred(fleet, target, wholly=True) else UP
    told = replies(fleet.request("status", target.nodes), _REPLY_S)
    nodes, service = set(target.nodes), set(target.service)
    own = {node: _own(target, reply) for node, reply in told.items()}
    alive = {node: own[node] & set(told[node]["running"]) for node in told}
    down = {node for node in told if own[node] and not alive[node]}
    hung = {n for n in alive if alive[n] and alive[n] <= set(told[n]["frozen"])}
    if down == nodes:
        return "down"
    if hung and down | hung == nodes:
        return "hung"
    if service and service <= down:
        return "app-dead"
    cut = bool(target.exits) and all(told[node]["cut"] for node in target.exits)
    if cut or _is_barred(fleet, target):
        return "isolated"
    for marked, file in target.marks.items():
        looks = fleet.request("run", target.marked, argv=("test", "-e", file))
        told = replies(looks, _REPLY_S)
        if told and all(look["status"] == 0 for look in told.values()):
            return marked
    return UP


def _state_of_link(fleet: Fleet, target: Target) -> str:
    """Return what a link, or a direction of it, suffers from.

    What befell one direction is that direction's, and not the link's.
    """
    told = replies(fleet.request("status", target.hears), _REPLY_S)
    ends = [told[n]["impaired"].get(a, {}) for n, a in target.hears.items()]
    losses = {end.get("loss", 0.0) for end in ends}
    loss = losses.pop() if len(losses) == 1 else 0.0
    extra_ms = max(end.get("extra_ms", 0.0) for end in ends)
    if loss == 1:
        return "isolated" if len(ends) > 1 else "lost one way"
    if loss:
        return f"losing {100 * loss:g} % of its packets"
    if extra_ms and len(ends) > 1:
        return f"slower by {extra_ms:g} ms each way"
    return UP


def _own(target: Target, told: Message) -> set[str]:
    """Return the daemons of a node, of those that are the target's."""
    return {target.process} if target.process else {*told["own"]}


def _is_barred(fleet: Fleet, target: Target, *, wholly: bool = False) -> bool:
    """Tell whether a gate keeps any of the target's addresses out, or all of them."""
    told = replies(fleet.request("barred", target.gates), _REPLY_S)
    out = {n: set(told[n]["addresses"]) & set(target.gates[n]) for n in told}
    return any(len(out[n]) == len(target.gates[n]) if wholly else out[n] for n in out)


def suffering(fleet: Fleet) -> dict[str, str]:
    """Return what suffers from a fault, and its state.

    Nodes that share the fate of a whole are not told beside it.
    """
    found: dict[str, str] = {}
    wholes: list[tuple[Target, str]] = []
    with fleet.asking_once():
        fleet.request("status")  # all at the same time, before each is waited for
        for name in targets.names(fleet):
            target = targets.find(fleet, name)
            now = _state_of(fleet, target)
            if now != UP and not any(_is_part(target, now, *whole) for whole in wholes):
                found[name] = now
                wholes.append((target, now))
    return found


def _is_part(part: Target, now: str, whole: Target, its: str) -> bool:
    """Tell whether what a whole suffers is why its part is as it is now."""
    if part.hears:
        same = now == its or (its, now) == ("isolated", "lost one way")
        return same and _is_within(part, whole)
    nodes = set(part.nodes)
    match its, now:
        case "parted", "parted":
            return all(
                set(part.gates[n]) <= set(whole.gates.get(n, ())) for n in part.gates
            )
        case ("down", "down") | ("hung", "hung"):
            single = bool(part.process) and not whole.process
            return nodes < set(whole.nodes) or (single and nodes <= set(whole.nodes))
        case ("browned out", "browned out"):
            return nodes <= set(whole.marked)
        case "app-dead", "down":
            return nodes <= set(whole.service)
        case "isolated", "isolated":
            return nodes <= set(whole.exits)
    return False


def _is_within(part: Target, whole: Target) -> bool:
    """Tell whether a part is a direction of a link."""
    return bool(part.hears) and part.hears.items() < whole.hears.items()


def inject(fleet: Fleet, fault: Fault) -> Effect:
    """Let a target suffer a fault now.

    A drain withdraws a region and leaves its daemons running.

    Raises:
        WrongUse: No such target, it cannot suffer that, it suffers already, or nobody
            would be left to take the users of what is drained.
    """
    target, kind = targets.find(fleet, fault.target), fault.kind
    targets.blows(fleet, target, fault)
    for name, now in _ill(fleet, target, kind).items():
        raise WrongUse(
            f'"{name}" is {now} already: `lab fault restore {name}` first, or '
            f"strike what is well: {_well(fleet, kind)}"
        )
    if _strands(fleet, target, kind):
        said = f'"{target.name}" cannot suffer {kind} now'
        raise WrongUse(f"{said} ({targets.ONLY_BALANCER})")
    at_ns = time.monotonic_ns() + int(LEAD_S * _NS)
    return arm(fleet, fault, at_ns).effect()


def _well(fleet: Fleet, kind: FaultKind) -> str:
    """Return the names of all that can suffer a fault of a kind and suffers none."""
    with fleet.asking_once():
        well = [
            target.name
            for target in targets.whom(fleet, kind)
            if not _ill(fleet, target, kind) and not _strands(fleet, target, kind)
        ]
    return ", ".join(well) or "there is nothing"


def _ill(fleet: Fleet, target: Target, kind: FaultKind) -> dict[str, str]:
    """Return the states, if not up, of a target, or of each of several at once.

    Of a link, those of its directions too; of what is about to withhold routes, those
    of the processes that have to. A process that its node took along is told as that.
    """
    each = _parts(fleet, target)
    for part in tuple(each):
        each += targets.directions(fleet, part)
    if kind in _WITHHOLDING:
        each += _announcing(fleet, target)
    found: dict[str, str] = {}
    for one in each:
        if (now := _state_of(fleet, one)) != UP:
            node, its = _node_of(fleet, one)
            found |= {node: its} if its in (*_OFF, "hung") else {one.name: now}
    return found


def _parts(fleet: Fleet, target: Target) -> list[Target]:
    """Return each of several targets at once, or the only one."""
    return [targets.find(fleet, name) for name in target.name.split(AT_ONCE)]


def _announcing(fleet: Fleet, target: Target) -> list[Target]:
    """Return the processes of a target's L4 nodes.

    One that cannot be told to withhold its routes would leave the fault half done.
    """
    nodes = set(target.nodes).intersection(fleet.nodes(Role.L4))
    own = (n for n in targets.processes(fleet) if n.partition("/")[0] in nodes)
    return [targets.find(fleet, name) for name in own]


def _node_of(fleet: Fleet, part: Target) -> tuple[str, str]:
    """Return the node of a process, and its state; of what is no process, nothing."""
    if not part.process:
        return "", ""
    (node,) = part.nodes
    return node, state(fleet, node)


def _strands(fleet: Fleet, target: Target, kind: FaultKind) -> bool:
    """Tell whether a drain of L4 nodes leaves none at a site to take their users."""
    if kind is not FaultKind.DRAIN or target.kind != "nodes":
        return False
    sites = {fleet.members[node].site for node in target.nodes}
    balancers = (set(fleet.nodes(Role.L4, site=site)) for site in sites)
    others = (nodes.difference(target.nodes) for nodes in balancers)
    return any(
        all(_ill(fleet, targets.find(fleet, n), kind) for n in nodes)
        for nodes in others
    )


def demand_a_fault(fleet: Fleet, target: str) -> None:
    """Do nothing, if the target or a node of it suffers from what can be undone.

    Raises:
        WrongUse: No such target, nothing is wrong with it, or it is a process of a node
            that has to come back first.
    """
    whole = targets.find(fleet, target)
    for part in _parts(fleet, whole):
        node, its = _node_of(fleet, part)
        if its in _OFF:
            said = f'"{node}" is {its}, and "{part.name}" with it'
            raise WrongUse(f"{said}: `lab fault restore {node}`")
    nodes = set(whole.nodes)
    now = suffering(fleet)
    ill = [targets.find(fleet, name) for name in now]
    within = any(
        _is_within(part, whole)
        or (
            part.nodes
            and nodes.issuperset(part.nodes)
            and whole.process in ("", part.process)
        )
        for part in ill
    )
    if _state_of(fleet, whole) == UP and not within:
        do = ", ".join(f"{name} is {state}" for name, state in now.items())
        raise WrongUse(f'"{target}" suffers from no fault; {do or "nothing does"}')
