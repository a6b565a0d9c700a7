"""What single values in a topology file look like."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from pydantic import Field, StringConstraints

#: The lab is IPv4 for now; nothing else of the model says so.
Address = IPv4Address
Prefix = IPv4Network
#: Addresses in a user's network, as far as resolvers tell of it: 24 bits of an IPv4
#: address (RFC 7871, section 11.1).
SUBNET_SIZE = 1 << (Address(0).max_prefixlen - 24)
#: Private or documentation AS numbers (RFC 6996, RFC 5398) fit in here.
Asn = Annotated[int, Field(ge=1, le=4_294_967_294)]
DOMAIN_NAME = r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]+$"
DomainName = Annotated[
    str,
    StringConstraints(pattern=DOMAIN_NAME),
    Field(description="a domain name of two labels or more such as example.com"),
]
PARENT_ZONE = r"^(\.|([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z]+)$"
ParentZone = Annotated[
    str,
    StringConstraints(pattern=PARENT_ZONE),
    Field(description='"." or a domain name such as com'),
]
#: gdnsd 3.8 refuses a weight from 2 to the power of 20 on (gdnsd-plugin-weighted(8)).
Weight = Annotated[int, Field(ge=1, le=1_000_000)]
