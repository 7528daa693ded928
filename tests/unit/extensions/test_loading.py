"""Every plugin is loaded on its own: a broken one is named, and hides no other."""

import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

from crmbridge.errors import ConfigError
from crmbridge.extensions import Code, Extensions, Problem, command_apps, load_extensions
from crmbridge.records import Event

HEAD = """
from crmbridge.extensions import Scorer, hookimpl
from crmbridge.testing.memory import MemorySettings
from crmbridge.adapters import Adapter, Capabilities

def adapter(name):
    return Adapter(
        name=name, title=name, settings=MemorySettings, open=print,
        capabilities=Capabilities(objects={}),
    )
"""
REGISTERS = """
@hookimpl
def crmbridge_register_adapters(register):
    register(adapter("{name}"))
"""


class Shelf:
    """A folder on the search path that distributions are put into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, distribution: str, code: str, plugin: str = "") -> None:
        """Install a distribution of one module that holds a plugin."""
        module = "fake_" + distribution.replace("-", "_").lower()
        (self.folder / f"{module}.py").write_text(HEAD + textwrap.dedent(code))
        info = self.folder / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {distribution}\nVersion: 1.2\n")
        name = plugin or distribution.lower()
        (info / "entry_points.txt").write_text(f"[crmbridge]\n{name} = {module}\n")

    def points(self) -> list[EntryPoint]:
        """The entry points of what was put here."""
        return [p for dist in distributions(path=[str(self.folder)]) for p in dist.entry_points]

    def load(self, *allow: str) -> Extensions:
        """Load what is here."""
        return load_extensions(allow, self.points())


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Shelf(tmp_path)
    for name in [name for name in sys.modules if name.startswith("fake_")]:
        del sys.modules[name]


def only_problem(extensions: Extensions) -> Problem:
    (problem,) = extensions.problems
    return problem


def event() -> Event:
    return Event(code="job.failed", at=datetime(2026, 1, 1, tzinfo=UTC), facts={"count": 1})


def test_an_adapter_is_found_with_its_origin(shelf: Shelf) -> None:
    shelf.put("Acme_CRM", REGISTERS.format(name="acme"))

    found = shelf.load("acme-crm")

    assert found.adapter("acme", "connections.a.adapter").title == "acme"
    assert str(found.adapters["acme"].origin) == "acme_crm (acme-crm 1.2)"
    assert found.problems == ()


def test_a_plugin_that_nobody_allowed_is_not_even_imported(shelf: Shelf) -> None:
    shelf.put("stranger", "raise RuntimeError('imported')")

    found = shelf.load()

    assert only_problem(found).code is Code.NOT_ALLOWED
    assert "add 'stranger' to plugins.allow" in only_problem(found).remedy
    assert "fake_stranger" not in sys.modules


def test_a_plugin_named_like_ours_in_another_distribution_is_a_stranger(shelf: Shelf) -> None:
    shelf.put("evil", REGISTERS.format(name="salesforce"), plugin="salesforce")

    assert only_problem(shelf.load()).code is Code.NOT_ALLOWED


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise BaseException('odd')", "BaseException: odd"),
        ("this is no Python", "SyntaxError"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
    ],
)
def test_a_plugin_that_cannot_be_imported_hides_no_other(
    shelf: Shelf, code: str, reason: str
) -> None:
    shelf.put("broken", code)
    shelf.put("sound", REGISTERS.format(name="sound"))

    found = shelf.load("broken", "sound")

    assert list(found.adapters) == ["sound"]
    assert only_problem(found).code is Code.BROKEN
    assert only_problem(found).origin.distribution == "broken"
    assert only_problem(found).reason.startswith(reason)


def test_a_misspelt_hook_is_named_with_the_one_that_was_meant(shelf: Shelf) -> None:
    shelf.put("slip", "@hookimpl\ndef crmbridge_register_adapter(register):\n    pass\n")

    problem = only_problem(shelf.load("slip"))

    assert problem.reason == "there is no hook crmbridge_register_adapter"
    assert problem.remedy == "Did you mean crmbridge_register_adapters?"


def test_a_hook_without_its_mark_is_named(shelf: Shelf) -> None:
    shelf.put("plain", "def crmbridge_on_event(event):\n    pass\n")

    problem = only_problem(shelf.load("plain"))

    assert problem.hook == "crmbridge_on_event"
    assert "not marked with @hookimpl" in problem.reason


def test_a_hook_with_an_argument_too_many_is_named(shelf: Shelf) -> None:
    shelf.put("greedy", "@hookimpl\ndef crmbridge_on_event(event, store):\n    pass\n")

    assert "store" in only_problem(shelf.load("greedy")).reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("raise OSError('no licence')", "OSError: no licence"),
        ("raise SystemExit", "SystemExit: no message"),
        ("register('text')", "register: expected an object of class Adapter, got one of str."),
        ("register(adapter(None))", "register: expected the Adapter to have a name, got None."),
    ],
)
def test_a_register_hook_that_raises_registers_nothing(
    shelf: Shelf, line: str, reason: str
) -> None:
    shelf.put("half", REGISTERS.format(name="half") + f"    {line}\n")
    shelf.put("whole", REGISTERS.format(name="whole"))

    found = shelf.load("half", "whole")

    assert list(found.adapters) == ["whole"]
    assert only_problem(found).reason == reason
    assert only_problem(found).hook == "crmbridge_register_adapters"


def test_two_strangers_with_one_adapter_name_are_both_refused(shelf: Shelf) -> None:
    shelf.put("one", REGISTERS.format(name="acme") + "    register(adapter('other'))\n")
    shelf.put("two", REGISTERS.format(name="acme"))

    found = shelf.load("one", "two")

    assert list(found.adapters) == ["other"]
    assert [problem.code for problem in found.problems] == [Code.CONFLICT, Code.CONFLICT]
    assert found.problems[0].reason == "'acme' is offered by two (two 1.2), too"


def test_ours_keeps_its_name_against_a_stranger(shelf: Shelf) -> None:
    shelf.put("crmbridge-csv", REGISTERS.format(name="csv"))
    shelf.put("evil", REGISTERS.format(name="csv"))

    found = shelf.load("evil")

    assert found.adapters["csv"].origin.distribution == "crmbridge-csv"
    assert only_problem(found).origin.distribution == "evil"


def test_an_unknown_adapter_says_which_there_are_and_why_one_is_missing(shelf: Shelf) -> None:
    shelf.put("crmbridge-hubspot", "import no_such_library", plugin="hubspot")
    shelf.put("crmbridge-csv", REGISTERS.format(name="csv"))
    found = shelf.load()

    with pytest.raises(ConfigError, match=r"a\.adapter: expected one of csv, got 'x'\. Run"):
        found.adapter("x", "a.adapter")
    with pytest.raises(ConfigError, match=r"hubspot \(crmbridge-hubspot 1\.2\): ModuleNotFound"):
        found.adapter("hubspot", "a.adapter")


def test_every_listener_hears_an_event_though_others_raise_or_change_it(shelf: Shelf) -> None:
    shelf.put("a-spoils", "@hookimpl\ndef crmbridge_on_event(event):\n    event.facts.clear()\n")
    shelf.put("b-raises", "@hookimpl\ndef crmbridge_on_event(event):\n    raise SystemExit\n")
    shelf.put(
        "c-hears",
        "heard = []\n@hookimpl\ndef crmbridge_on_event(event):\n    heard.append(event)\n",
    )
    found = shelf.load("a-spoils", "b-raises", "c-hears")

    (problem,) = found.notify(event())

    assert problem.origin.distribution == "b-raises"
    assert sys.modules["fake_c_hears"].heard == [event()]


def test_scorers_are_found_like_adapters(shelf: Shelf) -> None:
    code = """
    @hookimpl
    def crmbridge_register_scorers(register):
        register(Scorer(name="mine", title="Mine", score=lambda customers, now: customers))
    """
    shelf.put("scores", code)

    assert shelf.load("scores").scorers["mine"].item.title == "Mine"


def test_commands_are_added_to_an_app_of_the_plugin_s_own(shelf: Shelf) -> None:
    shelf.put("adds", "@hookimpl\ndef crmbridge_register_commands(app):\n    app.append('go')\n")
    shelf.put(
        "fails",
        "@hookimpl\ndef crmbridge_register_commands(app):\n    app.append('x')\n    1 / 0\n",
    )
    found = shelf.load("adds", "fails")

    apps, problems = command_apps(found, list[str])

    assert [(origin.plugin, app) for origin, app in apps] == [("adds", ["go"])]
    assert [problem.origin.plugin for problem in problems] == ["fails"]


def test_what_a_plugin_prints_does_not_spoil_the_answer(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.put("talks", "print('hello')\n" + REGISTERS.format(name="talks"))

    shelf.load("talks")

    assert capsys.readouterr() == ("", "hello\n")


def test_control_c_while_a_plugin_loads_stops_the_command(shelf: Shelf) -> None:
    shelf.put("slow", "raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        shelf.load("slow")


def test_the_adapter_that_ships_is_found_where_it_is_installed() -> None:
    assert load_extensions().adapters["csv"].origin.is_own
