"""What the host lends is there, or says what to do."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from crmbridge.errors import CannotError, ConfigError
from crmbridge.testing.context import make_context


def test_secrets_of_the_configuration_are_given_as_text(tmp_path: Path) -> None:
    context = make_context(tmp_path, auth={"client_id": "me", "password": SecretStr("s3cret")})

    assert (context.auth_text("client_id"), context.auth_text("password")) == ("me", "s3cret")
    assert "s3cret" not in repr(context)


def test_a_key_that_is_not_configured_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"connections\.sales\.auth\.client_id: expected a value"):
        make_context(tmp_path).auth_text("client_id")


def test_without_a_url_there_is_no_client(tmp_path: Path) -> None:
    with pytest.raises(CannotError):
        make_context(tmp_path).need_http()
