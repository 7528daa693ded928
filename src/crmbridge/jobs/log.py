"""The log of a run: one JSON event a line on standard error, secrets blotted out."""

import logging
import sys
from typing import Any

import structlog

from crmbridge.adapters.redact import Redactor


def run_log(redactor: Redactor, level: int = logging.WARNING) -> Any:
    """A bound logger; below `level` nothing is said."""
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redactor.processor,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
