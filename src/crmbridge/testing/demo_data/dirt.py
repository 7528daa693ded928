"""What is wrong in the demo's data, as in every CRM: duplicates and rows that cannot be right."""

from collections.abc import Callable, Mapping

from crmbridge.testing.demo_data.shape import Cell, Table

Row = tuple[Cell, ...]


def add_dirt(tables: Mapping[str, Table]) -> dict[str, tuple[str, ...]]:
    """Add duplicates and bad rows at the end of the tables.

    Returns:
        ids of the rows added, by what is wrong with them.
    """
    return {
        "duplicate": _duplicates(tables["customers"]),
        "latitude": (_bad(tables["customers"], "C9001", {"latitude": 91.0}),),
        "unknown product": (_bad(tables["order_lines"], "L900001", {"product_id": "XX-9"}),),
        "date": (
            _bad(tables["orders"], "O900001", {"ordered_at": "2026-13-45T10:00:00Z"}),
            _bad(tables["deals"], "E9001", {"closed_on": "31.02.2026"}),
        ),
        "amount": (_bad(tables["orders"], "O900002", {"amount": "about 300"}),),
        "unknown customer": (_bad(tables["activities"], "A900001", {"customer_id": "C9999"}),),
    }


def _duplicates(customers: Table) -> tuple[str, ...]:
    """Six customers entered a second time, by somebody who typed the name a little otherwise."""
    retype: tuple[Callable[[str], str], ...] = (
        str.upper,
        lambda name: name.replace("GmbH", "Gmbh"),
        lambda name: name.replace(" & Co. KG", ""),
        lambda name: f"{name} ",
        lambda name: name.replace("e. K.", "eK"),
        lambda name: name.replace("ü", "ue").replace("ä", "ae").replace("ö", "oe"),
    )
    at = customers.header.index("name")
    added = []
    for number, change in enumerate(retype, start=1):
        original = customers.rows[number * 90]
        name = change(str(original[at]))
        id_ = f"C8{number:03}"
        customers.rows.append(_with(customers, original, {"id": id_, "number": None, "name": name}))
        added.append(id_)
    return tuple(added)


def _bad(table: Table, id_: str, changes: Mapping[str, Cell]) -> str:
    table.rows.append(_with(table, table.rows[0], {"id": id_, **changes}))
    return id_


def _with(table: Table, row: Row, changes: Mapping[str, Cell]) -> Row:
    pairs = zip(table.header, row, strict=True)
    return tuple(changes.get(name, value) for name, value in pairs)
