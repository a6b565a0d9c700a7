"""The client agent: thousands of stub clients as one asyncio process.

Runs in the client containers, so it imports the standard library, dnspython, uvloop
where there is one, and nothing else of `lab`. It speaks JSON lines:

    stdin   the watch plan (first line), then commands: flush, query, burst,
            stats, stop
    stdout  attempt, event, reply and stats lines, times in `CLOCK_MONOTONIC` ns

Map: `plan` (what it is told) · `schedule` (when) · `stub` (which address, from where)
· `resolver` (DNS over UDP) · `exchange`, `tls`, `reply` (HTTP on one connection)
· `reach` (in order, in a race, persistently) · `pool` (a kept connection) · `caller`
(all of them as a client behaves) · `attempt` (a client, and the line on what it did)
· `burst` (one question many times) · `answers` (what resolvers answer changed) · `lag`
(its own punctuality) · `journal` (lines out) · `agent` (the whole).
"""
