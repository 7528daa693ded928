"""What reading must do, whatever the CRM."""

from datetime import timedelta

import pytest

from crmbridge.adapters import Deletes, Page, Reading
from crmbridge.errors import CannotError
from crmbridge.testing.conformance.subject import Conformance, Subject

NASTY = (
    "plain",
    'O\'Brien \\ "quoted"',
    "comma, semicolon; tab\tand pipe|",
    "N/A",
    "null",
    "00123",
    "=1+1",
    "Zoë Müller 東京 🙂",
    "%2F & <b>",
)
"""Texts that other connectors have lost, cut or turned into something else."""


class ReadingConformance(Conformance):
    """Reading loses nothing and goes on where it stopped."""

    def test_every_record_is_read(self, subject: Subject) -> None:
        """All ids are delivered, over several pages, and the last page says it is complete."""
        ids = subject.fill()

        pages = _read(subject)

        assert sorted(_ids(subject, pages)) == sorted(ids)
        assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]

    def test_an_object_without_records_is_read(self, subject: Subject) -> None:
        """No record is a good answer."""
        assert _ids(subject, _read(subject)) == []

    def test_rows_fit_their_columns(self, subject: Subject) -> None:
        """Each row is as wide as the header, each id is a text, each wanted field is there."""
        subject.fill()

        for page in _read(subject):
            assert {subject.id_field(), subject.field} <= set(page.columns)
            assert {len(row) for row in page.rows} <= {len(page.columns)}
            assert all(isinstance(id_, str) and id_ for id_ in subject.ids(page))

    def test_reading_goes_on_from_every_position(self, subject: Subject) -> None:
        """Wherever a run was killed after a commit, nothing is lost."""
        ids = subject.fill()
        request = subject.request()
        with subject.connect() as connection:
            pages = list(connection.read(request))

        for number, page in enumerate(pages):
            if page.closed:
                again = subject.request(page.position, window=request.window)
                with subject.connect() as connection:
                    rest = list(connection.read(again))
                assert set(_ids(subject, [*pages[: number + 1], *rest])) == set(ids)

    def test_a_read_that_broke_off_is_done_again(self, subject: Subject) -> None:
        """Without a committed position everything comes again."""
        ids = subject.fill()
        connection = subject.connect()
        next(iter(connection.read(subject.request())))
        connection.close()

        assert sorted(_ids(subject, _read(subject))) == sorted(ids)

    def test_nothing_new_is_read_when_nothing_changed(self, subject: Subject) -> None:
        """From the last position no row comes, and absence is not mistaken for deletion."""
        subject.fill()
        request = subject.request()
        with subject.connect() as connection:
            last = list(connection.read(request))[-1]

        again = subject.request(last.position, window=request.window)
        with subject.connect() as connection:
            pages = list(connection.read(again))

        assert _ids(subject, pages) == []
        if subject.ability().reading is Reading.SNAPSHOT:
            assert all(page.position == last.position for page in pages)

    def test_an_edit_is_read(self, subject: Subject) -> None:
        """A changed record comes with its new value."""
        ids = subject.fill()
        earlier = _stand(subject)
        subject.truth.edit(subject.object, ids[1], {subject.field: "Edited"})

        pages = _read_on(subject, earlier)

        assert subject.values(pages)[ids[1]] == "Edited"

    def test_a_new_record_is_read(self, subject: Subject) -> None:
        """A record that was created after the last read comes with the next."""
        subject.fill()
        earlier = _stand(subject)
        fresh = subject.truth.put(subject.object, subject.sample(99))

        assert fresh in _ids(subject, _read_on(subject, earlier))

    def test_a_deletion_becomes_known_as_declared(self, subject: Subject) -> None:
        """Listed by a page, absent from a sweep or a whole snapshot, or never."""
        ids = subject.fill()
        earlier = _stand(subject)
        subject.truth.delete(subject.object, ids[0])

        pages = _read_on(subject, earlier)

        assert ids[0] not in _ids(subject, pages)
        if subject.ability().deletes is Deletes.LISTED:
            assert ids[0] in [id_ for page in pages for id_ in page.deleted]
        if subject.ability().deletes is Deletes.SWEEP:
            assert ids[0] not in _swept(subject)
        if subject.ability().deletes is Deletes.ABSENCE:
            assert sorted(_ids(subject, _read(subject))) == sorted(ids[1:])

    def test_a_merge_names_the_survivor(self, subject: Subject) -> None:
        """What was planned for the loser goes to the winner, not into the void."""
        if subject.merge is None:
            return
        ids = subject.fill()
        earlier = _stand(subject)
        subject.merge(ids[0], ids[1])

        pages = _read_on(subject, earlier)

        assert ids[0] not in _ids(subject, pages)
        assert (ids[0], ids[1]) in [pair for page in pages for pair in page.merged]

    @pytest.mark.parametrize("text", NASTY)
    def test_texts_come_back_as_they_are(self, subject: Subject, text: str) -> None:
        """No text is trimmed, translated, cut or taken for something else."""
        id_ = subject.truth.put(subject.object, {**subject.sample(0), subject.field: text})

        assert subject.values(_read(subject))[id_] == text

    def test_a_sweep_gives_all_ids(self, subject: Subject) -> None:
        """`read_ids` is whole, since what it leaves out counts as deleted."""
        ids = subject.fill()

        if subject.ability().reads_ids:
            assert sorted(_swept(subject)) == sorted(ids)
        else:
            with pytest.raises(CannotError):
                _swept(subject)

    def test_records_are_read_by_id(self, subject: Subject) -> None:
        """Those that exist come as they are now, others are left out."""
        ids = subject.fill()
        subject.truth.edit(subject.object, ids[1], {subject.field: "Edited"})
        wanted = (subject.id_field(), subject.field)

        with subject.connect() as connection:
            if not subject.ability().reads_by_id:
                with pytest.raises(CannotError):
                    connection.read_by_ids(subject.object, ids, wanted)
                return
            page = connection.read_by_ids(subject.object, [ids[1], ids[3]], wanted)
        assert subject.values([page]).keys() == {ids[1], ids[3]}
        assert subject.values([page])[ids[1]] == "Edited"

    def test_an_unknown_id_is_left_out(self, subject: Subject) -> None:
        """Asking for a record that is gone is no error."""
        ids = subject.fill()
        subject.truth.delete(subject.object, ids[0])

        if subject.ability().reads_by_id:
            with subject.connect() as connection:
                page = connection.read_by_ids(subject.object, ids[:2], (subject.field,))
            assert subject.ids(page) == ids[1:2]

    def test_the_count_is_the_crms(self, subject: Subject) -> None:
        """The number that a pull is reconciled with."""
        ids = subject.fill()

        with subject.connect() as connection:
            if subject.ability().counts:
                assert connection.count(subject.object, None) == len(ids)
            else:
                with pytest.raises(CannotError):
                    connection.count(subject.object, None)

    def test_all_links_are_read(self, subject: Subject) -> None:
        """A hundred and one: CRMs cut lists of links at a hundred."""
        id_ = subject.fill(1)[0]
        for to in subject.ability().links:
            wanted = [f"{to}-{number}" for number in range(101)]
            for to_id in wanted:
                subject.truth.link(subject.object, id_, to, to_id)

            with subject.connect() as connection:
                found = [
                    link.to_id
                    for links in connection.read_links(subject.object, [id_], to)
                    for link in links
                ]
            assert sorted(found) == sorted(wanted)

    def test_links_that_are_not_declared_cannot_be_read(self, subject: Subject) -> None:
        """Nothing is made up."""
        ids = subject.fill(1)

        with subject.connect() as connection, pytest.raises(CannotError):
            list(connection.read_links(subject.object, ids, "no such object"))

    @pytest.mark.parametrize("fault", ["busy", "broken", "expired"])
    def test_a_passing_fault_loses_no_record(self, subject: Subject, fault: str) -> None:
        """One bad answer in the middle costs time, not rows."""
        ids = subject.fill()
        subject.faults.get(fault, _nothing)()

        assert sorted(set(_ids(subject, _read(subject)))) == sorted(ids)


def _nothing() -> None:
    """An adapter without a network has no such fault."""


def _read(subject: Subject) -> list[Page]:
    with subject.connect() as connection:
        return list(connection.read(subject.request()))


def _ids(subject: Subject, pages: list[Page]) -> list[str]:
    return [id_ for page in pages for id_ in subject.ids(page)]


def _swept(subject: Subject) -> list[str]:
    with subject.connect() as connection:
        return [id_ for ids in connection.read_ids(subject.object) for id_ in ids]


def _stand(subject: Subject) -> Page:
    """The last page of a whole read: where the next one starts from."""
    return _read(subject)[-1]


def _read_on(subject: Subject, earlier: Page) -> list[Page]:
    """Read as the host does next: a window that overlaps, or on from the position."""
    if subject.ability().reading is Reading.WINDOW:
        overlap = max(subject.adapter.capabilities.overlap_minutes, 1)
        request = subject.request(since=subject.now() - timedelta(minutes=overlap))
    else:
        request = subject.request(earlier.position)
    with subject.connect() as connection:
        return list(connection.read(request))
