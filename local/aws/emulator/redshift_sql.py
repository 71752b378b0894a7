"""Translates one Redshift statement to what the emulated warehouse executes on PostgreSQL.

Pure: no connection is needed. Queries go through sqlglot (`redshift_queries`); definitions,
grants, COPY and the rest are read token by token here. What Redshift refuses is refused.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from emulator.redshift_queries import (
    parse_query,
    rewrite_query,
    tree_to_postgres,
    unqualified_relations,
)
from emulator.redshift_tokens import (
    Cursor,
    NotEmulatedError,
    RedshiftError,
    Token,
    dotted,
    fold,
    quote_literal,
    quote_name,
    render,
    split_commas,
    split_statements,
    tokenize,
)

MAX_VARCHAR_BYTES = 65535


@dataclass(frozen=True)
class PostgresSql:
    """Text that PostgreSQL runs as it is."""

    text: str
    changes: tuple[tuple[str, ...], ...] = ()
    """The relations that change: late-binding views over them are dropped and made again."""
    makes_relation: bool = False
    """A relation gets a name: late-binding views that waited for it may be bound."""
    drops_views: bool = False
    commits: bool = False
    """Redshift's TRUNCATE commits the transaction it runs in."""


@dataclass(frozen=True)
class WidenVarchar:
    """ALTER TABLE … ALTER COLUMN … TYPE VARCHAR(n): allowed only if the column grows."""

    table: tuple[str, ...]
    column: str
    length_bytes: int


@dataclass(frozen=True)
class LateBindingView:
    """CREATE VIEW … WITH NO SCHEMA BINDING; `query` is PostgreSQL text."""

    name: tuple[str, ...]
    columns: tuple[str, ...]
    query: str
    or_replace: bool


@dataclass(frozen=True)
class CopyParquet:
    """COPY … FROM 's3://bucket/key' FORMAT AS PARQUET."""

    table: tuple[str, ...]
    columns: tuple[str, ...] | None
    bucket: str
    key: str
    manifest: bool
    serialize_to_json: bool
    fill_record: bool


Statement = PostgresSql | WidenVarchar | LateBindingView | CopyParquet


def translate(sql: str, *, in_transaction: bool = False) -> list[Statement]:
    """What to execute for one Redshift statement; an empty list if nothing corresponds to it.

    `in_transaction` is true for a statement of a batch. Raises RedshiftError with Redshift's
    message where Redshift refuses, NotEmulatedError where only the emulator does.
    """
    statements = split_statements(sql)
    if len(statements) > 1:
        raise RedshiftError("cannot insert multiple commands into a prepared statement")
    if not statements:
        raise RedshiftError("syntax error at end of input: the statement is empty")
    text = statements[0]
    cursor = Cursor(tokenize(text))
    for words, translator in _TRANSLATORS:
        if cursor.peek(*words):
            return translator(cursor, text, in_transaction)
    raise NotEmulatedError(f"the emulator does not understand the statement: {text[:200]}")


def bind_parameters(sql: str, parameters: dict[str, str]) -> str:
    """Puts the Data API's named parameters (`:name`) into the text, as literals.

    Raises KeyError with the name of a parameter that `sql` uses and the request lacks, or the
    other way round.
    """
    used: set[str] = set()
    pieces: list[str] = []
    end = 0
    tokens = tokenize(sql)
    for colon, word in itertools.pairwise(tokens):
        if colon.text != ":" or word.kind != "word" or colon.end != word.start:
            continue
        if word.text not in parameters:
            raise KeyError(word.text)
        used.add(word.text)
        escaped = parameters[word.text].replace("\\", "\\\\").replace("'", "''")
        pieces += [sql[end : colon.start], f"'{escaped}'"]
        end = word.end
    unused = sorted(parameters.keys() - used)
    if unused:
        raise KeyError(unused[0])
    return "".join([*pieces, sql[end:]])


# --- queries ----------------------------------------------------------------------------------


def _query(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    return [PostgresSql(rewrite_query(text))]


def _explain(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.expect("EXPLAIN")
    cursor.accept("VERBOSE")
    return [PostgresSql("EXPLAIN " + rewrite_query(text[cursor.tokens[cursor.index].start :]))]


# --- types ------------------------------------------------------------------------------------

_PLAIN_TYPES = {
    "SMALLINT": "SMALLINT",
    "INT2": "SMALLINT",
    "INTEGER": "INTEGER",
    "INT": "INTEGER",
    "INT4": "INTEGER",
    "BIGINT": "BIGINT",
    "INT8": "BIGINT",
    "REAL": "REAL",
    "FLOAT4": "REAL",
    "FLOAT": "DOUBLE PRECISION",
    "FLOAT8": "DOUBLE PRECISION",
    "BOOLEAN": "BOOLEAN",
    "BOOL": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMPTZ": "TIMESTAMPTZ",
    "TIMETZ": "TIMETZ",
    "SUPER": "JSONB",
}
_TEXT_LENGTH = 256
"""Redshift's length for VARCHAR and TEXT without one."""


def postgres_type(cursor: Cursor, column: str) -> str:
    """Reads a column's Redshift type and returns PostgreSQL's.

    Raises RedshiftError for a type that Redshift does not have.
    """
    word = cursor.take()
    upper = word.upper
    if upper == "DOUBLE":
        cursor.expect("PRECISION")
        return "DOUBLE PRECISION"
    if upper in _PLAIN_TYPES:
        return _PLAIN_TYPES[upper]
    if upper in ("DECIMAL", "NUMERIC"):
        return _decimal(cursor, column)
    if upper in ("TIMESTAMP", "TIME"):
        zoned = _time_zone(cursor)
        return upper + ("TZ" if zoned else "")
    if upper in ("CHARACTER", "CHAR", "NCHAR", "BPCHAR", "VARCHAR", "NVARCHAR", "TEXT"):
        varying = cursor.accept("VARYING") or upper in ("VARCHAR", "NVARCHAR", "TEXT")
        length = _length(cursor, column, _TEXT_LENGTH if varying else 1)
        if upper == "TEXT":
            length = _TEXT_LENGTH
        return f"VARCHAR({length})" if varying else f"CHAR({length})"
    if upper in ("VARBYTE", "VARBINARY", "BINARY"):
        if cursor.peek("("):
            cursor.parenthesised()
        return "BYTEA"
    raise RedshiftError(f'Column "{column}" has unsupported type "{fold(word)}".')


def _length(cursor: Cursor, column: str, default: int) -> int:
    if not cursor.peek("("):
        return default
    written = render(cursor.parenthesised()).upper()
    if not written.isdigit() and written != "MAX":
        raise RedshiftError(f'syntax error at or near "{written}"')
    length = MAX_VARCHAR_BYTES if written == "MAX" else int(written)
    if not 1 <= length <= MAX_VARCHAR_BYTES:
        raise RedshiftError(
            f'length for type varchar of column "{column}" is {length}; '
            f"it must be between 1 and {MAX_VARCHAR_BYTES}"
        )
    return length


def _decimal(cursor: Cursor, column: str) -> str:
    if not cursor.peek("("):
        return "NUMERIC(18,0)"
    numbers = [int(part[0].text) for part in split_commas(cursor.parenthesised())]
    precision, scale = numbers[0], numbers[1] if len(numbers) > 1 else 0
    if not 1 <= precision <= 38 or not 0 <= scale <= min(precision, 37):
        raise RedshiftError(
            f'column "{column}": DECIMAL({precision},{scale}) is out of range: '
            "precision 1 to 38, scale 0 to 37"
        )
    return f"NUMERIC({precision},{scale})"


def _time_zone(cursor: Cursor) -> bool:
    if cursor.accept("WITH"):
        cursor.expect("TIME", "ZONE")
        return True
    if cursor.accept("WITHOUT"):
        cursor.expect("TIME", "ZONE")
    return False


# --- CREATE TABLE -----------------------------------------------------------------------------

_CONSTRAINTS = ("PRIMARY", "UNIQUE", "FOREIGN")


def _create_table(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.expect("CREATE")
    cursor.accept("LOCAL")
    temporary = cursor.accept("TEMP") or cursor.accept("TEMPORARY")
    cursor.expect("TABLE")
    guard = "IF NOT EXISTS " if cursor.accept("IF", "NOT", "EXISTS") else ""
    name = cursor.qualified()
    if name[-1].startswith("#"):
        temporary, name = True, (name[-1][1:],)
    head = f"CREATE {'TEMP ' if temporary else ''}TABLE {guard}{dotted(name)}"
    body: str | None = None
    required: list[str] = []
    if cursor.peek("("):
        elements = split_commas(cursor.parenthesised())
        definitions = [_element(Cursor(element), required) for element in elements]
        body = ", ".join(definition for definition in definitions if definition)
    _skip_physical_design(cursor)
    if cursor.accept("AS"):
        start = cursor.tokens[cursor.index].start if not cursor.done else len(text)
        query = rewrite_query(_without_outer_parentheses(text[start:]))
        columns = f" ({body})" if body else ""
        return [PostgresSql(f"{head}{columns} AS {query}", makes_relation=not temporary)]
    if body is None or not cursor.done:
        cursor.fail()
    statements: list[Statement] = [PostgresSql(f"{head} ({body})", makes_relation=not temporary)]
    statements += [
        PostgresSql(f"ALTER TABLE {dotted(name)} ALTER COLUMN {quote_name(column)} SET NOT NULL")
        for column in required
    ]
    return statements


def _without_outer_parentheses(query: str) -> str:
    cursor = Cursor(tokenize(query))
    if not cursor.peek("("):
        return query
    inside = cursor.parenthesised()
    if not cursor.done or not inside:
        return query
    return query[inside[0].start : inside[-1].end]


def _element(cursor: Cursor, required: list[str]) -> str:
    """One element of a table's column list.

    Keys are left out: Redshift does not enforce them, so neither may the emulator. Only the NOT
    NULL that a primary key implies stays: its columns are added to `required`.
    """
    if cursor.peek("LIKE"):
        cursor.expect("LIKE")
        source = dotted(cursor.qualified())
        options = render(cursor.rest())
        return f"LIKE {source} {options}".strip()
    if cursor.accept("CONSTRAINT"):
        cursor.identifier()
    if cursor.tokens[cursor.index].upper in _CONSTRAINTS:
        if cursor.accept("PRIMARY", "KEY"):
            required += [fold(part[0]) for part in split_commas(cursor.parenthesised())]
        return ""
    column = cursor.identifier()
    if cursor.done:
        return quote_name(column)
    return _column(cursor, column)


def _column(cursor: Cursor, column: str) -> str:
    pieces = [quote_name(column), postgres_type(cursor, column)]
    while not cursor.done:
        pieces += _column_attribute(cursor, column)
    return " ".join(pieces)


def _column_attribute(cursor: Cursor, column: str) -> list[str]:
    if _skip_physical_attribute(cursor):
        return []
    if cursor.accept("NOT", "NULL") or cursor.accept("PRIMARY", "KEY"):
        return ["NOT NULL"]
    if cursor.accept("NULL") or cursor.accept("UNIQUE"):
        return []
    if cursor.accept("REFERENCES"):
        cursor.qualified()
        if cursor.peek("("):
            cursor.parenthesised()
        return []
    if cursor.accept("COLLATE"):
        if not cursor.accept_any("CASE_SENSITIVE", "CS"):
            raise NotEmulatedError(f'column "{column}": COLLATE CASE_INSENSITIVE is not emulated')
        return []
    if cursor.accept("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"):
        return [_identity(cursor, "BY DEFAULT")]
    if cursor.accept("IDENTITY"):
        return [_identity(cursor, "ALWAYS")]
    if cursor.accept("DEFAULT"):
        return ["DEFAULT", _default(cursor)]
    cursor.fail()


def _identity(cursor: Cursor, generated: str) -> str:
    seed, step = (render(part) for part in split_commas(cursor.parenthesised()))
    return f"GENERATED {generated} AS IDENTITY (START WITH {seed} INCREMENT BY {step} MINVALUE 0)"


_AFTER_DEFAULT = ("ENCODE", "DISTKEY", "SORTKEY", "NOT", "NULL", "UNIQUE", "PRIMARY", "REFERENCES")


def _default(cursor: Cursor) -> str:
    """A default's expression: everything up to the next attribute outside parentheses."""
    tokens = [cursor.take()]
    depth = 1 if tokens[0].text == "(" else 0
    while not cursor.done:
        following = cursor.tokens[cursor.index]
        if depth == 0 and following.upper in _AFTER_DEFAULT:
            break
        depth += {"(": 1, ")": -1}.get(following.text, 0)
        tokens.append(cursor.take())
    expression = _sql_of(tokens)
    return "(" + tree_to_postgres(parse_query(f"SELECT {expression}")).removeprefix("SELECT ") + ")"


def _sql_of(tokens: list[Token]) -> str:
    return " ".join(token.text for token in tokens)


def _skip_physical_attribute(cursor: Cursor) -> bool:
    """Reads what only tells Redshift how to store a column or table."""
    if cursor.accept("ENCODE") or cursor.accept("DISTSTYLE"):
        cursor.take()
        return True
    if cursor.accept("BACKUP"):
        if not cursor.accept_any("YES", "NO"):
            cursor.fail()
        return True
    if cursor.accept("DISTKEY"):
        if cursor.peek("("):
            cursor.parenthesised()
        return True
    if cursor.peek("COMPOUND", "SORTKEY") or cursor.peek("INTERLEAVED", "SORTKEY"):
        cursor.take()
    if cursor.accept("SORTKEY"):
        if cursor.peek("("):
            cursor.parenthesised()
        else:
            cursor.accept("AUTO")
        return True
    if cursor.accept("AUTO", "REFRESH"):
        cursor.take()
        return True
    return False


def _skip_physical_design(cursor: Cursor) -> None:
    while _skip_physical_attribute(cursor):
        pass


# --- views ------------------------------------------------------------------------------------


def _create_view(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.expect("CREATE")
    or_replace = cursor.accept("OR", "REPLACE")
    materialized = cursor.accept("MATERIALIZED")
    cursor.expect("VIEW")
    name = cursor.qualified()
    columns: tuple[str, ...] = ()
    if cursor.peek("("):
        columns = tuple(fold(part[0]) for part in split_commas(cursor.parenthesised()))
    _skip_physical_design(cursor)
    cursor.expect("AS")
    tokens = cursor.rest()
    late = [token.upper for token in tokens[-4:]] == ["WITH", "NO", "SCHEMA", "BINDING"]
    if late:
        tokens = tokens[:-4]
    if not tokens:
        cursor.fail()
    tree = parse_query(_without_outer_parentheses(text[tokens[0].start : tokens[-1].end]))
    if late:
        unqualified = unqualified_relations(tree)
        if unqualified:
            raise RedshiftError(
                "All the relation names inside should be qualified when creating VIEW WITH NO "
                f'SCHEMA BINDING: "{unqualified[0]}" is not.'
            )
        return [LateBindingView(name, columns, tree_to_postgres(tree), or_replace)]
    kind = "MATERIALIZED VIEW" if materialized else "VIEW"
    head = f"CREATE {'OR REPLACE ' if or_replace else ''}{kind} {dotted(name)}"
    listed = " (" + ", ".join(map(quote_name, columns)) + ")" if columns else ""
    return [PostgresSql(f"{head}{listed} AS {tree_to_postgres(tree)}", makes_relation=True)]


# --- ALTER TABLE ------------------------------------------------------------------------------

_NO_TRANSACTION = "cannot run inside a transaction block"


def _alter_table(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.expect("ALTER", "TABLE")
    table = cursor.qualified()
    if cursor.accept("ADD"):
        return _add_column(cursor, table)
    if cursor.accept("DROP"):
        return _drop_column(cursor, table)
    if cursor.accept("RENAME", "TO"):
        return _altered(cursor, table, f"RENAME TO {quote_name(cursor.identifier())}")
    if cursor.accept("RENAME", "COLUMN"):
        old = quote_name(cursor.identifier())
        cursor.expect("TO")
        new = quote_name(cursor.identifier())
        return _altered(cursor, table, f"RENAME COLUMN {old} TO {new}")
    if cursor.accept("OWNER", "TO"):
        return _altered(cursor, table, f"OWNER TO {quote_name(cursor.identifier())}")
    if cursor.accept("APPEND"):
        if in_transaction:
            raise RedshiftError(f"ALTER TABLE APPEND {_NO_TRANSACTION}")
        raise NotEmulatedError("ALTER TABLE APPEND is not emulated")
    if cursor.accept("ALTER"):
        if cursor.accept_any("DISTSTYLE", "DISTKEY", "SORTKEY", "COMPOUND", "ENCODE"):
            return []
        cursor.accept("COLUMN")
        return _alter_column(cursor, table, in_transaction)
    cursor.fail()


def _altered(cursor: Cursor, table: tuple[str, ...], action: str) -> list[Statement]:
    if not cursor.done:
        cursor.fail()
    text = f"ALTER TABLE {dotted(table)} {action}"
    return [PostgresSql(text, changes=(table,), makes_relation=action.startswith("RENAME TO"))]


def _add_column(cursor: Cursor, table: tuple[str, ...]) -> list[Statement]:
    if cursor.accept_any("CONSTRAINT", *_CONSTRAINTS):
        return []  # Informational in Redshift: not enforced.
    cursor.accept("COLUMN")
    column = cursor.identifier()
    if cursor.done or (column == "if" and cursor.peek("NOT", "EXISTS")):
        cursor.fail()
    definition = _column(_one_action(cursor), column)
    if "NOT NULL" in definition and "DEFAULT" not in definition:
        raise RedshiftError(
            "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression"
        )
    return _altered(cursor, table, f"ADD COLUMN {definition}")


def _one_action(cursor: Cursor) -> Cursor:
    """Redshift takes one action a statement, PostgreSQL a list."""
    tokens = cursor.rest()
    if len(split_commas(tokens)) != 1:
        raise RedshiftError('syntax error at or near ",": ALTER TABLE takes one column at a time')
    return Cursor(tokens)


def _drop_column(cursor: Cursor, table: tuple[str, ...]) -> list[Statement]:
    if cursor.accept("CONSTRAINT"):
        return []
    cursor.accept("COLUMN")
    column = quote_name(cursor.identifier())
    mode = cursor.accept_any("RESTRICT", "CASCADE") or ""
    return _altered(cursor, table, f"DROP COLUMN {column} {mode}".strip())


def _alter_column(cursor: Cursor, table: tuple[str, ...], in_transaction: bool) -> list[Statement]:
    column = cursor.identifier()
    if cursor.accept("ENCODE"):
        return []
    cursor.expect("TYPE")
    if in_transaction:
        raise RedshiftError(f"ALTER TABLE ALTER COLUMN {_NO_TRANSACTION}")
    target = postgres_type(cursor, column)
    if not cursor.done:
        cursor.fail()
    if not target.startswith("VARCHAR("):
        raise RedshiftError(
            f'cannot alter column "{column}" to {target.lower()}: '
            "only the size of a VARCHAR column can be changed"
        )
    return [WidenVarchar(table, column, int(target[len("VARCHAR(") : -1]))]


# --- schemas, roles, grants -------------------------------------------------------------------


def _create_schema(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.expect("CREATE", "SCHEMA")
    guard = "IF NOT EXISTS " if cursor.accept("IF", "NOT", "EXISTS") else ""
    result = f"CREATE SCHEMA {guard}{quote_name(cursor.identifier())}"
    if cursor.accept("AUTHORIZATION"):
        result += f" AUTHORIZATION {quote_name(cursor.identifier())}"
    if cursor.accept("QUOTA"):
        cursor.rest()
    if not cursor.done:
        cursor.fail()
    return [PostgresSql(result)]


def _create_role(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.expect("CREATE")
    kind = cursor.accept_any("ROLE", "GROUP", "USER")
    name = quote_name(cursor.identifier())
    if kind != "USER":
        return [PostgresSql(f"CREATE ROLE {name}")]
    return [PostgresSql(f"CREATE ROLE {name} LOGIN {_password(cursor)}".strip())]


def _password(cursor: Cursor) -> str:
    """A user's PASSWORD clause; the other options steer only Redshift."""
    cursor.accept("WITH")
    if not cursor.accept("PASSWORD"):
        return ""
    return "PASSWORD NULL" if cursor.accept("DISABLE") else f"PASSWORD {render([cursor.take()])}"


def _alter_user(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.expect("ALTER", "USER")
    name = quote_name(cursor.identifier())
    password = _password(cursor)
    if password:
        return [PostgresSql(f"ALTER ROLE {name} {password}")]
    if cursor.accept("SET"):
        setting = cursor.identifier()
        if setting in _SETTINGS:
            return [PostgresSql(f"ALTER ROLE {name} SET {setting} {render(cursor.rest())}")]
    return []


def _drop_role(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.expect("DROP")
    cursor.accept_any("ROLE", "GROUP", "USER")
    guard = "IF EXISTS " if cursor.accept("IF", "EXISTS") else ""
    name = quote_name(cursor.identifier())
    cursor.accept_any("FORCE", "RESTRICT")
    return [PostgresSql(f"DROP ROLE {guard}{name}")]


def _grant(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    """GRANT, REVOKE and ALTER DEFAULT PRIVILEGES: PostgreSQL has no words ROLE and GROUP there."""
    words = [token.upper for token in cursor.tokens]
    if "DATABASE" in words or "LANGUAGE" in words or "ASSUMEROLE" in words:
        return []  # The emulated warehouse has one database, whatever its name in AWS.
    result: list[Token] = []
    skip_for = False
    for index, token in enumerate(cursor.tokens):
        before = words[index - 1] if index else ""
        follows = words[index + 1] if index + 1 < len(words) else ""
        if token.upper in ("ROLE", "GROUP") and before in ("TO", "FROM", ",", "GRANT", "REVOKE"):
            continue
        if token.upper == "FOR" and follows == "TABLES":
            skip_for = True
            result += tokenize("ON ALL")
            continue
        result.append(token)
    statements: list[Statement] = [PostgresSql(render(result))]
    if skip_for and words[0] == "GRANT":
        statements.append(PostgresSql(_default_privileges(result)))
    return statements


def _default_privileges(grant: list[Token]) -> str:
    """GRANT … FOR TABLES IN SCHEMA s TO r also holds for tables to come."""
    words = [token.upper for token in grant]
    on, schema, to = words.index("ON"), words.index("SCHEMA"), words.index("TO")
    privileges = render(grant[1:on])
    target = render(grant[schema + 1 : to])
    return f"ALTER DEFAULT PRIVILEGES IN SCHEMA {target} GRANT {privileges} ON TABLES " + render(
        grant[to:]
    )


# --- COPY -------------------------------------------------------------------------------------


def _copy(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.expect("COPY")
    table = cursor.qualified()
    columns: tuple[str, ...] | None = None
    if cursor.peek("("):
        columns = tuple(fold(part[0]) for part in split_commas(cursor.parenthesised()))
    cursor.expect("FROM")
    url = cursor.string()
    options = _copy_options(cursor)
    if "PARQUET" not in options:
        raise NotEmulatedError("COPY is emulated for FORMAT AS PARQUET only")
    if "IAM_ROLE" not in options:
        raise RedshiftError("COPY needs authorization: add IAM_ROLE 'arn:…' or IAM_ROLE default")
    unsupported = sorted(options - _PARQUET_COPY_OPTIONS)
    if unsupported:
        raise RedshiftError(f"{unsupported[0]} argument is not supported for PARQUET based COPY")
    bucket, key = split_s3_url(url)
    return [
        CopyParquet(
            table,
            columns,
            bucket,
            key,
            manifest="MANIFEST" in options,
            serialize_to_json="SERIALIZETOJSON" in options,
            fill_record="FILLRECORD" in options,
        )
    ]


_PARQUET_COPY_OPTIONS = {
    "PARQUET",
    "IAM_ROLE",
    "MANIFEST",
    "SERIALIZETOJSON",
    "FILLRECORD",
    "STATUPDATE",
}


def _copy_options(cursor: Cursor) -> set[str]:
    options: set[str] = set()
    while not cursor.done:
        if cursor.accept("IAM_ROLE"):
            options.add("IAM_ROLE")
            cursor.take()
        elif cursor.accept("FORMAT"):
            cursor.accept("AS")
            options.add(cursor.take().upper)
        elif cursor.accept("STATUPDATE"):
            options.add("STATUPDATE")
            cursor.accept_any("ON", "OFF", "TRUE", "FALSE")
        else:
            token = cursor.take()
            if token.kind != "word":
                if not options:
                    cursor.index -= 1
                    cursor.fail()
                continue  # the value of an option that is refused below
            is_value = token.upper in ("AS", "ON", "OFF", "TRUE", "FALSE")
            if not is_value and not token.text[0].isdigit():
                options.add(token.upper)
    return options


def split_s3_url(url: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`. Raises RedshiftError for anything else."""
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise RedshiftError(f"The specified path is not an S3 path: {quote_literal(url)}")
    return bucket, key


# --- the rest ---------------------------------------------------------------------------------

_SETTINGS = ("search_path", "statement_timeout", "timezone")


def _drop(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    rendered = render(cursor.tokens)
    cursor.expect("DROP")
    cursor.accept("MATERIALIZED")
    kind = cursor.accept_any("TABLE", "VIEW", "SCHEMA")
    cursor.accept("IF", "EXISTS")
    if kind == "SCHEMA":
        return [PostgresSql(rendered)]
    names = tuple(Cursor(part).qualified() for part in split_commas(cursor.rest()))
    return [PostgresSql(rendered, changes=names, drops_views=kind == "VIEW")]


def _truncate(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.expect("TRUNCATE")
    cursor.accept("TABLE")
    name = dotted(cursor.qualified())
    if not cursor.done:
        cursor.fail()
    return [PostgresSql(f"TRUNCATE TABLE {name}", commits=True)]


def _lock(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.expect("LOCK")
    cursor.accept("TABLE")
    names = [dotted(Cursor(part).qualified()) for part in split_commas(cursor.rest())]
    if not names:
        cursor.fail()
    return [PostgresSql(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE")]


def _analyze(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.expect("ANALYZE")
    if cursor.accept("COMPRESSION"):
        raise NotEmulatedError("ANALYZE COMPRESSION is not emulated")
    if cursor.done:
        return [PostgresSql("ANALYZE")]
    return [PostgresSql(f"ANALYZE {dotted(cursor.qualified())}")]


def _vacuum(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    if in_transaction:
        raise RedshiftError(f"VACUUM {_NO_TRANSACTION}")
    return []


def _set(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    cursor.accept_any("SET", "RESET")
    cursor.accept_any("LOCAL", "SESSION")
    if cursor.identifier() not in _SETTINGS:
        return []
    return [PostgresSql(render(cursor.tokens))]


def _as_it_is(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    return [PostgresSql(render(cursor.tokens))]


def _transaction(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    raise NotEmulatedError(
        f"{cursor.tokens[0].upper} is not emulated: a batch is one transaction by itself"
    )


def _not_emulated(cursor: Cursor, text: str, in_transaction: bool) -> list[Statement]:
    words = " ".join(token.upper for token in cursor.tokens[:2])
    raise NotEmulatedError(f"{words} is not emulated")


Translator = Callable[[Cursor, str, bool], list[Statement]]

_TRANSLATORS: list[tuple[tuple[str, ...], Translator]] = [
    *(((word,), _query) for word in ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE")),
    (("(",), _query),
    (("EXPLAIN",), _explain),
    *((("CREATE", *words, "TABLE"), _create_table) for words in ((), ("TEMP",), ("TEMPORARY",))),
    (("CREATE", "LOCAL", "TEMP", "TABLE"), _create_table),
    (("CREATE", "LOCAL", "TEMPORARY", "TABLE"), _create_table),
    (("CREATE", "VIEW"), _create_view),
    (("CREATE", "OR", "REPLACE", "VIEW"), _create_view),
    (("CREATE", "MATERIALIZED", "VIEW"), _create_view),
    (("CREATE", "SCHEMA"), _create_schema),
    (("CREATE", "ROLE"), _create_role),
    (("CREATE", "GROUP"), _create_role),
    (("CREATE", "USER"), _create_role),
    (("ALTER", "TABLE"), _alter_table),
    (("ALTER", "USER"), _alter_user),
    (("ALTER", "DEFAULT", "PRIVILEGES"), _grant),
    (("DROP", "ROLE"), _drop_role),
    (("DROP", "GROUP"), _drop_role),
    (("DROP", "USER"), _drop_role),
    (("DROP", "TABLE"), _drop),
    (("DROP", "VIEW"), _drop),
    (("DROP", "SCHEMA"), _drop),
    (("DROP", "MATERIALIZED", "VIEW"), _drop),
    (("REFRESH", "MATERIALIZED", "VIEW"), _as_it_is),
    (("GRANT",), _grant),
    (("REVOKE",), _grant),
    (("COPY",), _copy),
    (("COMMENT", "ON"), _as_it_is),
    (("TRUNCATE",), _truncate),
    (("LOCK",), _lock),
    (("ANALYZE",), _analyze),
    (("VACUUM",), _vacuum),
    (("SET",), _set),
    (("RESET",), _set),
    (("SHOW",), _as_it_is),
    *(((word,), _transaction) for word in ("BEGIN", "START", "COMMIT", "ROLLBACK", "END", "ABORT")),
    (("UNLOAD",), _not_emulated),
    (("CREATE",), _not_emulated),
    (("ALTER",), _not_emulated),
    (("DROP",), _not_emulated),
    (("CALL",), _not_emulated),
]
