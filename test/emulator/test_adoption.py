"""What an earlier deployment of the app left: the preflight reports it, and it can be adopted."""

import json
import os
import re
import subprocess
from pathlib import Path

from deployment import Deployment, resources
from running_emulator import PROJECT

RETAINED = {
    "StorageData": ("bucket", "kept-data-123456789012-us-east-1"),
    "StorageAccessLogs": ("bucket", "kept-logs-123456789012-us-east-1"),
    "Ledger": ("DynamoDB table", "kept-ledger"),
    "LakeDatabase": ("Glue database", "kept_lake"),
    "Sourceevents": ("secret", "kept/source/events"),
    "Sourcesearch": ("secret", "kept/source/search"),
    "WarehouseAdmin": ("secret", "kept/warehouse"),
}


def synthesize(
    app: Deployment, deployment: str = "kept", importing: bool = False, **choices: object
) -> None:
    """The CDK app itself, for a deployment with these choices."""
    file = app.assembly.parent / f"{deployment}.json"
    where = {"account": "123456789012", "region": "us-east-1"}
    file.write_text(
        json.dumps(
            {
                **where,
                "catalog": "test/shop/index.ts",
                "enabled": False,
                **choices,
            }
        )
    )
    context = {"deployment": str(file), **({"import": "true"} if importing else {})}
    subprocess.run(
        [str(PROJECT / "node_modules" / ".bin" / "node"), str(PROJECT / "lib" / "app.ts")],
        cwd=PROJECT,
        env={
            **os.environ,
            "CDK_OUTDIR": str(app.assembly),
            "CDK_CONTEXT_JSON": json.dumps(context),
        },
        check=True,
        capture_output=True,
    )


def existing(app: Deployment) -> set[str]:
    """Names that exist in the emulator and are of the deployment."""
    names = list(app.client("dynamodb").list_tables()["TableNames"])
    names += [one["Name"] for one in app.client("s3").list_buckets()["Buckets"]]
    names += [one["Name"] for one in app.client("glue").get_databases()["DatabaseList"]]
    names += [one["Name"] for one in app.client("secretsmanager").list_secrets()["SecretList"]]
    functions = app.client("lambda").list_functions()["Functions"]
    names += [one["FunctionName"] for one in functions]
    machines = app.client("stepfunctions").list_state_machines()["stateMachines"]
    names += [one["name"] for one in machines]
    names += [one["Name"] for one in app.client("sns").list_topics()["Topics"] if "Name" in one]
    return {name for name in names if re.match(r"kept\b|kept_", name)}


def test_what_an_earlier_deployment_left_is_told_at_once_and_can_be_taken_over(
    real: Deployment, tmp_path: Path
) -> None:
    names = {name for _, name in RETAINED.values()}
    synthesize(real)
    real.counts()
    assert names < existing(real)
    secrets = real.client("secretsmanager")
    secrets.put_secret_value(SecretId="kept/source/events", SecretString="ours")
    bucket = RETAINED["StorageData"][1]
    real.client("s3").put_object(Bucket=bucket, Key="raw/x", Body=b"row")

    # `cdk destroy`
    real.synth(Nothing=resources())
    real.counts()
    assert existing(real) == names

    # The same names, by a deployment that knows nothing of the first.
    real.state_file.unlink()
    synthesize(real)
    error = real.error()
    for what, name in RETAINED.values():
        assert f"{what} {name}" in error
    assert existing(real) == {*names, "kept-preflight"}
    assert real.error() == error, "and again"

    # What the message says: import what is there, then deploy.
    mapping = re.search(r"import\.json: (\{.*?\}\}) and", error)
    assert mapping is not None
    (tmp_path / "import.json").write_text(mapping[1])
    adopting = ["--resource-mapping", str(tmp_path / "import.json"), "--import-into", "kept-core"]
    status, _, refused = real.run(*adopting)
    assert status == 1
    assert "not imported" in refused, "without adopt a resource depends on the preflight"
    synthesize(real, importing=True, adopt=True)
    status, out, failure = real.run(*adopting)
    assert status == 0, failure
    assert json.loads(out.splitlines()[-1])["created"] == len(RETAINED)
    synthesize(real, adopt=True)
    real.counts()
    assert secrets.get_secret_value(SecretId="kept/source/events")["SecretString"] == "ours"
    body = real.client("s3").get_object(Bucket=bucket, Key="raw/x")["Body"].read()
    assert body == b"row"

    # Adopted once, it is a deployment like any other.
    synthesize(real)
    real.counts()
    assert real.counts() == (0, 0, 0)


def test_a_part_of_the_data_is_not_taken_over(real: Deployment) -> None:
    real.client("s3").create_bucket(Bucket="part-data-123456789012-us-east-1")
    synthesize(real, deployment="part", adopt=True)
    error = real.error()
    assert "Only a part" in error
    assert "part-ledger" in error
