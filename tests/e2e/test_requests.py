"""What a transfer costs, counted by the store: requests for many small files, bytes for a small change in a large one,
batches for a deletion. With ACT_TEST_LONG set (./tools/test --long) on a million names."""

import http.client
import os
import re
import time
import unittest
import urllib.parse

import harness
import servers

LONG = bool(os.environ.get("ACT_TEST_LONG"))
PAGE = 5000
GIB = 1 << 30


class Requests(servers.OwnStore):
    def setUp(self):
        super().setUp()
        self.project = harness.Project(self.scratch / "project")
        self.serve()

    def serve(self, *arguments):
        self.server = super().serve(*arguments)
        self.project.configure(self.server.endpoint, prefix="")

    def counted(self, *arguments):
        """Runs act; returns its summary and the store's counters of just that."""
        harness.admin(self.server, "/reset", "POST")
        summary = self.project.act(*arguments, "--json").summary
        return summary, harness.admin(self.server, "/stats")

    @staticmethod
    def of(stats, operation):
        return sum(stats["requests"].get(operation, {}).values())


class Small(Requests):
    FILES = 6000

    def setUp(self):
        super().setUp()
        for number in range(self.FILES):
            harness.write(self.project.folder / f"data/{number % 60}/{number}", b"%d" % number)

    def test_one_request_each_and_none_for_what_is_unchanged(self):
        pages = -(-self.FILES // PAGE)
        first, stats = self.counted("u", "data")
        self.assertEqual(first["files"], self.FILES)
        self.assertEqual(self.of(stats, "PutBlob"), self.FILES)
        self.assertLessEqual(stats["requests_total"], self.FILES + 4)

        # A page, then those behind it; a listing may ask for a few names beside to find places to begin.
        for again in (("u", "data"), ("u", "data", "--hash")):
            second, stats = self.counted(*again)
            self.assertEqual((second["files"], second["skipped"]), (0, self.FILES))
            self.assertLessEqual(self.of(stats, "ListBlobs"), pages + 2)
            self.assertLessEqual(stats["requests_total"], pages + 4)

        down, stats = self.counted("d", "data")
        self.assertEqual((down["files"], down["skipped"]), (0, self.FILES))
        self.assertLessEqual(stats["requests_total"], pages + 4)
        (self.project.folder / "data").rename(self.project.folder / "sent")
        down, stats = self.counted("d", "data")
        self.assertEqual(down["files"], self.FILES)
        self.assertLessEqual(stats["requests_total"], self.FILES + pages + 4)

        removed, stats = self.counted("rm", "--yes", "data")
        self.assertEqual(removed["files"], self.FILES)
        self.assertEqual(self.of(stats, "DeleteBlob"), 0)
        self.assertLessEqual(stats["requests_total"] - self.of(stats, "ListBlobs"), -(-self.FILES // 256) + 2)


class Large(Requests):
    SIZE = 2 * GIB if LONG else 256 * harness.MIB

    def test_a_small_change_in_a_large_file(self):
        local = self.project.folder / "data/large"
        piece = harness.content(32 * harness.MIB, "piece")
        with open(harness.write(local), "wb") as file:
            for at in range(0, self.SIZE, len(piece)):
                file.write(at.to_bytes(8, "little") + piece[8:])
        self.project.act("u", "data/large")
        old = harness.write(self.scratch / "old")
        with open(local, "rb") as source, open(old, "wb") as copy:
            while data := source.read(harness.MIB):
                copy.write(data)
        with open(local, "r+b") as file:
            file.seek(self.SIZE // 2 - 12345)
            file.write(harness.content(harness.MIB, "changed"))
        expected = harness.snapshot(local.parent)

        up, stats = self.counted("u", "data/large")
        self.assertEqual(up["files"], 1)
        print(f"     up: {stats['bytes_in'] / harness.MIB:.2f} MiB of {self.SIZE >> 20}", flush=True)
        self.assertLess(stats["bytes_in"], 20 * harness.MIB)
        old.replace(local)
        down, stats = self.counted("d", "data/large")
        self.assertEqual(down["files"], 1)
        print(f"     down: {stats['bytes_out'] / harness.MIB:.2f} MiB of {self.SIZE >> 20}", flush=True)
        self.assertLess(stats["bytes_out"], 20 * harness.MIB)
        harness.assert_same(expected, harness.snapshot(local.parent))


class Million(Requests):
    """Names of one prefix: a million of them only with ACT_TEST_LONG."""

    NAMES = 1_000_000 if LONG else 20_000

    def setUp(self):
        super().setUp()
        folder = self.project.folder / "data/many"
        folder.mkdir(parents=True)
        for number in range(self.NAMES):
            with open(folder / f"img_{number:07}.jpg", "wb"):
                pass
        self.project.act("u", "data")

    def peak(self, *arguments):
        with open(self.scratch / "out", "wb") as out:
            done = harness.Measured([harness.ACT, *arguments], env=self.project.env, cwd=self.project.folder, stdout=out)
        self.assertEqual(done.code, 0)
        return done

    def page_by_page(self):
        """The seconds that one request after the other takes, by a client that does not look into the answers."""
        url = urllib.parse.urlsplit(self.server.endpoint)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        marker, begun = "", time.monotonic()
        while True:
            query = f"restype=container&comp=list&prefix=many/&marker={urllib.parse.quote(marker)}"
            connection.request("GET", f"{url.path}/work?{query}&{harness.account_sas()}")
            found = re.search(rb"<NextMarker>([^<]*)</NextMarker>", connection.getresponse().read()[-4096:])
            if not found:
                return time.monotonic() - begun
            marker = found.group(1).decode()

    def test_listed_compared_and_deleted(self):
        # Nothing differs: both sides pass by each other, and nothing is kept.
        same = self.peak("sync", "./data", f"{self.server.endpoint}/work", "--delete")
        print(f"     sync of {self.NAMES:,} equal names: {same.wall:.1f} s, peak {same.peak >> 20} MiB", flush=True)
        self.assertLess(same.peak, 300 * harness.MIB)

        self.server.stop()
        self.serve("--latency", "20ms")
        serial = self.page_by_page()
        walls = []
        for _ in range(5 if LONG else 1):
            listed = self.peak("ls", "data/many")
            walls.append(listed.wall)
        print(f"     ls: {sorted(walls)[len(walls) // 2]:.2f} s (page by page {serial:.2f} s), peak "
              f"{listed.peak >> 20} MiB", flush=True)  # fmt: skip
        self.assertLess(listed.peak, 200 * harness.MIB)
        with open(self.scratch / "out", encoding="utf-8") as lines:
            for number, line in zip(range(self.NAMES), lines):
                self.assertTrue(line.endswith(f"data/many/img_{number:07}.jpg\n"), line)

        gone, stats = self.counted("rm", "--yes", "data/many")
        self.assertEqual(gone["files"], self.NAMES)
        deletions = stats["requests_total"] - self.of(stats, "ListBlobs")
        print(f"     rm: {deletions} requests and {self.of(stats, 'ListBlobs')} for the listing", flush=True)
        self.assertLessEqual(deletions, -(-self.NAMES // 256) * 1.01 + 2)


del Requests  # only a base


if __name__ == "__main__":
    unittest.main()
