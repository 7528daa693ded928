"""What an adapter must say of the account it speaks to."""

import pytest

from crmbridge.adapters import Deletes, Operation, Reading
from crmbridge.errors import CannotError
from crmbridge.testing.conformance.subject import Conformance, Subject, source_name


class AccountConformance(Conformance):
    """Checks, descriptions, clock and quota."""

    def test_the_declaration_is_whole(self, subject: Subject) -> None:
        """Every object of a mapping is declared, and every mapping names an id."""
        adapter = subject.adapter

        for stream, objects in adapter.mappings.items():
            for object_, mapping in objects.items():
                assert adapter.capabilities.of(object_).stream == stream
                assert source_name(mapping["id"])

    def test_the_declaration_agrees_with_itself(self, subject: Subject) -> None:
        """A window needs the CRM's clock, a sweep its ids, a unique key a field to be in.

        A job that creates needs a unique key: while it is under way, nobody finds its records.
        """
        capabilities = subject.adapter.capabilities

        for ability in capabilities.objects.values():
            assert ability.reading is not Reading.WINDOW or capabilities.has_clock
            assert ability.deletes is not Deletes.SWEEP or ability.reads_ids
            assert ability.deletes is not Deletes.ABSENCE or ability.reading is Reading.SNAPSHOT
            assert ability.key_field or not ability.key_is_unique
            assert ability.clears or Operation.CLEAR not in ability.operations
            assert ability.batch > 0
            if ability.bulk_from:
                assert ability.batch < ability.bulk_from <= ability.bulk_batch
                assert ability.key_is_unique or Operation.CREATE not in ability.operations
        assert capabilities.workers > 0

    def test_a_check_says_what_to_do(self, subject: Subject) -> None:
        """Each finding has a code and a remedy."""
        subject.fill()

        with subject.connect() as connection:
            findings = connection.check()

        assert all(finding.code and finding.remedy for finding in findings)

    def test_a_description_names_the_fields_that_are_read(self, subject: Subject) -> None:
        """What the default mapping takes from a row is described, so that `doctor` can look."""
        subject.fill()
        with subject.connect() as connection:
            if not subject.adapter.capabilities.describes:
                with pytest.raises(CannotError):
                    connection.describe()
                return
            page = next(iter(connection.read(subject.request())))
            described = {one.name: one.fields for one in connection.describe()}

        names = {one.name for one in described[subject.object]}
        mapped = {source_name(source) for source in subject.mapping(subject.object).values()}
        assert mapped & set(page.columns) <= names

    def test_a_field_that_is_written_is_described_as_writable(self, subject: Subject) -> None:
        """The allow-list is checked against this."""
        subject.fill()

        if subject.adapter.capabilities.describes and subject.ability().operations:
            with subject.connect() as connection:
                described = {one.name: one.fields for one in connection.describe()}
            found = {one.name: one for one in described[subject.object]}
            assert found[subject.field].writable

    def test_the_clock_is_the_crms(self, subject: Subject) -> None:
        """An aware time, or none at all."""
        with subject.connect() as connection:
            if subject.adapter.capabilities.has_clock:
                assert connection.server_time().tzinfo is not None
            else:
                with pytest.raises(CannotError):
                    connection.server_time()

    def test_the_quota_is_told_or_not_made_up(self, subject: Subject) -> None:
        """Used calls are between none and all."""
        with subject.connect() as connection:
            if subject.adapter.capabilities.has_quota:
                quota = connection.quota()
                assert 0 <= quota.used <= quota.allowed
            else:
                with pytest.raises(CannotError):
                    connection.quota()

    def test_the_organisation_stays_the_same(self, subject: Subject) -> None:
        """It is pinned, and a change stops everything."""
        with subject.connect() as first, subject.connect() as second:
            assert first.organisation() == second.organisation()

    def test_provisioning_and_resuming_are_declared_or_refused(self, subject: Subject) -> None:
        """Neither is pretended."""
        capabilities = subject.adapter.capabilities

        with subject.connect() as connection:
            if capabilities.provisions:
                assert list(connection.provision([])) == []
            else:
                with pytest.raises(CannotError):
                    connection.provision([])
            if not capabilities.resumes:
                with pytest.raises(CannotError):
                    connection.resume("handle")
