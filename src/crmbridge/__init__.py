"""Pulls customers, visits and campaigns from CRMs, plans visits, and writes plans back safely."""

__version__ = "0.1.0"
