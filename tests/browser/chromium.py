"""A real Chromium, headless, spoken to through its DevTools pipe: no driver program, no network but loopback."""

import base64
import itertools
import json
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

PATIENCE_S = 30.0


class Chromium:
    """One browser with one page. Raises AssertionError where something does not come within half a minute."""

    def __init__(self, program: str, profile: Path, *, language: str = "en") -> None:
        ours, theirs = os.pipe(), os.pipe()
        self._log = (profile.parent / "chromium.log").open("wb")
        self._process = subprocess.Popen(
            [
                program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
                f"--user-data-dir={profile}", f"--lang={language}", f"--accept-lang={language}", "about:blank",
            ],
            stdout=self._log, stderr=self._log, close_fds=False,
            preexec_fn=lambda: (os.dup2(ours[0], 3), os.dup2(theirs[1], 4)),
        )  # fmt: skip
        os.close(ours[0])
        os.close(theirs[1])
        self._write, self._read = ours[1], theirs[0]
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self._told = threading.Condition()
        self._reader = threading.Thread(target=self._listen, name="chromium-pipe")
        self._reader.start()
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self.ask(f"{domain}.enable")
        self.ask("Page.setLifecycleEventsEnabled", enabled=True)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One DevTools call to the page."""
        return self._ask(method, session=self._session, **params)

    def open(self, url: str) -> None:
        """Go to an address, and wait until it has loaded."""
        for _ in range(3):  # a page that loads itself anew just then goes before; then it is asked again
            loader = self.ask("Page.navigate", url=url)["loaderId"]
            wanted = {"name": "load", "loader": loader}
            with self._told:
                if self._told.wait_for(lambda wanted=wanted: wanted in self._loaded(), PATIENCE_S / 3):
                    return
        raise AssertionError(f"{url} does not load")

    def _loaded(self) -> list[dict[str, str]]:
        return [{"name": one["name"], "loader": one["loaderId"]} for one in self.seen("Page.lifecycleEvent")]

    def run(self, script: str) -> Any:
        """What an expression comes to in the page; promises are awaited."""
        found = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, script: str) -> Any:
        """Wait in the page until an expression holds, also while it loads anew; what it came to."""
        waiting = (
            "new Promise((done, fail) => { const ends = performance.now() + 30000; const look = () => {"
            f"let found; try {{ found = ({script}); }} catch (error) {{ found = false; }}"
            "if (found) done(found); else if (performance.now() > ends) fail(new Error('does not come'));"
            "else setTimeout(look, 10); }; look(); })"
        )
        while True:
            try:
                return self.run(waiting)
            except LookupError:  # the page went to another address meanwhile
                continue

    def size(self, width: int, height: int, *, scale: float = 1) -> None:
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )

    def dark(self, on: bool) -> None:
        features = [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]
        self.ask("Emulation.setEmulatedMedia", features=features)

    def letters(self, size: int) -> None:
        """The size of plain text that the browser's owner chose, in pixels."""
        self.ask("Page.setFontSizes", fontSizes={"standard": size, "fixed": round(size * 0.8)})

    def press(self, key: str, code: int) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)

    def click(self, selector: str) -> None:
        """A real mouse click on the middle of an element."""
        box = self.run(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)}); found.scrollIntoView();"
            "const box = found.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def picture(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))

    def seen(self, method: str) -> list[dict[str, Any]]:
        """Events of one kind so far."""
        return [one["params"] for one in list(self.events) if one["method"] == method]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        os.close(self._write)
        os.close(self._read)
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, method: str, *, session: str = "", **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        self._until(lambda: number in self._answers, method)
        answer = self._answers.pop(number)
        if "navigated" in answer.get("error", {}).get("message", ""):
            raise LookupError(method)
        assert "error" not in answer, (method, answer["error"])
        found: dict[str, Any] = answer["result"]
        return found

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        with self._told:
            assert self._told.wait_for(condition, PATIENCE_S), f"{what} does not come"

    def _listen(self) -> None:
        rest = b""
        while chunk := os.read(self._read, 1 << 20):
            *whole, rest = (rest + chunk).split(b"\0")
            with self._told:
                for text in whole:
                    message = json.loads(text)
                    if "id" in message:
                        self._answers[message["id"]] = message
                    else:
                        self.events.append(message)
                self._told.notify_all()
