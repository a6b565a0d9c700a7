"""The client agent: thousands of stub clients as one asyncio process.

Runs in the client containers, so it imports the standard library, dnspython, uvloop
where there is one, and nothing else of `lab`. It speaks JSON lines:

    stdin   the watch plan (first line), then commands: flush, query, stats, stop
    stdout  attempt, event, reply and stats lines, times in `CLOCK_MONOTONIC` ns

Map: `plan` (what it is told) · `schedule` (when) · `stub` (which address, from where)
· `resolver` (DNS over UDP) · `exchange` and `reply` (one HTTP request on one
connection) · `attempt` (all of them in order) · `answers` (what resolvers answer
changed) · `lag` (its own punctuality) · `journal` (lines out) · `agent` (the whole).
"""
