"""The specification of strikeloop.clientids."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikeloop import InvariantError
from strikeloop.clientids import ClientIds, owners, parts_of, short_name


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5), st.text("0123456789abcXYZ", min_size=1, max_size=6))
def test_client_ids_are_what_venues_accept_and_never_the_same(names: list[str], tag: str) -> None:
    ids = ClientIds(tag)
    ids._count = 99_999_000
    made_ids = [ids.next(name) for name in names for _ in range(3)]
    assert all(re.fullmatch(r"t-[0-9A-Za-z_.-]{1,28}", one) for one in made_ids)
    assert len(set(made_ids)) == len(made_ids)


def test_a_client_id_tells_run_instance_and_count() -> None:
    ids = ClientIds("r1")
    assert [ids.next("hedge"), ids.next("maker"), ids.next("hedge")] == ["t-r1-hedge-1", "t-r1-maker-2", "t-r1-hedge-3"]


@given(st.sets(st.text(min_size=13, max_size=20), min_size=2, max_size=10))
def test_long_names_stay_apart(names: set[str]) -> None:
    assert len({short_name(name) for name in names}) == len(names)


@pytest.mark.parametrize("tag", ["", "toolong7", "a-b", "ä"])
def test_a_tag_that_would_not_fit_is_refused(tag: str) -> None:
    with pytest.raises(InvariantError, match="run tag"):
        ClientIds(tag)


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5, unique=True), st.data())
def test_the_instance_that_placed_an_order_is_known_again_by_its_id(names: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names))
    assert owners(names, ["old1", "old2"])(ClientIds("old2").next(name)) == name


def test_the_order_of_a_run_of_another_directory_belongs_to_nobody_here() -> None:
    assert owners(["maker"], ["mine"])("t-other-maker-1") == ""


def test_the_order_of_an_instance_that_is_gone_belongs_to_nobody_here() -> None:
    assert owners(["maker"], ["mine"])("t-mine-hedge-1") == ""


@pytest.mark.parametrize(
    "client_id", [None, "", "web", "t-", "t-mine-maker", "t-mine-maker-", "t-mine-maker-x", "t-mine-maker-1-2", "x-mine-maker-1"]
)
def test_an_id_of_another_form_belongs_to_nobody(client_id: str | None) -> None:
    assert owners(["maker"], ["mine"])(client_id) == ""
    assert parts_of(client_id) == ("", "")
