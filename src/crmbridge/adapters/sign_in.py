"""Where the header that signs a request comes from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from crmbridge.adapters.contract import Clock
from crmbridge.adapters.tokens import Token, TokenStore
from crmbridge.errors import SignInError

EARLY = timedelta(seconds=120)
"""How long before its end a token counts as expired: the request must still get there."""


class Authorize(Protocol):
    """Signs requests. Called by several threads."""

    def headers(self) -> Mapping[str, str]:
        """The headers that sign the next request; refreshes what is about to expire."""
        ...

    def refused(self, headers: Mapping[str, str]) -> None:
        """The CRM refused these headers: see to it that the next ones differ.

        Raises:
            SignInError: there is no way to get others without a person.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedHeader:
    """Signs with a secret that never changes by itself, such as a private app's token."""

    connection: str
    value: Mapping[str, str]

    def __repr__(self) -> str:
        return f"FixedHeader(connection={self.connection!r})"

    def headers(self) -> Mapping[str, str]:
        """The header."""
        return self.value

    def refused(self, headers: Mapping[str, str]) -> None:
        """Nothing can be done about it here."""
        del headers
        raise refusal(self.connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """Signs with the token store's token, and refreshes it there for all processes at once.

    Args:
        refresh: asks the CRM for a new token in exchange for the one given; called while the
            store's lock is held, at most once per refused token.
        pattern: the header's value; ``{}`` stands for the access token.
    """

    connection: str
    store: TokenStore
    refresh: Callable[[Token], Token]
    clock: Clock
    name: str = "Authorization"
    pattern: str = "Bearer {}"

    def headers(self) -> Mapping[str, str]:
        """The header with a token that is not about to expire.

        Raises:
            SignInError: nobody signed in yet, or the refresh was refused.
        """
        token = self.store.get(self.connection)
        if token is None or self._is_old(token):
            token = self.store.update(self.connection, self.refresh, self._is_old)
        return self._header(token)

    def refused(self, headers: Mapping[str, str]) -> None:
        """Refresh, unless another thread or process has done so since."""
        self.store.update(
            self.connection, self.refresh, lambda token: self._header(token) == headers
        )

    def _is_old(self, token: Token) -> bool:
        return token.expires_at is not None and self.clock.now() >= token.expires_at - EARLY

    def _header(self, token: Token) -> Mapping[str, str]:
        return {self.name: self.pattern.format(token.access)}


def refusal(connection: str, got: str = "a refusal") -> SignInError:
    """The error for credentials that the CRM no longer takes."""
    return SignInError(
        f"connections.{connection}",
        "the CRM to accept our sign-in",
        got,
        f"Sign in again: crmbridge connect {connection}",
    )
