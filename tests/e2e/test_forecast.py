"""What a dry run foretells, against what the store then counts."""

import json
import unittest

import harness
import servers

PRICES = {"write": 0.05, "read": 0.004, "list": 0.05, "other": 0.004, "egress": 0.08, "currency": "EUR"}
# 5 small files, an empty one, and one of three blocks.
SMALL, LARGE = 5, 20 * harness.MIB


class Forecast(servers.OwnStore):
    def setUp(self):
        super().setUp()
        self.project = harness.Project(self.scratch / "project")
        self.server = self.serve()
        self.project.configure(self.server.endpoint, prefix="")
        self.project.act("mkcontainer", "work")
        for number in range(SMALL):
            harness.write(self.project.folder / f"data/{number}", b"%d" % number)
        harness.write(self.project.folder / "data/none", b"")
        harness.write(self.project.folder / "data/large", harness.content(LARGE, "large"))

    def prices(self, **prices):
        file = self.project.folder / "aux_data/aml/aml.yaml"
        file.write_text(json.dumps({**json.loads(file.read_text()), "prices": prices}))

    def foretold(self, *arguments):
        (event,) = [e for e in self.project.act(*arguments, "--dry-run", "--json").lines if e["type"] == "forecast"]
        return event

    def counted(self, *arguments):
        harness.admin(self.server, "/reset", "POST")
        self.project.act(*arguments)
        requests = harness.admin(self.server, "/stats")["requests"]
        return lambda *names: sum(sum(requests.get(name, {}).values()) for name in names)

    def test_requests_are_those_that_are_made(self):
        told = self.foretold("u", "data")
        made = self.counted("u", "data")
        self.assertEqual(told["writes"], SMALL + 1 + 4)
        self.assertEqual(told["writes"], made("PutBlob", "PutBlock", "PutBlockList"))
        self.assertEqual(told["lists"], made("ListBlobs"))
        self.assertNotIn("cost_millionths", told)
        self.assertNotIn("seconds", told)

        (self.project.folder / "data").rename(self.project.folder / "sent")
        told = self.foretold("d", "data")
        made = self.counted("d", "data")
        self.assertEqual((told["writes"], told["reads"]), (0, SMALL + 3))
        self.assertEqual(told["reads"], made("GetBlob"))

        self.assertEqual(self.foretold("rm", "data")["deletes"], SMALL + 2)

    def test_prices_are_those_of_the_cluster_file(self):
        self.prices(**PRICES)
        told = self.foretold("u", "data")
        price = (told["writes"] + told["lists"]) * 0.05 + told["others"] * 0.004
        self.assertEqual((told["cost_millionths"], told["currency"]), (round(price / 10_000 * 1e6), "EUR"))
        self.assertRegex(self.project.act("u", "--dry-run", "data").out, r"forecast: 10 writes, .*; less than 0.0001 EUR\n")

        self.project.act("u", "data")
        (self.project.folder / "data").rename(self.project.folder / "sent")
        egress = 0.08 * LARGE / (1 << 30)
        self.assertAlmostEqual(self.foretold("d", "data")["cost_millionths"] / 1e6, egress, delta=2e-5)

    def test_what_is_no_price_is_told(self):
        for wrong in ("cheap", "-1", "nan"):
            self.prices(write=wrong)
            done = self.project.act("u", "--dry-run", "data")
            self.assertIn(f"prices.write is '{wrong}', which is no price", done.err)
            self.assertIn("forecast: 10 writes, 2 other requests\n", done.out)
        self.prices(writes=1)
        self.assertIn("did you mean 'write'", self.project.act("u", "--dry-run", "data").err)

    def test_the_time_is_told_by_the_rates_of_the_last_bench(self):
        files = self.scratch / "files"
        files.mkdir()
        sizes = ("--large", "1MiB", "--small-count", "20", "--small-size", "4KiB")
        rows = ("--only", "upload", "--repeat", "1")
        self.project.act("bench", *rows, "--folder", files, *sizes, "data")
        told = self.foretold("u", "data")
        self.assertGreater(told["seconds"], 0)
        self.assertRegex(told["rates_of"], r"^\d{4}-\d\d-\d\d$")
        self.assertRegex(self.project.act("u", "--dry-run", "data").out, r"; about \S+ \S+ by `act bench` of \d{4}-")
        # Nothing is known of downloads.
        self.project.act("u", "data")
        (self.project.folder / "data").rename(self.project.folder / "sent")
        self.assertNotIn("seconds", self.foretold("d", "data"))

        # A damaged file is none.
        (self.project.folder / "sent").rename(self.project.folder / "data")
        harness.write(self.project.folder / "data/0", b"changed")
        (kept,) = (self.project.home / "state/act/bench").iterdir()
        kept.write_bytes(b"\0\xff day\nupload-small\nupload-large x\n" * 9)
        self.assertNotIn("seconds", self.foretold("u", "data/0"))


if __name__ == "__main__":
    unittest.main()
