"""Where everything stands that the build reads or writes.

contract/keys.ts and contract/ledger-keys.ts say the same; contract/examples/keys.json holds both
to it.
"""

BUILD_SUMMARY = "builds/latest.json"
"""What the last whole build left of each table and model."""


def build_result(run: str) -> str:
    """What the build of a run did."""
    return f"runs/{run}/build.json"


def delta(table: str, content_id: str) -> str:
    """The delta that leads to a content id."""
    return f"deltas/{table}/{content_id}.json"


def delta_folder(table: str, attempt: str, part: str) -> str:
    """Parquet that one attempt of a build writes of a table."""
    return f"deltas/{table}/{attempt}/{part}"


def quarantine(table: str, manifest: int, object_key: str) -> str:
    """The rejected lines of an object that came in a manifest."""
    name = object_key.removeprefix(f"raw/{table}/").removesuffix(".ndjson.gz").replace("/", "_")
    return f"quarantine/{table}/{manifest:010d}/{name}.json.gz"


def progress_item(table: str) -> dict[str, str]:
    """A table's progress in the ledger."""
    return {"pk": f"table#{table}", "sk": "progress"}


def manifest_item(table: str, number: int) -> dict[str, str]:
    """A manifest's record in the ledger."""
    return {"pk": f"table#{table}", "sk": f"manifest#{number:010d}"}


def replace_item(table: str) -> dict[str, str]:
    """The request for a table's whole copy in the ledger."""
    return {"pk": f"table#{table}", "sk": "replace"}
