"""A made-up company to try crmbridge on: 600 customers of 12 reps, the same on every machine."""

from crmbridge.testing.demo_data.campaigns import PLANTED, Planted
from crmbridge.testing.demo_data.config import DEMO_TOML
from crmbridge.testing.demo_data.generate import DEFAULT_END, csv_text, generate, write_csv
from crmbridge.testing.demo_data.shape import DemoData, Table
from crmbridge.testing.demo_data.towns import BOUNDS, TOWNS, Town

__all__ = [
    "BOUNDS",
    "DEFAULT_END",
    "DEMO_TOML",
    "PLANTED",
    "TOWNS",
    "DemoData",
    "Planted",
    "Table",
    "Town",
    "csv_text",
    "generate",
    "write_csv",
]
