"""One mandate that people signed, for every governed session in virtual time."""

import pytest

from tests.fakes.virtual_desk import Mandate, mandate


@pytest.fixture(scope="session")
def testnet(tmp_path_factory: pytest.TempPathFactory) -> Mandate:
    return mandate(tmp_path_factory.mktemp("mandate") / "desk")
