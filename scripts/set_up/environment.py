"""Makes `.venv` from the lock, and knows by a stamp whether the one that is there still counts."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.set_up.refusal import Refusal

KINDS = ("run", "test")
PIP = ["-m", "pip", "--disable-pip-version-check", "--no-input", "install"]


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What a `.venv` was made from; an absent or foreign one is an empty stamp.

    Attributes: kind, `run` or `test` (which holds all of `run`); lock, that lock's hash; project, the hash of
    pyproject.toml at the last editable install; python, the version of `.venv`'s own Python without its last part;
    root, where the checkout lay; without, the names of the system's things that could not be had.
    """

    kind: str = ""
    lock: str = ""
    project: str = ""
    python: str = ""
    root: str = ""
    without: Sequence[str] = field(default_factory=list)

    @classmethod
    def of(cls, root: Path, kind: str, *, without: Sequence[str] = ()) -> "Stamp":
        """The stamp that the `.venv` that is there would carry if it were made now."""
        return cls(
            kind=kind,
            lock=_hash(root / "requirements" / f"{kind}.txt"),
            project=_hash(root / "pyproject.toml"),
            python=_python(root),
            root=str(root),
            without=list(without),
        )

    @classmethod
    def read(cls, root: Path) -> "Stamp":
        """The stamp of the `.venv` that is there."""
        try:
            return cls(**json.loads(_stamp_file(root).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return cls()

    def write(self, root: Path) -> None:
        """Leave the stamp, as the last thing."""
        _stamp_file(root).write_text(json.dumps(vars(self), indent=1), encoding="utf-8")

    def counts_for(self, root: Path, kind: str) -> bool:
        """Whether this `.venv` serves `run` or `test` as the locks are now."""
        if self.kind not in KINDS or (kind, self.kind) == ("test", "run"):
            return False
        now = Stamp.of(root, self.kind)
        return bool(now.python) and (self.lock, self.python, self.root) == (now.lock, now.python, now.root)


def provide(root: Path, kind: str, stamp: Stamp, *, without: Sequence[str], log: Path) -> None:
    """Leave a `.venv` with everything of the kind's lock, and the project itself; unchanged when it fails.

    Raises `Refusal` when the packages cannot be had.
    """
    shutil.rmtree(_set_aside(root), ignore_errors=True)
    if stamp.counts_for(root, kind):
        kind = stamp.kind
        if stamp.project != Stamp.of(root, kind).project:
            _install(root, [*_EDITABLE, str(root)], log=log)
    elif stamp.counts_for(root, "run"):
        print("Adding the tools for tests to .venv.", flush=True)
        _install(root, _locked(root, kind), log=log)
    else:
        _make_anew(root, kind, log=log)
    new = Stamp.of(root, kind, without=without)
    if new != stamp:
        new.write(root)


def programs(root: Path) -> Path:
    """Where `.venv` keeps its programs."""
    return root / ".venv" / ("Scripts" if os.name == "nt" else "bin")


def found(folder: Path, program: str) -> str:
    """The program's path if the folder has it, else its name."""
    return shutil.which(program, path=str(folder)) or program


_EDITABLE = ["--no-build-isolation", "--no-index", "--no-deps", "--editable"]


def _make_anew(root: Path, kind: str, *, log: Path) -> None:
    """Make `.venv`; put back the one that was there when it fails."""
    print("Making .venv and installing the locked packages (about 250 MB to fetch, once).", flush=True)
    venv, aside = root / ".venv", _set_aside(root)
    if venv.exists():
        venv.rename(aside)
    made = False
    try:
        _call([sys.executable, "-m", "venv", str(venv)], log=log, doing="made")
        _install(root, _locked(root, kind), log=log)
        _install(root, [*_EDITABLE, str(root)], log=log)
        made = True
    finally:
        shutil.rmtree(aside if made else venv, ignore_errors=True)
        if not made and aside.exists():
            aside.rename(venv)


def _locked(root: Path, kind: str) -> list[str]:
    return ["--require-hashes", "--no-deps", "--only-binary=:all:", "-r", str(root / "requirements" / f"{kind}.txt")]


def _install(root: Path, what: Sequence[str], *, log: Path) -> None:
    _call([found(programs(root), "python"), *PIP, *what], log=log, doing="filled")


def _call(command: Sequence[str], *, log: Path, doing: str) -> None:
    log.parent.mkdir(exist_ok=True)
    with log.open("ab") as output:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    if ended.returncode:
        last = next((line for line in reversed(log.read_text(errors="replace").splitlines()) if line.strip()), "")
        raise Refusal(
            f".venv could not be {doing} ({last.strip()}): see {os.path.relpath(log)}, "
            "check the network if packages could not be fetched, and run make again."
        )


def _python(root: Path) -> str:
    """The version (`3.11`) that the environment's own Python gives; empty when there is none that starts."""
    program = programs(root) / ("python.exe" if os.name == "nt" else "python")
    question = "import sys; print('%d.%d' % sys.version_info[:2], end='')"
    try:
        return subprocess.run([program, "-c", question], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _stamp_file(root: Path) -> Path:
    return root / ".venv" / "classtap-stamp.json"


def _set_aside(root: Path) -> Path:
    return root / ".venv-replaced"
