"""What stands is left out of collections, and what comes after is collected all the same; threads take turns soon. In a
process of its own."""

import subprocess
import sys

ASKED = """
import gc, sys, weakref
from classtap_core.interpreter import EVERY, SWITCH_S, settle

class Node:
    pass

before = [Node() for _ in range(1000)]
settle()
assert gc.get_freeze_count() > 1000 and gc.get_threshold() == (EVERY, 10, 10)
assert not any(isinstance(one, Node) for one in gc.get_objects())
after = Node()
after.itself, gone = after, weakref.ref(after)
del after
gc.collect()
assert gone() is None
assert abs(sys.getswitchinterval() - SWITCH_S) < 1e-6 < SWITCH_S < 0.005
settle(50_000)
assert gc.get_threshold()[0] == 50_000
"""


def test_a_program_that_stands_is_walked_over_no_more() -> None:
    subprocess.run([sys.executable, "-c", ASKED], check=True)
