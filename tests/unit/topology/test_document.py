"""Rules of reading YAML with places."""

import pytest

from lab.topology.document import Document, Place, read
from lab.topology.finding import Finding


def place(document: Document, *path: str | int, at_key: bool = False) -> Place:
    return document.place(Finding(path=path, what="", at_key=at_key))


class TestRead:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("a: 1", {"a": 1}),
            ("a: 0x1f", {"a": 31}),
            ("a: 1.5", {"a": 1.5}),
            ("a: true", {"a": True}),
            ("a: no", {"a": "no"}),
            ("a:", {"a": None}),
            ("a: 198.18.0.0/15", {"a": "198.18.0.0/15"}),
            ("a: 2024-02-29", {"a": "2024-02-29"}),
            ("a: .inf", {"a": ".inf"}),
            ("a: '1'", {"a": "1"}),
            ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ],
    )
    def test_plain_values_are_what_a_person_wrote(
        self, text: str, value: object
    ) -> None:
        document = read(text)

        assert document.data == value
        assert document.findings == []

    def test_an_absurd_number_stays_text(self) -> None:
        digits = "9" * 5000

        assert read(f"a: {digits}").data == {"a": digits}

    @pytest.mark.parametrize("text", ["", "# only words\n", "a: [", "\x00", "[" * 5000])
    def test_what_is_no_document_is_one_finding(self, text: str) -> None:
        document = read(text)

        assert not document.readable
        assert len(document.findings) == 1

    def test_text_that_no_terminal_can_show_is_refused(self) -> None:
        document = read('a: "\\uD800"\nb: "two\\nlines"')

        assert [f.path for f in document.findings] == [("a",), ("b",)]
        assert document.data == {"a": None, "b": None}

    def test_of_a_key_that_stands_twice_the_first_counts(self) -> None:
        document = read("a: 1\nb: 2\na: 3\n")

        (finding,) = document.findings
        assert document.data == {"a": 1, "b": 2}
        assert finding.what == 'the key "a" stands twice, first in line 1'
        assert document.place(finding) == Place(line=3, column=1)


class TestPlace:
    TEXT = "regions:\n  - {name: red, asn: 1}\n  - name: blue\n    asn:\n"

    def test_a_value_is_where_it_stands(self) -> None:
        document = read(self.TEXT)

        assert place(document, "regions", 0, "asn") == Place(line=2, column=22)

    def test_a_key_is_where_it_stands(self) -> None:
        document = read(self.TEXT)

        found = place(document, "regions", 0, "asn", at_key=True)
        assert found == Place(line=2, column=17)

    def test_a_value_left_out_is_at_its_key(self) -> None:
        document = read(self.TEXT)

        assert place(document, "regions", 1, "asn") == Place(line=4, column=5)

    def test_what_is_missing_is_at_what_lacks_it(self) -> None:
        document = read(self.TEXT)

        assert place(document, "regions", 1, "prefix") == Place(line=3, column=5)
        assert place(document, "zone", "name") == Place(line=1, column=1)
