"""Two machines on one wire, as two network namespaces: run by test_on_site_wire.py as `unshare -rn`, prints what it measured.

The first is this process, the second a child that prints when it heard what.
"""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sync.client.relay.multicast import Multicast  # noqa: E402
from tests.unit.sync.relay.homes import PATIENCE_S, QUICK, Running, running, studio  # noqa: E402

LIMITS = QUICK._replace(alive_s=0.2, dead_s=1.5, first_s=0.2, most_s=1.0)
NAMES = ("door", "desk")
COMMITS = 100


def desk() -> None:
    """The child: says when it has heard how much, until its input ends."""
    _, home = studio(*NAMES)
    b = Running(home, hosts=(), limits=LIMITS, finding=Multicast(look_s=0.3))
    print("ready", flush=True)
    sys.stdin.readline()  # the wire is there
    with running(b):

        def tell() -> None:
            done = 0
            while True:
                with home.changed:
                    home.changed.wait_for(lambda done=done: len(home.taken) > done)  # type: ignore[misc]
                    done = len(home.taken)
                print(json.dumps([done, time.monotonic()]), flush=True)

        threading.Thread(target=tell, daemon=True).start()
        sys.stdin.read()


class Desk:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["unshare", "-n", sys.executable, __file__, "desk"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.told, self.out = self.process.stdin, self.process.stdout
        assert self.out.readline() == "ready\n"
        self.heard: dict[int, float] = {}
        self.changed = threading.Condition()

    def begin(self) -> None:
        self.told.write("go\n")
        self.told.flush()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        done = 0
        for line in self.out:
            through, at = json.loads(line)
            with self.changed:
                self.heard |= dict.fromkeys(range(done + 1, through + 1), at)
                done = through
                self.changed.notify_all()

    def has(self, sequence: int) -> float:
        with self.changed:
            assert self.changed.wait_for(lambda: sequence in self.heard, PATIENCE_S), sequence
            return self.heard[sequence]

    def ip(self, *words: str) -> None:
        subprocess.run(["nsenter", "-t", str(self.process.pid), "-n", "ip", *words], check=True)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def main() -> None:
    found: dict[str, float] = {}
    other = Desk()
    ip("link", "add", "wire", "type", "veth", "peer", "name", "desk", "netns", str(other.process.pid))
    ip("addr", "add", "192.0.2.1/24", "dev", "wire")
    other.ip("addr", "add", "192.0.2.2/24", "dev", "desk")
    home, _ = studio(*NAMES)
    a = Running(home, hosts=(), limits=LIMITS, finding=Multicast(look_s=0.3))

    def commit() -> float:
        """Until the other has it, in seconds."""
        home.commit()
        at = time.monotonic()
        a.relay.nudge()
        return other.has(home.device.backend.head().sequence) - at

    with running(a):
        other.begin()
        began = time.monotonic()
        ip("link", "set", "wire", "up")
        other.ip("link", "set", "desk", "up")
        a.says(lambda now: now.neighbours)
        found["met_s"] = time.monotonic() - began
        commit()
        found["p95_s"] = p95([commit() for _ in range(COMMITS)])

        ip("link", "set", "wire", "down")
        a.says(lambda now: not now.neighbours)
        home.commit()
        a.relay.nudge()
        back = time.monotonic()
        ip("link", "set", "wire", "up")
        found["cut_s"] = other.has(home.device.backend.head().sequence) - back

        moved = time.monotonic()
        other.ip("addr", "del", "192.0.2.2/24", "dev", "desk")
        other.ip("addr", "add", "192.0.2.77/24", "dev", "desk")
        home.commit()
        a.relay.nudge()
        found["moved_s"] = other.has(home.device.backend.head().sequence) - moved
    other.told.close()
    other.process.wait(PATIENCE_S)
    found["heard"] = len(other.heard)
    found["said"] = home.device.backend.head().sequence
    print(json.dumps(found))


if __name__ == "__main__":
    desk() if sys.argv[1:] == ["desk"] else main()
