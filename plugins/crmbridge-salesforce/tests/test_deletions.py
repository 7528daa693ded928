"""Deleted records are known even when they have left the recycle bin."""

from datetime import timedelta
from typing import Any

import pytest

from crmbridge.adapters import Page, ReadRequest, Window
from crmbridge_salesforce import bulk
from crmbridge_salesforce.sandbox import Mood, Sandbox


def read(
    sandbox: Sandbox, connection: Any, since: Any, object_: str = "Account", **more: Any
) -> list[Page]:
    window = Window(since=since, until=sandbox.org.now() + timedelta(seconds=1))
    request = ReadRequest(object=object_, fields=("Id",), window=window, **more)
    return list(connection.read(request))


def deleted_in(pages: list[Page]) -> list[str]:
    return [id_ for page in pages for id_ in page.deleted]


def codes_in(pages: list[Page]) -> list[str]:
    return [one.code for page in pages for one in page.findings]


@pytest.mark.parametrize("bulk_from", [0, 1])
def test_a_record_that_was_purged_is_told_once(
    sandbox: Sandbox, open_: Any, bulk_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PART_ROWS", 2)
    org = sandbox.org
    ids = [org.put("Account", {"Name": f"Customer {n}"}) for n in range(6)]
    since = org.now() - timedelta(hours=1)
    for id_ in ids[:2]:
        org.delete("Account", id_)
    org.purge("Account", ids[0])  # the other is still in the bin

    with open_(bulk_from=bulk_from) as connection:
        pages = read(sandbox, connection, since)

    assert sorted(deleted_in(pages)) == sorted(ids[:2])
    assert pages[-1].complete


def test_what_was_merged_is_no_deletion(sandbox: Sandbox, open_: Any) -> None:
    org = sandbox.org
    ids = [org.put("Account", {"Name": name}) for name in "AB"]
    org.merge("Account", ids[0], ids[1])

    with open_() as connection:
        pages = read(sandbox, connection, org.now() - timedelta(hours=1))

    assert deleted_in(pages) == []
    assert [pair for page in pages for pair in page.merged] == [(ids[0], ids[1])]


def test_a_member_that_was_removed_is_told_without_a_sweep(sandbox: Sandbox, open_: Any) -> None:
    org = sandbox.org
    campaign = org.put("Campaign", {"Name": "Spring"})
    person = org.put("Contact", {"LastName": "Miller"})
    member = org.put("CampaignMember", {"CampaignId": campaign, "ContactId": person})
    org.delete("CampaignMember", member)

    with open_() as connection:
        pages = read(sandbox, connection, org.now() - timedelta(hours=1), "CampaignMember")

    assert deleted_in(pages) == [member]


def test_a_first_reading_asks_for_no_deletions(sandbox: Sandbox, open_: Any) -> None:
    with open_() as connection:
        read(sandbox, connection, None)

    assert not any("/deleted" in line for line in sandbox.log)


def test_a_gap_that_the_log_does_not_cover_is_said(sandbox: Sandbox, open_: Any) -> None:
    org = sandbox.org
    since = org.now()
    old = org.put("Account", {"Name": "Acme"})
    org.delete("Account", old)
    org.purge("Account", old)
    org.at += timedelta(days=40)

    with open_() as connection:
        pages = read(sandbox, connection, since)

    assert deleted_in(pages) == []
    assert codes_in(pages) == ["salesforce.deletions_unknown"]


def test_a_deletion_that_shows_late_is_in_the_next_window(sandbox: Sandbox, open_: Any) -> None:
    org = sandbox.org
    since = org.now()
    id_ = org.put("Account", {"Name": "Acme"})
    org.late = timedelta(seconds=90)
    org.delete("Account", id_)
    org.purge("Account", id_)

    with open_() as connection:
        early = deleted_in(read(sandbox, connection, since))
        org.at += timedelta(minutes=3)
        late = deleted_in(read(sandbox, connection, since))

    assert (early, late) == ([], [id_])


@pytest.mark.parametrize("mood", [Mood.BUSY, Mood.TOO_MANY, Mood.EXPIRED, Mood.TRUNCATED])
def test_a_bad_answer_is_asked_for_again(sandbox: Sandbox, open_: Any, mood: Mood) -> None:
    org = sandbox.org
    since = org.now()
    id_ = org.put("Account", {"Name": "Acme"})
    org.delete("Account", id_)
    org.purge("Account", id_)
    sandbox.moods.plan(mood, path="/deleted")

    with open_() as connection:
        assert deleted_in(read(sandbox, connection, since)) == [id_]


def test_a_server_without_such_a_list_is_a_finding(
    sandbox: Sandbox, open_: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(sandbox._rest), "_listed_deletions", _nothing)
    id_ = sandbox.org.put("Account", {"Name": "Acme"})

    with open_() as connection:
        pages = read(sandbox, connection, sandbox.org.now() - timedelta(hours=1))

    assert [row[0] for page in pages for row in page.rows] == [id_]
    assert codes_in(pages) == ["salesforce.no_deleted_list"]


def _nothing(*args: Any) -> Any:
    from crmbridge_salesforce.sandbox.answers import not_found

    raise not_found()
