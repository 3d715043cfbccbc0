"""A device's next token beside the one it has; how often somebody tried, for all workers."""

import sqlalchemy as sa

from cloud.storage.migrations.columns import directory, directory_column, directory_index, number, text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    directory_column("token", number("fresh", empty=True))
    directory_index("directory_token_device", "token", ["studio_id", "device_id"])
    directory("tries", text("who"), number("left"), number("since_ms"), sa.PrimaryKeyConstraint("who"))
