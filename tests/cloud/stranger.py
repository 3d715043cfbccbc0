"""A second client of docs/sync.md, made of that page and docs/kinds.md alone: it imports nothing of ClassTap.

Who changes the protocol changes the page first, and then this.
"""

import gzip
import hashlib
import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ZEROS = "0" * 64
Place = tuple[str, str, str]
"""A row's kind, scope and id: the order of a snapshot."""


def canonical(value: Any) -> str:
    """§2.1"""
    if isinstance(value, Mapping):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(canonical, value)) + "]"
    assert not isinstance(value, float)
    return json.dumps(value, ensure_ascii=False)


def hashed(tag: str, *parts: str) -> str:
    """§2.2"""
    return hashlib.sha256(tag.encode() + "".join(parts).encode()).hexdigest()


def derived(*parts: str) -> str:
    """§9.3"""
    made = hashlib.blake2b(digest_size=16, person=b"classtap-id")
    for part in parts:
        made.update(len(part.encode()).to_bytes(4, "big") + part.encode())
    return made.hexdigest()


def fresh() -> str:
    """§1: a UUIDv7 without dashes."""
    made = bytearray(int(time.time() * 1000).to_bytes(6, "big") + secrets.token_bytes(10))
    made[6], made[8] = made[6] & 0x0F | 0x70, made[8] & 0x3F | 0x80
    return made.hex()


def covers(pattern: str, scope: str) -> bool:
    """§3"""
    return scope == pattern or (pattern.endswith("/*") and (scope == pattern[:-2] or scope.startswith(pattern[:-1])))


class Said:
    """An operation of this device's log: its bytes, and how they can be made anew (§8.1)."""

    def __init__(self, fields: dict[str, Any], parts: dict[str, str]) -> None:
        self.fields, self.parts = fields, parts
        self.envelope = canonical(fields)
        self.hash = hashed("CTO1", self.envelope)
        self.answer: dict[str, Any] | None = None

    @property
    def status(self) -> str:
        return "" if self.answer is None else str(self.answer["outcome"]["status"])


class Refusal(Exception):
    """§5.8"""

    def __init__(self, answer: httpx.Response) -> None:
        assert answer.headers["content-type"] == "application/problem+json"
        found = answer.json()
        self.status, self.code, self.params = answer.status_code, found["code"], found.get("params", {})
        super().__init__(self.status, self.code, self.params)


class Stranger:
    """A device: its key, its papers, its log, its rows."""

    def __init__(self, client: httpx.Client, now_ms: int) -> None:
        self.client, self.now_ms = client, now_ms
        self.key = Ed25519PrivateKey.generate()
        self.papers: dict[str, Any] = {}
        self.epoch = 1
        self.log: list[Said] = []
        self.rows: dict[Place, str] = {}
        self.cursor = ""
        self.through = 0

    def call(self, method: str, path: str, *, body: Any = None, **more: Any) -> httpx.Response:
        headers = {"Accept-Encoding": "gzip"}
        if self.papers:
            headers["Authorization"] = f"Bearer {self.papers['token']}"
        if body is not None:
            more["content"] = gzip.compress(json.dumps(body, ensure_ascii=False).encode())
            headers["Content-Encoding"] = "gzip"
        answer = self.client.request(method, f"/sync/v1/{path}", headers=headers, **more)
        if answer.status_code >= 400:
            raise Refusal(answer)
        return answer

    def pair(self, code: str) -> None:
        """§4"""
        public = self.key.public_key().public_bytes_raw().hex()
        asked = {"code": code, "public_key": public, "name": "Stranger", "program": "stranger 1"}
        self.papers = self.call("POST", "pair", body=asked).json()
        self.epoch = self.papers["epoch"]

    # Saying

    def say(
        self, kind: str, values: dict[str, Any], personal: Mapping[str, dict[str, Any]] | None = None, *,
        author: dict[str, Any] | None = None, version: int = 1, **more: Any,
    ) -> Said:  # fmt: skip
        """§2.3 and §2.4: one more operation in the log."""
        said = {"": {"": values}, **(personal or {})}
        parts = {whose: canonical({"salt": secrets.token_hex(16), "values": part}) for whose, part in said.items()}
        self.now_ms += 10
        fields = {
            "v": 1, "kind": kind, "version": version, "studio": self.papers["studio"],
            "device": self.papers["device"], "id": fresh(), **self._place(self.epoch),
            "author": author or {"type": "device", "id": self.papers["device"]},
            "at": {"wall": self.now_ms, "mono": self.now_ms, "boot": "one", "offset": 0, "uncertainty": 5},
            "basis": {"pulled": self.through} if self.through else {},
            "payload": sorted([whose, hashed("CTV1", part)] for whose, part in parts.items()),
            "source": "stranger", **more,
        }  # fmt: skip
        self.log.append(Said(fields, parts))
        return self.log[-1]

    def _place(self, epoch: int) -> dict[str, Any]:
        mine = [said for said in self.log if said.fields["epoch"] == epoch]
        return {"epoch": epoch, "sequence": len(mine) + 1, "previous": mine[-1].hash if mine else ZEROS}

    def batch(self, run: list[Said]) -> dict[str, Any]:
        """§2.5 and §5.1"""
        last = run[-1]
        whose = {"studio": self.papers["studio"], "device": self.papers["device"], "epoch": last.fields["epoch"]}
        statement = "CTB1" + canonical({**whose, "hash": last.hash, "sequence": last.fields["sequence"]})
        items = [{"envelope": said.envelope, "parts": said.parts} for said in run]
        return {**whose, "items": items, "signature": self.key.sign(statement.encode()).hex()}

    def push(self, run: list[Said], **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.call("POST", "push", body={**self.batch(run), **more}).json()
        assert answer["epoch"] == run[-1].fields["epoch"]
        for said, word in zip(run, answer["answers"], strict=True):
            assert word["sequence"] == said.fields["sequence"]
            said.answer = word
        return answer

    def drain(self) -> None:
        """All that waits, an epoch after the other, and where the cloud knows another history, that (§8.1)."""
        while waiting := [said for said in self.log if said.answer is None]:
            epoch = waiting[0].fields["epoch"]
            try:
                self.push([said for said in waiting if said.fields["epoch"] == epoch][:500])
            except Refusal as no:
                if no.code == "sync.fork":
                    self._fork(no.params["sequence"], no.params["epoch"])
                elif no.code == "sync.gap" and self.log[no.params["expected"] - 1].answer is not None:
                    for said in self.log:
                        if said.fields["epoch"] == epoch and said.fields["sequence"] >= no.params["expected"]:
                            said.answer = None
                else:
                    raise

    def _fork(self, sequence: int, epoch: int) -> None:
        gone = [
            said for said in self.log
            if said.fields["epoch"] == self.epoch and said.fields["sequence"] >= sequence and said.answer is None
        ]  # fmt: skip
        self.log = [said for said in self.log if said not in gone]
        self.epoch = epoch
        for said in gone:
            self.log.append(Said({**said.fields, **self._place(epoch)}, said.parts))

    # Holding

    def load(self, scope: str, *, limit: int = 2000, pages: Iterable[int] = range(10_000), **more: str) -> str:
        """§5.4: as many pages as are asked for, from `after` on; what to ask with for the next one."""
        after, last = more.get("after", ""), ("", "", "")
        if after:
            last = max(place for place in self.rows if covers(scope, place[1]))
        for _ in pages:
            answer = self.call("GET", f"snapshot/{scope}", params={"after": after, "limit": limit})
            page = answer.json()
            self.cursor = self.cursor or page["cursor"]
            found = dict(bodies(answer.text, page))
            end = max(found) if page.get("next") else None
            for place in [place for place in self.rows if covers(scope, place[1])]:
                if place > last and (end is None or place <= end) and place not in found:
                    del self.rows[place]
            for place, body in found.items():
                assert body is not None
                self.rows[place] = body
            after = page.get("next", "")
            if not after:
                break
            last = max(found)
        return after

    def pull(self, *, digest: bool = False) -> dict[str, Any]:
        """§5.3: until there is no more."""
        scopes = self.papers["scopes"]
        while True:
            named = hashed("CTS1", "\n".join(scopes))[:16]
            asked = {"cursor": self.cursor, "scope": scopes, "holding": named, "digest": "1" if digest else ""}
            answer = self.call("GET", "pull", params=asked)
            page: dict[str, Any] = answer.json()
            self.take(answer.text, page)
            if not page.get("more"):
                return page

    def take(self, text: str, page: dict[str, Any]) -> None:
        for place, body in bodies(text, page):
            if body is None:
                self.rows.pop(place, None)
            else:
                self.rows[place] = body
        self.cursor, self.through = page["cursor"], page["through"]
        if page.get("allowed") is not None:
            self.papers["scopes"] = page["allowed"]
            self.rows = {
                place: body for place, body in self.rows.items()
                if any(covers(pattern, place[1]) for pattern in page["allowed"])
            }  # fmt: skip
        for scope in page.get("resnapshot", ()):
            self.load(scope)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(body) for place, body in sorted(self.rows.items()) if place[0] == kind]

    # Agreeing

    def digest(self, pattern: str) -> dict[str, Any]:
        """§7"""
        found = [number(place, body) for place, body in self.rows.items() if covers(pattern, place[1])]
        return {"count": len(found), "sum": f"{sum(found) % 2**64:016x}"}

    def repair(self, scope: str) -> list[str]:
        """§7: the leaves that were fetched."""
        mine: dict[str, int] = {}
        for place, body in self.rows.items():
            if covers(scope, place[1]):
                mine[place[2][-2:]] = mine.get(place[2][-2:], 0) + number(place, body)
        sums = {leaf: f"{total % 2**64:016x}" for leaf, total in mine.items()}
        theirs = self.call("GET", f"digest/{scope}").json()["leaves"]
        bad = sorted(leaf for leaf in {*sums, *theirs} if sums.get(leaf) != theirs.get(leaf))
        for leaf in bad:
            answer = self.call("GET", f"snapshot/{scope}", params={"leaf": leaf})
            for place in [one for one in self.rows if covers(scope, one[1]) and one[2].endswith(leaf)]:
                del self.rows[place]
            for place, fetched in bodies(answer.text, answer.json()):
                assert fetched is not None
                self.rows[place] = fetched
        return bad


def number(place: Place, body: str) -> int:
    """§2.2, `CTR1`"""
    kind, scope, id = place
    return int(hashed("CTR1", f"{kind}\n{id}\n{scope}\n", body)[:16], 16)


def bodies(text: str, page: dict[str, Any]) -> Iterator[tuple[Place, str | None]]:
    """Each row of a page and the text of its body just as it came; None where it is gone."""
    reader, at = json.JSONDecoder(), 0
    for row in page.get("rows", ()):
        place = (row["kind"], row["scope"], row["id"])
        if row.get("body") is None:
            yield place, None
            continue
        at = text.index('"body":', at) + len('"body":')
        body, end = reader.raw_decode(text, at)
        assert canonical(body) == text[at:end], "who parses it and writes it again has the same bytes (§5.3)"
        yield place, text[at:end]
        at = end
