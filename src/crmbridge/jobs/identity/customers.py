"""Makes customers of two CRMs comparable: what is written differently and means the same."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from crmbridge.jobs.identity.matching import Likeness, MatchParameters

COLUMNS = {
    "name": Likeness.NAME, "email": Likeness.CODE, "phone": Likeness.CODE,
    "street": Likeness.TEXT, "postcode": Likeness.CODE, "city": Likeness.TEXT,
}  # fmt: skip

_FORMS = frozenset(
    {
        "ab", "ag", "aps", "as", "asa", "bv", "co", "company", "corp", "corporation", "gbr", "gmbh",
        "group", "holding", "inc", "incorporated", "kft", "kg", "kgaa", "kk", "limited", "llc",
        "llp", "lp", "ltd", "mbh", "nv", "ohg", "oy", "oyj", "plc", "pty", "sa", "sarl", "sas",
        "se", "sl", "spa", "srl", "ug", "und", "and", "the",
    }
)  # fmt: skip
"""Words of a name that say what it is in law, not who it is."""
_STREETS = {"str": "strasse", "st": "street", "rd": "road", "ave": "avenue", "av": "avenue"}
_PHONE_DIGITS = 9
"""Last digits compared: prefixes of countries and exchanges are written in many ways."""


def match_parameters(seed: int, columns: Iterable[str]) -> MatchParameters:
    """What of customers is compared.

    Args:
        columns: those filled in both; where no place is among them, names alone pick the pairs.
    """
    known = set(columns)
    blocks: tuple[tuple[str, ...], ...] = (
        ("name", "postcode"), ("name", "city"), ("email",), ("phone",), ("postcode", "street"),
        ("substr(name, 1, 5)", "postcode"), ("substr(name, 1, 5)", "city"),
    )  # fmt: skip
    if not known & {"postcode", "city"}:
        blocks = (*blocks, ("name",))
    return MatchParameters(
        columns=COLUMNS,
        blocks=blocks,
        learned_on=(("name", "city"), ("postcode", "street")),
        sure=(("name", "email"), ("name", "postcode", "street")),
        seed=seed,
    )


def comparable(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Customers as matching compares them, by ``connection/object/id``."""
    rows = [
        {
            "key": f"{row['connection']}/{row['object']}/{row['id']}",
            "name": _name(row["name"]),
            "email": (row["email"] or "").strip().lower() or None,
            "phone": re.sub(r"\D", "", row["phone"] or "")[-_PHONE_DIGITS:] or None,
            "street": _street(row["street"]),
            "postcode": re.sub(r"\W", "", row["postcode"] or "").lower() or None,
            "city": " ".join(_words(row["city"])) or None,
        }
        for row in records
    ]
    return pd.DataFrame(rows, columns=["key", *COLUMNS]).set_index("key")


def _words(text: str | None) -> list[str]:
    """Lower-case words without accents and signs."""
    folded = unicodedata.normalize("NFKD", (text or "").casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    return re.findall(r"\w+", plain.replace(".", "").replace("'", ""))


def _name(text: str | None) -> str | None:
    words = _words(text)
    kept = [word for word in words if word not in _FORMS]
    return " ".join(kept or words) or None


def _street(text: str | None) -> str | None:
    spoken = re.sub(r"(?<=\w)str\b\.?", "strasse", (text or "").casefold())
    return " ".join(_STREETS.get(word, word) for word in _words(spoken)) or None
