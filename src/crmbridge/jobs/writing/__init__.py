"""Decides what CRMs should hold, and has it written."""
