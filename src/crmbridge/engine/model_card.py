"""What has to be known of a learned model before it is used, kept beside it."""

from dataclasses import asdict, dataclass
from typing import Any

from crmbridge.engine.goodness import Goodness


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model's card; figures are of rows the model had not seen, None where none was judged.

    Args:
        data: where the rows came from, in words.
        rows, positives: rows with an outcome, and how many said yes.
        columns: what was learned from.
        quarantined: columns that seemed to know the outcome, each with the reason.
        period: first and last time of the rows, as the table writes them; "" without a time.
        method: see `learners.Method`.
        calibrated: whether chances were corrected on the latest slice.
        last: the same figures of the last period alone: what to expect next.
        refused: why there is no model, or not a stronger one, in sentences.
    """

    data: str
    rows: int
    positives: int
    columns: tuple[str, ...]
    quarantined: tuple[tuple[str, str], ...]
    period: tuple[str, str]
    method: str
    auc: float | None = None
    lift: float | None = None
    calibration_error: float | None = None
    calibrated: bool = False
    last: Goodness | None = None
    refused: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """JSON values only, for the store and for people."""
        return asdict(self)
