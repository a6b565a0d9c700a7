"""Which module renders which daemon: a new brand is one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lab.render import bind, dnsmasq, gdnsd, nsd, pdns, recursor, unbound
from lab.render.model import Rendered
from lab.topology.model import Parent, Provider, Resolver, Topology

PARENTS: Mapping[str, Callable[[Topology, Parent], Rendered]] = {
    "nsd": nsd.render,
}
PROVIDERS: Mapping[str, Callable[[Topology, Provider], Rendered]] = {
    "gdnsd": gdnsd.render,
    "pdns": pdns.render,
}
RESOLVERS: Mapping[str, Callable[[Topology, Resolver], Rendered]] = {
    "bind": bind.render,
    "dnsmasq": dnsmasq.render,
    "recursor": recursor.render,
    "unbound": unbound.render,
}
