"""What is to be considered, in which order: pure decisions over the catalog."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sluice_build.stores.catalog import Definition, ModelDefinition


def inputs_of(definition: Definition) -> tuple[str, ...]:
    """The names that an entry is derived from."""
    return definition.inputs if isinstance(definition, ModelDefinition) else ()


def selection(definitions: Iterable[Definition], names: Sequence[str] | None) -> set[str]:
    """The names to build: all, or those named with every model derived from them."""
    entries = {definition.name: definition for definition in definitions}
    if names is None:
        return set(entries)
    chosen = {name for name in names if name in entries}
    grown = True
    while grown:
        more = {
            name
            for name, definition in entries.items()
            if name not in chosen and chosen.intersection(inputs_of(definition))
        }
        grown = bool(more)
        chosen |= more
    return chosen


def ready(
    waiting: Collection[str], inputs: Mapping[str, Sequence[str]], finished: Collection[str]
) -> list[str]:
    """Names whose inputs are all finished, in alphabetical order."""
    return sorted(name for name in waiting if all(item in finished for item in inputs[name]))


def up_to_date(
    applied_through: int, last_manifest: int, fingerprint: str, known: Collection[str]
) -> bool:
    """True if a table has all its manifests applied under its present definition."""
    return applied_through == last_manifest and fingerprint[:12] in known
