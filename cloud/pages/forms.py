"""What the family's pages with a form share: who asks, work that leaves the loop free, and the answer where it went wrong."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ClassVar, TypeVar

from starlette.requests import Request

from classtap_core.kernel.errors import ClassTapError, EnvironmentFault
from cloud.composition import Cloud
from cloud.pages.doors import Inside
from cloud.pages.frame import COOKIE, MISSING
from resources.text import Catalogue

T = TypeVar("T")


class FormPage:
    """A page of a guardian who is inside.

    Attributes:
        NAME: what its own sentences begin with. SAID: where the words for a code are looked for, in this order.
    """

    NAME: ClassVar[str]
    SAID: ClassVar[tuple[str, ...]]

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def _inside(self, request: Request) -> Inside:
        return await self._run(partial(self._cloud.doors.inside, request.cookies.get(COOKIE, "")))

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._cloud.reading, work)

    def _sentence(self, words: Catalogue, trouble: ClassTapError | None) -> str:
        """What happened and what to do, in one sentence; "" where nothing did."""
        if trouble is None:
            return ""
        if isinstance(trouble, EnvironmentFault):
            return words.say(f"{self.NAME}.not_kept")
        for code in (before + trouble.code for before in self.SAID):
            if words.has(code):
                return words.say(code, **trouble.params)
        return words.say(f"{self.NAME}.refused")


def status_of(trouble: ClassTapError | None) -> int:
    """The page's status: 503 where it is ours, else the refusal's own, or 409."""
    if trouble is None:
        return 200
    return 503 if isinstance(trouble, EnvironmentFault) else MISSING.get(trouble.code, 409)
