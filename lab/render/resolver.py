"""What every brand of resolver has in common: whom it asks, when it is ready."""

from __future__ import annotations

from ipaddress import IPv4Address

from lab.plan.model import Condition
from lab.render.authority import addresses_when_well
from lab.topology.geography import Site, site_of
from lab.topology.model import Resolver, ResolverBehaviour, Topology


def authorities_settled(topology: Topology, *sites: Site) -> list[dict[str, object]]:
    """Return what every provider must answer before a resolver is asked.

    The right region of each health-checked name for the networks that questions seem
    to be from, whoever looks: it tells their subnet. Asked earlier, a resolver would
    keep the answer of checks that have not settled for as long as it caches.
    """
    zone = topology.zone
    return [
        {
            "server": str(provider.address),
            "name": f"{name.name}.{zone.name}",
            "subnet": str(site.prefix.network_address),
            "expect": addresses_when_well(topology, name, site),
        }
        for provider in zone.providers
        for name in topology.checked_names
        for site in sites
    ]


def resolves(topology: Topology, resolver: Resolver) -> tuple[Condition, ...]:
    """Return a condition per served name: resolved through the real delegation.

    A forwarding resolver is not asked before the one that it asks: what it has sent to
    nobody it sends again only after a second.
    """
    after = authorities_settled(topology, site_of(topology, resolver.address))
    asked = upstream(topology, resolver)
    if asked:
        name = topology.zone.names[0].name
        after.append({"server": str(asked), "name": f"{name}.{topology.zone.name}"})
    return tuple(
        Condition(
            text=f"resolves {name.name}.{topology.zone.name}",
            kind="dns",
            args={
                "server": str(resolver.address),
                "name": f"{name.name}.{topology.zone.name}",
                "after": after,
            },
        )
        for name in topology.zone.names
    )


def upstream(topology: Topology, resolver: Resolver) -> IPv4Address | None:
    """Return the address of the resolver that a forwarding one asks, else None."""
    addresses = {r.name: r.address for r in topology.resolvers}
    return addresses[resolver.forwards_to] if resolver.forwards_to else None


def told_the_subnet(topology: Topology, resolver: Resolver) -> tuple[IPv4Address, ...]:
    """Return the servers that a resolver tells the user's subnet (RFC 7871).

    The providers in `ecs_to`; a forwarding resolver asks one server alone, and tells
    that one if it names any provider.
    """
    if resolver.behaviour is ResolverBehaviour.FORWARDING:
        asked = upstream(topology, resolver)
        return (asked,) if asked and resolver.ecs_to else ()
    providers = topology.zone.providers
    return tuple(p.address for p in providers if p.name in resolver.ecs_to)
