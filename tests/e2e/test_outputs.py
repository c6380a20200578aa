"""Where results, manifests and lists go: files, links, pipes and devices, and full disks."""

import json
import os
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

