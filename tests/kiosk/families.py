"""Families for the kiosk's tests: names from many scripts, two or more sessions, around 16:24 on a Saturday in London."""

from __future__ import annotations

from dataclasses import replace

from kiosk.view import Board, Group, Row, Status

ZONE = "Europe/London"
NOW_MS = 1_795_278_240_000  # 2026-11-21 16:24:00, a Saturday
MINUTE = 60_000


def session(at: int) -> str:
    """Return the id of the ``at``-th session."""
    return f"{at:032x}"


def child(at: int) -> str:
    """Return the id of the ``at``-th child."""
    return f"{0xC0 + at:032x}"


def group(at: int, *, starts_in: int, names: tuple[str, ...], title: str, room: str, coach: str = "Inés") -> Group:
    """Return a session of 45 minutes that starts in so many minutes, with the named children in it."""
    start = NOW_MS + starts_in * MINUTE
    rows = tuple(
        Row(child=child(10 * at + n), session=session(at), name=name, initials_colour=10 * at + n)
        for n, name in enumerate(names)
    )
    return Group(session(at), start, start + 45 * MINUTE, title, room, rows, coach=coach)


def okafors() -> Board:
    """Return three children in two sessions, nothing marked."""
    return Board(
        "f" * 32,
        "Okafor",
        (
            group(1, starts_in=6, names=("Adaeze Okafor", "Chidi Okafor"), title="Little Tumblers", room="Studio B"),
            group(2, starts_in=21, names=("Ngozi Okafor",), title="Beginner Ballet", room="Studio A", coach="Mei"),
        ),
    )


def with_row(board: Board, at: int, **changes: object) -> Board:
    """Return the board with the ``at``-th row changed."""
    wanted = list(board.rows())[at]
    groups = tuple(
        replace(own, rows=tuple(replace(row, **changes) if row == wanted else row for row in own.rows))  # type: ignore[arg-type]
        for own in board.groups
    )
    return replace(board, groups=groups)


def busy() -> Board:
    """Return the Okafors as in the pictures of the look: one present, one late with a reason, one open."""
    board = with_row(okafors(), 0, state=Status.PRESENT, health_note=True)
    board = with_row(
        board, 1, state=Status.LATE, reason="traffic", expected_ms=NOW_MS + 21 * MINUTE
    )  # fmt: skip
    return with_row(board, 2, spot="7 · front row")


def world() -> Board:
    """Return a family whose children have names in every script the studio may meet."""
    names = (
        ("Zoë Łukaszewska-Brânză", "Анастасия Иванова", "Ελένη Παπαδοπούλου"),
        ("محمد عبد الرحمن", "שרה כהן-לוי", "आरव शर्मा", "山田太郎"),
        ("김민준", "王小明", "สมชาย ใจดี", "ნინო ბერიძე"),
    )
    titles = (("Контактная импровизация", "Studio B"), ("Hip-hop für Anfänger", "Studio Ñandú"), ("太鼓 Taiko", "2階"))
    groups = tuple(
        group(at + 1, starts_in=6 + 15 * at, names=names[at], title=titles[at][0], room=titles[at][1])
        for at in range(3)
    )
    board = Board("e" * 32, "Łukaszewska-عبد الرحمن", groups)
    board = with_row(board, 1, state=Status.PRESENT)
    board = with_row(board, 3, state=Status.ABSENT, reason="ill")
    board = with_row(board, 4, disabled_reason="overlap", disabled=(Status.PRESENT,))
    return with_row(board, 6, state=Status.LATE, reason="school", expected_ms=NOW_MS + 31 * MINUTE, health_note=True)
