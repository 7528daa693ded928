"""Chooses campaigns' members, follows up on them, and says how campaigns stand."""
