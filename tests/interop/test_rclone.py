"""rclone, unmodified, signed by the account key, against both servers."""

import hashlib
import json

import harness
import servers


@servers.on_both
class Rclone:
    def rclone(self, *arguments, **more):
        return harness.rclone(*arguments, home=self.folder("home"), endpoint=self.endpoint, **more)

    def test_round_trip_of_awkward_tree_with_times(self):
        source, target = harness.awkward_tree(self.folder("up"), odd_ends=False), self.folder("down")
        self.rclone("copy", source, "store:tree/in")
        self.rclone("check", source, "store:tree/in", "--download")
        self.rclone("copy", "store:tree/in", target)
        expected = harness.snapshot(source, folders=False, times=True)
        harness.assert_same(expected, harness.snapshot(target, folders=False, times=True))

    def test_sync_sends_only_what_changed_and_deletes(self):
        source = self.folder("up")
        for number in range(30):
            harness.write(source / f"d{number % 3}/f{number}", harness.content(1000, number))
        sync = ["sync", source, "store:sync/in", "--use-json-log", "-v", "--stats-log-level", "NOTICE", "--stats", "0"]
        first = self.rclone(*sync)
        self.assertEqual(first.err.count("Copied (new)"), 30)
        self.assertEqual(self.rclone(*sync).err.count("Copied"), 0)
        harness.write(source / "d1/f7", b"changed")
        (source / "d2/f8").unlink()
        again = self.rclone(*sync)
        self.assertEqual((again.err.count("Copied"), again.err.count("Deleted")), (1, 1))
        listed = json.loads(self.rclone("lsjson", "-R", "--files-only", "store:sync/in").out)
        self.assertEqual(len(listed), 29)

    def test_server_side_copy_move_and_purge(self):
        source, target = self.folder("up"), self.folder("down")
        harness.write(source / "big", harness.content(20 * harness.MIB, 1))
        harness.write(source / "small", b"small")
        self.rclone("copy", source, "store:origin/a")
        self.rclone("copy", "store:origin/a", "store:target/b")
        self.rclone("moveto", "store:target/b/small", "store:target/b/renamed")
        self.rclone("copy", "store:target/b", target)
        self.assertEqual(harness.snapshot(target)["big"], harness.snapshot(source)["big"])
        self.assertEqual((target / "renamed").read_bytes(), b"small")
        self.rclone("purge", "store:target")
        self.assertNotIn("target", [entry["Name"] for entry in json.loads(self.rclone("lsjson", "store:").out)])

    def test_ranges_and_hashes(self):
        source = self.folder("up")
        data = harness.content(10 * harness.MIB, "ranges")
        harness.write(source / "f", data)
        self.rclone("copy", source, "store:ranges")
        part = self.rclone("cat", "store:ranges/f", "--offset", "1000", "--count", "10")
        self.assertEqual(part.out, data[1000:1010].decode("utf-8", "replace"))
        sums = self.rclone("md5sum", "store:ranges")
        self.assertEqual(sums.out.split()[0], hashlib.md5(data).hexdigest())

    def test_tier(self):
        source = self.folder("up")
        harness.write(source / "f", b"x")
        self.rclone("copy", source, "store:tiers")
        self.rclone("settier", "Cool", "store:tiers/f")
        self.assertIn('"Tier":"Cool"', self.rclone("lsjson", "store:tiers").out)
