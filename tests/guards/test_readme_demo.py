"""README shows what the demo prints, line by line."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_line_of_the_demo_in_readme_is_printed() -> None:
    [golden] = (ROOT / "tests" / "journey" / "golden").glob("demo*")
    printed = golden.read_text("utf-8").splitlines()
    block = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)

    assert block is not None
    shown = [line for line in block[1].splitlines() if line != "..."]
    assert [line for line in shown if line not in printed] == []
