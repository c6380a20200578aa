"""`act local`: how runs end, and what they leave."""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
import unittest

import foreground
import harness

DAY = 24 * 3600


def ignoring(number):
    return lambda: signal.signal(number, signal.SIG_IGN)


def needs_unshare(*options):
    possible = not subprocess.run(["unshare", *options, "true"], stderr=subprocess.DEVNULL).returncode if shutil.which("unshare") else False
    return unittest.skipUnless(possible, f"unshare {' '.join(options)} is not possible here")


class Ends(foreground.Runs):
    def started(self, *words, up=b"up\n", **more):
        """A run whose command has said that it is up."""
        running = self.project.start(*words, **more)
        self.addCleanup(running.communicate)
        self.addCleanup(running.kill)
        self.assertEqual(running.stdout.readline(), up)
        return running

    def end(self, pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def tree(self):
        (name,) = self.trees()
        return self.state / "local" / name

    @needs_unshare("--mount")
    def test_what_is_mounted_below_the_tree_stays(self):
        harness.write(self.scratch / "precious/file", b"x")
        script = f"mkdir here; mount --bind '{self.scratch}/precious' here; cat here/file"
        words = ["unshare", "--mount", harness.ACT, "local", "--shell", script]
        done = harness.run(words, cwd=self.project.folder, env=self.project.env)
        self.assertEqual(done.out, "x")
        self.assertIn(f"something is mounted at {self.tree()}/code/here", done.err)
        self.assertIn(f"umount {self.tree()}/code/here", done.err)
        self.assertTrue((self.scratch / "precious/file").exists())
        self.assertTrue((self.tree() / "code/notes").exists())
        # The mount went with its namespace.
        self.project.act("local", "true")
        self.assertEqual(self.trees(), [])

    @needs_unshare("--fork", "--pid", "--mount-proc")
    def test_the_tree_of_a_run_whose_process_cannot_be_seen_stays(self):
        words = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", harness.ACT, "local", "--shell", "echo up; exec sleep 1000"]
        running = subprocess.Popen(words, cwd=self.project.folder, env=self.project.env, stdout=subprocess.PIPE)
        self.addCleanup(running.stdout.close)
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        self.assertEqual(running.stdout.readline(), b"up\n")
        tree = self.tree()
        self.project.act("local", "true")
        self.assertTrue((tree / "code/notes").exists())
        running.kill()
        self.assertEqual(running.stdout.read(), b"")
        self.project.act("local", "true")
        self.assertEqual(self.trees(), [])

    def test_trees_without_an_owner_go_when_they_are_old(self):
        self.project.act("local", "--keep", "true")
        kept = self.tree()
        old, young = kept.parent / "old", kept.parent / "young"
        for path in (old, young):
            harness.write(path / "code/f", b"x")
        for path in (kept, old):
            os.utime(path, (time.time() - 2 * DAY,) * 2)
        cut_short = kept.parent / ".removed-x"
        cut_short.mkdir()
        self.project.act("local", "true")
        self.assertEqual({kept.parent / name for name in self.trees()}, {kept, young})
        self.assertFalse(cut_short.exists())

    def test_signals_that_are_ignored_stay_ignored(self):
        for number in (signal.SIGHUP, signal.SIGINT):
            with self.subTest(number):
                fifo = self.scratch / f"fifo{number}"
                os.mkfifo(fifo)
                running = self.started("local", "--shell", f"echo up; read x < {fifo}; exit 7", preexec_fn=ignoring(number), start_new_session=True)
                os.killpg(running.pid, number)
                fifo.write_text("go\n")
                running.communicate(timeout=60)
                self.assertEqual(running.returncode, 7)

    @contextlib.contextmanager
    def user_without_rights(self):
        """The options of a process of nobody's that may use the project."""
        if os.geteuid() != 0:
            self.skipTest("this takes root")
        for path in (self.scratch, *self.scratch.rglob("*")):
            os.chown(path, 65534, 65534, follow_symlinks=False)
        yield {"user": 65534, "group": 65534, "extra_groups": []}

    def test_what_cannot_be_killed_is_named_and_waited_for_no_longer(self):
        above = shutil.copy(os.path.realpath(sys.executable), self.scratch / "above")
        with self.user_without_rights() as user:
            os.chown(above, 0, 0)
            os.chmod(above, 0o4755)
            harness.write(self.project.folder / "stay.py", b"import os, time\nos.setresuid(0, 0, 0)\nprint(os.getpid(), flush=True)\ntime.sleep(1000)\n")
            os.chmod(self.project.folder / "stay.py", 0o644)
            running = self.project.start("local", "--shell", f"'{above}' stay.py & wait", **user)
            self.addCleanup(running.communicate)
            self.addCleanup(running.kill)
            said = running.stdout.readline()
            if not said:
                self.skipTest("programs cannot get root's rights here: " + running.stderr.read().decode())
            pid = int(said)
            try:
                for _ in range(2):
                    running.send_signal(signal.SIGINT)
                # Its outputs are open yet.
                self.assertEqual(running.wait(60), 130)
                # Somebody is in the tree: it stays.
                tree = self.tree()
                self.assertTrue((tree / "code/notes").exists())
                self.assertEqual(self.project.act("local", "true").code, 0)
                self.assertTrue((tree / "code/notes").exists())
            finally:
                os.kill(pid, signal.SIGKILL)
            err = running.communicate(timeout=60)[1].decode()
            self.assertIn(f"could not be ended: process {pid}; {tree} stays", err)
            self.project.act("local", "true")
            self.assertEqual(self.trees(), [])

    def test_the_terminal_is_as_it_was(self):
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        before = termios.tcgetattr(slave)
        running = subprocess.Popen(
            ["setsid", "--ctty", "--wait", harness.ACT, "local", "--shell", "stty raw -echo; kill -KILL $$"],
            cwd=self.project.folder, env=self.project.env, stdin=slave, stdout=slave, stderr=slave,
        )  # fmt: skip
        self.addCleanup(running.kill)
        self.assertEqual(running.wait(60), 137)
        self.assertEqual(termios.tcgetattr(slave), before)

    def test_a_container_has_a_terminal_where_all_of_ours_are_one(self):
        """Through it what is written on standard error would come out of standard output."""
        called = self.docker()
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        for err, expected in ((slave, True), (subprocess.DEVNULL, False)):
            words = [harness.ACT, "-c", "here", "local", "true"]
            subprocess.run(words, cwd=self.project.folder, env=self.project.env, stdin=slave, stdout=slave, stderr=err, check=True, timeout=60)
            self.assertEqual("--tty" in called()[-1], expected)

    def test_containers_of_killed_runs_end_before_their_trees(self):
        called = self.docker()
        for name in ("daemon", "deaf"):
            (self.scratch / "bin" / name).touch()
        running = self.started("-c", "here", "local", "--shell", "echo up; exec sleep 1000")
        tree = self.tree()
        inside = int((self.scratch / "bin/container").read_text())
        self.addCleanup(self.end, inside)
        running.kill()
        running.wait()
        # Its client is asked to pass that on, in vain here.
        said = b""
        while b"asked\n" not in said:
            self.assertTrue(select.select([running.stderr], [], [], 60)[0], said)
            said += os.read(running.stderr.fileno(), 4096)
        (self.scratch / "bin/daemon").unlink()
        done = self.project.act("-c", "here", "local", "true")
        self.assertIn(f"{tree} stays: its container act-{tree.name} may still be there", done.err)
        self.assertIn(f"docker rm --force act-{tree.name}", done.err)
        self.assertTrue((tree / "code/notes").exists())
        (self.scratch / "bin/deaf").unlink()
        self.project.act("-c", "here", "local", "true")
        self.assertEqual(self.trees(), [])
        self.assertFalse((self.scratch / "bin/container").exists())
        self.assertIn(["kill", f"act-{tree.name}"], called())

    def test_a_container_that_docker_cannot_start(self):
        self.docker()
        harness.write(self.scratch / "bin/docker", b"#!/bin/sh\n[ $1 != run ] || { echo no such image >&2; exit 125; }\n", mode=0o755)
        done = self.project.act("-c", "here", "local", "true", expect=125)
        self.assertIn("no such image\nact: docker could not start the container", done.err)
        self.assertIn("`--no-docker` runs the command outside of the image", done.err)

    def test_a_driver_that_fails_is_no_failure_of_work_without_gpus(self):
        harness.write(self.scratch / "bin/nvidia-smi", b"#!/bin/sh\necho driver/library version mismatch >&2; exit 18\n", mode=0o755)
        self.project.env["PATH"] = f"{self.scratch}/bin:" + os.environ["PATH"]
        self.cluster(gpu_per_node=4)
        (self.project.folder / "data").mkdir()
        (self.project.folder / "output").mkdir()
        show = ("--shell", "echo ${CUDA_VISIBLE_DEVICES-unset}")
        asked = self.project.act("-c", "here", "-n", "2", "local", *show, expect=None)
        self.assertNotEqual(asked.code, 0)
        self.assertIn("nvidia-smi", asked.err)
        unasked = self.project.act("-c", "here", "local", *show)
        self.assertEqual(unasked.out, "unset\n")
        self.assertIn("running without GPUs: ", unasked.err)
        none = self.project.act("-c", "here", "-n", "0", "local", *show)
        self.assertEqual((none.out, none.err.count("GPU")), ("\n", 0))
