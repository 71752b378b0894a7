"""Deletes by scans: what a completed pass missed, what it may not delete, and coming back."""

from typing import Any

from conftest import World, key_line, upsert


def define(world: World, max_share: float = 1) -> None:
    world.define(
        "visits",
        {"id": "long", "name": "string"},
        ["id"],
        deletes={"strategy": "full-scan", "maxShare": max_share},
    )


def visit(id_: int, name: str, version: int, observed: int | None = None) -> dict[str, Any]:
    return upsert({"id": id_, "name": name}, version, observed)


def completed(
    pass_id: str, started_at: int, since_manifest: int, *objects: dict[str, Any]
) -> dict[str, Any]:
    return {
        "pass": pass_id,
        "kind": "rows" if pass_id.startswith("rows") else "keys",
        "number": 1,
        "startedAt": started_at,
        "sinceManifest": since_manifest,
        "findsDeletes": True,
        "objects": [item["key"] for item in objects],
    }


def ids(world: World) -> list[int]:
    return [row.id for row in world.rows("visits", "id")]


def test_a_scan_over_several_builds_deletes_what_it_missed_and_rows_come_back(
    world: World,
) -> None:
    define(world)
    world.load("visits", *[visit(number, "a", 1, 10) for number in (1, 2, 3, 4)])
    world.build()
    # A key scan that begins at 100, in two manifests; 2 and 4 are gone by then. 3 cannot be read
    # as a row, but is there.
    keys_one = world.put_object("visits", [key_line({"id": 1}, 110)], "keys-2")
    world.commit("visits", keys_one)
    assert world.build()["visits"].winners == 0
    keys_two = world.put_object(
        "visits", [upsert({"id": 3, "name": {}}, 1, 115), key_line({"id": 5}, 120)], "keys-2"
    )
    # 4 is written again while the scan goes on, behind its back.
    new = world.put_object("visits", [visit(4, "again", 2, 130)])
    scan = completed("keys-2", 100, 1, keys_one, keys_two)
    world.commit("visits", keys_two, new, completed=[scan])
    result = world.build()["visits"]
    assert (result.status, result.winners, result.deletes) == ("built", 2, 1)
    assert result.quarantined == 1
    assert ids(world) == [1, 3, 4]
    delta, rows = world.delta("visits", result.content_id)
    assert delta["deletes"] == 1
    assert rows == [[2, None, True], [4, "again", False]]

    # Read before the scan began: it is known to be gone. Read after: it is back, whatever its
    # version says, for a new index counts from the beginning.
    world.load("visits", visit(2, "read before", 9, 99))
    assert world.build()["visits"].winners == 0
    world.load("visits", visit(2, "back", 0, 200))
    assert world.build()["visits"].winners == 1
    assert ids(world) == [1, 2, 3, 4]


def test_unchanged_rows_seen_since_the_scan_began_stay(world: World) -> None:
    define(world)
    world.load("visits", visit(1, "a", 1, 10), visit(2, "a", 1, 10))
    world.build()
    # The same row again: nothing changes in the lake, but it was there at 150.
    world.load("visits", visit(2, "a", 1, 150))
    world.build()
    keys = world.put_object("visits", [key_line({"id": 1}, 110)], "keys-2")
    world.commit("visits", keys, completed=[completed("keys-2", 100, 1, keys)])
    result = world.build()["visits"]
    assert (result.status, result.deletes) == ("unchanged", 0)
    assert ids(world) == [1, 2]


def test_too_many_deletes_are_held_back_and_rows_applied(world: World) -> None:
    define(world, max_share=0.25)
    world.load("visits", *[visit(number, "a", 1, 10) for number in range(8)])
    world.build()
    rows = world.put_object("visits", [visit(number, "b", 2, 110) for number in range(5)], "rows-2")
    world.commit("visits", rows, completed=[completed("rows-2", 100, 1, rows)])
    held = world.build()["visits"]
    assert (held.status, held.held_deletes, held.deletes, held.winners) == ("held", 3, 0, 5)
    assert len(ids(world)) == 8
    rows = world.put_object("visits", [visit(number, "c", 3, 210) for number in range(7)], "rows-3")
    world.commit("visits", rows, completed=[completed("rows-3", 200, 2, rows)])
    fewer = world.build()["visits"]
    assert (fewer.status, fewer.held_deletes, fewer.deletes) == ("built", 0, 1)
    assert ids(world) == list(range(7))


def test_a_pass_whose_objects_are_unknown_deletes_nothing(world: World) -> None:
    define(world)
    keys = world.put_object("visits", [key_line({"id": 1}, 110)], "keys-2")
    lost = {**keys, "key": "raw/visits/keys-2/0/lost.ndjson.gz"}
    world.commit("visits", keys, completed=[completed("keys-2", 100, 0, keys, lost)])
    result = world.build()["visits"]
    assert result.status == "failed"
    assert result.error is not None
    assert "is in no manifest after 0" in result.error


def test_a_line_of_the_pass_that_cannot_be_read_holds_its_deletes(world: World) -> None:
    define(world)
    world.load("visits", visit(1, "a", 1, 10), visit(2, "a", 1, 10))
    world.build()
    keys = world.put_object("visits", [key_line({"id": 1}, 110), "{broken"], "keys-2")
    world.commit("visits", keys, completed=[completed("keys-2", 100, 1, keys)])
    result = world.build()["visits"]
    assert (result.status, result.held_deletes, result.quarantined) == ("held", 1, 1)
    assert ids(world) == [1, 2]
