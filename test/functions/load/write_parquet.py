"""Writes a Parquet file for each line of stdin (Arrow types and rows), and acknowledges it."""

import json
import re
import sys
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TYPES = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}


def arrow_type(name: str) -> pa.DataType:
    decimal = re.fullmatch(r"decimal\((\d+),(\d+)\)", name)
    return pa.decimal128(int(decimal[1]), int(decimal[2])) if decimal else TYPES[name]


def value(given: object, arrow: pa.DataType) -> object:
    if given is None:
        return None
    if pa.types.is_decimal(arrow):
        return Decimal(str(given))
    if pa.types.is_timestamp(arrow):
        return datetime.fromisoformat(str(given))
    if pa.types.is_date(arrow):
        return date.fromisoformat(str(given))
    return given


def write(request: dict[str, Any]) -> None:
    arrays = []
    for index, column in enumerate(request["columns"]):
        arrow = arrow_type(column["type"])
        arrays.append(pa.array([value(row[index], arrow) for row in request["rows"]], arrow))
    table = pa.table(arrays, names=[column["name"] for column in request["columns"]])
    pq.write_table(table, request["path"])


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        write(request)
        print(request["path"], flush=True)


main()
