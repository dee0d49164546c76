"""The venue's ids and ours, brought together."""

from __future__ import annotations

from strikeloop.session.identity import Identity
from tests.framework.session.stage import CALL, D, fill, order


def test_an_event_with_our_id_is_known_at_once() -> None:
    assert Identity().knows(order())


def test_an_event_that_names_no_venue_id_needs_no_name() -> None:
    assert Identity().knows(order(order_id=None))


def test_a_fill_takes_the_client_id_of_its_order() -> None:
    identity = Identity()
    identity.learn(order())
    assert identity.named(fill("a", 1)).client_id == "t-a-1"


def test_a_fill_of_an_unknown_order_is_held_until_the_order_is_named() -> None:
    identity = Identity()
    assert not identity.knows(fill("a", 1))
    identity.hold(fill("a", 1))
    identity.hold(fill("b", 2))
    assert identity.held() == [(CALL, "1")]
    freed = identity.learn(order())
    assert [(held.client_id, held.size) for held in freed] == [("t-a-1", D(1)), ("t-a-1", D(2))]
    assert identity.held() == []


def test_a_foreign_order_is_known_without_a_client_id() -> None:
    identity = Identity()
    identity.name_foreign("1")
    assert identity.knows(fill("a", 1))
    assert identity.named(fill("a", 1)).client_id is None


def test_an_order_of_ours_does_not_become_foreign_when_a_listing_leaves_its_text_out() -> None:
    identity = Identity()
    identity.learn(order())
    identity.name_foreign("1")
    identity.learn(order(client_id=None))
    assert identity.named(fill("a", 1)).client_id == "t-a-1"


def test_a_submission_is_waited_for_until_it_is_answered() -> None:
    identity = Identity()
    identity.submitted("t-a-1")
    identity.submitted("t-a-2")
    identity.answered("t-a-1")
    assert identity.waiting
    identity.answered("t-a-2")
    identity.answered("t-a-2")
    assert not identity.waiting


def test_giving_up_on_a_name_frees_what_waited_for_it() -> None:
    identity = Identity()
    identity.hold(fill("a", 1))
    assert identity.release("1") == [fill("a", 1)]
    assert identity.release("1") == []
