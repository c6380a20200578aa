"""A service that refuses what is beyond its limit: the limit is used, hardly exceeded, and left behind when it is gone.

The counts and the clock are the store's own."""

import time
import unittest

import harness
import servers

LIMIT = 500


class Throttled(servers.OwnStore):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.project = harness.Project(self.scratch / "project", self.server.endpoint)

    def tree(self, files):
        for folder in range(10):
            (self.project.folder / f"data/tree/{folder}").mkdir(parents=True)
            for number in range(files // 10):
                (self.project.folder / f"data/tree/{folder}/{number}").write_bytes(b"%d %d" % (folder, number))

    def limit(self, rate):
        return harness.admin(self.server, f"/limit?rate={rate}", "POST")

    def stored(self, stats):
        return stats["requests"].get("PutBlob", {}).get("201", 0)

    def begin_under_limit(self, until):
        """Starts an upload under the limit; returns it, and the counters when `until` files are there."""
        harness.admin(self.server, "/reset", "POST")
        self.limit(LIMIT)
        process = self.project.start("u", "data/tree")
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        while True:
            stats = harness.admin(self.server, "/stats")
            if self.stored(stats) >= until:
                return process, stats
            self.assertIsNone(process.poll(), "the upload ended early")
            time.sleep(0.02)

    def finish(self, process):
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, err.decode())
        return harness.admin(self.server, "/stats")

    def test_the_limit_is_used_and_hardly_exceeded(self):
        self.tree(6000)
        process, before = self.begin_under_limit(500)
        after = self.finish(process)
        self.assertEqual(self.stored(after), 6000)
        goodput = (6000 - self.stored(before)) / (after["uptime_s"] - before["uptime_s"])
        rejected = after["rejected"] / after["requests_total"]
        print(f"     {goodput:.0f}/s of {LIMIT}/s, {rejected:.1%} rejected", flush=True)
        self.assertGreater(goodput, 450)
        self.assertLess(rejected, 0.10)

    def test_the_full_rate_is_back_within_seconds(self):
        files = 30_000
        self.tree(files)
        begun = harness.admin(self.server, "/stats")["uptime_s"]
        self.project.act("u", "data/tree")
        full = files / (harness.admin(self.server, "/stats")["uptime_s"] - begun)
        self.project.configure(self.server.endpoint, prefix="again")
        process, _ = self.begin_under_limit(2000)
        before = self.limit(0)
        after = self.finish(process)
        self.assertEqual(self.stored(after), files)
        took = after["uptime_s"] - before["uptime_s"]
        at_full_rate = (files - self.stored(before)) / full
        print(f"     {took:.1f} s, of which {at_full_rate:.1f} s at the full rate of {full:.0f}/s", flush=True)
        self.assertLess(took, 5 + 1.25 * at_full_rate)


if __name__ == "__main__":
    unittest.main()
