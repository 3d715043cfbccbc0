"""What is done for a studio hourly and daily is a job as its ticks are; each job remembers how far its last round came."""

import sqlalchemy as sa
from alembic import op

from cloud.storage.migrations.columns import directory_column

revision = "0008"
down_revision = "0007"

EVERY_MS = {"reminders": 600_000, "passes": 3_600_000, "tidy": 86_400_000}


def upgrade() -> None:
    directory_column("job", sa.Column("seen", sa.BigInteger, nullable=False, server_default="0"))
    schema = "directory" if op.get_bind().dialect.name == "postgresql" else None
    names = ("kind", "studio_id", "due_ms", "holder", "until_ms", "seen")
    job = sa.table("job" if schema else "directory_job", *(sa.column(name) for name in names), schema=schema)
    ticks = op.get_bind().execute(sa.select(job.c.studio_id, job.c.due_ms).where(job.c.kind == "ticks")).all()
    op.bulk_insert(
        job,
        [
            {
                "kind": kind, "studio_id": studio, "due_ms": due_ms + int(studio[-12:], 16) % every, "holder": "",
                "until_ms": 0, "seen": 0,
            }
            for studio, due_ms in ticks
            for kind, every in EVERY_MS.items()
        ],
    )  # fmt: skip
