"""What L7 nodes do with each request: where it goes, whom they spare, whom they refuse.

Everything is off unless a topology asks for it. The defaults of what is asked for are
Envoy's own.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt, StringConstraints

from lab.topology.base import Model, Name
from lab.topology.values import Weight

PathPrefix = Annotated[
    str,
    StringConstraints(pattern=r"^/[a-z0-9/_.-]*$", max_length=64),
    Field(description="a path such as /canary"),
]
#: Field names and values of HTTP (RFC 9110, section 5), those that need no quoting.
FieldName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=64),
    Field(description="a lower-case field name such as x-canary"),
]
FieldValue = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=64),
    Field(description="letters, digits, dots, hyphens and underscores"),
]


class Header(Model):
    """A field of a request, and the value it must have."""

    name: FieldName
    value: FieldValue


class Share(Model):
    """A subset of the backends, and its part of some requests."""

    subset: Name
    weight: Weight = 1


class Route(Model):
    """Requests that go to some of the backends alone; the first route that fits counts.

    What no route fits goes to all of them.
    """

    path: PathPrefix = "/"
    """What the path begins with."""
    header: Header | None = None
    """What the request must say besides."""
    to: Annotated[tuple[Share, ...], Field(min_length=1, max_length=16)]
    """Who serves these requests."""


class Outlier(Model):
    """Ejection of a backend whose replies say that it fails, whatever its checks say.

    Source: the manual of Envoy 1.40, "Outlier detection".
    """

    failures: Annotated[int, Field(ge=1, le=1000)] = 5
    """Replies of 5xx in a row."""
    eject_s: Annotated[int, Field(ge=1, le=300)] = 30
    """How long it gets no request; each further time so much longer."""
    sweep_s: Annotated[int, Field(ge=1, le=300)] = 10
    """How often is looked whose time is over."""
    most_percent: Annotated[int, Field(ge=1, le=100)] = 10
    """Of the backends; one may always be ejected."""


class Breaker(Model):
    """How many requests may be under way or wait; more are refused at once.

    Counted in each L7 node, over all its backends.
    """

    max_requests: PositiveInt = 1024
    """Sent to backends and not answered yet."""
    max_pending: PositiveInt = 1024
    """Waiting until one of those is answered."""


class Shedding(Model):
    """A rate beyond which an L7 node refuses requests, before it asks any backend.

    Health checks pass.
    """

    above_rps: PositiveInt
    """Requests a second of each L7 node."""
    burst: PositiveInt = 10
    """How many may come at once."""


class L7Policy(Model):
    """What L7 nodes do beyond sharing requests in the clear out."""

    routes: Annotated[tuple[Route, ...], Field(max_length=16)] = ()
    outlier: Outlier | None = None
    breaker: Breaker | None = None
    shedding: Shedding | None = None
    tls: bool = False
    """They also end TLS, on port 443, with certificates for the zone's names."""
