"""Salesforce as a CRM: read by SOQL and Bulk API 2.0, written to by collections of 200."""

from crmbridge.adapters import Register
from crmbridge.extensions import hookimpl


@hookimpl
def crmbridge_register_adapters(register: Register) -> None:
    """Tell crmbridge of the adapter."""
    from crmbridge_salesforce.adapter import ADAPTER

    register(ADAPTER)
