"""The errors of the Redshift layer, and names as PostgreSQL text."""


class RedshiftError(Exception):
    """What Redshift would show in a statement's `Error` (without the leading `ERROR:`)."""


class NotEmulatedError(RedshiftError):
    """A statement that Redshift knows and the emulator does not."""


def quote_name(name: str) -> str:
    """`name` as a quoted PostgreSQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def dotted(parts: tuple[str, ...]) -> str:
    """A qualified name as quoted PostgreSQL text."""
    return ".".join(quote_name(part) for part in parts)
