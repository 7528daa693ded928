"""Pulls as a person runs them: a configuration file, a command, an exit code and its lines."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from crmbridge.cli.app import app
from crmbridge.settings import load
from crmbridge.store import open_store

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What a pull told, and the store that it left.

    Args:
        counts: stream -> what was read, new, changed and so on, of the only connection.
        stops: one line for each thing that stopped a part.
        findings: code -> its example.
    """

    exit_code: int
    counts: Mapping[str, Mapping[str, int]]
    stops: list[str]
    findings: Mapping[str, tuple[int, str]]
    url: str

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the store."""
        store = open_store(self.url)
        try:
            with store.read() as tx:
                return [tuple(row) for row in tx.execute(text(query))]
        finally:
            store.close()


def pull(config: Path, *options: str) -> Pulled:
    """``crmbridge --config FILE pull --json`` with more options."""
    command = ["--config", str(config), "pull", "--json", *options]
    result = CliRunner().invoke(app, command)
    if isinstance(result.exception, Exception):
        raise result.exception
    document = json.loads(result.stdout)
    (counts,) = document["connections"].values() or ({},)
    return Pulled(
        exit_code=result.exit_code,
        counts=counts,
        stops=document["stops"],
        findings={one["code"]: (one["count"], one["example"]) for one in document["findings"]},
        url=load(config, {}).store_url().get_secret_value(),
    )


@pytest.fixture(name="pull", scope="session")
def give_pull() -> Callable[..., Pulled]:
    """`pull`."""
    return pull


@pytest.fixture(scope="session")
def shared_config(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A configuration of ours that reads data beside the project, with its results apart."""

    def copy(name: str) -> Path:
        if not SHARED.is_dir() and not os.environ.get("CI"):
            pytest.skip(f"the shared data are not at {SHARED}")
        content = (ROOT / "config" / f"{name}.toml").read_text(encoding="utf-8")
        target = tmp_path_factory.mktemp(name) / f"{name}.toml"
        target.write_text(content.replace("../../shared/data", str(SHARED)), encoding="utf-8")
        return target

    return copy
