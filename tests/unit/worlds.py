"""The reference topology in both profiles, and its scenario, for unit tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from lab.scenario.catalogue import load_catalogue
from lab.scenario.model import Scenario
from lab.scenario.settings import read_settings, with_timers
from lab.topology import profiles
from lab.topology.loading import load
from lab.topology.model import ServedName, Topology
from lab.topology.profiles import Profile

ROOT = Path(__file__).parents[2]


@cache
def real() -> Topology:
    """Return two-region as it is written."""
    text = (ROOT / "topologies/two-region.yaml").read_text(encoding="utf-8")
    return Topology.model_validate(YAML(typ="safe").load(text))


@cache
def quick() -> Topology:
    """Return two-region with the timers of the quick profile."""
    return profiles.apply(real(), Profile.QUICK)


@cache
def shipped(name: str, profile: Profile = Profile.QUICK) -> Topology:
    """Return a topology that comes with the lab: to read it takes long."""
    return profiles.apply(load(name), profile)


def serving(topology: Topology, *names: ServedName) -> Topology:
    """Return the topology with these served names instead of its own."""
    zone = topology.zone.model_copy(update={"names": names})
    return topology.model_copy(update={"zone": zone})


def region_kill(topology: Topology, *settings: str) -> Scenario:
    """Return region-kill as `lab run region-kill --set …` would build it."""
    file = load_catalogue(ROOT / "scenarios")["region-kill"]
    chosen = read_settings(file, settings)
    return file.build(with_timers(topology, chosen.timers), chosen.knobs)
