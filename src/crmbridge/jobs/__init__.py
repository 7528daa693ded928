"""Composes a run of pull, analyze, plan and push, and says when one is due."""
