"""The resource types that can be deployed, in one table."""

from emulator.cloudformation.handler import Handler
from emulator.cloudformation.resources import (
    access,
    compute,
    custom,
    data_catalog,
    events,
    inert,
    messages,
    secrets,
    storage,
)

HANDLERS: dict[str, Handler] = {
    **storage.HANDLERS,
    **access.HANDLERS,
    **compute.HANDLERS,
    **custom.HANDLERS,
    **data_catalog.HANDLERS,
    **events.HANDLERS,
    **secrets.HANDLERS,
    **messages.HANDLERS,
    **inert.HANDLERS,
}
