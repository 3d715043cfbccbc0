"""The steps from one version's tables to the next, for Alembic; `cloud/storage/layout.py` walks them."""
