"""The formats that the build reads and writes, by the examples that the functions' tests read too.

test/contract/examples.test.ts holds the same files against the schemas: a field that is added or
changed on one side alone fails one of the two.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sluice_build.build.checks import CheckResult
from sluice_build.build.result import TableResult
from sluice_build.build.summary import summary
from sluice_build.contract import keys
from sluice_build.contract.arguments import Arguments
from sluice_build.contract.column_types import Json, parse
from sluice_build.lake.delta import Delta, DeltaFile, delta_document
from sluice_build.read.lines import LineReader, Row
from sluice_build.read.manifests import parse_manifest
from sluice_build.stores.catalog import Column, TableDefinition
from sluice_build.stores.ledger import (
    ManifestRecord,
    ReplaceRequest,
    due_request,
    last_manifest,
    manifest_record,
    served_request,
)

EXAMPLES = Path(__file__).resolve().parents[2] / "contract" / "examples"


def example(name: str) -> Any:  # noqa: ANN401
    return json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def shape(value: object) -> object:
    """The names of all fields, whatever is in them."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return None


def test_a_manifest_has_what_the_build_reads_and_nothing_that_it_does_not_know() -> None:
    document = example("manifest")
    manifest = parse_manifest(document, "orders", 7)
    first, second = manifest.objects
    assert (first.key, first.etag) == (document["objects"][0]["key"], '"e1"')
    assert (first.rows, first.bytes, first.op, first.manifest) == (2, 210, "upsert", 7)
    assert (first.observed_to_millis, first.pass_id) == (1767323040000, "rows-3")
    assert second.op == "key"
    (scan,) = manifest.scans
    assert (scan.pass_id, scan.started_at_millis, scan.since_manifest) == (
        "keys-4",
        1767323050000,
        6,
    )
    assert scan.objects == (second.key,)
    # What is new here must be looked at: does the build have to follow it?
    assert shape(document) == {
        **dict.fromkeys(["createdAt", "format", "keys", "number", "rows", "run", "table"]),
        "window": {"from": None, "to": None},
        "objects": [
            dict.fromkeys(
                [
                    *["bytes", "etag", "key", "observedFrom", "observedTo", "op", "pass"],
                    *["rows", "sequence", "split"],
                ]
            )
        ],
        "completed": [
            {
                **dict.fromkeys(["findsDeletes", "kind", "number", "pass", "sinceManifest"]),
                "startedAt": None,
                "objects": [None],
            }
        ],
    }


def test_a_result_is_told_as_the_functions_read_it() -> None:
    (written,) = example("build-result")["tables"]
    result = TableResult(
        table="orders",
        kind="table",
        status="failed",
        manifests=(6, 7),
        rows_read=5,
        winners=2,
        deletes=1,
        quarantined=1,
        content_id="4242424242424242424",
        seconds=1.5,
        error="check has_price: 2 bad rows",
        checks=[CheckResult("has_price", "error", 2)],
    )
    assert result.to_json() == written


def test_a_delta_is_told_as_load_reads_it() -> None:
    written = example("delta")
    entry = TableDefinition(
        name="orders",
        key=("order_id",),
        columns=tuple(
            Column(item["name"], parse(item["type"]), item["type"], (item["name"],), True)
            for item in written["columns"]
        ),
        partitioning=(),
        checks=(),
        published=True,
        fingerprint="1" * 64,
        soft_delete_column=None,
        max_share=1.0,
    )
    files = [DeltaFile("s3://bucket/deltas/orders/a1/part-0.parquet", 1234, 3)]
    delta = Delta("merge", written["snapshot"], written["parent"], 1)
    now = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)
    assert delta_document("run-1", entry, delta, files, now) == written


def test_a_summary_is_told_as_the_functions_read_it() -> None:
    arguments = Arguments("sluice", "bucket", "ledger", "run-1", 1, None, "0" * 64)
    records = [TableResult(table="daily_orders", kind="model", status="built")]
    written = summary(
        arguments, records, {}, {}, {"daily_orders": {"orders": "4242424242424242424"}}
    )
    assert shape(written) == shape(example("build-summary"))


def test_the_lines_of_an_object_mean_to_the_build_what_the_sources_meant() -> None:
    columns: list[tuple[str, Json, tuple[str, ...]]] = [
        ("order_id", "string", ("orderId",)),
        ("document_id", "string", ("_id",)),
        ("customer", "string", ("customer", "name")),
        ("price", {"decimal": [20, 2]}, ("price",)),
        ("note", "string", ("note",)),
    ]
    reader = LineReader(
        TableDefinition(
            name="orders",
            key=("order_id",),
            columns=tuple(
                Column(name, parse(type_), type_, path, True) for name, type_, path in columns
            ),
            partitioning=(),
            checks=(),
            published=True,
            fingerprint="1" * 64,
            soft_delete_column=None,
            max_share=1.0,
        )
    )
    lines = (EXAMPLES / "object-lines.ndjson").read_bytes().splitlines()

    def row(order: str, document: str | None, customer: str | None, price: str) -> dict[str, Any]:
        return {
            "order_id": order,
            "document_id": document,
            "customer": customer,
            "price": Decimal(price),
            "note": None,
        }

    assert [reader.read(line) for line in lines] == [
        Row(
            "upsert",
            row("o-1", "o-1", 'Ünal "U"', "12345678901234567.89"),
            (1767322500123456789, 9007199254740993, 2),
            1767323000000,
            False,
        ),
        Row("upsert", row("o-2", "o-2", "Lee", "100"), (1767323000000, 0, 0), 1767323000000, False),
        Row("key", {"order_id": "o-3"}, None, 1767323050000, False),
        Row("upsert", row("o-4", None, None, "7.10"), (4, 0, 0), 1767323060000, False),
        Row("key", {"order_id": "o-5"}, None, 1767323060000, False),
    ]


def test_progress_and_manifests_are_found_in_the_ledger() -> None:
    assert last_manifest({"Item": example("progress")}) == 7
    assert last_manifest({}) == 0
    item = {**example("manifest-record"), **keys.manifest_item("orders", 7)}
    assert manifest_record(item) == ManifestRecord(7, "manifests/orders/0000000007-6-a3.json", "e3")


def test_a_request_for_the_whole_is_read_and_noted_as_the_functions_do() -> None:
    request = example("replace-request")
    assert due_request({"Item": request}) == ReplaceRequest(1767323600000)
    served = served_request("4343434343434343434", "run-2", 1767324000000)
    assert {**request, **served} == {**request, "state": "written"}


BUCKET_KEYS: dict[str, Callable[..., str]] = {
    "buildResult": keys.build_result,
    "buildSummary": lambda: keys.BUILD_SUMMARY,
    "delta": keys.delta,
    "deltaFolder": keys.delta_folder,
    "quarantine": keys.quarantine,
}
LEDGER_KEYS: dict[str, Callable[..., dict[str, str]]] = {
    "manifest": keys.manifest_item,
    "progress": keys.progress_item,
    "replace": keys.replace_item,
}


@pytest.mark.parametrize("name", BUCKET_KEYS)
def test_an_object_is_where_the_functions_look(name: str) -> None:
    expected = example("keys")["bucket"][name]
    assert BUCKET_KEYS[name](*expected["of"]) == expected["key"]


@pytest.mark.parametrize("name", LEDGER_KEYS)
def test_an_item_is_where_the_functions_look(name: str) -> None:
    expected = example("keys")["ledger"][name]
    assert LEDGER_KEYS[name](*expected["of"]) == expected["key"]


@pytest.mark.parametrize("name", ["manifest", "delta", "build-result", "build-summary"])
def test_the_examples_are_there(name: str) -> None:
    assert example(name)["format"] == 1
