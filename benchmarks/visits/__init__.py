"""A rep's fortnight: the problem, its checker, and everybody who solves it."""
