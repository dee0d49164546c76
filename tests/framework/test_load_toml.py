"""TOML: where keys stand, and what is written reads back."""

from __future__ import annotations

import datetime as dt
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop.load.toml import line_index, split_key, to_toml

TEXT = '''# a comment with = and [table]
top = 1
"quoted key".b = "x = 1 # no comment"
many = [
    1, # [not.a.table]
    2,
]
long = """
[not.a.table]
no = "key"
""""
literal = \'\'\'
also = 'none'\'\'\'

[a."b.c"]
x = { y = 1, z = [1, 2] }
  indented = true
[[items]]
name = 1
[[items]]
name = 2
[items.sub]
deep.er = 3
'''


def test_every_key_has_its_line() -> None:
    tomllib.loads(TEXT)
    assert line_index(TEXT) == {
        ("top",): 2,
        ("quoted key",): 3,
        ("quoted key", "b"): 3,
        ("many",): 4,
        ("long",): 8,
        ("literal",): 12,
        ("a",): 15,
        ("a", "b.c"): 15,
        ("a", "b.c", "x"): 16,
        ("a", "b.c", "indented"): 17,
        ("items",): 18,
        ("items", 0): 18,
        ("items", 0, "name"): 19,
        ("items", 1): 20,
        ("items", 1, "name"): 21,
        ("items", 1, "sub"): 22,
        ("items", 1, "sub", "deep"): 23,
        ("items", 1, "sub", "deep", "er"): 23,
    }


def test_the_last_line_needs_no_end() -> None:
    assert line_index("a = 1\nb = 2") == {("a",): 1, ("b",): 2}


@pytest.mark.parametrize(("text", "parts"), [("a", ("a",)), ("a.b-c", ("a", "b-c")), ('a."b.c"', ("a", "b.c")), (" a . b ", ("a", "b"))])
def test_a_dotted_key_is_split(text: str, parts: tuple[str, ...]) -> None:
    assert split_key(text) == parts


@pytest.mark.parametrize("text", ["", ".", "a.", "a b", "[a]", "a = 1\nb", "a\n"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        split_key(text)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LEAVES = st.one_of(
    TEXTS,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.dates(),
    st.times(),
    st.datetimes(timezones=st.sampled_from([None, dt.UTC])),
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=5), max_leaves=20)


@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_what_is_written_reads_back(data: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(data)) == data


@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_every_table_and_key_that_is_written_is_found_in_the_index(data: dict[str, Any]) -> None:
    index = line_index(to_toml(data))
    assert {key[0] for key in index} == set(data)


def test_what_toml_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="TOML has no form for NoneType"):
        to_toml({"a": None})
