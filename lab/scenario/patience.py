"""How long clients wait, as their agents are told and as bounds are computed from.

All in milliseconds. Every attempt stays below the first retransmission of a SYN, 1 s
(RFC 6298, section 2.1), so that none is rescued by its own retransmission.
"""

from __future__ import annotations

from typing import Final

#: For a connection, and again for the reply.
CONNECT_MS: Final = 800
#: The same where another address is left to `retry-next`.
RETRY_MS: Final = 300
#: From the start of one address to that of the next in a race: the "Connection Attempt
#: Delay" of RFC 8305, sections 5 and 8.
RACE_DELAY_MS: Final = 250
#: An `sdk`'s patience with one address; long enough for a round trip to anywhere.
SDK_TRY_MS: Final = 250
#: Its pause after a round is drawn between 0 and this, doubled from round to round up
#: to the cap: exponential backoff with full jitter.
#: Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015).
SDK_BACKOFF_MS: Final = 50
SDK_BACKOFF_CAP_MS: Final = 200
#: When it gives up, whatever it is doing.
SDK_DEADLINE_MS: Final = 900
