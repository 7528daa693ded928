"""Counts what was left alone on purpose, with one example each and what to do about it."""

from collections import Counter
from dataclasses import dataclass, field

from crmbridge.push.fields import Verdict
from crmbridge.push.own import Fate
from crmbridge.records import Finding


@dataclass(slots=True, kw_only=True)
class Notes:
    """Findings in the making; the example of each is the first by name, whatever the order."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, code: str, example: str) -> None:
        """Count one more of a code."""
        self.counts[code] += 1
        self.examples[code] = min(self.examples.get(code, example), example)

    def findings(self) -> tuple[Finding, ...]:
        """One finding per code, in their order; codes start with ``push.``."""
        return tuple(
            Finding(
                code=f"push.{code}",
                count=self.counts[code],
                example=self.examples[code],
                remedy=_REMEDIES[code],
            )
            for code in sorted(self.counts)
        )


_REMEDIES = {
    Verdict.NO_RESULT.value: "The value in the CRM stays. Ask for `clear` to empty it.",
    Verdict.NOT_ALLOWED.value: "Name the field under `write` of the connection to allow it.",
    Verdict.PROTECTED.value: "Consent and owners are never written. Choose another field.",
    Verdict.NOT_SEEN.value: "Pull the connection first: nothing is written over the unknown.",
    Verdict.NOT_WRITABLE.value: "Look at the record with `crmbridge show`: the result is no value.",
    Verdict.PERSON.value: "Somebody changed what we wrote; theirs stays.",
    Verdict.TAKEN.value: "The field was set before; it is filled only where empty.",
    Fate.MOVED.value: "Somebody changed the visit; the next plan keeps theirs.",
    Fate.DECLINED.value: "Somebody deleted the visit; it is not written again.",
    Fate.MISSING.value: "The visit is no longer seen; `crmbridge verify` looks for it.",
    Fate.KEPT.value: "No longer planned, but somebody touched it: delete it by hand.",
    Fate.BARRED.value: "The customer is opted out.",
    "member_left": "Somebody took the member out; it is not added again.",
    "member_kept": "The member has responded, or another system added it: it stays.",
    "no_campaign": "The campaign is not there yet; its members follow once it is.",
    "rejected": "See `crmbridge show CHANGESET`; mend the cause, then run `crmbridge retry`.",
    "conflict": "Somebody changed it after it was decided; decide again.",
    "unknown": "Look at it in the CRM; it is never sent again blindly.",
    "skipped": "It was left out on purpose; nothing is to be done.",
    "undo_changed": "Somebody changed it since; theirs stays.",
    "undo_kept": "Only untouched visits to come are deleted; take it back by hand.",
    Fate.PAST.value: "It lies in the past. Plan again.",
    Fate.NOT_COVERED.value: "Name the rep under `write.visits` of the connection to allow it.",
}
"""Finding code -> what a person may do about it."""
