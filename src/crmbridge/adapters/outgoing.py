"""Makes a request ready to be sent: its target, headers and bytes, the same at every try."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from crmbridge.adapters.answer import Request
from crmbridge.adapters.origin import Origin
from crmbridge.adapters.receive import Receive
from crmbridge.errors import RecordError

_OWN_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": "crmbridge",
}


@dataclass(slots=True)
class Call:
    """A request made ready.

    Args:
        seconds: longest time for one answer.
        is_refreshed: the sign-in was refreshed for it once; it will not be again.
    """

    request: Request
    target: str
    headers: dict[str, str]
    body: bytes | None
    receive: Receive
    seconds: float
    is_refreshed: bool = False


def ready(request: Request, origin: Origin, receive: Receive, seconds: float) -> Call:
    """Make a request ready for an origin.

    Raises:
        ConfigError: its address is at another origin.
        RecordError: it holds a value that JSON cannot say.
    """
    target = origin.target(request.url)
    if request.params:
        target += ("&" if "?" in target else "?") + urlencode(request.params, doseq=True)
    headers, body = dict(_OWN_HEADERS), request.body
    if request.json is not None:
        body, headers["Content-Type"] = _json_body(request.json), "application/json"
    elif request.form is not None:
        body = urlencode(request.form).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    headers.update(request.headers)
    return Call(request, target, headers, body, receive, seconds)


def _json_body(value: Any) -> bytes:
    """JSON that says no NaN: other encoders write it as null, which would empty a field."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise RecordError("request", "values that JSON can hold", kind_of(error)) from None


def kind_of(error: BaseException) -> str:
    """What went wrong, without addresses or bodies: the innermost error's class and words."""
    inner = getattr(error, "reason", None)
    if isinstance(inner, BaseException):
        return kind_of(inner)
    if error.args and isinstance(error.args[-1], BaseException):
        return kind_of(error.args[-1])
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__} ({error.strerror})"
    return type(error).__name__
