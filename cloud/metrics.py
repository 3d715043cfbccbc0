"""A few numbers for operators, in Prometheus' text form. Counts and times only."""

import threading
from collections import Counter
from collections.abc import Iterable

from classtap_core.kernel.device_store import Answer


class Metrics:
    """Counters of this process."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._operations: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._brought = 0
        self._lock = threading.Lock()

    def request(self, path: str, status: int, seconds: float) -> None:
        with self._lock:
            self._requests[(path, status)] += 1
            self._seconds[path] += seconds  # type: ignore[assignment]

    def refused(self, code: str) -> None:
        """Count a refusal by its code: bad signatures among them, of which nothing else is kept."""
        with self._lock:
            self._refusals[code] += 1

    def answers(self, answers: Iterable[Answer]) -> None:
        with self._lock:
            self._operations.update(answer.outcome.status.value for answer in answers)

    def carried(self, operations: int) -> None:
        """Count operations that another device than their author brought first."""
        with self._lock:
            self._brought += operations

    def text(self, *, listeners: int) -> str:
        with self._lock:
            lines = ["# TYPE classtap_requests_total counter"]
            lines += [
                f'classtap_requests_total{{path="{path}",status="{status}"}} {count}'
                for (path, status), count in sorted(self._requests.items())
            ]
            lines.append("# TYPE classtap_request_seconds_total counter")
            lines += [
                f'classtap_request_seconds_total{{path="{path}"}} {seconds:.6f}'
                for path, seconds in sorted(self._seconds.items())
            ]
            lines.append("# TYPE classtap_operations_total counter")
            lines += [
                f'classtap_operations_total{{status="{status}"}} {count}'
                for status, count in sorted(self._operations.items())
            ]
            lines.append("# TYPE classtap_refusals_total counter")
            lines += [
                f'classtap_refusals_total{{code="{code}"}} {count}' for code, count in sorted(self._refusals.items())
            ]
            lines += ["# TYPE classtap_carried_total counter", f"classtap_carried_total {self._brought}"]
        lines += ["# TYPE classtap_listeners gauge", f"classtap_listeners {listeners}"]
        return "\n".join(lines) + "\n"
