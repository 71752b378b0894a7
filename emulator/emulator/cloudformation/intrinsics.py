"""CloudFormation's intrinsic functions: what a template's value is, and what it depends on."""

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from emulator.cloudformation.errors import DeployError

NO_VALUE = object()
"""What `Ref: AWS::NoValue` is: the property or list item is left out."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


class Scope(Protocol):
    """What names mean in one stack."""

    def ref(self, name: str) -> Any:  # noqa: ANN401
        """The value of a parameter, pseudo parameter or resource."""

    def attribute(self, logical_id: str, name: str) -> Any:  # noqa: ANN401
        """An attribute of a resource."""

    def import_value(self, export: str) -> Any:  # noqa: ANN401
        """The value another stack exports."""

    def condition(self, name: str) -> bool:
        """Whether a condition of the template holds."""

    def mapping(self, name: str, first: str, second: str) -> Any:  # noqa: ANN401
        """An entry of the template's Mappings."""

    def zones(self, region: str) -> list[str]:
        """The availability zones of a region (the stack's own if it is empty)."""


def resolve(value: Any, scope: Scope) -> Any:  # noqa: ANN401
    """A template value with every intrinsic function replaced by its result.

    Raises DeployError for an unknown function, name or attribute.
    """
    if isinstance(value, list):
        items = [resolve(item, scope) for item in value]
        return [item for item in items if item is not NO_VALUE]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Ref":
            return NO_VALUE if argument == "AWS::NoValue" else scope.ref(argument)
        if function == "Condition" and isinstance(argument, str):
            return scope.condition(argument)
        if function.startswith("Fn::"):
            return _call(function, argument, scope)
    members = {name: resolve(item, scope) for name, item in value.items()}
    return {name: item for name, item in members.items() if item is not NO_VALUE}


def _call(function: str, argument: Any, scope: Scope) -> Any:  # noqa: ANN401
    known = _FUNCTIONS.get(function)
    if known is None:
        raise DeployError(f"{function} is not emulated; its argument is {argument!r}")
    return known(argument, scope)


def _get_att(argument: Any, scope: Scope) -> Any:  # noqa: ANN401
    logical_id, name = argument.split(".", 1) if isinstance(argument, str) else argument
    return scope.attribute(logical_id, resolve(name, scope))


def _sub(argument: Any, scope: Scope) -> str:  # noqa: ANN401
    text, variables = (argument, {}) if isinstance(argument, str) else argument
    values = {name: resolve(item, scope) for name, item in variables.items()}

    def replace(match: re.Match[str]) -> str:
        name = match.group(1).strip()
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        if name in values:
            return _text(values[name])
        if "." in name:
            return _text(scope.attribute(*name.split(".", 1)))
        return _text(scope.ref(name))

    return _VARIABLE.sub(replace, text)


def _join(argument: Any, scope: Scope) -> str:  # noqa: ANN401
    separator, items = argument
    joined: str = separator.join(_text(item) for item in resolve(items, scope))
    return joined


def _text(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        raise DeployError(f"a text is needed, not {value!r}")
    return str(value)


def _select(argument: Any, scope: Scope) -> Any:  # noqa: ANN401
    index, items = resolve(argument, scope)
    try:
        return items[int(index)]
    except (IndexError, ValueError) as error:
        raise DeployError(f"Fn::Select: there is no item {index!r} in {items!r}") from error


def _split(argument: Any, scope: Scope) -> list[str]:  # noqa: ANN401
    separator, text = resolve(argument, scope)
    parts: list[str] = text.split(separator)
    return parts


def _if(argument: Any, scope: Scope) -> Any:  # noqa: ANN401
    condition, yes, no = argument
    return resolve(yes if scope.condition(condition) else no, scope)


def _equals(argument: Any, scope: Scope) -> bool:  # noqa: ANN401
    left, right = resolve(argument, scope)
    return _text(left) == _text(right)


def _find_in_map(argument: Any, scope: Scope) -> Any:  # noqa: ANN401
    return scope.mapping(*resolve(argument[:3], scope))


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::If": _if,
    "Fn::Equals": _equals,
    "Fn::Not": lambda argument, scope: not resolve(argument[0], scope),
    "Fn::And": lambda argument, scope: all(resolve(argument, scope)),
    "Fn::Or": lambda argument, scope: any(resolve(argument, scope)),
    "Fn::ImportValue": lambda argument, scope: scope.import_value(resolve(argument, scope)),
    "Fn::GetAZs": lambda argument, scope: scope.zones(resolve(argument, scope)),
    "Fn::Base64": lambda argument, scope: base64.b64encode(
        resolve(argument, scope).encode()
    ).decode(),
    "Fn::FindInMap": _find_in_map,
}


def references(value: Any) -> Iterator[str]:  # noqa: ANN401
    """The names (resources and parameters) that a template value refers to."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if not isinstance(value, dict):
        return
    for name, item in value.items():
        if name == "Ref" and isinstance(item, str):
            yield item
        elif name == "Fn::GetAtt":
            yield item.split(".", 1)[0] if isinstance(item, str) else item[0]
        elif name == "Fn::Sub":
            yield from _sub_references(item)
        else:
            yield from references(item)


def _sub_references(argument: Any) -> Iterator[str]:  # noqa: ANN401
    text, variables = (argument, {}) if isinstance(argument, str) else argument
    for match in _VARIABLE.finditer(text):
        name = match.group(1).strip()
        if not name.startswith("!") and name not in variables:
            yield name.split(".", 1)[0]
    yield from references(variables)
