"""A run foresees what it needs of the quota, stops at the people's reserve and goes on later."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from crmbridge.adapters import (
    Adapter,
    Capabilities,
    Connection,
    Context,
    ObjectCapability,
    Page,
    Quota,
    Reading,
    ReadRequest,
    Window,
)
from crmbridge.adapters.http import HttpClient
from crmbridge.testing.loopback import LoopbackServer, Received, Reply, answer

PAGES, ROWS = 20, 10
CONFIG = """
[store]
url = "sqlite:///store.db"

[connections.sales]
adapter = "paged"
url = "{url}"
limits = {{ reserve_share = 0.1, daily_share = 0 }}

[jobs.nightly]
connections = ["sales"]
steps = ["pull"]
"""


class NoSettings(BaseModel):
    """The adapter has no keys of its own."""


class Paged(Connection):
    """Reads a page of customers per request; goes on after the position's page."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def check(self) -> tuple[()]:
        return ()

    def quota(self) -> Quota:
        found = self._http.get("/quota").data
        return Quota(used=found["used"], allowed=found["allowed"])

    def count(self, object_: str, window: Window | None) -> int:
        return int(self._http.get("/count").data["count"])

    def read(self, request: ReadRequest) -> Iterator[Page]:
        for number in range(int(request.position.get("next", 0)), PAGES):
            rows = self._http.get("/page", {"number": number}).data["rows"]
            yield Page(
                object=request.object,
                columns=("id", "name"),
                rows=rows,
                position={"next": number + 1},
                complete=number == PAGES - 1,
            )


def open_paged(settings: BaseModel, context: Context) -> Connection:
    del settings
    return Paged(context.need_http())


ADAPTER = Adapter(
    name="paged",
    title="A CRM with a quota",
    settings=NoSettings,
    capabilities=Capabilities(
        objects={
            "Account": ObjectCapability(stream="customers", reading=Reading.TOKEN, counts=True)
        },
        has_quota=True,
    ),
    open=open_paged,
    mappings={"customers": {"Account": {"id": "id", "name": "name"}}},
    objects={"customers": ("Account",)},
)


class Provider:
    """A CRM of two hundred customers that counts its calls."""

    def __init__(self) -> None:
        self.used, self.allowed = 0, 1000
        self.pages: list[int] = []

    def reply(self, received: Received) -> Reply:
        self.used += 1
        if received.path == "/quota":
            return answer(document={"used": self.used, "allowed": self.allowed})
        if received.path == "/count":
            return answer(document={"count": PAGES * ROWS})
        number = int(received.query["number"])
        self.pages.append(number)
        rows = [(f"c{number * ROWS + one}", f"Customer {one}") for one in range(ROWS)]
        return answer(document={"rows": rows})


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def office(provider: Provider, bare_desk: Any, plug: Callable[[Adapter], None]) -> Iterator[Any]:
    plug(ADAPTER)
    with LoopbackServer(provider.reply) as server:
        bare_desk.config.write_text(CONFIG.format(url=server.url))
        yield bare_desk


def test_a_run_with_calls_enough_says_what_it_needs_and_made(office: Any) -> None:
    done = office("run", "--json")

    assert done.code == 0, done.err
    (foreseen,) = done.json["quota"]
    assert foreseen["pull"] == 3  # 200 records by the CRM's count, a hundred a call, and one more
    assert (foreseen["reserve"], foreseen["fits"]) == (100, True)
    assert done.json["calls"]["sales"] > PAGES
    assert done.json["status"] == "done"


def test_the_next_forecast_goes_by_the_last_run(office: Any) -> None:
    first = office("run", "--json").json["calls"]["sales"]

    doctor = office("doctor", "sales", "--json")

    (foreseen,) = doctor.json["quota"]
    assert foreseen["pull"] == first


def test_a_run_stops_at_the_reserve_and_the_next_one_goes_on(
    office: Any, provider: Provider
) -> None:
    provider.used = 888  # of 1000, with a hundred kept for people: about ten are left

    short = office("run", "--json")
    seen, read = provider.used, len(provider.pages)
    provider.used = 0
    rest = office("run", "--json")

    assert short.code == 75
    assert short.json["status"] == "partial: quota"
    assert short.json["resume_at"] is not None
    assert seen <= 900
    assert 0 < read < PAGES
    assert rest.code == 0, rest.err
    assert provider.pages == list(range(PAGES))  # each page once, over both runs
    both = [run.json["connections"]["sales"]["customers"]["new"] for run in (short, rest)]
    assert sum(both) == PAGES * ROWS


def test_a_run_that_will_not_fit_is_said_before(office: Any, provider: Provider) -> None:
    office("run")
    provider.used = 888

    doctor = office("doctor", "sales")
    short = office("run", "--json")

    assert "sales.quota_short" in {one["code"] for one in short.json["findings"]}
    assert "sales.quota_short" in doctor.out
    assert "calls that are left to us of 1000" in doctor.err


def test_people_read_when_it_goes_on(office: Any, provider: Provider) -> None:
    provider.used = 888

    short = office("run")

    assert "partial: quota; goes on after 20" in short.out
    assert "kept for people" in short.out
