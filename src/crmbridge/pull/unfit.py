"""The one exception of conversions: a value that does not fit its field."""


class UnfitError(ValueError):
    """A raw value is not what its field holds; the text says what was expected."""
