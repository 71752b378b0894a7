"""Reads a synthesized CDK cloud assembly: its stacks in deployable order, and its file assets."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.cloudformation.errors import DeployError

Template = dict[str, Any]


@dataclass(frozen=True)
class FileAsset:
    """A file or folder that a template expects in a bucket."""

    source: Path
    zipped: bool
    bucket: str
    key: str


@dataclass(frozen=True)
class Stack:
    """One stack of the assembly."""

    name: str
    template_file: Path
    template: Template
    parameters: dict[str, str]
    assets: tuple[FileAsset, ...]


@dataclass(frozen=True)
class Environment:
    """The account and region that are deployed to."""

    account: str
    region: str

    def fill(self, text: str) -> str:
        """Replaces the placeholders that an asset manifest uses."""
        return (
            text.replace("${AWS::AccountId}", self.account)
            .replace("${AWS::Region}", self.region)
            .replace("${AWS::Partition}", "aws")
        )


def read_assembly(folder: Path, environment: Environment) -> list[Stack]:
    """The stacks of a cloud assembly, each after those it depends on.

    Raises DeployError if the folder is not an assembly or holds what is not emulated.
    """
    manifest = _read_json(folder / "manifest.json", "run `cdk synth` first")
    artifacts: dict[str, Any] = manifest.get("artifacts", {})
    stacks: list[Stack] = []
    done: set[str] = set()

    def visit(artifact_id: str) -> None:
        if artifact_id in done:
            return
        done.add(artifact_id)
        artifact = artifacts.get(artifact_id, {})
        for dependency in artifact.get("dependencies", []):
            visit(dependency)
        kind = artifact.get("type")
        if kind == "aws:cloudformation:stack":
            stacks.append(_read_stack(folder, artifact_id, artifact, artifacts, environment))
        elif kind == "cdk:cloud-assembly":
            directory = folder / artifact["properties"]["directoryName"]
            stacks.extend(read_assembly(directory, environment))

    for artifact_id in artifacts:
        visit(artifact_id)
    if not stacks:
        raise DeployError(f"{folder / 'manifest.json'} names no stack")
    return stacks


def _read_stack(
    folder: Path,
    artifact_id: str,
    artifact: dict[str, Any],
    artifacts: dict[str, Any],
    environment: Environment,
) -> Stack:
    properties = artifact["properties"]
    template_file = folder / properties["templateFile"]
    assets: list[FileAsset] = []
    for dependency in artifact.get("dependencies", []):
        other = artifacts.get(dependency, {})
        if other.get("type") == "cdk:asset-manifest":
            assets += _read_assets(folder, folder / other["properties"]["file"], environment)
    return Stack(
        name=properties.get("stackName", artifact_id),
        template_file=template_file,
        template=_read_json(template_file, "the assembly is incomplete: run `cdk synth` again"),
        parameters=properties.get("parameters", {}),
        assets=tuple(assets),
    )


def _read_assets(folder: Path, file: Path, environment: Environment) -> list[FileAsset]:
    manifest = _read_json(file, "the assembly is incomplete: run `cdk synth` again")
    if manifest.get("dockerImages"):
        raise DeployError(f"{file}: Docker image assets are not emulated")
    assets: list[FileAsset] = []
    for asset_id, asset in manifest.get("files", {}).items():
        source = asset["source"]
        if "path" not in source:
            raise DeployError(f"{file}: asset {asset_id} is made by a program: not emulated")
        if source["path"].endswith(".template.json"):
            continue  # The engine reads templates from the assembly itself.
        assets += [
            FileAsset(
                source=folder / source["path"],
                zipped=source.get("packaging") == "zip",
                bucket=environment.fill(destination["bucketName"]),
                key=environment.fill(destination["objectKey"]),
            )
            for destination in asset["destinations"].values()
        ]
    return assets


def _read_json(file: Path, advice: str) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DeployError(f"{file} does not exist: {advice}") from error
    except ValueError as error:
        raise DeployError(f"{file} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise DeployError(f"{file} must hold a JSON object")
    return value
