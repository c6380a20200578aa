"""What each tool is told beyond what to do: nothing, or what was found to be best."""

import re

PEERS = ("azcopy", "rclone")

# row -> settings; "" are those of all rows.
BEST = {
    "azcopy": {"": ["--log-level", "NONE"]},
    "rclone": {"": []},
}


def is_variable(text):
    return re.match(r"[A-Z_]+=", text) is not None


def chooser(tool, which):
    """A function from a row to its settings."""
    table = BEST[tool] if which == "best" else {"": []}
    return lambda row: [*table[""], *table.get(row, [])]
