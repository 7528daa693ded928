"""How an answer's body is taken in: whole, into a file, or left open to be streamed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from urllib3 import exceptions as lost
from urllib3.response import BaseHTTPResponse

from crmbridge.adapters.answer import Response
from crmbridge.adapters.limits import Limits
from crmbridge.errors import RetryLaterError

CHUNK = 1 << 18

Receive = Callable[[BaseHTTPResponse], Response]

BROKEN = (lost.HTTPError, OSError)
"""What urllib3 raises when a connection or a body breaks."""


class TooLargeError(Exception):
    """The unpacked body is larger than allowed."""


def whole(limits: Limits) -> Receive:
    """Take in a body, up to the limit."""
    most = int(limits.max_body_mb * 2**20)

    def receive(raw: BaseHTTPResponse) -> Response:
        body = raw.read(most + 1)
        if len(body) > most:
            raise TooLargeError(f"an answer of at most {limits.max_body_mb:g} MB")
        return Response(status=raw.status, headers=raw.headers, body=body)

    return receive


def into_file(limits: Limits, path: Path) -> Receive:
    """Write the body of a good answer to a file, from its start; other bodies are taken in."""
    otherwise = whole(limits)

    def receive(raw: BaseHTTPResponse) -> Response:
        if not 200 <= raw.status < 300:
            return otherwise(raw)
        with path.open("wb") as file:
            for chunk in _chunks(raw, limits):
                file.write(chunk)
        return Response(status=raw.status, headers=raw.headers)

    return receive


def left_open(limits: Limits, opened: list[BaseHTTPResponse]) -> Receive:
    """Leave the body of a good answer open, in `opened`; other bodies are taken in."""
    otherwise = whole(limits)

    def receive(raw: BaseHTTPResponse) -> Response:
        if not 200 <= raw.status < 300:
            return otherwise(raw)
        opened.append(raw)
        return Response(status=raw.status, headers=raw.headers)

    return receive


def _chunks(raw: BaseHTTPResponse, limits: Limits) -> Iterator[bytes]:
    size, most = 0, int(limits.max_download_mb * 2**20)
    for chunk in raw.stream(CHUNK):
        size += len(chunk)
        if size > most:
            raise TooLargeError(f"a download of at most {limits.max_download_mb:g} MB")
        yield chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A good answer whose body is still to come."""

    where: str
    response: Response
    raw: BaseHTTPResponse
    limits: Limits

    def chunks(self) -> Iterator[bytes]:
        """The unpacked body, piece by piece.

        Raises:
            RetryLaterError: it broke off or was too large; what came so far is incomplete.
        """
        try:
            yield from _chunks(self.raw, self.limits)
        except (*BROKEN, TooLargeError) as error:
            raise RetryLaterError(
                self.where, "the whole answer", _kind(error), "Read it again from its start"
            ) from error


def _kind(error: Exception) -> str:
    return str(error) if isinstance(error, TooLargeError) else type(error).__name__
