"""Lambda functions run in real Node processes and fail as on AWS."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from running_emulator import PROBE_SOURCE, Emulator, eventually, start_emulator, zipped


def processes_of(parent: int) -> list[int]:
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def test_returns_what_the_handler_returns(emulator: Emulator) -> None:
    assert emulator.invoke("probe", {"a": [1, "ü"]}) == ({"a": [1, "ü"]}, None)


def test_knows_its_environment_and_context(emulator: Emulator) -> None:
    result, error = emulator.invoke("probe", {"describe": True})
    assert error is None
    assert result["hello"] == "hello"
    assert result["name"] == "probe"
    assert result["memory"] == "128"
    assert result["endpoint"] == f"http://127.0.0.1:{emulator.port}"
    assert 2000 < result["remaining"] <= 3000
    assert result["node"].startswith("v24.")


def test_an_error_is_told_with_type_message_and_trace(emulator: Emulator) -> None:
    result, error = emulator.invoke("probe", {"boom": True})
    assert error == "Unhandled"
    assert (result["errorType"], result["errorMessage"]) == ("Boom", "boom!")
    assert result["trace"][0] == "Boom: boom!"


def test_time_out_memory_exit_and_rejection(emulator: Emulator) -> None:
    cases: list[tuple[dict[str, object], str, str]] = [
        ({"sleepMs": 8000}, "Sandbox.Timedout", "Task timed out after 3.00 seconds"),
        ({"fill": True}, "Runtime.OutOfMemory", "signal: killed"),
        ({"exit": 3}, "Runtime.ExitError", "exit status 3"),
        ({"exit": 0}, "Runtime.ExitError", "without providing a reason"),
        ({"reject": True}, "Runtime.UnhandledPromiseRejection", "unheard"),
    ]
    with ThreadPoolExecutor(len(cases)) as threads:
        answers = list(threads.map(lambda case: emulator.invoke("probe", case[0]), cases))
    for (event, error_type, message), (result, error) in zip(cases, answers, strict=True):
        assert error == "Unhandled", event
        assert result["errorType"] == error_type
        assert message in result["errorMessage"]


def test_new_code_and_new_settings_make_new_workers(emulator: Emulator) -> None:
    emulator.create_function("changing", "export const handler = async () => 'old';")
    assert emulator.invoke("changing", {}) == ("old", None)
    emulator.functions.update_function_code(
        FunctionName="changing",
        ZipFile=zipped({"index.mjs": "export const handler = async () => process.env.WHAT;"}),
    )
    emulator.functions.update_function_configuration(
        FunctionName="changing", Environment={"Variables": {"WHAT": "new"}}
    )
    assert emulator.invoke("changing", {}) == ("new", None)


def test_a_module_that_cannot_be_loaded(emulator: Emulator) -> None:
    emulator.create_function("broken", "throw new RangeError('at start');")
    result, error = emulator.invoke("broken", {})
    assert error == "Unhandled"
    assert (result["errorType"], result["errorMessage"]) == ("RangeError", "at start")


def test_a_common_js_bundle_runs_too(emulator: Emulator) -> None:
    emulator.create_function("common", "exports.handler = async () => module.id;", file="index.js")
    _, error = emulator.invoke("common", {})
    assert error is None


def test_reserved_concurrency_throttles(emulator: Emulator) -> None:
    emulator.create_function("narrow", PROBE_SOURCE)
    emulator.functions.put_function_concurrency(
        FunctionName="narrow", ReservedConcurrentExecutions=1
    )
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(emulator.invoke, "narrow", {"sleepMs": 1500})
        eventually(lambda: running_names(emulator).count("narrow") == 1, 10)
        throttled = emulator.functions.exceptions.TooManyRequestsException
        try:
            emulator.invoke("narrow", {})
        except throttled:
            pass
        else:
            raise AssertionError("a second invocation ran at once")
        assert first.result()[1] is None


def running_names(emulator: Emulator) -> list[str]:
    result = emulator.ask("GET", "/emulator/running")
    return [running["functionName"] for running in result["lambdas"]]


def test_logs_go_to_a_file_and_to_cloudwatch_and_memory_is_noted(emulator: Emulator) -> None:
    emulator.invoke("probe", {"log": "words to find"})
    assert "words to find" in (emulator.logs / "lambda-probe.log").read_text()
    found = emulator.cloudwatch_logs.filter_log_events(logGroupName="/aws/lambda/probe")
    assert any("words to find" in event["message"] for event in found["events"])
    last = json.loads((emulator.logs / "memory.jsonl").read_text().splitlines()[-1])
    assert (last["part"], last["name"]) == ("lambda", "probe")
    assert last["peakRssBytes"] > 20_000_000


def test_a_running_worker_can_be_killed(emulator: Emulator) -> None:
    with ThreadPoolExecutor(1) as threads:
        invocation = threads.submit(emulator.invoke, "probe", {"sleepMs": 2500})
        eventually(lambda: "probe" in running_names(emulator), 10)
        answer = emulator.ask("POST", "/emulator/kill-lambda", {"functionNameContains": "prob"})
        assert answer == {"killed": 1}
        result, error = invocation.result()
    assert error == "Unhandled"
    assert result["errorType"] == "Runtime.ExitError"
    assert "signal: killed" in result["errorMessage"]


def test_nothing_outlives_an_emulator_that_is_killed(tmp_path: Path) -> None:
    doomed = start_emulator(tmp_path)
    doomed.create_function("probe", PROBE_SOURCE)
    assert doomed.invoke("probe", {})[1] is None
    # A state that needs JSONata, so that its worker runs too.
    output = {"Type": "Pass", "Output": "{% 1 + 1 %}", "End": True}
    assert doomed.run({"StartAt": "A", "States": {"A": output}}).output == 2
    children = processes_of(doomed.process.pid)
    assert len(children) == 2
    doomed.process.send_signal(signal.SIGKILL)
    doomed.process.wait()
    eventually(lambda: not any(alive(child) for child in children), 10)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
