"""What each tool is told beyond what to do: nothing, or what was found to be best.

How the best were found: `tools/compare --rows ROW --try '...'` on two busy cores, so by the client's CPU seconds first and
by the least wall time second (512 MiB, 2,000 small files, 10,000 names). CPU seconds, wall seconds:

azcopy (its walls are multiples of two seconds, so only a large gain shows in them)
  large-up    no log 0.79, 4.1; --block-size-mb 16: 0.87, 4.2; 32: 1.06, 6.3; 64: 1.05, 6.3; 128: 0.97, 4.3;
              --check-length=false and AZCOPY_CONCURRENCY_VALUE=16: 0.86, 4.2; AUTO: 1.65, 5.5. With 2 GiB: 8, 16, 128, AUTO
              and AZCOPY_BUFFER_GB=2 alike within what the machine's load did; a log costs nothing that shows.
  large-down  1.19, 4.7; --block-size-mb 16: 1.34, 4.3; 64: 1.02, 4.6; 64 with AZCOPY_CONCURRENCY_VALUE=8: 0.99, 4.5;
              AZCOPY_CONCURRENCY_VALUE=16: 1.17, 4.4; AUTO: 1.91, 5.6
  large-copy  0.50, 2.1; --check-length=false and tiers not preserved: 0.40, 2.1; 64 at once: 0.88, 2.1
  small-up    1.09, 2.2; --check-length=false: 0.87, 2.2; and AZCOPY_CONCURRENCY_VALUE=16: 0.89, 2.2; 64: 1.01, 2.1;
              AUTO: 1.83, 5.6; AZCOPY_CONCURRENT_FILES=256 with AZCOPY_PARALLEL_STAT_FILES: 1.10, 2.1
  small-copy  1.33, 4.2; --check-length=false: 1.58, 4.1; and 16 at once: 0.80, 2.4; 64: 1.20, 4.2; properties and tiers not
              preserved: 0.78, 2.1
  small-down  1.17, 2.3; 16 at once: 1.40, 4.3; 64: 1.06, 2.1; AUTO: 1.78, 5.5
  delete      1.03, 2.6; 16 at once: 1.25, 2.9; 64: 0.59, 2.6; AUTO: 0.97, 4.4
  again       3,000 files up: sync 0.54, 2.2; copy --overwrite ifSourceNewer, which asks for each, 1.21, 4.3; down: sync 0.93, 2.1;
              copy 1.17, 4.2
  list        0.57, 1.4; AZCOPY_DISABLE_HIERARCHICAL_SCAN: 0.56, 2.3; JSON: 0.66, 1.7

rclone (Debian's 1.60)
  large-up    2.42, 4.6; 16 transfers: 2.33, 3.7; no MD5 kept (--azureblob-disable-checksum): 1.32, 2.5; nor computed to
              compare (--ignore-checksum): 0.50, 1.8; and chunks of 8M: 0.56, 1.7; 16M, 8 at once: 0.65, 3.0; 32M, 4 at once:
              0.63, 2.1; memory pool by mmap: 0.60, 1.7. Nothing is verified then, on the way or after it.
  large-down  0.37, 0.7; 2 streams: 0.47, 1.2; 8: 0.39, 1.0; 16: 0.52, 1.8; 1: 1.62, 5.2
  large-copy  through itself 0.61, 2.2; without MD5: 0.59, 1.6; --server-side-across-configs: 0.08, 2.3
  small-up    1.36, 4.9; 16 transfers: 0.90, 2.5; 64: 0.99, 2.0; 32 and no checksums: 0.92, 2.5
  small-copy  1.20, 2.5; 16 transfers: 1.12, 3.2; --server-side-across-configs: 0.54, 2.1; and 64 transfers: 0.46, 1.3
  small-down  0.76, 1.9; 16 transfers: 0.52, 1.6; 32: 0.57, 1.5; 64: 0.88, 2.0; no read-ahead buffer: 0.60, 1.9
  delete      0.53, 2.7; 16 transfers: 0.30, 0.9; 32: 0.41, 1.0; 64: 0.52, 1.6
  again       0.25, 0.9; 16 checkers: 0.19, 0.7; 64: 0.29, 0.9; --fast-list: 0.22, 0.8
  list        0.61, 2.1; --fast-list: 0.63, 1.9
Not used, as it changes what is done: --no-check-dest, --size-only.
"""

import re

PEERS = ("azcopy", "rclone")

QUIET = ["--output-level", "quiet"]
UNCHECKED = [*QUIET, "--check-length=false", "AZCOPY_CONCURRENCY_VALUE=16"]
UNVERIFIED = ["--ignore-checksum", "--azureblob-disable-checksum"]
MANY = ["--transfers", "16", "--checkers", "16"]

# row -> settings; "" are those of all rows.
BEST = {
    "azcopy": {
        "": ["--log-level", "NONE", "AZCOPY_DISABLE_SYSLOG=true"],
        "large-up": UNCHECKED,
        "large-copy": [*UNCHECKED, "--s2s-preserve-access-tier=false"],
        "large-down": [*UNCHECKED, "--block-size-mb", "64"],
        "small-up": UNCHECKED,
        "small-up-again": QUIET,
        "small-copy": [*UNCHECKED, "--s2s-preserve-access-tier=false"],
        "small-down": [*QUIET, "--check-length=false", "AZCOPY_CONCURRENCY_VALUE=64"],
        "small-down-again": QUIET,
        "small-delete": [*QUIET, "AZCOPY_CONCURRENCY_VALUE=64"],
        "tiny-up": UNCHECKED,
        "tiny-down": UNCHECKED,
    },
    "rclone": {
        "": [],
        "large-up": [*UNVERIFIED, "--azureblob-chunk-size", "8M"],
        "large-copy": ["--server-side-across-configs"],
        "large-down": ["--ignore-checksum"],
        "small-up": [*MANY, "--ignore-checksum"],
        "small-up-again": [*MANY, "--fast-list"],
        "small-copy": ["--server-side-across-configs", "--transfers", "64", "--ignore-checksum"],
        "small-down": [*MANY, "--ignore-checksum"],
        "small-down-again": [*MANY, "--fast-list"],
        "small-delete": MANY,
        "list": ["--fast-list"],
        "tiny-up": ["--ignore-checksum", "--no-traverse"],
        "tiny-down": ["--ignore-checksum", "--no-traverse"],
    },
}


def is_variable(text):
    return re.match(r"[A-Z_]+=", text) is not None


def chooser(tool, which):
    """A function from a row to its settings."""
    table = BEST[tool] if which == "best" else {"": []}
    return lambda row: [*table[""], *table.get(row, [])]
