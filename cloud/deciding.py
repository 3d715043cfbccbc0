"""One signed operation, decided while the caller waits: its outcome as a status of HTTP, its reasons as a problem."""

from starlette.responses import Response

from classtap_core.kernel.device_store import Answer
from classtap_core.kernel.outcomes import Outcome, Reason, Status
from cloud.problems import PROBLEM, status_of, title_of
from sync.protocol import Decided, Refusal, encode

_CODES = {"seat.locked": "SeatLocked"}
"""Codes that the catalogue names otherwise (15, requirement 6)."""
_ENDINGS = {"unknown": 404, "no_version": 404, "moved": 409, "taken": 409, "full": 409, "exists": 409}


def decided(answer: Answer, *, cloud_ms: int) -> Response:
    """200 for what stands, 202 for what waits, else a problem with every reason, alternative and obligation."""
    outcome = answer.outcome
    headers = {"Cache-Control": "no-store"}
    if outcome.status not in (Status.REFUSED, Status.QUARANTINED):
        status = 202 if outcome.status is Status.WAITING else 200
        body = encode(Decided(answer=answer, cloud_ms=cloud_ms))
        return Response(body, status_code=status, media_type="application/json", headers=headers)
    why = first_reason(outcome)
    code = "" if why is None else why.code
    status = http_status(code)
    said = Refusal(
        title=title_of(status), status=status, code=_CODES.get(code, code) or "operation.refused",
        params={} if why is None else dict(why.params), answer=answer,
    )  # fmt: skip
    return Response(encode(said), status_code=status, media_type=PROBLEM, headers=headers)


def first_reason(outcome: Outcome) -> Reason | None:
    """What to name first: a reason of the whole, else of the first item that is not refused because of another."""
    reasons = [*outcome.reasons, *(one for item in outcome.items for one in item.reasons)]
    return next((one for one in reasons if one.code != "session.with_others"), reasons[0] if reasons else None)


def http_status(code: str) -> int:
    """The status for the code of a refusal: 409 where it would have been right at another moment, 422 where never."""
    if code.startswith("permission."):
        return 403
    listed = status_of(code)
    if listed is not None:
        return listed
    ending = code.rpartition(".")[2]
    return next((status for word, status in _ENDINGS.items() if ending == word or ending.endswith(f"_{word}")), 422)
