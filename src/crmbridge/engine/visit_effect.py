"""What visits bring: customers who may be visited against those held out, by rep."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmbridge.engine.columns import numbers, texts
from crmbridge.engine.comparison import Difference, Sample
from crmbridge.engine.experiments import ExperimentParameters, evaluate_experiment
from crmbridge.engine.parameters import within
from crmbridge.engine.units import ExperimentColumns
from crmbridge.records import Finding

VISITED, HELD_OUT = "visited", "held out"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEffectParameters:
    """How the effect is measured; to be settled before the holdout begins.

    Args:
        outcome: column of what visits are to move, such as the amount ordered in the period.
        before: the same of a period before, to take known differences out; "" for none.
        share: planned share of customers held out, above 0, below 1.
        matters: the smallest effect that matters, in units of the outcome; 0 if none was named.
    """

    outcome: str = "amount"
    before: str = ""
    share: float = 0.1
    matters: float = 0.0

    def __post_init__(self) -> None:
        """Check the range."""
        within("engine.visit_effect.share", self.share, 0.001, 0.999)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEffect:
    """What visits brought.

    Args:
        difference: outcome per customer, visited less held out; None where nothing can be said.
        visited, held_out: the customers of either arm.
        sample_ratio_p: below 0.001 the arms were not filled as planned: there is no verdict.
        verdict: the result in a sentence.
    """

    difference: Difference | None
    visited: Sample
    held_out: Sample
    sample_ratio_p: float
    verdict: str
    findings: tuple[Finding, ...] = ()


def effect_of_visits(facts: pd.DataFrame, parameters: VisitEffectParameters) -> VisitEffect:
    """Compare all customers that could be visited with all that were held out.

    Everybody counts where the lot put them, visited or not, since who was not visited in spite
    of the plan is no chance sample. Customers of one rep go together: the errors are clustered.

    Args:
        facts: one row per customer: `rep_id`, `held_out` (1 or 0) and the outcome.
    """
    held = numbers(facts, "held_out")
    arms = np.where(np.isnan(held), "", np.where(held > 0, HELD_OUT, VISITED))
    table = pd.DataFrame(
        {
            "arm": arms.astype(object),
            "rep": pd.Series(texts(facts, "rep_id"), dtype=object),
            parameters.outcome: numbers(facts, parameters.outcome),
            "before it": numbers(facts, parameters.before),
        }
    )
    columns = ExperimentColumns(
        arm="arm",
        outcome=parameters.outcome,
        cluster="rep",
        before="before it" if parameters.before else "",
    )
    found = evaluate_experiment(
        table,
        ExperimentParameters(
            columns=columns,
            control=HELD_OUT,
            shares={HELD_OUT: parameters.share, VISITED: 1 - parameters.share},
            matters=parameters.matters,
        ),
    )
    nobody = Sample.of(np.array([]))
    return VisitEffect(
        difference=found.comparisons[0].difference if found.comparisons else None,
        visited=found.arms.get(VISITED, nobody),
        held_out=found.arms.get(HELD_OUT, nobody),
        sample_ratio_p=found.sample_ratio_p,
        verdict=". ".join(found.verdicts),
        findings=found.findings,
    )
