"""Which studios a telephone and a phone's wallet lead to, and who registered before that was kept."""

import hashlib

import sqlalchemy as sa
from alembic import op

from cloud.storage.migrations.columns import directory, directory_index, number, text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    directory(
        "telephone", text("studio_id"), text("contact"), text("hash"), number("sequence"),
        sa.PrimaryKeyConstraint("studio_id", "contact"),
    )  # fmt: skip
    directory_index("directory_telephone_hash", "telephone", ["hash"])
    directory_index("directory_telephone_sequence", "telephone", ["studio_id", "sequence"])
    directory("holder", text("hash"), text("studio_id"), sa.PrimaryKeyConstraint("hash", "studio_id"))
    schema = "directory" if op.get_bind().dialect.name == "postgresql" else None
    holders = sa.table(
        "holder" if schema else "directory_holder", sa.column("hash"), sa.column("studio_id"), schema=schema
    )
    held = op.get_bind().execute(sa.text("SELECT DISTINCT studio_id, device FROM wallet")).all()
    rows = [{"hash": hashlib.sha256(device.encode()).hexdigest(), "studio_id": studio} for studio, device in held]
    op.bulk_insert(holders, rows)
