"""Alembic's revisions of the tables; a store is brought up to date when it is opened."""
