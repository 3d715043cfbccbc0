"""The books of the first version: directory, heads, log, change index, keys. Record tables are laid out apart."""

import sqlalchemy as sa
from alembic import op

from cloud.storage.migrations.columns import directory, number, octets, studio_table, text

revision = "0001"
down_revision = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute('CREATE SCHEMA IF NOT EXISTS "directory"')
    directory(
        "studio", text("id"), text("name"), text("environment"), text("pass_studio"), text("cloud_device"),
        number("founded_ms"), sa.PrimaryKeyConstraint("id"), sa.UniqueConstraint("pass_studio"),
    )  # fmt: skip
    directory("token", text("hash"), text("studio_id"), text("device_id"), sa.PrimaryKeyConstraint("hash"))
    directory(
        "code", text("hash"), text("studio_id"), text("role"), text("location"), text("name"), text("scopes"),
        number("expires_ms"), text("device_id", empty=True), text("public_key", empty=True),
        sa.PrimaryKeyConstraint("hash"),
    )  # fmt: skip
    directory("fact", text("name"), text("value"), sa.PrimaryKeyConstraint("name"))
    studio_table("head", number("sequence"), text("hash"), number("horizon"), number("erasures"), key=())
    studio_table(
        "device", text("id"), text("name"), text("program"), text("role"), text("location"), text("scopes"),
        octets("public_key"), number("epoch"), number("sequence"), text("hash"), number("contested"),
        number("paired_ms"), number("revoked_ms", empty=True), key=("id",),
    )  # fmt: skip
    studio_table(
        "batch", text("device_id"), number("epoch"), number("sequence"), octets("signature"),
        sa.ForeignKeyConstraint(["studio_id", "device_id"], ["device.studio_id", "device.id"]),
        key=("device_id", "epoch", "sequence"),
    )  # fmt: skip
    studio_table(
        "log", number("sequence"), text("operation"), text("kind"), text("device_id"), number("epoch"),
        number("device_sequence"), text("envelope_hash"), octets("envelope"), octets("parts"), octets("link"),
        text("link_hash"), octets("changes"), number("decided_ms"), text("status"),
        sa.UniqueConstraint("studio_id", "device_id", "epoch", "device_sequence"), key=("sequence",),
    )  # fmt: skip
    op.create_index("log_operation", "log", ["studio_id", "operation"])
    studio_table(
        "change", text("scope"), text("kind"), text("id"), number("sequence"), key=("scope", "kind", "id"), rowid=False
    )
    op.create_index("change_sequence", "change", ["studio_id", "sequence", "kind", "id", "scope"])
    studio_table("guard", text("name"), key=("name",))
    studio_table(
        "subject_key", text("subject"), octets("wrapped", empty=True), number("made_ms"),
        number("destroyed_ms", empty=True), key=("subject",), rowid=False,
    )  # fmt: skip
    studio_table(
        "effect", text("id"), text("operation"), number("sequence"), text("kind"), octets("body"),
        number("at_most_once"), text("state"), key=("id",),
    )  # fmt: skip
    op.create_index("effect_state", "effect", ["studio_id", "state", "sequence"])
    studio_table("secret", text("name"), octets("wrapped"), key=("name",))
    studio_table(
        "pass_key", number("key_id"), number("algorithm"), octets("public"), octets("wrapped"), number("not_before"),
        number("not_after"), number("revoked_at", empty=True), key=("key_id",),
    )  # fmt: skip
