"""Tables: first and later builds, order of versions, quarantine, requests, crashes, checks."""

import io
import os
import random
import re
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from conftest import Stopped, World, upsert
from sluice_build.build.log import log_to_standard_error

VISITS = {"id": "long", "name": "string", "score": "int"}


def visit(
    id_: int, name: str, score: float, version: int, observed: int | None = None
) -> dict[str, Any]:
    return upsert({"id": id_, "name": name, "score": score}, version, observed)


def simple(world: World, **more: Any) -> None:  # noqa: ANN401
    world.define("visits", VISITS, ["id"], **more)


def names(world: World) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in world.rows("visits", "id", "name", "score")]


def test_first_then_incremental_then_nothing(world: World) -> None:
    simple(world)
    world.load("visits", visit(1, "a", 10, 1), visit(2, "b", 20, 1), visit(2, "b2", 21, 2))
    first = world.build()["visits"]
    assert (first.status, first.manifests, first.rows_read) == ("built", (1, 1), 3)
    assert (first.winners, first.deletes, first.quarantined, first.error) == (2, 0, 0, None)
    assert names(world) == [(1, "a", 10), (2, "b2", 21)]
    delta, rows = world.delta("visits", first.content_id)
    assert (delta["kind"], delta["parent"], delta["snapshot"]) == (
        "replace",
        None,
        first.content_id,
    )
    assert delta["columns"][0] == {"name": "id", "type": "long", "redshift": "BIGINT"}
    assert rows == [[1, "a", 10], [2, "b2", 21]]

    world.load("visits", visit(2, "b3", 22, 3), visit(3, "c", 30, 3))
    world.load("visits", visit(1, "a", 10, 4))
    second = world.build()["visits"]
    assert (second.status, second.manifests, second.winners) == ("built", (2, 3), 2)
    assert names(world) == [(1, "a", 10), (2, "b3", 22), (3, "c", 30)]
    delta, rows = world.delta("visits", second.content_id)
    assert (delta["kind"], delta["parent"]) == ("merge", first.content_id)
    assert rows == [[2, "b3", 22, False], [3, "c", 30, False]]
    assert world.snapshots("visits") == 3

    third = world.build()["visits"]
    assert (third.status, third.manifests, third.content_id) == (
        "unchanged",
        None,
        second.content_id,
    )
    # Only the delta's own Parquet stays; what the merge read is gone.
    assert not [key for key in world.keys("deltas/visits/") if "/typed/" in key]
    assert len(world.refs("visits")) == 2


def test_replayed_rows_change_nothing_but_progress(world: World) -> None:
    simple(world)
    rows = [visit(1, "a", 10, 1), visit(2, "b", 20, 1)]
    world.load("visits", *rows)
    first = world.build()["visits"]
    world.load("visits", *rows)
    again = world.build()["visits"]
    assert (again.status, again.rows_read, again.winners) == ("unchanged", 2, 0)
    assert again.content_id == first.content_id
    assert world.snapshots("visits") == 2
    assert [ref for ref in world.refs("visits") if ref.startswith("sluice.2.")]
    assert world.build()["visits"].manifests is None


def test_rows_that_only_the_reading_of_past_rows_brings_are_counted_as_late(world: World) -> None:
    simple(world)
    world.load("visits", visit(1, "a", 10, 5), visit(2, "b", 20, 5))
    world.build()
    # 1 is as it was, 2 was changed and 3 written behind the window's back, 4 is read in time too.
    late = [visit(1, "a", 10, 5), visit(2, "b2", 20, 6), visit(3, "c", 30, 4), visit(4, "d", 40, 9)]
    world.commit(
        "visits",
        world.put_object("visits", [visit(4, "d", 40, 9), visit(5, "e", 50, 9)], "rows-2"),
        world.put_object("visits", late, "late-3"),
    )
    built = world.build()["visits"]
    assert (built.winners, built.late_rows) == (4, 2)
    assert built.to_json()["lateRows"] == 2
    assert names(world) == [(1, "a", 10), (2, "b2", 20), (3, "c", 30), (4, "d", 40), (5, "e", 50)]
    world.commit("visits", world.put_object("visits", late, "late-4"))
    again = world.build()["visits"]
    assert (again.status, again.late_rows) == ("unchanged", 0)


def test_order_of_versions_and_ties(world: World) -> None:
    simple(world)
    world.load(
        "visits",
        visit(1, "new", 0, 9, 100),
        visit(1, "old", 0, 8, 200),
        visit(2, "seen first", 0, 5, 100),
        visit(2, "seen later", 0, 5, 200),
        visit(3, "earlier line", 0, 5, 100),
        visit(3, "later line", 0, 5, 100),
    )
    world.build()
    assert [row.name for row in world.rows("visits", "id", "name")] == [
        "new",
        "seen later",
        "later line",
    ]
    world.load(
        "visits",
        visit(1, "older still", 0, 8, 900),
        visit(2, "seen before", 0, 5, 150),
        visit(3, "tie, seen after", 0, 5, 101),
    )
    result = world.build()["visits"]
    assert result.winners == 1
    assert [row.name for row in world.rows("visits", "id", "name")] == [
        "new",
        "seen later",
        "tie, seen after",
    ]


def test_every_type_arrives_exactly(world: World) -> None:
    columns = {
        "id": "string",
        "flag": "boolean",
        "small": "int",
        "big": "long",
        "f": "float",
        "d": "double",
        "price": {"decimal": [20, 4]},
        "day": "date",
        "at": "timestamp",
        "seconds": {"timestamp": "epoch_seconds"},
        "data": "binary",
        "raw": "json",
        "tags": {"list": "string"},
        "attrs": {"map": "long"},
        "place": {
            "struct": [
                {"name": "city", "type": "string", "from": "City"},
                {"name": "at", "type": {"list": "timestamp"}},
            ]
        },
        "zip": "string",
    }
    world.define("every", columns, ["id"], paths={"id": ["_id"], "zip": ["address", "zip"]})
    line = (
        '{"op":"upsert","id":"k","version":[1,0,0],"observed_at":1,"doc":{"flag":true,'
        '"small":-5,"big":9223372036854775807,"f":0.5,"d":"NaN","price":1234567890123456.7890,'
        '"day":"1500-02-28","at":"1969-12-31T23:59:59.999999999+01:00","seconds":1700000000,'
        '"data":"AQL/","raw":{"n":123456789012345678901234567890.10,"s":"é"},"tags":"one",'
        '"attrs":{"b":2,"a":1},"place":{"City":"Köln","at":["2024-01-01",0]},'
        '"address.zip":"50667"}}'
    )
    empty = '{"op":"upsert","id":"none","version":[1,0,0],"observed_at":1,"doc":{}}'
    world.load("every", line, empty)
    result = world.build()["every"]
    assert (result.error, result.quarantined) == (None, 0)
    row = world.rows("every", where="id = 'k'")[0]
    assert (row.flag, row.small, row.big, row.f) == (True, -5, 2**63 - 1, 0.5)
    assert row.d != row.d
    assert row.price == Decimal("1234567890123456.7890")
    assert row.day == date(1500, 2, 28)
    assert row.raw == '{"n":123456789012345678901234567890.10,"s":"é"}'
    assert (row.tags, row.attrs, row.data) == (["one"], {"a": 1, "b": 2}, b"\x01\x02\xff")
    assert (row.place.city, row.zip) == ("Köln", "50667")
    instants = ("at", "seconds", "place.at[1]")
    [micros] = world.rows("every", *[f"unix_micros({at})" for at in instants], where="id = 'k'")
    assert tuple(micros) == (-3_600_000_001, 1_700_000_000_000_000, 0)
    delta, rows = world.delta("every", result.content_id)
    found = {column["name"]: column["redshift"] for column in delta["columns"]}
    assert found["price"] == "DECIMAL(20,4)"
    assert {found[name] for name in ("raw", "tags", "attrs", "place")} == {"SUPER"}
    values = dict(zip(found, next(row for row in rows if row[0] == "k"), strict=True))
    assert values["data"] == "0102ff"
    assert (values["tags"], values["attrs"]) == ('["one"]', '{"a":1,"b":2}')
    assert values["place"] == (
        '{"city":"Köln","at":["2024-01-01T00:00:00.000000Z","1970-01-01T00:00:00.000000Z"]}'
    )
    assert values["at"] == datetime(1969, 12, 31, 22, 59, 59, 999999, tzinfo=UTC)


def test_what_does_not_fit_is_in_quarantine_with_its_reason(world: World) -> None:
    world.define("visits", VISITS, ["id"], required=("name",))
    good = visit(1, "a", 1, 1)
    bad: list[dict[str, Any] | str] = [
        visit(2, "a", 1.5, 1),
        visit(3, "a", 2**31, 1),
        upsert({"id": None, "name": "a"}, 1),
        upsert({"id": 4}, 1),
        visit(5, "x" * 65_536, 1, 1),
        "[]",
        "{broken",
        '{"op":"upsert","id":null,"version":[1,0,0],"observed_at":1,"doc":[]}',
    ]
    world.load("visits", good, *bad)
    result = world.build()["visits"]
    assert (result.status, result.rows_read, result.winners) == ("built", 9, 1)
    assert result.quarantined == 8
    found = world.quarantine("visits")
    assert [item["column"] for item in found] == [
        "score",
        "score",
        "id",
        "name",
        "name",
        None,
        None,
        None,
    ]
    reasons = [item["reason"] for item in found]
    assert reasons[0] == "1.5 has a fraction, int has none"
    assert reasons[1] == "2147483648 is out of the range of int"
    assert reasons[2] == "null where a value is required"
    assert "65536 bytes of text are more than" in reasons[4]
    assert reasons[5] == "the line is not a JSON object"
    assert reasons[6].startswith("the line is not JSON")
    assert reasons[7] == "the document is not an object"
    assert found[6]["line"] == "{broken"
    assert found[0]["object"].startswith("raw/visits/")
    assert names(world) == [(1, "a", 1)]


def test_count_that_differs_from_the_manifest_fails_the_table(world: World) -> None:
    simple(world)
    world.commit("visits", world.put_object("visits", [visit(1, "a", 1, 1)], rows=2))
    result = world.build()["visits"]
    assert result.status == "failed"
    assert result.error is not None
    assert "has 1 lines, its manifest 1 says 2" in result.error
    assert names(world) == []


def test_changed_object_fails_the_table(world: World) -> None:
    simple(world)
    item = world.put_object("visits", [visit(1, "a", 1, 1)])
    world.commit("visits", item | {"etag": '"0123"'})
    result = world.build()["visits"]
    assert result.error is not None
    assert 'recorded is "0123"' in result.error


def test_soft_deletes_leave_tombstones(world: World) -> None:
    world.define(
        "visits",
        {**VISITS, "gone": "boolean"},
        ["id"],
        required=("name",),
        deletes={"strategy": "soft-delete", "column": "gone"},
    )
    world.load("visits", visit(1, "a", 1, 1), visit(2, "b", 2, 1))
    world.build()
    # A deleted document may have lost what a live one must have.
    world.load("visits", upsert({"id": 1, "gone": True}, 2))
    second = world.build()["visits"]
    assert (second.winners, second.deletes) == (1, 1)
    assert names(world) == [(2, "b", 2)]
    delta, rows = world.delta("visits", second.content_id)
    assert (delta["deletes"], rows) == (1, [[1, None, None, None, True]])
    # An older version that comes late stays deleted, a newer one lives again.
    world.load("visits", visit(1, "late", 1, 1, 50))
    assert world.build()["visits"].winners == 0
    world.load("visits", visit(1, "back", 1, 3))
    assert world.build()["visits"].winners == 1
    assert names(world) == [(1, "back", 1), (2, "b", 2)]


def test_replace_request_is_served_once_and_kept(world: World) -> None:
    simple(world)
    world.load("visits", visit(1, "a", 1, 1))
    world.build()
    world.load("visits", visit(2, "b", 2, 2))
    merged = world.build()["visits"]
    assert world.delta("visits", merged.content_id)[0]["kind"] == "merge"
    world.ask_replace("visits")
    served = world.build()["visits"]
    assert (served.status, served.content_id) == ("built", merged.content_id)
    delta, rows = world.delta("visits", merged.content_id)
    assert (delta["kind"], rows) == ("replace", [[1, "a", 1], [2, "b", 2]])
    kept = world.replace_item("visits") or {}
    assert {key: kept[key] for key in ("state", "requestedAt", "times", "cause")} == {
        "state": "written",
        "requestedAt": 1,
        "times": 2,
        "cause": "broken-chain",
    }
    assert kept["writtenContentId"] == merged.content_id
    assert kept["writtenAt"] > 1_600_000_000_000
    # The same item asks for no second copy: what comes next is a part again.
    assert world.build()["visits"].status == "unchanged"
    world.load("visits", visit(2, "b2", 2, 3))
    part = world.build()["visits"]
    assert world.delta("visits", part.content_id)[0]["kind"] == "merge"
    # Asked for together with new rows, the delta of the new content is the whole table.
    world.ask_replace("visits", 2)
    world.load("visits", visit(3, "c", 3, 3))
    both = world.build()["visits"]
    delta, rows = world.delta("visits", both.content_id)
    assert (delta["kind"], len(rows)) == ("replace", 3)
    assert world.replace_state("visits") == "written"
    # What the warehouse has loaded meanwhile is not written either.
    world.ask_replace("visits", 3, state="loaded")
    assert world.build()["visits"].status == "unchanged"
    assert world.replace_state("visits") == "loaded"


def test_request_that_came_while_the_first_was_served_stays(world: World) -> None:
    simple(world)
    world.load("visits", visit(1, "a", 1, 1))
    world.build()
    world.ask_replace("visits", 1)

    def ask_again(_: str, step: str) -> None:
        if step == "published":
            world.ask_replace("visits", 2)

    assert world.build(after_step=ask_again)["visits"].status == "built"
    assert world.replace_state("visits") == "asked"
    assert world.build()["visits"].status == "built"
    assert world.replace_state("visits") == "written"


def test_each_line_of_the_log_names_its_run_and_table(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = io.StringIO()
    monkeypatch.setattr(sys, "stderr", output)
    log_to_standard_error()
    # Two are built at once.
    for name in ("visits", "calls"):
        world.define(name, VISITS, ["id"])
        world.load(name, visit(1, "a", 10, 1), visit(2, "b", 20, 1))
    world.define("broken", VISITS, ["id"])
    key = world.put_object("broken", [visit(1, "a", 1, 1)])
    world.commit("broken", key | {"etag": "other"})
    assert world.build()["broken"].status == "failed"
    lines = output.getvalue().splitlines()
    head = re.compile(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [A-Z]+ "
        rf"run={world.deployment}-\d+ table=(visits|calls|broken) build: (.*)"
    )
    found = [match.groups() for match in map(head.fullmatch, lines) if match]
    assert len(found) == len(lines)
    for name in ("visits", "calls"):
        assert (name, "1 manifests, 2 rows read") in found
        assert [text for table, text in found if table == name][-1].startswith("manifest 1 applied")
    texts = [text for table, text in found if table == "broken"]
    assert "Traceback (most recent call last):" in texts
    assert texts[-1].startswith("failed: s3://")


def test_failed_check_leaves_readers_on_the_last_good_rows(world: World) -> None:
    check = {"name": "score is positive", "badRows": "score <= 0", "severity": "error"}
    warn = {"name": "score is small", "badRows": "score > 100", "severity": "warn"}
    simple(world, checks=[check, warn])
    world.load("visits", visit(1, "a", 500, 1))
    first = world.build()["visits"]
    counts = {item.name: item.bad_rows for item in first.checks}
    assert (first.status, counts["score is small"], counts["score is positive"]) == ("built", 1, 0)
    world.load("visits", visit(2, "b", -1, 2))
    failed = world.build()["visits"]
    assert failed.status == "failed"
    assert failed.error is not None
    assert "check score is positive: 1 bad rows" in failed.error
    assert names(world) == [(1, "a", 500)]
    assert "build" not in world.refs("visits")
    # Fixed at the source: both manifests are applied together.
    world.load("visits", visit(2, "b", 1, 3))
    fixed = world.build()["visits"]
    assert (fixed.status, fixed.manifests) == ("built", (2, 3))
    assert names(world) == [(1, "a", 500), (2, "b", 1)]
    assert world.delta("visits", fixed.content_id)[0]["parent"] == first.content_id


def test_check_that_cannot_run_is_named(world: World) -> None:
    simple(world, checks=[{"name": "odd", "badRows": "nothing = 1", "severity": "warn"}])
    world.load("visits", visit(1, "a", 1, 1))
    result = world.build()["visits"]
    assert result.error is not None
    assert "check odd cannot run" in result.error


STEPS = ["created", "evolved", "winners", "branched", "merged", "checked", "delta"]


# In a plain run a build is killed after two of them, in order; the seed is in the test's output.
MOST_KILLS = 2


def steps_to_die_after(steps: list[str], kills: int) -> list[str]:
    """All steps, or some that SLUICE_TEST_SEED chooses, in their order."""
    if os.environ.get("SLUICE_TEST_ALL") == "1":
        return steps
    seed = int(os.environ.get("SLUICE_TEST_SEED") or random.randrange(2**31))
    print(f"SLUICE_TEST_SEED={seed} chooses this test's steps")
    chosen = random.Random(seed).sample(steps, kills)
    return [step for step in steps if step in chosen]


def stop_at(world: World, last_step: str) -> None:
    """Run a build that is killed right after a step."""

    def stop(_: str, step: str) -> None:
        if step == last_step:
            raise Stopped(step)

    with pytest.raises(Stopped):
        world.build(after_step=stop)


def test_a_build_killed_at_each_step_is_finished_by_the_next(world: World) -> None:
    simple(world)
    world.load("visits", visit(1, "a", 1, 1), visit(2, "b", 2, 1))
    # Each build begins on what the one before left, and readers see none of it.
    for step in steps_to_die_after(STEPS, MOST_KILLS):
        stop_at(world, step)
        assert names(world) == []
    first = world.build()["visits"]
    assert names(world) == [(1, "a", 1), (2, "b", 2)]
    assert world.delta("visits", first.content_id)[0]["parent"] is None

    world.load("visits", visit(2, "b2", 2, 2), visit(3, "c", 3, 2))
    for step in [*steps_to_die_after(STEPS[1:-1], MOST_KILLS - 1), STEPS[-1]]:
        stop_at(world, step)
        assert names(world) == [(1, "a", 1), (2, "b", 2)]
    assert "build" in world.refs("visits")
    stop_at(world, "published")
    assert names(world) == [(1, "a", 1), (2, "b2", 2), (3, "c", 3)]
    after = world.build()["visits"]
    assert after.status == "unchanged"
    delta, rows = world.delta("visits", after.content_id)
    assert delta["parent"] == first.content_id
    assert rows == [[2, "b2", 2, False], [3, "c", 3, False]]
    assert [ref.split(".")[1::2] for ref in world.refs("visits")] == [
        [],
        ["2", after.content_id],
    ]


def test_a_table_without_manifests_exists_and_is_empty(world: World) -> None:
    simple(world, partitioning=[{"column": "id", "transform": {"bucket": 4}}])
    result = world.build()["visits"]
    assert (result.status, result.manifests) == ("built", None)
    delta, rows = world.delta("visits", result.content_id)
    assert (delta["kind"], delta["files"], rows) == ("replace", [], [])
    world.load("visits", visit(1, "a", 1, 1))
    assert world.build()["visits"].winners == 1
    assert names(world) == [(1, "a", 1)]


def test_rows_that_move_to_another_partition_stay_one(world: World) -> None:
    columns = {"id": "string", "at": "timestamp"}
    world.define("moves", columns, ["id"], partitioning=[{"column": "at", "transform": "day"}])
    world.load("moves", upsert({"id": "x", "at": "2024-01-01"}, 1))
    world.build()
    world.load("moves", upsert({"id": "x", "at": "2024-02-01"}, 2))
    world.build()
    assert [row.at.month for row in world.rows("moves", "at")] == [2]


def test_columns_are_added_and_widened(world: World) -> None:
    simple(world)
    world.load("visits", visit(1, "a", 1, 1))
    first = world.build()["visits"]
    world.define(
        "visits",
        {
            "id": "long",
            "name": "string",
            "score": "long",
            "place": {"struct": [{"name": "city", "type": "string"}]},
        },
        ["id"],
    )
    only = world.build()["visits"]
    assert (only.status, only.content_id) == ("unchanged", first.content_id)
    assert world.rows("visits", "id", "score", "place") == [(1, 1, None)]
    world.load("visits", upsert({"id": 2, "score": 2**40, "place": {"city": "c"}}, 2))
    assert world.build()["visits"].winners == 1
    world.define(
        "visits",
        {
            "id": "long",
            "score": "long",
            "place": {
                "struct": [{"name": "street", "type": "string"}, {"name": "city", "type": "string"}]
            },
        },
        ["id"],
    )
    world.load("visits", upsert({"id": 3, "place": {"street": "s", "city": "c"}}, 3))
    result = world.build()["visits"]
    assert result.error is None
    rows = world.rows("visits", "id", "name", "score", "place.city", "place.street")
    assert [tuple(row) for row in rows] == [
        (1, "a", 1, None, None),
        (2, None, 2**40, "c", None),
        (3, None, None, "c", "s"),
    ]
    # A field that is declared no more stays, and is null in new rows.
    world.define(
        "visits",
        {"id": "long", "place": {"struct": [{"name": "street", "type": "string"}]}},
        ["id"],
    )
    world.load("visits", upsert({"id": 3, "place": {"street": "t"}}, 4))
    assert world.build()["visits"].error is None
    assert world.rows("visits", "id", "place", where="id = 3")[0].place.asDict() == {
        "city": None,
        "street": "t",
    }


def test_a_type_that_does_not_widen_is_refused(world: World) -> None:
    simple(world)
    world.load("visits", visit(1, "a", 1, 1))
    world.build()
    world.define("visits", {**VISITS, "score": "string"}, ["id"])
    result = world.build()["visits"]
    assert result.status == "failed"
    assert result.error is not None
    assert "visits: column score is int in the lake and declared string" in result.error
    world.define("visits", VISITS, ["name"])
    result = world.build()["visits"]
    assert result.error is not None
    assert 'its key was ["id"] and is now ["name"]' in result.error
