"""Translates one Redshift statement to what the emulated warehouse executes on PostgreSQL.

Pure: no connection is needed. sqlglot parses; what it leaves as a bare command is read from its
tokens. Each part of a statement is either translated, or known to concern Redshift's storage alone,
or an error that names it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import Token, TokenType, exp

from emulator.redshift_names import NotEmulatedError, RedshiftError, quote_name
from emulator.redshift_queries import (
    PLAIN_TYPES,
    Redshift,
    check_merge,
    parse_statement,
    to_postgres,
)

MAX_VARCHAR_BYTES = 65535
_MAX_CHAR_BYTES = 4096


@dataclass(frozen=True)
class PostgresSql:
    """Text that PostgreSQL runs as it is."""

    text: str


@dataclass(frozen=True)
class WidenVarchar:
    """ALTER TABLE … ALTER COLUMN … TYPE VARCHAR(n): allowed only if the column grows."""

    table: tuple[str, ...]
    column: str
    length_bytes: int


@dataclass(frozen=True)
class CopyParquet:
    """COPY … FROM 's3://bucket/key' FORMAT AS PARQUET MANIFEST."""

    table: tuple[str, ...]
    bucket: str
    key: str


Statement = PostgresSql | WidenVarchar | CopyParquet


def translate(sql: str, *, in_transaction: bool = False) -> Statement:
    """What to execute for one Redshift statement.

    `in_transaction` is true for a statement of a batch. Raises RedshiftError with Redshift's
    message where Redshift rejects it, NotEmulatedError where only the emulator does.
    """
    tree = parse_statement(sql)
    kind = kind_of(tree)
    if kind not in TRANSLATORS or isinstance(tree, exp.Command) != (kind in _FROM_TOKENS):
        raise NotEmulatedError(f"the emulator does not understand the statement: {sql[:200]}")
    if in_transaction and kind == "ALTER TABLE ALTER COLUMN":
        raise RedshiftError(f"{kind} cannot run inside a transaction block")
    return TRANSLATORS[kind](tree)


def kind_of(tree: exp.Expr) -> str:
    """What a statement does, in the words that it begins with: `CREATE TABLE`."""
    if isinstance(tree, exp.Query):
        return "SELECT"
    if isinstance(tree, exp.Create | exp.Drop):
        return f"{tree.key.upper()} {tree.args['kind']}"
    if isinstance(tree, exp.Alter):
        action = _ALTER_ACTIONS.get(type(tree.args["actions"][0]), "…")
        return f"ALTER {tree.args['kind']} {action if len(tree.args['actions']) == 1 else '…'}"
    if isinstance(tree, exp.Comment):
        return "COMMENT ON"
    if isinstance(tree, exp.Command):
        words = [tree.name.upper(), *(token.text.upper() for token in _tokens(tree)[:1])]
        return words[0] if words[0] in _FROM_TOKENS else " ".join(words)
    return tree.key.upper()


_ALTER_ACTIONS: dict[type[exp.Expr], str] = {
    exp.ColumnDef: "ADD COLUMN",
    exp.AlterColumn: "ALTER COLUMN",
}
_FROM_TOKENS = ("LOCK", "CREATE ROLE")
"""Statements that sqlglot leaves as a bare command."""


# --- rejecting what is not translated ---------------------------------------------------------


def _only(tree: exp.Expr, *known: str) -> None:
    """Rejects a tree that holds more than its `known` arguments, by the argument's name."""
    for name, value in tree.args.items():
        if value and name not in known:
            found = value.expressions if isinstance(value, exp.Properties) else value
            first = found[0] if isinstance(found, list) else found
            what = name.upper().replace("_", " ")
            if isinstance(first, exp.Expr):
                what = first.sql(dialect=Redshift) or first.key.upper()
            raise NotEmulatedError(f"{what} is not emulated in {kind_of(tree.root())}")


def _name(table: object) -> tuple[str, ...]:
    """The folded parts of a relation's name."""
    if not isinstance(table, exp.Table) or table.args.get("alias"):
        text = table.sql(dialect=Redshift) if isinstance(table, exp.Expr) else table
        raise RedshiftError(f'syntax error at or near "{text}"')
    return tuple(part.name.lower() for part in table.parts)


# --- queries and data changes -----------------------------------------------------------------


def _as_postgres(tree: exp.Expr) -> Statement:
    return PostgresSql(to_postgres(tree))


def _merge(tree: exp.Expr) -> Statement:
    check_merge(tree)
    return _as_postgres(tree)


# --- types and columns ------------------------------------------------------------------------

_T = exp.DataType.Type
_TEXTS = {
    **dict.fromkeys((_T.VARCHAR, _T.NVARCHAR, _T.TEXT), ("VARCHAR", MAX_VARCHAR_BYTES, 256)),
    **dict.fromkeys((_T.CHAR, _T.NCHAR), ("CHAR", _MAX_CHAR_BYTES, 1)),
    _T.BPCHAR: ("CHAR", _MAX_CHAR_BYTES, 256),
}
"""What each becomes, the most bytes it can have, and those it has without a length."""


def postgres_type(kind: exp.DataType, column: str) -> exp.DataType:
    """PostgreSQL's type for a column's type.

    Raises RedshiftError for a type that Redshift does not have.
    """
    if kind.this in PLAIN_TYPES and not kind.expressions:
        return exp.DataType(this=PLAIN_TYPES[kind.this])
    if kind.this == _T.VARBINARY:
        return exp.DataType(this=_T.VARBINARY)
    parameters = [parameter.name.upper() for parameter in kind.expressions]
    if kind.this in _TEXTS:
        name, most, default = _TEXTS[kind.this]
        has_length = parameters and kind.this not in (_T.TEXT, _T.BPCHAR)
        written = parameters[0] if has_length else str(default)
        length = most if written == "MAX" else int(written)
        if not 1 <= length <= most:
            raise RedshiftError(
                f'length for type {name.lower()} of column "{column}" is {length}; '
                f"it must be between 1 and {most}"
            )
        return exp.DataType.build(f"{name}({length})")
    if kind.this == _T.DECIMAL:
        precision, scale = (int(number) for number in [*(parameters or ["18"]), "0"][:2])
        if not 1 <= precision <= 38 or not 0 <= scale <= min(precision, 37):
            raise RedshiftError(
                f'column "{column}": DECIMAL({precision},{scale}) is out of range: '
                "precision 1 to 38, scale 0 to 37"
            )
        return exp.DataType.build(f"NUMERIC({precision},{scale})")
    name = kind.sql(dialect=Redshift).lower()
    raise RedshiftError(f'Column "{column}" has unsupported type "{name}".')


def _translate_column(column: exp.Expr) -> bool:
    """Sets a column's type to PostgreSQL's and drops its encoding; true if it is NOT NULL."""
    if not isinstance(column, exp.ColumnDef):
        raise NotEmulatedError(f"{column.sql(dialect=Redshift)} is not emulated in a table")
    kind = column.args.get("kind")
    if not isinstance(kind, exp.DataType):
        raise RedshiftError(f'column "{column.name}" has no type')
    column.set("kind", postgres_type(kind, column.name.lower()))
    _only(column, "this", "kind", "constraints")
    kept = []
    for constraint in column.constraints:
        if isinstance(constraint.kind, exp.EncodeColumnConstraint):
            continue
        if not isinstance(constraint.kind, exp.NotNullColumnConstraint):
            raise NotEmulatedError(
                f'column "{column.name}": {constraint.sql(dialect=Redshift)} is not emulated'
            )
        kept.append(constraint)
    column.set("constraints", kept)
    return any(not constraint.kind.args.get("allow_null") for constraint in kept)


# --- CREATE, ALTER, DROP ----------------------------------------------------------------------

_STORAGE = (
    exp.DistStyleProperty,
    exp.DistKeyProperty,
    exp.SortKeyProperty,
    exp.BackupProperty,
)
"""Properties of a table that say only how Redshift stores it."""


def _create_schema(tree: exp.Expr) -> Statement:
    _only(tree, "this", "kind", "exists")
    return _as_postgres(tree)


def _create_table(tree: exp.Expr) -> Statement:
    properties = tree.args.get("properties") or exp.Properties(expressions=[])
    kept = [item for item in properties.expressions if not isinstance(item, _STORAGE)]
    tree.set("properties", exp.Properties(expressions=kept) if kept else None)
    is_temporary = [type(item) for item in kept] == [exp.TemporaryProperty]
    _only(tree, "this", "kind", "exists", *(["properties"] if is_temporary else []))
    if not isinstance(tree.this, exp.Schema):
        raise RedshiftError("syntax error at end of input: a table needs columns")
    for column in tree.this.expressions:
        _translate_column(column)
    return _as_postgres(tree)


def _create_view(tree: exp.Expr) -> Statement:
    _only(tree, "this", "kind", "expression")
    return _as_postgres(tree)


def _create_role(tree: exp.Expr) -> Statement:
    tokens = _tokens(tree)[1:]
    if len(tokens) != 1:
        raise _syntax_error(tokens[1:])
    return PostgresSql(f"CREATE ROLE {_identifier(tokens[0])}")


def _add_column(tree: exp.Expr) -> Statement:
    _only(tree, "this", "kind", "actions")
    (column,) = tree.args["actions"]
    if _translate_column(column):
        raise RedshiftError(
            "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression"
        )
    return _as_postgres(tree)


def _widen_column(tree: exp.Expr) -> Statement:
    _only(tree, "this", "kind", "actions")
    (action,) = tree.args["actions"]
    _only(action, "this", "dtype")
    column = action.name.lower()
    target = postgres_type(action.args["dtype"], column)
    if target.this != _T.VARCHAR:
        raise RedshiftError(
            f'cannot alter column "{column}" to {target.sql(dialect="postgres").lower()}: '
            "only the size of a VARCHAR column can be changed"
        )
    return WidenVarchar(_name(tree.this), column, int(target.expressions[0].name))


def _drop(tree: exp.Expr) -> Statement:
    _only(tree, "tables", "kind", "exists", "cascade", "restrict")
    return _as_postgres(tree)


def _comment(tree: exp.Expr) -> Statement:
    _only(tree, "this", "kind", "expression")
    return _as_postgres(tree)


def _grant(tree: exp.Expr) -> Statement:
    """PostgreSQL has no word ROLE there."""
    _only(tree, "privileges", "kind", "securable", "principals")
    if tree.args.get("kind") not in (None, "TABLE", "SCHEMA"):
        raise NotEmulatedError(f"GRANT ON {tree.args['kind']} is not emulated")
    for principal in tree.args["principals"]:
        if principal.args.get("kind") not in ("ROLE", None, False):
            raise NotEmulatedError(f"GRANT TO {principal.args['kind']} is not emulated")
        principal.set("kind", None)
    return _as_postgres(tree)


# --- COPY -------------------------------------------------------------------------------------


def _copy(tree: exp.Expr) -> Statement:
    _only(tree, "this", "kind", "credentials", "files", "params")
    words = [
        word.name.upper()
        for parameter in tree.args["params"]
        for word in (parameter.this, parameter.args.get("expression"))
        if word is not None
    ]
    if "PARQUET" not in words:
        raise NotEmulatedError("COPY is emulated for FORMAT AS PARQUET only")
    if not tree.args["credentials"].args.get("iam_role"):
        raise RedshiftError("COPY needs authorization: add IAM_ROLE 'arn:…' or IAM_ROLE default")
    others = [word for word in words if word not in ("FORMAT", "AS", "PARQUET", "MANIFEST")]
    if others and others[0] in _PARQUET_COPY_OPTIONS:
        raise NotEmulatedError(f"COPY with {others[0]} is not emulated")
    if others:
        raise RedshiftError(f"{others[0]} argument is not supported for PARQUET based COPY")
    if "MANIFEST" not in words:
        raise NotEmulatedError("COPY without MANIFEST is not emulated")
    if isinstance(tree.this, exp.Schema):
        raise NotEmulatedError("COPY into a list of columns is not emulated")
    bucket, key = split_s3_url(tree.args["files"][0].name)
    return CopyParquet(_name(tree.this), bucket, key)


_PARQUET_COPY_OPTIONS = ("SERIALIZETOJSON", "FILLRECORD", "STATUPDATE")
"""What Redshift takes with Parquet and the emulator does not."""


def split_s3_url(url: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`. Raises RedshiftError for anything else."""
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise RedshiftError(f"The specified path is not an S3 path: '{url}'")
    return bucket, key


# --- what sqlglot leaves as a bare command ----------------------------------------------------


def _tokens(command: exp.Expr) -> list[Token]:
    """sqlglot's tokens of a command, without its first word."""
    text = command.args.get("expression")
    return Redshift().tokenize(text.name if isinstance(text, exp.Expr) else str(text or ""))


def _syntax_error(tokens: list[Token]) -> RedshiftError:
    return RedshiftError(
        f'syntax error at or near "{tokens[0].text}"' if tokens else "syntax error at end of input"
    )


def _identifier(token: Token) -> str:
    is_word = token.text.isidentifier() and token.token_type != TokenType.STRING
    if not is_word and token.token_type != TokenType.IDENTIFIER:
        raise _syntax_error([token])
    return quote_name(token.text.lower())


def _lock(tree: exp.Expr) -> Statement:
    """LOCK [TABLE] a, b.c: until the transaction ends, against readers too."""
    tokens = _tokens(tree)
    if tokens and tokens[0].token_type == TokenType.TABLE:
        tokens = tokens[1:]
    names = ""
    for index, token in enumerate(tokens):
        if index % 2 == 0:
            names += _identifier(token)
        elif token.token_type in (TokenType.DOT, TokenType.COMMA):
            names += token.text
        else:
            raise _syntax_error([token])
    if len(tokens) % 2 == 0:
        raise _syntax_error([])
    return PostgresSql(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")


TRANSLATORS: dict[str, Callable[[exp.Expr], Statement]] = {
    "SELECT": _as_postgres,
    "INSERT": _as_postgres,
    "UPDATE": _as_postgres,
    "DELETE": _as_postgres,
    "MERGE": _merge,
    "CREATE SCHEMA": _create_schema,
    "CREATE TABLE": _create_table,
    "CREATE VIEW": _create_view,
    "CREATE ROLE": _create_role,
    "ALTER TABLE ADD COLUMN": _add_column,
    "ALTER TABLE ALTER COLUMN": _widen_column,
    "DROP TABLE": _drop,
    "DROP VIEW": _drop,
    "COMMENT ON": _comment,
    "GRANT": _grant,
    "LOCK": _lock,
    "COPY": _copy,
}
"""Each kind of statement that is emulated; the README and a test hold this list."""
