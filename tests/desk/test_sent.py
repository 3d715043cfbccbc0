"""What is said of a message at an address: that it arrived only where somebody said so who knows."""

import pytest

from classtap_core.messaging.records import State
from classtap_desktop.screens.sent import sent_text
from resources.text import Catalogue


def told(state: State, channel: str, code: str = "", *, language: str = "en") -> str:
    return sent_text(
        Catalogue(language), state=state, channel=channel, shown="g•••@example.com", when="today", code=code
    )


def test_a_servers_yes_is_no_arrival() -> None:
    assert told(State.SENT, "email").startswith("Handed to the mail server for")
    assert told(State.SENT, "sms").startswith("Handed to the SMS provider for")
    assert told(State.SENT, "email", "inbox").startswith("Kept in the cloud’s local inbox")
    assert told(State.DELIVERED, "sms").startswith("Arrived by SMS at")


@pytest.mark.parametrize("language", ["en", "es", "ar"])
@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("state", list(State))
def test_every_state_has_its_words(state: State, channel: str, language: str) -> None:
    said = told(state, channel, "5.1.1", language=language)
    assert "desk.sent" not in said
    assert "{" not in said
