"""Making a plan's networks and containers exist: what is missing, nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network

from lab.live.containers import Container, network, networks
from lab.live.engine import Engine, Found, SubnetTaken
from lab.live.fleet import Fleet, Member
from lab.live.links import free_subnets, host_routes, picking
from lab.live.naming import DIGEST, LINK, NODE
from lab.plan.links import default_subnets, wire
from lab.plan.model import Plan
from lab.topology.model import Topology


def reserve(engine: Engine, lab: str, topology: Topology) -> tuple[IPv4Network, ...]:
    """Return a subnet per link of the topology, all of them the lab's from now on.

    Links that the lab has keep theirs. For the others networks are created at once,
    on free subnets, under a lock.

    Raises:
        EnvironmentUnfit: There are not enough free subnets.
    """
    names = [link.name for link in wire(topology, default_subnets(topology)).links]
    refused: set[IPv4Network] = set()
    with picking():
        while True:
            kept = subnets_by_link(engine.networks(lab))
            missing = [name for name in names if name not in kept]
            taken = (*engine.subnets(), *host_routes(), *refused)
            picked = dict(zip(missing, free_subnets(len(missing), taken), strict=True))
            try:
                engine.each(
                    engine.create_network,
                    [network(lab, name, subnet) for name, subnet in picked.items()],
                )
            except SubnetTaken:  # by somebody faster, or by what no list shows
                refused |= set(picked.values())
                continue
            return tuple((kept | picked)[name] for name in names)


def subnets_by_link(found: Sequence[Found]) -> dict[str, IPv4Network]:
    """Return the subnet of each link that the lab has."""
    return {n.labels[LINK]: n.subnets[0] for n in found if n.subnets}


def obstacle_to_networks(engine: Engine, lab: str, plan: Plan) -> str:
    """Return why the lab's networks cannot be the plan's; "" when they can."""
    wanted = {n.link: n for n in networks(lab, plan)}
    for found in engine.networks(lab):
        match = wanted.get(found.labels[LINK])
        if match is None or found.name != match.name:
            return f"a network {found.name} that the plan does not have"
        if found.subnets != (match.subnet,):
            return f"the network {found.name} on another subnet"
    return ""


def create_networks(engine: Engine, lab: str, plan: Plan) -> None:
    """Create the networks of the plan that do not exist.

    Raises:
        SubnetTaken: Somebody else has such addresses.
    """
    there = subnets_by_link(engine.networks(lab))
    missing = [n for n in networks(lab, plan) if n.link not in there]
    engine.each(engine.create_network, missing)


def obstacle_to_reuse(
    engine: Engine, found: Sequence[Found], wanted: Sequence[Container]
) -> str:
    """Return why the lab's containers are not the wanted ones; "" when they are."""
    there = {f.labels[NODE]: f for f in found}
    if {f.labels[DIGEST] for f in found} != {wanted[0].labels[DIGEST]}:
        return "it was made from another plan"
    lost = [c.node for c in wanted if c.node not in there]
    if lost:
        return f"containers are missing: {', '.join(lost)}"
    ended = [node for node, f in there.items() if f.state != "running"]
    if ended:
        return f"containers have ended: {', '.join(ended)}"
    images = {c.image: engine.image_id(c.image) for c in wanted}
    old = [c.stem for c in wanted if there[c.node].image != images[c.image]]
    if old:
        return f"images have been rebuilt: {', '.join(sorted(set(old)))}"
    return ""


def start(
    engine: Engine, fleet: Fleet, wanted: Sequence[Container]
) -> Callable[[], None]:
    """Begin to create and start the containers, several at a time.

    Each gets its channel before it starts, so that no word of it is lost. An error
    reaches the fleet's listeners.

    Returns:
        A function that cancels what has not begun.
    """

    def bring_up(container: Container) -> None:
        made = engine.create_container(container)
        fleet.attach(Member.from_labels(container.labels, made))
        engine.start(made, container.node)

    futures = [engine.submit(bring_up, container) for container in wanted]
    for future in futures:
        future.add_done_callback(
            lambda done: (
                fleet.fail(error)
                if not done.cancelled() and (error := done.exception())
                else None
            )
        )

    def cancel() -> None:
        for future in futures:
            future.cancel()

    return cancel
