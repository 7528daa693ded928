"""Evaluates a table, or what was pulled, and says what was found as one document."""
