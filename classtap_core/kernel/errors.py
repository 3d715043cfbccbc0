"""Two kinds of trouble: what the world did (shown to a person, with a cure) and what we did wrong (a bug)."""

Param = str | int


class ClassTapError(Exception):
    """Something a person can be told. Carries a code and parameters; the edge makes the sentence."""

    def __init__(self, code: str, **params: Param) -> None:
        super().__init__(code)
        self.code = code
        self.params = params

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in sorted(self.params.items()))
        return f"{self.code}({shown})" if shown else self.code


class EnvironmentFault(ClassTapError):
    """The surroundings fail: disk full, no camera, no keyring, no network, a clock far off."""


class Refused(ClassTapError):
    """A request that stands against a rule; nothing was changed."""


class BadInput(ClassTapError):
    """Bytes, files or words that are not what they should be; nothing was changed."""


class NotHeld(Exception):
    """A read of something this device does not hold. Never to be read as "there is none"."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class ProgramFault(Exception):
    """Our own mistake. Never shown as a sentence; the operation that met it is quarantined."""


class UndeclaredRead(ProgramFault):
    """A handler asked for something its operation did not declare."""
