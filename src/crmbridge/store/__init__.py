"""The store: tables, migrations, every query, and the reduction of activities to features."""

from crmbridge.store.database import Fence, Store, open_store

__all__ = ["Fence", "Store", "open_store"]
