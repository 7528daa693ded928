"""HubSpot as a CRM: companies, contacts, activities, deals and lists are read; meetings,
properties and list memberships are written."""

from crmbridge.adapters import Register
from crmbridge.extensions import hookimpl


@hookimpl
def crmbridge_register_adapters(register: Register) -> None:
    """Tell crmbridge of the adapter."""
    from crmbridge_hubspot.adapter import ADAPTER

    register(ADAPTER)
