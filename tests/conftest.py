"""What every test stands on: an offscreen Qt, no keyring, and the guards of tests/guards."""

import os

# Before anything imports Qt or keyring.
os.environ["QT_QPA_PLATFORM"] = os.environ.get("CLASSTAP_TEST_PLATFORM", "offscreen")
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
