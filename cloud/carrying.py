"""A device brings what another of its studio wrote and signed: whether it may, and what it is told of it.

What the carrier may read or do does not matter: the word is the author's, and is judged by the author's rights. Nor does
the author count as heard of, but by how far its log has come.
"""

from msgspec.structs import replace

from classtap_core.access.blueprints import CLOUD
from classtap_core.kernel.authority import Pushed
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from cloud.storage.directory import DeviceEntry
from cloud.studios import Studios


def check_author(studios: Studios, carrier: DeviceEntry, author: Id) -> None:
    """See that a carrier, which stands, brings the work of one that was paired with the same studio.

    Raises Refused `sync.unpaired`; `sync.carried_cloud`: the studio's own device needs nobody to carry for it.
    """
    with studios.books.database.read(carrier.studio) as connection:
        found = studios.directory.device(connection, carrier.studio, author)
    if found is None:
        raise Refused("sync.unpaired")
    if found.role == CLOUD:
        raise Refused("sync.carried_cloud")


def for_carrier(taken: Pushed) -> Pushed:
    """What became of a batch, without what its author has to do now: that is told to the author, when it sends the same."""
    return taken._replace(answers=tuple(replace(answer, effects=()) for answer in taken.answers))
