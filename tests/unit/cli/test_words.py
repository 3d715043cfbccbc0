"""Whatever a person can be told has words in every language: what happened, what it means, what to do."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.problems import _STATUS as CLOUD_SAYS
from resources.text import languages, messages, placeholders

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("classtap_core", "sync", "cloud", "kiosk", "classtap_desktop", "classtap_cli")
KINDS = {"Refused", "BadInput", "EnvironmentFault", "ClassTapError"}

# Where a code is not written out at its raise: the file, how it is written there, and every code that it can be.
COMPUTED: dict[tuple[str, str], tuple[str, ...]] = {
    ("classtap_core/store/engine.py", "EnvironmentFault(code)"): (
        "disk_full", "store.read_only", "store.cannot_open", "store.locked", "store.disk_error", "store.unreadable",
        "store.damaged", "out_of_memory",
    ),
    ("classtap_core/store/folder.py", "EnvironmentFault('disk_full' if error.errno == errno.ENOSPC else 'store.cannot_open')"): (
        "disk_full", "store.cannot_open",
    ),
    ("classtap_core/store/upgrade.py", "EnvironmentFault('disk_full' if error.errno == errno.ENOSPC else 'store.disk_error')"): (
        "disk_full", "store.disk_error",
    ),
    ("cloud/storage/database.py", "EnvironmentFault(_code(error.orig), error=type(error.orig).__name__)"): (
        "cloud.database_full", "cloud.database_busy", "cloud.database_unreachable", "cloud.database",
    ),
    ("cloud/storage/database.py", "EnvironmentFault(_OTHER, error=type(error.orig).__name__)"): ("cloud.database",),
    ("sync/client/node.py", "BadInput(f'keys.{error.code}', **error.params)"): (
        "keys.bundle_malformed", "keys.bundle_signature", "keys.bundle_other_studio", "keys.bundle_invalid",
        "keys.bundle_upgrade", "keys.bundle_rollback",
    ),
    ("classtap_cli/founding.py", "Refused(outcome.reasons[0].code if outcome.reasons else 'cli.refused')"): (
        "cli.refused", "location.exists", "staff.unknown", "permission.denied",
    ),
    ("classtap_cli/programs.py", "EnvironmentFault(codes.get(trouble.fault.value, 'source.unreadable'), source=named)"): (
        "source.no_camera", "source.busy", "source.denied", "source.unreadable",
    ),
    ("classtap_cli/pair.py", "Refused(no.code, **no.params)"): tuple(CLOUD_SAYS),
    ("sync/client/asking.py", "Refused(no.code, **no.params)"): tuple(CLOUD_SAYS),
    ("classtap_cli/questions/device.py", "Refused(reason.code if reason else 'cli.refused', **reason.params if reason else {})"): (
        "cli.refused", "permission.denied", "permission.expired", "permission.device_unknown",
        "permission.device_revoked", "permission.not_this_device", "permission.author", "pass.unknown",
        "owner_key.shape", "owner_key.there",
    ),
    ("cloud/pages/papers.py", "Refused(reasons[0].code if reasons else 'signing.refused')"): ("signing.refused",),
    ("cloud/pages/signing.py", "Refused(reasons[0].code if reasons else 'signing.refused')"): ("signing.refused",),
    ("kiosk/signing_door.py", "Refused(reasons[0].code if reasons else 'signing.refused')"): ("signing.refused",),
}  # fmt: skip


def raised() -> Iterator[tuple[str, str, frozenset[str], str]]:
    """Every place that makes one of our errors: file and line, code ("" when computed), parameters, how it is written."""
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _name(node.func) in KINDS and node.args:
                    first = node.args[0]
                    literal = isinstance(first, ast.Constant) and isinstance(first.value, str)
                    names = frozenset(word.arg or "**" for word in node.keywords)
                    where = f"{file.relative_to(ROOT).as_posix()}:{node.lineno}"
                    yield where, str(first.value) if literal else "", names, ast.unparse(node)  # type: ignore[attr-defined]


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


RAISED = tuple(raised())
CODES = sorted(
    {code for _, code, _, _ in RAISED if code}
    | {code for codes in COMPUTED.values() for code in codes}
    | set(CLOUD_SAYS)
)


def test_the_search_finds_what_it_should() -> None:
    """A search that finds nothing proves nothing."""
    assert len(CODES) > 100
    assert {"store.in_use", "pin.wrong", "seatmap.newer", "cloud.port", "pair.code"} <= set(CODES)


@pytest.mark.parametrize("language", [language.code for language in languages()])
def test_every_code_has_words(language: str) -> None:
    words = messages(language)
    missing = [code for code in CODES if f"error.{code}" not in words]
    assert not missing, f"no words in {language}: {missing}"


def test_no_word_asks_for_what_the_error_does_not_carry() -> None:
    words = messages("en")
    wrong = []
    for where, code, params, _ in RAISED:
        pattern = words.get(f"error.{code}", ("",))[0]
        short = placeholders(pattern) - params
        if code and short and "**" not in params:
            wrong.append(f"{where}: {code} lacks {sorted(short)}")
    assert not wrong, "\n".join(wrong)


def test_every_code_that_is_computed_is_listed_here() -> None:
    """A code that is put together where it is raised would escape the search above."""
    loose = {(where.rpartition(":")[0], written) for where, code, _, written in RAISED if not code}
    assert loose == set(COMPUTED)


def test_what_goes_wrong_is_said_in_one_line() -> None:
    words = {code: messages("en").get(f"error.{code}", ("",))[0] for code in CODES}
    assert not [code for code, pattern in words.items() if "\n" in pattern or not pattern.endswith(".")]
