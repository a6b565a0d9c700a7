"""How long a scenario's steps take, known before the first of them. Pure."""

from __future__ import annotations

from lab.scenario.model import Ask, Fault, Observe, ProveCache, Restore, Scenario, Undo


def least_s(story: Scenario) -> float:
    """Return how long a story watches and asks.

    What daemons need to start, to forget and to recover comes on top.
    """
    now_s = 0.0
    struck_s: dict[str, float] = {}
    for step in story.steps:
        match step:
            case Fault(target=target):
                now_s += step.at_age_s or 0.0
                struck_s[target] = now_s
            case Undo(target=target):
                now_s = max(now_s, struck_s.pop(target) + step.after_s)
            case Restore():
                struck_s.clear()
            case Observe():
                now_s = max(now_s, max(struck_s.values(), default=now_s) + step.for_s)
            case Ask(behind=False):
                now_s += max(q.count * q.interval_ms for q in step.questions) / 1000
            case ProveCache():
                now_s += step.until_s
    return now_s
