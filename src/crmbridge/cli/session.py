"""Opens what a command works with, from the command line's options."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from crmbridge.cli.invocation import clock_at, invocation
from crmbridge.errors import CrmbridgeError

if TYPE_CHECKING:
    from crmbridge.extensions import Extensions
    from crmbridge.jobs.workspace import Workspace
    from crmbridge.settings import Settings


def load_settings(context: typer.Context) -> "Settings":
    """The settings that the command line and the environment name."""
    from crmbridge.settings import load

    return load(invocation(context).config, os.environ)


def load_plugins(settings: "Settings") -> "Extensions":
    """The plugins that the settings allow."""
    from crmbridge.extensions import load_extensions

    return load_extensions(settings.plugins.allow)


@contextmanager
def workspace(context: typer.Context, now: datetime | None = None) -> "Iterator[Workspace]":
    """Settings, store and plugins of a command; the store is closed afterwards."""
    from crmbridge.jobs.workspace import Workspace
    from crmbridge.store import open_store

    settings = load_settings(context)
    store = open_store(settings.store_url().get_secret_value())
    space = Workspace(
        settings=settings, store=store, extensions=load_plugins(settings), clock=clock_at(now)
    )
    try:
        yield space
    except CrmbridgeError as error:
        space.learn_secrets()
        space.redactor.clean_error(error)
        raise
    finally:
        store.close()
