"""Writes the three tones beside this file: ``python -m resources.sounds.make_tones``. Ours, from sine waves alone."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

RATE = 22_050
PEAK = 0.32
FADE_S = 0.012
# name: (frequency in Hz, length in s) one after the other; rising says yes, level says look, falling says no.
TONES = {
    "ok": ((659.26, 0.09), (987.77, 0.16)),
    "attention": ((587.33, 0.12), (587.33, 0.18)),
    "refusal": ((392.00, 0.14), (261.63, 0.24)),
}


def samples(notes: tuple[tuple[float, float], ...]) -> bytes:
    """Return 16-bit mono samples of the notes, each faded in and out so that nothing clicks."""
    frames = bytearray()
    for frequency, length in notes:
        count = int(RATE * length)
        for at in range(count):
            fade = min(1.0, at / (RATE * FADE_S), (count - at) / (RATE * FADE_S * 3))
            wave_value = math.sin(2 * math.pi * frequency * at / RATE)
            wave_value += 0.25 * math.sin(4 * math.pi * frequency * at / RATE)
            frames += struct.pack("<h", int(32_767 * PEAK * fade * wave_value / 1.25))
    return bytes(frames)


def main() -> None:
    """Write every tone as a WAV file."""
    for name, notes in TONES.items():
        with wave.open(str(Path(__file__).with_name(f"{name}.wav")), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(samples(notes))


if __name__ == "__main__":
    main()
