"""What the studio's own records say of its devices, for the others to know: always what the directory has."""

from sqlalchemy import update

from classtap_core.access.operations import DescribeDevice
from classtap_core.access.records import Device as DeviceRecord
from classtap_core.access.rules import may_hold
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import decode
from cloud.jobs.ticks import Ticks
from cloud.storage.directory import DeviceEntry
from cloud.storage.jobs import EVERY_MS, PASSES
from cloud.storage.pulls import head_of
from tests.cloud.house_rig import House
from tests.cloud.rig import Device
from tests.unit.house import world


def record_of(home: House, id: Id) -> DeviceRecord:
    found: DeviceRecord = decode(DeviceRecord, home.studios.storage(world.STUDIO).rows(DeviceRecord, [id])[id].body)
    return found


def entry_of(home: House, id: Id) -> DeviceEntry:
    return next(one for one in home.studios.devices(world.STUDIO) if one.id == id)


def id_of(device: Device) -> Id:
    assert device.papers is not None
    return device.papers.device


def paired_before(home: House, device: Device) -> None:
    """As if the device had been paired by a version that wrote no key: a record without one."""
    record = DeviceRecord(id=id_of(device), name="door", role="kiosk", location=world.MAIN)
    bare = DescribeDevice(device=record.id)
    home.studios.author(world.STUDIO, bare, source="test")
    assert record_of(home, record.id).public_key == ""


def test_a_paired_device_is_known_by_its_key(home: House) -> None:
    kiosk = home.join("kiosk")
    found = record_of(home, id_of(kiosk))
    assert found.public_key == kiosk.key.public_key().public_bytes_raw().hex()
    assert may_hold(found) == entry_of(home, id_of(kiosk)).scopes
    assert home.studios.describe(world.STUDIO) == 0, "all is said already"
    code = home.studios.pairing_code(
        world.STUDIO, role="kiosk", location=world.MAIN, name="k", scopes=("studio", "keys")
    )
    narrow = Device(home.client, home.clock)
    assert narrow.pair(code.code).status_code == 200
    assert may_hold(record_of(home, id_of(narrow))) == ("studio", "keys")


def test_the_clock_tells_of_devices_that_were_paired_before_and_only_once(home: House) -> None:
    first, second = home.join("kiosk"), home.join("kiosk")
    for device in (first, second):
        paired_before(home, device)
    before = head_of(home.studios.books, world.STUDIO)
    ticks = Ticks(home.studios)
    for _ in range(2):
        home.clock.advance(EVERY_MS[PASSES])
        ticks.sweep_all()
        for device in (first, second):
            assert record_of(home, id_of(device)).public_key == device.key.public_key().public_bytes_raw().hex()
        said = [row for row in kinds_since(home, before) if row == DescribeDevice.SPEC.name]
        assert len(said) == 2


def kinds_since(home: House, sequence: int) -> list[str]:
    log = home.studios.books.tables.log
    with home.studios.books.database.read(world.STUDIO) as connection:
        rows = connection.execute(
            log.select().where(log.c.studio_id == world.STUDIO, log.c.sequence > sequence).order_by(log.c.sequence)
        )
        return [row.kind for row in rows]


def test_what_is_withheld_from_a_device_is_known_to_all(home: House) -> None:
    desk, kiosk = home.join("desk"), home.join("kiosk")
    mine = id_of(desk)
    whole = entry_of(home, mine).scopes
    held = home.studios.withhold(world.STUDIO, entry_of(home, mine), ["health", "custody"])
    found = record_of(home, mine)
    assert (found.withheld, may_hold(found)) == (("custody", "health"), held)
    assert held == tuple(one for one in whole if not one.startswith(("health/", "custody/")))
    rows = {row.id: bytes(row.body) for row in kiosk.pull("studio").rows}
    assert decode(DeviceRecord, rows[mine]).withheld == ("custody", "health")
    # and given again, and taken again: each time it is said
    assert home.studios.withhold(world.STUDIO, entry_of(home, mine), []) == whole
    assert may_hold(record_of(home, mine)) == whole
    home.studios.withhold(world.STUDIO, entry_of(home, mine), ["health", "custody"])
    assert record_of(home, mine).withheld == ("custody", "health")
    home.studios.set_scopes(world.STUDIO, mine, ("studio",))
    assert may_hold(record_of(home, mine)) == ("studio",)
    assert record_of(home, mine).public_key == desk.key.public_key().public_bytes_raw().hex()
    # a worker that died between the directory and the records: the clock says it
    table = home.studios.books.tables.device
    with home.studios.books.database.write(world.STUDIO) as connection:
        connection.execute(
            update(table)
            .where(table.c.studio_id == world.STUDIO, table.c.id == mine)
            .values(scopes='["studio","keys"]')
        )
    assert home.studios.describe(world.STUDIO) == 1
    assert may_hold(record_of(home, mine)) == ("studio", "keys")
    assert home.studios.describe(world.STUDIO) == 0
