"""All tests know ``--matrix``, and make files that nobody else may write to."""

import os

pytest_plugins = ["matrix"]

os.umask(0o022)
