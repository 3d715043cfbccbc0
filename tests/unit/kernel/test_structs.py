"""Two threads may read a struct for the first time at once."""

import subprocess
import sys

PROGRAM = """
import sys, threading, types
import msgspec
from classtap_core.kernel.structs import lay_out

FIELDS = "".join(f"    f{n}: 'int | None' = None\\n" for n in range(12))
WHOLE = "".join(f"class A{n}(msgspec.Struct):\\n{FIELDS}" for n in range(5))
WHOLE += "class Whole(msgspec.Struct):\\n" + "".join(f"    g{n}: 'tuple[A{n}, ...]' = ()\\n" for n in range(5))
sys.setswitchinterval(1e-6)
for number in range(60):
    module = types.ModuleType(f"made{number}")
    sys.modules[module.__name__] = module
    module.msgspec = msgspec
    exec(WHOLE, module.__dict__)
    if sys.argv[1] == "laid out":
        lay_out()
    start = threading.Barrier(4)

    def read():
        start.wait()
        for _ in range(3):
            msgspec.json.decode(b'{"g0":[{"f0":1,"f11":2}],"g4":[{"f3":1,"f11":3}]}', type=module.Whole)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_structs_that_are_laid_out_are_read_by_many_threads() -> None:
    """Without it the same program is killed by SIGSEGV with msgspec 0.22, most often in its first rounds."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, "laid out"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
