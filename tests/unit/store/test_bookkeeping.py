"""Accounts, runs, jobs, aliases, links and field values come back as they were kept."""

import pytest

from crmbridge.errors import ConfigError
from crmbridge.store import Store
from crmbridge.store.aliases import add_aliases, resolve
from crmbridge.store.connections import (
    Account,
    get_account,
    list_accounts,
    mark_pulled,
    pin,
    sources_of,
)
from crmbridge.store.field_values import Written, get_field_values, save_seen, save_written
from crmbridge.store.jobs import JobState, get_job, list_jobs, save_job
from crmbridge.store.links import Pair, StoredLink, list_links, replace_links
from crmbridge.store.runs import finish_run, get_run, list_runs, start_run

ACCOUNT = ("sales", "Account")
PAIR = Pair(connection="sales", from_object="meetings", to_object="contacts")


def account(organisation: str = "00D1", at: int = 1, name: str = "sales") -> Account:
    return Account(name=name, adapter="salesforce", organisation=organisation, first_seen_at=at)


def test_an_account_keeps_its_first_contact(store: Store) -> None:
    with store.write() as tx:
        pin(tx, account(at=1))
        pin(tx, account(at=2))
        mark_pulled(tx, "sales", 5)

        assert get_account(tx, "sales") == Account(
            name="sales", adapter="salesforce", organisation="00D1", first_seen_at=1, pulled_at=5
        )


def test_another_organisation_is_refused(store: Store) -> None:
    with store.write() as tx:
        pin(tx, account("00D1"))

        with pytest.raises(ConfigError, match=r"00D1.*00D2"):
            pin(tx, account("00D2"))


def test_an_organisation_learned_later_is_pinned_and_not_forgotten(store: Store) -> None:
    with store.write() as tx:
        pin(tx, account(""))
        pin(tx, account("00D1"))
        pin(tx, account(""))

        assert [a.organisation for a in list_accounts(tx)] == ["00D1"]


def test_sources_are_the_base_and_what_completes_it(store: Store) -> None:
    with store.write() as tx:
        pin(tx, account(name="sales"))
        pin(tx, Account(name="hours", adapter="csv", completes="sales"))
        pin(tx, Account(name="erp", adapter="csv", completes="sales"))

        assert sources_of(tx, "sales") == ("sales", "erp", "hours")


def test_runs_count_up_and_keep_their_report(store: Store) -> None:
    with store.write() as tx:
        first = start_run(tx, job="nightly", command="run", now=1, started_at=2)
        second = start_run(tx, job="", command="pull", now=1, started_at=2)
        finish_run(tx, first, status="done", exit_code=0, finished_at=3, report={"né": [1]})

        found = get_run(tx, first)

        assert second > first
        assert found is not None
        assert (found.status, found.finished_at, found.report) == ("done", 3, {"né": [1]})
        assert [run.id for run in list_runs(tx)] == [second, first]
        assert [run.id for run in list_runs(tx, job="nightly")] == [first]


def test_a_job_that_never_ran_has_no_state(store: Store) -> None:
    with store.write() as tx:
        assert get_job(tx, "nightly") == JobState(job="nightly")

        save_job(tx, JobState(job="nightly", last_due_at=5, last_exit_code=4))
        save_job(tx, JobState(job="nightly", last_due_at=6, waiting_changeset="c1"))

        assert list_jobs(tx) == [JobState(job="nightly", last_due_at=6, waiting_changeset="c1")]


@pytest.mark.parametrize(
    "pairs", [[("a", "b"), ("b", "c")], [("b", "c"), ("a", "b")]], ids=["forward", "backward"]
)
def test_a_chain_of_merges_ends_at_the_last_winner(
    store: Store, pairs: list[tuple[str, str]]
) -> None:
    with store.write() as tx:
        for pair in pairs:
            add_aliases(tx, *ACCOUNT, [pair], seen_at=1)

        assert resolve(tx, *ACCOUNT, ["a", "b", "c"]) == {"a": "c", "b": "c"}


def test_a_circle_of_merges_changes_nothing(store: Store) -> None:
    with store.write() as tx:
        add_aliases(tx, *ACCOUNT, [("a", "b"), ("b", "a"), ("c", "c")], seen_at=1)

        assert resolve(tx, *ACCOUNT, ["a", "b", "c"]) == {"a": "b"}


def test_links_become_what_was_found(store: Store) -> None:
    with store.write() as tx:
        replace_links(tx, PAIR, ["m1", "m2"], [StoredLink("m1", "c1"), StoredLink("m2", "c2")], 1)

        came = replace_links(
            tx, PAIR, ["m1"], [StoredLink("m1", "c3", "200"), StoredLink("m1", "c3", "201")], 2
        )

        assert came == 2
        assert list_links(tx, PAIR, ["m1", "m2"]) == [
            StoredLink("m1", "c3", "200"), StoredLink("m1", "c3", "201"), StoredLink("m2", "c2"),
        ]  # fmt: skip


def test_equal_links_are_not_rewritten(store: Store) -> None:
    with store.write() as tx:
        replace_links(tx, PAIR, ["m1"], [StoredLink("m1", "c1")], 1)

        assert replace_links(tx, PAIR, ["m1"], [StoredLink("m1", "c1")], 2) == 0


def test_what_was_seen_does_not_forget_what_was_written(store: Store) -> None:
    with store.write() as tx:
        written = Written(id="a", field="Score__c", value=0.5, version="v1")
        save_written(tx, ACCOUNT, [written], "cs1", at=5)
        save_seen(tx, ACCOUNT, [("a", "Score__c", 0.9, "v2")], seen_at=7)

        found = get_field_values(tx, ACCOUNT, ["a"])["a", "Score__c"]

    assert (found.seen, found.seen_at, found.version) == ("0.9", 7, "v2")
    assert (found.written, found.written_at, found.changeset) == ("0.5", 5, "cs1")


def test_values_seen_again_are_not_rewritten(store: Store) -> None:
    values = [("a", "Tag__c", None, "v1"), ("b", "Tag__c", "x", "v1")]
    with store.write() as tx:
        assert save_seen(tx, ACCOUNT, values, seen_at=1) == 2
        assert save_seen(tx, ACCOUNT, values, seen_at=2) == 0
