"""The formats that the build reads and writes, by the examples that the functions' tests read too.

test/contract/examples.test.ts holds the same files against the schemas: a field that is added or
changed on one side alone fails one of the two.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sluice_build.build.checks import CheckResult
from sluice_build.build.result import TableResult
from sluice_build.build.summary import summary
from sluice_build.contract.arguments import Arguments
from sluice_build.contract.column_types import parse
from sluice_build.lake.delta import Delta, DeltaFile, delta_document
from sluice_build.read.manifests import parse_manifest
from sluice_build.stores.catalog import Column, TableDefinition

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
    (sweep,) = manifest.sweeps
    assert (sweep.pass_id, sweep.started_at_millis, sweep.since_manifest) == (
        "keys-4",
        1767323050000,
        6,
    )
    assert sweep.objects == (second.key,)
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
                **dict.fromkeys(["absence", "kind", "number", "pass", "sinceManifest"]),
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


@pytest.mark.parametrize("name", ["manifest", "delta", "build-result", "build-summary"])
def test_the_examples_are_there(name: str) -> None:
    assert example(name)["format"] == 1
