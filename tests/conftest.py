"""What every test stands on: an offscreen Qt, nobody's keyring and folders, and the guards of tests/guards."""

import os
from collections.abc import Iterator
from pathlib import Path

# Before anything imports Qt or keyring.
os.environ["QT_QPA_PLATFORM"] = os.environ.get("CLASSTAP_TEST_PLATFORM", "offscreen")
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

import hypothesis
import pytest
from pytestqt.qtbot import QtBot

from tests.guards.patience import PatientBot

pytest_plugins = [
    "pytester",
    "tests.guards.tools",
    "tests.guards.displays",
    "tests.guards.logs",
    "tests.guards.leaks",
]

# The machine's load is no property of the code, so there is no deadline; CI tries the same examples every time.
hypothesis.settings.register_profile("classtap", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("classtap")


@pytest.fixture(scope="session", autouse=True)
def _no_folders_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Point the platform's folders elsewhere, so that no test finds or touches a studio of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "LOCALAPPDATA", "APPDATA"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_application(qapp: object) -> None:
    """Qt has one application a process: the windows' kind, before a command that only draws makes a smaller one."""


@pytest.fixture
def qtbot(qapp: object, request: pytest.FixtureRequest) -> QtBot:
    """pytest-qt's fixture, with patience for a busy machine."""
    return PatientBot(request)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty data folder that only this user can open (0700)."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder
