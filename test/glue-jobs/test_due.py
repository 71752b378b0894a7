"""Whether a build is due: after whatever happened, none that is needed is left out."""

import boto3
import pytest
from conftest import Stopped, World, upsert

VISITS = {"id": "long", "name": "string"}
DAILY = "select name as id, count(*) as visits from visits group by name"


def define(world: World, sql: str = DAILY) -> None:
    world.define("visits", VISITS, ["id"])
    world.define("daily", {"id": "string", "visits": "long"}, ["id"], sql=sql, inputs=["visits"])


def visit(world: World, id_: int, name: str, version: int) -> None:
    world.load("visits", upsert({"id": id_, "name": name}, version))


def built(world: World) -> None:
    """Build all, after which nothing may be due."""
    statuses = {record.status for record in world.build().values()}
    assert statuses <= {"built", "unchanged", "held"}
    assert world.decide() is None


def test_only_what_changes_the_result_makes_a_build_due(world: World) -> None:
    define(world)
    visit(world, 1, "a", 1)
    assert world.decide() == "no build has ended yet"
    built(world)

    visit(world, 2, "a", 2)
    assert world.decide() == "visits is built to manifest 1 of 2"
    built(world)

    world.ask_replace("daily")
    assert world.decide() == "the warehouse asks for the whole of daily"
    built(world)

    define(world, DAILY.replace("count(*)", "2 * count(*)"))
    assert world.decide() == "daily's definition has changed"
    built(world)

    world.define("others", VISITS, ["id"])
    assert world.decide() == "others is new"
    built(world)
    boto3.client("glue").delete_table(DatabaseName=world.definitions, Name="others")
    assert world.decide() == "others was removed"
    built(world)

    assert world.decide("v2") == "the build's code is another than in the last build"
    world.build(version="v2")
    assert world.decide("v2") is None

    boto3.client("glue").delete_table(DatabaseName=f"{world.deployment}_lake", Name="daily")
    assert world.decide("v2") == "daily is not in the lake as the last build left it"


def test_a_build_that_was_killed_is_due_again_wherever_it_was(world: World) -> None:
    define(world)
    visit(world, 1, "a", 1)
    built(world)
    places = [
        ("visits", "merged"),
        ("visits", "published"),
        ("daily", "winners"),
        ("daily", "published"),
        ("", "built"),
        ("", "reported"),
    ]
    for number, place in enumerate(places, 2):
        visit(world, number, "a", number)

        def stop(name: str, step: str, place: tuple[str, str] = place) -> None:
            if (name, step) == place:
                raise Stopped(step)

        with pytest.raises(Stopped):
            world.build(after_step=stop)
        assert world.decide() is not None, place
        # Nothing is read in between: it is the build's own work that must not be forgotten.
        built(world)
    assert [tuple(row) for row in world.rows("daily", where="true")] == [("a", 7)]


def test_what_failed_is_tried_again_and_what_waits_for_it(world: World) -> None:
    define(world)
    visit(world, 1, "a", 1)
    built(world)
    check = {"name": "no_b", "badRows": "name = 'b'", "severity": "error"}
    world.define("visits", VISITS, ["id"], checks=[check])
    visit(world, 2, "b", 2)
    assert world.build()["visits"].status == "failed"
    assert (
        world.decide()
        == "the last build could not finish visits; the last build could not finish daily"
    )
    visit(world, 2, "c", 3)
    built(world)


def test_a_build_of_a_part_says_nothing_of_the_whole(world: World) -> None:
    define(world)
    world.define("others", VISITS, ["id"])
    visit(world, 1, "a", 1)
    built(world)
    visit(world, 2, "a", 2)
    world.load("others", upsert({"id": 1, "name": "a"}, 1))
    world.build("others")
    decided = world.decide()
    assert decided is not None
    assert "visits is built to manifest 1 of 2" in decided
    assert "others is not in the lake as the last build left it" in decided
    built(world)
