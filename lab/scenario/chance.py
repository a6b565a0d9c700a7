"""How far chance alone may carry a share. Pure.

Answers that a server picks at random never come out exactly even. Every bound on them
is the interval that a true lab leaves in one of `1 / ALPHA` looks only.
"""

from __future__ import annotations

import math
from typing import Final

from scipy.special import bdtrik, ndtri

#: A true lab is called wrong this often, by each bound that rests on chance.
ALPHA: Final = 1e-4
#: Standard deviations that chance alone goes beyond as rarely, on either side.
SIGMAS: Final = float(-ndtri(ALPHA / 2))


def share_bounds(share: float, draws: int) -> tuple[float, float]:
    """Return the least and the greatest share that chance makes of a true one.

    Args:
        share: The true probability of a draw.
        draws: How many independent ones there are.

    Source:
        The quantiles of the binomial distribution at `ALPHA / 2` and its complement.
    """
    low = bdtrik(ALPHA / 2, draws, share)
    high = bdtrik(1 - ALPHA / 2, draws, share)
    least = 0 if math.isnan(low) else math.floor(max(low, 0))
    return least / draws, min(math.ceil(high) / draws, 1.0)


def fullest(chance: float, draws: int, windows: int) -> int:
    """Return how many of some draws, at most, share the fullest of so many windows.

    Args:
        chance: Of each draw to be in a certain window.
        draws: How many independent ones there are.
        windows: Among which the fullest is looked for; they may overlap.

    Source:
        Boole's inequality: each window alone is that full in 1 of `windows / ALPHA`.
    """
    most = math.ceil(bdtrik(1 - ALPHA / windows, draws, chance))
    return min(int(most), draws)


def longest_miss(share: float) -> int:
    """Return how many draws in a row, by chance, may miss what has this share."""
    return math.ceil(math.log(ALPHA) / math.log(1 - share))


def draws_for(hits: int, share: float) -> int:
    """Return how many draws hold so many hits of what has this share, by chance too."""
    draws = hits
    while round(share_bounds(share, draws)[0] * draws) < hits:
        draws += 1
    return draws
