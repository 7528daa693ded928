"""A server that costs nothing: CRM answers built before the first request, sent as they are.

    python benchmarks/_crm_server.py --kind hubspot|salesforce --rows N

It prints its port and serves until its standard input ends. What it speaks is the least that a
pull of contacts needs: a description, the list, search, count and bulk paths; 404 elsewhere.
"""

import argparse
import json
import random
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

import orjson

LIST_PAGE = 100
PART = 50_000
VERSION = "/services/data/v62.0"

Respond = Callable[[str, str, Mapping[str, list[str]], bytes], bytes]
"""(method, path, query, body) -> the whole answer."""


def answer(
    body: bytes, *, status: str = "200 OK", kind: str = "application/json", more: str = ""
) -> bytes:
    """An answer's bytes."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


NOT_FOUND = answer(b'{"message":"not here"}', status="404 Not Found")


def people(rows: int) -> Iterator[tuple[int, str, str, str, str, str]]:
    """(number, first name, last name, e-mail, phone, modified) of so many persons."""
    rnd = random.Random(7)
    words = ["".join(rnd.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(2_000)]
    for number in range(rows):
        first, last = words[number % 1_999].title(), words[number % 1_997].title()
        email = f"{first}.{last}.{number}@{words[number % 1_993]}.example"
        phone = f"+49 {number % 900 + 100} {number:07d}"
        seconds = number * 31 % 86_400
        at = f"2025-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
        hour, minute, second = seconds // 3600, seconds % 3600 // 60, seconds % 60
        clock = f"{hour:02d}:{minute:02d}:{second:02d}.{number % 1000:03d}Z"
        yield number, first, last, email, phone, f"{at}T{clock}"


class HubSpot:
    """Contacts with twenty properties, in list pages of 100; nothing was changed lately."""

    def __init__(self, rows: int) -> None:
        records = [self._record(*one) for one in people(rows)]
        self.rows = rows
        self.names = [*orjson.loads(records[0])["properties"]]
        starts = range(0, rows, LIST_PAGE)
        self.pages = {at: self._page(records, at) for at in starts}

    @staticmethod
    def _record(number: int, first: str, last: str, email: str, phone: str, at: str) -> bytes:
        id_ = str(10_001 + number * 3)
        properties = {
            "firstname": first, "lastname": last, "email": email.lower(), "phone": phone,
            "jobtitle": ("Buyer", "Head of Sales", "Owner", None)[number % 4],
            "hubspot_owner_id": str(5_000 + number % 200), "lifecyclestage": "customer",
            "hs_email_optout": "true" if number % 50 == 0 else None,
            "createdate": "2024-01-02T03:04:05.678Z", "lastmodifieddate": at,
            "hs_object_id": id_, "hs_merged_object_ids": None, "company": f"{last} and Sons",
            "address": f"{number % 200} {first} Street", "city": last,
            "zip": f"{number % 99999:05d}", "state": None, "country": "Germany",
            "website": f"www.{last.lower()}.example", "hs_lead_status": "OPEN",
        }  # fmt: skip
        record = {
            "id": id_, "properties": properties, "createdAt": "2024-01-02T03:04:05.678Z",
            "updatedAt": at, "archived": False,
        }  # fmt: skip
        return orjson.dumps(record)

    def _page(self, records: list[bytes], at: int) -> bytes:
        after = at + LIST_PAGE
        results = b'{"results":[' + b",".join(records[at:after]) + b"]"
        if after >= len(records):
            return answer(results + b"}")
        link = f"https://api.hubapi.com/crm/v3/objects/contacts?limit=100&after={after}"
        paging = {"next": {"after": str(after), "link": link}}
        return answer(results + b',"paging":' + orjson.dumps(paging) + b"}")

    def __call__(
        self, method: str, path: str, query: Mapping[str, list[str]], body: bytes
    ) -> bytes:
        """Answer what a pull of contacts asks."""
        if path == "/crm/v3/objects/contacts" and method == "GET":
            if query.get("archived") == ["true"]:
                return answer(b'{"results":[]}')
            return self.pages.get(int(query.get("after", ["0"])[0]), NOT_FOUND)
        if path == "/crm/v3/objects/contacts/search":
            is_late = b'"GTE"' in body  # of windows, only those of long ago hold anything
            return answer(orjson.dumps({"total": 0 if is_late else self.rows, "results": []}))
        if path == "/crm/v3/properties/contacts":
            named = [{"name": name, "label": name, "type": "string"} for name in self.names]
            return answer(orjson.dumps({"results": named}))
        return NOT_FOUND


class Salesforce:
    """Contacts by Bulk API 2.0, as CSV in parts of 50,000 rows."""

    NAMES = (
        "AccountId", "DoNotCall", "Email", "FirstName", "HasOptedOutOfEmail", "Id",
        "IsEmailBounced", "LastName", "OwnerId", "Phone", "SystemModstamp", "Title", "IsDeleted",
        "MasterRecordId",
    )  # fmt: skip
    TYPES: Mapping[str, str] = {"Id": "id", "SystemModstamp": "datetime"}

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.names = [*self.NAMES]
        lines = [self._line(*one) for one in people(rows)]
        self.parts = [b"".join(lines[at : at + PART]) for at in range(0, rows, PART)]

    @staticmethod
    def _line(number: int, first: str, last: str, email: str, phone: str, at: str) -> bytes:
        id_, account = f"003gK{number:010d}AAA", f"001gK{number // 3:010d}AAA"
        title = ("Buyer", "Head of Sales, North", "Owner", "")[number % 4]
        cells = (
            account, "false", email.lower(), first, "true" if number % 50 == 0 else "false", id_,
            "false", last, f"005gK{number % 200:010d}AAA", phone, at, title, "false", "",
        )  # fmt: skip
        return ('"' + '","'.join(cells) + '"\n').encode()

    def __call__(
        self, method: str, path: str, query: Mapping[str, list[str]], body: bytes
    ) -> bytes:
        """Answer what a pull of contacts asks."""
        if not path.startswith(VERSION):
            return answer(b"[]") if path == "/services/data" else NOT_FOUND
        rest = path.removeprefix(VERSION)
        if rest == "/jobs/query/750A/results":
            return self._part(int(query.get("locator", ["0"])[0]))
        if rest in {"/jobs/query", "/jobs/query/750A"}:
            self._select(body)
            return answer(b'{"id":"750A","state":"JobComplete"}')
        if rest in {"/query", "/queryAll"} and "COUNT()" in query["q"][0]:
            is_late = "SystemModstamp >=" in query["q"][0]
            total = 0 if is_late else self.rows
            return answer(b'{"totalSize":%d,"done":true,"records":[]}' % total)
        if rest in {"/query", "/queryAll"} and "FROM Contact" in query["q"][0]:
            return answer(b'{"totalSize":0,"done":true,"records":[]}')
        if rest == "/sobjects/Contact/describe":
            fields = [{"name": n, "type": self.TYPES.get(n, "string")} for n in self.NAMES]
            return answer(orjson.dumps({"name": "Contact", "fields": fields}))
        return NOT_FOUND

    def _select(self, body: bytes) -> None:
        """Add empty columns for fields that are asked for and have no values here."""
        query = str(orjson.loads(body)["query"]) if body else ""
        asked = query.partition(" FROM ")[0].removeprefix("SELECT ").split(", ")
        more = [name for name in asked if name and name not in self.names]
        if more:
            cells = b'"' + b',""' * len(more) + b"\n"
            self.parts = [part.replace(b'"\n', cells) for part in self.parts]
            self.names += more

    def _part(self, number: int) -> bytes:
        body = self.parts[number]
        header = (",".join(f'"{name}"' for name in self.names) + "\n").encode()
        following = str(number + 1) if number + 1 < len(self.parts) else "null"
        count = min(PART, self.rows - number * PART)
        more = f"Sforce-Locator: {following}\r\nSforce-NumberOfRecords: {count}\r\n"
        return answer(header + body, kind="text/csv; charset=UTF-8", more=more)


KINDS: Mapping[str, Callable[[int], Respond]] = {"hubspot": HubSpot, "salesforce": Salesforce}

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def _serve(peer: socket.socket, respond: Respond) -> None:
    """Answer one connection's requests, one after the other."""
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    held = b""
    with peer:
        while True:
            while b"\r\n\r\n" not in held:
                more = peer.recv(65536)
                if not more:
                    return
                held += more
            head, _, held = held.partition(b"\r\n\r\n")
            found = _LENGTH.search(head)
            size = int(found[1]) if found else 0
            while len(held) < size:
                held += peer.recv(65536)
            body, held = held[:size], held[size:]
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
            url = urlsplit(target)
            peer.sendall(respond(method, url.path, parse_qs(url.query), body))


def main() -> None:
    """Build, listen, say where."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=[*KINDS], required=True)
    parser.add_argument("--rows", type=int, required=True)
    options = parser.parse_args()
    respond = KINDS[options.kind](options.rows)
    listening = socket.create_server(("127.0.0.1", 0))
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    threading.Thread(target=_accept, args=(listening, respond), daemon=True).start()
    sys.stdin.read()


def _accept(listening: socket.socket, respond: Respond) -> None:
    while True:
        peer, _ = listening.accept()
        threading.Thread(target=_serve, args=(peer, respond), daemon=True).start()


if __name__ == "__main__":
    main()
