"""A system that Sluice does not know is read and built by its declaration and its client alone."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from conftest import World

PROGRAM = Path(__file__).parents[1] / "sources" / "third-system" / "run.ts"


def run(world: World, folder: Path, name: str) -> dict[str, Any]:
    """Plan, extract and commit as a run does."""
    node = shutil.which("node")
    assert node is not None, "node is not on PATH: start the tests by npm test"
    ended = subprocess.run(
        [node, PROGRAM, world.deployment, world.bucket, world.ledger, folder, name],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    reported: dict[str, Any] = json.loads(ended.stdout)
    return reported


def write(folder: Path, *rows: dict[str, Any]) -> None:
    """Make these rows the source's."""
    lines = ["# orders", *(json.dumps(row) for row in rows)]
    (folder / "orders.jsonl").write_text("\n".join(lines) + "\n")


def test_a_table_is_read_and_built(world: World, tmp_path: Path) -> None:
    write(
        tmp_path,
        {"id": 1, "customer": "ada", "lines": ["tea", "milk"]},
        {"id": 2, "customer": "bob", "lines": []},
        {"id": 3, "customer": "eve", "lines": None},
    )
    first = run(world, tmp_path, "first")
    assert (first["manifests"], first["problems"]) == (1, [])
    assert world.build()["orders"].status == "built"
    columns = ("order_id", "customer", "lines")
    assert [tuple(row) for row in world.rows("orders", *columns)] == [
        (1, "ada", ["tea", "milk"]),
        (2, "bob", []),
        (3, "eve", None),
    ]

    write(
        tmp_path,
        {"id": 1, "customer": "ada", "lines": ["coffee"]},
        {"id": 3, "customer": "eve", "lines": None},
        {"id": 4, "customer": "dan", "lines": ["tea"]},
    )
    second = run(world, tmp_path, "second")
    assert (second["manifests"], second["problems"]) == (1, [])
    built = world.build()["orders"]
    assert (built.status, built.deletes) == ("built", 1)
    assert [tuple(row) for row in world.rows("orders", *columns)] == [
        (1, "ada", ["coffee"]),
        (3, "eve", None),
        (4, "dan", ["tea"]),
    ]
