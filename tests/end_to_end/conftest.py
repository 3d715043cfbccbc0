"""One running studio for the tests of a module: its devices are left, so that commands can open them."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.rig import Studio, running_studio


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A demo studio with a kiosk and a desk that nobody has open. A test that opens one leaves it again."""
    with running_studio(tmp_path_factory.mktemp("studio") / "data", families=16) as made:
        made.leave()
        yield made
