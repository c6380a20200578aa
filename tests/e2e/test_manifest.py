"""Lists, manifests and what is told of failures: by the store's own counters, and line by line of --json."""

import json
import os
import signal
import unittest

import harness
import servers

NUMBERS = (int, float)
# Every type of line: its fields and what they hold. What is in brackets may be missing.
SCHEMA = {
    "summary": {"verb": str, "[failed]": int, "[files]": int, "[bytes]": int, "[skipped]": int, "[requests]": int,
                "[bytes_sent]": int, "[bytes_received]": int, "[hedged]": int, "[elapsed_s]": NUMBERS, "[deleted]": int,
                "[server_side]": int, "[through_client]": int, "[permissions_set]": int, "[same]": int, "[bytes_same]": int, "[differ]": int,
                "[missing]": int, "[extra]": int, "[by_size]": int},
    "failure": {"path": str, "code": str, "status": int, "request_id": str, "message": str, "advice": str,
                "[errno]": str, "[name]": str, "[source]": str, "[destination]": str},
    "difference": {"what": str, "path": str, "size": int},
    "item": {"action": str, "path": str, "size": int},
    "blob": {"path": str, "size": int, "[name]": str, "[modified]": str, "[etag]": str, "[level]": int,
             "[directory]": bool, "[snapshot]": str, "[blob_type]": str, "[tier]": str, "[md5]": str,
             "[content_type]": str, "[lease_state]": str},
    "prefix": {"name": str, "path": str},
    "folder": {"path": str, "[files]": int, "[bytes]": int, "[level]": int},
    "manifest": {"version": int, "verb": str, "[destination]": str},
    "object": {"name": str, "size": int, "state": str, "[source]": str, "[folder]": bool, "[etag]": str,
               "[modified]": str, "[hash]": str, "[link]": bool, "[blob_type]": str},
    "end": {"objects": int, "complete": bool},
    "url": {"path": str, "url": str, "[expires]": str},
    "container": {"url": str, "made": bool},
    "forecast": {"writes": int, "reads": int, "lists": int, "others": int, "deletes": int, "[cost_millionths]": int,
                 "[currency]": str, "[seconds]": float, "[rates_of]": str},
}  # fmt: skip


class Manifest(servers.OwnStore):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.project = harness.Project(self.scratch / "project", self.server.endpoint)
        self.folder = self.project.folder

    def counted(self, *command, **more):
        """What the command did, and what it cost by the store's own count: {"PutBlob": {"201": 3}, ...}."""
        harness.admin(self.server, "/reset", "POST")
        done = self.project.act(*command, **more)
        requests = harness.admin(self.server, "/stats")["requests"]
        return done, requests

    @staticmethod
    def total(requests):
        return sum(sum(statuses.values()) for statuses in requests.values())

    def small_files(self, count):
        for number in range(count):
            harness.write(self.folder / f"data/tree/{number:03}", b"x" * number)

    def list_file(self, lines, name="list"):
        path = self.folder / name
        path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return name

    def read(self, name):
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def conform(self, line):
        fields = SCHEMA.get(line["type"])
        self.assertIsNotNone(fields, line)
        known = {name.strip("[]"): kind for name, kind in fields.items()}
        for name in fields:
            self.assertTrue(name.startswith("[") or name in line, (name, line))
        for name, value in line.items():
            if name == "type":
                continue
            self.assertIn(name, known, line)
            self.assertIsInstance(value, known[name], (name, line))
            self.assertEqual(isinstance(value, bool), known[name] is bool, (name, line))

    # --- lists

    def test_sizes_spare_every_look(self):
        count = 300
        self.small_files(count)
        self.project.act("mkcontainer", f"{self.server.endpoint}/work")
        names = self.list_file({"name": f"{n:03}", "size": n} for n in range(count))
        done, requests = self.counted("u", "--json", "--from-list", names, "data/tree")
        self.assertEqual((done.summary["files"], done.summary["failed"]), (count, 0))
        self.assertEqual(self.total(requests), count + 1, requests)
        self.assertNotIn("GetBlobProperties", requests)

        for path in (self.folder / "data/tree").iterdir():
            path.unlink()
        done, requests = self.counted("d", "--json", "--from-list", names, "data/tree")
        self.assertEqual((done.summary["files"], done.summary["failed"]), (count, 0))
        self.assertEqual(self.total(requests), count, requests)
        self.assertNotIn("GetBlobProperties", requests)

    def test_names_from_standard_input_and_with_nul(self):
        self.small_files(40)
        self.project.act("u", "data/tree")
        back = self.scratch / "back"
        source = f"{self.server.endpoint}/work/some/path/tree"
        for arguments, text in ((("--from-list", "-"), b"001\r\n\n002\n039"), (("-0", "--from-list=-"), b"003\x00004\x00")):
            read, write = os.pipe()
            os.write(write, text)
            os.close(write)
            done = self.project.act("cp", "--json", *arguments, source, back, stdin=read)
            os.close(read)
            self.assertEqual(done.summary["failed"], 0, done)
        self.assertEqual(sorted(p.name for p in back.iterdir()), ["001", "002", "003", "004", "039"])

    def test_bad_lines_are_named_and_the_rest_is_done(self):
        self.small_files(3)
        names = self.list_file(["001", "../../outside", "/etc/passwd", "nobody", "{", "002"])
        done = self.project.act("u", "--json", "--from-list", names, "data/tree", expect=1)
        self.assertEqual((done.summary["files"], done.summary["failed"]), (2, 4))
        failures = {line["path"]: line for line in done.lines if line["type"] == "failure"}
        for place in ("list:2", "list:3", "list:5"):
            self.assertEqual(failures[place]["code"], "usage", failures)
        self.assertIn("leads out", failures["list:2"]["message"])
        nobody = next(line for line in failures.values() if line.get("name") == "nobody")
        self.assertEqual(nobody["code"], "not_found")

    def test_wrong_use(self):
        self.small_files(1)
        self.list_file(["000"])
        for command, said in (
            (("u", "--from-list", "list", "data/a", "data/b"), "several"),
            (("u", "--from-list", "list", "--include", "*", "data/tree"), "--include"),
            (("u", "--null", "data/tree"), "--from-list"),
            (("u", "--dry-run", "--manifest-out", "m", "data/tree"), "dry run"),
            (("u", "--manifest-out", "no/such/../..", "data/tree"), ""),
            (("rm", "--from-list", "-", "data/tree"), "--yes"),
            (("check", "--extra", "a", "b"), "--manifest"),
            (("rm", "--yes", "--from-list=", "data/tree"), "--from-list cannot be"),
            (("sync", "--from-list", "list", "a", "b"), "no option"),
            (("cp", "local:tree/000", "-", "--manifest-out", "m"), "--manifest-out"),
            (("u", "--from-list", ".", "data/tree"), "folder"),
        ):
            failed = self.project.act(*command, expect=None)
            self.assertNotEqual(failed.code, 0, failed)
            self.assertIn(said, failed.err)

    def test_removes_by_list_and_nothing_else(self):
        self.small_files(5)
        self.project.act("u", "data/tree")
        names = self.list_file(["001", {"name": "003"}])
        self.project.act("rm", "--yes", "--from-list", names, "data/tree")
        left = self.project.act("ls", "--json", "data/tree").lines
        self.assertEqual([line["name"][-3:] for line in left if line["type"] == "blob"], ["000", "002", "004"])

    def test_what_is_not_as_the_list_tells_is_not_removed(self):
        self.small_files(5)
        self.project.act("u", "--manifest-out", "m", "data/tree")
        files = sorted((self.folder / "data/tree").rglob("*"))
        files[1].write_bytes(b"written again, and longer than before")
        self.project.act("u", "data/tree")
        for dry, removed in (("--dry-run", 4), ("--yes", 4)):
            done = self.project.act("rm", dry, "--json", "--from-list", "m", "data/tree", expect=1)
            self.assertEqual((done.summary["files"], done.summary["failed"]), (removed, 1))
        left = [line["name"] for line in self.project.act("ls", "--json", "data/tree").lines if line["type"] == "blob"]
        self.assertEqual([name[-3:] for name in left], [files[1].name[-3:]])
        # Where there is but a size.
        name = left[0].rsplit("/", 1)[-1]
        self.project.act("rm", "--yes", "--from-list", self.list_file([{"name": name, "size": 1}]), "data/tree", expect=1)
        self.project.act("rm", "--yes", "--from-list", self.list_file([{"name": name, "size": 37}, {"name": "gone", "size": 1}]), "data/tree")
        self.project.act("ls", "data/tree", expect=5)

    # --- manifests

    def test_manifest_tells_all_and_check_verifies(self):
        self.small_files(30)
        harness.write(self.folder / "data/tree/a-b", b"before a/b")
        harness.write(self.folder / "data/tree/a/large", harness.content(20 << 20, 7))
        (self.folder / "data/tree/empty").mkdir()
        self.project.act("u", "--manifest-out", "m", "data/tree")
        lines = self.read("m")
        for line in lines:
            self.conform(line)
        self.assertEqual(lines[0], {"type": "manifest", "version": 1, "verb": "upload",
                                    "destination": f"{self.server.endpoint}/work/some/path/tree"})  # fmt: skip
        self.assertEqual(lines[-1], {"type": "end", "objects": 33, "complete": True})
        names = [line["name"] for line in lines[1:-1]]
        self.assertEqual(names, sorted(names, key=str.encode))
        self.assertEqual({line["state"] for line in lines[1:-1]}, {"written"})
        large = next(line for line in lines if line.get("name") == "a/large")
        self.assertRegex(large["hash"], r"^xxh3-128/8388608:[0-9a-f]{32}$")

        there = f"{self.server.endpoint}/work/some/path/tree"
        self.assertIn("equal: 33 items", self.project.act("check", "--manifest", "m", "--extra", "data/tree").out)
        done, requests = self.counted("check", "--manifest", "m", there)
        self.assertIn("equal: 33 items", done.out)
        self.assertLessEqual(self.total(requests), 2)

        # All is unchanged: told as such.
        self.project.act("u", "--manifest-out", "m2", "data/tree")
        self.assertEqual({line["state"] for line in self.read("m2")[1:-1]}, {"unchanged"})
        self.assertEqual([line["etag"] for line in self.read("m2")[1:-1]], [line["etag"] for line in lines[1:-1]])

        # The manifest is the list of a download: no look-ups, and then nothing at all.
        elsewhere = self.scratch / "elsewhere"
        done, requests = self.counted("cp", "--json", "--from-list", "m", "--manifest-out", "m3", there, elsewhere)
        self.assertEqual((done.summary["files"], done.summary["failed"]), (33, 0))
        self.assertEqual(self.total(requests), 31 + 1 + 3, requests)
        self.assertNotIn("GetBlobProperties", requests)
        strip = lambda name: [{k: v for k, v in line.items() if k not in ("verb", "destination")} for line in self.read(name)]
        self.assertEqual(strip("m3"), strip("m"))
        done, requests = self.counted("cp", "--json", "--from-list", "m", there, elsewhere)
        self.assertEqual((done.summary["skipped"], self.total(requests)), (33, 0))

        # Each kind of difference.
        for change in ("content", "size", "missing", "extra"):
            target = elsewhere / "020"
            saved = target.read_bytes()
            if change == "content":
                target.write_bytes(b"y" * 20)
            elif change == "size":
                target.write_bytes(b"x" * 21)
            elif change == "missing":
                target.unlink()
            else:
                (elsewhere / "more").write_bytes(b"")
            done = self.project.act("check", "--json", "--manifest", "m", "--extra", elsewhere, expect=1)
            told = [line for line in done.lines if line["type"] == "difference"]
            self.assertEqual([line["what"] for line in told], [change])
            target.write_bytes(saved)
        (elsewhere / "more").unlink()
        harness.write(self.folder / "data/tree/020", b"y" * 20)
        self.project.act("u", "data/tree")
        done = self.project.act("check", "--json", "--manifest", "m", there, expect=1)
        self.assertEqual([(d["what"], d["path"]) for d in done.lines if d["type"] == "difference"], [("etag", "020")])

        # What check finds is a list, too.
        (self.folder / "found").write_text(self.project.act("check", "--json", "data/tree", elsewhere, expect=1).out)
        done = self.project.act("cp", "--json", "--from-list", "found", "--force", there, elsewhere)
        self.assertEqual(done.summary["files"], 1, done)
        self.assertEqual((elsewhere / "020").read_bytes(), b"y" * 20)

    def test_a_manifest_that_was_cut_is_refused_and_an_incomplete_one_says_so(self):
        self.small_files(3)
        self.project.act("u", "--manifest-out", "m", "data/tree")
        text = (self.folder / "m").read_text()
        (self.folder / "cut").write_text("".join(text.splitlines(keepends=True)[:-1]))
        failed = self.project.act("check", "--manifest", "cut", "data/tree", expect=None)
        self.assertNotEqual(failed.code, 0)
        self.assertIn("not whole", failed.err)
        names = self.list_file(["001", "nobody"])
        self.project.act("u", "--from-list", names, "--manifest-out", "part", "data/tree", expect=1)
        self.assertEqual(self.read("part")[-1], {"type": "end", "objects": 1, "complete": False})
        self.assertIn("warning: part", self.project.act("check", "--manifest", "part", "data/tree").err)

    def test_several_paths_are_named_below_what_they_share(self):
        harness.write(self.folder / "data/a/x", b"1")
        harness.write(self.folder / "data/b/x", b"2")
        harness.write(self.folder / "data/c", b"3")
        self.project.act("u", "--manifest-out", "m", "data/a", "data/b", "data/c")
        self.assertEqual([line["name"] for line in self.read("m")[1:-1]], ["a/x", "b/x", "c"])
        self.assertIn("equal: 3 items", self.project.act("check", "--manifest", "m", "data").out)
        self.project.act("cp", "--manifest-out", "m2", "data/a", "data/c", f"{self.server.endpoint}/work/other/")
        self.assertEqual([line["name"] for line in self.read("m2")[1:-1]], ["a/x", "c"])
        self.project.act("check", "--manifest", "m2", f"{self.server.endpoint}/work/other")

    # --- failures

    def test_the_failed_items_are_the_list_of_the_next_run(self):
        self.small_files(20)
        self.project.act("u", "data/tree")
        for path in (self.folder / "data/tree").iterdir():
            path.unlink()
        # Folders stand where files should go.
        for name in ("003", "007"):
            (self.folder / "data/tree" / name).mkdir()
        for how in ("json", "file"):
            more = ("--json",) if how == "json" else ("--failed-out", "failed")
            done = self.project.act("d", *more, "data/tree", expect=1)
            if how == "json":
                (self.folder / "failed").write_text(done.out)
            else:
                self.assertIn("--from-list failed", done.err)
                self.assertIn("act d --failed-out failed data/tree", done.err)
                self.assertEqual([line["name"] for line in self.read("failed")], ["003", "007"])
                for line in self.read("failed"):
                    self.conform(line)
            (self.folder / "data/tree/003").rmdir()
            again = self.project.act("d", "--json", "--from-list", "failed", "data/tree", expect=1)
            self.assertEqual((again.summary["files"], again.summary["failed"]), (1, 1))
            (self.folder / "data/tree/003").unlink()
            (self.folder / "data/tree/003").mkdir()
        self.assertIn("2 files failed", done.err)
        self.assertEqual(done.err.count("move the folder away"), 1)

    def test_the_command_to_continue_holds_no_secret(self):
        self.small_files(3)
        sas = harness.account_sas()
        url = f"{self.server.endpoint}/work/t?{sas}"
        self.project.act("cp", "data/tree", url)
        names = self.list_file(["001", "../x"])
        # One fails for a reason that may go away: a folder in the way of a file.
        (self.scratch / "to/001").mkdir(parents=True)
        failed = self.project.act("cp", url, self.scratch / "to", expect=1)
        self.assertIn("run the same command again to continue: act cp", failed.err)
        self.assertIn("in place of ***", failed.err)
        self.assertNotIn(sas.split("sig=")[1], failed.text)
        self.assertTrue(names)

    def test_interrupted_the_files_say_what_they_lack(self):
        slow = self.serve("--latency", "200ms")
        project = harness.Project(self.scratch / "slow", slow.endpoint)
        for number in range(400):
            harness.write(project.folder / f"data/tree/{number:03}", b"x")
        running = project.start("u", "--concurrency", "1", "--manifest-out", "m", "--failed-out", "f", "data/tree")
        while not harness.admin(slow, "/stats")["requests_total"] > 3:
            self.assertIsNone(running.poll())
        running.send_signal(signal.SIGINT)
        running.communicate()
        self.assertEqual(running.returncode, 130)
        end = json.loads((project.folder / "m").read_text().splitlines()[-1])
        self.assertEqual((end["type"], end["complete"]), ("end", False))
        self.assertLess(end["objects"], 400)
        # A list that lacks what was not begun does not pass for the whole.
        again = project.act("u", "--json", "--from-list", "f", "data/tree", expect=None)
        self.assertNotEqual(again.code, 0)
        self.assertIn("whole command", again.out)

    # --- the lines of --json

    def test_every_line_of_every_verb_has_its_type(self):
        self.small_files(3)
        store = f"{self.server.endpoint}/work"
        for command in (
            ("mkcontainer", store), ("u", "--dry-run", "data/tree"), ("u", "data/tree"), ("u", "data/none"),
            ("d", "data/tree"), ("d", "--dry-run", "--force", "data/tree"), ("d", "data/none"), ("ls", "data/tree"),
            ("ls", "--long", "data/tree"), ("du", "data"), ("tree", "data"), ("cp", "data/tree", store + "/c"),
            ("cp", store + "/c", store + "/d"), ("sync", "--delete", "data/tree", store + "/c"),
            ("check", "data/tree", store + "/c"), ("check", "data", store + "/c"), ("set", "--tier", "Cool", "data/tree"),
            ("mv", store + "/d", store + "/e"), ("url", "data/tree/001"), ("rm", "--dry-run", "data/tree"),
            ("rm", "--yes", "data/tree"), ("rm", "--yes", "data/tree"), ("ls", "--nope"),
        ):  # fmt: skip
            with self.subTest(command=" ".join(command)):
                done = self.project.act(*command, "--json", expect=None)
                self.assertTrue(done.lines)
                for line in done.lines:
                    self.conform(line)
                self.assertEqual(done.lines[-1]["type"], "summary")


if __name__ == "__main__":
    unittest.main()
