"""What families' pages answered to writes that may be told twice."""

from cloud.storage.migrations.columns import number, octets, studio_table, text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    studio_table("once", text("id"), text("said"), number("made_ms"), octets("answer", empty=True), key=("id",))
