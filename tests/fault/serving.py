"""The real cloud in a process of its own, to be killed: python -m tests.fault.serving DATA PORT."""

import sys
from pathlib import Path

from classtap_core import house
from cloud.serve import serve

if __name__ == "__main__":
    serve(
        Path(sys.argv[1]), house.bus(authority=True), port=int(sys.argv[2]),
        ready=lambda url: print(url, flush=True),
    )  # fmt: skip
