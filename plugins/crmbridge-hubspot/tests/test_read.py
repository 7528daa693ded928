"""What reading must survive of HubSpot in particular."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from crmbridge.adapters import Connection, Page, ReadRequest, Window
from crmbridge.errors import ConfigError, QuotaError, RetryLaterError
from crmbridge_hubspot import read
from crmbridge_hubspot.sandbox import Mood, Sandbox
from crmbridge_hubspot.sandbox.truth import START

HOUR = timedelta(hours=1)
Connect = Callable[..., Connection]


def fill(hub: Sandbox, count: int, object_: str = "contacts") -> list[str]:
    return [hub.account.put(object_, {"firstname": f"N{n}"}) for n in range(count)]


def window(hub: Sandbox, *, before: timedelta = 24 * HOUR) -> Window:
    now = hub.account.clock.now()
    return Window(since=START - before, until=now + timedelta(seconds=1))


def request(hub: Sandbox, object_: str = "contacts", **more: Any) -> ReadRequest:
    fields = ("id", "firstname")
    return ReadRequest(object=object_, fields=fields, window=window(hub), **more)


def ids(pages: Sequence[Page]) -> list[str]:
    return [row[0] for page in pages for row in page.rows]


def searched(connection: Connection, hub: Sandbox) -> list[Page]:
    return list(connection.read(request(hub)))


def test_25000_records_of_one_instant_are_all_read(hub: Sandbox, connect: Connect) -> None:
    """No query may give more than 10,000, and time cannot tell them apart."""
    hub.account.clock.tick = timedelta(0)
    wanted = fill(hub, 25_000)

    found = ids(searched(connect(search_page=200), hub))

    assert len(found) == len(set(found)) == 25_000
    assert set(found) == set(wanted)


def test_a_fifth_of_25000_records_of_one_instant_is_edited_meanwhile(
    hub: Sandbox, connect: Connect
) -> None:
    """Before each search some are: they leave the window, the next has them, and none is lost."""
    hub.account.clock.tick = timedelta(0)
    wanted = fill(hub, 25_000)
    hub.account.clock.tick = timedelta(milliseconds=1)
    connection, asked = connect(search_page=200), request(hub)
    assert asked.window is not None
    hub.account.clock.at = asked.window.until
    edited = hub.account.dice.sample(wanted, 5_000)
    for start in range(0, 5_000, 100):
        some = edited[start : start + 100]
        hub.moods.before("/search", partial(touch, hub, some))

    first = list(connection.read(asked))
    later = Window(since=asked.window.until, until=hub.account.clock.now() + HOUR)
    second = list(
        connection.read(ReadRequest(object="contacts", fields=asked.fields, window=later))
    )

    assert set(ids([*first, *second])) == set(wanted)
    assert set(ids(second)) == set(edited)


def touch(hub: Sandbox, some: Sequence[str]) -> None:
    for id_ in some:
        hub.account.edit("contacts", id_, {"firstname": "New"})


def test_no_page_is_asked_for_by_offset(hub: Sandbox, connect: Connect) -> None:
    """Offsets shift when somebody edits."""
    fill(hub, 30)

    searched(connect(search_page=7), hub)

    bodies = [one.json() for one in hub.log if one.path.endswith("/search")]
    assert bodies
    assert not any("after" in body for body in bodies)


def test_windows_beyond_the_cap_are_halved(
    hub: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each half is counted before it is read."""
    monkeypatch.setattr("crmbridge_hubspot.search.CAP", 10)
    wanted = fill(hub, 45)

    found = ids(searched(connect(search_page=4), hub))

    assert sorted(found) == sorted(wanted)


def test_disorder_loses_nothing(hub: Sandbox, connect: Connect) -> None:
    """Search does not always keep the order that was asked for."""
    hub.account.disorder = True
    wanted = fill(hub, 60)

    found = ids(searched(connect(search_page=5), hub))

    assert set(found) == set(wanted)


def test_a_fifth_edited_while_paging_is_not_lost(hub: Sandbox, connect: Connect) -> None:
    """Edited records leave the window; the next one has them, and none of the others is skipped."""
    wanted = fill(hub, 100)
    connection, asked = connect(search_page=10), request(hub)
    hub.account.clock.step()
    for number in range(20):
        action = lambda n=number: hub.account.edit("contacts", wanted[n * 5], {"firstname": "New"})  # noqa: E731
        hub.moods.before("/search", action)

    first = list(connection.read(asked))
    assert asked.window is not None
    later = Window(since=asked.window.until, until=hub.account.clock.now() + HOUR)
    second = list(
        connection.read(ReadRequest(object="contacts", fields=asked.fields, window=later))
    )

    assert set(ids([*first, *second])) == set(wanted)


def test_what_came_before_an_error_is_kept(hub: Sandbox, connect: Connect) -> None:
    """The pages are gathered, and those there are given before the error is raised."""
    fill(hub, 250)
    hub.moods.plan(Mood.DAILY, "objects/contacts", after=2)
    pages = connect().read(ReadRequest(object="contacts", fields=("firstname",)))

    first = next(pages)

    assert len(first.rows) == 200
    assert first.position["after"]
    with pytest.raises(QuotaError):
        next(pages)


def test_reading_goes_on_inside_a_window(
    hub: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From every position, whatever was delivered before it, the rest comes."""
    monkeypatch.setattr(read, "GATHERED", 4)
    wanted = fill(hub, 25)
    connection, asked = connect(search_page=4), request(hub)
    pages = list(connection.read(asked))

    for number, page in enumerate(pages):
        again = ReadRequest(
            object="contacts", fields=asked.fields, window=asked.window, position=page.position
        )
        rest = list(connection.read(again))
        assert set(ids([*pages[: number + 1], *rest])) == set(wanted)
        assert len(ids(rest)) <= 25 - len(ids(pages[: number + 1]))


def test_a_position_of_another_window_is_not_used(hub: Sandbox, connect: Connect) -> None:
    """It says nothing about this one."""
    wanted = fill(hub, 5)
    other = {"since": 1, "until": 2, "done": True}

    found = ids(list(connect().read(request(hub, position=other))))

    assert sorted(found) == sorted(wanted)


def test_late_rows_come_with_a_later_window(hub: Sandbox, connect: Connect) -> None:
    """The index lags; the trailing pass, which reads the same stretch again, has them."""
    connection = connect()
    hub.account.lag = timedelta(minutes=10)
    wanted = fill(hub, 3)

    at_once = ids(searched(connection, hub))
    hub.account.clock.at += HOUR

    assert at_once == []
    assert sorted(ids(searched(connection, hub))) == sorted(wanted)


def test_archived_records_are_named(hub: Sandbox, connect: Connect) -> None:
    """Searches do not show them: the archive does."""
    gone, kept = fill(hub, 2)
    hub.account.delete("contacts", gone)

    pages = searched(connect(), hub)

    assert ids(pages) == [kept]
    assert list(pages[-1].deleted) == [gone]


def test_only_what_was_archived_in_the_window_is_named(hub: Sandbox, connect: Connect) -> None:
    """An archive keeps 90 days."""
    gone = fill(hub, 1)[0]
    hub.account.delete("contacts", gone)
    hub.account.clock.at += HOUR
    since = hub.account.clock.now()
    late = ReadRequest(object="contacts", window=Window(since=since, until=since + HOUR))

    assert not any(page.deleted for page in connect().read(late))


def test_a_server_without_an_archive_deletes_nothing(
    hub: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that pays no heed to ``archived`` gives live records: they are none of it."""
    fill(hub, 3)
    connection = connect()
    api = connection._api  # type: ignore[attr-defined]
    monkeypatch.setattr(
        type(api), "archived_page", lambda self, type_, after: self.list_page(type_, ())
    )

    last = searched(connection, hub)[-1]

    assert list(last.deleted) == []
    assert [finding.code for finding in last.findings] == ["hubspot.no_archive"]


def test_more_names_than_an_address_holds(
    hub: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are asked for in a body, by list and by search."""
    names = [f"custom_property_number_{number:03d}" for number in range(200)]
    id_ = hub.account.put("contacts", {name: f"{name}!" for name in names})
    connection = connect()
    whole = ReadRequest(object="contacts", fields=tuple(names))
    since = ReadRequest(object="contacts", fields=tuple(names), window=window(hub))

    for asked in (whole, since):
        row = next(iter(connection.read(asked))).rows[0]
        assert list(row) == [id_, *(f"{name}!" for name in names)]
    assert max(len(str(one.query)) for one in hub.log) < 4_000


def test_rows_without_empty_properties_fit(hub: Sandbox) -> None:
    """A server may leave out what is empty."""
    shape = read.shape_of("contacts", ("id", "firstname", "lastname"))

    rows = shape.rows([{"id": "1", "properties": {"firstname": "Ann"}}])

    assert [list(row) for row in rows] == [["1", "Ann", None]]


def test_a_lost_id_tells_its_survivor(hub: Sandbox, connect: Connect) -> None:
    """Asking for a merged record gives the winner, which is no row of the loser."""
    loser, winner, last = fill(hub, 3)
    hub.account.merge("contacts", loser, winner)
    hub.account.merge("contacts", winner, last)

    page = connect().read_by_ids("contacts", [loser], ("firstname",))

    assert page.rows == []
    assert (loser, last) in page.merged


@pytest.mark.parametrize("count", [100, 101, 501])
def test_all_links_of_one_record_are_read(hub: Sandbox, connect: Connect, count: int) -> None:
    """An answer gives a hundred of each, and says where to go on; others beside it come along."""
    contact, other = fill(hub, 2)
    companies = fill(hub, count, "companies")
    for company in companies:
        hub.account.link("contacts", contact, "companies", company, 279)
    hub.account.link("contacts", other, "companies", companies[0], 279)

    pages = list(connect().read_links("contacts", [contact, other], "companies"))

    links = [(one.from_id, one.to_id) for some in pages for one in some]
    assert len(links) == len(set(links)) == count + 1
    assert {to for from_, to in links if from_ == contact} == set(companies)


def test_links_added_later_are_found(hub: Sandbox, connect: Connect) -> None:
    """They change no record."""
    contact, company = fill(hub, 1)[0], fill(hub, 1, "companies")[0]
    connection = connect()
    before = [*connection.read_links("contacts", [contact], "companies")]
    hub.account.link("contacts", contact, "companies", company, 279)
    hub.account.link("contacts", contact, "companies", company, 1, "Primary")

    (links,) = connection.read_links("contacts", [contact], "companies")

    assert before == []
    assert [(one.to_id, one.label) for one in links] == [(company, "Primary")]


def test_owners_come_with_those_that_left(hub: Sandbox, connect: Connect) -> None:
    """Their visits stay theirs."""
    hub.account.owners = {
        "7": {"id": "7", "email": "ann@example.com", "firstName": "Ann", "lastName": "Lee",
              "archived": False, "teams": [{"id": "1", "name": "North", "primary": True}]},
        "8": {"id": "8", "email": "bob@example.com", "firstName": "", "lastName": "",
              "archived": True},
    }  # fmt: skip
    asked = ReadRequest(object="owners", fields=("id", "name", "team", "archived"))

    rows = [list(row) for page in connect().read(asked) for row in page.rows]

    assert rows == [["7", "Ann Lee", "North", "false"], ["8", "bob@example.com", None, "true"]]


def test_members_of_lists_are_read_to_the_end(hub: Sandbox, connect: Connect) -> None:
    """Lists of contacts and of companies; each page is followed."""
    list_id = hub.account.add_list("Fair")
    companies = hub.account.add_list("Firms", object_type="0-2")
    hub.account.lists[list_id].members = dict.fromkeys(map(str, range(250)), START)
    hub.account.lists[companies].members = {"9": START}
    asked = ReadRequest(object="list_memberships", fields=("listId", "contactId", "companyId"))

    pages = list(connect().read(asked))

    rows = [list(row) for page in pages for row in page.rows]
    assert len(rows) == 251
    assert [f"{companies}:9", companies, None, "9"] in rows
    assert pages[-1].complete


@pytest.mark.parametrize("object_", ["campaigns", "owners"])
def test_what_an_account_lacks_is_said(hub: Sandbox, connect: Connect, object_: str) -> None:
    """A scope that is missing stops that object with the remedy, not with no records."""
    hub.moods.plan(Mood.SCOPES)

    with pytest.raises(ConfigError, match="MISSING_SCOPES"):
        list(connect().read(ReadRequest(object=object_)))


def test_contacts_need_no_other_address(hub: Sandbox, connect: Connect) -> None:
    """A server that has only the contacts' list and search is enough."""
    fill(hub, 3)
    hub._routes = [one for one in hub._routes if "objects" in one[1].pattern]
    connection = connect()

    found = ids(searched(connection, hub))

    assert len(found) == 3
    assert connection.organisation() == ""
    assert connection.server_time() == hub.account.clock.now()
    assert connection.count("contacts", None) == 3


def test_a_search_that_goes_in_circles_ends(
    hub: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says it counts more, and gives none."""
    connection = connect()
    api = connection._api  # type: ignore[attr-defined]
    monkeypatch.setattr(type(api), "search", lambda *_: {"total": 5, "results": []})

    with pytest.raises(RetryLaterError, match="counts"):
        searched(connection, hub)


def test_searches_keep_to_their_own_limit(hub: Sandbox, connect: Connect) -> None:
    """Four a second; lists are as fast as the connection's limits let them be."""
    connection = connect(searches_per_second=4)
    clock = connection._context.clock  # type: ignore[attr-defined]

    for _ in range(12):
        connection.count("contacts", None)

    assert sum(clock.slept) == pytest.approx(2.0)  # four at once, then eight at 0.25 s


def test_what_is_not_there_is_no_empty_object(hub: Sandbox, connect: Connect) -> None:
    """Neither is it to be counted."""
    hub._routes = []

    with pytest.raises(ConfigError, match="HubSpot's deals"):
        connect().count("deals", None)
    with pytest.raises(ConfigError, match="HubSpot's deals"):
        list(connect().read(ReadRequest(object="deals", fields=("dealname",))))


def test_contacts_can_be_the_customers(hub: Sandbox, connect: Connect) -> None:
    """Under a name of their own, with links from what was done with them."""
    person, call = hub.account.put("contacts", {"firstname": "Ann"}), fill(hub, 1, "calls")[0]
    hub.account.link("calls", call, "contacts", person, 194)
    connection = connect()

    found = ids(list(connection.read(request(hub, "persons"))))
    (links,) = connection.read_links("calls", [call], "persons")

    assert found == [person]
    assert [one.to_id for one in links] == [person]
