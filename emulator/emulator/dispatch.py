"""Repairs of how moto finds the service that a request is for."""

from __future__ import annotations

from moto import backends


def install() -> None:
    """List moto's services once.

    Moto looks through the folders of its package for each request, which takes longer than most
    responses do.
    """
    names = frozenset(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: names
