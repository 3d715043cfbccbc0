"""Ready for Citus: what is in the live catalogue could be distributed, what is asked stays with one studio.

The same suite runs on a cluster where CLASSTAP_CITUS_URL names one; there the tables are in fact distributed.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator

import pytest
from sqlalchemy import bindparam, select, text, update

from classtap_core import house
from cloud.composition import Cloud
from cloud.storage import citus, wall
from cloud.storage.database import Database
from cloud.storage.directory import StudioEntry
from cloud.storage.tables import make_tables
from tests.cloud import catalogue
from tests.cloud.databases import Cluster
from tests.cloud.one_studio import Asked, Asking, faults_of
from tests.cloud.postgres import Postgres
from tests.cloud.rig import CITUS, prepare

ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture(scope="module")
def laid(postgres: Postgres) -> Iterator[Database]:
    """The tables of the whole house."""
    url = postgres.url(postgres.database())
    prepare(url, house.bus(authority=True))
    found = Database(url)
    yield found
    found.close()


def test_every_table_of_the_house_could_be_distributed(laid: Database) -> None:
    with laid.administer() as connection:
        assert catalogue.faults(connection) == []


def test_tables_are_distributed_after_those_they_point_to(laid: Database) -> None:
    """`head` first, which all others are laid beside; and each as the order says, one after another."""
    tables = citus.in_order(make_tables(house.registry(), "postgresql").of_studios)
    place = {table.name: at for at, table in enumerate(tables)}
    assert place["head"] == 0
    with laid.administer() as connection:
        points = connection.execute(
            text(
                "SELECT conrelid::regclass::text AS mine, confrelid::regclass::text AS theirs FROM pg_constraint "
                "WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
            )
        ).all()
    assert points
    assert [one for one in points if place[one.mine] <= place[one.theirs]] == []


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("CREATE TABLE plain (id text PRIMARY KEY)", "plain: no studio_id"),
        ("CREATE TABLE keyless (studio_id text NOT NULL)", "keyless: no primary key"),
        ("CREATE TABLE odd (studio_id text, id text PRIMARY KEY)", "odd: odd_pkey does not begin with studio_id"),
        ("CREATE TABLE number (studio_id bigint PRIMARY KEY)", "number: studio_id is bigint"),
        ("CREATE TABLE other (studio_id text PRIMARY KEY)", "other: studio_id is compared by default"),
        ("CREATE TABLE counted (studio_id text PRIMARY KEY, n bigserial)", "counted: a sequence (counted_n_seq)"),
        ("CREATE UNIQUE INDEX upside ON log (operation, studio_id)", "log: upside does not begin with studio_id"),
        ("CREATE UNIQUE INDEX made ON log (studio_id, lower(kind))", "log: made does not begin with studio_id"),
        (
            "ALTER TABLE effect ADD FOREIGN KEY (id, studio_id) REFERENCES device (id, studio_id)",
            "effect: effect_id_studio_id_fkey does not begin with studio_id on both sides",
        ),
        ("CREATE TABLE later () INHERITS (guard)", "guard: a parent or a partition (later)"),
        ("ALTER TABLE guard ALTER name SET DEFAULT 'x'", "guard: a computed default (2)"),
        ("CREATE RULE kept AS ON DELETE TO guard DO INSTEAD NOTHING", "guard: a rule (kept)"),
        (
            "CREATE TRIGGER told BEFORE UPDATE ON guard EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "guard: a trigger (told)",
        ),
        ("ALTER TABLE guard ADD EXCLUDE (name WITH =)", "guard: an exclusion constraint (guard_name_excl)"),
        (
            "ALTER TABLE head ADD FOREIGN KEY (studio_id) REFERENCES directory.studio (id)",
            "head: head_studio_id_fkey points into directory",
        ),
    ],
)
def test_what_could_not_be_is_found(laid: Database, command: str, fault: str) -> None:
    with laid.administer() as connection:
        connection.exec_driver_sql(command)
        assert fault in [one.replace("int8", "bigint") for one in catalogue.faults(connection)]
        connection.rollback()


@ON_POSTGRESQL
@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("SELECT * FROM log", "log is not held to one studio"),
        ("SELECT * FROM log WHERE studio_id > '%s'", "log is not held to one studio"),
        ("SELECT * FROM log WHERE studio_id IN ('%s', 'another')", "log is not held to one studio"),
        ("UPDATE head SET sequence = 1", "head is not held to one studio"),
        ("DELETE FROM guard WHERE name = 'x'", "guard is not held to one studio"),
        (
            "SELECT * FROM log JOIN batch ON batch.device_id = log.device_id WHERE log.studio_id = '%s'",
            "batch is not held",
        ),
        ("SELECT 1 FROM log JOIN directory.studio ON id = studio_id WHERE studio_id = '%s'", "joins the directory"),
        ("SELECT * FROM log JOIN batch USING (studio_id, device_id) WHERE log.studio_id = '%s'", ""),
        ("SELECT * FROM directory.studio", ""),
    ],
)
def test_a_query_beyond_one_studio_is_found(cloud: Cloud, studio: StudioEntry, statement: str, fault: str) -> None:
    asked = Asked(statement.replace("%s", studio.id), {}, studio.id)
    with cloud.database.administer() as connection:
        found = faults_of(connection, asked)
    assert bool(found) == bool(fault)
    assert all(fault in one for one in found)


@ON_POSTGRESQL
@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("SELECT pg_advisory_xact_lock(1)", "locks are rows"),
        ("NOTIFY moved", "nobody is notified"),
        ("SELECT set_config('classtap.studio', '', true)", "carries SET LOCAL"),
        ("UPDATE head SET horizon = random() WHERE studio_id = '%s'", "a value of its own"),
        ("UPDATE head SET hash = current_timestamp WHERE studio_id = '%s'", "a value of its own"),
        ("INSERT INTO guard SELECT studio_id, hash FROM head WHERE studio_id = '%s'", "inserts what it finds"),
        ("UPDATE head SET horizon = horizon WHERE studio_id = '%s'", ""),
        ("UPDATE head SET horizon = 1 WHERE studio_id = '%s' COLLATE \"C\"", "plans it anew"),
        ("UPDATE head SET horizon = 1 WHERE studio_id = CAST('%s' AS text)", "plans it anew"),
        ("UPDATE head SET horizon = 1 WHERE studio_id = '%s' AND studio_id > ''", "plans it anew"),
        ("DELETE FROM guard USING head WHERE guard.studio_id = '%s' AND name = head.hash", "plans it anew"),
        ("DELETE FROM guard WHERE studio_id = '%s' AND name IN (SELECT 'x')", "plans it anew"),
        ("DELETE FROM guard WHERE studio_id = '%s' AND name IN ('x', 'y')", ""),
    ],
)
def test_what_citus_would_not_do_is_heard(
    cloud: Cloud, studio: StudioEntry, asking: Asking, statement: str, fault: str
) -> None:
    with cloud.database.write(studio.id) as connection:
        before = len(asking.faults)
        connection.exec_driver_sql(statement.replace("%s", studio.id))
        connection.rollback()
    found = heard(asking, before)
    assert bool(found) == bool(fault)
    assert all(fault in one for one in found)


@ON_POSTGRESQL
def test_another_studios_name_among_the_values_is_heard(cloud: Cloud, studio: StudioEntry, asking: Asking) -> None:
    head = cloud.books.tables.head.c
    with cloud.database.read(studio.id) as connection:
        before = len(asking.faults)
        connection.execute(select(head.sequence).where(head.studio_id == "0f" * 16))
    assert [one[:12] for one in heard(asking, before)] == ["names {'0f0f"]


def heard(asking: Asking, before: int) -> list[str]:
    """What was found wrong since; all that was heard is taken away, for it was asked on purpose."""
    found, asking.faults = asking.faults[before:], asking.faults[:before]
    asking.new.clear()
    return found


def test_the_coordinator_is_let_in_by_a_password_that_the_machines_know_as_it_is_kept(laid: Database) -> None:
    """By RFC 5802: what the role's verifier was made of is the password that the coordinator says."""
    with laid.administer() as connection:
        connection.execute(text("CREATE TABLE pg_dist_authinfo (nodeid int, rolename name, authinfo text)"))
        for _ in range(2):  # again is fine
            citus.let_in(connection, wall.ROLE)
        ((node, said),) = connection.execute(text("SELECT nodeid, authinfo FROM pg_dist_authinfo")).all()
        kept = connection.scalar(text("SELECT rolpassword FROM pg_authid WHERE rolname = :role"), {"role": wall.ROLE})
        connection.rollback()
    method, rounds_and_salt, keys = kept.split("$")
    rounds, salt = rounds_and_salt.split(":")
    password = said.removeprefix("password=").encode()
    salted = hashlib.pbkdf2_hmac("sha256", password, base64.b64decode(salt), int(rounds))
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    assert (node, method, len(password)) == (0, "SCRAM-SHA-256", 32)
    assert keys.split(":")[0] == base64.b64encode(stored).decode()


def test_the_directory_is_no_shard_where_each_new_schema_would_be_one(laid: Database) -> None:
    name = "citus.enable_schema_based_sharding"
    asked = text("SELECT current_setting(:name, true)")
    with laid.administer() as connection:
        citus.plain_schemas(connection)
        assert connection.scalar(asked, {"name": name}) is None  # Citus 11 knows no such setting and would refuse it
        connection.exec_driver_sql(f"SET {name} = 'on'")
        citus.plain_schemas(connection)
        assert connection.scalar(asked, {"name": name}) == "off"
        connection.rollback()


def test_text_is_sent_bare_and_columns_compare_by_bytes(laid: Database) -> None:
    """As Citus plans once for all: `fast_path_router_planner.c` looks for a column beside a parameter and nothing else."""
    head = make_tables(house.registry(), "postgresql").head
    written = laid.prepared(update(head).where(head.c.studio_id == bindparam("studio")), ["hash"])
    assert written._sql == "UPDATE head SET hash=%(hash)s::TEXT WHERE head.studio_id = %(studio)s::TEXT"
    with laid.administer() as connection:
        order = (
            "SELECT collation_name FROM information_schema.columns WHERE table_name = 'head' AND column_name = 'hash'"
        )
        assert connection.scalar(text(order)) == "C"


@pytest.mark.skipif(not CITUS, reason="CLASSTAP_CITUS_URL names no cluster")
def test_on_a_cluster_every_table_is_distributed_beside_the_others(cluster: Cluster) -> None:
    prepare(cluster.url("house"), house.bus(authority=True), distributed=True)
    found = Database(CITUS)
    with found.administer() as connection:
        tables = set(
            connection.scalars(
                text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
            )
        )
        spread = connection.execute(
            text(
                "SELECT logicalrelid::text AS name, colocationid, partkey FROM pg_dist_partition WHERE partmethod = 'h'"
            )
        ).all()
        apart = connection.execute(
            text("SELECT logicalrelid::text FROM pg_dist_partition WHERE logicalrelid::text LIKE 'directory.%'")
        ).all()
        assert connection.scalar(select(text("count(*)")).select_from(text("pg_dist_node"))) >= 1
        copies = connection.scalar(text("SELECT max(replicationfactor) FROM pg_dist_colocation WHERE shardcount > 1"))
    found.close()
    assert {row.name for row in spread} >= tables - {name for name in tables if name.startswith("pg_")}
    assert len({row.colocationid for row in spread}) == 1
    assert copies == 1
    assert apart == []
