"""Lets a plugin's scorer take the place of our own score, as far as it has an opinion."""

from dataclasses import replace
from typing import Any

import pandas as pd

from crmbridge.engine.parameters import ScoreParameters
from crmbridge.engine.scores import ScoredCustomers, tier
from crmbridge.errors import ConfigError
from crmbridge.jobs.workspace import Workspace
from crmbridge.records import Reason


def rescored(
    workspace: Workspace,
    scored: ScoredCustomers,
    customers: pd.DataFrame,
    parameters: ScoreParameters,
) -> ScoredCustomers:
    """Scores by the plugin that the settings name; ours where it says nothing of a customer.

    Args:
        customers: records and features by customer id, as the scorer gets them.

    Raises:
        ConfigError: no plugin has that scorer, it raises, or it gives what is no score.
    """
    name = workspace.settings.engine.score.scorer
    offer = workspace.extensions.scorers.get(name)
    if offer is None:
        known = ", ".join(sorted(workspace.extensions.scorers)) or "none"
        raise ConfigError("engine.score.scorer", f"a scorer of {known}", repr(name))
    try:
        given: Any = offer.item.score(customers.copy(), workspace.clock.now())
        values = pd.to_numeric(pd.Series(given), errors="raise").reindex(scored.frame.index)
    except Exception as cause:
        raise ConfigError(
            f"scorer {name} of {offer.origin}",
            "a number for each customer",
            f"{type(cause).__name__}: {cause}",
            "Mend the plugin, or remove engine.score.scorer",
        ) from cause
    told = values.dropna()
    if not told.between(0, 1).all():
        worst = told[~told.between(0, 1)].iloc[0]
        raise ConfigError(f"scorer {name}", "numbers from 0 to 1", str(worst), "Mend the plugin")
    return replace(scored, frame=_replaced(scored.frame, told, offer.item.title, parameters))


def _replaced(
    frame: pd.DataFrame, told: "pd.Series[float]", title: str, parameters: ScoreParameters
) -> pd.DataFrame:
    rows: dict[Any, dict[Any, Any]] = frame.to_dict("index")
    for id_, value in told.items():
        score = round(float(value), 6)
        reason = Reason(code="plugin", text=f"{title}: {100 * score:.0f} of 100", weight=score)
        rows[id_] |= {
            "score": score,
            "tier": tier(score, parameters),
            "value": 100 * score,
            "reasons": (reason,),
        }
    replaced = pd.DataFrame.from_dict(rows, orient="index", columns=list(frame.columns))
    return replaced.sort_values("score", ascending=False, kind="stable")
