"""A made-up HubSpot on this machine: for trying crmbridge out, and for its tests.

It shares nothing with the adapter. Its endpoints were written from HubSpot's guides, the models
of hubspot-api-client and answers that others recorded.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from crmbridge_hubspot.sandbox.moods import Mood
from crmbridge_hubspot.sandbox.server import Sandbox
from crmbridge_hubspot.sandbox.truth import Account, Clock, RunningClock


@contextmanager
def sandbox(port: int = 0, *, demo: bool = False) -> Iterator[Sandbox]:
    """Start a sandbox on 127.0.0.1; it ends with the block.

    Args:
        port: 0 for any that is free.
        demo: fill it with the demo's company.
    """
    account = Account(RunningClock())
    with Sandbox(account, port) as running:
        if demo:
            from crmbridge_hubspot.sandbox.demo import load_demo

            load_demo(account)
        yield running


__all__ = ["Account", "Clock", "Mood", "RunningClock", "Sandbox", "sandbox"]
