"""For several workers on one database; what devices report; a digest beside each entry of the change index."""

import sqlalchemy as sa
from alembic import op

from cloud.storage.migrations.columns import directory, directory_index, number, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    directory(
        "job", text("kind"), text("studio_id"), number("due_ms"), text("holder"), number("until_ms"),
        sa.PrimaryKeyConstraint("kind", "studio_id"),
    )  # fmt: skip
    directory_index("directory_job_due", "job", ["due_ms"])
    directory("wake", text("studio_id"), number("sequence"), number("stamp_ms"), sa.PrimaryKeyConstraint("studio_id"))
    directory_index("directory_wake_stamp", "wake", ["stamp_ms"])
    there = op.get_bind().dialect.name == "postgresql"
    job, studio = ("directory.job", "directory.studio") if there else ("directory_job", "directory_studio")
    op.execute(
        f"INSERT INTO {job} (kind, studio_id, due_ms, holder, until_ms) SELECT 'ticks', id, 0, '', 0 FROM {studio}"
    )
    for column in (
        number("seen_ms", empty=True), text("report", empty=True), text("purge", empty=True),
        number("purged_ms", empty=True),
    ):  # fmt: skip
        op.add_column("device", column)
    op.add_column("change", number("digest", empty=True))
