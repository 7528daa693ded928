"""The two spellings of a record id: 15 characters where case matters, 18 where it does not."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def to_18(id_: str) -> str:
    """The 18-character spelling; anything that is no 15-character id stays as it is.

    Each of the three added characters stands for the capitals among five of the first fifteen
    ("Record ID formats", Salesforce Help). Answers always have the long form, reports and
    spreadsheets the short one.
    """
    if len(id_) != 15 or not id_.isascii() or not id_.isalnum():
        return id_
    return id_ + "".join(_checked(id_[at : at + 5]) for at in range(0, 15, 5))


def is_id(text: str) -> bool:
    """Whether a text may be a record's id: a query that names anything else is refused."""
    return len(text) in {15, 18} and text.isascii() and text.isalnum()


def _checked(part: str) -> str:
    bits = sum(letter.isupper() << place for place, letter in enumerate(part))
    return _LETTERS[bits]
