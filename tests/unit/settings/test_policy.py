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
