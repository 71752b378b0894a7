"""The physical names of resources to which a template gives none."""

import hashlib


def physical_name(
    stack: str, logical_id: str, *, max_length: int = 64, lower: bool = False, suffix: str = ""
) -> str:
    """`<stack>-<logical id>-<hash>`: the same at every deployment, at most `max_length` long."""
    digest = hashlib.sha256(f"{stack}/{logical_id}".encode()).hexdigest()[:12]
    room = max_length - len(digest) - len(suffix) - 2
    half = room // 2
    stack_part = stack[: max(half, room - len(logical_id))]
    name = f"{stack_part}-{logical_id[: room - len(stack_part)]}-{digest}{suffix}"
    return name.lower() if lower else name
