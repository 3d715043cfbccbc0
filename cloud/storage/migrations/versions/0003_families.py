"""Effects that are tried again; families' links, sessions and codes; phones with a wallet pass; what providers told us."""

from alembic import op

from cloud.storage.migrations.columns import number, octets, studio_table, text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for column in (number("tries", empty=True), number("due_ms", empty=True), text("why", empty=True)):
        op.add_column("effect", column)
    studio_table(
        "door", text("hash"), text("kind"), text("contact"), text("about"), number("made_ms"), number("expires_ms"),
        number("used_ms", empty=True), number("tries"), key=("hash",),
    )  # fmt: skip
    op.create_index("door_contact", "door", ["studio_id", "contact", "kind"])
    studio_table("wallet", text("device"), text("serial"), text("token"), number("made_ms"), key=("device", "serial"))
    studio_table("inbound", text("id"), text("kind"), octets("body"), number("received_ms"), key=("id",))
