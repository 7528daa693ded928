"""The adapter contract: what the host asks of code that speaks one CRM.

The host owns time, state, retry, rate limits, tokens, diff, journal and safety; an adapter only
knows how its CRM speaks. It declares what it can do in `Capabilities`; what is not declared is
never called.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from crmbridge.adapters.capabilities import Capabilities, ErrorClass
from crmbridge.adapters.exchange import (
    Link,
    NewField,
    Outcome,
    Page,
    Quota,
    ReadRequest,
    RemoteObject,
    Window,
    WriteItem,
)
from crmbridge.errors import CannotError, ConfigError
from crmbridge.records import Finding

if TYPE_CHECKING:
    from pydantic import BaseModel

    from crmbridge.adapters.http import HttpClient
    from crmbridge.adapters.tokens import Token, TokenStore


class Clock(Protocol):
    """Time as the host sees it; tests and ``--now`` bring their own."""

    def now(self) -> datetime:
        """The aware current time."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Log(Protocol):
    """What an adapter may say while it works; structlog's bound loggers fit."""

    def debug(self, event: str, **facts: Any) -> Any: ...
    def info(self, event: str, **facts: Any) -> Any: ...
    def warning(self, event: str, **facts: Any) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the host lends an adapter for one connection.

    Args:
        connection: the connection's name in the configuration.
        base: folder that relative paths in the settings are relative to.
        folder: a temporary folder of this connection's own, removed afterwards.
        url: the connection's ``url``, "" where the settings give none.
        auth: the connection's ``auth`` table; secrets are pydantic's SecretStr, `auth_text` gives
            their text.
        write_fields: object -> fields that the allow-list lets us write; readable, too.
        own: objects that records of ours are written as; None where nobody said.
    """

    connection: str
    base: Path
    folder: Path
    clock: Clock
    log: Log
    url: str = ""
    auth: Mapping[str, Any] = field(default_factory=dict, repr=False)
    http: "HttpClient | None" = None
    tokens: "TokenStore | None" = None
    write_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    objects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: tuple[str, ...] | None = None

    def need_http(self) -> "HttpClient":
        """The shared HTTP client.

        Raises:
            CannotError: the host opened this connection without one.
        """
        if self.http is None:
            raise CannotError(f"connections.{self.connection}", "an HTTP client from the host")
        return self.http

    def auth_text(self, name: str) -> str:
        """The text of a key of ``auth``, a secret or not.

        Raises:
            ConfigError: the configuration does not give it.
        """
        value = self.auth.get(name)
        if value is None:
            where = f"connections.{self.connection}.auth.{name}"
            raise ConfigError(where, "a value", "none", "Set it in the configuration")
        reveal = getattr(value, "get_secret_value", None)
        return str(reveal() if reveal else value)


FieldSource = str | Mapping[str, Any]
"""A source field's name, or a table with ``field``, ``values``, ``default``, ``format``, ..."""
Mappings = Mapping[str, Mapping[str, Mapping[str, FieldSource]]]
"""stream -> object -> canonical field -> where it comes from."""


class Connection(ABC):
    """An open account. Methods that capabilities do not declare are never called."""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027  most adapters hold nothing open
        """Let go of what is open; called once."""

    @abstractmethod
    def check(self) -> Sequence[Finding]:
        """Look whether the account can be worked with; () when all is well.

        Raises:
            SignInError: the CRM refuses our credentials.
            RetryLaterError: it cannot be reached now.
        """

    @abstractmethod
    def read(self, request: ReadRequest) -> Iterator[Page]:
        """Read an object from a position on, a page at a time."""

    def organisation(self) -> str:
        """An id of the account that never changes, pinned at the first contact; "" if none."""
        return ""

    def describe(self) -> Sequence[RemoteObject]:
        """Objects and fields that this user may see."""
        raise self._cannot("describe")

    def server_time(self) -> datetime:
        """The CRM's clock, aware."""
        raise self._cannot("server_time")

    def count(self, object_: str, window: Window | None) -> int:
        """How many records the CRM says there are, in a window or in all."""
        raise self._cannot("count")

    def quota(self) -> Quota:
        """Calls used and allowed."""
        raise self._cannot("quota")

    def read_ids(self, object_: str) -> Iterator[Sequence[str]]:
        """All ids there are now, in pages; used as evidence of absence, so never cut short.

        Raises:
            RetryLaterError: the sweep could not be finished.
        """
        raise self._cannot("read_ids")

    def read_by_ids(self, object_: str, ids: Sequence[str], fields: tuple[str, ...]) -> Page:
        """The records with these ids, as they are now; absent ones are left out."""
        raise self._cannot("read_by_ids")

    def read_links(self, object_: str, ids: Sequence[str], to: str) -> Iterator[Sequence[Link]]:
        """All links from these records to records of another object."""
        raise self._cannot("read_links")

    def find_by_keys(
        self, object_: str, key_field: str, keys: Sequence[str]
    ) -> Mapping[str, Sequence[str]]:
        """key -> ids of the records that bear it now, not as a search index remembers it."""
        raise self._cannot("find_by_keys")

    def write(self, items: Sequence[WriteItem]) -> Sequence[Outcome]:
        """Write items of one object and operation; exactly one outcome per item, in any order.

        Raises:
            SignInError, QuotaError, ConfigError: nothing of this call was written.
            RecordError, ConflictError: refused as a whole; the host sends the halves, until the
                item that is to blame stands alone.
            UnknownOutcomeError, RetryLaterError: any item may have landed; the host looks up.
        """
        raise self._cannot("write")

    def resume(self, handle: str) -> Sequence[Outcome]:
        """The outcomes of a long job that an earlier process started."""
        raise self._cannot("resume")

    def provision(self, fields: Sequence[NewField]) -> Sequence[Finding]:
        """Create fields that are missing; findings for those that could not be."""
        raise self._cannot("provision")

    def normalise(self, object_: str, field_: str, value: Any) -> Any:
        """The value as the CRM will give it back, so that a diff is honest.

        Must not need the network.
        """
        del object_, field_
        return value

    def classify(self, error: Exception) -> ErrorClass | None:
        """What the host should do about an error of this CRM; None to let the host decide."""
        del error
        return None

    def _cannot(self, what: str) -> CannotError:
        return CannotError(
            type(self).__name__, f"{what} to be declared in its capabilities", "nothing"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A made-up CRM on this machine, filled with the demo's company.

    Args:
        url: where it listens, on 127.0.0.1.
        settings: a configuration file that reaches it, as TOML.
        secrets: environment variables that the configuration refers to.
    """

    url: str
    settings: str
    secrets: Mapping[str, str]


class Person(Protocol):
    """Who sits at the terminal while an account is connected; the host's side of a sign-in."""

    def visit(self, url: str) -> Mapping[str, str]:
        """Open an address in their browser; the query that comes back to `redirect_uri`.

        Raises:
            SignInError: nobody came back in time, or the CRM said no.
        """
        ...

    @property
    def redirect_uri(self) -> str:
        """A page on this machine that the host serves while it waits."""
        ...

    def show(self, text: str) -> None:
        """Tell them something, such as a device code; never a secret of ours."""
        ...

    def paste(self, label: str) -> str:
        """Ask for a text that is not echoed.

        Raises:
            SignInError: there is nobody to ask.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """How an account is connected and let go.

    Args:
        ways: of ``browser``, ``device`` and ``paste``, those that the adapter knows, the best
            first.
        connect: signs in by one of the ways and gives the token, which the host keeps.
        disconnect: ends the token at the CRM, as far as the CRM can.
    """

    ways: tuple[str, ...]
    connect: "Callable[[BaseModel, Context, Person, str], Token]"
    disconnect: "Callable[[BaseModel, Context, Token], None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """What a plugin registers.

    Args:
        name: as in ``adapter = "..."``.
        settings: pydantic model of the connection's own keys; unknown keys are refused there.
        mappings: default mappings, overlaid by the configuration field by field.
        objects: stream -> objects read when the configuration names none.
        open: opens a connection; must not speak to the CRM yet.
        sandbox: starts, on a port or on any that is free (0), a server that speaks this CRM.
        sign_in: how ``crmbridge connect`` signs a person in; None where settings are enough.
        package: files, by name, that an administrator can install by the CRM's own tools to make
            fields; None where there is no such thing.
    """

    name: str
    title: str
    settings: "type[BaseModel]"
    capabilities: Capabilities
    open: Callable[["BaseModel", Context], Connection]
    mappings: Mappings = field(default_factory=lambda: MappingProxyType({}))
    objects: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    sandbox: Callable[[int], AbstractContextManager[Sandbox]] | None = None
    sign_in: SignIn | None = None
    package: Callable[[Sequence[NewField]], Mapping[str, str]] | None = None


Register = Callable[[Adapter], None]
