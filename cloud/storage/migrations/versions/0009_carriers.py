"""Which device brought another's batch to the cloud; nothing where the author did."""

from alembic import op

from cloud.storage.migrations.columns import text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("batch", text("carrier", empty=True))
