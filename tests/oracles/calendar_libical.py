"""A second opinion on calendars: libical, the C library of Evolution and KDE, through its own functions."""

import ctypes
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock


def expanded(rule: str, first: str, *, most: int) -> list[str]:
    """At most so many local starts of a rule, as libical counts them."""
    expand = _library().icalrecur_expand_recurrence
    expand.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_int, ctypes.POINTER(ctypes.c_long)]
    found = (ctypes.c_long * most)()
    begin = int((datetime.fromisoformat(first) - _EPOCH).total_seconds())
    if not expand(rule.encode(), begin, most, found):
        raise ValueError(rule)
    return [(_EPOCH + timedelta(seconds=at)).isoformat(timespec="minutes") for at in found if at]


def spans(text: str, *, first_s: int, last_s: int) -> list[tuple[str, int, int]]:
    """Every occurrence of every event of a calendar between two Unix times: its UID, start and end in Unix seconds."""
    lib = _library()
    whole = lib.icalparser_parse_string(text.encode())
    if not whole or lib.icalcomponent_count_errors(whole):
        raise ValueError("libical finds errors in it")
    found: list[tuple[str, int, int]] = []

    @_SPANNED
    def take(component: int, span: Any, _data: int) -> None:
        found.append((lib.icalcomponent_get_uid(component).decode(), span.contents.start, span.contents.end))

    vevent = 4  # ICAL_VEVENT_COMPONENT of icalenums.h
    event = lib.icalcomponent_get_first_component(whole, vevent)
    while event:
        first, last = (
            lib.icaltime_from_timet_with_zone(at, 0, lib.icaltimezone_get_utc_timezone()) for at in (first_s, last_s)
        )
        lib.icalcomponent_foreach_recurrence(event, first, last, take, None)
        event = lib.icalcomponent_get_next_component(whole, vevent)
    lib.icalcomponent_free(whole)
    return sorted(found)


class _Span(ctypes.Structure):
    _fields_ = [("start", ctypes.c_long), ("end", ctypes.c_long), ("is_busy", ctypes.c_int)]


class _Time(ctypes.Structure):
    _fields_ = [
        *(
            (name, ctypes.c_int)
            for name in ("year", "month", "day", "hour", "minute", "second", "is_date", "is_daylight")
        ),
        ("zone", ctypes.c_void_p),
    ]


_SPANNED = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(_Span), ctypes.c_void_p)


def _library() -> Any:
    lib = ctypes.CDLL("libical.so.3")
    lib.icalparser_parse_string.argtypes = [ctypes.c_char_p]
    lib.icalcomponent_get_uid.restype = ctypes.c_char_p
    lib.icalcomponent_get_uid.argtypes = [ctypes.c_void_p]
    for name in ("icalparser_parse_string", "icalcomponent_get_first_component", "icalcomponent_get_next_component",
                 "icaltimezone_get_utc_timezone"):  # fmt: skip
        getattr(lib, name).restype = ctypes.c_void_p
    for name in ("icalcomponent_get_first_component", "icalcomponent_get_next_component"):
        getattr(lib, name).argtypes = [ctypes.c_void_p, ctypes.c_int]
    lib.icalcomponent_count_errors.argtypes = [ctypes.c_void_p]
    lib.icalcomponent_free.argtypes = [ctypes.c_void_p]
    lib.icaltime_from_timet_with_zone.restype = _Time
    lib.icaltime_from_timet_with_zone.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p]
    lib.icalcomponent_foreach_recurrence.argtypes = [ctypes.c_void_p, _Time, _Time, _SPANNED, ctypes.c_void_p]
    return lib


def unix(iso: str) -> int:
    """Unix seconds of a UTC time such as `2026-11-21T09:00`."""
    return int(datetime.fromisoformat(iso).replace(tzinfo=UTC).timestamp())
