"""Keep what was reduced to features, and log what changed since.

Changes are told by triggers, since many ways lead to a record (pulls, merges, links, what was
written back) and only the row as it was says whose fact it had been. They are silent until
features are kept for the connection. SQLite tells new rows by their row numbers: a trigger there
would cost each of them; in PostgreSQL one call sees all rows of a statement.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_FACTS = ("activities", "campaign_members", "orders", "order_lines", "deals", "needs", "feedback")
_BY_CONTACT = ("activities", "campaign_members")
_FORGET = "DELETE FROM feature_states; DELETE FROM feature_blocks; DELETE FROM touched;"


def upgrade() -> None:
    """Make three tables and the triggers."""
    op.create_table(
        "feature_states",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", name=op.f("pk_feature_states")),
    )
    op.create_table(
        "feature_blocks",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=False),
        sa.Column("numbers", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "number", name=op.f("pk_feature_blocks")),
    )
    op.create_table(
        "touched",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_touched")),
    )
    make = _on_sqlite if op.get_bind().dialect.name == "sqlite" else _on_postgresql
    for statement in make():
        op.execute(statement)


def _on_sqlite() -> list[str]:
    made = [
        f"""CREATE TRIGGER forget_{table} AFTER DELETE ON {table} BEGIN {_FORGET} END"""
        for table in (*_FACTS, "contacts", "customers")
    ]
    made += [_touch(table, "UPDATE", "", _fact(table)) for table in _FACTS]
    differs = "OLD.customer_id IS NOT NEW.customer_id AND"
    contact = (("customer_id", "NULL"), ("NULL", "id"))
    made.append(_touch("contacts", "UPDATE OF customer_id", differs, contact))
    differs = "OLD.record_state <> NEW.record_state AND"
    made.append(_touch("customers", "UPDATE OF record_state", differs, (("id", "NULL"),)))
    return made


def _fact(table: str) -> tuple[tuple[str, str], ...]:
    return (("customer_id", "contact_id" if table in _BY_CONTACT else "NULL"),)


def _touch(table: str, event: str, condition: str, named: tuple[tuple[str, str], ...]) -> str:
    rows = " UNION ".join(
        f"SELECT {row}.connection, {_of(row, customer)}, {_of(row, contact)}"
        for row in ("OLD", "NEW")
        for customer, contact in named
    )
    return f"""CREATE TRIGGER touch_{table} AFTER {event} ON {table}
        WHEN {condition} EXISTS (
            SELECT 1 FROM feature_states WHERE feature_states.connection = NEW.connection)
        BEGIN INSERT INTO touched (connection, customer_id, contact_id) {rows}; END"""


def _of(row: str, column: str) -> str:
    return column if column == "NULL" else f"{row}.{column}"


def _on_postgresql() -> list[str]:
    made = _function("forget_features", _FORGET)
    for table in (*_FACTS, "contacts", "customers"):
        made.append(_trigger(table, "forget", "DELETE", "", "forget_features"))
    for table in _FACTS:
        contact = "contact_id" if table in _BY_CONTACT else "CAST(NULL AS text)"
        columns = f"connection, customer_id, {contact} AS contact_id"
        made += _told(table, columns, "SELECT connection, customer_id, contact_id FROM")
    made += _told(
        "contacts",
        "connection, customer_id, id AS contact_id",
        """SELECT connection, customer_id, CAST(NULL AS text) AS contact_id FROM changed
        UNION SELECT connection, NULL, contact_id FROM""",
        are_compared=True,
    )
    made += _told(
        "customers",
        "connection, id AS customer_id, record_state",
        "SELECT DISTINCT connection, customer_id, CAST(NULL AS text) AS contact_id FROM",
        are_compared=True,
    )
    return made


def _told(table: str, columns: str, said: str, *, are_compared: bool = False) -> list[str]:
    """Triggers for new and for changed rows; `said` reads what is logged of ``changed``."""
    new, old = (f"SELECT {columns} FROM {name}" for name in ("new_rows", "old_rows"))
    changed = f"{old} UNION {new}"
    if are_compared:
        changed = f"({old} EXCEPT {new}) UNION ({new} EXCEPT {old})"
    made = []
    for event, rows, seen in (
        ("INSERT", new, "NEW TABLE AS new_rows"),
        ("UPDATE", changed, "OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    ):
        name = f"touch_{table}_{event.lower()}"
        made += _function(
            name,
            f"""IF EXISTS (SELECT 1 FROM feature_states) THEN
                INSERT INTO touched (connection, customer_id, contact_id)
                WITH changed AS ({rows}), said AS ({said} changed)
                SELECT DISTINCT said.connection, said.customer_id, said.contact_id FROM said
                JOIN feature_states ON feature_states.connection = said.connection;
            END IF;""",
        )
        made.append(_trigger(table, name, event, f"REFERENCING {seen}", name))
    return made


def _function(name: str, body: str) -> list[str]:
    return [
        f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS
        $body$ BEGIN {body} RETURN NULL; END $body$"""
    ]


def _trigger(table: str, name: str, event: str, seen: str, function: str) -> str:
    return f"""CREATE TRIGGER {name} AFTER {event} ON {table} {seen}
        FOR EACH STATEMENT EXECUTE FUNCTION {function}()"""
