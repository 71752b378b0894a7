"""Deploys a synthesized CDK cloud assembly to the emulator: `python -m emulator.deploy`."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from emulator.cloudformation.assembly import Environment, read_assembly
from emulator.cloudformation.clients import Clients, is_missing
from emulator.cloudformation.engine import Engine, Summary
from emulator.cloudformation.errors import DeployError
from emulator.cloudformation.state import DeploymentState

MARKER = {"Bucket": "sluice-local-deployment", "Key": "marker"}
"""The object by which a state file recognizes the emulator it was written for.

In S3 because every deployment uses that; moto takes seconds to start some other services.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--endpoint", required=True, help="the emulator, e.g. http://127.0.0.1:4566"
    )
    parser.add_argument("--assembly", required=True, type=Path, help="the cdk.out folder")
    parser.add_argument("--state", required=True, type=Path, help="the file to remember it all in")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--account", default="123456789012")
    parser.add_argument("--import-into", metavar="STACK", help="import into this stack instead")
    parser.add_argument("--resource-mapping", type=Path, help="the file that says what to import")
    parser.add_argument("--json", action="store_true", help="print only the summary")
    options = parser.parse_args(arguments)

    def report(line: str) -> None:
        if not options.json:
            print(line, flush=True)

    try:
        environment = Environment(options.account, options.region)
        stacks = read_assembly(options.assembly, environment)
        clients = Clients(options.endpoint, options.region)
        state = DeploymentState(options.state)
        if not _is_same_emulator(clients, state):
            if not state.is_new:
                report("the emulator is another one than last time: deploying everything")
            _mark(clients, state)
        try:
            engine = Engine(environment, clients, state, report)
            if options.import_into is None:
                summary = engine.deploy(stacks)
            else:
                [stack] = [one for one in stacks if one.name == options.import_into]
                mapping = json.loads(options.resource_mapping.read_text(encoding="utf-8"))
                summary = engine.adopt(stack, mapping)
        finally:
            state.save()
    except (DeployError, BotoCoreError, ClientError) as error:
        print(f"deployment failed: {error}", file=sys.stderr, flush=True)
        return 1
    report(_counts(summary))
    print(json.dumps(asdict(summary)), flush=True)
    return 0


def _counts(summary: Summary) -> str:
    return f"{summary.created} created, {summary.updated} updated, {summary.deleted} deleted"


def _is_same_emulator(clients: Clients, state: DeploymentState) -> bool:
    if state.is_new:
        return False
    try:
        body = clients.get("s3").get_object(**MARKER)["Body"].read()
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    return bool(body.decode() == state.marker)


def _mark(clients: Clients, state: DeploymentState) -> None:
    state.start_over()
    clients.ensure_bucket(MARKER["Bucket"])
    clients.get("s3").put_object(**MARKER, Body=state.marker.encode())


if __name__ == "__main__":
    sys.exit(main())
