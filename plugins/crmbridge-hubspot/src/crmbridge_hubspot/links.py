"""Reads associations to their end, however many one record has."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crmbridge.adapters import Link
from crmbridge.errors import RetryLaterError
from crmbridge_hubspot.client import LINKS_PAGE, HubspotApi, after_of, parts
from crmbridge_hubspot.mapping import LINES

NO_LINKS = frozenset({"crm.associations.NO_ASSOCIATIONS_FOUND"})
"""What HubSpot calls an error and is none: a record without links."""


def read_links(
    api: HubspotApi, type_: str, to: str, ids: Sequence[str]
) -> Iterator[Sequence[Link]]:
    """All links from records of a type to those of another, with type and label.

    A record with more links than an answer gives is asked for again where it ended.

    Raises:
        RetryLaterError: links were refused for another reason than that there are none, since
            what is missing would count as taken away.
    """
    waiting: list[dict[str, str]] = [{"id": id_} for id_ in ids]
    met: set[tuple[str, str]] = set()
    while waiting:
        further: list[dict[str, str]] = []
        for some in parts(waiting, LINKS_PAGE):
            answer = api.links(type_, to, some)
            _look_at_errors(answer)
            for result in answer["results"]:
                from_id = str(result["from"]["id"])
                yield _links(from_id, result)
                if after := after_of(result):
                    _must_be_new((from_id, after), met)
                    further.append({"id": from_id, "after": after})
        waiting = further


def read_sold_to(
    api: HubspotApi, to: str, ids: Sequence[str], ways: Sequence[str]
) -> Iterator[Sequence[Link]]:
    """Links from line items to whom they were sold: by way of their orders, and of their deals
    that were won. What is in an open deal is an offer, and nobody's yet.

    Args:
        ways: of ``deals`` and ``orders``, those that the account has.
    """
    for way in ways:
        lines: dict[str, list[str]] = {}
        for some in read_links(api, LINES, way, ids):
            for link in some:
                lines.setdefault(link.to_id, []).append(link.from_id)
        between = _won(api, list(lines)) if way == "deals" else list(lines)
        for some in read_links(api, way, to, between):
            yield [
                Link(from_id=line, to_id=link.to_id, type=f"{way} {link.type}", label=link.label)
                for link in some
                for line in dict.fromkeys(lines[link.from_id])
            ]


def _won(api: HubspotApi, ids: Sequence[str]) -> list[str]:
    found = api.read_batch("deals", ids, ("hs_is_closed_won",))
    return [str(one["id"]) for one in found if one["properties"].get("hs_is_closed_won") == "true"]


def _links(from_id: str, result: Mapping[str, Any]) -> list[Link]:
    return [
        Link(
            from_id=from_id,
            to_id=str(one["toObjectId"]),
            type=f"{kind.get('category', '')}:{kind.get('typeId', '')}",
            label=str(kind.get("label") or ""),
        )
        for one in result["to"]
        for kind in _kinds(one)
    ]


def _kinds(found: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The kinds of a link. One that has a label comes with the plain one beside it, which says
    nothing more; two links to one company would count it twice."""
    kinds = found.get("associationTypes") or [{}]
    labelled = [one for one in kinds if one.get("label")]
    return labelled or kinds[:1]


def _look_at_errors(answer: Mapping[str, Any]) -> None:
    for error in answer.get("errors") or ():
        if error.get("subCategory") not in NO_LINKS and error.get("category") != "OBJECT_NOT_FOUND":
            got = str(error.get("subCategory") or error.get("category") or "an error")
            raise RetryLaterError("associations", "links, or none", got, "Pull again later")


def _must_be_new(place: tuple[str, str], met: set[tuple[str, str]]) -> None:
    if place in met:
        raise RetryLaterError("associations", "pages that lead on", f"{place[1]!r} twice")
    met.add(place)
