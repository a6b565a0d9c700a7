"""Rules that every DNS daemon's rendering keeps, whatever its brand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.render.model import Rendered
from lab.render.registry import PARENTS, PROVIDERS, RESOLVERS
from tests.unit.worlds import quick


def everything() -> Iterator[tuple[str, str, Rendered]]:
    topology = quick()
    for parent in topology.zone.parents:
        yield parent.name, parent.daemon, PARENTS[parent.daemon](topology, parent)
    for provider in topology.zone.providers:
        rendered = PROVIDERS[provider.daemon](topology, provider)
        yield provider.name, provider.daemon, rendered
    for resolver in topology.resolvers:
        rendered = RESOLVERS[resolver.daemon](topology, resolver)
        yield resolver.name, resolver.daemon, rendered


CASES = [pytest.param(d, r, id=n) for n, d, r in everything()]


@pytest.mark.parametrize(("daemon", "rendered"), CASES)
class TestEveryDaemon:
    def test_files_lie_in_its_own_folder(self, daemon: str, rendered: Rendered) -> None:
        assert all(f.path.startswith(f"/etc/lab/{daemon}/") for f in rendered.files)

    def test_it_is_one_process_of_that_name(
        self, daemon: str, rendered: Rendered
    ) -> None:
        assert [p.name for p in rendered.processes] == [daemon]

    def test_it_needs_no_capability(self, daemon: str, rendered: Rendered) -> None:
        assert rendered.capabilities == ()

    def test_something_tells_when_it_is_ready(
        self, daemon: str, rendered: Rendered
    ) -> None:
        texts = [c.text for c in rendered.conditions]

        assert texts
        assert len(texts) == len(set(texts))

    def test_the_engines_resolver_is_on_no_path(
        self, daemon: str, rendered: Rendered
    ) -> None:
        assert not any("127.0.0.11" in f.text for f in rendered.files)
