"""kill -9 at a random moment of an upload, a download and a copy of a mixed tree; then the same command again.

What both runs moved together, counted by the store, is the tree plus at most one block for each connection (and what
either run needs beside the content, headers and listings, as a run that nobody kills tells); the result is identical; and
what stood at the destination before is there, old or new, never half. A few kills by default; with ACT_TEST_LONG set
(./tools/test --long) a hundred of a tree with three files of 1 GiB and 2,000 small ones, for which TMPDIR should have
12 GiB and be fast."""

import http.client
import os
import random
import shutil
import subprocess
import time
import unittest
import urllib.parse

import harness

LONG = bool(os.environ.get("ACT_TEST_LONG"))
KILLS = 34 if LONG else 3  # of each kind
LARGE = (1 << 30) if LONG else 64 * harness.MIB
SMALL = 2000 if LONG else 200
OLD = b"what stood here before"
CHANGED = ("large/0", "small/0/0")  # what the destination has in an older version
OTHER = {"account": "weststore", "key": "b3RoZXIta2V5LW9mLXRoZS10ZXN0cy1mb3ItYWN0LWNvcGllcy0xMjM0NTY3ODkwMTI="}


class Store:
    """An embedded store and a connection to it that asks what is there without act."""

    def __init__(self, folder, account=harness.ACCOUNT, key=harness.KEY):
        folder.mkdir()
        self.account, self.key = account, key
        arguments = ["--admin", ":0"]
        self.server = harness.act_serve(folder, account=account, key=key, arguments=arguments)
        self.url = urllib.parse.urlsplit(self.server.endpoint)
        self.connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)

    def ask(self, verb, path, body=None, headers=None, query=""):
        sas = harness.account_sas(self.account, self.key)
        target = f"{self.url.path}/{urllib.parse.quote(path)}?{query}{sas}"
        self.connection.request(verb, target, body, headers or {})
        return self.connection.getresponse()

    def put(self, path, content):
        answer = self.ask("PUT", path, content, {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-12-02"})
        answer.read()
        assert answer.status == 201, answer.status

    def equals(self, path, expected):
        """Whether the blob has just the content of the file, read piece by piece."""
        answer = self.ask("GET", path)
        with open(expected, "rb") as file:
            same = answer.status == 200 and int(answer.getheader("Content-Length")) == os.fstat(file.fileno()).st_size
            while piece := answer.read(harness.MIB):
                same = same and piece == file.read(len(piece))
        return same

    def length(self, path):
        answer = self.ask("HEAD", path)
        answer.read()
        return int(answer.getheader("Content-Length")) if answer.status == 200 else None

    def make(self, container):
        answer = self.ask("PUT", container, query="restype=container&")
        answer.read()

    def drop(self, container):
        answer = self.ask("DELETE", container, query="restype=container&")
        answer.read()

    def stats(self):
        return harness.admin(self.server, "/stats")

    def reset(self):
        harness.admin(self.server, "/reset", "POST")


class Kill(unittest.TestCase):
    def setUp(self):
        if not harness.ACT.exists():
            self.skipTest(f"{harness.ACT} is not built")
        self.scratch = self.enterContext(harness.temporary_folder())
        self.project = harness.Project(self.scratch / "project")
        self.one = Store(self.scratch / "one")
        self.addCleanup(self.one.server.stop)
        self.tree = self.project.folder / "data"
        self.random = random.Random(os.environ.get("ACT_TEST_SEED") or "kill")
        for number in range(3):
            with open(harness.write(self.tree / f"large/{number}"), "wb") as file:
                piece = harness.content(32 * harness.MIB, number)
                for at in range(0, LARGE, len(piece)):
                    file.write(at.to_bytes(8, "little") + piece[8:])
        for number in range(SMALL):
            harness.write(self.tree / f"small/{number % 20}/{number // 20}",
                          harness.content(self.random.randrange(1, 64 * 1024), number))  # fmt: skip
        self.names = [str(p.relative_to(self.tree)) for p in self.tree.rglob("*") if p.is_file()]
        self.size = sum((self.tree / name).stat().st_size for name in self.names)

    def cluster(self, name, store, container):
        self.project.cluster(name, store.server.endpoint, container=container, account=store.account, key=store.key)

    def killed(self, within, *arguments):
        """Runs act and kills it at a random moment; true if it had not ended by itself."""
        process = self.project.start(*arguments)
        try:
            process.communicate(timeout=self.random.uniform(0, within))
            return False
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return True

    def repeatedly(self, prepare, arguments, moved, check_between, check_after):
        """`moved` gives the bytes and the greatest number of connections so far."""
        prepare(0)
        begun = time.monotonic()
        self.project.act(*arguments)
        whole = time.monotonic() - begun
        check_after()
        beside = 2 * (moved()[0] - self.size)
        kills, most_wasted, most_allowed = 0, 0, 0
        while kills < KILLS:
            prepare(kills + 1)
            if not self.killed(whole, *arguments):
                continue
            kills += 1
            check_between()
            done = self.project.act(*arguments, "--json").summary
            self.assertEqual(done["failed"], 0, done)
            check_after()
            total, connections = moved()
            wasted, allowed = total - self.size, connections * harness.BLOCK + beside
            self.assertLessEqual(wasted, allowed)
            if wasted > most_wasted:
                most_wasted, most_allowed = wasted, allowed
        print(f"     {kills} kills of {self.size / harness.MIB:.0f} MiB in {len(self.names)} files: at most "
              f"{most_wasted / harness.MIB:.1f} MiB moved twice, {most_allowed / harness.MIB:.0f} allowed", flush=True)  # fmt: skip

    def old_or_new(self, store, container):
        for name in CHANGED:
            length = store.length(f"{container}/{name}")
            self.assertIn(length, (len(OLD), (self.tree / name).stat().st_size), name)

    def all_there(self, store, container):
        for name in self.names:
            self.assertTrue(store.equals(f"{container}/{name}", self.tree / name), name)

    def fresh(self, store, container):
        """An empty container but for the older versions."""
        store.drop(container)
        store.make(container)
        for name in CHANGED:
            store.put(f"{container}/{name}", OLD)

    def test_upload(self):
        container = "up"

        def prepare(number):
            nonlocal container
            self.one.drop(container)
            container = f"up{number}"
            self.cluster("aml", self.one, container)
            self.fresh(self.one, container)
            self.one.reset()

        def moved():
            stats = self.one.stats()
            return stats["bytes_in"], stats["connections_peak"]

        self.repeatedly(prepare, ["u", "data"], moved, lambda: self.old_or_new(self.one, container),
                        lambda: self.all_there(self.one, container))  # fmt: skip

    def test_download(self):
        self.cluster("aml", self.one, "down")
        self.project.act("u", "data")
        expected = harness.snapshot(self.tree)
        kept = self.tree.rename(self.project.folder / "kept")
        self.tree = kept

        back = self.project.folder / "data"

        def prepare(_):
            shutil.rmtree(back, ignore_errors=True)
            for name in CHANGED:
                harness.write(back / name, OLD)
            self.one.reset()

        def moved():
            stats = self.one.stats()
            return stats["bytes_out"], stats["connections_peak"]

        def between():
            for name in CHANGED:
                self.assertIn((back / name).stat().st_size, (len(OLD), (kept / name).stat().st_size), name)
                if (back / name).stat().st_size == len(OLD):
                    self.assertEqual((back / name).read_bytes(), OLD)

        self.repeatedly(prepare, ["d", "data"], moved, between,
                        lambda: harness.assert_same(expected, harness.snapshot(back)))  # fmt: skip

    def test_copy(self):
        two = Store(self.scratch / "two", **OTHER)
        self.addCleanup(two.server.stop)
        self.cluster("we", self.one, "source")
        self.project.act("-c", "we", "u", "data")
        container = "copied"

        def prepare(number):
            nonlocal container
            two.drop(container)
            container = f"copied{number}"
            self.cluster("eu", two, container)
            self.fresh(two, container)
            self.one.reset()
            two.reset()

        def moved():
            return self.one.stats()["bytes_out"], two.stats()["connections_peak"]

        self.repeatedly(prepare, ["-c", "eu", "-f", "we", "u", "data"], moved, lambda: self.old_or_new(two, container),
                        lambda: self.all_there(two, container))  # fmt: skip


if __name__ == "__main__":
    unittest.main()
