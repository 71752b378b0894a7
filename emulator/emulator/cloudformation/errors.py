"""The errors of a deployment."""


class DeployError(Exception):
    """The deployment cannot go on; the message says what, where and how to fix it."""
