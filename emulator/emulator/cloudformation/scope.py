"""What the names in one stack's template mean while it is deployed."""

import json
import re
from collections.abc import Callable
from typing import Any

from emulator.cloudformation.assembly import Environment, Stack
from emulator.cloudformation.clients import Clients
from emulator.cloudformation.errors import DeployError
from emulator.cloudformation.intrinsics import resolve
from emulator.cloudformation.resources import HANDLERS
from emulator.cloudformation.state import StackState

_DYNAMIC = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^}]*)\}\}")
_BOOTSTRAP = "/cdk-bootstrap/"


class StackScope:
    """Parameters, conditions, resources and imports of one stack."""

    def __init__(
        self,
        stack: Stack,
        state: StackState,
        environment: Environment,
        clients: Clients,
        exported: Callable[[str], object],
    ) -> None:
        self._stack = stack
        self._state = state
        self._environment = environment
        self._clients = clients
        self._exported = exported
        self._parameters = {
            name: self._parameter(name, declaration)
            for name, declaration in stack.template.get("Parameters", {}).items()
        }
        self._conditions: dict[str, bool] = {}

    def ref(self, name: str) -> Any:  # noqa: ANN401
        """The value of a parameter, pseudo parameter or resource."""
        if name in self._parameters:
            return self._parameters[name]
        if name in self._state.resources:
            return self._state.resources[name].physical_id
        if name.startswith("AWS::"):
            return self._pseudo(name)
        raise self._unknown(f"Ref {name}")

    def attribute(self, logical_id: str, name: str) -> Any:  # noqa: ANN401
        """An attribute of a resource that exists already."""
        resource = self._state.resources.get(logical_id)
        if resource is None:
            raise self._unknown(f"Fn::GetAtt {logical_id}.{name}")
        if name in resource.attributes:
            return resource.attributes[name]
        if HANDLERS[resource.type].inert:
            return resource.properties.get(name, f"{resource.physical_id}-{name}")
        raise DeployError(
            f"{resource.type} {logical_id} ({self._stack.template_file.name}): "
            f"attribute {name} is not emulated"
        )

    def import_value(self, export: str) -> Any:  # noqa: ANN401
        """The value another stack exports."""
        return self._exported(export)

    def condition(self, name: str) -> bool:
        """Whether a condition of the template holds."""
        if name not in self._conditions:
            conditions = self._stack.template.get("Conditions", {})
            if name not in conditions:
                raise self._unknown(f"condition {name}")
            self._conditions[name] = bool(resolve(conditions[name], self))
        return self._conditions[name]

    def mapping(self, name: str, first: str, second: str) -> Any:  # noqa: ANN401
        """An entry of the template's Mappings."""
        try:
            return self._stack.template["Mappings"][name][first][second]
        except KeyError as error:
            raise self._unknown(f"mapping {name}.{first}.{second}") from error

    def zones(self, region: str) -> list[str]:
        """The availability zones of a region (the stack's own if it is empty)."""
        return [f"{region or self._environment.region}{zone}" for zone in "abc"]

    def fill_dynamic(self, value: Any) -> Any:  # noqa: ANN401
        """A resolved value with its `{{resolve:…}}` references read.

        They are not read earlier, so that no secret comes into the state file.
        """
        if isinstance(value, list):
            return [self.fill_dynamic(item) for item in value]
        if isinstance(value, dict):
            return {name: self.fill_dynamic(item) for name, item in value.items()}
        if isinstance(value, str) and "{{resolve:" in value:
            return _DYNAMIC.sub(self._dynamic, value)
        return value

    def _dynamic(self, match: re.Match[str]) -> str:
        service, reference = match.groups()
        if service != "secretsmanager":
            name, _, version = reference.rpartition(":")
            name = name if version.isdigit() and name else reference
            response = self._clients.get("ssm").get_parameter(Name=name, WithDecryption=True)
            return str(response["Parameter"]["Value"])
        # secret-id:SecretString:json-key:version-stage:version-id, and an ARN has colons itself.
        secret_id, _, rest = reference.partition(":SecretString")
        response = self._clients.get("secretsmanager").get_secret_value(SecretId=secret_id)
        key = rest.lstrip(":").split(":")[0]
        text = response["SecretString"]
        return str(json.loads(text)[key]) if key else str(text)

    def _parameter(self, name: str, declaration: dict[str, Any]) -> Any:  # noqa: ANN401
        value = self._stack.parameters.get(name, declaration.get("Default"))
        if value is None:
            raise DeployError(
                f"parameter {name} ({self._stack.template_file.name}) has no default: "
                "give it one in the CDK app"
            )
        kind = str(declaration.get("Type", "String"))
        if kind.startswith("AWS::SSM::Parameter::Value") and not str(value).startswith(_BOOTSTRAP):
            value = self._clients.get("ssm").get_parameter(Name=value)["Parameter"]["Value"]
        if kind == "CommaDelimitedList" or kind.startswith("List<") or "Value<List<" in kind:
            return [item.strip() for item in str(value).split(",")]
        return value

    def _pseudo(self, name: str) -> Any:  # noqa: ANN401
        environment = self._environment
        stack_path = f"stack/{self._stack.name}/local"
        values: dict[str, Any] = {
            "AWS::AccountId": environment.account,
            "AWS::Region": environment.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self._stack.name,
            "AWS::StackId": (
                f"arn:aws:cloudformation:{environment.region}:{environment.account}:{stack_path}"
            ),
            "AWS::NotificationARNs": [],
        }
        if name not in values:
            raise self._unknown(f"pseudo parameter {name}")
        return values[name]

    def _unknown(self, what: str) -> DeployError:
        return DeployError(f"{self._stack.template_file.name}: {what} is not known in this stack")
