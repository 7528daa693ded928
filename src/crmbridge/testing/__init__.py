"""Shipped for tests: a CRM in memory, a server that fails, the conformance suite."""
