"""Where providers tell us what came back. Each call proves whose it is, or is nothing."""

import asyncio
import hmac
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from classtap_core.kernel.errors import Refused
from cloud.bodies import read_body
from cloud.composition import Cloud
from cloud.messaging.returns import about, heard, is_theirs, returned, said_of_sms
from cloud.pages.frame import PREFIX, SECURITY, Handler

T = TypeVar("T")
MOST_MAIL = 256 * 1024
_FORM = 16_384


def hook_routes(cloud: Cloud) -> list[tuple[str, Handler, str]]:
    """The addresses, what answers them, and with which method."""
    hooks = _Hooks(cloud)
    return [
        (f"{PREFIX}/hook/sms", hooks.sms, "POST"),
        (f"{PREFIX}/hook/sms/status/{{about}}", hooks.status, "POST"),
        (f"{PREFIX}/hook/mail", hooks.mail, "POST"),
    ]


class _Hooks:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def sms(self, request: Request) -> Response:
        form = await self._signed(request)
        await self._run(partial(heard, self._cloud.studios, form))
        return Response("<Response/>", media_type="text/xml", headers=SECURITY)

    async def status(self, request: Request) -> Response:
        form = await self._signed(request)
        await self._run(partial(said_of_sms, self._cloud.studios, about(request.path_params["about"]), form))
        return Response(status_code=204, headers=SECURITY)

    async def mail(self, request: Request) -> Response:
        """A returned mail as it came (message/rfc822), from a mailbox's pipe; with the hook's secret as bearer."""
        secret = self._cloud.post.mail_secret
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
            raise Refused("auth.token")
        told = await self._run(partial(returned, self._cloud.studios, await read_body(request, most=MOST_MAIL)))
        return Response(status_code=204 if told else 202, headers=SECURITY)

    async def _signed(self, request: Request) -> Mapping[str, str]:
        """The form of a call that the provider signed. Raises Refused `auth.token`."""
        form = dict(
            parse_qsl((await read_body(request, most=_FORM)).decode("utf-8", "replace"), keep_blank_values=True)
        )
        post = self._cloud.post
        url = (post.url or self._cloud.studios.url) + request.url.path
        if not is_theirs(post.sms_secret, url, form, request.headers.get("x-twilio-signature", "")):
            raise Refused("auth.token")
        return form

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._cloud.reading, work)
