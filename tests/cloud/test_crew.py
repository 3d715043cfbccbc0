"""A crew ends when it is told to, also in the moments in which a worker is only just born."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_TOLD_AT_BIRTH = """
import os, signal, sys
from cloud import crew

born, fork = [], os.fork

def fork_and_be_told():
    child = fork()
    born.append(child)
    if len(born) == int(sys.argv[1]):
        if child:
            os.kill(os.getpid(), signal.SIGTERM)  # before the crew knows whom it has
        os.kill(child or os.getpid(), signal.SIGTERM)  # before the worker knows what to do then
    return child

def work(number, ready):
    ready()
    if len(born) == 1:
        os._exit(3)  # the first dies, another takes its place
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # who was told before is told here
    signal.sigtimedwait([signal.SIGTERM], 60)  # at most, so that a crew that fails leaves nobody behind

os.fork = fork_and_be_told
crew.run(work, workers=2, ready=lambda: None)
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("alone")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="workers share a port by fork")
@pytest.mark.parametrize("birth", [1, 2, 3], ids=["first", "last", "replacement"])
def test_told_to_end_while_a_worker_is_born(birth: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _TOLD_AT_BIRTH, str(birth)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=20)
            assert (process.returncode, said) == (0, "alone\n")
        finally:
            process.send_signal(signal.SIGTERM)
