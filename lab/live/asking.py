"""Bursts of questions: put by the clients' agents, all at once, perhaps behind."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from lab.history import Event, EventKind
from lab.live.agents import Agents, Burst
from lab.live.observing import Observer
from lab.scenario.model import Ask, Question
from lab.topology.model import Topology


class Asking:
    """The bursts of one step, under way."""

    def __init__(self, agents: Agents, topology: Topology, step: Ask) -> None:
        """Begin to ask."""
        pool = ThreadPoolExecutor(len(step.questions), thread_name_prefix="asking")
        self._bursts: list[tuple[Question, Future[Burst]]] = [
            (question, pool.submit(_put, agents, topology, question))
            for question in step.questions
        ]
        pool.shutdown(wait=False)

    def told(self, observer: Observer) -> Iterator[Event]:
        """Wait for the answers and yield what became of each burst.

        Raises:
            CommandFailed: An agent could not ask.
        """
        for question, asked in self._bursts:
            burst = asked.result()
            detail = {
                "label": question.label,
                "access": question.access,
                "server": question.server,
                "name": question.qname,
                **_since_start(asdict(burst), observer.origin_ns),
            }
            yield observer.event(EventKind.ASKED, burst.end_ns, detail)


def _put(agents: Agents, topology: Topology, question: Question) -> Burst:
    providers = {p.name: str(p.address) for p in topology.zone.providers}
    resolvers = {r.name: str(r.address) for r in topology.resolvers}
    return agents.burst(
        question.access,
        server=(providers | resolvers)[question.server],
        qname=question.qname,
        count=question.count,
        interval_us=int(question.interval_ms * 1000),
        subnets=question.subnets,
        users=question.users,
        recursion=question.server in resolvers,
    )


def _since_start(burst: dict[str, Any], origin_ns: int) -> dict[str, Any]:
    """Return a burst's facts with times that count from the run's start."""
    runs = [
        {
            **run,
            "first_ns": run["first_ns"] - origin_ns,
            "last_ns": run["last_ns"] - origin_ns,
        }
        for run in burst["runs"]
    ]
    return {
        **burst,
        "start_ns": burst["start_ns"] - origin_ns,
        "end_ns": burst["end_ns"] - origin_ns,
        "runs": runs,
    }
