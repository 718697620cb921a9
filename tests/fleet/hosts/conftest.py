"""A host with an agent of its own."""

import pytest
from tests.fleet.made_agent import Site, ended


@pytest.fixture
def site(tmp_path):
    with ended(Site(tmp_path)) as made:
        yield made
