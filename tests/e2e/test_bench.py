"""`act bench`: measures, names a limit, and leaves nothing behind, whatever ends it."""

import json
import os
import pathlib
import signal
import unittest
import urllib.request

import harness
import servers

ROWS = ["upload-large", "download-large", "copy-large", "upload-small", "list", "download-small", "copy-small", "delete",
        "put", "get"]  # fmt: skip
TINY = ("--large", "9MiB", "--small-count", "60", "--small-size", "2KiB")


class Bench(servers.OwnStore):
    def setUp(self):
        super().setUp()
        self.files = self.scratch / "files"
        self.files.mkdir()

    def project(self, server=None):
        return harness.Project(self.scratch / "project", server and server.endpoint)

    def get(self, server, path, query):
        with urllib.request.urlopen(f"{server.endpoint}{path}?{query}&{harness.account_sas()}", timeout=30) as answer:
            return answer.read().decode()

    def assert_nothing_left(self, server=None, container=None):
        self.assertEqual(list(self.files.iterdir()), [])
        if not server:
            return
        containers = self.get(server, "", "comp=list")
        if container is None:
            self.assertNotIn("<Container>", containers)
        else:
            blobs = self.get(server, f"/{container}", "restype=container&comp=list&include=uncommittedblobs")
            self.assertEqual(blobs.count("<Blob>"), 1, blobs)
            self.assertIn("<Name>mine</Name>", blobs)

    def test_nothing_configured(self):
        project = self.project()
        done = project.act("bench", "--json", "--repeat", "2", "--folder", self.files, *TINY)
        events = [json.loads(line) for line in done.out.splitlines()]
        self.assertEqual(events[0]["type"], "bench")
        self.assertEqual((events[0]["large"], events[0]["small_count"], events[0]["repeat"]), (9 << 20, 60, 2))
        self.assertEqual([e["row"] for e in events if e["type"] == "run"], 2 * ROWS)
        rows = {e["row"]: e for e in events if e["type"] == "row"}
        self.assertEqual(list(rows), ROWS)
        for name, row in rows.items():
            for key in ("elapsed_s", "mib_per_s", "objects_per_s", "p50_ms", "p90_ms", "p99_ms", "cpu_s", "in_flight"):
                self.assertIsInstance(row[key], float, (name, key))
            for key in ("objects", "bytes", "peak_bytes", "requests", "refused", "rounds"):
                self.assertIsInstance(row[key], int, (name, key))
            self.assertIsInstance(row["limited_by"], str)
            self.assertTrue(row["evidence"])
            self.assertLessEqual(row["p50_ms"], row["p99_ms"])
            self.assertEqual(row["rounds"], 2)
        self.assertEqual((rows["upload-large"]["objects"], rows["upload-large"]["bytes"]), (1, 9 << 20))
        for name in ("upload-small", "download-small", "copy-small", "list", "delete"):
            self.assertEqual(rows[name]["objects"], 60, name)
        # One request for each, and one that lists what is there.
        self.assertEqual(rows["upload-small"]["requests"], 61)
        self.assertEqual(rows["put"]["requests"], 200)
        self.assertIn("cpu_s_per_gib", rows["upload-large"])
        self.assertIn("cpu_s_per_1000", rows["upload-small"])
        self.assertEqual((events[-1]["type"], events[-1]["verb"], events[-1]["failed"]), ("summary", "bench", 0))
        self.assert_nothing_left()
        self.assertFalse((project.home / "data").exists(), "the store of the built-in cluster is not touched")

    def test_table_for_people(self):
        done = self.project().act("bench", "--only", "put,list", "--repeat", "1", "--folder", self.files, *TINY)
        self.assertIn("limited by", done.out)
        self.assertRegex(done.out, r"(?m)^put +\d+/s ")
        self.assertRegex(done.out, r"(?m)^list +\d+/s ")
        self.assertNotRegex(done.out, r"(?m)^get ")
        self.assert_nothing_left()

    def test_an_account_is_left_as_it_was(self):
        server = self.serve()
        project = self.project(server)
        project.act("bench", "--folder", self.files, *TINY)
        self.assert_nothing_left(server)
        harness.create_container(server.endpoint, "mine")
        harness.write(project.folder / "mine", b"mine")
        project.act("cp", "./mine", f"{server.endpoint}/mine/mine")
        project.act("bench", "--folder", self.files, *TINY, f"{server.endpoint}/mine")
        self.assert_nothing_left(server, "mine")

    def test_the_built_in_store_of_this_user(self):
        project = self.project()
        harness.write(project.folder / "data/mine", b"mine")
        project.act("u", "data/mine")
        project.act("bench", "--only", "large,small", "--folder", self.files, *TINY, "local:data")
        self.assertIn("1 blob", project.act("ls", "data").out)
        self.assert_nothing_left()

    def interrupted(self, server, wanted, *arguments):
        """Interrupts when `wanted` says so of a line, and waits for the end."""
        project = self.project(server)
        process = project.start("bench", "--json", "--folder", self.files, *arguments)
        self.addCleanup(process.kill)
        for line in process.stdout:
            if wanted(json.loads(line)):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertEqual(json.loads(out.splitlines()[-1])["type"], "summary")
        self.assertIn("removing what was made", err.decode())

    def test_interrupt_with_many_blobs_there(self):
        server = self.serve()
        harness.create_container(server.endpoint, "mine")
        harness.write(self.scratch / "project/mine", b"mine")
        self.project(server).act("cp", "./mine", f"{server.endpoint}/mine/mine")
        reached = lambda event: event["type"] == "run" and event["row"] == "upload-small"
        self.interrupted(server, reached, *TINY, "--repeat", "1000", f"{server.endpoint}/mine")
        self.assert_nothing_left(server, "mine")

    def test_interrupt_in_the_middle_of_a_large_one(self):
        server = self.serve("--bandwidth", "3MiB/s")
        harness.create_container(server.endpoint, "mine")
        harness.write(self.scratch / "project/mine", b"mine")
        self.project(server).act("cp", "./mine", f"{server.endpoint}/mine/mine")
        begun = lambda event: event["type"] == "bench"
        self.interrupted(server, begun, "--only", "upload-large", "--large", "300MiB", f"{server.endpoint}/mine")
        self.assert_nothing_left(server, "mine")

    def test_interrupt_with_nothing_configured(self):
        reached = lambda event: event["type"] == "run" and event["row"] == "upload-large"
        self.interrupted(None, reached, *TINY, "--repeat", "1000")
        self.assert_nothing_left()

    def test_a_second_interrupt_says_what_is_left(self):
        server = self.serve("--latency", "1s")
        project = self.project(server)
        process = project.start("bench", "--json", "--only", "put", "--folder", self.files)
        self.addCleanup(process.kill)
        self.assertEqual(json.loads(process.stdout.readline())["type"], "bench")
        process.send_signal(signal.SIGINT)
        while b"removing what was made" not in (line := process.stderr.readline()):
            self.assertTrue(line, "it ended without a word of what it removes")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130)
        self.assertRegex(err.decode(), "left behind: .*files/act-bench-.* and what is below http.*/act-bench-")

    def test_limits_are_named(self):
        slow = self.serve("--latency", "20ms")
        row = lambda done, name: next(e for e in map(json.loads, done.out.splitlines())
                                      if e["type"] == "row" and e["row"] == name)  # fmt: skip
        project = self.project(slow)
        put = row(project.act("bench", "--json", "--only", "put", "--folder", self.files), "put")
        self.assertEqual(put["limited_by"], "latency")
        self.assertGreaterEqual(put["p50_ms"], 19)
        slow.stop()
        busy = self.serve("--limit", "100/s")
        up = row(self.project(busy).act("bench", "--json", "--only", "upload-small", "--small-count", "400", "--folder",
                                        self.files), "upload-small")  # fmt: skip
        self.assertEqual(up["limited_by"], "the service's limit")
        self.assertGreater(up["refused"], 0)
        harness.admin(busy, "/limit?rate=0", "POST")  # this test's own request may be refused too
        self.assert_nothing_left(busy)

    def test_too_little_room_and_wrong_words(self):
        project = self.project()
        for arguments in (("--only", "nothing"), ("a", "b"), ("-",), ("--large", "0")):
            self.assertEqual(project.act("bench", *arguments, expect=None).code, 2, arguments)
        self.assertEqual(project.act("bench", "--folder", "nowhere", expect=None).code, 5)
        free = os.statvfs(self.files)
        huge = free.f_bavail * free.f_frsize
        done = project.act("bench", "--only", "put", "--folder", self.files, "--large", str(huge), "--small-count", "10")
        self.assertIn("has room for", done.err)
        self.assertFalse(pathlib.Path(self.files, "large").exists())

    def test_a_failure_leaves_nothing_behind_either(self):
        server = self.serve("--fault", "list=1:403")
        project = self.project(server)
        failed = project.act("bench", *TINY, "--folder", self.files, expect=None)
        self.assertIn(failed.code, (1, 4), failed)
        self.assertEqual(list(self.files.iterdir()), [])
