"""What the settings may say of visits has the range that plans can be made with."""

import pytest

from crmbridge.errors import ConfigError
from crmbridge.settings import loads


@pytest.mark.parametrize(
    ("table", "line", "most"),
    [
        ("planning", "visit_minutes = 1441", "1440"),
        ("planning", "every_days = 3661", "3660"),
        ("planning", "min_gap_days = 3661", "3660"),
        ("planning", "keep_bonus = 101.0", "100"),
        ("planning.classes.A", "minutes = 1441", "1440"),
        ("planning.classes.A", "every_days = 3661", "3660"),
        ("planning.rules.north", "min_gap_days = 3661", "3660"),
        ("planning.rules.north", "priority = 1001.0", "1000"),
        ("planning.pressure", "days = 3661", "3660"),
    ],
)
def test_a_number_that_no_plan_can_be_made_with_is_refused(table, line, most):
    with pytest.raises(ConfigError, match=rf"{table}\.{line.split()[0]}: expected .*{most}"):
        loads(f"[{table}]\n{line}\n", {})


def test_what_classes_and_rules_share_is_described_for_both():
    from crmbridge.settings.policy import ClassSettings, RuleSettings
    from crmbridge.settings.reference import descriptions

    assert descriptions(ClassSettings)["minutes"] == descriptions(RuleSettings)["minutes"]
    assert set(descriptions(RuleSettings)) == set(RuleSettings.model_fields)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[planning.rep_defaults]\nhours = { sat = [08:00:00, 12:00:00] }", "hours.sat: exp"),
        ('[reps."a@b.c"]\nstart_places = { sun = [1.0, 2.0] }', "start_places.sun: expected a"),
        ("[planning.holidays]\nregion = 'BY'", "holidays.region: expected a country beside"),
        ("[reps.'a@b.c']\nholidays = { region = 'BY' }", "holidays.region: expected a country"),
        ("[planning.rep_defaults.lunch]\nminutes = 30\nat = 19:00:00", "got 30 minutes at 19:00"),
        ("[reps.'a@b.c'.lunch]\nminutes = 600", "lunch inside a working day, got 600 minutes"),
        ("[planning.classes.A]\noutcome = ['outcom']", "Did you mean 'outcome'?"),
        ("[planning.rules.x]\noutcome = ['Mood']", r"activities.extra = \['Mood'\]"),
    ],
    ids=["hours", "place", "region", "own region", "late lunch", "long lunch", "slip", "not kept"],
)  # fmt: skip
def test_what_would_never_hold_is_refused(text, said):
    with pytest.raises(ConfigError, match=said):
        loads(text, {})


KEEPING = """
[planning.classes.A]
outcome = ["Mood"]
[connections.a]
adapter = "csv"
[connections.a.streams.activities]
"""
SOMEBODYS_SATURDAY = """
[reps."a@b.c"]
days = ["sat"]
[planning.rep_defaults]
hours = { sat = [08:00:00, 12:00:00] }
"""
LUNCH = "[planning.rep_defaults.lunch]\nminutes = 30\n"


@pytest.mark.parametrize(
    "text",
    [
        SOMEBODYS_SATURDAY,
        LUNCH + "[reps.'a@b.c']\nend = 11:00:00",
        LUNCH + "at = 17:30:00",
        KEEPING + "extra = ['Mood']",
        KEEPING + "extra = 'all'",
    ],
    ids=["somebody's saturday", "mornings only", "early enough with slack", "kept", "all kept"],
)
def test_what_can_hold_is_taken(text):
    assert loads(text, {}).planning.rep_defaults.active
