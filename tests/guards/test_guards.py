"""Each guard, seen failing the test it should fail and sparing the test it should spare."""

from collections.abc import Callable
from pathlib import Path

import keyring
import keyring.errors
import pytest

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def guarded(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a test file of its own, in a process of its own, under this project's settings and guards."""
    # The outer run may itself be a child on a virtual display, or CI's.
    for name in ("CLASSTAP_TEST_REPORTS", "CLASSTAP_TEST_PLATFORM", "CLASSTAP_REQUIRE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLASSTAP_TEST_GRACE", "1")

    def run(source: str, *arguments: str) -> pytest.RunResult:
        pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"))
        file = pytester.makepyfile(test_inner=source)
        return pytester.runpytest_subprocess(
            "-c", ROOT / "pyproject.toml", "--rootdir", pytester.path, *arguments, file
        )

    return run


def test_a_warning_fails_its_test(guarded: Run) -> None:
    result = guarded(
        """
        import warnings
        def test_warns():
            warnings.warn("old door", DeprecationWarning)
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*DeprecationWarning: old door*"])


def test_unexpected_log_records_fail_their_test(guarded: Run) -> None:
    result = guarded(
        """
        import logging, threading, pytest
        log = logging.getLogger("inner")

        def test_quiet():
            log.info("nothing to see")

        def test_loud():
            log.warning("the disk is %s", "full")

        def test_loud_in_a_thread_of_a_logger_that_does_not_propagate():
            own = logging.getLogger("own")
            own.propagate = False
            own.addHandler(logging.NullHandler())
            thread = threading.Thread(target=lambda: own.error("out of paper"))
            thread.start()
            thread.join()

        @pytest.fixture
        def ends_loudly():
            yield
            log.error("a fixture ended badly")

        def test_loud_at_the_end(ends_loudly):
            pass

        @pytest.mark.expected_log("the disk is", reason="the test fills it")
        def test_expected():
            log.warning("the disk is full")

        @pytest.mark.expected_log("the disk is", reason="the test fills it")
        def test_expected_something_else():
            log.warning("the door is open")

        @pytest.mark.expected_log("the disk is")
        def test_expected_without_a_reason():
            pass
        """
    )
    result.assert_outcomes(passed=7, errors=5)
    result.stdout.fnmatch_lines(
        [
            "*test_inner.py:8: WARNING inner: the disk is full",
            "*ERROR own: out of paper",
            "*ERROR inner: a fixture ended badly",
            "*WARNING inner: the door is open",
            "*expected_log takes a pattern and reason=*",
        ]
    )


def test_qt_messages_fail_their_test(guarded: Run) -> None:
    result = guarded(
        """
        from PySide6.QtCore import QObject, SIGNAL, qWarning
        def test_qt_complains(qapp):
            qWarning("no such signal")
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*QtWarningMsg: no such signal*"])


def test_leaked_threads_and_timers_fail_their_test_with_the_place(guarded: Run) -> None:
    result = guarded(
        """
        import threading, pytest
        from PySide6.QtCore import QThread, QTimer
        stop = threading.Event()
        kept = []

        def test_ends():
            thread = threading.Thread(target=lambda: None)
            thread.start()

        def test_leaves_a_thread():
            threading.Thread(target=stop.wait, name="poller", daemon=True).start()

        @pytest.mark.leaves("poller", reason="shows that the marker counts")
        def test_leaves_a_thread_on_purpose():
            threading.Thread(target=stop.wait, name="poller", daemon=True).start()

        @pytest.fixture(scope="module")
        def server():
            thread = threading.Thread(target=stop.wait)
            thread.start()
            yield
            stop.set()
            thread.join()

        def test_of_a_wider_fixture(server):
            pass

        def test_leaves_a_timer(qapp):
            timer = QTimer(objectName="blinker")
            timer.start(1000)
            kept.append(timer)

        def test_stops_its_timer(qapp):
            timer = QTimer()
            timer.start(1000)
            timer.stop()
            kept.append(timer)

        class Thread(QThread):
            def run(self):
                stop.wait()

        def test_leaves_a_qt_thread(qapp):
            thread = Thread()
            thread.start()
            kept.append(thread)

        def test_last(server):
            stop.set()
            assert kept[-1].wait()
        """
    )
    result.assert_outcomes(passed=8, errors=3)
    result.stdout.fnmatch_lines(
        [
            "*Thread 'poller', started at *test_inner.py:11",
            "*QTimer 'blinker', started at *test_inner.py:30",
            "*Thread '', started at *test_inner.py:45",
        ]
    )


def test_leaked_windows_fail_their_test(guarded: Run) -> None:
    result = guarded(
        """
        from PySide6.QtWidgets import QWidget
        kept = []

        def test_leaves_a_window(qapp):
            window = QWidget(objectName="board")
            window.show()
            kept.append(window)

        def test_gives_its_window_to_qtbot(qtbot):
            window = QWidget()
            qtbot.addWidget(window)
            window.show()
            kept.append(window)

        def test_leaves_a_window_only_to_the_collector(qapp):
            window = QWidget()
            window.itself = window

        def test_deletes_later(qapp):
            window = QWidget()
            kept.append(window)
            window.deleteLater()
        """
    )
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(["*window QWidget 'board' titled*"])


def test_a_missing_tool_skips_and_where_all_are_required_fails(guarded: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
        import pytest
        @pytest.mark.needs("chromium")
        def test_page():
            pass
        """
    monkeypatch.setenv("CLASSTAP_CHROMIUM", "")
    monkeypatch.setenv("PATH", str(Path("/nowhere")))
    result = guarded(source)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*chromium is missing: apt-get install chromium"])
    monkeypatch.setenv("CLASSTAP_REQUIRE", "all")
    result = guarded(source)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*chromium is missing: apt-get install chromium (CLASSTAP_REQUIRE=all)*"])


@pytest.mark.needs("xvfb")
def test_marked_tests_run_on_a_display_and_the_rest_offscreen(guarded: Run) -> None:
    result = guarded(
        """
        import os, pytest
        from PySide6.QtGui import QGuiApplication

        def test_offscreen(qapp):
            assert QGuiApplication.platformName() == "offscreen"

        @pytest.mark.xvfb
        def test_on_a_display(qapp):
            assert QGuiApplication.platformName() == "xcb"

        @pytest.mark.xvfb
        def test_fails_on_a_display(qapp):
            assert QGuiApplication.platformName() == "windows"

        @pytest.mark.xvfb
        def test_crashes(qapp):
            os._exit(7)

        def test_offscreen_again(qapp):
            assert QGuiApplication.platformName() == "offscreen"
        """
    )
    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(["*assert 'xcb' == 'windows'*", "*ended with code 7*"])


def test_no_keyring_of_the_user_is_touched() -> None:
    with pytest.raises(keyring.errors.NoKeyringError):
        keyring.set_password("classtap", "store", "secret")
