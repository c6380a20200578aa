"""`act local`: a command here and now, as a node of the cluster would run it."""

import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import termios

import foreground
import harness

AWKWARD = ["", " ", "two  spaces", "'", '"', "\\", "\n", "*", "$HOME", ";", "| cat", "$(id)", "--", "-n", "--json", "{lr}", "é", "x" * 9999]

class Local(foreground.Runs):
    def test_words_input_and_exit_code_are_the_commands(self):
        harness.write(self.project.folder / "show.sh", b'for a in "$@"; do printf "%s\\0" "$a"; done; cat; exit 42\n')
        harness.write(self.project.folder / "in", b"typed\n")
        with open(self.project.folder / "in", "rb") as stream:
            done = self.project.act("local", "sh", "show.sh", *AWKWARD, expect=42, stdin=stream)
        self.assertEqual(done.out, "".join(word + "\0" for word in AWKWARD) + "typed\n")
        self.assertEqual(self.project.act("local", "--shell", "echo a b | tr a-z A-Z; exit 4", expect=4).out, "A B\n")
        missing = self.project.act("local", "no-such-program", expect=127)
        self.assertIn("cannot run 'no-such-program'", missing.err)
        self.assertEqual(self.project.act("local", "sh", "-c", "kill -KILL $$", expect=137).out, "")
        # Neither a tree nor a record is left.
        self.assertEqual(self.trees(), [])
        self.assertEqual([line for line in self.project.act("q", "--json").lines if line["type"] == "run"], [])

    def test_what_a_submitted_run_sees(self):
        """The same command, then on the local back end: the same code, variables, folders and rank."""
        self.cluster(env={"OF_CLUSTER": "x y"}, compile_args="fast")
        for folder in ("data", "output"):
            harness.write(self.project.folder / folder / "f", folder.encode())
        harness.write(self.project.folder / "compile.aml.sh", b"#!/bin/sh\necho compiling\necho $1 > compiled\n")
        script = (
            b"cat compiled data/f output/f; readlink data output; echo $OF_CLUSTER,$GIVEN,$RANK,$WORLD_SIZE,$LOCAL_RANK,$ACT_INPUT_DATA\n"
            b"find . -type f | sort; env | sed -n 's/^\\([A-Z_]*\\)=.*/\\1/p' | sort\n"
            b'test "$PWD" = "$ACT_CODE_ROOT"\n'
        )
        harness.write(self.project.folder / "main.sh", script)
        words = ("--env", "GIVEN=a=b", "sh", "main.sh")
        done = self.project.act("-c", "here", "local", *words)
        self.assertIn("fast\n", done.out)
        self.assertIn("x y,a=b,0,1,0,", done.out)
        self.assertIn("compiling\n", done.err)
        self.assertEqual(done.out, self.project.act("-c", "here", "submit", "--wait", *words).out)

    def test_the_present_code_is_sent_once_to_a_cluster(self):
        server = self.serve()
        self.cluster(server.endpoint, platform="slurm")
        self.project.act("-c", "here", "mkcontainer", "work")
        (self.project.folder / "data").mkdir()
        (self.project.folder / "output").mkdir()
        for text in ("one", "two"):
            harness.write(self.project.folder / "main.sh", f"echo {text}".encode())
            self.assertEqual(self.project.act("-c", "here", "local", "sh", "main.sh").out, text + "\n")
        harness.admin(server, "/reset", "POST")
        self.assertEqual(self.project.act("-c", "here", "local", "sh", "main.sh").out, "two\n")
        requests = harness.admin(server, "/stats")
        self.assertEqual(requests["requests_total"], 1, requests)
        # The code of the last time, whatever is here now.
        harness.write(self.project.folder / "main.sh", b"echo three")
        self.assertEqual(self.project.act("-c", "here", "local", "--no-init", "sh", "main.sh").out, "two\n")

    def test_data_that_is_here_is_linked_and_nothing_is_asked_for(self):
        self.cluster()  # whose store nobody reaches
        harness.write(self.project.folder / "data/x/f", b"here\n")
        (self.project.folder / "output").mkdir()
        done = self.project.act("-c", "here", "local", "--shell", "cat data/x/f; echo made > output/made")
        self.assertEqual(done.out, "here\n")
        self.assertEqual((self.project.folder / "output/made").read_text(), "made\n")

    def test_data_that_is_only_in_the_store(self):
        endpoint = self.serve().endpoint
        self.cluster(endpoint)
        self.project.act("-c", "here", "mkcontainer", "work")
        harness.write(self.project.folder / "data/x/f", b"stored\n")
        self.project.act("-c", "here", "u", "data/x")
        shutil.rmtree(self.project.folder / "data")
        for words, named in (("cat", "data/x/f"), "data/x/f"), (("true",), "data"):
            done = self.project.act("-c", "here", "local", *words, expect=5)
            self.assertIn(f"{named} is in the store and not on this machine", done.err)
            self.assertRegex(done.err, f"act d {named}[;\n]")
        self.assertFalse((self.project.folder / "data").exists())
        # As it says; what nobody has stored is made here.
        self.project.act("-c", "here", "d", "data/x/f")
        self.assertEqual(self.project.act("-c", "here", "local", "cat", "data/x/f").out, "stored\n")
        self.assertTrue((self.project.folder / "output").is_dir())
        shutil.rmtree(self.project.folder / "data")
        self.cluster(endpoint, data={"mode": "mount"})
        self.assertIn("act d data", self.project.act("-c", "here", "local", "true", expect=5).err)
        self.cluster(endpoint, data={"mode": "download"})
        self.assertEqual(self.project.act("-c", "here", "local", "cat", "data/x/f").out, "stored\n")
        self.assertFalse((self.project.folder / "data").exists())

    def test_outputs_stay_here(self):
        self.cluster(output={"mode": "upload"})
        (self.project.folder / "data").mkdir()
        done = self.project.act("-c", "here", "local", "--shell", "echo made > output/made; echo $ACT_OUTPUT_OUTPUT; exit 3", expect=3)
        (made,) = (self.project.folder / "output").glob("*/made")
        self.assertEqual(made.read_text(), "made\n")
        self.assertEqual(done.out.strip(), str(made.parent))
        self.assertIn(f"outputs are in {made.parent}\n", done.err)
        self.assertNotIn("outputs are in", self.project.act("-c", "here", "local", "true").err)
        self.assertEqual(list((self.project.folder / "output").iterdir()), [made.parent])

    def test_a_set_up_that_fails_is_told_and_removed(self):
        harness.write(self.project.folder / "compile.aml.sh", b"#!/bin/sh\necho no compiler; exit 3\n")
        done = self.project.act("local", "echo", "never", expect=125)
        self.assertEqual(done.out, "")
        self.assertIn("no compiler\n", done.err)
        self.assertIn("compile.aml.sh ended with code 3; its output is above", done.err)
        self.assertEqual(self.trees(), [])

    def test_ctrl_c_ends_all_of_it(self):
        script = "sleep 1000 & setsid sh -c 'trap \"\" INT HUP; sleep 1000' & echo $$ $!; wait"
        running = self.project.start("local", "--shell", script)
        pids = running.stdout.readline().split()
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
        self.assertEqual(running.returncode, 130)
        for pid in pids:
            self.assertFalse(pathlib.Path(f"/proc/{int(pid)}").exists())
        self.assertEqual(self.trees(), [])

    def test_a_second_ctrl_c_kills(self):
        fifo = self.scratch / "fifo"
        os.mkfifo(fifo)
        script = f"trap 'echo asked' INT TERM; echo $$; while :; do read x < {fifo}; done"
        running = self.project.start("local", "--shell", script)
        pid = int(running.stdout.readline())
        running.send_signal(signal.SIGINT)
        self.assertEqual(running.stdout.readline(), b"asked\n")
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
        self.assertEqual(running.returncode, 137)
        self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())

    def test_at_a_terminal(self):
        """The command has it, and its Ctrl-C comes once."""
        script = (
            "import os, signal, sys\n"
            "asked = []\n"
            "signal.signal(signal.SIGINT, lambda *_: asked.append(1))\n"
            "came, comes = os.pipe()\n"
            "os.set_blocking(comes, False)\n"
            "signal.set_wakeup_fd(comes)\n"  # it may come before anything waits for it
            "print('terminal', os.isatty(0), os.isatty(1), input(), flush=True)\n"
            "os.read(came, 1)\n"
            "os.waitid(os.P_PID, os.posix_spawn('/bin/true', ['true'], {}), os.WEXITED)\n"
            "sys.exit(10 + len(asked))\n"
        )
        harness.write(self.project.folder / "main.py", script.encode())
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        running = subprocess.Popen(
            [harness.ACT, "local", "python3", "main.py"], cwd=self.project.folder, env=self.project.env, stdin=slave, stdout=slave,
            stderr=slave, start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        os.write(master, b"typed\n")
        said = b""
        while b"terminal" not in said or not said.endswith(b"\n"):
            said += os.read(master, 4096)
        self.assertIn(b"terminal True True typed", said)
        os.write(master, b"\x03")
        self.assertEqual(running.wait(60), 11)

    def test_the_tree_can_be_kept_and_never_piles_up(self):
        done = self.project.act("local", "--keep", "--shell", "echo x > made; exit 1", expect=1)
        folder = pathlib.Path(re.search(r"the code is in (.*)\n", done.err)[1])
        self.assertEqual((folder / "made").read_text(), "x\n")
        running = self.project.start("local", "--shell", "echo up; exec sleep 1000")
        running.stdout.readline()
        self.assertEqual(len(self.trees()), 2)
        running.kill()
        running.communicate(timeout=60)
        self.project.act("local", "true")
        self.assertEqual(self.trees(), [folder.parent.name])

    def test_what_is_written_where_nothing_is_kept_stays_and_is_named(self):
        harness.write(self.project.folder / "made.py", b"")
        (self.project.folder / "output").mkdir()
        script = "mkdir -p output/m results __pycache__; for f in output/m/model results/r top __pycache__/x.pyc; do echo 1 > $f; done; touch -d 2001-01-01 top"
        done = self.project.act("local", "--shell", script + "; exit 3", expect=3)
        self.assertIn("2 files were written beside the code, where a run on a cluster keeps nothing: ", done.err)
        self.assertEqual((self.project.folder / "output/m/model").read_text(), "1\n")
        code = pathlib.Path(re.search(r"they are in (.*) until", done.err)[1])
        for name in ("results/r", "top"):
            self.assertIn(name, done.err)
            self.assertEqual((code / name).read_text(), "1\n")
        self.project.act("prune", "--older-than", "0s")
        self.assertEqual(self.trees(), [])

    def test_secrets_reach_the_command_and_nothing_else(self):
        self.cluster(env={"SOME_TOKEN": "hush-hush"})
        (self.project.folder / "data").mkdir()
        (self.project.folder / "output").mkdir()
        script = 'echo $SOME_TOKEN,$MY_PASSWORD; grep -rl -e hush-hush -e very-quiet "$1"; cat /proc/*/cmdline | tr "\\0" "\\n" | grep -e ^hush-hu.h -e ^very-quie.'
        env = dict(self.project.env, MY_PASSWORD="very-quiet")
        done = self.project.act("-c", "here", "local", "--env", "MY_PASSWORD", "sh", "-c", script, "sh", self.state, expect=1, env=env)
        self.assertEqual(done.out, "hush-hush,very-quiet\n")

    def test_in_the_clusters_image(self):
        called = self.docker()
        harness.write(self.project.folder / "compile.aml.sh", b"#!/bin/sh\necho $OF_IMAGE > compiled\n")
        script = 'cat compiled data/f; echo "$OF_IMAGE,$SOME_TOKEN,$LINES_OF,$RANK,$CALLER"; echo x > output/made; exit 5'
        env = dict(self.project.env, CALLER="of the caller")
        done = self.project.act("-c", "here", "local", "--shell", script, expect=5, env=env)
        self.assertEqual(done.out, "1\nhere\n1,hush-hush,a\nb,0,\n")
        self.assertEqual((self.project.folder / "output/made").read_text(), "x\n")
        (words,) = called()
        self.assertIn("some/image:1", words)
        self.assertEqual(words[words.index("--user") + 1], f"{os.getuid()}:{os.getgid()}")
        self.assertNotIn("--gpus", words)
        self.assertNotIn("--tty", words)
        self.assertIn("SOME_TOKEN", words)
        self.assertNotIn("hush", " ".join(words) + (self.scratch / "bin/spec").read_text())
        self.assertEqual(self.trees(), [])

    def test_gpus_and_leaving_the_image(self):
        called = self.docker()
        harness.write(self.scratch / "bin/nvidia-smi", b"#!/bin/sh\necho 'GPU 0: A'; echo 'GPU 1: A'; echo 'GPU 2: A'\n", mode=0o755)
        # As for jobs of clusters that have them.
        file = self.project.folder / "aux_data/aml/here.yaml"
        file.write_text(json.dumps({**json.loads(file.read_text()), "gpu_per_node": 4}))
        show = ("--shell", "echo $CUDA_VISIBLE_DEVICES,$AZ_BATCHAI_NUM_GPUS,$OF_IMAGE")
        self.assertEqual(self.project.act("-c", "here", "-n", "2", "local", *show).out, "0,1,2,1\n")
        self.assertIn("--gpus", called()[0])
        outside = self.project.act("-c", "here", "-n", "4", "local", "--no-docker", *show)
        self.assertEqual(outside.out, "0,1,2,3,\n")
        self.assertIn("this machine has 3 of the 4 GPUs", outside.err)
        self.assertEqual(len(called()), 1)
        # Nor without docker, which is said.
        (self.scratch / "empty").mkdir()
        (self.scratch / "empty/sh").symlink_to(shutil.which("sh"))
        env = dict(self.project.env, PATH=str(self.scratch / "empty"))
        done = self.project.act("-c", "here", "local", "--shell", "echo $OF_IMAGE out", env=env)
        self.assertEqual(done.out, "out\n")
        self.assertIn("there is no docker here: running outside of the image some/image:1", done.err)

    def test_a_container_that_hears_nothing_is_ended_by_name(self):
        called = self.docker()
        fifo = self.scratch / "fifo"
        os.mkfifo(fifo)
        script = f"trap 'echo asked' INT TERM; echo up; while :; do read x < {fifo}; done"
        running = self.project.start("-c", "here", "local", "--shell", script)
        self.assertEqual(running.stdout.readline(), b"up\n")
        running.send_signal(signal.SIGTERM)
        self.assertEqual(running.stdout.readline(), b"asked\n")
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
        self.assertEqual(running.returncode, 137)
        run, end, *_ = called()
        self.assertEqual(end, ["kill", run[run.index("--name") + 1]])
        # Its client was killed, so it was looked whether it is gone.
        self.assertEqual(called()[-1][0], "ps")
        self.assertEqual(self.trees(), [])
