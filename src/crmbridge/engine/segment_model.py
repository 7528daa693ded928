"""A frozen segmentation: what has to be kept so that tomorrow's customers are judged alike."""

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from crmbridge.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentModel:
    """Rules or centres, with the segments' stable ids and their names.

    Args:
        kind: `rules` or `clusters`.
        payload: JSON values only. Rules: `large`, `medium` (cut-offs of the amount). Clusters:
            `entries` (see `encoding.Encoding`), `centers`, `ids`, `names`, `next`.
        card: what was measured when it was fitted, JSON values, for people.
        findings: what should be known about the fit, in sentences.
    """

    kind: str
    payload: dict[str, Any]
    card: dict[str, Any]
    findings: tuple[Finding, ...] = ()

    @property
    def version(self) -> str:
        """Digest of kind and payload: equal models have equal versions."""
        return hashlib.sha256(self.dumps().encode()).hexdigest()[:12]

    def dumps(self) -> str:
        """Kind and payload as compact JSON."""
        content = {"kind": self.kind, "payload": self.payload}
        return json.dumps(
            content, separators=(",", ":"), sort_keys=True, ensure_ascii=False, allow_nan=False
        )

    @classmethod
    def loads(cls, text: str) -> "SegmentModel":
        """A model from `dumps`, without card and findings."""
        content = json.loads(text)
        return cls(kind=content["kind"], payload=content["payload"], card={})

    def with_payload(self, **changes: object) -> "SegmentModel":
        """The same model with some payload values replaced."""
        return replace(self, payload={**self.payload, **changes})
