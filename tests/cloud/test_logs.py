"""What operators may read: no name, no note, no token, no code, no scope."""

import logging

import httpx
import pytest

from classtap_core.kernel.authority import Authority
from cloud.composition import Cloud
from cloud.storage.directory import StudioEntry
from tests.cloud.rig import PLACE, START_MS, Device, code_of, enrolments, seed
from tests.unit.kernel import toy


@pytest.mark.expected_log("POST /sync/v1/push", reason="a fault of ours on purpose")
@pytest.mark.expected_log("looking for the operation", reason="the same fault")
def test_logs_hold_nothing_of_anybody(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    note = f"secret-{START_MS}"  # a traceback shows lines of source; this one does not hold the word
    code = cloud.studios.pairing_code(studio.id, role="kiosk", location=PLACE, name="Front door").code
    device = Device(client)
    device.pair(code)
    assert device.papers is not None
    seed(cloud, studio.id, enrolments(3))
    marked = toy.MarkPresence(house="h1", items=(toy.Item(studio.id, "present", note),))
    device.submit([marked, marked])
    device.push(1, 1)
    device.pull("roster/h1")
    device.snapshot("families/h1")

    def fail(*_: object, **__: object) -> None:
        raise ValueError(f"{note} in a message")

    monkeypatch.setattr(Authority, "push_together", fail)
    assert code_of(device.send(device.batch(2, 2))) == (500, "cloud.fault")
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    written = "\n".join(logging.Formatter().format(record) for record in ours)
    assert "/sync/v1/pull 200" in written.replace("GET ", "")
    assert "ValueError" in written
    for word in (note, "Åsa", device.papers.token, code, "/h1"):
        assert word not in written, word
