"""What takes minutes, only with ACT_TEST_LONG set (./tools/test --long): memory does not grow with the work."""

import os
import unittest

import harness
import servers

GIB = 1 << 30
LIMIT = 300 * harness.MIB


@unittest.skipUnless(os.environ.get("ACT_TEST_LONG"), "only with ./tools/test --long")
class Memory(servers.OnServers, unittest.TestCase):
    server_kind = "store"

    def peak(self, project, *arguments):
        """Runs act and returns its summary and its peak resident set in bytes."""
        with open(project.folder / "out", "w+b") as out, open(project.folder / "err", "w+b") as err:
            done = harness.Measured([harness.ACT, *arguments, "--json"], env=project.env, cwd=project.folder,
                                    stdout=out, stderr=err)  # fmt: skip
            out.seek(0)
            err.seek(0)
            self.assertEqual(done.code, 0, err.read().decode())
            print(f"     {' '.join(arguments)}: peak {done.peak >> 20} MiB, {done.wall:.1f} s", flush=True)
            return harness.json.loads(out.read().decode().splitlines()[-1]), done.peak

    def both_ways(self, project, path):
        expected = harness.snapshot(project.folder / "data")
        up, peak_up = self.peak(project, "u", path)
        (project.folder / "data").rename(project.folder / "sent")
        down, peak_down = self.peak(project, "d", path)
        self.assertEqual((up["files"], up["failed"]), (down["files"], down["failed"]))
        harness.assert_same(expected, harness.snapshot(project.folder / "data"))
        self.assertLess(max(peak_up, peak_down), LIMIT)

    def test_one_file_of_8_GiB(self):
        project = harness.Project(self.folder("project"), self.endpoint, container="large")
        piece = harness.content(64 * harness.MIB, "large")
        (project.folder / "data").mkdir()
        with open(project.folder / "data/large", "wb") as stream:
            for number in range(8 * GIB // len(piece)):
                stream.write(number.to_bytes(8, "little") + piece[8:])
        self.both_ways(project, "data/large")

    def test_200_000_small_files(self):
        project = harness.Project(self.folder("project"), self.endpoint, container="small")
        for folder in range(200):
            (project.folder / f"data/{folder}").mkdir(parents=True)
            for number in range(1000):
                (project.folder / f"data/{folder}/{number}").write_bytes(f"{folder} {number}".encode() * 20)
        self.both_ways(project, "data")
