"""An app of a test, and what it deploys."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from emulator import deploy

Template = dict[str, Any]


class Deployment:
    """One app: its assembly folder and its state file."""

    def __init__(self, folder: Path, port: int, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.assembly = folder / "cdk.out"
        self.assembly.mkdir()
        self.state_file = folder / "state.json"
        self.endpoint = f"http://127.0.0.1:{port}"
        self._capsys = capsys

    def client(self, service: str) -> Any:  # noqa: ANN401
        return get_session().create_client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def synth(self, assets: dict[str, Any] | None = None, **stacks: Template) -> None:
        """Writes an assembly; each stack depends on the one before."""
        artifacts: dict[str, Any] = {}
        before: list[str] = []
        for name, template in stacks.items():
            (self.assembly / f"{name}.template.json").write_text(json.dumps(template))
            (self.assembly / f"{name}.assets.json").write_text(
                json.dumps({"files": assets or {}, "dockerImages": {}})
            )
            artifacts[f"{name}.assets"] = {
                "type": "cdk:asset-manifest",
                "properties": {"file": f"{name}.assets.json"},
            }
            artifacts[name] = {
                "type": "aws:cloudformation:stack",
                "properties": {"templateFile": f"{name}.template.json"},
                "dependencies": [*before, f"{name}.assets"],
            }
            before = [name]
        # In reverse, so that the order of deployment must come from the dependencies.
        shuffled = dict(reversed(artifacts.items()))
        (self.assembly / "manifest.json").write_text(json.dumps({"artifacts": shuffled}))

    def run(self, *more: str) -> tuple[int, str, str]:
        where = ["--assembly", str(self.assembly), "--state", str(self.state_file)]
        status = deploy.main(["--endpoint", self.endpoint, *where, *more])
        captured = self._capsys.readouterr()
        return status, captured.out, captured.err

    def counts(self) -> tuple[int, int, int]:
        status, out, err = self.run()
        assert status == 0, err
        self.summary: dict[str, Any] = json.loads(out.splitlines()[-1])
        return self.summary["created"], self.summary["updated"], self.summary["deleted"]

    def error(self) -> str:
        status, _, err = self.run()
        assert status == 1
        return err


def resources(**items: object) -> Template:
    return {"Resources": items}
