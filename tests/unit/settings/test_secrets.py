"""Secrets are referred to, never written down, and never shown."""

import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keyring
import pytest
from keyring.errors import NoKeyringError
from pydantic import SecretStr

from crmbridge.errors import ConfigError
from crmbridge.settings import SecretRef, Secrets, loads
from crmbridge.settings.secrets import has_password, is_secret_name

CANARY = "s3cr3t&%\"'-canary"
PLAIN = "canary-7f3a"
WHERE = "crmbridge.toml: connections.a.auth.client_secret"


def connection(line: str) -> str:
    return f'[connections.a]\nadapter = "x"\n{line}\n'


def resolved(secrets: Secrets, **reference: str) -> str:
    return secrets.resolve(SecretRef(**reference), WHERE).get_secret_value()


def secret_file(folder: Path, content: bytes = CANARY.encode(), mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_secret_comes_from_the_environment_a_file_or_the_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_file(tmp_path, CANARY.encode() + b"\n")
    monkeypatch.setattr(keyring, "get_password", lambda service, name: f"{service}:{name}")
    secrets = Secrets(base=tmp_path, environ={"NAME": "from the environment"})

    assert resolved(secrets, env="NAME") == "from the environment"
    assert resolved(secrets, file="secret") == CANARY
    assert resolved(secrets, keyring="crmbridge/sales/main") == "crmbridge:sales/main"


@pytest.mark.parametrize("environ", [{}, {"NAME": ""}])
def test_a_variable_that_is_not_set_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="client_secret: expected the environment variable NAME"):
        resolved(Secrets(environ=environ), env="NAME")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_can_read_is_refused_with_the_command_to_run(
    tmp_path: Path, mode: int
) -> None:
    path = secret_file(tmp_path, mode=mode)

    with pytest.raises(ConfigError) as caught:
        resolved(Secrets(base=tmp_path), file="secret")

    assert f"got mode {mode:04o}. Run 'chmod 600 {path}'." in str(caught.value)
    assert CANARY not in str(caught.value)


def test_a_link_a_folder_or_nothing_is_no_secret_file(tmp_path: Path) -> None:
    secret_file(tmp_path)
    (tmp_path / "link").symlink_to("secret")
    secrets = Secrets(base=tmp_path)

    with pytest.raises(ConfigError, match="got a link"):
        resolved(secrets, file="link")
    with pytest.raises(ConfigError, match="to be a file"):
        resolved(secrets, file=".")
    with pytest.raises(ConfigError, match="No such file"):
        resolved(secrets, file="none")


def test_another_user_s_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_file(tmp_path)
    monkeypatch.setattr("os.getuid", lambda: 4242)

    with pytest.raises(ConfigError, match="got another user's"):
        resolved(Secrets(base=tmp_path), file="secret")


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe" + CANARY.encode(), b"x" * 70_000])
def test_a_file_without_a_usable_secret_is_refused_silently(tmp_path: Path, content: bytes) -> None:
    secret_file(tmp_path, content)

    with pytest.raises(ConfigError) as caught:
        resolved(Secrets(base=tmp_path), file="secret")

    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_keyring_that_is_missing_or_empty_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_keyring(*_: str) -> str:
        raise NoKeyringError

    monkeypatch.setattr(keyring, "get_password", no_keyring)
    with pytest.raises(ConfigError, match="expected a keyring that can be read"):
        resolved(Secrets(), keyring="a/b")
    monkeypatch.setattr(keyring, "get_password", lambda *_: None)
    with pytest.raises(ConfigError, match="Run 'keyring set a b'"):
        resolved(Secrets(), keyring="a/b")


INLINE = [
    *(f'auth = {{ {key} = "{{canary}}" }}' for key in (
        "client_secret", "password", "security_token", "access_token", "refresh_token",
        "api_key", "session_id", "private_key", "passphrase",
    )),
    'api_token = "{canary}"',
    'PASSWORD = "{canary}"',
    'deep = { db_password = "{canary}" }',
    'tokens = ["{canary}"]',
    'feed = "https://user:{canary}@example.com/x"',
    'feed = "https://example.com/x?access_token={canary}"',
    'url = "https://user:{canary}@example.com"',
]  # fmt: skip


@pytest.mark.parametrize("line", INLINE)
def test_a_secret_in_the_file_is_refused_and_not_repeated(line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(connection(line.replace("{canary}", PLAIN)), {})

    shown = "".join(traceback.format_exception(caught.value))
    assert "got a value (not shown)" in str(caught.value)
    assert 'Use { env = "NAME" }' in str(caught.value)
    assert PLAIN not in shown


@pytest.mark.parametrize(
    "text",
    [
        '[store]\nurl = "postgresql://u:canary-7f3a@h/d"',
        '[store]\npassword = "canary-7f3a"',
        '[connections.a]\nadapter = "x"\nauth = { client_secret = ["canary-7f3a"] }',
        '[connections.a]\nadapter = "x"\nauth = { scopes = "canary-7f3a" }',
    ],
)
def test_a_secret_elsewhere_is_not_repeated_either(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loads(text, {})

    assert PLAIN not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("line", ['key = "id"', 'token_url = "https://h/t"', 'key_file = "k"'])
def test_a_key_that_only_sounds_like_a_secret_is_left_to_the_adapter(line: str) -> None:
    key = line.partition(" ")[0]

    assert key in loads(connection(line), {}).connection("a").options


@pytest.mark.parametrize("reference", ["{}", '{ env = "A", file = "b" }', '{ keyring = "a" }'])
def test_a_reference_names_exactly_one_place(reference: str) -> None:
    with pytest.raises(ConfigError, match=r"expected (exactly one of|keyring)"):
        loads(connection(f"auth = {{ client_secret = {reference} }}"), {})


def test_sign_in_facts_are_resolved_only_when_asked_for() -> None:
    text = connection('auth = { method = "m", client_id = "c", client_secret = { env = "S" } }')
    unset = loads(text, {}).connection("a")

    auth = loads(text, {"S": CANARY}).connection("a").resolved_auth()

    assert auth == {"method": "m", "client_id": "c", "client_secret": SecretStr(CANARY)}
    with pytest.raises(
        ConfigError, match=r"auth\.client_secret: expected the environment variable S"
    ):
        unset.resolved_auth()


def test_the_store_s_password_is_put_into_its_url() -> None:
    text = '[store]\nurl = "postgresql+psycopg://u@h:5/d?x=1"\npassword = { env = "P" }'

    url = loads(text, {"P": "p@ss/w"}).store_url()

    assert url.get_secret_value() == "postgresql+psycopg://u:p%40ss%2Fw@h:5/d?x=1"
    assert "p%40ss" not in repr(url)


def test_nothing_that_settings_show_holds_a_secret() -> None:
    text = connection('auth = { client_secret = { env = "S" } }')
    settings = loads(text, {"S": CANARY})
    settings.connection("a").resolved_auth()

    shown = [repr(settings), str(settings), settings.model_dump_json(), settings.digest()]
    shown += [repr(settings.secrets), repr(settings.connection("a"))]

    assert not [text for text in shown if CANARY in text]


def test_revealed_secrets_are_known_to_the_logs_longest_first() -> None:
    secrets = Secrets(environ={"A": "x", "B": "xk", "C": "unused"})
    resolved(secrets, env="A")
    resolved(secrets, env="B")

    assert secrets.revealed() == ("xk", "x")


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("client_secret", True), ("apikey", True), ("API_KEY", True), ("tokens", True),
        ("token_url", False), ("key", False), ("secretary", False), ("private_key_file", False),
    ],
)  # fmt: skip
def test_secret_names(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


def test_a_url_that_cannot_be_parsed_counts_as_secret() -> None:
    assert has_password("http://[u:p@h") is True


def test_a_database_password_needs_a_user() -> None:
    settings = loads('[store]\nurl = "postgresql://h/d"\npassword = { env = "P" }', {"P": "x"})

    with pytest.raises(ConfigError, match=r"store\.url: expected a user in the URL"):
        settings.store_url()


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite://", "sqlite:////var/x.db"])
def test_a_database_that_is_not_beside_the_file_stays_where_it_is(url: str, tmp_path: Path) -> None:
    settings = loads(f'[store]\nurl = "{url}"', {}, tmp_path)

    assert settings.store_url().get_secret_value() == url


def never(*_: Any) -> SimpleNamespace:
    raise AssertionError


def test_loading_reads_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_password", never)

    loads(connection('auth = { client_secret = { keyring = "a/b" } }'), {})
