"""cat, cp, mv, set and mkcontainer as a shell uses them, on the embedded store and on Azurite."""

import os
import signal
import subprocess
import time
import unittest

import harness
import servers


@servers.on_both
class Streams:
    def setUp(self):
        self.project = harness.Project(self.folder("project"), self.endpoint, container=self.container())
        self.project.act("mkcontainer", self.url().split("?")[0])

    def container(self):
        return self.id().rsplit("_", 1)[-1].lower() + "-con"

    def url(self, path="", sas=False):
        url = f"{self.endpoint}/{self.container()}" + (f"/{path}" if path else "")
        return url + "?" + harness.account_sas() if sas else url

    def shell(self, line, *words, expect=0):
        """A pipeline under pipefail; `act` is the program."""
        script = 'set -o pipefail; act() { "$ACT" "$@"; }; ' + line
        env = {**self.project.env, "ACT": str(harness.ACT)}
        return harness.run(["bash", "-c", script, "bash", *words], cwd=self.project.folder, env=env, expect=expect)

    def test_through_pipes(self):
        for size in (0, 1, harness.SINGLE, harness.SINGLE + 1, 50 * harness.MIB + 7):
            harness.write(self.project.folder / "in", harness.content(size, size))
            self.shell('cat in | act cp - "$1" && act cat "$1" > out && cmp in out', self.url("dir/a%20b"))
            self.shell('act cp - "$1" < in && act cp "$1" - | cmp in -', self.url("dir/a%20b", sas=True))
        piece = self.shell('act cat --offset 5MiB --count 3MiB "$1" | cmp - <(tail -c +5242881 in | head -c 3145728)',
                           self.url("dir/a%20b"))  # fmt: skip
        self.assertEqual(piece.text, "")

    def test_a_reader_that_leaves(self):
        harness.write(self.project.folder / "in", harness.content(20 * harness.MIB, 1))
        self.project.act("cp", "in", self.url("big"))
        said = self.shell('act cat "$1" "$1" | head -c 10 | wc -c', self.url("big"))
        self.assertEqual(said.text.strip(), "10")

    def test_closed_streams(self):
        harness.write(self.project.folder / "in", b"x")
        self.project.act("cp", "in", self.url("x"))
        self.shell('act cat "$1" >&-', self.url("x"), expect=1)
        self.shell('act cp - "$1" <&-', self.url("y"), expect=1)
        self.shell('act cat "$1"', self.url("y"), expect=5)

    def test_an_interrupted_stream_leaves_the_old_blob(self):
        harness.write(self.project.folder / "in", b"old")
        self.project.act("cp", "in", self.url("kept"))
        reader, writer = os.pipe()
        process = subprocess.Popen([str(harness.ACT), "cp", "-", self.url("kept")], cwd=self.project.folder,
                                   env=self.project.env, stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        try:
            os.close(reader)
            # More than a pipe holds: when it is written, act is reading, and will wait for more.
            self.feed(writer, 10 * harness.MIB)
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            err = process.communicate(timeout=60)[1]
        finally:
            process.kill()
            os.close(writer)
        self.assertLess(time.monotonic() - begun, 2.0)
        self.assertEqual(process.returncode, 130, err)
        self.assertEqual(self.project.act("cat", self.url("kept")).out, "old")

    @staticmethod
    def feed(fd, size):
        while size > 0:
            size -= os.write(fd, bytes(min(size, harness.MIB)))

    def test_trees_there_and_back(self):
        tree = harness.awkward_tree(self.project.folder / "tree", big=False)
        expected = harness.snapshot(tree, modes=True, times=True)
        said = self.project.act("cp", "tree", self.url("copied", sas=True)).text
        self.project.act("cp", self.url("copied"), "./back")
        harness.assert_same(expected, harness.snapshot(self.project.folder / "back", modes=True, times=True))
        said += self.project.act("mv", "back", self.url("moved/", sas=True)).text
        self.assertFalse((self.project.folder / "back").exists())
        self.project.act("mv", self.url("moved/back"), "./again")
        harness.assert_same(expected, harness.snapshot(self.project.folder / "again", modes=True, times=True))
        self.project.act("cat", self.url("moved/back/x"), expect=5)
        self.assertNotIn("sig=", said.replace("sig=***", ""))

    def test_what_is_at_a_url(self):
        for name in ("a b", "dir/c", "dir2"):
            harness.write(self.project.folder / "tree" / name, b"12345")
        self.project.act("cp", "tree", self.url("t"))
        for url, bare in ((self.url("t"), self.url("t")), (self.url("t", sas=True), self.url("t"))):
            listed = self.project.act("ls", url)
            paths = [line[33:] for line in listed.out.splitlines()[:-1]]
            self.assertEqual(paths, [f"{bare}/{name}" for name in ("a%20b", "dir/c", "dir2")])
            self.assertIn(f"15 B            3  {bare}\n", self.project.act("du", url).out)
            self.assertEqual([line.split("  ")[-2] for line in self.project.act("tree", url).out.splitlines()[1:-1]
                              if " B" in line], ["a b", "c", "dir2"])  # fmt: skip
            self.assertNotIn("sig=", listed.text)
        # What was listed can be named.
        self.assertEqual(self.project.act("cat", paths[0]).out, "12345")
        dry = self.project.act("rm", "--dry-run", self.url("t/dir", sas=True))
        self.assertIn("would have removed 1 blob", dry.out)
        self.assertNotIn("sig=", dry.text)
        self.project.act("rm", "--yes", self.url("t/dir", sas=True))
        left = self.project.act("ls", self.url(), "--json").lines[:-1]
        self.assertEqual([line["path"] for line in left], [self.url("t/a%20b"), self.url("t/dir2")])
        self.project.act("ls", self.url("t/dir"), expect=5)
        self.project.act("rm", "--yes", "-", expect=2)

    def test_properties(self):
        for name in "abc":
            harness.write(self.project.folder / "tree" / name, name.encode())
        self.project.act("cp", "tree", self.url("tree"))
        words = ["set", "--tier", "Cool", "--metadata", "owner=me", "--header", "content-type=text/plain",
                 "--header", "cache-control=no-cache", "--tag", "project=voc", self.url("tree"), "--json"]  # fmt: skip
        self.assertEqual(self.project.act(*words, "--dry-run").summary["files"], 3)
        self.assertEqual(self.project.act(*words).summary["files"], 3)
        again = self.project.act(*words).summary
        self.assertEqual((again["files"], again["skipped"]), (0, 3))
        self.assertEqual(self.project.act("cp", "tree", self.url("tree"), "--json").summary["skipped"], 3)


if __name__ == "__main__":
    unittest.main()
