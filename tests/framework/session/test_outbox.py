"""What a session has to say and to ask, until it is taken."""

from __future__ import annotations

from strikeloop import StreamLost
from strikeloop.session import Connect
from strikeloop.session.outbox import Outbox
from tests.framework.session.stage import position


def test_what_came_in_is_taken_once_and_in_order() -> None:
    out = Outbox("venue", "feed")
    out.say(position(1))
    out.tell(StreamLost, 7, reason="reset")
    out.ask(Connect(1))
    lost = StreamLost(time=7, received=7, adapter="venue", port="feed", reason="reset")
    assert out.take() == ([position(1), lost], [Connect(1)])
    assert out.take() == ([], [])
