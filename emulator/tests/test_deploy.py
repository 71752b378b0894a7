"""The deployer, against a moto server: create, change nothing, update, delete, fail, go on."""

import json
import os
import re
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from deployment import Deployment, Template, resources
from emulator.cloudformation import engine
from emulator.cloudformation.assets import zip_folder
from emulator.cloudformation.handler import Created
from emulator.cloudformation.resources import HANDLERS, custom
from emulator.cloudformation.state import DeploymentState, ResourceState
from real_servers import moto
from running_emulator import Emulator

from emulator import deploy

ROLE: dict[str, Any] = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        },
        "ManagedPolicyArns": [
            {
                "Fn::Join": [
                    "",
                    [
                        "arn:",
                        {"Ref": "AWS::Partition"},
                        ":iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
                    ],
                ]
            }
        ],
    },
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with moto() as port:
        yield port


@pytest.fixture
def app(tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]) -> Iterator[Deployment]:
    yield Deployment(tmp_path, port, capsys)
    reset = urllib.request.Request(f"http://127.0.0.1:{port}/moto-api/reset", method="POST")
    urllib.request.urlopen(reset).close()


def simple(kind: str, **properties: object) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def parameter(value: object) -> dict[str, Any]:
    return simple("AWS::SSM::Parameter", Type="String", Value=value)


# --- the whole cycle --------------------------------------------------------------------------


def function_template(memory: int, key: str) -> Template:
    return {
        "Parameters": {
            "BootstrapVersion": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": "/cdk-bootstrap/hnb659fds/version",
            }
        },
        "Rules": {"CheckBootstrapVersion": {"Assertions": []}},
        "Resources": {
            "Function": {
                "Type": "AWS::Lambda::Function",
                "DependsOn": ["Role"],
                "Properties": {
                    "Code": {
                        "S3Bucket": {"Fn::Sub": "cdk-assets-${AWS::AccountId}-${AWS::Region}"},
                        "S3Key": key,
                    },
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Runtime": "nodejs24.x",
                    "MemorySize": memory,
                    "Timeout": 900,
                    "Environment": {"Variables": {"BUCKET": {"Ref": "Bucket"}}},
                },
            },
            "Role": ROLE,
            "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
            "Metadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "x"}},
        },
        "Outputs": {"Name": {"Value": {"Ref": "Function"}, "Export": {"Name": "fn"}}},
    }


def function_assets(app: Deployment, key: str, code: str) -> dict[str, Any]:
    source = app.assembly / "asset"
    source.mkdir(exist_ok=True)
    (source / "index.mjs").write_text(code)
    bucket = "cdk-assets-${AWS::AccountId}-${AWS::Region}"
    return {
        key: {
            "source": {"path": "asset", "packaging": "zip"},
            "destinations": {"here": {"bucketName": bucket, "objectKey": key}},
        }
    }


def test_create_nothing_update_delete(app: Deployment) -> None:
    app.synth(function_assets(app, "a.zip", "one"), Main=function_template(256, "a.zip"))
    assert app.counts() == (4, 0, 0)
    name = app.summary["outputs"]["Main"]["Name"]
    assert re.fullmatch(r"Main-Function-[0-9a-f]{12}", name)
    function = app.client("lambda").get_function(FunctionName=name)["Configuration"]
    assert (function["Runtime"], function["MemorySize"]) == ("nodejs24.x", 256)
    bucket = function["Environment"]["Variables"]["BUCKET"]
    assert bucket == bucket.lower()
    app.client("s3").head_bucket(Bucket=bucket)
    body = app.client("s3").get_object(Bucket="cdk-assets-123456789012-us-east-1", Key="a.zip")[
        "Body"
    ]
    assert zipfile.ZipFile(BytesIO(body.read())).read("index.mjs") == b"one"

    assert app.counts() == (0, 0, 0)

    app.synth(function_assets(app, "b.zip", "two"), Main=function_template(512, "b.zip"))
    assert app.counts() == (0, 1, 0)
    changed = app.client("lambda").get_function(FunctionName=name)["Configuration"]
    assert changed["MemorySize"] == 512
    assert changed["CodeSha256"] != function["CodeSha256"]

    app.synth(Main=resources(Other=parameter("x")))
    assert app.counts() == (1, 0, 3), "the bucket is kept"
    app.client("s3").head_bucket(Bucket=bucket)
    with pytest.raises(ClientError):
        app.client("lambda").get_function(FunctionName=name)


def test_a_removed_stack_is_deleted(app: Deployment) -> None:
    app.synth(One=resources(P=parameter("1")), Two=resources(P=parameter("2")))
    assert app.counts() == (2, 0, 0)
    app.synth(One=resources(P=parameter("1")))
    assert app.counts() == (0, 0, 1)
    assert app.counts() == (0, 0, 0)


def test_a_stack_ends_with_its_deletions_before_the_next_begins(app: Deployment) -> None:
    app.synth(One=resources(P=parameter("1")), Two=resources(Q=parameter("2")))
    assert app.counts() == (2, 0, 0)
    # What moves from the first to the second is gone from the first when the second takes its name.
    moved = parameter("1")
    moved["Properties"]["Name"] = "/moved"
    app.synth(One=resources(P=moved), Two=resources(Q=parameter("2")))
    assert app.counts()[:2] == (0, 1)
    app.synth(One=resources(), Two=resources(Q=parameter("2"), P=moved))
    assert app.counts() == (1, 0, 1)
    name = {"Name": "/moved"}
    assert app.client("ssm").get_parameter(**name)["Parameter"]["Value"] == "1"


def test_only_the_summary(app: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    app.synth(S=resources(P=parameter("1")))
    where = ["--assembly", str(app.assembly), "--state", str(app.state_file)]
    assert deploy.main(["--endpoint", app.endpoint, *where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["created"] == 1


def test_an_archive_depends_on_its_files_alone(tmp_path: Path) -> None:
    archives: list[bytes] = []
    for folder, names in (("a", ["x", "y/z"]), ("b", ["y/z", "x"])):
        for name in names:
            file = tmp_path / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(name)
            os.utime(file, (len(archives), 10**9 + len(archives)))
        archives.append(zip_folder(tmp_path / folder))
    assert archives[0] == archives[1]
    assert zipfile.ZipFile(BytesIO(archives[0])).namelist() == ["x", "y/z"]


def test_a_journal_that_was_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    state = DeploymentState(file)
    state.start_over()
    resource = ResourceState("AWS::S3::Bucket", "b", {"BucketName": "b"}, {"Arn": "arn"})
    state.creation_begins("S", "B", resource)
    state.resource_is("S", "B", resource)
    state.creation_begins("S", "C", resource)
    with file.with_name("state.json.journal").open("a") as journal:
        journal.write('{"stack": "S", "resou')
    again = DeploymentState(file)
    assert again.stack("S").resources == {"B": resource}
    assert set(again.stack("S").pending) == {"C"}


# --- the language -----------------------------------------------------------------------------

FUNCTIONS: list[tuple[Any, str]] = [
    ({"Ref": "AWS::Region"}, "us-east-1"),
    ({"Fn::Sub": "${AWS::StackName}/${!x}/${Given}"}, "S/${x}/given"),
    ({"Fn::Sub": ["${a}-${Base}", {"a": {"Ref": "Given"}}]}, "given-S-Base"),
    ({"Fn::Sub": "${Base.Value}"}, "base"),
    ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b,c"]}]}, "b"),
    ({"Fn::Join": ["-", ["x", {"Ref": "AWS::NoValue"}, 3]]}, "x-3"),
    ({"Fn::If": ["IsGiven", "yes", "no"]}, "yes"),
    ({"Fn::If": ["IsNot", "yes", {"Fn::GetAtt": ["Base", "Type"]}]}, "String"),
    ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "us-east-1a"),
    ({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "k"]}, "mapped"),
    ({"Fn::Base64": "x"}, "eA=="),
]


@pytest.mark.parametrize(("value", "expected"), FUNCTIONS)
def test_intrinsic_functions(app: Deployment, value: object, expected: str) -> None:
    template: Template = {
        "Parameters": {"Given": {"Type": "String", "Default": "given"}},
        "Mappings": {"M": {"us-east-1": {"k": "mapped"}}},
        "Conditions": {
            "IsGiven": {"Fn::Equals": [{"Ref": "Given"}, "given"]},
            "IsNot": {
                "Fn::And": [
                    {"Condition": "IsGiven"},
                    {"Fn::Or": [{"Fn::Not": [{"Condition": "IsGiven"}]}]},
                ]
            },
        },
        "Resources": {
            "Tested": parameter(value),
            "Base": parameter("base"),
            "Never": {**simple("AWS::S3::Bucket"), "Condition": "IsNot"},
        },
        "Outputs": {"Tested": {"Value": {"Fn::GetAtt": ["Tested", "Value"]}}},
    }
    app.synth(S=template)
    assert app.counts() == (2, 0, 0)
    tested = app.summary["outputs"]["S"]["Tested"]
    assert re.sub(r"(S-Base)-[0-9a-f]{12}", r"\1", tested) == expected


def test_a_value_of_another_stack(app: Deployment) -> None:
    def producer(value: str) -> Template:
        return {
            **resources(Topic=simple("AWS::SNS::Topic", TopicName=value)),
            "Outputs": {"T": {"Value": {"Ref": "Topic"}, "Export": {"Name": "P:Topic"}}},
        }

    consumer = resources(Copy=parameter({"Fn::ImportValue": "P:Topic"}))
    app.synth(Producer=producer("first"), Consumer=consumer)
    assert app.counts() == (2, 0, 0)
    app.synth(Producer=producer("second"), Consumer=consumer)
    assert app.counts() == (0, 2, 0), "the topic is replaced, so what refers to it changes"
    name = json.loads(app.state_file.read_text())["stacks"]["Consumer"]["resources"]["Copy"]
    value = app.client("ssm").get_parameter(Name=name["physical_id"])["Parameter"]["Value"]
    assert value == "arn:aws:sns:us-east-1:123456789012:second"


def test_dynamic_references_stay_out_of_the_state(app: Deployment) -> None:
    secret = simple("AWS::SecretsManager::Secret", Name="db", SecretString='{"password": "pw-1"}')
    app.synth(S=resources(Secret=secret))
    app.counts()
    app.client("secretsmanager").put_secret_value(
        SecretId="db", SecretString='{"password": "later"}'
    )
    copy = parameter("{{resolve:secretsmanager:db:SecretString:password::}}")
    app.synth(S=resources(Secret=secret, Copy=copy))
    assert app.counts() == (1, 0, 0)
    state = app.state_file.read_text()
    assert "later" not in json.dumps(
        json.loads(state)["stacks"]["S"]["resources"]["Copy"]["properties"]
    )
    assert app.state_file.stat().st_mode & 0o077 == 0


# --- failures ---------------------------------------------------------------------------------


def test_an_unknown_type_stops_everything(app: Deployment) -> None:
    app.synth(
        A=resources(P=simple("AWS::SSM::Parameter", Name="/p", Type="String", Value="v")),
        B=resources(Strange=simple("AWS::Nope::Thing")),
    )
    error = app.error()
    assert "AWS::Nope::Thing" in error
    assert "Strange" in error
    assert "B.template.json" in error
    with pytest.raises(ClientError):
        app.client("ssm").get_parameter(Name="/p")


def test_a_replacement_that_would_lose_data_is_rejected(app: Deployment) -> None:
    def table(key: str) -> Template:
        return resources(
            Ledger=simple(
                "AWS::DynamoDB::Table",
                TableName="ledger",
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            )
        )

    app.synth(S=table("pk"))
    assert app.counts() == (1, 0, 0)
    app.synth(S=table("id"))
    error = app.error()
    assert "KeySchema" in error
    assert "lose items" in error


def test_an_interrupted_deployment_goes_on(
    app: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after creating the second bucket and before writing that down."""
    template = resources(
        First=simple("AWS::S3::Bucket", BucketName="first-bucket"),
        Second={**simple("AWS::S3::Bucket", BucketName="second-bucket"), "DependsOn": "First"},
        Third={**parameter({"Ref": "Second"}), "DependsOn": "Second"},
    )
    app.synth(S=template)
    record = engine.Engine._record

    def die(
        self: engine.Engine, stack: str, logical_id: str, desired: ResourceState, created: Created
    ) -> None:
        if logical_id == "Second":
            raise KeyboardInterrupt
        record(self, stack, logical_id, desired, created)

    with monkeypatch.context() as patch:
        patch.setattr(engine.Engine, "_record", die)
        patch.setattr("emulator.cloudformation.state.DeploymentState.save", save_once())
        with pytest.raises(KeyboardInterrupt):
            app.run()
    assert app.state_file.with_name("state.json.journal").exists()
    assert app.counts() == (2, 0, 0)
    assert app.counts() == (0, 0, 0)


def save_once() -> Callable[[DeploymentState], None]:
    """`save` works for the empty state of the beginning, then fails: the process is dead."""
    original = DeploymentState.save
    calls: list[None] = []

    def save(self: DeploymentState) -> None:
        calls.append(None)
        if len(calls) == 1:
            original(self)

    return save


def test_an_empty_emulator_is_deployed_to_anew(app: Deployment) -> None:
    app.synth(S=resources(P=parameter("1")))
    assert app.counts() == (1, 0, 0)
    app.client("s3").delete_object(**deploy.MARKER)
    name = json.loads(app.state_file.read_text())["stacks"]["S"]["resources"]["P"]["physical_id"]
    app.client("ssm").delete_parameter(Name=name)
    assert app.counts() == (1, 0, 0)
    app.client("ssm").get_parameter(Name=name)


def test_a_rejected_call_names_the_resource(app: Deployment) -> None:
    app.synth(S=resources(Bucket=simple("AWS::S3::Bucket", BucketName="x")))
    error = app.error()
    assert "AWS::S3::Bucket Bucket (S.template.json)" in error
    app.synth(S=resources(A=simple("AWS::CloudWatch::Alarm", Bogus=1)))
    assert "no parameter Bogus" in app.error()


# --- every type -------------------------------------------------------------------------------

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
}
MACHINE = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "${x}", "End": true}}}'


def every_type(tag: str) -> dict[str, Any]:
    """One resource of each emulated type; `tag` is in something that is updated in place."""
    arn = {"Fn::GetAtt": ["Role", "Arn"]}
    target = {"Arn": {"Ref": "Machine"}, "RoleArn": arn}
    return {
        "Role": {
            **ROLE,
            "Properties": {
                **ROLE["Properties"],
                "Policies": [{"PolicyName": f"inline-{tag}", "PolicyDocument": POLICY}],
            },
        },
        "Policy": simple(
            "AWS::IAM::Policy",
            PolicyName="p",
            Roles=[{"Ref": "Role"}],
            PolicyDocument={**POLICY, "Id": tag},
        ),
        "Bucket": simple("AWS::S3::Bucket", Tags=[{"Key": "tag", "Value": tag}]),
        "BucketPolicy": simple(
            "AWS::S3::BucketPolicy", Bucket={"Ref": "Bucket"}, PolicyDocument={**POLICY, "Id": tag}
        ),
        "Table": simple(
            "AWS::DynamoDB::Table",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": tag, "AttributeType": "S"},
            ],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": f"by-{tag}",
                    "Projection": {"ProjectionType": "ALL"},
                    "KeySchema": [{"AttributeName": tag, "KeyType": "HASH"}],
                }
            ],
            TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True},
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        ),
        "Database": simple(
            "AWS::Glue::Database",
            CatalogId={"Ref": "AWS::AccountId"},
            DatabaseInput={"Name": "lake", "Description": tag},
        ),
        "GlueTable": simple(
            "AWS::Glue::Table",
            CatalogId={"Ref": "AWS::AccountId"},
            DatabaseName={"Ref": "Database"},
            TableInput={"Name": "orders", "Parameters": {"tag": tag}},
        ),
        "Job": simple(
            "AWS::Glue::Job",
            Role=arn,
            GlueVersion="5.1",
            Timeout="60",
            ExecutionProperty={"MaxConcurrentRuns": 1},
            DefaultArguments={"--tag": tag},
            Command={"Name": "glueetl", "ScriptLocation": "s3://x/y.py"},
        ),
        "Function": simple(
            "AWS::Lambda::Function",
            Code={"ZipFile": "exports.handler=0"},
            Handler="index.handler",
            Role=arn,
            Runtime="nodejs24.x",
            Environment={"Variables": {"TAG": tag}},
        ),
        "Machine": simple(
            "AWS::StepFunctions::StateMachine",
            RoleArn=arn,
            DefinitionString=MACHINE,
            DefinitionSubstitutions={"x": tag},
            LoggingConfiguration={
                "Level": "ALL",
                "IncludeExecutionData": True,
                "Destinations": [
                    {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["Logs", "Arn"]}}}
                ],
            },
        ),
        "Logs": simple("AWS::Logs::LogGroup", RetentionInDays=7 if tag == "one" else 14),
        "Schedule": simple(
            "AWS::Scheduler::Schedule",
            ScheduleExpression="rate(1 hour)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={**target, "Input": tag},
        ),
        "Secret": simple(
            "AWS::SecretsManager::Secret",
            Description=tag,
            GenerateSecretString={
                "SecretStringTemplate": '{"username": "u"}',
                "GenerateStringKey": "password",
                "ExcludePunctuation": True,
            },
        ),
        "Parameter": parameter(tag),
        "Topic": simple("AWS::SNS::Topic", DisplayName=tag),
        "Subscription": simple(
            "AWS::SNS::Subscription",
            TopicArn={"Ref": "Topic"},
            Protocol="email",
            Endpoint=f"{tag}@example.com",
        ),
        "TopicPolicy": simple("AWS::SNS::TopicPolicy", PolicyDocument={**POLICY, "Id": tag}),
        "Alarm": simple(
            "AWS::CloudWatch::Alarm",
            MetricName="m",
            Namespace="n",
            Period="60",
            EvaluationPeriods=1,
            Threshold=1,
            Statistic="Sum",
            ComparisonOperator="GreaterThanThreshold",
            AlarmDescription=tag,
            AlarmActions=[{"Ref": "Topic"}],
        ),
        "Namespace": simple("AWS::RedshiftServerless::Namespace", NamespaceName="ns", DbName=tag),
        "Workgroup": simple(
            "AWS::RedshiftServerless::Workgroup",
            WorkgroupName="wg",
            NamespaceName={"Ref": "Namespace"},
            BaseCapacity=tag,
        ),
        "Address": parameter({"Fn::GetAtt": ["Workgroup", "Workgroup.Endpoint.Address"]}),
    }


UNCHANGED = {"Address"}


def test_every_type_is_created_updated_and_deleted(app: Deployment) -> None:
    first, second = every_type("one"), every_type("two")
    tested = {resource["Type"] for resource in first.values()}
    emulated = {kind for kind, handler in HANDLERS.items() if not handler.inert}
    # What stands behind a custom resource is a Lambda function, which moto alone does not run.
    assert emulated - {custom.TYPE} <= tested
    app.synth(Types=resources(**first))
    assert app.counts() == (len(first), 0, 0)
    secrets = app.client("secretsmanager")
    secret_id = secrets.list_secrets()["SecretList"][0]["ARN"]
    value = secrets.get_secret_value(SecretId=secret_id)["SecretString"]
    assert json.loads(value)["username"] == "u"
    assert len(json.loads(value)["password"]) == 32

    app.synth(Types=resources(**second))
    assert app.counts() == (0, len(second) - len(UNCHANGED), 0)
    assert app.counts() == (0, 0, 0)
    assert secrets.get_secret_value(SecretId=secret_id)["SecretString"] == value
    table = app.client("glue").get_table(DatabaseName="lake", Name="orders")["Table"]
    assert table["Parameters"]["tag"] == "two"
    machine = app.client("stepfunctions").list_state_machines()["stateMachines"][0]
    described = app.client("stepfunctions").describe_state_machine(
        stateMachineArn=machine["stateMachineArn"]
    )
    assert json.loads(described["definition"])["States"]["A"]["Result"] == "two"
    schedule = app.client("scheduler").list_schedules()["Schedules"][0]["Name"]
    assert app.client("scheduler").get_schedule(Name=schedule)["Target"]["Input"] == "two"
    name = app.client("dynamodb").list_tables()["TableNames"]
    indexes = [
        index["IndexName"]
        for table_name in name
        for index in app.client("dynamodb")
        .describe_table(TableName=table_name)["Table"]
        .get("GlobalSecondaryIndexes", [])
    ]
    assert indexes == ["by-two"]

    app.synth(Types=resources(Left=parameter("x")))
    assert app.counts() == (1, 0, len(second))
    buckets = [bucket["Name"] for bucket in app.client("s3").list_buckets()["Buckets"]]
    assert buckets == [deploy.MARKER["Bucket"]]
    assert app.client("iam").list_roles()["Roles"] == []
    assert app.client("lambda").list_functions()["Functions"] == []


def test_a_hundred_resources_take_seconds(app: Deployment) -> None:
    tables = {
        f"T{number}": simple(
            "AWS::Glue::Table",
            DatabaseName={"Ref": "Database"},
            TableInput={"Name": f"t{number}", "Parameters": {"n": str(number)}},
        )
        for number in range(150)
    }
    database = simple("AWS::Glue::Database", DatabaseInput={"Name": "many"})
    app.synth(S=resources(Database=database, **tables))
    assert app.counts() == (151, 0, 0)
    assert app.counts() == (0, 0, 0)


# --- custom resources, which need Lambda ------------------------------------------------------

ANSWERING = """
export const handler = async (event) => {
  const p = event.ResourceProperties;
  if (p.crash) throw new Error('crashed');
  const same = ['StackId', 'RequestId', 'LogicalResourceId'].map((name) => [name, event[name]]);
  const body = {
    ...Object.fromEntries(same), Status: p.fail ? 'FAILED' : 'SUCCESS', Reason: p.fail,
    PhysicalResourceId: p.id ?? event.PhysicalResourceId ?? 'made',
    Data: { heard: JSON.stringify([event.RequestType, p.number, event.OldResourceProperties]) },
  };
  if (p.number !== undefined || event.RequestType === 'Delete') console.log(event.RequestType);
  await fetch(event.ResponseURL, { method: 'PUT', body: JSON.stringify(body) });
};
"""


def custom_template(**properties: object) -> Template:
    token = "arn:aws:lambda:us-east-1:123456789012:function:answering"
    template = resources(Asked=simple(custom.TYPE, ServiceToken=token, **properties))
    heard = {"Fn::GetAtt": ["Asked", "heard"]}
    return {**template, "Outputs": {"Heard": {"Value": heard}, "Id": {"Value": {"Ref": "Asked"}}}}


def test_a_custom_resource_asks_its_function(real: Deployment, emulator: Emulator) -> None:
    emulator.create_function("answering", ANSWERING)
    real.synth(S=custom_template(number=1))
    assert real.counts() == (1, 0, 0)
    assert real.summary["outputs"]["S"]["Id"] == "made"
    assert json.loads(real.summary["outputs"]["S"]["Heard"]) == ["Create", "1", None]

    real.synth(S=custom_template(number=2, yes=True))
    assert real.counts() == (0, 1, 0)
    kind, number, old = json.loads(real.summary["outputs"]["S"]["Heard"])
    assert (kind, number, old["number"]) == ("Update", "2", "1")
    assert real.counts() == (0, 0, 0)

    real.synth(S=custom_template(fail="three reasons"))
    assert "three reasons" in real.error()
    real.synth(S=custom_template(crash=True))
    assert "crashed" in real.error()

    real.synth(S=resources(P=parameter("1")))
    assert real.counts() == (1, 0, 1)
