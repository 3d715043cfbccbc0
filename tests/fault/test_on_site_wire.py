"""Two machines on a wire of their own, which find each other, are cut apart, and get another address."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("two_networks.py")

pytestmark = pytest.mark.fault


def test_two_machines_on_a_wire_tell_each_other_within_a_second() -> None:
    """`p95_s` is bar 20 of the check-in anchors: 1 s."""
    if not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        pytest.skip("Linux with util-linux and iproute2 makes two networks on one machine")
    if subprocess.run(["unshare", "-rn", "ip", "link"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody make a network of their own")
    ran = subprocess.run(
        ["unshare", "-rn", sys.executable, str(PROGRAM)], capture_output=True, text=True, timeout=180, check=False
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    print(found)
    assert found["p95_s"] <= 1.0
    assert found["met_s"] <= 10.0
    assert found["cut_s"] <= 5.0
    assert found["moved_s"] <= 10.0
    assert found["heard"] == found["said"]
