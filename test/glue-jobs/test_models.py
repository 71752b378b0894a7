"""Models: built, left alone, failing, skipped, in SQL and Python."""

import json
from typing import Any

import boto3
import pytest
from conftest import Stopped, World, upsert
from sluice_build.stores.catalog import definitions_database

ORDERS = {"id": "long", "customer": "string", "amount": {"decimal": [10, 2]}}
TOTALS = {"customer": "string", "total": {"decimal": [20, 2]}, "orders": "long"}
SQL = """
select customer, cast(sum(amount) as decimal(20, 2)) as total, count(*) as orders
from orders group by customer;
"""
PYTHON = """
from pyspark.sql import DataFrame, functions as F

def model(totals: DataFrame, spark) -> DataFrame:
    double = F.udf(lambda text: text * 2)
    assert spark is not None
    return totals.select(double("customer").alias("name"), F.lit(None).alias("nothing"))
"""


def order(id_: int, customer: str, amount: float, version: int = 1) -> dict[str, Any]:
    return upsert({"id": id_, "customer": customer, "amount": amount}, version)


def define(world: World, **more: Any) -> None:  # noqa: ANN401
    world.define("orders", ORDERS, ["id"])
    world.define("totals", TOTALS, ["customer"], sql=SQL, inputs=["orders"], **more)


def test_models_follow_their_inputs(world: World) -> None:
    define(world)
    columns = {"name": "string", "nothing": "int"}
    world.define("names", columns, ["name"], python=PYTHON, inputs=["totals"])
    world.load("orders", order(1, "a", 1.5), order(2, "b", 2), order(3, "a", 0.25))
    first = world.build()
    assert {name: item.status for name, item in first.items()} == {
        "orders": "built",
        "totals": "built",
        "names": "built",
    }
    totals = [tuple(map(str, row)) for row in world.rows("totals", where="true")]
    assert totals == [("a", "1.75", "2"), ("b", "2.00", "1")]
    assert [row.name for row in world.rows("names", where="true")] == ["aa", "bb"]
    delta, rows = world.delta("totals", first["totals"].content_id)
    assert (delta["kind"], delta["parent"], len(rows)) == ("replace", None, 2)

    assert {item.status for item in world.build().values()} == {"unchanged"}

    # Totals change, names come out as they were: they keep their content, and nothing is loaded.
    world.load("orders", order(1, "a", 3.5, 2))
    second = world.build()
    assert {name: item.status for name, item in second.items()} == {
        "orders": "built",
        "totals": "built",
        "names": "unchanged",
    }
    assert second["names"].content_id == first["names"].content_id
    assert world.snapshots("names") == 2
    delta, _ = world.delta("totals", second["totals"].content_id)
    assert delta["parent"] == first["totals"].content_id
    assert str(world.rows("totals", where="customer = 'a'")[0].total) == "3.75"

    # A table alone brings its models; a model alone reads what is there.
    assert sorted(world.build("orders")) == ["names", "orders", "totals"]
    assert list(world.build("names")) == ["names"]

    world.ask_replace("names")
    assert world.build("names")["names"].status == "built"
    assert world.replace_state("names") == "written"
    assert world.build("names")["names"].status == "unchanged"


def test_a_failed_input_skips_its_dependents_only(world: World) -> None:
    define(world)
    world.define("other", {"id": "long"}, ["id"])
    world.commit("orders", world.put_object("orders", [order(1, "a", 1)], rows=7))
    world.load("other", upsert({"id": 1}, 1))
    boto3.client("glue").create_table(
        DatabaseName=world.definitions,
        TableInput={
            "Name": "odd",
            "Parameters": {"sluice.format": "1"},
            "StorageDescriptor": {"Columns": []},
        },
    )
    result = world.build("orders", "other", "odd", "unknown")
    assert {name: item.status for name, item in result.items()} == {
        "orders": "failed",
        "totals": "skipped",
        "other": "built",
        "odd": "failed",
        "unknown": "failed",
    }
    assert result["totals"].error == (
        "its input orders is not there (failed): fix that and run again"
    )
    assert "sluice.format is 1" in str(result["odd"].error)


MISTAKES = {
    "columns": (
        "select customer, sum(amount) as total, 'x' as more from orders group by 1",
        "column more is not declared; column orders is missing",
    ),
    "types": (
        "select customer, null as total, cast(1 as string) as orders from orders",
        "column orders is string, declared bigint: cast it in the script",
    ),
    "doubled": (
        "select 'a' as customer, null as total, id as orders from orders",
        "check key is unique: 1 bad rows",
    ),
    "keyless": (
        "select cast(null as string) as customer, null as total, 1 as orders",
        "check key is not null: 1 bad rows",
    ),
    "long": (
        "select repeat('x', 65536) as customer, null as total, 1 as orders",
        "check text fits the warehouse: 1 bad rows",
    ),
    "broken": ("select nothing from orders", "nothing"),
}


def test_a_result_that_is_not_as_declared_fails(world: World) -> None:
    world.define("orders", ORDERS, ["id"])
    for name, (script, _) in MISTAKES.items():
        world.define(name, TOTALS, ["customer"], sql=script, inputs=["orders"])
    world.load("orders", order(1, "a", 1), order(2, "b", 1))
    result = world.build()
    assert result["orders"].status == "built"
    for name, (_, message) in MISTAKES.items():
        assert result[name].status == "failed"
        assert message in str(result[name].error)
        assert world.rows(name, where="true") == []


def test_a_model_build_killed_at_each_step_is_finished_by_the_next(world: World) -> None:
    define(world)
    world.load("orders", order(1, "a", 1))
    for last_step in ("created", "winners", "branched", "merged", "checked", "delta", "published"):

        def stop(table: str, step: str, last_step: str = last_step) -> None:
            if (table, step) == ("totals", last_step):
                raise Stopped(step)

        with pytest.raises(Stopped):
            world.build(after_step=stop)
        assert len(world.rows("totals", where="true")) == (last_step == "published")
    result = world.build()["totals"]
    assert result.status == "unchanged"
    assert world.delta("totals", result.content_id)[0]["rows"] == 1


def test_an_unpublished_table_has_no_deltas(world: World) -> None:
    world.define("orders", ORDERS, ["id"], publish=False)
    world.load("orders", order(1, "x" * 70_000, 1))
    result = world.build()["orders"]
    assert (result.status, result.quarantined) == ("built", 0)
    assert world.keys("deltas/orders/") == []
    assert json.loads(world.read(world.keys("runs/")[0]))["format"] == 1


def test_a_definition_that_is_gone_or_found_twice_changes_nothing(world: World) -> None:
    define(world)
    world.load("orders", order(1, "a", 1))
    built = world.build()
    assert built["totals"].status == "built"
    before = {name: (world.snapshots(name), world.refs(name)) for name in ("orders", "totals")}

    glue = boto3.client("glue")
    gone = glue.get_table(DatabaseName=world.definitions, Name="orders")["Table"]
    glue.delete_table(DatabaseName=world.definitions, Name="orders")
    world.load("orders", order(2, "b", 2))
    world.ask_replace("totals")
    result = world.build()
    assert "orders" not in result
    assert result["totals"].status == "skipped"
    assert result["totals"].error == (
        "its input orders is not there (not in the Data Catalog): fix that and run again"
    )
    assert {n: (world.snapshots(n), world.refs(n)) for n in before} == before

    # Both in the one stack that there was and, differently, in one of the two that there will be.
    second = definitions_database(world.deployment, 1)
    glue.create_database(DatabaseInput={"Name": second})
    kept = ("Name", "Parameters", "StorageDescriptor")
    table: Any = {name: value for name, value in gone.items() if name in kept}
    glue.create_table(DatabaseName=world.definitions, TableInput=table)
    changed = {**table["Parameters"], "sluice.key": '["customer"]'}
    glue.create_table(DatabaseName=second, TableInput={**table, "Parameters": changed})
    world.catalog_stacks = 2
    result = world.build()
    assert result["orders"].status == "failed"
    assert "defined differently" in str(result["orders"].error)
    assert result["totals"].status == "skipped"
    assert {n: (world.snapshots(n), world.refs(n)) for n in before} == before

    glue.delete_table(DatabaseName=second, Name="orders")
    assert {name: item.status for name, item in world.build().items()} == {
        "orders": "built",
        "totals": "built",
    }
