"""The form of what a kiosk is told and asks for: plain data, frozen, alike where its values are."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def told(cls: type[T]) -> type[T]:
    """Make a class an event or a command."""
    return dataclass(frozen=True, slots=True)(cls)
