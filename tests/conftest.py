"""All tests know ``--matrix``."""

pytest_plugins = ["matrix"]
