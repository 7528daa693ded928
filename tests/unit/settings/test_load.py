"""Finding, reading and checking a configuration file."""

import os
from datetime import date, time
from pathlib import Path

import pytest

from crmbridge.errors import ConfigError, ExitCode, UsageError
from crmbridge.settings import Settings, load, loads

CSV = '[connections.a]\nadapter = "csv"\n'


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loads(text, {})
    assert caught.value.exit_code == ExitCode.CONFIG
    return str(caught.value)


def test_the_named_file_wins_over_the_environment_and_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seed in (("named", 1), ("environment", 2), ("crmbridge", 3)):
        (tmp_path / f"{name}.toml").write_text(f"[planning]\nseed = {seed}\n")
    monkeypatch.chdir(tmp_path)
    environ = {"CRMBRIDGE_CONFIG": "environment.toml"}

    assert load(Path("named.toml"), environ).planning.seed == 1
    assert load(None, environ).planning.seed == 2
    assert load(None, {}).planning.seed == 3


def test_a_missing_file_points_to_init(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"none\.toml: expected a configuration file.*crmbridge init"
    ):
        load(tmp_path / "none.toml", {})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "expected settings, got an empty file"),
        (b" \n\t\n", "expected settings, got an empty file"),
        (b"[planning]\nseed = \xff\n", "crm.toml:2: expected UTF-8, got byte 0xff"),
        (b'a = "\0"', r"crm.toml:1:6: expected TOML, got Illegal character '\\x00'"),
        (b"[planning]\nseed 1\n", "crm.toml:2:6: expected TOML"),
        (b"[planning]\nseed = 1\nseed = 2\n", "Cannot overwrite a value"),
        (b"[planning]\nseed = 2026-02-30\n", "crm.toml:2:8: expected TOML"),
        (b"a = " + b"[" * 3000, "nested less deeply"),
        (b"a = " + b"1" * 5000, "crm.toml: expected TOML"),
        (b"#" * 1_000_001, "expected at most 1000000 bytes, got more"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "crm.toml"
    file.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load(file, {})

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_and_a_pipe_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ConfigError, match="expected a file, got a folder"):
        load(tmp_path, {})
    with pytest.raises(ConfigError, match="expected a file, got something else"):
        load(tmp_path / "pipe", {})


def test_a_mark_that_editors_leave_in_front_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "crm.toml").write_bytes(b"\xef\xbb\xbf[planning]\nseed = 5\n")

    assert load(tmp_path / "crm.toml", {}).planning.seed == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plannin = 1", "plannin: expected a known key, got 'plannin'. Did you mean 'planning'?"),
        ("connections = 3", "connections: expected a table, got 3."),
        ("[planning]\nseed = true", "planning.seed: expected a whole number, got true."),
        ("[planning]\nseed = -1", "planning.seed: expected a number of at least 0, got -1."),
        ("[planning]\nseconds_per_rep = inf", "expected a finite number, got inf."),
        ("[planning]\nseconds_per_rep = nan", "planning.seconds_per_rep: expected a"),
        ('[engine]\nbackend = "dusk"', "engine.backend: expected 'local' or 'dask', got 'dusk'."),
        ('[connections.a]\nadaptr = "csv"', "got 'adaptr'. Did you mean 'adapter'?"),
        ("[connections.a]", "connections.a.adapter: expected this key, got none."),
        ('[connections."a/b"]\nadapter = "csv"', "connections.'a/b': expected letters"),
        (CSV + 'completes = "b"', "connections.a.completes: expected a connection of this file"),
        (CSV + 'completes = "a"', "expected a connection that completes no other"),
        (CSV + "[connections.a.streams.costumers]", "Did you mean 'customers'?"),
        (CSV + 'mapping = { customers = { A = { nmae = "x" } } }', "Did you mean 'name'?"),
        (CSV + 'mapping = { customers = { A = { name = {} } } }', "either field or const"),
        (CSV + "write = { visits = 1 }", "true, false or a list of e-mail addresses, got 1."),
        ('[reps."ann"]', "reps.ann: expected an e-mail address, got 'ann'."),
        ('[reps."a@b.c"]\nstart = "08:00"', "expected a time like 08:00:00, got '08:00'."),
        ('[reps."a@b.c"]\nstart = 18:00:00', "expected a start before the end, got 18:00:00 to"),
        ('[reps."a@b.c"]\nhome = [0, 0]', "expected a place on land"),
        ('[reps."a@b.c"]\nhome = [91, 0]', "at most 90 and 180"),
        ('[reps."a@b.c"]\nhome = [52.5]', "home: expected a longer list."),
        ('[reps."a@b.c"]\noff = [2026-08-02T00:00:00]', "expected a day like 2026-12-24"),
        ('[reps."a@b.c"]\nconnection = "x"', "expected a connection of this file, got 'x'"),
        (CSV + 'streams = { customers = { extra = "some" } }', '"all", "none" or a list of field'),
        (CSV + 'streams = { customers = { owner_from = "activitys" } }', "'activities'?"),
        (CSV + 'url = "https://[h"', "connections.a.url: expected a URL without a password"),
        ('[engine]\nbackend = "dask"', "scheduler to be given together"),
        ("[engine.score]\nhigh = 0.2", "engine.score: expected medium to be at most high"),
        ("[engine.score]\nurgency = [[1, 0], [0, 1]]", "expected points [x, y], x growing"),
        ("[engine.score.weights]\nneed = 0\nmarket = 0\nproduct = 0\nurgency = 0", "one weight"),
        ('[engine.segments]\nmethod = "kmeans"', "expected the columns to make clusters from"),
        ("[planning.opening]\nmon = [[12:00:00, 08:00:00]]", "expected a start before the end"),
        ('[reps."a@b.c"]\noff = [[2026-08-02, 2026-08-01]]', "a first day that is not after"),
        ('[reps."a@b.c"]\ndays = ["monday"]', "days.0: expected 'mon', 'tue'"),
        ('[jobs.n]\nsteps = ["pul"]', "jobs.n.steps.0: expected 'pull', 'analyze'"),
        ('[jobs.n]\ntimezone = "Europe/Berln"', "expected an IANA time zone"),
        ('[jobs.n]\ntimezone = "../../etc/passwd"', "expected an IANA time zone"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place_and_the_next_step(text: str, said: str) -> None:
    message = refusal(text)

    assert message.startswith("crmbridge.toml: ")
    assert said in message


def test_a_number_too_large_for_a_float_is_refused() -> None:
    assert "planning.seconds_per_rep" in refusal(f"[planning]\nseconds_per_rep = 1{'0' * 400}")


def test_dates_and_times_are_toml_s_own() -> None:
    text = '[reps."A@B.c"]\nstart = 07:30:00\noff = [2026-12-24, [2026-08-01, 2026-08-14]]\n'

    rep = loads(text, {}).rep("a@b.C")

    assert rep.start == time(7, 30)
    assert rep.off == (
        (date(2026, 12, 24), date(2026, 12, 24)),
        (date(2026, 8, 1), date(2026, 8, 14)),
    )


def test_a_rep_keeps_the_defaults_that_its_table_does_not_name() -> None:
    settings = loads(
        '[planning.rep_defaults]\nmax_visits = 5\nend = 15:00:00\n[reps."a@b.c"]\nend = 16:00:00',
        {},
    )

    assert (settings.rep("a@b.c").max_visits, settings.rep("a@b.c").end) == (5, time(16))
    assert (settings.rep("x@b.c").max_visits, settings.rep("x@b.c").end) == (5, time(15))


def test_a_day_that_ends_before_it_starts_is_seen_over_the_defaults() -> None:
    early = "[planning.rep_defaults]\nstart = 05:00:00\n"
    late = "[planning.rep_defaults]\nstart = 12:00:00\n"
    rep = '[reps."a@b.c"]\nend = 07:00:00'

    assert loads(early + rep, {}).rep("a@b.c").end == time(7)
    assert "reps.'a@b.c'.end: expected a start before the end" in refusal(late + rep)
    assert "planning.rep_defaults" in refusal(f"{late}end = 07:00:00")


def two_connections(first: str, second: str, more: str = "") -> Settings:
    return loads(
        f'[connections.a]\nadapter = "x"\nwrite = {{ visits = {first} }}\n'
        f'[connections.b]\nadapter = "x"\nwrite = {{ visits = {second} }}\n{more}',
        {},
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [("true", "true"), ('["r@x.y"]', '["R@x.y"]'), ("true", '["r@x.y"]')],
)
def test_two_connections_for_one_rep_s_visits_are_refused(first: str, second: str) -> None:
    with pytest.raises(ConfigError, match="expected one connection that takes a rep's visits"):
        two_connections(first, second)


def test_a_rep_may_say_which_connection_takes_the_visits() -> None:
    settings = two_connections("true", '["r@x.y"]', '[reps."r@x.y"]\nconnection = "a"')

    assert settings.visits_connection("R@x.y") == "a"
    assert settings.visits_connection("other@x.y") == "a"
    assert two_connections("false", '["r@x.y"]').visits_connection("other@x.y") == ""


def test_a_relative_database_is_beside_the_file(tmp_path: Path) -> None:
    settings = loads("[planning]\n", {}, tmp_path)

    assert settings.store_url().get_secret_value() == f"sqlite:///{tmp_path}/crmbridge.db"
    assert settings.out_folder == tmp_path / "out"


def test_a_name_from_the_command_line_that_is_unknown_is_wrong_usage() -> None:
    settings = loads(CSV + "[jobs.nightly]", {})

    with pytest.raises(UsageError, match=r"got 'nightli'\. Did you mean 'nightly'\?"):
        settings.job("nightli")
    with pytest.raises(UsageError, match="Did you mean 'a'"):
        settings.connection("A")
    assert settings.job()[0] == "nightly"
    with pytest.raises(UsageError, match=r"expected the name of a job.*Jobs: a, b"):
        loads("[jobs.b]\n[jobs.a]", {}).job()


def test_the_digest_changes_with_the_file_and_with_nothing_else() -> None:
    text = CSV + 'auth = { client_secret = { env = "S" } }'

    assert loads(text, {"S": "1"}).digest() == loads(f"# note\n{text}", {"S": "2"}).digest()
    assert loads(text, {}).digest() != loads(CSV, {}).digest()
