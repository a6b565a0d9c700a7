"""Rules that relate the values of a topology to each other. Pure.

Each is a function from a draft to what it found; a new rule is one line in `RULES`.
Values of the wrong shape are `lab.topology.shape`'s, and no rule mentions them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lab.topology.draft import Draft
from lab.topology.finding import Finding
from lab.topology.rules import (
    addressing,
    attachment,
    balancing,
    geography,
    hybrids,
    identity,
    resolvers,
    routing,
    steering,
    timing,
)

Rule = Callable[[Draft], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    identity.as_numbers_are_unique,
    identity.node_names_are_unique,
    identity.link_names_are_unique,
    addressing.prefixes_are_reserved_ones,
    addressing.prefixes_have_room,
    addressing.prefixes_do_not_overlap,
    addressing.addresses_are_unique,
    addressing.addresses_are_in_their_prefix,
    addressing.users_are_in_their_prefix,
    addressing.addresses_are_not_the_routers,
    attachment.transits_exist,
    attachment.every_edge_has_a_transit,
    attachment.links_join_two_transits,
    attachment.exchanges_join_transits,
    attachment.transits_are_connected,
    attachment.clients_have_a_resolver,
    balancing.kinds_can_hash_so,
    hybrids.hybrids_are_unique,
    hybrids.primaries_exist,
    hybrids.names_lead_to_hybrids,
    hybrids.only_paths_are_prepended,
    routing.routes_lead_to_backends,
    routing.subsets_stand_once_in_a_route,
    routing.every_route_can_fit,
    steering.served_names_are_unique,
    steering.host_names_fit,
    steering.regions_exist,
    steering.regions_stand_once,
    steering.failing_over_needs_regions,
    steering.unchecked_names_say_nothing_of_checks,
    steering.balancers_in_front_exist,
    steering.anycast_stands_beside_what_is_checked,
    steering.somebody_counts_failures,
    steering.delegation_leads_to_the_zone,
    resolvers.brands_can_do_it,
    resolvers.only_the_patient_wait,
    resolvers.clamps_fit,
    resolvers.subnets_are_told_to_providers,
    resolvers.forwarding_leads_to_a_resolver,
    geography.everybody_has_a_place,
    geography.one_region_is_the_nearest,
    geography.providers_agree_on_the_nearest,
    timing.checks_end_before_the_next,
    timing.minimums_exceed_the_ttl,
)


def findings(draft: Draft) -> Iterator[Finding]:
    """Yield everything that the rules find."""
    for rule in RULES:
        yield from rule(draft)
