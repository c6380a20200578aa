"""--manifest-in: the manifest of the last run in place of a listing, by the store's own counters; what happens where it is
not true any more; and that it rolls. With ACT_TEST_LONG set (./tools/test --long) on a million names."""

import json
import os
import shutil
import signal
import unittest

import harness
import servers
import test_manifest

LONG = bool(os.environ.get("ACT_TEST_LONG"))
HOUR = 3600 * 10**9


class Known(servers.OwnStore):
    def setUp(self):
        super().setUp()
        self.begin()

    def begin(self, *arguments):
        self.server = self.serve(*arguments)
        self.project = harness.Project(self.scratch / "project", self.server.endpoint, prefix="")
        self.folder = self.project.folder
        self.tree = self.folder / "data/tree"
        self.there = f"{self.server.endpoint}/work/tree"

    conform = test_manifest.Manifest.conform

    def counted(self, *command, **more):
        """What the command did, and its requests by the store's own count: {"PutBlob": 3, ...}."""
        harness.admin(self.server, "/reset", "POST")
        done = self.project.act(*command, "--json", **more)
        requests = harness.admin(self.server, "/stats")["requests"]
        return done, {name: sum(statuses.values()) for name, statuses in requests.items()}

    def roll(self, *more, expect=0):
        """The nightly line, with its summary and requests."""
        done, requests = self.counted(
            "sync", "--manifest-in", "m", "--manifest-out", "m", *more, "./data/tree", self.there, expect=expect
        )
        return done.summary, requests

    def files(self, count):
        for number in range(count):
            harness.write(self.tree / f"{number % 7}/{number:04}", b"x" * number)

    def lines(self, name="m"):
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def objects(self, name="m"):
        return {line["name"]: line for line in self.lines(name)[1:-1]}

    def rewrite(self, name, change, source="m"):
        """A manifest with changed lines; what becomes of None is left out."""
        lines = [change(line) for line in self.lines(source)]
        (self.folder / name).write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines if line))
        return name

    def put(self, name, data, age=0):
        """Somebody else writes a blob, with a time so many hours ago."""
        path = harness.write(self.scratch / "theirs" / name, data)
        at = path.stat().st_mtime_ns - age * HOUR
        os.utime(path, ns=(at, at))
        self.project.act("cp", "--force", path, f"{self.there}/{name}")

    def read(self, name):
        return self.project.act("cat", f"{self.there}/{name}").out.encode()

    def assert_rolled(self, name="m"):
        """The manifest tells what a listing of the destination does."""
        for line in self.lines(name):
            self.conform(line)
        listed = self.project.act("ls", "--json", self.there).lines
        listed = {e["path"].split("/work/tree/")[1]: (e["size"], e["etag"]) for e in listed if e["type"] == "blob"}
        told = {n: (o["size"], o["etag"]) for n, o in self.objects(name).items()}
        strip = lambda entries: {n: (size, etag.strip('"')) for n, (size, etag) in entries.items()}
        self.assertEqual(strip(told), strip(listed))
        names = [line["name"] for line in self.lines(name)[1:-1]]
        self.assertEqual(names, sorted(names, key=str.encode))
        self.assertEqual(self.lines(name)[-1]["objects"], len(names))

    # --- what it costs

    def test_unchanged_costs_nothing_and_changes_a_request_each(self):
        self.files(700)
        harness.write(self.tree / "large", harness.content(9 << 20, 1))
        (self.tree / "empty").mkdir()
        first, requests = self.roll()
        self.assertEqual((first["files"], first["failed"]), (702, 0))
        self.assertGreater(requests["ListBlobs"], 0)
        before = self.lines()
        for more in ((), ("--hash",), ("--dry-run",), ("--overwrite", "newer"), ("--overwrite", "never"), ("--delete",)):
            with self.subTest(more=more):
                out = () if "--dry-run" in more else ("--manifest-out", "m")
                done, requests = self.counted("sync", "--manifest-in", "m", *out, *more, "./data/tree", self.there)
                self.assertEqual((done.summary["files"], done.summary["skipped"]), (0, 702), done)
                self.assertEqual(requests, {})
                same = [{**line, "state": "unchanged"} if "state" in line else line for line in before]
                self.assertEqual(self.lines()[1:], same[1:])
        for command in (("u", "data/tree"), ("cp", "./data/tree", self.there)):
            self.assertEqual(self.counted(command[0], "--manifest-in", "m", *command[1:])[1], {})

        for number in range(0, 700, 100):
            harness.write(self.tree / f"{number % 7}/{number:04}", b"other %d" % number)
        harness.write(self.tree / "new/one", b"1")
        done, requests = self.counted("sync", "--manifest-in", "m", "--dry-run", "./data/tree", self.there)
        forecast = next(line for line in done.lines if line["type"] == "forecast")
        self.assertEqual((forecast["writes"], forecast["lists"], requests), (8, 0, {}))
        done, requests = self.roll()
        self.assertEqual((done["files"], requests), (8, {"PutBlob": 8}))
        self.assert_rolled()
        self.assertEqual(self.roll()[1], {})

        # A large one is looked at, so that it is not sent in vain; only its new blocks go.
        with open(self.tree / "large", "r+b") as file:
            file.write(b"changed")
        done, requests = self.counted("sync", "--manifest-in", "m", "--dry-run", "./data/tree", self.there)
        forecast = next(line for line in done.lines if line["type"] == "forecast")
        self.assertEqual((forecast["others"], forecast["lists"], requests), (2, 0, {}), "the look, and at its blocks")
        done, requests = self.roll()
        self.assertEqual(done["files"], 1)
        self.assertEqual(requests, {"GetBlobProperties": 1, "GetBlockList": 1, "PutBlock": 1, "PutBlockList": 1})
        self.assert_rolled()

        # Touched, and the same: by content that is found out here alone.
        os.utime(self.tree / "large")
        os.utime(self.tree / "1/0001")
        done, requests = self.roll("--hash")
        self.assertEqual((done["files"], requests), (0, {}))
        self.assertEqual(self.roll()[1], {}, "the new times are in the manifest")

    def test_memory_does_not_grow_with_the_tree(self):
        peaks = []
        for count in (2000, 1_000_000 if LONG else 20_000):
            shutil.rmtree(self.tree, ignore_errors=True)
            self.tree.mkdir(parents=True)
            for number in range(count):
                with open(self.tree / f"img_{number:07}", "wb"):
                    pass
            (self.folder / "m").unlink(missing_ok=True)
            self.roll()
            harness.admin(self.server, "/reset", "POST")
            command = [harness.ACT, "sync", "--delete", "--manifest-in", "m", "--manifest-out", "m", "./data/tree", self.there]
            with open(self.scratch / "out", "wb") as out:
                done = harness.Measured(command, env=self.project.env, cwd=self.folder, stdout=out)
            self.assertEqual((done.code, harness.admin(self.server, "/stats")["requests"]), (0, {}))
            self.assertEqual(self.lines()[-1]["objects"], count)
            print(f"     {count:,} unchanged: {done.wall:.2f} s, {done.cpu:.2f} s CPU, peak {done.peak >> 20} MiB", flush=True)
            peaks.append(done.peak)
        # AddressSanitizer keeps what is freed.
        if "asan" not in harness.ACT.parts:
            # A folder's names are sorted within 32 MiB, and their arrays are there twice while they grow.
            names = 3 * min(32 * harness.MIB, 27 * count)
            self.assertLess(peaks[1], peaks[0] + 30 * harness.MIB + names)

    # --- where it is not true any more

    def test_what_somebody_else_wrote_is_decided_as_if_it_had_been_listed(self):
        large = b"0123456789abcdef" * (5 << 16)
        cases = {
            # policy: what becomes of a changed file, where somebody wrote an older, and a newer, blob
            "different": (True, True),
            "always": (True, True),
            "newer": (True, False),
            "never": (False, False),
        }
        for policy, (over_older, over_newer) in cases.items():
            for size in ("small", "large"):
                with self.subTest(policy=policy, size=size):
                    shutil.rmtree(self.tree, ignore_errors=True)
                    (self.folder / "m").unlink(missing_ok=True)
                    old, mine, theirs = (tag + (large if size == "large" else b"") for tag in (b"old", b"mine", b"theirs"))
                    for name in ("older", "newer", "gone", "same"):
                        harness.write(self.tree / name, old)
                    self.project.act("sync", "--force", "--manifest-out", "m", "./data/tree", self.there)
                    for name in ("older", "newer", "gone", "unknown"):
                        harness.write(self.tree / name, mine)
                    self.put("older", theirs, age=2)
                    self.put("newer", theirs, age=-2)
                    self.put("unknown", theirs, age=2)
                    self.project.act("rm", "--yes", f"{self.there}/gone")
                    done, requests = self.roll("--overwrite", policy)
                    self.assertEqual(done["failed"], 0)
                    self.assertNotIn("ListBlobs", requests)
                    self.assertEqual(self.read("older") == mine, over_older)
                    self.assertEqual(self.read("newer") == mine, over_newer)
                    self.assertEqual(self.read("unknown") == mine, policy != "never")
                    self.assertEqual(self.read("same"), old)
                    if policy != "never":
                        self.assertEqual(self.read("gone"), mine)
                        self.assert_rolled()
                    # What was left is not taken for the file.
                    done, requests = self.roll()
                    left = 4 - sum((over_older, over_newer, policy != "never", policy != "never"))
                    self.assertEqual((done["files"], done["failed"]), (left, 0), requests)
                    for name in ("older", "newer", "unknown", "gone"):
                        self.assertEqual(self.read(name), mine, name)
                    self.assert_rolled()
                    self.assertEqual(self.roll()[1], {})
                    self.project.act("rm", "--yes", self.there)

    def test_a_blob_of_the_same_file_is_not_sent_twice(self):
        self.files(5)
        self.roll()
        manifest = (self.folder / "m").read_bytes()
        harness.write(self.tree / "2/0002", b"changed")
        harness.write(self.tree / "2/new", b"new")
        self.roll()
        # As after a kill: the manifest is from before what was done.
        (self.folder / "m").write_bytes(manifest)
        done, requests = self.roll()
        self.assertEqual((done["files"], done["skipped"], done["failed"]), (0, 6, 0))
        self.assertEqual(requests, {"PutBlob": 2, "GetBlobProperties": 2})
        self.assert_rolled()

    def test_the_manifest_tells_of_the_blob_that_is_left_not_of_the_file(self):
        self.put("a", b"theirs, longer", age=-2)
        harness.write(self.tree / "a", b"mine")
        for policy in ("never", "newer"):
            self.project.act("u", "--overwrite", policy, "--manifest-out", "m", "data/tree")
            self.assertEqual(self.objects()["a"]["size"], len(b"theirs, longer"))
            done, _ = self.counted("u", "--manifest-in", "m", "--dry-run", "data/tree")
            self.assertEqual(done.summary["files"], 1, "what differs is not unchanged")

    # --- deletions

    def test_deletes_what_the_manifest_knows_and_only_that_version(self):
        self.files(30)
        (self.tree / "empty").mkdir()
        self.roll()
        self.put("foreign", b"not in the manifest")
        gone = [self.tree / f"{n % 7}/{n:04}" for n in range(0, 30, 3)]
        for path in gone:
            path.unlink()
        (self.tree / "empty").rmdir()
        self.put("0/0000", b"another by now")
        self.project.act("rm", "--yes", f"{self.there}/3/0003")

        # Not what has no end, and not more than is allowed.
        os.mkfifo(self.tree / "fifo")
        done, requests = self.roll("--delete", expect=1)
        self.assertEqual((done["deleted"], requests), (0, {}))
        (self.tree / "fifo").unlink()
        done, requests = self.roll("--delete", "--max-delete", "10", expect=1)
        self.assertEqual((done["deleted"], requests), (0, {}))
        done, requests = self.counted("sync", "--delete", "--dry-run", "--manifest-in", "m", "./data/tree", self.there)
        forecast = next(line for line in done.lines if line["type"] == "forecast")
        self.assertEqual((forecast["deletes"], forecast["lists"], requests), (11, 0, {}))

        done, requests = self.roll("--delete")
        self.assertEqual((done["deleted"], done["failed"]), (10, 0))
        self.assertLessEqual(requests.pop("ListBlobs", 0), 1, "whether there are real folders to go, too")
        self.assertEqual(requests, {"Batch": 1, "GetBlobProperties": 1, "DeleteBlob": 1})
        self.assertEqual(self.read("foreign"), b"not in the manifest")
        self.project.act("rm", "--yes", f"{self.there}/foreign")
        self.assert_rolled()
        self.assertEqual(self.roll("--delete")[1], {})

        # Nothing here: nothing is deleted.
        shutil.rmtree(self.tree)
        self.tree.mkdir()
        done, requests = self.roll("--delete", expect=1)
        self.assertEqual((done["deleted"], requests), (0, {}))

    def test_without_delete_the_manifest_remembers_what_is_to_go_later(self):
        self.files(14)
        self.roll()
        (self.tree / "1/0001").unlink()
        self.assertEqual(self.roll()[1], {})
        self.assert_rolled()
        done, requests = self.roll("--delete")
        self.assertEqual(done["deleted"], 1)
        self.assert_rolled()

    def test_what_the_selection_leaves_out_stays_as_it_is(self):
        self.files(20)
        self.roll()
        before = self.objects()
        for name in ("1/0001", "1/0008", "2/0002"):
            (self.tree / name).unlink()
        harness.write(self.tree / "1/0015", b"changed")
        done, _ = self.roll("--delete", "--exclude", "1/")
        self.assertEqual((done["files"], done["deleted"]), (0, 1))
        after = self.objects()
        self.assertEqual(set(before) - set(after), {"2/0002"})
        self.assert_rolled()
        done, _ = self.roll("--delete")
        self.assertEqual((done["files"], done["deleted"]), (1, 2))

    def test_real_folders_go_with_what_was_in_them(self):
        self.server.stop()
        shutil.rmtree(self.scratch / "server")
        (self.scratch / "server").mkdir()
        self.begin("--hierarchical")
        for name in ("a-b", "a.txt", "a/b", "a/b-c", "a/b.d/e", "a0", "z/deep/er/x", "z.y"):
            harness.write(self.tree / name, name.encode())
        for name in ("empty", "a/empty", "z/deep/empty"):
            (self.tree / name).mkdir()
        self.roll("--delete")
        self.assertEqual(self.roll("--delete")[1], {})
        shutil.rmtree(self.tree / "z")
        shutil.rmtree(self.tree / "a/b.d")
        (self.tree / "a/empty").rmdir()
        harness.write(self.tree / "a/b", b"changed")
        done, requests = self.roll("--delete")
        self.assertEqual((done["files"], done["failed"], requests["PutBlob"]), (1, 0, 1))
        self.assertIn("equal", self.project.act("check", "./data/tree", self.there).text)
        listed = [line["path"].split("/work/tree") for line in self.project.act("ls", "--json", self.there).lines[:-1]]
        self.assertEqual({below[1:] for _, below in listed if below}, {"a", "a-b", "a.txt", "a/b", "a/b-c", "a0", "empty", "z.y"})
        self.assertEqual(self.roll("--delete")[1], {})

    # --- rolling

    def test_three_runs_tell_what_a_listing_does(self):
        self.files(300)
        for night in range(3):
            for number in range(night, 300, 17):
                harness.write(self.tree / f"{number % 7}/{number:04}", b"night %d" % night)
            for number in range(5 + night, 300, 31):
                (self.tree / f"{number % 7}/{number:04}").unlink(missing_ok=True)
            harness.write(self.tree / f"new-{night}", b"new")
            done, requests = self.roll("--delete")
            self.assertEqual("ListBlobs" in requests, night == 0, requests)
            self.assert_rolled()
            self.assertTrue(self.lines()[-1]["complete"])
            self.assertIn("equal", self.project.act("check", "./data/tree", self.there).text)
            self.assertIn("equal", self.project.act("check", "--extra", "--manifest", "m", "./data/tree").text)
            self.assertIn("equal", self.project.act("check", "--extra", "--manifest", "m", self.there).text)

    def test_what_failed_is_done_again(self):
        self.files(5)
        self.roll()
        path = self.tree / "1/0001"
        shutil.copy2(path, self.scratch / "kept")
        path.unlink()
        os.mkfifo(path)
        done, requests = self.roll(expect=1)
        self.assertEqual((done["failed"], requests), (1, {}))
        self.assertFalse(self.lines()[-1]["complete"])
        self.assertEqual(self.objects()["1/0001"]["state"], "failed")
        path.unlink()
        shutil.copy2(self.scratch / "kept", path)
        done, requests = self.roll()
        self.assertEqual((done["files"], requests), (1, {"PutBlob": 1}), "nothing is proven by a run that failed")
        self.assertTrue(self.lines()[-1]["complete"])
        self.assert_rolled()

    def again(self, *arguments):
        """The same store at the same address, of other conduct."""
        at = self.server.endpoint.split("/")[2]
        self.server.stop()
        self.server = self.serve("--listen", at, *arguments)

    def begun(self, *more, how=signal.SIGKILL, out="m"):
        """A run that ends like this after some changes."""
        command = ("sync", "--concurrency", "1", "--manifest-in", "m", *(("--manifest-out", out) if out else ()), *more)
        harness.admin(self.server, "/reset", "POST")
        running = self.project.start(*command, "./data/tree", self.there)
        while not harness.admin(self.server, "/stats")["requests_total"] > 5:
            self.assertIsNone(running.poll())
        if how:
            running.send_signal(how)
        err = running.communicate()[1].decode()
        self.assertEqual(running.returncode == 0, how is None, err)
        return err

    def test_what_may_have_been_deleted_is_not_taken_for_unchanged(self):
        self.files(400)
        self.roll()
        aside = self.scratch / "aside"
        shutil.copytree(self.tree, aside)
        # With their folders: those would be sent as empty ones first.
        for folder in range(6):
            shutil.rmtree(self.tree / str(folder))
        self.again("--fault", "error500=1")  # half of the requests are carried out
        done, _ = self.roll("--delete", expect=None)
        self.assertGreater(done["failed"], 0)
        self.again()
        self.assertFalse(self.lines()[-1]["complete"])
        shutil.rmtree(self.tree)
        shutil.copytree(aside, self.tree)
        self.assertEqual(self.roll()[0]["failed"], 0)
        self.assert_rolled()
        self.assertIn("equal", self.project.act("check", "--hash", "./data/tree", self.there).text)

    def test_what_is_another_and_stays_is_doubted(self):
        self.files(3)
        self.roll()
        (self.tree / "2/0002").unlink()
        self.put("2/0002", b"x" * 100)
        done, _ = self.roll("--delete", "--max-size", "50")
        self.assertEqual((done["deleted"], done["failed"]), (0, 0))
        self.assertEqual(self.objects()["2/0002"]["state"], "failed")

    def test_what_an_unfinished_run_wrote_is_found_by_a_listing(self):
        self.again("--latency", "50ms")
        self.files(60)
        self.roll()
        manifest = (self.folder / "m").read_bytes()
        old = self.scratch / "old"
        shutil.copytree(self.tree, old)
        for how, out in ((signal.SIGKILL, "m"), (signal.SIGTERM, "m"), (signal.SIGKILL, None), (None, None), (None, "m2")):
            with self.subTest(how=how, out=out):
                for number in range(60):
                    harness.write(self.tree / f"{number % 7}/{number:04}", b"new")
                err = self.begun("--delete", how=how, out=out)
                self.assertEqual("is not believed" in err, how != signal.SIGKILL, err)
                self.assertEqual((self.folder / "m").read_bytes(), manifest)
                self.assertTrue((self.folder / "m.begun").exists())
                self.assertFalse((self.folder / "m2.begun").exists())
                # All is taken back, with its times: by the manifest nothing has changed.
                shutil.rmtree(self.tree)
                shutil.copytree(old, self.tree)
                done, requests = self.counted("sync", "--dry-run", "--manifest-in", "m", "./data/tree", self.there)
                self.assertGreater(done.summary["files"], 0)
                self.assertTrue((self.folder / "m.begun").exists())
                done, requests = self.counted(
                    "sync", "--delete", "--manifest-in", "m", "--manifest-out", "m", "./data/tree", self.there
                )
                self.assertGreater(done.summary["files"], 0)
                self.assertGreater(requests["ListBlobs"], 0)
                for part in ("m is not believed", "m.begun", "is listed", "others added"):
                    self.assertIn(part, done.err)
                self.assertFalse((self.folder / "m.begun").exists())
                self.assert_rolled()
                self.assertIn("equal", self.project.act("check", "--hash", "./data/tree", self.there).text)
                self.assertEqual(self.roll("--delete")[1], {})
                manifest = (self.folder / "m").read_bytes()

    def test_a_run_that_gives_up_leaves_its_mark(self):
        self.files(40)
        self.roll()
        for number in range(40):
            harness.write(self.tree / f"{number % 7}/{number:04}", b"new")
        self.again("--fault", "error500=1")
        self.roll(expect=None)
        self.again()
        self.assertTrue((self.folder / "m.begun").exists())
        self.assertGreater(self.roll()[1]["ListBlobs"], 0)
        self.assert_rolled()
        self.assertFalse((self.folder / "m.begun").exists())

    def test_one_run_at_a_time_with_a_manifest(self):
        self.again("--latency", "100ms")
        self.files(60)
        self.roll()
        for number in range(60):
            harness.write(self.tree / f"{number % 7}/{number:04}", b"new")
        command = ("sync", "--concurrency", "1", "--manifest-in", "m", "--manifest-out", "m", "./data/tree", self.there)
        harness.admin(self.server, "/reset", "POST")
        running = self.project.start(*command)
        while not harness.admin(self.server, "/stats")["requests_total"] > 5:
            self.assertIsNone(running.poll())
        other = self.project.act(*command, expect=None)
        self.assertNotEqual(other.code, 0)
        self.assertIn("another run is at work", other.err)
        for line in (("--manifest-in", "m"), ("--manifest-out", "m")):
            self.assertIn("another run", self.project.act("sync", *line, "./data/tree", self.there, expect=None).err)
        self.assertIsNone(running.poll())
        running.communicate()
        self.assertEqual(running.returncode, 0)
        self.assert_rolled()
        self.assertEqual(self.roll()[1], {})

    def test_where_no_mark_can_be_made_nothing_is_changed(self):
        self.files(3)
        self.roll()
        # Root may write anywhere, but no name that is too long.
        name = "m" * 252
        shutil.copy(self.folder / "m", self.folder / name)
        line = ("sync", "--manifest-in", name, "./data/tree", self.there)
        self.assertEqual(self.counted(*line)[1], {}, "nothing to change")
        harness.write(self.tree / "1/0001", b"new")
        done, requests = self.counted(*line, expect=None)
        self.assertNotEqual(done.code, 0)
        self.assertIn("m.begun", done.text)
        self.assertEqual(requests, {})

    def test_killed_and_interrupted_the_old_manifest_stays_and_the_next_run_mends(self):
        self.server.stop()
        self.begin("--latency", "50ms")
        self.files(60)
        self.roll()
        manifest = (self.folder / "m").read_bytes()
        for round, how in enumerate((signal.SIGKILL, signal.SIGINT)):
            for number in range(60):
                harness.write(self.tree / f"{number % 7}/{number:04}", b"round %d" % round)
            (self.tree / "0/0007").unlink(missing_ok=True)
            command = ("sync", "--delete", "--concurrency", "1", "--manifest-in", "m", "--manifest-out", "m")
            harness.admin(self.server, "/reset", "POST")
            running = self.project.start(*command, "./data/tree", self.there)
            while not harness.admin(self.server, "/stats")["requests_total"] > 5:
                self.assertIsNone(running.poll())
            running.send_signal(how)
            running.communicate()
            self.assertNotEqual(running.returncode, 0)
            self.assertEqual((self.folder / "m").read_bytes(), manifest)
            done, requests = self.roll("--delete")
            self.assertEqual(done["failed"], 0)
            self.assertGreater(requests["ListBlobs"], 0, "the manifest is not believed")
            self.assertLess(done["files"], 60)
            self.assert_rolled()
            self.assertIn("equal", self.project.act("check", "./data/tree", self.there).text)
            manifest = (self.folder / "m").read_bytes()

    # --- which manifest

    def test_a_wrong_or_damaged_manifest_is_refused_before_anything_is_done(self):
        self.files(9)
        self.roll()
        harness.write(self.tree / "0/0000", b"changed")
        text = (self.folder / "m").read_text().splitlines(keepends=True)
        broken = {
            "torn": ("".join(text[:-1]), ("line 10", "not whole", "--manifest-out")),
            "half": ("".join(text[:-2]) + text[-2][:40], ("line 10", "JSON")),
            "middle": ("".join(text[:4] + ['{"type":"obj\n'] + text[5:]), ("line 5", "JSON")),
            "swapped": ("".join(text[:2] + [text[3], text[2]] + text[4:]), ("line 4", "order")),
            "twice": ("".join(text[:3] + text[2:]), ("line 4", "twice")),
            "short": ("".join(text[:3] + text[4:]), ("9 objects", "8 are there")),
            "plain": ("a\nb\n", ("no manifest",)),
            "empty": ("", ("no manifest",)),
            "future": ("".join([text[0].replace('"version":1', '"version":2')] + text[1:]), ("version 2",)),
            "foreign": ("".join(text).replace("/work/tree", "/work/other"), ("/work/other", "/work/tree")),
        }
        for name, (content, said) in broken.items():
            with self.subTest(name=name):
                (self.folder / name).write_text(content)
                done, requests = self.counted(
                    "sync", "--delete", "--manifest-in", name, "--manifest-out", name, "./data/tree", self.there, expect=None
                )
                self.assertNotEqual(done.code, 0)
                self.assertEqual(requests, {})
                for part in said:
                    self.assertIn(part, done.text)
                self.assertEqual((self.folder / name).read_text(), content)
        self.assertEqual({p.name for p in self.folder.iterdir()} & {"m", *broken}, {"m", *broken})
        self.assertFalse([p for p in self.folder.iterdir() if "part" in p.name or p.name.startswith(".m")])
        # A container of the same path in another one is foreign, too; and a manifest is that of one direction.
        done = self.project.act("cp", "--manifest-in", "m", "./data/tree", f"{self.server.endpoint}/more/tree", expect=2)
        self.assertIn("/more/tree", done.err)
        self.project.act("cp", "--manifest-out", "down", self.there, "./back")
        done = self.project.act("cp", "--manifest-in", "down", "./data/tree", self.there, expect=2)
        self.assertIn("is the manifest of", done.err)

    def test_older_manifests_are_used_as_far_as_they_go(self):
        self.files(9)
        self.roll()
        old = lambda line: {k: v for k, v in line.items() if k not in ("destination", "modified")}
        self.rewrite("hashes", old)
        done, requests = self.counted("u", "--manifest-in", "hashes", "--manifest-out", "m2", "data/tree")
        self.assertEqual((done.summary["files"], done.summary["skipped"], requests), (0, 9, {}))
        self.assertIn("does not tell which destination", done.err)
        self.assert_rolled("m2")
        self.assertTrue(all("modified" in o for o in self.objects("m2").values()))
        self.assertIn("destination", self.lines("m2")[0])
        # It says nothing about what may be deleted.
        done = self.project.act("sync", "--delete", "--manifest-in", "hashes", "./data/tree", self.there, expect=2)
        self.assertIn("does not tell which destination", done.err)
        # What such a manifest calls unchanged need not be what the file is (--overwrite never).
        self.rewrite("left", lambda line: {**{k: v for k, v in line.items() if k not in ("destination", "hash")},
                                           **({"state": "unchanged"} if "state" in line else {})})  # fmt: skip
        done, requests = self.counted("u", "--manifest-in", "left", "--dry-run", "data/tree")
        self.assertEqual((done.summary["files"], requests), (9, {}))
        # With no more than an ETag all counts as changed.
        self.rewrite("tags", lambda line: {k: v for k, v in old(line).items() if k != "hash"})
        done, requests = self.counted("u", "--manifest-in", "tags", "data/tree")
        self.assertEqual((done.summary["files"], requests), (9, {"PutBlob": 9}))

    def test_wrong_use(self):
        self.files(1)
        (self.folder / "list").write_text("0/0000\n")
        for command, said in (
            (("d", "--manifest-in", "m", "data/tree"), "no option"),
            (("cp", "--manifest-in", "m", self.there, "./x"), "listing alone"),
            (("cp", "--manifest-in", "m", self.there, self.there + "2"), "listing alone"),
            (("sync", "--manifest-in", "m", self.there, "./x"), "listing alone"),
            (("cp", "--manifest-in", "m", "-", self.there), "stream"),
            (("u", "--manifest-in", "m", "data/a", "data/b"), "several"),
            (("u", "--manifest-in", "m", "--from-list", "list", "data/tree"), "--from-list"),
            (("u", "--manifest-in", "-", "data/tree"), "standard input"),
            (("u", "--manifest-in", ".", "data/tree"), "folder"),
        ):
            with self.subTest(command=command):
                failed = self.project.act(*command, expect=None)
                self.assertNotEqual(failed.code, 0, failed)
                self.assertIn(said, failed.err)
        self.assertFalse((self.folder / "x").exists())

    def test_a_single_file_is_looked_at(self):
        harness.write(self.tree / "a", b"1")
        line = ("u", "--manifest-in", "m", "--manifest-out", "m", "data/tree/a")
        self.counted(*line)
        self.assertEqual(self.counted(*line)[1], {"GetBlobProperties": 1})
        harness.write(self.tree / "a", b"changed")
        self.assertEqual(self.counted(*line)[1], {"GetBlobProperties": 1, "PutBlob": 1})
        self.assertEqual({n: o["size"] for n, o in self.objects().items()}, {"a": 7})

    def test_a_folder_in_the_way_is_looked_at(self):
        (self.tree / "a").mkdir(parents=True)
        harness.write(self.tree / "b", b"1")
        self.roll()
        (self.tree / "a").rmdir()
        harness.write(self.tree / "a", b"file")
        done, requests = self.roll(expect=1)
        self.assertEqual((done["failed"], requests), (1, {"GetBlobProperties": 1}))
        self.project.act("rm", "--yes", f"{self.there}/a")
        done, requests = self.roll()
        self.assertEqual((done["files"], requests), (1, {"GetBlobProperties": 1, "PutBlob": 1}))
        self.assert_rolled()

    def test_links_and_types_are_in_it(self):
        harness.write(self.tree / "a", b"content")
        os.symlink("a", self.tree / "link")
        harness.write(self.tree / "page", b"x" * 512)
        line = ("u", "--manifest-in", "m", "--manifest-out", "m", "--preserve-symlinks", "--blob-type", "page")
        os.truncate(self.tree / "a", 1024)
        self.project.act(*line, "data/tree")
        self.assertTrue(self.objects()["link"]["link"])
        self.assertEqual(self.objects()["page"]["blob_type"], "page")
        self.assertEqual(self.counted(*line, "data/tree")[1], {})
        self.assert_rolled()
        # As block blobs they are others; and a link is another thing than what it leads to.
        done, requests = self.counted("u", "--manifest-in", "m", "--manifest-out", "m", "--blob-type", "block", "data/tree")
        self.assertEqual((done.summary["files"], done.summary["failed"]), (3, 0))
        self.assert_rolled()


if __name__ == "__main__":
    unittest.main()
