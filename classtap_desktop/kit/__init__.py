"""What desk and kiosk draw with: the theme, the signal adapter, and widgets that show what they are told."""

from __future__ import annotations

from classtap_desktop.kit.badges import Avatar, Pill, QueueBadge, StatePill, initials
from classtap_desktop.kit.buttons import Button
from classtap_desktop.kit.cards import Card, EmptyState, IconDisc, Rule
from classtap_desktop.kit.engine import Signals
from classtap_desktop.kit.labels import Label
from classtap_desktop.kit.notices import ErrorLine, Toast
from classtap_desktop.kit.pin_pad import PinPad
from classtap_desktop.kit.ring import CountdownRing
from classtap_desktop.kit.state_buttons import StateButton, StateChoice
from classtap_desktop.kit.theme import Theme, theme
from classtap_desktop.kit.tones import Tones

__all__ = [
    "Avatar", "Button", "Card", "CountdownRing", "EmptyState", "ErrorLine", "IconDisc", "Label", "Pill", "PinPad",
    "QueueBadge", "Rule", "Signals", "StateButton", "StateChoice", "StatePill", "Theme", "Toast", "Tones", "initials",
    "theme",
]  # fmt: skip
