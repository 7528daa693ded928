"""Finds plugins and loads each on its own: adapters, scorers, commands and event listeners."""

from crmbridge.extensions.commands import command_apps
from crmbridge.extensions.conflicts import Offer
from crmbridge.extensions.hooks import RegisterScorer, Scorer, hookimpl
from crmbridge.extensions.loader import Extensions, load_extensions
from crmbridge.extensions.plugins import OWN_DISTRIBUTIONS, Code, Origin, Plugin, Problem

__all__ = [
    "OWN_DISTRIBUTIONS",
    "Code",
    "Extensions",
    "Offer",
    "Origin",
    "Plugin",
    "Problem",
    "RegisterScorer",
    "Scorer",
    "command_apps",
    "hookimpl",
    "load_extensions",
]
