"""`act cap`: what all commands on a machine keep to together, changed while they run."""

import time
import unittest

import harness
import servers

SIZE = 8 * harness.MIB
FILES = 400


class Cap(servers.OwnStore):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.project = harness.Project(self.scratch / "project", self.server.endpoint, prefix="")
        for name in "ab":
            for number in range(FILES):
                harness.write(self.project.folder / f"data/{name}/{number}", b"%d" % number)

    def done(self):
        """How many small files the store has taken since it was asked to count anew."""
        requests = harness.admin(self.server, "/stats")["requests"]
        return sum(requests.get("PutBlob", {}).values())

    def until(self, count):
        deadline = time.monotonic() + 60
        while (now := self.done()) < count:
            self.assertLess(time.monotonic(), deadline, f"{now} of {count}")
        return time.monotonic()

    def test_is_shown_and_kept_until_lifted(self):
        self.assertEqual(self.project.act("cap").out, "no cap\n")
        told = self.project.act("cap", "--cap-mbps", "200", "--cap-ops", "500/s").out
        self.assertEqual(told, "200 Mbit/s and 500 requests/s, for all commands of yours on this machine\n")
        self.project.act("cap", "--cap-mbps", "100")
        (event,) = [e for e in self.project.act("cap", "--json").lines if e["type"] == "cap"]
        self.assertEqual((event["mbps"], event["ops"]), (100.0, 500.0))
        self.assertIn("held to 100 Mbit/s and 500 requests/s", self.project.act("u", "data/a/1").err)
        self.assertEqual(self.project.act("cap", "--off").out, "no cap\n")
        self.assertNotIn("held to", self.project.act("u", "data/a/2").text)
        for wrong in (("--off", "--cap-ops", "1/s"), ("--cap-mbps", "0"), ("--cap-ops", "many")):
            self.project.act("cap", *wrong, expect=2)

    def test_two_commands_keep_to_one_budget_and_to_its_changes(self):
        self.project.act("cap", "--cap-ops", "100/s")
        harness.admin(self.server, "/reset", "POST")
        both = [self.project.start("u", f"data/{name}") for name in "ab"]
        begun, first = self.until(20), self.done()
        rate = (150 - first) / (self.until(150) - begun)
        print(f"     {rate:.0f}/s of 100/s, by two", flush=True)
        self.assertLess(rate, 115)
        self.assertGreater(rate, 75)
        # At the rate of before what is left would take six seconds.
        self.project.act("cap", "--off")
        lifted = time.monotonic()
        self.until(2 * FILES)
        for one in both:
            self.assertIn(b"0 failed", one.communicate(timeout=60)[0])
        self.assertLess(time.monotonic() - lifted, 4)

    def test_bytes(self):
        harness.write(self.project.folder / "data/large", harness.content(SIZE, "large"))
        self.project.act("cap", "--cap-mbps", "64")
        begun = time.monotonic()
        self.project.act("u", "data/large", "--block-size", "1MiB")
        # All but the first and the last block wait for those before them.
        self.assertGreater(time.monotonic() - begun, 0.8 * (SIZE - 2 * harness.MIB) * 8 / 64e6)

    def test_where_it_cannot_be_kept_nothing_is_capped_and_nothing_told(self):
        (self.project.home / "state/act").mkdir(parents=True)
        (self.project.home / "state/act/cap").write_text("in the way")
        self.assertEqual(self.project.act("u", "data/a/3").err, "")
        self.assertIn("cap", self.project.act("cap", expect=1).err)


if __name__ == "__main__":
    unittest.main()
