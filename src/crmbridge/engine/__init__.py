"""What customers are worth a visit, which segment they are in, and whether it worked: all pure.

Frames, parameters, `now` and a seed go in; frames and values come out. Nothing here opens a file
or reads a clock. Names load their module on first use, since pandas and scikit-learn are slow to
import and `crmbridge --help` needs neither.
"""

from importlib import import_module

_HOMES = {
    "PartWeights": "parameters",
    "ScoreParameters": "parameters",
    "SegmentParameters": "parameters",
    "ScoredCustomers": "scores",
    "score_visits": "scores",
    "visit_values": "scores",
    "reasons_text": "reasons",
    "best_offers": "affinity",
    "market_table": "rates",
    "smoothed_table": "rates",
    "strongest_needs": "needs",
    "SegmentModel": "segment_model",
    "Segmentation": "segments",
    "assign_segments": "segments",
    "fit_segments": "segments",
    "flip_rate": "segments",
    "match_labels": "segments",
    "satisfaction_ratios": "satisfaction",
    "strategy_visits": "satisfaction",
    "visit_facts": "satisfaction",
    "visits_with_effect": "satisfaction",
    "ExperimentColumns": "units",
    "Experiment": "experiments",
    "ExperimentParameters": "experiments",
    "Variance": "comparison",
    "always_valid_p": "sequential",
    "evaluate_experiment": "experiments",
    "power_of": "comparison",
    "units_needed": "comparison",
    "Looks": "experiments",
    "VisitEffect": "visit_effect",
    "VisitEffectParameters": "visit_effect",
    "assign_arms": "assignment",
    "effect_of_visits": "visit_effect",
    "OfferParameters": "offers",
    "Offered": "offers",
    "Offers": "offers",
    "next_offers": "offers",
    "Learner": "uplift",
    "Uplift": "uplift",
    "UpliftParameters": "uplift",
    "fit_uplift": "uplift",
    "ModelCard": "model_card",
    "PreferenceParameters": "preferences",
    "Preferences": "preferences",
    "preferences_of": "preferences",
    "StrategyParameters": "strategy",
    "CampaignParameters": "campaigns",
    "Excluded": "campaigns",
    "choose_members": "campaigns",
    "Propensity": "propensity",
    "PropensityParameters": "propensity",
    "fit_propensity": "propensity",
    "CustomerValues": "value",
    "ValueParameters": "value",
    "check_holdout": "value",
    "repeat_summary": "repeat_buying",
    "value_customers": "value",
    "fit_strategy": "strategy",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> object:
    """Load the module that holds a public name."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
