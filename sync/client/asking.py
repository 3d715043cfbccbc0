"""Asking the cloud something beside the round of sync: one connection for one question."""

from collections.abc import Iterator
from contextlib import contextmanager

from classtap_core.kernel.errors import EnvironmentFault, Refused
from sync.client.node import Node
from sync.client.transport import Rejected, Transport, Unreachable


@contextmanager
def the_cloud(node: Node) -> Iterator[Transport]:
    """A connection of the question's own. Raises EnvironmentFault `cloud.unreachable`, Refused with the cloud's code."""
    transport = Transport(node.url, node.papers.token)
    try:
        yield transport
    except Unreachable as error:
        raise EnvironmentFault("cloud.unreachable", url=node.url) from error
    except Rejected as no:
        raise Refused(no.code, **no.params) from no
    finally:
        transport.close()
