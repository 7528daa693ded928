"""What the tutorial quotes is what is tested."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "write-an-adapter.md"
QUOTED = re.findall(
    r"<!-- from (\S+) -->\n```python\n(.*?)^```$",
    TUTORIAL.read_text("utf-8"),
    re.DOTALL | re.MULTILINE,
)


@pytest.mark.parametrize(("source", "block"), QUOTED, ids=[source for source, _ in QUOTED])
def test_a_quotation_stands_in_its_file(source: str, block: str) -> None:
    assert block.rstrip() in (ROOT / source).read_text("utf-8")


def test_both_adapters_are_shown_whole() -> None:
    shown = dict(QUOTED)

    for name in ("jsonlines_adapter.py", "rest_adapter.py"):
        source = f"tests/contract/{name}"
        assert shown[source] == (ROOT / source).read_text("utf-8")
