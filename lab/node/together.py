"""The same work on several things at once, for what waits on the network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def together(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Return the results in the order of the items; an error is raised at the end.

    On bare threads: a pool would cost every node its import at start.
    """
    results: dict[int, R] = {}
    errors: list[BaseException] = []

    def carry_out(number: int, item: T) -> None:
        try:
            results[number] = work(item)
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=carry_out, args=numbered, daemon=True)
        for numbered in enumerate(items)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[number] for number in range(len(items))]
