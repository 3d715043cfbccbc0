"""Passes in numbers: how large they are, how small they still read, how long a verdict and a first look take."""

import time
from functools import cache

import cv2
import numpy as np
from msgspec.structs import replace
from pyzbar import pyzbar
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

from bench.claims import Claim, claim, percentile
from bench.ground.studio import copied, ground, kiosk
from classtap_cli.demo.hard_frames import hard_frames
from classtap_core.passes import picture, rolling, trial
from classtap_core.passes.codec import Algorithm, Kind, PassClaims, Tier, encode
from classtap_core.passes.jws import to_jws
from classtap_core.passes.signing import ed25519_signer
from kiosk.door import Door

RUNS = 1
"""Each looks at hundreds of frames and thousands of verdicts."""
SEED = 2026
FRAMES = 300
"""Frames of each code at 150 pixels; 300 without a miss say 99 % with 95 % confidence."""
LOOKS = 60
VERDICTS = 2_000
NOW_S = 1_795_248_000


def run() -> list[Claim]:
    """One run of every claim, on one thread."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return [*_sizes(), *_small(), *_verdicts(), *_looks()]
    finally:
        cv2.setNumThreads(threads)


_CLAIMS = PassClaims(
    algorithm=Algorithm.ED25519, key_id=255, studio=2**64 - 1, handle=2**64 - 2, epoch=2**32 - 1, not_before=NOW_S,
    expires=NOW_S + 3600, nonce=2**48 - 1,
)  # fmt: skip
_EVENT = replace(_CLAIMS, kind=Kind.EVENT, event=2**64 - 1, token=2**48 - 1)
_SIGNER = ed25519_signer(bytes(range(32)))


@cache
def _texts() -> dict[str, str]:
    """A printed pass, one on a screen, and an event pass with every claim there is, the largest numbers in them."""
    shown = encode(replace(_CLAIMS, tier=Tier.ROLLING), _SIGNER.sign)
    return {
        "static": encode(_CLAIMS, _SIGNER.sign),
        "rolling": rolling.with_code(shown, bytes(20), at_s=NOW_S),
        "event": encode(_EVENT, _SIGNER.sign),
    }


@cache
def _jwt() -> str:
    """The event pass's claims as API users get them."""
    return to_jws(_EVENT, _SIGNER)


def _jwt_code() -> QRCode:
    code = QRCode(error_correction=ERROR_CORRECT_M, border=picture.QUIET_ZONE)
    code.add_data(_jwt())
    code.make(fit=True)
    return code


def _sizes() -> list[Claim]:
    beside = ("a JWT of the event pass's claims", float(_jwt_code().version))
    return [
        claim(f"passes.{name}.qr_version", float(_version(text)), goal=7, beside=beside)
        for name, text in _texts().items()
    ]


def _version(text: str) -> int:
    """The smallest version of level M that holds a text, as the library that draws it finds it."""
    code = QRCode(error_correction=ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    return int(code.version)


@cache
def _small() -> list[Claim]:
    """Decode at 150 pixels a side, quiet zone included, by the first decoder alone; the same frames in every run."""
    jwt = np.where(np.kron(np.array(_jwt_code().get_matrix()), np.ones((8, 8), bool)), 0, 255).astype(np.uint8)
    beside = ("a JWT of the event pass's claims", 100 * trial.read_rate(jwt, _jwt(), count=FRAMES, seed=SEED))
    claims = []
    for name, text in _texts().items():
        drawn = cv2.imdecode(np.frombuffer(picture.png(text), np.uint8), cv2.IMREAD_GRAYSCALE)
        rate = 100 * trial.read_rate(np.asarray(drawn, np.uint8), text, count=FRAMES, seed=SEED)
        claims.append(claim(f"passes.{name}.read_at_150_px_percent", rate, goal=99.0, beside=beside))
    return claims


def _verdicts() -> list[Claim]:
    """Text to outcome in a kiosk's encrypted store with 20,000 children and 50,000 scans behind it."""
    due = [one for one in ground().due if one.text][:VERDICTS]
    with copied("kiosk") as folder, kiosk(folder) as node:
        door = Door(node)
        seen = [door.scan(one.text, keep=False).result() for one in due]
    if any(one.outcome != "ok" for one in seen):
        raise RuntimeError("a good pass was refused")
    times = [one.verify_ms for one in seen]
    return [
        claim("passes.verify.p50_ms", percentile(times, 50)),
        claim("passes.verify.p99_ms", percentile(times, 99), goal=2.0),
    ]


@cache
def _greys() -> list[trial.Grey]:
    frames = hard_frames(tuple(_texts().values()), per_condition=LOOKS, seed=SEED)
    clean = (frame.picture for frame in frames if frame.condition == "clean")
    return [np.asarray(cv2.cvtColor(picture_, cv2.COLOR_BGR2GRAY), np.uint8) for picture_ in clean]


def _looks() -> list[Claim]:
    """A grey frame of 1280x720 with a pass in it to its text: the first decoder, and pyzbar on the same frames."""
    ours, theirs = [], []
    for grey in _greys():
        started = time.perf_counter()
        trial.first_look(grey)
        ours.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        pyzbar.decode(grey, symbols=[pyzbar.ZBarSymbol.QRCODE])
        theirs.append((time.perf_counter() - started) * 1000)
    return [
        claim(f"decode.first_stage.p{percent}_ms", percentile(ours, percent), goal=goal, beside=("pyzbar", value))
        for percent, goal in ((50, 2.0), (95, 8.0))
        for value in (percentile(theirs, percent),)
    ]
