"""Late-binding views on PostgreSQL, which itself binds every view to its tables.

A registered view is dropped before a table below it changes and made again afterwards, in the same
transaction. A view whose tables are missing stays registered and is made when they appear.
"""

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import cursor as PgCursor

from emulator.redshift_sql import LateBindingView
from emulator.redshift_tokens import RedshiftError, dotted, quote_name

_UNBOUND_ERRORS = (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName)

_DEPENDENTS = """
WITH RECURSIVE found(oid, depth) AS (
  SELECT to_regclass(%s)::oid, 0
  UNION
  SELECT r.ev_class, found.depth + 1
    FROM found
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = found.oid
                    AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> found.oid
)
SELECT n.nspname, c.relname
  FROM found
  JOIN pg_class c ON c.oid = found.oid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN redshift_emulation.late_binding_views v
    ON v.schema_name = n.nspname AND v.view_name = c.relname
 GROUP BY n.nspname, c.relname
 ORDER BY max(found.depth) DESC
"""

_GRANTS = """
SELECT 'GRANT ' || a.privilege_type || ' ON ' || c.oid::regclass || ' TO '
       || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
  FROM pg_class c, aclexplode(c.relacl) a
 WHERE c.oid = to_regclass(%s) AND a.grantee <> c.relowner
"""


def unbind(cursor: PgCursor, relation: tuple[str, ...]) -> None:
    """Drops the late-binding views that stand on `relation` (itself too, if it is one)."""
    cursor.execute(_DEPENDENTS, (dotted(relation),))
    for schema, view in cursor.fetchall():
        name = dotted((schema, view))
        cursor.execute(_GRANTS, (name,))
        grants = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "UPDATE redshift_emulation.late_binding_views SET grants = %s::text[]"
            " WHERE schema_name = %s AND view_name = %s",
            (grants, schema, view),
        )
        cursor.execute(f"DROP VIEW {name}")


def bind_all(cursor: PgCursor) -> None:
    """Makes every registered view that is missing and whose tables are there."""
    cursor.execute(
        "SELECT schema_name, view_name, definition, grants"
        " FROM redshift_emulation.late_binding_views"
        " WHERE to_regclass(quote_ident(schema_name) || '.' || quote_ident(view_name)) IS NULL"
    )
    waiting = cursor.fetchall()
    progress = True
    while waiting and progress:
        left = [row for row in waiting if not _bind(cursor, row[2], row[3])]
        progress = len(left) < len(waiting)
        waiting = left


def _bind(cursor: PgCursor, definition: str, grants: list[str]) -> bool:
    cursor.execute("SAVEPOINT late_binding")
    try:
        cursor.execute(definition)
        for grant in grants:
            cursor.execute(grant)
    except _UNBOUND_ERRORS:
        cursor.execute("ROLLBACK TO SAVEPOINT late_binding")
        return False
    cursor.execute("RELEASE SAVEPOINT late_binding")
    return True


def create(cursor: PgCursor, view: LateBindingView) -> None:
    """Registers a late-binding view and binds it if its tables are there.

    Raises RedshiftError if the name is taken and the statement does not say OR REPLACE.
    """
    name = view.name if len(view.name) == 2 else ("public", view.name[-1])
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (dotted(name),))
    row = cursor.fetchone()
    registered = _is_registered(cursor, name)
    if (registered or (row is not None and row[0])) and not view.or_replace:
        raise RedshiftError(f'Relation "{name[1]}" already exists')
    unbind(cursor, name)
    if not registered:
        cursor.execute(f"DROP VIEW IF EXISTS {dotted(name)}")
    columns = " (" + ", ".join(map(quote_name, view.columns)) + ")" if view.columns else ""
    cursor.execute(
        "INSERT INTO redshift_emulation.late_binding_views (schema_name, view_name, definition)"
        " VALUES (%s, %s, %s)"
        " ON CONFLICT (schema_name, view_name) DO UPDATE SET definition = excluded.definition",
        (*name, f"CREATE VIEW {dotted(name)}{columns} AS {view.query}"),
    )
    try:
        bind_all(cursor)
    except psycopg2.errors.SyntaxError as error:
        raise RedshiftError(str(error.diag.message_primary)) from error


def _is_registered(cursor: PgCursor, name: tuple[str, ...]) -> bool:
    cursor.execute(
        "SELECT 1 FROM redshift_emulation.late_binding_views"
        " WHERE schema_name = %s AND view_name = %s",
        name[-2:] if len(name) > 1 else ("public", name[0]),
    )
    return cursor.fetchone() is not None


def forget(cursor: PgCursor, names: tuple[tuple[str, ...], ...]) -> bool:
    """Takes dropped views out of the registry; true if all of `names` were late-binding views."""
    known = [name for name in names if _is_registered(cursor, name)]
    for name in known:
        unbind(cursor, name)
        cursor.execute(
            "DELETE FROM redshift_emulation.late_binding_views"
            " WHERE schema_name = %s AND view_name = %s",
            name[-2:] if len(name) > 1 else ("public", name[0]),
        )
    return len(known) == len(names)
