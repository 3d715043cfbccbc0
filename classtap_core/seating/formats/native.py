"""The native file: the model as JSON, versioned, with keys it does not know carried through a round trip."""

from functools import cache
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.model import FORMAT, VERSION, Part, SeatMap
from classtap_core.seating.soundness import check_soundness


def read_native(data: bytes) -> SeatMap:
    """The map in a native file.

    Raises BadInput: `seatmap.not_json`, `seatmap.not_native`, `seatmap.newer` (written by a later version),
    `seatmap.broken` (parts that do not fit together) or `seatmap.wrong` with the path of the first wrong value.
    """
    return from_plain(read_json(data))


def write_native(seat_map: SeatMap) -> bytes:
    """A map as a native file: UTF-8 JSON, one line a part, so that two versions can be compared as text."""
    built = to_plain(seat_map)
    lines = []
    for key, value in built.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            parts = ",\n  ".join(_text(part) for part in value)
            lines.append(f"{_text(key)}: [\n  {parts}\n ]")
        else:
            lines.append(f"{_text(key)}: {_text(value)}")
    return ("{\n " + ",\n ".join(lines) + "\n}\n").encode()


def from_plain(plain: Any) -> SeatMap:
    """The map in decoded JSON. Raises BadInput as `read_native` does."""
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise BadInput("seatmap.not_native")
    version = plain.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise BadInput("seatmap.wrong", path="version", why="expected a whole number from 1")
    if version > VERSION:
        raise BadInput("seatmap.newer", version=version, known=VERSION)
    body = {key: value for key, value in plain.items() if key not in ("format", "version")}
    seat_map: SeatMap = converted(body, SeatMap)
    check_soundness(seat_map)
    return seat_map


def to_plain(seat_map: SeatMap) -> dict[str, Any]:
    """A map as decoded JSON, its format and version first."""
    return {"format": FORMAT, "version": VERSION, **lowered(seat_map)}


def read_json(data: bytes) -> Any:
    """Decoded JSON, strictly: UTF-8, no NaN, a byte order mark allowed. Raises BadInput `seatmap.not_json`."""
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError:
        raise BadInput("seatmap.not_json", why="it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise BadInput("seatmap.not_json", why=str(error)) from error


def converted(plain: Any, type: type[Any]) -> Any:
    """A struct of the model from decoded JSON, unknown keys in `extra`. Raises BadInput `seatmap.wrong`."""
    try:
        return msgspec.convert(_lifted(plain, type), type)
    except msgspec.ValidationError as error:
        why, _, path = str(error).partition(" - at `")
        raise BadInput("seatmap.wrong", path=path.rstrip("`") or "$", why=why) from error
    except RecursionError:
        raise BadInput("seatmap.not_json", why="it is nested too deeply") from None


def lowered(part: Part) -> dict[str, Any]:
    """A struct as decoded JSON, its unknown keys beside the known ones again."""
    built: dict[str, Any] = msgspec.to_builtins(part)
    return _spread(built, type(part))


class _Plan(NamedTuple):
    known: frozenset[str]
    single: tuple[tuple[str, type[Part]], ...]
    many: tuple[tuple[str, type[Part]], ...]


@cache
def _plan(struct: type[Part]) -> _Plan:
    single: list[tuple[str, type[Part]]] = []
    many: list[tuple[str, type[Part]]] = []
    hints = get_type_hints(struct)
    for name, hint in hints.items():
        if _is_part(hint):
            single.append((name, hint))
            continue
        for arg in get_args(hint):
            if _is_part(arg):
                (many if getattr(hint, "__origin__", None) is tuple else single).append((name, arg))
    return _Plan(frozenset(hints) - {"extra"}, tuple(single), tuple(many))


def _is_part(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Part)


def _lifted(plain: Any, struct: type[Part]) -> Any:
    if not isinstance(plain, dict):
        return plain
    known, single, many = _plan(struct)
    lifted = {key: value for key, value in plain.items() if key in known}
    if len(lifted) < len(plain):
        lifted["extra"] = {key: value for key, value in plain.items() if key not in known}
    for name, part in single:
        if name in lifted:
            lifted[name] = _lifted(lifted[name], part)
    for name, part in many:
        if isinstance(lifted.get(name), list):
            lifted[name] = [_lifted(item, part) for item in lifted[name]]
    return lifted


def _spread(built: dict[str, Any], struct: type[Part]) -> dict[str, Any]:
    _, single, many = _plan(struct)
    for name, part in single:
        if isinstance(built.get(name), dict):
            built[name] = _spread(built[name], part)
    for name, part in many:
        if name in built:
            built[name] = [_spread(item, part) for item in built[name]]
    extra = built.pop("extra", {})
    return {**built, **{key: value for key, value in extra.items() if key not in built}}


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
