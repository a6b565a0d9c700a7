"""The scenarios about DNS steering and caching, as pytest is told to run them."""

from __future__ import annotations

#: Those that answer Q1 to Q5, Q7 to Q9, Q12 and the DNS part of Q14, each once.
NAMES = (
    "all-down",
    "ecs",
    "first-query",
    "geo-by-resolver",
    "low-ttl-is-not-fast",
    "many-addresses",
    "one-resolver-one-answer",
    "provider-outage",
    "query-count-is-not-load",
    "region-kill",
    "rotation",
    "shallow-probe",
    "slow-defaults",
    "ttl-tradeoff",
    "weight-drift",
)
TESTS = tuple(f"scenarios/{n.replace('-', '_')}.py::{n}" for n in NAMES)
#: pytest takes a test's name for its variants too, which are left out.
ARGUMENTS = (*TESTS, *(f"--deselect={test}[" for test in TESTS))
