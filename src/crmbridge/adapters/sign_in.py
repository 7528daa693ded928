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
    """Signs with the token store's token, and renews it there for all processes at once.

    Either way of renewing is called while the store's lock is held, once per refused token.

    Args:
        refresh: asks the CRM for a new token in exchange for the one given.
        sign_in: asks for a token with what the settings hold, such as a client's secret, where
            that needs no person; used for the first token, and instead of `refresh` without one.
        pattern: the header's value; ``{}`` stands for the access token.
    """

    connection: str
    store: TokenStore
    clock: Clock
    refresh: Callable[[Token], Token] | None = None
    sign_in: Callable[[], Token] | None = None
    name: str = "Authorization"
    pattern: str = "Bearer {}"

    def headers(self) -> Mapping[str, str]:
        """The header with a token that is not about to expire.

        Raises:
            SignInError: nobody signed in yet, or the refresh was refused.
        """
        token = self.store.get(self.connection)
        if token is None or self._is_old(token):
            token = self.store.update(self.connection, self._renew, self._is_old, self.sign_in)
        return self._header(token)

    def refused(self, headers: Mapping[str, str]) -> None:
        """Refresh, unless another thread or process has done so since."""
        self.store.update(
            self.connection,
            self._renew,
            lambda token: self._header(token) == headers,
            self.sign_in,
        )

    def _renew(self, token: Token) -> Token:
        if self.refresh is not None:
            return self.refresh(token)
        if self.sign_in is not None:
            return self.sign_in()
        raise refusal(self.connection)

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
