"""What a whole build leaves of each entry, so that the next run knows whether a build is due."""

from collections.abc import Mapping, Sequence

from sluice_build.build.job import Content
from sluice_build.build.result import TableResult
from sluice_build.contract.arguments import Arguments
from sluice_build.contract.column_types import Json
from sluice_build.stores.catalog import Definition

SUMMARY_KEY = "builds/latest.json"


def summary(
    arguments: Arguments,
    records: Sequence[TableResult],
    entries: Mapping[str, Definition],
    contents: Mapping[str, Content],
    inputs: Mapping[str, Mapping[str, str]],
) -> Json:
    """The summary as `contract/build-summary.ts` has it.

    `contents` are those of entries that did not fail, `inputs` the content ids of models' inputs.
    """
    return {
        "format": 1,
        "run": arguments.run,
        "version": arguments.job_version,
        "entries": [
            _entry(record, entries.get(record.table), contents.get(record.table), inputs)
            for record in records
        ],
    }


def _entry(
    record: TableResult,
    definition: Definition | None,
    content: Content | None,
    inputs: Mapping[str, Mapping[str, str]],
) -> Json:
    fingerprint = "" if definition is None else definition.fingerprint
    is_model = record.kind == "model"
    # A model's tag is of its definition and its inputs: build_model() raises where it has none.
    applied = content is not None and (is_model or fingerprint[:12] in content.applied.fingerprints)
    return {
        "name": record.table,
        "kind": record.kind,
        "fingerprint": fingerprint,
        "complete": record.status in ("built", "unchanged", "held") and applied,
        "through": 0 if is_model or content is None else content.applied.through,
        "inputs": dict(inputs.get(record.table, {})) if is_model else {},
        "contentId": None if content is None else content.content_id,
        "metadata": None if content is None else content.metadata,
    }
