"""Writes the store's tables for other tools: CSV, Parquet, Tableau, with one schema."""
