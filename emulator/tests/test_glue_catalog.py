"""The Data Catalog rejects stale updates, and keeps what it was given."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from running_emulator import Emulator

if TYPE_CHECKING:
    from types_boto3_glue.type_defs import TableInputTypeDef


def new_database(emulator: Emulator) -> str:
    name = f"db_{uuid.uuid4().hex}"
    emulator.glue.create_database(DatabaseInput={"Name": name})
    return name


def table_input(name: str, **parameters: str) -> TableInputTypeDef:
    return {
        "Name": name,
        "Parameters": parameters,
        "StorageDescriptor": {
            "Columns": [
                {
                    "Name": "a",
                    "Type": "struct<b:int,c:array<string>>",
                    "Comment": "what it is",
                    "Parameters": {"path": '["A","b.c"]'},
                }
            ],
            "Location": "s3://bucket/a",
        },
    }


def test_parameters_of_tables_and_columns_come_back(emulator: Emulator) -> None:
    database = new_database(emulator)
    given = table_input("t", **{"sluice.key": '["a"]'})
    emulator.glue.create_table(DatabaseName=database, TableInput=given)
    table = emulator.glue.get_table(DatabaseName=database, Name="t")["Table"]
    assert table["Parameters"] == {"sluice.key": '["a"]'}
    (column,) = table["StorageDescriptor"]["Columns"]
    assert column == {
        "Name": "a",
        "Type": "struct<b:int,c:array<string>>",
        "Comment": "what it is",
        "Parameters": {"path": '["A","b.c"]'},
    }


def test_an_update_from_an_old_version_is_rejected(emulator: Emulator) -> None:
    database = new_database(emulator)
    emulator.glue.create_table(DatabaseName=database, TableInput=table_input("t", n="0"))
    version = emulator.glue.get_table(DatabaseName=database, Name="t")["Table"]["VersionId"]

    def update(writer: int) -> bool:
        try:
            emulator.glue.update_table(
                DatabaseName=database,
                TableInput=table_input("t", n=str(writer)),
                VersionId=version,
                SkipArchive=True,
            )
        except emulator.glue.exceptions.ConcurrentModificationException:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(update, range(8)))
    assert won.count(True) == 1
    table = emulator.glue.get_table(DatabaseName=database, Name="t")["Table"]
    assert table["Parameters"] == {"n": str(won.index(True))}
    assert table["VersionId"] != version
    versions = emulator.glue.get_table_versions(DatabaseName=database, TableName="t")
    assert len(versions["TableVersions"]) == 1


def test_names_are_folded_to_lower_case(emulator: Emulator) -> None:
    database = new_database(emulator)
    emulator.glue.create_table(DatabaseName=database.upper(), TableInput=table_input("Orders"))
    table = emulator.glue.get_table(DatabaseName=database, Name="ORDERS")["Table"]
    assert (table["DatabaseName"], table["Name"]) == (database, "orders")
    emulator.glue.update_table(DatabaseName=database, TableInput=table_input("ORDERS", x="1"))
    tables = emulator.glue.get_tables(DatabaseName=database)["TableList"]
    assert [(table["Name"], table["Parameters"]) for table in tables] == [("orders", {"x": "1"})]


def test_tables_come_in_pages(emulator: Emulator) -> None:
    database = new_database(emulator)
    names = [f"t{number:03}" for number in range(7)]
    for name in names:
        emulator.glue.create_table(DatabaseName=database, TableInput=table_input(name))
    first = emulator.glue.get_tables(DatabaseName=database, MaxResults=5)
    assert len(first["TableList"]) == 5
    second = emulator.glue.get_tables(
        DatabaseName=database, MaxResults=5, NextToken=first["NextToken"]
    )
    assert "NextToken" not in second
    listed = [*first["TableList"], *second["TableList"]]
    assert [table["Name"] for table in listed] == names


def test_a_comment_that_is_too_long_is_rejected(emulator: Emulator) -> None:
    database = new_database(emulator)
    given = table_input("t")
    given["StorageDescriptor"] = {"Columns": [{"Name": "a", "Type": "int", "Comment": "x" * 256}]}
    with pytest.raises(ClientError, match="less than or equal to 255"):
        emulator.glue.create_table(DatabaseName=database, TableInput=given)
