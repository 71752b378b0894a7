"""Runs a model's script, SQL or Python, and holds its result to the declared columns."""

import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as t

from sluice_build.contract.errors import TableFailed
from sluice_build.lake.evolve import widens
from sluice_build.lake.fit import declared_schema, selected
from sluice_build.lake.iceberg import ddl
from sluice_build.stores.catalog import ModelDefinition


def run_model(
    spark: SparkSession, definition: ModelDefinition, script: str, inputs: Mapping[str, DataFrame]
) -> DataFrame:
    """The model's rows with exactly the declared columns and types.

    Raises TableFailed when the script gives something else than declared.
    """
    if definition.language == "sql":
        result: object = _run_sql(spark, script, inputs)
    else:
        function = load_function(definition.name, script, definition.script)
        arguments: dict[str, object] = dict(inputs)
        if "spark" in inspect.signature(function).parameters:
            arguments["spark"] = spark
        result = function(**arguments)
    if not isinstance(result, DataFrame):
        raise TableFailed(
            f"{definition.name}: model() returned {type(result).__name__}, expected a DataFrame"
        )
    wanted = declared_schema(definition)
    mistakes = contract_mistakes(result.schema, wanted)
    if mistakes:
        raise TableFailed(
            f"{definition.name}: its result is not what is declared: {'; '.join(mistakes)}. "
            f"Change the columns in the catalog, or {definition.script}"
        )
    return selected(result, wanted)


def _run_sql(spark: SparkSession, script: str, inputs: Mapping[str, DataFrame]) -> DataFrame:
    try:
        for name, rows in inputs.items():
            rows.createOrReplaceTempView(name)
        return spark.sql(script.strip().removesuffix(";"))
    finally:
        # The next model of this session sees its own inputs only.
        for name in inputs:
            spark.catalog.dropTempView(name)


def load_function(name: str, script: str, place: str) -> Callable[..., Any]:
    """The function `model` of a Python script.

    Raises TableFailed when the script has none.
    """
    # Not registered as a module, so that functions used in Spark travel to workers by value.
    module = types.ModuleType(f"model_{name}")
    exec(compile(script, place, "exec"), module.__dict__)
    function = getattr(module, "model", None)
    if not callable(function):
        raise TableFailed(
            f"{name}: {place} has no function model; expected "
            "def model(<input>: DataFrame, …) -> DataFrame"
        )
    return function  # type: ignore[no-any-return]


def contract_mistakes(given: t.StructType, wanted: t.StructType) -> list[str]:
    """What is missing, too much, or of a type that becomes the declared one only with loss."""
    names = {field.name: field.dataType for field in given}
    declared = {field.name for field in wanted}
    mistakes = [f"column {name} is missing" for name in declared - set(names)]
    mistakes += [f"column {name} is not declared" for name in set(names) - declared]
    doubled = {field.name for field in given if given.names.count(field.name) > 1}
    mistakes += [f"column {name} is there more than once" for name in doubled]
    for field in wanted:
        if field.name in names and not _becomes(names[field.name], field.dataType):
            mistakes.append(
                f"column {field.name} is {ddl(names[field.name])}, declared "
                f"{ddl(field.dataType)}: cast it in the script"
            )
    return sorted(mistakes)


def _becomes(given: t.DataType, wanted: t.DataType) -> bool:
    if isinstance(given, t.NullType):
        return True
    if isinstance(given, t.StructType) and isinstance(wanted, t.StructType):
        return given.names == wanted.names and all(
            _becomes(one.dataType, other.dataType) for one, other in zip(given, wanted, strict=True)
        )
    if isinstance(given, t.ArrayType) and isinstance(wanted, t.ArrayType):
        return _becomes(given.elementType, wanted.elementType)
    if isinstance(given, t.MapType) and isinstance(wanted, t.MapType):
        return _becomes(given.keyType, wanted.keyType) and _becomes(
            given.valueType, wanted.valueType
        )
    if isinstance(wanted, t.DecimalType):
        scale, whole = wanted.scale, wanted.precision - wanted.scale
        if isinstance(given, t.DecimalType):
            return given.scale <= scale and given.precision - given.scale <= whole
        digits = 10 if isinstance(given, t.IntegerType) else 19
        return isinstance(given, t.IntegerType | t.LongType) and digits <= whole
    pair = (type(given), type(wanted))
    return given == wanted or widens(given, wanted) or pair == (t.IntegerType, t.DoubleType)
