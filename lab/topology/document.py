"""YAML text → plain values, and the place of each of them. No file is read here.

Values are composed, not constructed: an unknown tag is refused, a date stays text,
and a key that stands twice is seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from lab.topology.finding import Finding, Path
from lab.topology.words import shown

_TAG: Final = "tag:yaml.org,2002:"
_PLAIN: Final = "plain words, numbers, lists and mappings"
_ONE_DOCUMENT: Final = "one YAML document, indented by spaces"
#: No number of a lab is longer; whatever is, is treated as text.
_DIGITS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line and a column, both counted from 1."""

    line: int
    column: int


_TOP: Final = Place(line=1, column=1)


@dataclass(slots=True, kw_only=True)
class Document:
    """What a YAML file says.

    Attributes:
        data: Mappings, lists, text, numbers, truth values and None.
        readable: It is YAML; else `data` is nothing.
        findings: What is wrong with it as YAML.
    """

    data: Any = None
    readable: bool = True
    findings: list[Finding] = field(default_factory=list)
    _values: dict[Path, Place] = field(default_factory=dict)
    _keys: dict[Path, Place] = field(default_factory=dict)

    def place(self, finding: Finding) -> Place:
        """Return where a finding is to be looked for, or the nearest thing to it."""
        if finding.at_key and finding.path in self._keys:
            return self._keys[finding.path]
        path = finding.path
        while path and path not in self._values:
            path = path[:-1]
        return self._values.get(path, _TOP)


def read(text: str) -> Document:
    """Return what `text` says; malformed YAML is a finding, never an exception."""
    document = Document()
    try:
        root = YAML(typ="safe", pure=True).compose(text)
        if root is None:
            return _unreadable("the file is empty")
        document.data = _Reader(document).value(root, (), root, ())
    except MarkedYAMLError as error:
        return _malformed(error)
    except YAMLError as error:
        return _unreadable(f"malformed YAML: {str(error).splitlines()[0]}")
    except RecursionError:
        return _unreadable("malformed YAML: nested too deeply")
    return document


def _malformed(error: MarkedYAMLError) -> Document:
    place, began = _place(error.problem_mark), error.context_mark
    words = ", ".join(w for w in (error.context, error.problem) if w)
    if began and _place(began).line < place.line:
        words += f"; it began in line {_place(began).line}"
    return _unreadable(f"malformed YAML: {words}", place)


def _unreadable(what: str, place: Place = _TOP) -> Document:
    return Document(
        readable=False,
        findings=[Finding(path=(), what=what, allowed=_ONE_DOCUMENT)],
        _values={(): place},
    )


class _Reader:
    """Walks composed nodes; notes each value's place and what is odd about it."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def value(self, node: Node, path: Path, at: Node, inside: tuple[Node, ...]) -> Any:
        """Return the plain value of `node`, which is to be looked for at `at`."""
        self._document._values[path] = _place(at.start_mark)
        if any(node is outer for outer in inside):
            return self._odd(path, "an alias that contains itself")
        match node:
            case MappingNode():
                return self._mapping(node, path, (*inside, node))
            case SequenceNode():
                return [
                    self.value(item, (*path, i), item, (*inside, node))
                    for i, item in enumerate(node.value)
                ]
            case _:
                return self._scalar(node, path)

    def _mapping(
        self, node: MappingNode, path: Path, inside: tuple[Node, ...]
    ) -> dict[str, Any]:
        read: dict[str, Any] = {}
        for key, value, inner in self._entries(node, path):
            if key.value in read:
                line = self._document._keys[inner].line
                what = f"the key {shown(key.value)} stands twice, first in line {line}"
                place = (*inner, "second")
                self._document._keys[place] = _place(key.start_mark)
                self._note(place, what, "each key once")
                continue
            self._document._keys[inner] = _place(key.start_mark)
            empty = value.start_mark.index == value.end_mark.index
            at = key if empty and isinstance(value, ScalarNode) else value
            read[key.value] = self.value(value, inner, at, inside)
        return read

    def _entries(
        self, node: MappingNode, path: Path
    ) -> Iterator[tuple[ScalarNode, Node, Path]]:
        for key, value in node.value:
            if isinstance(key, ScalarNode):
                yield key, value, (*path, key.value)
            else:
                self._document._keys[(*path, "?")] = _place(key.start_mark)
                self._note((*path, "?"), "a key that is no plain word", _PLAIN)

    def _scalar(self, node: Node, path: Path) -> Any:
        tag, text = str(node.tag), str(node.value)
        if not tag.startswith(_TAG):
            return self._odd(path, f"a tag: {tag}")
        if not text.isprintable():
            return self._odd(path, f"unprintable text: {shown(text)}")
        match tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return _number(text, int)
            case "float":
                return _number(text, float)
            case _:
                return text

    def _odd(self, path: Path, what: str) -> None:
        self._document.findings.append(Finding(path=path, what=what, allowed=_PLAIN))

    def _note(self, path: Path, what: str, allowed: str) -> None:
        finding = Finding(path=path, what=what, allowed=allowed, at_key=True)
        self._document.findings.append(finding)


def _number(text: str, kind: type[int] | type[float]) -> int | float | str:
    if len(text) > _DIGITS:
        return text
    try:
        number = int(text, 0) if kind is int else float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _place(mark: StringMark) -> Place:
    return Place(line=mark.line + 1, column=mark.column + 1)
