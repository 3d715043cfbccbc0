"""Errors as RFC 9457 problem details: a status, a stable code, its parameters. Never a word of anybody's data."""

from starlette.responses import Response

from classtap_core.kernel.errors import ClassTapError, EnvironmentFault, Param
from sync.protocol import Problem, encode

_STATUS = {
    "auth.token": 401,
    "auth.missing": 401,
    "sync.signature": 401,
    "device.revoked": 403,
    "device.purge": 403,
    "device.no_order": 409,
    "sync.other_studio": 403,
    "sync.other_device": 403,
    "sync.carried_cloud": 403,
    "pair.code": 403,
    "pair.register": 403,
    "scope.not_yours": 403,
    "device.unknown": 404,
    "pass.unknown": 404,
    "pass.revoked": 409,
    "pass.not_here": 403,
    "devices.not_here": 403,
    "audit.not_here": 403,
    "audit.not_yours": 403,
    "blob.unknown": 404,
    "blob.erased": 409,
    "blob.too_big": 413,
    "pass.no_key": 409,
    "cloud.no_studio": 404,
    "seat.locked": 409,
    "seatlock.taken": 423,
    "http.not_found": 404,
    "http.method": 405,
    "sync.gap": 409,
    "sync.epoch": 409,
    "sync.fork": 409,
    "sync.unpaired": 409,
    "sync.parts_missing": 409,
    "body.too_large": 413,
    "sync.too_many": 413,
    "sync.not_one": 400,
    "body.encoding": 415,
    "rate.limited": 429,
    "cloud.fault": 500,
    "cloud.disk": 503,
    "disk_full": 503,
    "cloud.database": 503,
    "cloud.database_unreachable": 503,
    "cloud.database_full": 503,
    "cloud.database_busy": 503,
    "cloud.moved": 503,
    "cloud.stopping": 503,
}
_TITLES = {
    400: "The request is not what it should be",
    401: "Who asks could not be established",
    403: "Not allowed",
    404: "There is no such thing",
    405: "Not possible here",
    409: "It does not fit what is there already",
    413: "Too large",
    415: "An encoding that is not understood",
    422: "The studio refuses it",
    423: "Somebody else is working on it",
    429: "Too many tries",
    500: "A fault of ours",
    503: "Not available just now",
}
_SOON = frozenset({"cloud.database_unreachable", "cloud.stopping"})
"""An outage, no matter of load: asked again soon (docs/sync.md §6)."""
PROBLEM = "application/problem+json"


def status_of(code: str) -> int | None:
    """The status of a code that has one of its own."""
    return _STATUS.get(code)


def title_of(status: int) -> str:
    return _TITLES[status]


def problem(code: str, **params: Param) -> Response:
    """The answer for a code. Codes that are not listed are the caller's mistake: 400."""
    status = _STATUS.get(code, 400)
    headers = {"Retry-After": "1" if code in _SOON else "5"} if status in (429, 503) else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = encode(Problem(title=_TITLES[status], status=status, code=code, params=params))
    return Response(body, status_code=status, media_type=PROBLEM, headers=headers)


def problem_of(error: ClassTapError) -> Response:
    """The answer for one of our errors. What fails around us is 503, whatever it is."""
    if isinstance(error, EnvironmentFault) and error.code not in _STATUS:
        return problem("cloud.database")
    return problem(error.code, **error.params)
