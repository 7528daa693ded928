"""Tokens on disk are ours alone, never torn, and refreshed by one process at a time."""

import fcntl
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmbridge.adapters.tokens import Token, TokenStore
from crmbridge.errors import ConfigError, RetryLaterError, SignInError

TOKEN = Token(
    access="access-1",
    refresh="refresh-1",
    expires_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
    extra={"instance_url": "https://eu1.example.com"},
)

REFRESH_ONCE = """
import sys, time
from pathlib import Path
from crmbridge.adapters.tokens import Token, TokenStore

folder = Path(sys.argv[1])
store = TokenStore(folder / "tokens")
store.get("sales")
(folder / f"ready-{sys.argv[2]}").touch()
while len(list(folder.glob("ready-*"))) < 2:
    time.sleep(0.01)

def refresh(token):
    with (folder / "calls").open("a") as calls:
        calls.write(token.refresh + "\\n")
    time.sleep(0.1)
    return Token(access="access-2", refresh="refresh-2")

print(store.update("sales", refresh).access)
"""


def _saved(folder: Path) -> TokenStore:
    store = TokenStore(folder / "tokens")
    store.put("sales", TOKEN)
    return store


def test_a_token_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    _saved(tmp_path)

    assert TokenStore(tmp_path / "tokens").get("sales") == TOKEN


def test_nobody_signed_in_is_no_token(tmp_path: Path) -> None:
    store = TokenStore(tmp_path / "tokens")

    assert store.get("sales") is None
    with pytest.raises(SignInError, match="crmbridge connect sales"):
        store.update("sales", lambda token: token)


def test_files_are_readable_by_us_alone(tmp_path: Path) -> None:
    _saved(tmp_path)

    modes = {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "tokens").iterdir()}
    assert modes == {"0o600"}
    assert (tmp_path / "tokens").stat().st_mode & 0o777 == 0o700


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    _saved(tmp_path)
    (tmp_path / "tokens" / "sales.token").chmod(0o644)

    with pytest.raises(ConfigError, match="chmod 600"):
        TokenStore(tmp_path / "tokens").get("sales")


def test_a_link_is_refused(tmp_path: Path) -> None:
    _saved(tmp_path)
    path = tmp_path / "tokens" / "sales.token"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ConfigError, match="file of our own"):
        TokenStore(tmp_path / "tokens").get("sales")


def test_a_connections_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    TokenStore(tmp_path / "tokens").put("../../etc", TOKEN)

    assert [path.parent.name for path in tmp_path.rglob("*.token")] == ["tokens"]


def test_wiping_leaves_no_token(tmp_path: Path) -> None:
    store = _saved(tmp_path)

    store.wipe("sales")

    assert store.get("sales") is None
    assert list(tmp_path.rglob("*.token")) == []


def test_secrets_are_not_shown() -> None:
    assert "access-1" not in repr(TOKEN)
    assert "refresh-1" not in repr(TOKEN)


def test_secrets_are_told_to_whoever_blots_them_out(tmp_path: Path) -> None:
    _saved(tmp_path)
    heard: list[str] = []

    TokenStore(tmp_path / "tokens", heard.append).get("sales")

    assert heard == ["access-1", "refresh-1"]


def test_two_processes_refresh_a_rotating_token_once(tmp_path: Path) -> None:
    _saved(tmp_path)

    processes = [
        subprocess.Popen(
            [sys.executable, "-c", REFRESH_ONCE, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    printed = [process.communicate(timeout=60)[0].strip() for process in processes]

    assert printed == ["access-2", "access-2"]
    assert (tmp_path / "calls").read_text() == "refresh-1\n"


def test_a_process_that_holds_the_lock_for_ever_is_not_waited_for(tmp_path: Path) -> None:
    _saved(tmp_path)

    with (tmp_path / "tokens" / "sales.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(RetryLaterError, match="token of sales"):
            TokenStore(tmp_path / "tokens", patience_seconds=0.05).put("sales", TOKEN)


@pytest.mark.parametrize(
    ("point", "kept"), [("token.refreshed", "access-1"), ("token.saved", "access-2")]
)
def test_a_kill_during_a_refresh_leaves_a_whole_token(
    point: str, kept: str, tmp_path: Path
) -> None:
    _saved(tmp_path)
    (tmp_path / "ready-other").touch()

    killed = subprocess.run(
        [sys.executable, "-c", REFRESH_ONCE, str(tmp_path), "1"],
        env={**os.environ, "CRMBRIDGE_FAILPOINT": point},
        timeout=60,
        check=False,
    )

    found = TokenStore(tmp_path / "tokens").get("sales")
    assert killed.returncode == -9
    assert found is not None
    assert found.access == kept


def test_a_torn_file_asks_for_a_new_sign_in(tmp_path: Path) -> None:
    _saved(tmp_path)
    (tmp_path / "tokens" / "sales.token").write_bytes(b'{"access": "acc')

    with pytest.raises(SignInError, match="Sign in again") as caught:
        TokenStore(tmp_path / "tokens").get("sales")

    assert "acc" not in str(caught.value).replace("access", "")
