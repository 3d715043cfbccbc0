"""What finds entries of the log, and where devices spoke from."""

from cloud.storage.migrations.columns import number, studio_table, text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    studio_table("trail_head", number("sequence"), number("names"), key=())
    studio_table("trail_name", text("name"), number("number"), key=("name",), rowid=False)
    studio_table(
        "trail", number("number"), number("at_ms"), number("sequence"), key=("number", "at_ms", "sequence"), rowid=False
    )
    studio_table("address", text("device_id"), number("since_ms"), text("address"), key=("device_id", "since_ms"))
