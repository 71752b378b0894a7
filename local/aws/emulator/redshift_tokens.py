"""The lexer that the Redshift layer uses for statements that sqlglot does not understand."""

import re
from dataclasses import dataclass
from typing import Literal, NoReturn

Kind = Literal["string", "name", "word", "symbol"]
_KINDS: dict[str | None, Kind] = {
    "string": "string",
    "name": "name",
    "word": "word",
    "symbol": "symbol",
}

_TOKEN = re.compile(
    r"""
    (?P<skip>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<string>'(?:[^'\\]|''|\\.)*'|\$\$.*?\$\$)
  | (?P<name>"(?:[^"]|"")*")
  | (?P<word>[A-Za-z_][A-Za-z0-9_$]*|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\#[A-Za-z_]\w*)
  | (?P<symbol>::|[<>=!~|&@^*/+%-]+|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class RedshiftError(Exception):
    """What Redshift would have answered in a statement's `Error` (without the leading `ERROR:`)."""


class NotEmulatedError(RedshiftError):
    """A statement that Redshift knows and the emulator does not."""


@dataclass(frozen=True)
class Token:
    """One significant piece of SQL, exactly as written."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """The text as a keyword is compared; a quoted name is never a keyword."""
        return self.text.upper() if self.kind in ("word", "symbol") else ""


def tokenize(sql: str) -> list[Token]:
    """The significant tokens of `sql`: comments and white space are left out.

    Raises RedshiftError for a string, name or comment that does not end.
    """
    tokens: list[Token] = []
    for match in _TOKEN.finditer(sql):
        group = match.lastgroup
        if match.group() in ("'", '"'):
            raise RedshiftError(f"unterminated quoted string at or near {_near(sql, match)}")
        if group in _KINDS:
            tokens.append(Token(_KINDS[group], match.group(), match.start(), match.end()))
    return tokens


def _near(sql: str, match: re.Match[str]) -> str:
    return '"' + sql[match.start() : match.start() + 30] + '"'


def split_statements(sql: str) -> list[str]:
    """Cuts `sql` at the semicolons that are outside strings; empty statements are dropped."""
    pieces: list[str] = []
    start = 0
    for token in tokenize(sql):
        if token.text == ";":
            pieces.append(sql[start : token.start])
            start = token.end
    pieces.append(sql[start:])
    return [piece.strip() for piece in pieces if tokenize(piece)]


def fold(token: Token) -> str:
    """The identifier a token stands for: Redshift folds it to lower case, quoted or not."""
    if token.kind == "name":
        return token.text[1:-1].replace('""', '"').lower()
    return token.text.lower()


def quote_name(name: str) -> str:
    """`name` as a quoted PostgreSQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(value: str) -> str:
    """`value` as a PostgreSQL literal that means the same with any setting."""
    text = value.replace("'", "''")
    return "E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"


def render(tokens: list[Token]) -> str:
    """The tokens as PostgreSQL text.

    Names are folded; a literal with a backslash becomes an `E''` literal, because Redshift always
    reads backslashes as escapes and PostgreSQL only there.
    """
    pieces = []
    for token in tokens:
        if token.kind == "name":
            pieces.append(quote_name(fold(token)))
        elif token.kind == "string" and "\\" in token.text and token.text.startswith("'"):
            pieces.append("E" + token.text)
        else:
            pieces.append(token.text)
    return " ".join(pieces)


class Cursor:
    """Reads a list of tokens from left to right."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.index = 0

    @property
    def done(self) -> bool:
        """Whether every token has been read."""
        return self.index >= len(self.tokens)

    def peek(self, *words: str) -> bool:
        """Whether the next tokens are these keywords or symbols."""
        following = self.tokens[self.index : self.index + len(words)]
        return [token.upper for token in following] == list(words)

    def accept(self, *words: str) -> bool:
        """Reads these keywords if they come next."""
        if not self.peek(*words):
            return False
        self.index += len(words)
        return True

    def accept_any(self, *words: str) -> str | None:
        """Reads one of these keywords if it comes next, and says which."""
        for word in words:
            if self.accept(word):
                return word
        return None

    def expect(self, *words: str) -> None:
        """Reads these keywords; raises RedshiftError if something else comes next."""
        if not self.accept(*words):
            self.fail()

    def fail(self) -> NoReturn:
        """Raises the syntax error for the place that has been reached."""
        near = "end of input" if self.done else f'"{self.tokens[self.index].text}"'
        raise RedshiftError(f"syntax error at or near {near}")

    def take(self) -> Token:
        """Reads one token, whatever it is."""
        if self.done:
            self.fail()
        token = self.tokens[self.index]
        self.index += 1
        return token

    def rest(self) -> list[Token]:
        """Reads everything that is left."""
        tokens = self.tokens[self.index :]
        self.index = len(self.tokens)
        return tokens

    def identifier(self) -> str:
        """Reads one identifier, folded."""
        token = self.take()
        if token.kind not in ("word", "name"):
            self.index -= 1
            self.fail()
        return fold(token)

    def qualified(self) -> tuple[str, ...]:
        """Reads `name`, `schema.name` or `database.schema.name`."""
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.identifier())
        return tuple(parts)

    def parenthesised(self) -> list[Token]:
        """Reads `( … )` and returns what is inside."""
        self.expect("(")
        depth = 1
        inside: list[Token] = []
        while True:
            token = self.take()
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "symbol" else 0
            if depth == 0:
                return inside
            inside.append(token)

    def string(self) -> str:
        """Reads a string literal and returns its value."""
        token = self.take()
        if token.kind != "string":
            self.index -= 1
            self.fail()
        return string_value(token)


def string_value(token: Token) -> str:
    """The value of a string literal token."""
    if token.text.startswith("$$"):
        return token.text[2:-2]
    return re.sub(r"\\(.)", r"\1", token.text[1:-1].replace("''", "'"), flags=re.DOTALL)


def split_commas(tokens: list[Token]) -> list[list[Token]]:
    """Cuts a token list at the commas that are outside parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind == "symbol":
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if token.text == "," and depth == 0:
                parts.append([])
                continue
        parts[-1].append(token)
    return [part for part in parts if part]


def dotted(parts: tuple[str, ...]) -> str:
    """A qualified name as quoted PostgreSQL text."""
    return ".".join(quote_name(part) for part in parts)
