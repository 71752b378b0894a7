"""The Redshift Data API of the emulator, executed on a real PostgreSQL.

`install` replaces the responses of moto's redshift-data service, which executes nothing. Statements
run asynchronously, each in a session of its own, as on AWS.
"""

import contextlib
import json
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import psycopg2
from moto.core.exceptions import JsonRESTError
from moto.redshiftdata.exceptions import ResourceNotFoundException, ValidationException
from moto.redshiftdata.responses import RedshiftDataAPIServiceResponse
from psycopg2 import extensions

from emulator.redshift_names import RedshiftError
from emulator.warehouse_session import Outcome, Session, connect, install_functions

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MAX_STATEMENT_BYTES = 100 * 1024
MAX_BATCH_STATEMENTS = 40
PAGE_ROWS = 1000
_SESSIONS_AT_ONCE = 16
_STATEMENTS_KEPT = 5000
_FINAL = ("FINISHED", "FAILED", "ABORTED")

# "The default is 100" (ListStatements, MaxResults).
_LISTED_AT_ONCE = 100

Request = dict[str, Any]
HttpResponse = tuple[int, dict[str, str], str]


@dataclass
class Statement:
    """One statement, a batch, or a statement of a batch, as DescribeStatement shows it."""

    id: str
    sql: str
    details: dict[str, str] = field(default_factory=dict)
    """Workgroup, database, name and so on, repeated in the responses."""
    status: str = "SUBMITTED"
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
    started_at: float | None = None
    error: str | None = None
    outcome: Outcome | None = None
    backend_pid: int = 0
    parts: list["Statement"] = field(default_factory=list)
    connection: extensions.connection | None = None
    is_committing: bool = False
    """From here on it can't be cancelled."""

    def begin(self) -> None:
        """The statement starts to run."""
        self.status, self.started_at, self.updated_at = "STARTED", time.time(), time.time()

    def end(self, status: str, error: str | None = None) -> None:
        """The statement has come to its final status."""
        self.status, self.error, self.updated_at = status, error, time.time()

    @property
    def has_result_set(self) -> bool:
        """Whether GetStatementResult would return rows."""
        return self.outcome is not None and self.outcome.columns is not None


class StatementService:
    """Accepts, runs and remembers statements."""

    def __init__(self, postgres_url: str, s3: Callable[[], "S3Client"]) -> None:
        self._postgres_url = postgres_url
        self._s3 = s3
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(_SESSIONS_AT_ONCE)
        self._statements: OrderedDict[str, Statement] = OrderedDict()
        self._tokens: dict[str, tuple[str, str]] = {}
        self._functions_installed = False

    # --- the operations -----------------------------------------------------------------------

    def execute(self, request: Request) -> dict[str, object]:
        """ExecuteStatement."""
        sql = request.get("Sql")
        if not isinstance(sql, str) or not sql:
            raise ValidationException("Sql must have length greater than or equal to 1")
        return self._submit(request, [sql], is_batch=False)

    def execute_batch(self, request: Request) -> dict[str, object]:
        """BatchExecuteStatement: one transaction."""
        sqls = request.get("Sqls")
        if not isinstance(sqls, list) or not 1 <= len(sqls) <= MAX_BATCH_STATEMENTS:
            count = len(sqls) if isinstance(sqls, list) else 0
            raise ValidationException(
                f"{count} statements: a batch has 1 to {MAX_BATCH_STATEMENTS} of them"
            )
        if request.get("ExecutionMode") not in (None, "TRANSACTION"):
            raise ValidationException(
                f"the emulator runs a batch as one transaction only: {request['ExecutionMode']}"
            )
        return self._submit(request, sqls, is_batch=True)

    def describe(self, request: Request) -> dict[str, object]:
        """DescribeStatement."""
        statement = self._find(request)
        with self._lock:
            return _description(statement)

    def list_all(self, request: Request) -> dict[str, object]:
        """ListStatements of every status, newest first; a batch is one of them."""
        if request.get("Status") != "ALL" or request.keys() - {"Status", "NextToken"}:
            raise ValidationException(f"the emulator lists with Status ALL only: {request}")
        start = _page_start(request.get("NextToken"))
        end = start + _LISTED_AT_ONCE
        with self._lock:
            own = [item for item in self._statements.values() if ":" not in item.id]
        listed = [{"Id": item.id, "Status": item.status} for item in own[::-1][start:end]]
        return {"Statements": listed, **({"NextToken": str(end)} if end < len(own) else {})}

    def result(self, request: Request) -> dict[str, object]:
        """GetStatementResult, one page of it."""
        statement = self._find(request)
        outcome = statement.outcome
        if statement.status != "FINISHED" or outcome is None or outcome.columns is None:
            raise JsonRESTError(
                "ResourceNotFoundException",
                "Query does not have result. Please check query status with DescribeStatement.",
            )
        start = _page_start(request.get("NextToken"))
        page: dict[str, object] = {
            "ColumnMetadata": [
                {
                    "name": column.name,
                    "label": column.name,
                    "typeName": column.type_name,
                    "nullable": 1,
                    "isCaseSensitive": column.type_name in ("varchar", "bpchar"),
                    "isSigned": column.type_name.startswith(("int", "float", "numeric")),
                }
                for column in outcome.columns
            ],
            "Records": outcome.rows[start : start + PAGE_ROWS],
            "TotalNumRows": len(outcome.rows),
        }
        if start + PAGE_ROWS < len(outcome.rows):
            page["NextToken"] = str(start + PAGE_ROWS)
        return page

    def cancel(self, request: Request) -> dict[str, object]:
        """CancelStatement."""
        statement = self._find(request)
        with self._lock:
            if statement.status in _FINAL or statement.is_committing:
                status = "FINISHED" if statement.is_committing else statement.status
                raise ValidationException(
                    f"Could not cancel a query that is already in {status} state "
                    f"with ID: {statement.id}"
                )
            _abort(statement)
            connection = statement.connection
        if connection is not None:
            with contextlib.suppress(psycopg2.Error):
                connection.cancel()
        return {"Status": True}

    # --- submitting ---------------------------------------------------------------------------

    def _submit(self, request: Request, sqls: list[str], *, is_batch: bool) -> dict[str, object]:
        details = _details(request)
        for sql in sqls:
            size_bytes = len(sql.encode())
            if size_bytes > MAX_STATEMENT_BYTES:
                raise ValidationException(
                    f"a statement of {size_bytes} bytes: at most {MAX_STATEMENT_BYTES} are allowed"
                )
        token = request.get("ClientToken")
        fingerprint = json.dumps([sqls, details], sort_keys=True)
        with self._lock:
            if token in self._tokens:
                known_id, known_fingerprint = self._tokens[token]
                if known_fingerprint != fingerprint:
                    raise ValidationException(f"ClientToken {token} was used for another request")
                return _accepted(self._statements[known_id])
            statement = self._remember(sqls, details, is_batch=is_batch)
            if token:
                self._tokens[token] = (statement.id, fingerprint)
        threading.Thread(target=self._run, args=(statement, sqls), daemon=True).start()
        return _accepted(statement)

    def _remember(self, sqls: list[str], details: dict[str, str], *, is_batch: bool) -> Statement:
        statement = Statement(str(uuid.uuid4()), "" if is_batch else sqls[0], details)
        self._statements[statement.id] = statement
        if is_batch:
            statement.parts = [
                Statement(f"{statement.id}:{number}", sql) for number, sql in enumerate(sqls, 1)
            ]
            self._statements.update({part.id: part for part in statement.parts})
        self._forget_old()
        return statement

    def _forget_old(self) -> None:
        for known_id in list(self._statements)[: max(0, len(self._statements) - _STATEMENTS_KEPT)]:
            if self._statements[known_id].status not in _FINAL:
                break
            del self._statements[known_id]
        if len(self._tokens) > _STATEMENTS_KEPT:
            self._tokens = {
                token: entry
                for token, entry in self._tokens.items()
                if entry[0] in self._statements
            }

    # --- running ------------------------------------------------------------------------------

    def _run(self, statement: Statement, sqls: list[str]) -> None:
        with self._slots:
            try:
                self._run_in_session(statement, sqls)
            except Exception as error:  # The statement must not stay STARTED, whatever happens.
                self._finish(statement, f"{type(error).__name__}: {error}")

    def _run_in_session(self, statement: Statement, sqls: list[str]) -> None:
        try:
            connection = self._connect()
        except psycopg2.Error as error:
            self._finish(statement, f"could not connect to the warehouse: {error}")
            return
        try:
            if statement.parts:
                # A transaction of Redshift sees one snapshot from its first query on.
                connection.set_session(isolation_level="REPEATABLE READ")
            with self._lock:
                if statement.status == "ABORTED":
                    return
                statement.connection = connection
                statement.backend_pid = connection.info.backend_pid
                statement.begin()
            error_text = self._run_all(statement, sqls, Session(connection, self._s3))
            if error_text is None:
                error_text = self._commit(statement, connection)
            else:
                connection.rollback()
            self._finish(statement, error_text)
        finally:
            with self._lock:
                statement.connection = None
            connection.close()

    def _run_all(self, statement: Statement, sqls: list[str], session: Session) -> str | None:
        """Runs the statements in order; the text of the first error, None if there is none."""
        targets = statement.parts or [statement]
        for number, (target, sql) in enumerate(zip(targets, sqls, strict=True), 1):
            if target is not statement:
                target.backend_pid = statement.backend_pid
                target.begin()
            try:
                target.outcome = session.run(sql, in_transaction=bool(statement.parts))
            except RedshiftError as error:
                if target is statement:
                    return f"ERROR: {error}"
                if statement.status != "ABORTED":
                    target.end("FAILED", f"ERROR: {error}")
                return f"Query #{number} failed with ERROR: {error}"
            if target is not statement:
                target.end("FINISHED")
        return None

    def _commit(self, statement: Statement, connection: extensions.connection) -> str | None:
        with self._lock:
            statement.is_committing = statement.status != "ABORTED"
        if not statement.is_committing:
            connection.rollback()
            return None
        try:
            connection.commit()
        except psycopg2.Error as error:
            return f"ERROR: {error}"
        return None

    def _finish(self, statement: Statement, error: str | None) -> None:
        with self._lock:
            if statement.status == "ABORTED":
                return
            statement.end("FAILED" if error else "FINISHED", error)
            for part in statement.parts:
                if part.status not in _FINAL:
                    part.end("ABORTED", "Connection or an prior query failed.")
            if statement.parts and not error:
                last = statement.parts[-1].outcome
                statement.outcome = Outcome(last.row_count) if last else None

    def _connect(self) -> extensions.connection:
        with self._lock:
            if not self._functions_installed:
                install_functions(self._postgres_url)
                self._functions_installed = True
        return connect(self._postgres_url)

    def _find(self, request: Request) -> Statement:
        statement_id = request.get("Id")
        if not isinstance(statement_id, str) or not _is_statement_id(statement_id):
            raise ValidationException(f"Id {statement_id!r} is not a statement's id")
        with self._lock:
            statement = self._statements.get(statement_id)
        if statement is None:
            raise ResourceNotFoundException()
        return statement


def _abort(statement: Statement) -> None:
    statement.end("ABORTED", "Query was cancelled.")
    for part in statement.parts:
        if part.status not in _FINAL:
            part.end("ABORTED", "Query was cancelled.")


def _is_statement_id(text: str) -> bool:
    whole, _, number = text.partition(":")
    try:
        uuid.UUID(whole)
    except ValueError:
        return False
    return number.isdigit() if ":" in text else True


def _page_start(token: object) -> int:
    if token in (None, ""):
        return 0
    if not isinstance(token, str) or not token.isdigit():
        raise ValidationException(f"NextToken {token!r} is not valid")
    return int(token)


_DETAILS = ("ClusterIdentifier", "WorkgroupName", "Database", "DbUser", "SecretArn")


def _details(request: Request) -> dict[str, str]:
    """The parts of a request that its responses repeat. Raises ValidationException."""
    for name in ("Parameters", "SessionId", "SessionKeepAliveSeconds"):
        if request.get(name):
            raise ValidationException(f"the emulator does not support {name}: leave it out")
    if not request.get("WorkgroupName") and not request.get("ClusterIdentifier"):
        raise ValidationException("either WorkgroupName or ClusterIdentifier is needed")
    if not request.get("Database"):
        raise ValidationException("Database is needed")
    names = (*_DETAILS, "StatementName")
    return {name: request[name] for name in names if request.get(name)}


def _accepted(statement: Statement) -> dict[str, object]:
    response: dict[str, object] = {"Id": statement.id, "CreatedAt": statement.created_at}
    response.update(
        {name: statement.details[name] for name in _DETAILS if name in statement.details}
    )
    return response


def _part(statement: Statement) -> dict[str, object]:
    response: dict[str, object] = {
        "Id": statement.id,
        "Status": statement.status,
        "QueryString": statement.sql,
        "HasResultSet": statement.has_result_set,
        "ResultRows": statement.outcome.row_count if statement.outcome else -1,
        "ResultSize": -1,
        "Duration": _duration_ns(statement),
        "CreatedAt": statement.created_at,
        "UpdatedAt": statement.updated_at,
        "RedshiftQueryId": statement.backend_pid,
    }
    if statement.error is not None:
        response["Error"] = statement.error
    return response


def _duration_ns(statement: Statement) -> int:
    if statement.started_at is None:
        return -1 if statement.status not in _FINAL else 0
    end = statement.updated_at if statement.status in _FINAL else time.time()
    return int((end - statement.started_at) * 1_000_000_000)


def _description(statement: Statement) -> dict[str, object]:
    response = _part(statement)
    response["RedshiftPid"] = statement.backend_pid
    response["ResultFormat"] = "JSON"
    response.update(
        {name: statement.details[name] for name in _DETAILS if name in statement.details}
    )
    if statement.parts:
        del response["QueryString"]
        response["HasResultSet"] = any(part.has_result_set for part in statement.parts)
        response["SubStatements"] = [_part(part) for part in statement.parts]
    return response


def install(postgres_url: str, port: int) -> None:
    """Makes the redshift-data service of the moto server on `port` run on PostgreSQL.

    `postgres_url` is a libpq connection string of a user that may create schemas and roles; the
    Database of a request is ignored. PostgreSQL need not be up yet.
    """
    service = StatementService(postgres_url, _s3_client_maker(port))
    operations: dict[str, Callable[[Request], dict[str, object]]] = {
        "execute_statement": service.execute,
        "batch_execute_statement": service.execute_batch,
        "describe_statement": service.describe,
        "get_statement_result": service.result,
        "list_statements": service.list_all,
        "cancel_statement": service.cancel,
    }
    for name, operation in operations.items():
        setattr(RedshiftDataAPIServiceResponse, name, _handler(operation))


def _handler(
    operation: Callable[[Request], dict[str, object]],
) -> Callable[[RedshiftDataAPIServiceResponse], HttpResponse]:
    def handle(response: RedshiftDataAPIServiceResponse) -> HttpResponse:
        return 200, {}, json.dumps(operation(json.loads(response.body)))

    return handle


def _s3_client_maker(port: int) -> Callable[[], "S3Client"]:
    """A client for the emulated S3, made when it is first needed and then shared."""
    lock = threading.Lock()
    made: list[S3Client] = []

    def client() -> "S3Client":
        with lock:
            if not made:
                made.append(
                    boto3.client(
                        "s3",
                        endpoint_url=f"http://127.0.0.1:{port}",
                        region_name="us-east-1",
                        aws_access_key_id="local",
                        aws_secret_access_key="local",
                    )
                )
            return made[0]

    return client
