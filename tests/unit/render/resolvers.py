"""A resolver of any brand and behaviour in the reference topology, for unit tests."""

from __future__ import annotations

from lab.topology.model import Resolver, Topology
from tests.unit.worlds import quick


def with_resolver(daemon: str, behaviour: str, **more: object) -> Topology:
    """Return the topology with its first resolver replaced."""
    topology = quick()
    first, *others = topology.access
    own, *rest = first.resolvers
    data = own.model_dump() | {"daemon": daemon, "behaviour": behaviour, **more}
    own = Resolver.model_validate(data)
    changed = first.model_copy(update={"resolvers": (own, *rest)})
    return topology.model_copy(update={"access": (changed, *others)})
