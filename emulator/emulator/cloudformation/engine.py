"""Brings the emulator from what the state file records to what the templates say."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from emulator.cloudformation.assembly import Environment, Stack
from emulator.cloudformation.assets import upload
from emulator.cloudformation.clients import Clients
from emulator.cloudformation.errors import DeployError
from emulator.cloudformation.handler import Context, Created, Handler, at_path
from emulator.cloudformation.intrinsics import NO_VALUE, references, resolve
from emulator.cloudformation.resources import HANDLERS
from emulator.cloudformation.scope import StackScope
from emulator.cloudformation.state import (
    DeploymentState,
    PendingState,
    Properties,
    ResourceState,
    StackState,
)

_KEPT = ("Retain", "RetainExceptOnCreate", "Snapshot")


@dataclass
class Summary:
    """What a deployment did."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)


class Engine:
    """One deployment."""

    def __init__(
        self,
        environment: Environment,
        clients: Clients,
        state: DeploymentState,
        report: Callable[[str], None],
    ) -> None:
        self._environment = environment
        self._clients = clients
        self._state = state
        self._report = report
        self._summary = Summary()

    def deploy(self, stacks: list[Stack]) -> Summary:
        """Deploys every stack in order, then deletes those that the app no longer has.

        As in CloudFormation, a stack's update ends with the deletion of what it no longer has,
        before the next stack begins. (`cdk deploy` leaves removed stacks as they are.)

        Raises DeployError; what was done until then is in the state, so that the next deployment
        goes on from there.
        """
        for stack in stacks:
            _check_types(stack)
        for stack in stacks:
            count = upload(stack.assets, self._clients, self._state)
            if count:
                self._report(f"uploaded {count} assets of {stack.name}")
        for stack in stacks:
            self._delete_removed(stack.name, self._deploy_stack(stack))
        names = {stack.name for stack in stacks}
        for name in reversed(list(self._state.stacks)):
            if name not in names:
                self._delete_removed(name, set())
                del self._state.stacks[name]
        return self._summary

    def adopt(self, stack: Stack, mapping: dict[str, Properties]) -> Summary:
        """Takes existing resources into a stack, as `cdk import` with a resource mapping does.

        `mapping` holds each resource's identifier by its logical id. The stack then has these
        resources beside those that it had. Raises DeployError before anything is changed if one
        of them refers to what the stack would not have.
        """
        state = self._state.stack(stack.name)
        templates: dict[str, Any] = stack.template.get("Resources", {})
        unknown = sorted(mapping.keys() - templates.keys())
        if unknown:
            raise DeployError(f"{stack.template_file} has no {', '.join(unknown)}")
        resources = {logical_id: templates[logical_id] for logical_id in mapping}
        there = resources.keys() | state.resources.keys()
        for logical_id, resource in resources.items():
            named = _references(resource) & templates.keys()
            if named - there:
                raise DeployError(f"{logical_id} refers to {sorted(named - there)}, not imported")
            if "DeletionPolicy" not in resource or logical_id in state.resources:
                raise DeployError(f"{logical_id} has no DeletionPolicy, or is in the stack already")
        scope = StackScope(stack, state, self._environment, self._clients, self._exported)
        dependencies = _dependencies(resources)
        for logical_id in _in_order(dependencies, stack):
            resource = resources[logical_id]
            handler = HANDLERS[resource["Type"]]
            if handler.adopt is None:
                raise DeployError(f"{resource['Type']} {logical_id} can't be imported")
            desired = ResourceState(
                type=resource["Type"],
                physical_id="",
                properties=json.loads(json.dumps(resolve(resource.get("Properties", {}), scope))),
                attributes={},
                depends_on=sorted(dependencies[logical_id]),
                deletion_policy=resource["DeletionPolicy"],
            )
            adopted = handler.adopt(self._context(stack.name, logical_id), mapping[logical_id])
            self._record(stack.name, logical_id, desired, adopted)
            self._summary.created += 1
            self._say("imported", stack.name, logical_id, desired)
        return self._summary

    # --- one stack ----------------------------------------------------------------------------

    def _deploy_stack(self, stack: Stack) -> set[str]:
        """Creates and updates a stack's resources; returns their logical ids."""
        state = self._state.stack(stack.name)
        scope = StackScope(stack, state, self._environment, self._clients, self._exported)
        resources: dict[str, Any] = {
            logical_id: resource
            for logical_id, resource in stack.template.get("Resources", {}).items()
            if "Condition" not in resource or scope.condition(resource["Condition"])
        }
        dependencies = _dependencies(resources)
        for logical_id in _in_order(dependencies, stack):
            self._deploy_resource(
                stack, state, scope, logical_id, resources[logical_id], dependencies[logical_id]
            )
        self._record_outputs(stack, scope)
        return set(resources)

    def _deploy_resource(
        self,
        stack: Stack,
        state: StackState,
        scope: StackScope,
        logical_id: str,
        resource: dict[str, Any],
        depends_on: set[str],
    ) -> None:
        kind = resource["Type"]
        where = f"{kind} {logical_id} ({stack.template_file.name})"
        try:
            properties = resolve(resource.get("Properties", {}), scope)
            desired = ResourceState(
                type=kind,
                physical_id="",
                properties={} if properties is NO_VALUE else json.loads(json.dumps(properties)),
                attributes={},
                depends_on=sorted(depends_on),
                deletion_policy=resource.get("DeletionPolicy", "Delete"),
            )
            self._apply(stack.name, state, scope, logical_id, desired)
        except DeployError as error:
            raise DeployError(f"{where}: {error}") from error
        except (ClientError, BotoCoreError, KeyError, TypeError, ValueError) as error:
            raise DeployError(f"{where}: {type(error).__name__}: {error}") from error

    def _apply(
        self,
        stack: str,
        state: StackState,
        scope: StackScope,
        logical_id: str,
        desired: ResourceState,
    ) -> None:
        old = state.resources.get(logical_id)
        if old is None:
            self._create(stack, state, scope, logical_id, desired)
            self._summary.created += 1
            self._say("created", stack, logical_id, desired)
            return
        if old.type == desired.type and old.properties == desired.properties:
            if (old.depends_on, old.deletion_policy) != (
                desired.depends_on,
                desired.deletion_policy,
            ):
                old.depends_on, old.deletion_policy = desired.depends_on, desired.deletion_policy
                self._state.resource_is(stack, logical_id, old)
            return
        if self._must_replace(old, desired):
            self._delete_resource(stack, logical_id, old)
            self._create(stack, state, scope, logical_id, desired)
            self._say("replaced", stack, logical_id, desired)
        else:
            self._update(stack, scope, logical_id, old, desired)
            self._say("updated", stack, logical_id, desired)
        self._summary.updated += 1

    def _create(
        self,
        stack: str,
        state: StackState,
        scope: StackScope,
        logical_id: str,
        desired: ResourceState,
    ) -> None:
        handler = HANDLERS[desired.type]
        context = self._context(stack, logical_id)
        if logical_id in state.pending:
            self._delete_unfinished(stack, logical_id, state.pending[logical_id])
        self._state.creation_begins(stack, logical_id, desired)
        created = handler.create(context, self._filled(handler, scope, desired.properties))
        self._record(stack, logical_id, desired, created)

    def _update(
        self,
        stack: str,
        scope: StackScope,
        logical_id: str,
        old: ResourceState,
        desired: ResourceState,
    ) -> None:
        handler = HANDLERS[desired.type]
        if handler.update is None:
            raise DeployError("a type without update must be replaced")
        properties = self._filled(handler, scope, desired.properties)
        created = handler.update(self._context(stack, logical_id), old, properties)
        self._record(stack, logical_id, desired, created)

    def _record(
        self, stack: str, logical_id: str, desired: ResourceState, created: Created
    ) -> None:
        desired.physical_id = created.physical_id
        desired.attributes = created.attributes
        self._state.resource_is(stack, logical_id, desired)

    @staticmethod
    def _filled(handler: Handler, scope: StackScope, properties: Properties) -> Properties:
        if handler.inert:
            return properties
        filled: Properties = scope.fill_dynamic(properties)
        return filled

    @staticmethod
    def _must_replace(old: ResourceState, desired: ResourceState) -> bool:
        """Raises DeployError if the replacement would lose data."""
        handler = HANDLERS[old.type]
        if old.type == desired.type and handler.update is not None:
            changed = [
                path
                for path in handler.replaced_by
                if at_path(old.properties, path) != at_path(desired.properties, path)
            ]
            if not changed:
                return False
        else:
            changed = ["Type" if old.type != desired.type else "Properties"]
        if handler.holds is not None:
            raise DeployError(
                f"changing {', '.join(changed)} would replace {old.physical_id} and lose "
                f"{handler.holds}: keep it as it is, or add a new resource beside it"
            )
        return True

    # --- outputs ------------------------------------------------------------------------------

    def _record_outputs(self, stack: Stack, scope: StackScope) -> None:
        outputs: dict[str, Any] = {}
        exports: dict[str, Any] = {}
        for name, output in stack.template.get("Outputs", {}).items():
            if "Condition" in output and not scope.condition(output["Condition"]):
                continue
            outputs[name] = resolve(output["Value"], scope)
            if "Export" in output:
                exports[str(resolve(output["Export"]["Name"], scope))] = outputs[name]
        self._state.stack_outputs(stack.name, outputs, exports)
        self._summary.outputs[stack.name] = outputs

    def _exported(self, export: str) -> object:
        for state in self._state.stacks.values():
            if export in state.exports:
                return state.exports[export]
        raise DeployError(f"Fn::ImportValue: no stack exports {export}")

    # --- deletion -----------------------------------------------------------------------------

    def _delete_removed(self, stack: str, keep: set[str]) -> None:
        state = self._state.stack(stack)
        for logical_id in state.pending.keys() - keep - state.resources.keys():
            self._delete_unfinished(stack, logical_id, state.pending[logical_id])
            self._state.resource_gone(stack, logical_id)
        removed = {
            logical_id: resource
            for logical_id, resource in state.resources.items()
            if logical_id not in keep
        }
        order = TopologicalSorter(
            {
                logical_id: set(resource.depends_on) & removed.keys()
                for logical_id, resource in removed.items()
            }
        )
        for logical_id in reversed(list(order.static_order())):
            resource = removed[logical_id]
            if resource.deletion_policy in _KEPT:
                self._state.resource_gone(stack, logical_id)
                self._say("kept", stack, logical_id, resource)
                continue
            try:
                self._delete_resource(stack, logical_id, resource)
            except (ClientError, DeployError) as error:
                raise DeployError(f"{resource.type} {logical_id} ({stack}): {error}") from error
            self._summary.deleted += 1
            self._say("deleted", stack, logical_id, resource)

    def _delete_resource(self, stack: str, logical_id: str, resource: ResourceState) -> None:
        handler = HANDLERS[resource.type]
        handler.delete(self._context(stack, logical_id), resource.physical_id, resource.properties)
        self._state.resource_gone(stack, logical_id)

    def _delete_unfinished(self, stack: str, logical_id: str, pending: PendingState) -> None:
        """A deployment ended between creating this resource and writing it down."""
        handler = HANDLERS[pending.type]
        if handler.physical_id is not None:
            context = self._context(stack, logical_id)
            physical_id = handler.physical_id(context, pending.properties)
            handler.delete(context, physical_id, pending.properties)

    # --- small things -------------------------------------------------------------------------

    def _context(self, stack: str, logical_id: str) -> Context:
        environment = self._environment
        return Context(self._clients, environment.account, environment.region, stack, logical_id)

    def _say(self, verb: str, stack: str, logical_id: str, resource: ResourceState) -> None:
        self._report(f"{verb} {resource.type} {stack}/{logical_id} {resource.physical_id}")


def _check_types(stack: Stack) -> None:
    """Raises DeployError that names every resource whose type is unknown."""
    unknown = [
        f"  {resource.get('Type')} (logical id {logical_id})"
        for logical_id, resource in stack.template.get("Resources", {}).items()
        if resource.get("Type") not in HANDLERS
    ]
    if unknown:
        raise DeployError(
            f"{stack.template_file}: nothing was deployed, because the emulator lacks\n"
            + "\n".join(unknown)
            + "\nAdd a handler in emulator/emulator/cloudformation/resources."
        )


def _references(resource: dict[str, Any]) -> set[str]:
    named = set(references(resource.get("Properties", {})))
    explicit = resource.get("DependsOn", [])
    return named | ({explicit} if isinstance(explicit, str) else set(explicit))


def _dependencies(resources: dict[str, Any]) -> dict[str, set[str]]:
    return {
        logical_id: (_references(resource) & resources.keys()) - {logical_id}
        for logical_id, resource in resources.items()
    }


def _in_order(dependencies: dict[str, set[str]], stack: Stack) -> list[str]:
    try:
        return list(TopologicalSorter(dependencies).static_order())
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise DeployError(f"{stack.template_file}: resources depend on each other: {cycle}") from (
            error
        )
