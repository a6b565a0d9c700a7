"""A topology file → `Topology`, or every mistake in it with its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lab.errors import InvalidInput, Problem
from lab.paths import checkout, topologies_folder
from lab.topology import document, rules, shape
from lab.topology.document import Document
from lab.topology.draft import Draft
from lab.topology.finding import Finding
from lab.topology.model import Topology
from lab.topology.words import listing, meant, shown

_SUFFIXES = (".yaml", ".yml")


def load(source: str | Path) -> Topology:
    """Return the topology of a file, or of a bare name such as `two-region`.

    Raises:
        InvalidInput: There is no such topology, or it is wrong; with all problems.
    """
    path = located(source)
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _unreadable(path, f"cannot be read: {reason}") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "cannot be read: it is not UTF-8 text") from error
    return parse(text, file=_short(path))


def located(source: str | Path) -> Path:
    """Return the file of a topology given by path or by bare name.

    Raises:
        InvalidInput: No topology has that name; with those that exist.
    """
    path = Path(source)
    if path.suffix in _SUFFIXES or "/" in str(source):
        return path
    known = names()
    if str(source) in known:
        return topologies_folder() / f"{source}.yaml"
    what = f"there is no topology {shown(str(source))}{meant(str(source), known)}"
    allowed = f"{listing(known)}, or the path of a .yaml file"
    raise InvalidInput((Problem(what=what, allowed=allowed),))


def names() -> tuple[str, ...]:
    """Return the names of the topologies that come with the lab."""
    return tuple(sorted(file.stem for file in topologies_folder().glob("*.yaml")))


def parse(text: str, *, file: str) -> Topology:
    """Return the topology that `text` describes; `file` is for messages.

    Raises:
        InvalidInput: It is wrong; with all problems, in the order of their places.
    """
    read = document.read(text)
    if findings := tuple(_findings(read)):
        problems = {_problem(finding, read, file) for finding in findings}
        raise InvalidInput(tuple(sorted(problems, key=_order)))
    return shape.validated(Topology, read.data)


def _findings(read: Document) -> Iterator[Finding]:
    yield from read.findings
    if read.readable:
        odd = {f.path[:n] for f in read.findings for n in range(len(f.path) + 1)}
        shapes = shape.findings(Topology, read.data)
        yield from (f for f in shapes if f.at_key or f.path not in odd)
        yield from rules.findings(Draft(read.data))


def _problem(finding: Finding, read: Document, file: str) -> Problem:
    place = read.place(finding)
    return Problem(
        file=file,
        line=place.line,
        column=place.column,
        what=finding.what,
        allowed=finding.allowed,
    )


def _order(problem: Problem) -> tuple[int, int, str]:
    return problem.line, problem.column, problem.what


def _unreadable(path: Path, what: str) -> InvalidInput:
    return InvalidInput((Problem(file=_short(path), what=what),))


def _short(path: Path) -> str:
    for folder in (Path.cwd(), checkout()):
        if path.is_absolute() and path.is_relative_to(folder):
            return str(path.relative_to(folder))
    return str(path)
