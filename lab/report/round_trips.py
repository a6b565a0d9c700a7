"""Round trips in words, beside what links declare. Pure."""

from __future__ import annotations

from lab.judge.round_trips import RoundTrip


def sentence(trips: tuple[RoundTrip, ...]) -> str:
    """Return the long ones, and those that are not as declared, in words; or ""."""
    told = [
        f"{t.here} to {t.there} {t.measured} ({t.declared})"
        for t in trips
        if t.declared_ms[1] or not t.as_declared
    ]
    wrong = [f"{t.here} to {t.there}" for t in trips if not t.as_declared]
    said = f"Round trips in ms, and as declared: {', '.join(told)}." if told else ""
    return f"{said} Not as declared: {', '.join(wrong)}!" if wrong else said
