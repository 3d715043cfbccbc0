"""`python -m scripts.set_up run|test [-- COMMAND ...]`: sets up, then runs COMMAND inside `.venv`."""

import os
import subprocess
import sys
from pathlib import Path

from scripts.set_up import environment, machine, packages, surroundings
from scripts.set_up.refusal import Refusal

ROOT = Path(__file__).resolve().parents[2]
WRONG_USE = 2


def main(arguments: list[str]) -> int:
    """Set up for `run` or `test`; then run the command behind `--`, if any, and return its exit code."""
    kind, *rest = arguments or [""]
    if kind not in environment.KINDS or (rest and rest[0] != "--"):
        print("Use: python -m scripts.set_up run|test [-- COMMAND ...]", file=sys.stderr)
        return WRONG_USE
    command = rest[1:]
    os.chdir(ROOT)
    try:
        machine.check()
        stamp = environment.Stamp.read(ROOT)
        without = packages.provide(kind, given_up=stamp.without, log=ROOT / "build" / "set-up.log")
        environment.provide(
            ROOT, kind, stamp, without=[lack.name for lack in without], log=ROOT / "build" / "set-up.log"
        )
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    for sentence in packages.what_is_off(without):
        print(sentence, file=sys.stderr)
    surroundings.complete(os.environ)
    return run(command) if command else 0


def run(command: list[str]) -> int:
    """Run a program of `.venv` (or of the system) in this process's place."""
    programs = environment.programs(ROOT)
    os.environ["PATH"] = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
    sys.stdout.flush()
    if os.name == "posix":
        os.execvp(command[0], command)
    return subprocess.call([environment.found(programs, command[0]), *command[1:]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
