"""`classtap store backup|restore|purge` and `store key seal|recover|rotate`: a bad day, prepared for and lived through."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from classtap_cli.invocation import As, Data, Invocation, Json, Now, answering, complain, invocation, print_json
from classtap_cli.reach import ask, opened, ring
from classtap_cli.signing_in import asked_pin
from classtap_cli.written import write_whole
from classtap_core import house
from classtap_core.kernel.errors import BadInput, ClassTapError, Refused
from classtap_core.store import destroy, keys, recovery, rotation
from classtap_core.store.container import Opener, label_of
from classtap_core.store.folder import DATABASE
from classtap_core.store.restore import read_keys
from classtap_core.store.restore import restore as restore_store
from classtap_core.store.salvage import salvage as salvage_store
from classtap_core.store.store import Store

_AT_ONCE = 2_000
"""Persons' keys in one question to the program that has the store open."""

Word = Annotated[str, typer.Option("--confirm", metavar="WORD", help="The word that the first step said.")]
Pin = Annotated[Path | None, typer.Option("--pin-file", metavar="FILE", help="A file with a manager's PIN.")]
OwnerPin = Annotated[
    Path | None, typer.Option("--pin-file", metavar="FILE", help="A file with the owner's PIN, for the other devices.")
]
Lost = Annotated[
    bool, typer.Option("--lost", help="The store can no longer be opened, so that nobody's PIN can be tried.")
]


Paper = Annotated[
    Path | None, typer.Option("--recovery-key", metavar="FILE", help="A file with the owner's key (else it is typed).")
]
MadeBy = Annotated[
    Path | None, typer.Option("--store", metavar="DIR", help="Instead: the folder (…/desk) of the store that made it.")
]
Erased = Annotated[
    Path | None, typer.Option("--erased", metavar="FILE", help="Ids of persons erased since, one a line.")
]
Late = Annotated[
    list[Path] | None, typer.Argument(metavar="[FILE.keys]...", help="Files of persons' keys of this device.")
]
GiveUp = Annotated[bool, typer.Option("--none", help="Nobody has them: send what waits for them without its words.")]
Out = Annotated[Path | None, typer.Option("-o", "--out", metavar="FILE", help="Write the owner's key there, once.")]
Public = Annotated[
    str, typer.Option("--public", metavar="HEX", help="The owner's key was made on another device: its public half.")
]
ReplaceBackup = Annotated[bool, typer.Option("--replace", help="Replace the backup that FILE is.")]
Replace = Annotated[bool, typer.Option("--replace", help="Replace the owner's key that there is.")]


def mount(store: typer.Typer, key: typer.Typer) -> None:
    """Hang the commands onto the groups of `classtap_cli.store`."""
    store.command("backup")(backup)
    store.command("restore")(restore)
    store.command("purge")(purge)
    store.command("salvage")(salvage)
    key.command("seal")(seal)
    key.command("recover")(recover)
    key.command("rotate")(rotate)
    key.command("bring")(bring)


@answering
def backup(
    file: Path, replace: ReplaceBackup = False, data: Data = None, program: As = "desk", now: Now = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Write a checked, encrypted copy while the store is used; the keys of persons go to FILE.keys."""
    call = invocation(data, program, now, json)
    from classtap_core.store.backup import KEYS_END

    there = [path for path in (file, file.with_name(file.name + KEYS_END)) if path.exists()]
    if there and not replace:
        raise BadInput("backup.exists", file=str(there[0]))
    print_json(ask(call, "store.backup", file=str(file.absolute())))


@answering
def restore(
    file: Path, paper: Paper = None, made_by: MadeBy = None, erased: Erased = None, data: Data = None,
    program: As = "desk", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Make the store of a folder that has none from a backup, in a new epoch of its device."""
    call = invocation(data, program, now, json)
    if call.program == "cloud":
        raise Refused("device.needed")
    label_of(file)  # before anybody types fifty-six letters for a file that is none, or into a folder that is taken
    if Store.exists(call.folder):
        raise Refused("store.exists", folder=str(call.folder))
    gone = None if erased is None else tuple(_lines(erased))
    found = restore_store(
        file, call.folder, house.registry(), opener=_opener(made_by, paper), program=call.program, erased=gone,
        ring=ring(),
    )  # fmt: skip
    print_json(found._asdict())


def _opener(made_by: Path | None, paper: Path | None) -> Opener:
    if made_by is not None:
        return Opener(store=keys.load(made_by, ring()).key)
    return Opener(owner=recovery.read(_paper(paper)))


@answering
def bring(
    files: Late = None, none: GiveUp = False, paper: Paper = None, made_by: MadeBy = None, erased: Erased = None,
    data: Data = None, program: As = "desk", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Give a restored store the keys of persons that came after it; the log opens once it is known who was erased."""
    call = invocation(data, program, now, json)
    if none:
        print_json(ask(call, "store.key.give_up"))
        return
    if not files:
        raise typer.BadParameter("name the files, or --none where nobody has them")
    ours, label = ask(call, "store.key.awaited"), label_of(files[0], holds="keys")
    if (label.studio, label.device) != (ours["studio"], ours["device"]):
        raise BadInput("backup.other_store", file=str(files[0]))
    found = read_keys(files, _opener(made_by, paper), label)
    gone = sorted({*found.erased, *(() if erased is None else _lines(erased))})
    listed = [(subject, (number, key.hex())) for subject, (number, key) in sorted(found.keys.items())]
    given = 0
    for start in range(0, max(1, len(listed)), _AT_ONCE):
        some = dict(listed[start : start + _AT_ONCE])
        said = ask(call, "store.key.bring", keys=some, erased=gone, listed=erased is not None)
        gone, given = [], given + said["given"]
    print_json({**ask(call, "store.key.awaited"), "given": given})


@answering
def salvage(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Make a damaged store again from every page that can be read; the program must be closed.

    Unsent operations are kept, what may be lost is named, what the cloud has is fetched again, the damaged file stays
    aside.
    """
    call = invocation(data, program, now, json)
    if call.program == "cloud":
        raise Refused("device.needed")
    print_json(salvage_store(call.folder, house.registry(), program=call.program, ring=ring())._asdict())


@answering
def seal(
    out: Out = None, public: Public = "", replace: Replace = False, pin: OwnerPin = None, data: Data = None,
    program: As = "desk", now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Make the owner's recovery key, say it once to be put away on paper, and seal the store's key to it.

    With the owner's PIN (--pin-file, or typed) every other device of the studio seals itself to it too.
    """
    call = invocation(data, program, now, json)
    if public:
        print_json(_handed_out(call, ask(call, "store.key.seal", public=public, replace=replace), pin))
        return
    made = new_owner_key(out)
    found = _handed_out(call, ask(call, "store.key.seal", public=made.public.hex(), replace=replace), pin)
    print_json({**found, **said_once(made, out)})


def new_owner_key(out: Path | None) -> recovery.RecoveryKey:
    """Make an owner's recovery key, written to a file where one is named: before any seal, which alone would help nobody.

    Raises BadInput `recovery.file_there`; EnvironmentFault `file.cannot_write`.
    """
    if out is not None and out.exists():
        raise BadInput("recovery.file_there", file=str(out))
    made = recovery.make(os.urandom)
    if out is not None:
        write_whole(out, f"{made.text()}\n".encode())
    return made


def said_once(made: recovery.RecoveryKey, out: Path | None) -> dict[str, str]:
    """What an answer says of a new owner's key: where it was written, else its two lines."""
    return {"recovery_key": made.text()} if out is None else {"file": str(out)}


def _handed_out(call: Invocation, found: dict[str, Any], pin: Path | None) -> dict[str, Any]:
    """Hand the sealed store's owner key to the other devices too, where the owner's PIN is given.

    What stands in the way is said, and no more: the owner must see the key that was made in any case.
    """
    if pin is None and not sys.stdin.isatty():
        return {**found, "handed_out": False}
    try:
        handed: dict[str, Any] = ask(call, "store.key.hand_out", pin=asked_pin(pin))
    except ClassTapError as trouble:
        complain(trouble)
        return {**found, "handed_out": False}
    return handed


@answering
def recover(paper: Paper = None, data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Open a store whose keyring or key file is lost with the owner's key, and keep its own key anew."""
    call = invocation(data, program, now, json)
    if call.program == "cloud":
        raise Refused("device.needed")
    kept = rotation.recover(call.folder, recovery.read(_paper(paper)), program=call.program, ring=ring())
    print_json({"recovered": True, "protection": kept.value})


@answering
def rotate(data: Data = None, program: As = "desk", now: Now = None, json: Json = False) -> None:
    """Put the store under a new key, while it is used."""
    print_json(ask(invocation(data, program, now, json), "store.key.rotate"))


@answering
def purge(
    confirm: Word = "", lost: Lost = False, pin: Pin = None, data: Data = None, program: As = "desk",
    now: Now = None, json: Json = False,
) -> None:  # fmt: skip
    """Destroy a device's keys, then its store. Without --confirm: say what would be lost, and the word for it.

    To keep unsent work first: `classtap sync once` sends it, `classtap store backup FILE` saves it sealed.
    """
    call = invocation(data, program, now, json)
    if call.program == "cloud":
        raise Refused("device.needed")
    if lost:
        if _opens(call.folder):
            raise Refused("store.not_lost")
        destroy.destroy(call.folder, program="purge", ring=ring())
        print_json({"destroyed": str(call.folder), "unsent": None})
        return
    if not confirm:
        print_json(ask(call, "store.stake"))
        return
    from classtap_cli.questions.device import Device
    from classtap_cli.questions.keeping import Confirmed
    from classtap_cli.questions.keeping import confirm as confirmed

    with opened(call) as node:
        found = confirmed(Device(node, running=False), Confirmed(confirm=confirm, pin=asked_pin(pin)))
    destroy.destroy(call.folder, program="purge", ring=ring())
    print_json({"destroyed": str(call.folder), **found})


def _opens(folder: Path) -> bool:
    """Whether a store can be opened after all: then it is destroyed with a PIN or not at all."""
    try:
        return rotation.opens(folder / DATABASE, rotation.settled_key(folder, ring()).key)
    except ClassTapError:
        return False


def _paper(file: Path | None) -> str:
    """The recovery key as written in a file, piped in, or typed: two lines."""
    if file is not None:
        return "\n".join(_lines(file))
    if not sys.stdin.isatty():
        return sys.stdin.read()
    print("Recovery key (two lines): ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline() + sys.stdin.readline()


def _lines(file: Path) -> list[str]:
    try:
        return [line.strip() for line in file.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("recovery.file", file=str(file)) from error
