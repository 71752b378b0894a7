"""What the engine must know of a resource type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulator.cloudformation.clients import Clients
from emulator.cloudformation.names import physical_name
from emulator.cloudformation.state import Properties, ResourceState


@dataclass(frozen=True)
class Context:
    """One resource of one stack, and where to create it."""

    clients: Clients
    account: str
    region: str
    stack: str
    logical_id: str

    def name(
        self,
        given: object = None,
        *,
        max_length: int = 64,
        lower: bool = False,
        suffix: str = "",
    ) -> str:
        """The name the template gives, else one made of stack and logical id."""
        if given is not None:
            return str(given)
        return physical_name(
            self.stack, self.logical_id, max_length=max_length, lower=lower, suffix=suffix
        )

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """The ARN of something in this account."""
        return f"arn:aws:{service}:{self.region if regional else ''}:{self.account}:{resource}"


@dataclass(frozen=True)
class Created:
    """A resource as the template's `Ref` and `Fn::GetAtt` see it."""

    physical_id: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Handler:
    """How resources of one type are made, changed and removed."""

    create: Callable[[Context, Properties], Created]
    delete: Callable[[Context, str, Properties], None]
    """Given the physical id and the properties; something that is gone already is not an error."""
    update: Callable[[Context, ResourceState, Properties], Created] | None = None
    """None: every change replaces the resource."""
    replaced_by: tuple[str, ...] = ()
    """Properties (dotted paths) whose change replaces the resource."""
    holds: str | None = None
    """The data that a replacement would lose; then a replacement is an error."""
    physical_id: Callable[[Context, Properties], str] | None = None
    """The id a creation would have given: to remove what an interrupted one left behind.

    None where creating twice is harmless.
    """
    adopt: Callable[[Context, Properties], Created] | None = None
    """What exists under an import's identifier, as CloudFormation names its properties.

    None: the type can't be imported.
    """
    inert: bool = False
    """Only recorded: nothing in the emulator stands behind it."""


def pick(properties: Properties, *names: str) -> Properties:
    """The named properties that are there."""
    return {name: properties[name] for name in names if name in properties}


def at_path(properties: Properties, path: str) -> object:
    """The value at a dotted path, None if it is not there."""
    value: object = properties
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
