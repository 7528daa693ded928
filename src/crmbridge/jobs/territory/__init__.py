"""Builds planning problems from records, settings and calendars, and keeps the plans."""
