"""Parses Redshift's statements with sqlglot, and rewrites their expressions for PostgreSQL."""

from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.redshift import Redshift as SqlglotRedshift
from sqlglot.errors import ErrorLevel, ParseError, SqlglotError, UnsupportedError

from emulator.redshift_names import NotEmulatedError, RedshiftError

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like, exp.ILike)
_T = exp.DataType.Type
_TEXT_TYPES = (_T.VARCHAR, _T.TEXT, _T.CHAR)
PLAIN_TYPES = {
    **{kind: kind for kind in (_T.SMALLINT, _T.INT, _T.BIGINT, _T.FLOAT, _T.DOUBLE)},
    **{kind: kind for kind in (_T.BOOLEAN, _T.DATE, _T.TIME, _T.TIMETZ)},
    **{kind: kind for kind in (_T.TIMESTAMP, _T.TIMESTAMPTZ)},
    _T.SUPER: _T.JSONB,
}
"""Redshift's types without length or precision, and what PostgreSQL calls them."""
_CAST_TYPES = (
    *(*PLAIN_TYPES, *_TEXT_TYPES, _T.NVARCHAR, _T.NCHAR, _T.BPCHAR, _T.DECIMAL, _T.VARBINARY),
    *(_T.INTERVAL, _T.NAME),
)
"""What a query may cast to."""
_SUPER = "super"
_RENAMED = {
    "avg": "redshift_avg",
    "json_serialize": "super_to_text",
    "format_type": "redshift_format_type",
}
"""Functions that PostgreSQL has as well, and means something else by them."""
_FOREIGN_TYPES = (
    *("STRING", "STR", "CLOB", "LONGVARCHAR", "VARCHAR2", "NVARCHAR2", "BLOB", "BYTEA", "BINARY"),
    *("NUMBER", "FIXED", "BYTE", "SHORT", "LONG", "INT16", "INT32", "INT64", "DOUBLE"),
)
"""Words of other databases that sqlglot takes for types which Redshift has under another name."""


class Redshift(SqlglotRedshift):
    """Redshift as it is: without the words that sqlglot understands for other databases' sake."""

    class Tokenizer(SqlglotRedshift.Tokenizer):
        """Reads a word that is not a type of Redshift as a name."""

        KEYWORDS: ClassVar = {
            word: kind
            for word, kind in SqlglotRedshift.Tokenizer.KEYWORDS.items()
            if word not in _FOREIGN_TYPES
        }


def parse_statement(sql: str) -> exp.Expr:
    """The syntax tree of the one statement in `sql`.

    Raises RedshiftError if it does not parse, or if there are none or several.
    """
    try:
        parsed = sqlglot.parse(sql, read=Redshift)
    except ParseError as error:
        found = error.errors[0]
        near = found.get("highlight") or "end of input"
        raise RedshiftError(f'syntax error at or near "{near}": {found["description"]}') from error
    except SqlglotError as error:
        raise RedshiftError(f"syntax error: {str(error).splitlines()[0]}") from error
    trees = [tree for tree in parsed if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(trees) > 1:
        raise RedshiftError("cannot insert multiple commands into a prepared statement")
    if not trees:
        raise RedshiftError("syntax error at end of input: the statement is empty")
    return trees[0]


def to_postgres(tree: exp.Expr) -> str:
    """Applies every rewrite to a Redshift tree and prints it as PostgreSQL.

    Raises NotEmulatedError for what PostgreSQL cannot express.
    """
    for identifier in tree.find_all(exp.Identifier):
        identifier.set("this", identifier.name.lower())
    if not isinstance(tree, exp.Comment):
        _keep_column_names(tree)
        tree = _super_navigation(tree)
    for node in reversed(list(tree.walk(bfs=True))):
        replacement = _rewrite(node)
        if replacement is not node:
            if node is tree:
                tree = replacement
            else:
                node.replace(replacement)
    try:
        return tree.sql(dialect="postgres", comments=False, unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise NotEmulatedError(f"not emulated: {error}") from error


def _keep_column_names(tree: exp.Expr) -> None:
    """A column of a result is named after its function, whatever that is called here."""
    for select in tree.find_all(exp.Select):
        for column in select.expressions:
            call = column.this if isinstance(column, exp.Window) else column
            if isinstance(call, exp.Func):
                name = call.name if isinstance(call, exp.Anonymous) else call.sql_name()
                if name.lower() in _RENAMED:
                    column.replace(exp.alias_(column.copy(), name.lower()))


def check_merge(tree: exp.Expr) -> None:
    """Raises RedshiftError for a MERGE that PostgreSQL takes and Redshift rejects."""
    if tree.this.args.get("alias"):
        raise RedshiftError(f'syntax error at or near "{tree.this.alias}": no alias in MERGE INTO')
    whens = tree.args["whens"].expressions
    matched = [when for when in whens if when.args.get("matched")]
    if len(matched) != 1 or len(whens) != 2:
        raise RedshiftError("MERGE needs one WHEN MATCHED and one WHEN NOT MATCHED clause")
    if any(when.args.get("condition") for when in whens):
        raise RedshiftError('syntax error at or near "AND": a WHEN of MERGE takes no condition')
    for when in whens:
        _repair_insert(when.args["then"])


def _repair_insert(then: object) -> None:
    """sqlglot reads `INSERT VALUES (…)` without columns as a call of a function VALUES."""
    if not isinstance(then, exp.Insert) or then.expression:
        return
    (call,) = then.this.expressions
    then.set("this", None)
    then.set("expression", exp.Tuple(expressions=call.expressions))


# --- SUPER navigation -------------------------------------------------------------------------


def _super_navigation(tree: exp.Expr) -> exp.Expr:
    """`payload.a.b[0]` becomes `payload #> '{a,b,0}'`, as text or number where it is used so."""
    names: set[str] = set()
    qualified: set[tuple[str, str]] = set()
    for source in tree.find_all(exp.Table, exp.Subquery, exp.CTE):
        names.add(source.alias_or_name)
        if isinstance(source, exp.Table):
            names.add(source.name)
            qualified.add((source.db, source.name))
    names.discard("")

    def path_of(node: exp.Expr) -> tuple[exp.Column, list[str]] | None:
        if isinstance(node, exp.Column):
            return _split_column(node, names, qualified)
        if isinstance(node, exp.Bracket) and len(node.expressions) == 1:
            inner = path_of(node.this)
            index = node.expressions[0]
            if inner is None or not isinstance(index, exp.Literal):
                return None
            return inner[0], [*inner[1], index.name]
        if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
            inner = path_of(node.this)
            return None if inner is None else (inner[0], [*inner[1], node.expression.name])
        return None

    def visit(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Unnest):
            return _unnest(node, [item.transform(visit) for item in node.expressions])
        if not isinstance(node, exp.Column | exp.Bracket | exp.Dot):
            return node
        found = path_of(node)
        if found is None or not found[1]:
            return node
        column, path = found
        literal = exp.Literal.string("{" + ",".join(path) + "}")
        extract: exp.Expr = exp.JSONBExtract(this=column, expression=literal)
        extract.meta[_SUPER] = True
        return exp.Paren(this=extract)

    return tree.transform(visit)


def _split_column(
    column: exp.Column, names: set[str], qualified: set[tuple[str, str]]
) -> tuple[exp.Column, list[str]] | None:
    parts = [part.name for part in column.parts]
    if len(parts) == 1 or isinstance(column.this, exp.Star):
        return column, []
    if len(parts) >= 3 and (parts[0], parts[1]) in qualified:
        used = 3
    elif parts[0] in names:
        used = 2
    else:
        used = 1
    if len(parts) == used:
        return column, []
    fields = [exp.to_identifier(part, quoted=True) for part in parts[:used]]
    base = exp.Column(**dict(zip(("this", "table", "db"), reversed(fields), strict=False)))
    return base, parts[used:]


def _unnest(node: exp.Unnest, arrays: list[exp.Expr]) -> exp.Expr:
    """`FROM t, t.items AS item` iterates over a SUPER array."""
    call = exp.Anonymous(this="jsonb_array_elements", expressions=arrays)
    return exp.Table(this=call, alias=node.args.get("alias"))


def _super_extract(node: exp.Expr | None) -> exp.JSONBExtract | None:
    inner = node.this if isinstance(node, exp.Paren) else node
    return inner if isinstance(inner, exp.JSONBExtract) and inner.meta.get(_SUPER) else None


def _as_text(extract: exp.JSONBExtract) -> exp.Expr:
    return exp.Paren(
        this=exp.JSONBExtractScalar(this=extract.this.copy(), expression=extract.expression.copy())
    )


# --- single nodes -----------------------------------------------------------------------------


def _rewrite(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.DataType):
        return _data_type(node)
    if isinstance(node, exp.Cast):
        return _cast(node)
    if isinstance(node, _COMPARISONS):
        return _compare(node)
    if isinstance(node, exp.DateDiff | exp.TsOrDsDiff):
        return _call("datediff", _unit(node), _timestamp(node.expression), _timestamp(node.this))
    if isinstance(node, exp.DateAdd | exp.TsOrDsAdd):
        return _call("dateadd", _unit(node), node.expression, _timestamp(node.this))
    if isinstance(node, exp.CurrentTimestamp):
        return _call("sysdate" if node.args.get("sysdate") else "getdate")
    if isinstance(node, exp.ParseJSON):
        return _call("json_parse", node.this)
    if isinstance(node, exp.ApproxDistinct):
        return exp.Count(this=exp.Distinct(expressions=[node.this]))
    if isinstance(node, exp.WithinGroup) and isinstance(node.this, exp.GroupConcat):
        return _listagg(node.this, node.expression.expressions)
    if isinstance(node, exp.GroupConcat) and not isinstance(node.parent, exp.WithinGroup):
        return _listagg(node, [])
    if isinstance(node, exp.RegexpExtract):
        return _call("regexp_substr", node.this, node.expression)
    if isinstance(node, exp.RegexpReplace):
        return _regexp_replace(node)
    if isinstance(node, exp.Concat):
        return _concatenation(node.expressions)
    if isinstance(node, exp.Avg):
        return _call(_RENAMED["avg"], node.this)
    if isinstance(node, exp.SHA2):
        return _call("sha2", node.this, node.args.get("length") or exp.Literal.number(256))
    if isinstance(node, exp.Anonymous) and node.name.lower() in _RENAMED:
        return _call(_RENAMED[node.name.lower()], *node.expressions)
    if isinstance(node, exp.TsOrDsToDate):
        return exp.Cast(this=node.this, to=exp.DataType.build("date"))
    return node


def _concatenation(parts: list[exp.Expr]) -> exp.Expr:
    """PostgreSQL's CONCAT leaves NULL out; Redshift's is `||`, which is NULL then."""
    joined = parts[0].copy()
    for part in parts[1:]:
        joined = exp.DPipe(this=joined, expression=part.copy())
    return exp.Paren(this=joined)


def _regexp_replace(node: exp.RegexpReplace) -> exp.Expr:
    """Redshift replaces every occurrence, PostgreSQL only the first by default."""
    if any(node.args.get(name) for name in ("position", "occurrence", "modifiers")):
        raise NotEmulatedError("REGEXP_REPLACE with a position or parameters is not emulated")
    replacement = node.args.get("replacement") or exp.Literal.string("")
    return _call("regexp_replace", node.this, node.expression, replacement, exp.Literal.string("g"))


def _call(name: str, *arguments: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def _unit(node: exp.Expr) -> exp.Expr:
    unit = node.args.get("unit")
    return exp.Literal.string(unit.name.lower() if unit is not None else "day")


def _timestamp(node: exp.Expr) -> exp.Expr:
    return exp.Cast(this=node.copy(), to=exp.DataType.build("timestamp"))


def _listagg(node: exp.GroupConcat, order: list[exp.Expr]) -> exp.Expr:
    value = node.this
    separator = node.args.get("separator") or exp.Literal.string("")
    text = exp.DataType.build("text")
    if isinstance(value, exp.Distinct):
        first = value.expressions[0]
        if len(value.expressions) > 1:  # sqlglot reads the separator as a second distinct value
            separator = value.expressions[1]
        cast: exp.Expr = exp.Distinct(expressions=[exp.Cast(this=first.copy(), to=text)])
        order = [exp.Ordered(this=exp.Cast(this=first.copy(), to=text.copy()))] if order else []
    else:
        cast = exp.Cast(this=value.copy(), to=text)
    if order:
        keys = [key.copy() for key in order]
        return exp.Anonymous(
            this="STRING_AGG",
            expressions=[cast, exp.Order(this=separator.copy(), expressions=keys)],
        )
    return exp.Anonymous(this="STRING_AGG", expressions=[cast, separator.copy()])


def _data_type(node: exp.DataType) -> exp.Expr:
    if isinstance(node.parent, exp.ColumnDef) or isinstance(node, exp.ObjectIdentifier):
        return node  # A column's type has been translated; REGCLASS is what it is.
    if node.this not in _CAST_TYPES:
        raise RedshiftError(f'type "{node.sql(dialect=Redshift).lower()}" does not exist')
    if node.this == _T.SUPER:
        return exp.DataType.build("jsonb")
    if node.this == _T.DECIMAL and not node.expressions:
        return exp.DataType.build("numeric(18,0)")
    sized = node.this in _TEXT_TYPES and node.expressions
    if sized and node.expressions[0].name.upper() == "MAX":
        return exp.DataType.build("varchar(65535)")
    return node


def _cast(node: exp.Cast) -> exp.Expr:
    """A scalar out of a SUPER value loses its JSON quotes."""
    extract = _super_extract(node.this)
    if extract is None or node.to.this == _T.JSONB:
        return node
    return exp.Cast(this=_as_text(extract), to=node.to.copy())


def _compare(node: exp.Expr) -> exp.Expr:
    """`payload.a = 'x'` compares the scalar, not its JSON text."""
    for side, other in (("this", "expression"), ("expression", "this")):
        extract = _super_extract(node.args.get(side))
        literal = node.args.get(other)
        if extract is None or not isinstance(literal, exp.Literal):
            continue
        text = _as_text(extract)
        if not literal.is_string:
            text = exp.Cast(this=text, to=exp.DataType.build("numeric"))
        changed = node.copy()
        changed.set(side, text)
        return changed
    return node
