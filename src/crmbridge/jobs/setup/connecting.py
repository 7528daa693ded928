"""Signs a person in to a connection's account, and lets go of it again."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from crmbridge.adapters import Person, SignIn
from crmbridge.adapters.tokens import Token
from crmbridge.errors import CannotError, ConfigError, CrmbridgeError, UsageError
from crmbridge.jobs.workspace import Prepared, Workspace
from crmbridge.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """What was connected.

    Args:
        organisation: the account's id, "" where the CRM has none.
        findings: what is missing before it can be worked with.
    """

    connection: str
    title: str
    way: str
    organisation: str
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """What became of a token.

    Args:
        was_connected: there was a token.
        problem: why the CRM may still honour the token; "" if it does not.
    """

    connection: str
    was_connected: bool
    problem: str = ""


def ways_of(workspace: Workspace, name: str) -> tuple[str, ...]:
    """The ways to sign in that a connection's adapter knows, the best first; () for none."""
    sign_in = workspace.adapter(workspace.settings.connection(name)).sign_in
    return sign_in.ways if sign_in else ()


def connect(workspace: Workspace, name: str, person: Person, way: str = "") -> Connected:
    """Sign a person in, keep the token and look whether the account can be worked with.

    Other runs are kept away meanwhile. A token of another account than the connection's is not
    kept, and the one from before is put back.

    Args:
        way: one of `ways_of`; the best if empty.

    Raises:
        UsageError: the adapter does not know the way.
        CannotError: the adapter signs nobody in.
        SignInError: the CRM or the person said no.
        ConfigError: it is another account.
    """
    with workspace.reserve(name):
        before = _token(workspace, name)
        with workspace.prepare(name) as ready:
            sign_in = _sign_in_of(ready)
            way = _way(sign_in, way)
            token = sign_in.connect(ready.options, ready.context, person, way)
        workspace.tokens.put(name, token)
        try:
            return _met(workspace, name, way)
        except _OtherAccountError as other:
            _revoke(workspace, name, token)
            _put_back(workspace, name, before)
            raise other.error from None


class _OtherAccountError(Exception):
    """The account is not the one whose records the store holds."""

    def __init__(self, error: ConfigError) -> None:
        self.error = error
        super().__init__()


def _met(workspace: Workspace, name: str, way: str) -> Connected:
    with workspace.open(name) as opened:
        organisation = opened.connection.organisation()
        try:
            workspace.pin(opened, organisation)
        except ConfigError as error:
            raise _OtherAccountError(error) from error
        return Connected(
            connection=name,
            title=opened.adapter.title,
            way=way,
            organisation=organisation,
            findings=tuple(opened.connection.check()),
        )


def _put_back(workspace: Workspace, name: str, before: Token | None) -> None:
    workspace.tokens.wipe(name)
    if before is not None:
        workspace.tokens.put(name, before)


def disconnect(workspace: Workspace, name: str) -> Disconnected:
    """End a connection's token at the CRM as far as that can be done, and wipe it here anyway.

    Raises:
        UsageError: there is no such connection.
    """
    workspace.settings.connection(name)
    tokens = workspace.tokens
    problem, token = "", None
    try:
        token = tokens.get(name)
        was_connected = token is not None
    except CrmbridgeError as error:  # nobody can read it, and nobody shall
        was_connected, problem = True, error.line()
    if token is not None:
        problem = _revoke(workspace, name, token)
    tokens.wipe(name)
    return Disconnected(connection=name, was_connected=was_connected, problem=problem)


def _revoke(workspace: Workspace, name: str, token: Token) -> str:
    """End a token at the CRM; why it could not be done, "" if it was."""
    try:
        with workspace.prepare(name) as ready:
            sign_in = _sign_in_of(ready)
            sign_in.disconnect(ready.options, ready.context, token)
    except CrmbridgeError as error:
        workspace.redactor.clean_error(error)
        return error.line()
    return ""


def _token(workspace: Workspace, name: str) -> Token | None:
    with suppress(CrmbridgeError):  # one that cannot be read is replaced
        return workspace.tokens.get(name)
    return None


def _sign_in_of(ready: Prepared) -> SignIn:
    if ready.adapter.sign_in is None:
        raise CannotError(
            f"connections.{ready.settings.name}",
            "an adapter that signs people in",
            ready.settings.adapter,
            "Its settings are all it needs: crmbridge doctor",
        )
    return ready.adapter.sign_in


def _way(sign_in: SignIn, way: str) -> str:
    if way and way not in sign_in.ways:
        raise UsageError("--way", f"one of {', '.join(sign_in.ways)}", repr(way))
    return way or sign_in.ways[0]
