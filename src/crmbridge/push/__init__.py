"""Decides what should change in the CRMs, and writes exactly that."""
