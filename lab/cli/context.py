"""What every command shares: consoles, the topology in force, the world."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from lab.errors import WrongUse

if TYPE_CHECKING:  # so that `lab --help` need not wait for them
    from lab.live.engine import Engine
    from lab.live.world import LiveWorld
    from lab.topology.model import Topology
    from lab.topology.profiles import Profile

#: Of a line where no terminal says how wide it is (a file, a CI log).
_FILE_WIDTH = 120


def _width(stream: IO[str]) -> int | None:
    return None if stream.isatty() else _FILE_WIDTH


#: What programs read, and what people read when programs read the first.
OUT = Console(highlight=False, width=_width(sys.stdout))
ERR = Console(stderr=True, highlight=False, width=_width(sys.stderr))

DEFAULT_TOPOLOGY = "two-region"

TopologyName = Annotated[
    str, typer.Argument(help="A name in topologies/, or the path of a file.")
]
LabName = Annotated[
    str,
    typer.Option(
        "--lab", envvar="LAB_NAME", help="Name of the lab; the topology's unless given."
    ),
]
ProfileName = Annotated[
    Literal["quick", "real"],
    typer.Option(help="quick: seconds of TTL. real: the timers as written."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON value, for programs.")]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A topology with its profile applied, and the lab it stands for."""

    topology: Topology
    profile: Profile
    lab: str


def choose(topology: str, profile: str, lab: str) -> Chosen:
    """Load a topology and apply the profile; the lab is named after it by default."""
    from lab.topology.loading import load
    from lab.topology.profiles import Profile, apply

    loaded, size = load(topology), Profile(profile)
    return Chosen(apply(loaded, size), size, lab or loaded.name)


@contextmanager
def world(lab: str, *, capture: Path | None = None) -> Iterator[LiveWorld]:
    """Yield the live world of a lab."""
    from lab.live.engine import Engine
    from lab.live.world import LiveWorld

    with (
        Engine.connect() as engine,
        LiveWorld(engine, lab, capture=capture) as live,
    ):
        yield live


def print_text(text: str) -> None:
    """Print to standard output, untouched: no colours, no wrapping."""
    sys.stdout.write(text + "\n")


def only_lab(name: str) -> str:
    """Return the lab meant: the one named, else the only one there is.

    Raises:
        WrongUse: There is none, or there are several.
    """
    if name:
        return name
    from lab.live.engine import Engine

    with Engine.connect() as engine:
        return the_one(name, labs_there(engine))


def the_one(name: str, there: Sequence[str]) -> str:
    """Return the lab meant, of those that are there; likewise."""
    if name:
        return name
    if not there:
        raise WrongUse("no lab runs; `lab up` starts one")
    if len(there) > 1:
        raise WrongUse(f"several labs run; name one with --lab: {', '.join(there)}")
    return there[0]


def no_lab(name: str) -> WrongUse:
    """Return the error of a command that needs a lab that does not run."""
    return WrongUse(f'no lab "{name}" runs; `lab up` starts one')


def labs_there(engine: Engine) -> list[str]:
    """Return the names of all labs that have a container or a network."""
    from lab.live.naming import LAB

    found = (*engine.containers(), *engine.networks())
    return sorted({thing.labels[LAB] for thing in found})
