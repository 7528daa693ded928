"""Writes and tells what people look at: files, reports, explanations."""
