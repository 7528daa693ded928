"""A made-up Salesforce on this machine, which shares nothing with the adapter."""

from crmbridge_salesforce.sandbox.moods import Mood, Moods
from crmbridge_salesforce.sandbox.org import Org
from crmbridge_salesforce.sandbox.server import Sandbox, start, start_demo

__all__ = ["Mood", "Moods", "Org", "Sandbox", "start", "start_demo"]
