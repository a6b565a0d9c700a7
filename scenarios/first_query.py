"""What does a checker say before it has checked, and after one failed check?

A provider's daemon is started anew and asked at once, all the time: its first answers
are no decision. Later a region fails for just one check of each provider. One brand
moves everybody and back again, the other waits for a second failure, and meanwhile
the two providers of one zone disagree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from lab.errors import InvalidInput, Problem
from lab.scenario import bounds, common, pick
from lab.scenario.catalogue import ScenarioFile
from lab.scenario.figures import AnsweredFor, AnsweredWith, Changes
from lab.scenario.model import (
    Ask,
    Fault,
    FaultKind,
    Measures,
    Observe,
    Restore,
    Scenario,
    Undo,
    Unit,
)
from lab.scenario.settings import Knob, knob_texts
from lab.topology.model import Failover, Probe, Provider, Topology

PACE_MS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """What a person may set."""

    name: Annotated[str, Knob("health-checked name; the first unless set")] = ""


def build(topology: Topology, knobs: Knobs) -> Scenario:
    served = pick.name(
        topology, Failover, knobs.name, where=lambda n: n.probe is Probe.DEEP
    )
    hasty, patient = pick.hasty_and_patient(topology)
    check = topology.timers.check
    if check.threshold < 2:
        what = "check_threshold is 1, so nobody waits for a second failure"
        raise InvalidInput((Problem(what=what, allowed="2 or more"),))
    everything = tuple(str(topology.region(r).address) for r in served.regions)
    blip = Fault(kind=FaultKind.BROWN_OUT, target=served.regions[0], label="blip")
    common.refuse_withdrawal(topology, blip)
    blip_s = float(check.interval_s)
    settle_s = check.threshold * check.interval_s + check.timeout_s + 2.0

    def ask(label: str, for_s: float, *servers: Provider) -> Ask:
        return common.past_caches(
            label,
            servers,
            access=topology.access[0].name,
            qname=served.name,
            count=int(for_s * 1000 / PACE_MS),
            interval_ms=PACE_MS,
            behind=True,
        )

    def expectations() -> Iterator[Measures]:
        section = f"{hasty.name} ({hasty.daemon}) is started anew"
        yield Measures(
            section=section,
            text="answers with everything, because nothing has been checked",
            figure=AnsweredWith(ask=f"start-{hasty.name}", addresses=everything),
            low=1,
            high=(check.interval_s + check.timeout_s + 1.0) * 1000 / PACE_MS,
            why="the first question makes it check, and it knows nothing until the "
            f"first check is over: up to {check.interval_s} s until it begins, "
            f"{check.timeout_s} s for it",
        )
        section = f"{served.regions[0]} fails for one check of each, {blip_s:g} s"
        for provider, count in ((hasty, 2), (patient, 0)):
            yield Measures(
                section=section,
                text=f"{provider.name} ({provider.daemon}): changes of its answer",
                figure=Changes(ask=f"flap-{provider.name}"),
                low=count,
                high=count,
                why=bounds.check_detection(provider.daemon, check).why,
            )
        yield Measures(
            section=section,
            text=f"{hasty.name} sends everybody to {served.regions[1]} for",
            figure=AnsweredFor(ask=f"flap-{hasty.name}", addresses=everything[1:2]),
            low=check.interval_s - 1.0,
            high=2.0 * check.interval_s + check.timeout_s,
            unit=Unit.SECONDS,
            why="from the failed check to the next one that passes",
        )
        yield Measures(
            section=section,
            text=f"{patient.name} does so for",
            figure=AnsweredFor(ask=f"flap-{patient.name}", addresses=everything[1:2]),
            low=0.0,
            high=0.0,
            unit=Unit.SECONDS,
            why=f"it waits for {check.threshold} failures in a row: the providers of "
            "one zone disagree, and each resolver believes the one it asked",
        )
        yield from common.lab_itself(topology)

    return Scenario(
        name=SCENARIO.name,
        title=SCENARIO.title,
        questions=SCENARIO.questions,
        knobs=knob_texts(knobs),
        watch=(),
        steps=(
            ask("start", settle_s + 2.0, hasty),
            Fault(kind=FaultKind.CRASH, target=hasty.name, label="start"),
            Undo(target=hasty.name, label="started"),
            Observe(for_s=settle_s),
            ask("flap", blip_s + settle_s, hasty, patient),
            blip,
            Undo(target=served.regions[0], after_s=blip_s, label="over"),
            Observe(for_s=settle_s, label="after"),
            Restore(),
        ),
        expectations=tuple(expectations()),
    )


SCENARIO = ScenarioFile(
    name="first-query",
    title="Before its first check a checker guesses; after one failure it may be hasty",
    questions=("Q14",),
    topology="steering",
    knobs=Knobs,
    build=build,
)
