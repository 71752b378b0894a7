"""What has been deployed: kept in a JSON file, with a journal so that nothing done is forgotten."""

import json
import os
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Properties = dict[str, Any]


@dataclass
class ResourceState:
    """One resource that exists."""

    type: str
    physical_id: str
    properties: Properties
    attributes: dict[str, Any]
    depends_on: list[str] = field(default_factory=list)
    deletion_policy: str = "Delete"


@dataclass
class PendingState:
    """A resource that may exist or not."""

    type: str
    properties: Properties


@dataclass
class StackState:
    """One deployed stack."""

    resources: dict[str, ResourceState] = field(default_factory=dict)
    pending: dict[str, "PendingState"] = field(default_factory=dict)
    """Resources whose creation began and was not recorded as done."""
    outputs: dict[str, Any] = field(default_factory=dict)
    exports: dict[str, Any] = field(default_factory=dict)


class DeploymentState:
    """The state file of one emulator.

    Every change is appended to `<file>.journal` at once: an append costs the same however much is
    deployed. `save` folds the journal into the file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._journal = file.with_name(file.name + ".journal")
        self.marker = str(uuid.uuid4())
        """Also held by the emulator, so that a fresh one is not taken for the one deployed to."""
        self.stacks: dict[str, StackState] = {}
        self.assets: set[str] = set()
        self.is_new = not self._load()

    def stack(self, name: str) -> StackState:
        """The state of a stack, an empty one if it is new."""
        return self.stacks.setdefault(name, StackState())

    def start_over(self) -> None:
        """Forgets everything: the emulator is another one."""
        self.marker = str(uuid.uuid4())
        self.stacks, self.assets = {}, set()
        self.is_new = True
        self.save()

    def save(self) -> None:
        """Writes the whole state at once, and ends the journal."""
        text = json.dumps(
            {
                "marker": self.marker,
                "assets": sorted(self.assets),
                "stacks": {name: asdict(stack) for name, stack in self.stacks.items()},
            },
            indent=1,
        )
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_name(self._file.name + ".new")
        with _open_private(temporary, os.O_TRUNC) as stream:
            stream.write(text)
        temporary.replace(self._file)
        self._journal.unlink(missing_ok=True)

    # --- single changes, each durable when the call returns -----------------------------------

    def asset_uploaded(self, place: str) -> None:
        """An asset is in its bucket."""
        self.assets.add(place)
        self._append({"asset": place})

    def creation_begins(self, stack: str, logical_id: str, desired: ResourceState) -> None:
        """A resource is about to be created; if we die now it may exist or not."""
        pending = PendingState(desired.type, desired.properties)
        self.stack(stack).pending[logical_id] = pending
        self._append({"stack": stack, "pending": logical_id, "is": asdict(pending)})

    def resource_is(self, stack: str, logical_id: str, resource: ResourceState) -> None:
        """A resource exists like this now."""
        self.stack(stack).pending.pop(logical_id, None)
        self.stack(stack).resources[logical_id] = resource
        self._append({"stack": stack, "resource": logical_id, "is": asdict(resource)})

    def resource_gone(self, stack: str, logical_id: str) -> None:
        """A resource no longer exists, or no longer belongs to the stack."""
        self.stack(stack).resources.pop(logical_id, None)
        self.stack(stack).pending.pop(logical_id, None)
        self._append({"stack": stack, "gone": logical_id})

    def stack_outputs(self, stack: str, outputs: dict[str, Any], exports: dict[str, Any]) -> None:
        """A stack's outputs and exports, once all its resources exist."""
        state = self.stack(stack)
        if (state.outputs, state.exports) != (outputs, exports):
            state.outputs, state.exports = outputs, exports
            self._append({"stack": stack, "outputs": outputs, "exports": exports})

    # --- reading ------------------------------------------------------------------------------

    def _append(self, entry: dict[str, Any]) -> None:
        with _open_private(self._journal, os.O_APPEND) as stream:
            stream.write(json.dumps(entry) + "\n")

    def _load(self) -> bool:
        if not self._file.exists():
            self._journal.unlink(missing_ok=True)
            return False
        data = json.loads(self._file.read_text(encoding="utf-8"))
        self.marker = data["marker"]
        self.assets = set(data["assets"])
        self.stacks = {name: _stack_state(stack) for name, stack in data["stacks"].items()}
        if self._journal.exists():
            for line in self._journal.read_text(encoding="utf-8").splitlines():
                self._replay(line)
            self.save()
        return True

    def _replay(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            return  # The last line was cut off: its change is the one that may be half done.
        if "asset" in entry:
            self.assets.add(entry["asset"])
            return
        stack = self.stack(entry["stack"])
        if "pending" in entry:
            stack.pending[entry["pending"]] = PendingState(**entry["is"])
        elif "resource" in entry:
            stack.pending.pop(entry["resource"], None)
            stack.resources[entry["resource"]] = ResourceState(**entry["is"])
        elif "gone" in entry:
            stack.pending.pop(entry["gone"], None)
            stack.resources.pop(entry["gone"], None)
        else:
            stack.outputs, stack.exports = entry["outputs"], entry["exports"]


def _stack_state(data: dict[str, Any]) -> StackState:
    resources = {name: ResourceState(**item) for name, item in data["resources"].items()}
    pending = {name: PendingState(**item) for name, item in data["pending"].items()}
    return StackState(resources, pending, data["outputs"], data["exports"])


def _open_private(file: Path, flag: int) -> Any:  # noqa: ANN401
    """Properties may hold a secret's text, so only the owner may read the file."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | flag, 0o600), "w", encoding="utf-8")
