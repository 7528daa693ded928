"""Every example of the page on the visit strategy is carried out, and prints what it says."""

import io
import re
import shutil
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest

from crmbridge.cli.main import main
from crmbridge.settings import loads

PAGE = Path(__file__).parents[2] / "docs" / "visits.md"
_BLOCK = re.compile(r"^```(csv|toml|ics|sh|text)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)


def sections() -> Iterator[tuple[str, str]]:
    """(title, text) of each section."""
    parts = _SECTION.split(PAGE.read_text("utf-8"))[1:]
    yield from zip(parts[::2], parts[1::2], strict=True)


def blocks(text: str) -> list[tuple[str, str, str]]:
    """(language, file name, content) of each block, in order."""
    return _BLOCK.findall(text)


def run_command(line: str, folder: Path) -> str:
    """What a command prints on both channels; 0 is how it must end."""
    out = io.StringIO()
    with (
        chdir(folder),
        patch("sys.argv", line.split()),
        redirect_stdout(out),
        redirect_stderr(out),
        pytest.raises(SystemExit) as end,
    ):
        main()
    assert end.value.code == 0, out.getvalue()
    return out.getvalue()


def carry_out(text: str, base: str, folder: Path) -> Iterator[tuple[str, str]]:
    """(what the page says is printed, what is printed) of a section's blocks.

    Files are written, a block of TOML goes after the first section's, commands are run in order. A
    block of text that names a file tells what the file says.
    """
    printed = ""
    for language, name, content in blocks(text):
        if language == "text":
            yield content, said_by((folder / name).read_text("utf-8")) if name else printed
        elif language == "sh":
            printed = "".join(run_command(line, folder) for line in content.splitlines())
        elif language == "toml":
            (folder / "crmbridge.toml").write_text(joined(base, content), encoding="utf-8")
        else:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")


def joined(base: str, more: str) -> str:
    """Two pieces of configuration as one; both may have a table planning."""
    if "[planning]" not in more.splitlines():
        return f"{base}\n{more}"
    head, _, own = base.partition("[planning]\n")
    return f"{head}{more.replace('[planning]', '[planning]' + chr(10) + own.rstrip(), 1)}"


def said_by(calendar: str) -> str:
    """The text of a calendar's descriptions, unfolded, one line each."""
    whole = calendar.replace("\r\n", "\n").replace("\n ", "")
    return whole.replace("\\n", "\n").replace("\\,", ",").replace("\\;", ";")


def pattern(said: str) -> re.Pattern[str]:
    """What matches a text that holds these lines; ... stands for lines, or for a line's end."""
    lines = [_line(line) for line in said.splitlines()]
    return re.compile("^" + "".join(lines), re.MULTILINE)


def _line(shown: str) -> str:
    if shown == "...":
        return r"(?:.*\n)*?"
    head, dots, _ = shown.partition("...")
    return re.escape(head) + (r".*\n" if dots else r"\n")


FIRST, *OTHERS = [text for _, text in sections() if blocks(text)]
BASE = next(content for language, _, content in blocks(FIRST) if language == "toml")
TITLES = [title for title, text in sections() if blocks(text)][1:]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as the first example leaves it: the company pulled and analysed."""
    folder = tmp_path_factory.mktemp("company")
    for said, printed in carry_out(FIRST, "", folder):
        assert pattern(said).search(printed), printed
    return folder


@pytest.mark.parametrize("text", OTHERS, ids=TITLES)
def test_an_example_prints_what_the_page_says(text: str, company: Path, tmp_path: Path) -> None:
    folder = tmp_path / "company"
    shutil.copytree(company, folder)

    for said, printed in carry_out(text, BASE, folder):
        assert pattern(said).search(printed), printed


def test_every_section_shows_configuration_that_is_accepted() -> None:
    for title, text in zip(TITLES, OTHERS, strict=True):
        [toml] = [content for language, _, content in blocks(text) if language == "toml"]
        assert loads(joined(BASE, toml), {}), title


def test_what_is_not_printed_is_noticed() -> None:
    assert pattern("a\n...\nc ...\n").search("a\nb\nc and d\n")
    assert pattern("b\n").search("a\nb\n")
    for said in ("a\nc\n", "b\n...\na\n", "a b ...\n"):
        assert not pattern(said).search("a\nb\nc\n")
