import os
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "../shared/data"


@pytest.fixture
def shared() -> Path:
    """The folder of data that is not ours to ship; absent only outside of CI."""
    if not SHARED.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{SHARED} is absent: CI mounts the reference data there")
        pytest.skip("the reference data are not beside this checkout")
    return SHARED
