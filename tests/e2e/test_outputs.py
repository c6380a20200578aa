"""Where results, manifests and lists go: files, links, pipes and devices, and full disks."""

import json
import os
import signal
import stat
import subprocess
import threading
import unittest

import harness
import servers


class Outputs(servers.OnServers, unittest.TestCase):
    server_kind = "store"

    def setUp(self):
        super().setUp()
        self.project = harness.Project(self.folder("project"), self.endpoint)
        for name in ("a", "b"):
            harness.write(self.project.folder / "data/tree" / name, b"some data")

    def act_with(self, *arguments, **more):
        """As harness.run, with what subprocess.run knows."""
        command = [harness.ACT, *map(str, arguments)]
        return subprocess.run(command, cwd=self.project.folder, env=self.project.env, check=False, timeout=120, **more)

    @staticmethod
    def minds(pid, number):
        """Whether the process catches the signal."""
        with open(f"/proc/{pid}/status") as status:
            caught = next(int(line.split()[1], 16) for line in status if line.startswith("SigCgt"))
        return bool(caught >> (number - 1) & 1)

    def check_manifest(self, text):
        lines = [json.loads(line) for line in text.splitlines()]
        self.assertEqual([line["type"] for line in lines], ["manifest", "object", "object", "end"], text)

    # --- --manifest-out and --failed-out

    def test_a_link_stays_and_its_target_is_replaced(self):
        folder = self.project.folder
        (folder / "elsewhere").mkdir()
        harness.write(folder / "elsewhere/real", b"old")
        for link, target in (("link", "elsewhere/real"), ("chain", "link"), ("dangling", "elsewhere/new")):
            (folder / link).symlink_to(target)
        for link in ("link", "chain", "dangling"):
            self.project.act("u", "--manifest-out", link, "--failed-out", "failed", "data/tree")
            self.assertTrue((folder / link).is_symlink())
            self.check_manifest((folder / link).read_text())
        self.assertEqual((folder / "failed").read_bytes(), b"")
        (folder / "round").symlink_to("round")
        refused = self.project.act("u", "--manifest-out", "round", "data/tree", expect=None)
        self.assertNotEqual(refused.code, 0)
        self.assertTrue((folder / "round").is_symlink())

    def test_a_pipe_by_name_gets_it(self):
        pipe = self.project.folder / "pipe"
        os.mkfifo(pipe)
        got = []
        reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
        reader.start()
        self.project.act("u", "--manifest-out", "pipe", "data/tree")
        reader.join()
        self.check_manifest(got[0])
        self.assertTrue(stat.S_ISFIFO(pipe.lstat().st_mode))

    def test_descriptors_get_it(self):
        read, write = os.pipe()
        done = self.act_with("u", "data/tree", "--manifest-out", f"/dev/fd/{write}", pass_fds=[write], capture_output=True)
        os.close(write)
        with os.fdopen(read) as pipe:
            text = pipe.read()
        self.assertEqual(done.returncode, 0, done)
        self.check_manifest(text)
        # Behind what the file holds, as the descriptor stands.
        with open(self.project.folder / "open", "wb", buffering=0) as file:
            file.write(b"before\n")
            done = self.act_with("u", "data/tree", "--manifest-out", "/dev/stdout", stdout=file, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done)
        lines = (self.project.folder / "open").read_text().splitlines(keepends=True)
        self.assertEqual(lines[0], "before\n")
        self.check_manifest("".join(line for line in lines if line.startswith("{")))
        # One that act has for itself, or that nobody has.
        for number in (3, 5, 900):
            refused = self.project.act("u", "data/tree", "--failed-out", f"/dev/fd/{number}", expect=2)
            self.assertIn("descriptor", refused.err)

    def test_readers_that_leave_or_never_come(self):
        folder = self.project.folder
        harness.write(folder / "list", b"a\nnobody\n")
        read, write = os.pipe()
        arguments = ("u", "data/tree", "--from-list", "list", "--failed-out", f"/dev/fd/{write}")
        done = self.act_with(*arguments, pass_fds=[write], capture_output=True)
        self.assertEqual(json.loads(os.read(read, 65536))["name"], "nobody")
        self.assertEqual(done.returncode, 1)
        self.assertNotIn(b"by: --from-list", done.stderr)
        os.close(read)
        done = self.act_with(*arguments, pass_fds=[write], capture_output=True)
        os.close(write)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"cannot write to /dev/fd/{write}: Broken pipe".encode(), done.stderr)
        os.mkfifo(folder / "pipe")
        waiting = self.project.start("u", "data/tree", "--manifest-out", "pipe")
        # From then on it minds signals; that it ends by this one tells that nothing else has ended it.
        while not self.minds(waiting.pid, signal.SIGINT):
            self.assertIsNone(waiting.poll())
        waiting.send_signal(signal.SIGINT)
        waiting.communicate(timeout=20)
        self.assertEqual(waiting.returncode, 130)

    def test_a_device_stays(self):
        device = self.folder("devices") / "full"
        for number, code in ((3, 0), (7, 1)):
            try:
                os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, number))
                with open(device, "wb"):
                    pass
            except OSError:
                self.skipTest("no devices can be made here")
            done = self.project.act("u", "--manifest-out", device, "data/tree", expect=code)
            self.assertTrue(stat.S_ISCHR(device.lstat().st_mode))
            device.unlink()
            if code:
                self.assertIn("No space left on device", done.err)
                self.assertIn(str(device), done.err)

    def test_a_missing_folder_is_told_and_not_made(self):
        for option in ("--manifest-out", "--failed-out"):
            refused = self.project.act("u", option, "no such/m", "data/tree", expect=5)
            self.assertIn("there is no folder", refused.err)
            self.assertIn("no such", refused.err)
        self.assertFalse((self.project.folder / "no such").exists())

    def test_a_dash_is_no_file(self):
        for option in ("--manifest-out", "--failed-out"):
            refused = self.project.act("u", option, "-", "data/tree", expect=2)
            self.assertIn("/dev/stdout", refused.err)
        self.assertFalse((self.project.folder / "-").exists())
        self.project.act("u", "--manifest-out", "./-", "data/tree")
        self.check_manifest((self.project.folder / "-").read_text())


    # --- standard output

    LISTING = (["ls", "data"], ["ls", "--json", "data"], ["du", "data"], ["tree", "data"], ["config"], ["url", "data/tree/a"],
               ["rm", "--dry-run", "data"], ["--help"], ["--version"], ["ls", "--help"], ["u", "data"],
               ["run", "lines"])  # fmt: skip

    def test_a_full_disk_is_told(self):
        self.project.act("u", "data")
        (self.project.folder / "lines").write_text("ls data\ndu data\n")
        for command in self.LISTING:
            with open("/dev/full", "r+b", buffering=0) as full:
                self.assertTrue(stat.S_ISCHR(os.fstat(full.fileno()).st_mode))
                done = self.act_with(*command, stdout=full, stderr=subprocess.PIPE)
            said = done.stderr.decode()
            self.assertEqual(done.returncode, 1, (command, said))
            self.assertEqual(said.count("act: cannot write to standard output: No space left on device\n  "), 1, (command, said))
        # What went wrong before that keeps its exit code.
        with open("/dev/full", "r+b", buffering=0) as full:
            self.assertEqual(self.act_with("ls", "data/nothing", stdout=full, stderr=subprocess.PIPE).returncode, 5)
            # Nothing to write, nothing lost.
            self.assertEqual(self.act_with("cat", "--count", "1", "--no-such", stdout=full, stderr=subprocess.PIPE).returncode, 2)

    def test_a_job_whose_output_is_lost(self):
        self.project = harness.Project(self.folder("alone"))
        (self.project.folder / "aux_data").mkdir()
        self.project.act("submit", "--init", "--wait", "echo", "said")
        for command in (["q"], ["submit", "true"], ["submit", "--wait", "echo", "said"], ["logs", self.newest_run()]):
            with open("/dev/full", "r+b", buffering=0) as full:
                done = self.act_with(*command, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 1, (command, done))
            self.assertIn(b"cannot write to standard output", done.stderr)

    def newest_run(self):
        runs = [line for line in self.project.act("q", "--json").lines if line["type"] == "run"]
        return runs[0]["id"]

    def test_a_closed_stdout_is_told(self):
        self.project.act("u", "data")
        for command in (["ls", "data"], ["--help"], ["du", "--json", "data"]):
            done = self.act_with(*command, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(b"act: cannot write to standard output: Bad file descriptor\n  ", done.stderr)

    def test_a_reader_that_leaves_is_no_failure(self):
        self.project.act("u", "data")
        for command in (["ls", "data"], ["du", "data"], ["rm", "--dry-run", "data"]):
            read, write = os.pipe()
            os.close(read)
            done = self.act_with(*command, stdout=write, stderr=subprocess.PIPE)
            os.close(write)
            self.assertEqual((done.returncode, done.stderr), (0, b""), done)
