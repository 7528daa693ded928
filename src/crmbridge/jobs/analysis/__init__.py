"""Analyses customers with the engine, and keeps what it finds."""
