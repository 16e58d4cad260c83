"""The test cluster itself: what the tests on it rely on."""

from __future__ import annotations

import pytest

from .cluster import Cluster

_PYTHON = "/usr/bin/python3"  # every host and every user can run this one


@pytest.fixture
def cluster() -> Cluster:
    reason = Cluster.unavailable()
    if reason is not None:
        pytest.skip(f"no test cluster here: {reason}")
    return Cluster.up()
