import os
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "../shared/data"


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder of data that is not ours to ship; absent only outside of CI."""
    if not SHARED.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{SHARED} is absent: CI mounts the reference data there")
        pytest.skip("the reference data are not beside this checkout")
    return SHARED


@pytest.fixture
def shared(shared_folder: Path) -> Path:
    """The same, for a single test."""
    return shared_folder
