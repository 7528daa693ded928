"""What the sandbox answers with: documents, and refusals as HubSpot words them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CORRELATION = "d1ace858-83f2-4266-b681-ad412ecb165d"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int = 200
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None

    @property
    def body(self) -> bytes:
        """The bytes."""
        if self.raw is not None:
            return self.raw
        return b"" if self.document is None else json.dumps(self.document).encode()


class RefusedError(Exception):
    """A request that is answered with a refusal."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(reply.status)


def refusal(status: int, category: str, message: str, **more: Any) -> RefusedError:
    """A refusal with HubSpot's error document."""
    document = {
        "status": "error",
        "message": message,
        "correlationId": CORRELATION,
        "category": category,
        **more,
    }
    return RefusedError(Reply(status, document))


def invalid(message: str, **more: Any) -> RefusedError:
    """A request that makes no sense."""
    return refusal(400, "VALIDATION_ERROR", message, **more)


def not_found(what: str) -> RefusedError:
    """Something that is not there."""
    return refusal(404, "OBJECT_NOT_FOUND", f"{what} not found")


def too_many(policy: str) -> Reply:
    """One of the limits is reached."""
    document = {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": CORRELATION,
        "policyName": policy,
        "groupName": "publicapi:private-apps:api-calls",
    }
    return Reply(429, document)


PAGE_OF_HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>"


def html(status: int) -> Reply:
    """An error page of the network before HubSpot."""
    return Reply(status, headers={"Content-Type": "text/html"}, raw=PAGE_OF_HTML)
