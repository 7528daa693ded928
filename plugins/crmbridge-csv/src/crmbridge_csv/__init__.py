"""CSV files as a CRM: a folder is read, results are written beside it."""

from crmbridge.adapters import Register
from crmbridge.extensions import hookimpl


@hookimpl
def crmbridge_register_adapters(register: Register) -> None:
    """Tell crmbridge of the adapter."""
    from crmbridge_csv.adapter import ADAPTER

    register(ADAPTER)
