"""Finds the same customer in two CRMs, lets people decide, and lets plans visit them once."""
