"""Pull: what adapters read becomes records in the store, with positions that never lose a row."""
