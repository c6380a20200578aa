"""`act submit` on this machine: options, sweeps, several processes, outputs; with the program as it is shipped."""

import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

import harness
import servers

AWKWARD = ["", " ", "two  spaces", "'", '"', "\\", "\n", "a\nb", "*", "$HOME", ";", "| cat", "`id`", "$(id)", "--", "-n", "--json",
           "{lr}", "%s", "~", "#", "!", "é\u0301", "x" * 100_000]  # fmt: skip


class Submit(unittest.TestCase):
    def setUp(self):
        if not harness.ACT.exists():
            self.skipTest(f"{harness.ACT} is not built")
        self.project = harness.Project(self.enterContext(harness.temporary_folder()))
        harness.write(self.project.folder / "show.sh", b'for a in "$@"; do printf "%s\\0" "$a"; done\n')
        self.project.act("init")

    def platform_local(self, **more):
        """A cluster file for this machine."""
        harness.write(
            self.project.folder / "aux_data/aml/here.yaml", json.dumps({"platform": "local", "gpu_per_node": 0, **more}).encode()
        )
        self.project.act("-c", "here", "init")

    def runs(self):
        return [line for line in self.project.act("q", "--json").lines if line["type"] == "run"]

    def last_of_each(self, done):
        """What --json told last of each run: it is named when it is submitted and when it has ended."""
        return list({line["id"]: line for line in done.lines if line["type"] == "run"}.values())

    def record(self, run):
        """All that is written down of a run."""
        found = {}
        for line in (self.project.home / "state/act/runs.jsonl").read_text().splitlines():
            line = json.loads(line)
            if line["id"] == run:
                found.update(line)
        return found

    def test_awkward_arguments_byte_for_byte(self):
        expected = "".join(word + "\0" for word in AWKWARD)
        self.assertEqual(self.project.act("submit", "--wait", "sh", "show.sh", *AWKWARD).out, expected)
        self.platform_local()
        # Under mpirun, too.
        done = self.project.act("-c", "here", "-n", "2", "submit", "--wait", "sh", "show.sh", *AWKWARD)
        self.assertEqual(done.out, expected)
        second = pathlib.Path(self.record(self.runs()[0]["id"])["logs"]) / "stdout-1.txt"
        self.assertEqual(second.read_bytes().decode(), expected)

    def test_a_shell_line(self):
        done = self.project.act("submit", "--wait", "--shell", "echo a b | tr a-z A-Z; exit 4", expect=4)
        self.assertEqual(done.out, "A B\n")

    def test_name_environment_and_experiment_are_kept(self):
        env = dict(self.project.env, CARRIED="from here", API_TOKEN="hush-hush")
        words = ["--name", "a name", "--experiment", "e", "--env", "A=b=c", "--env", "CARRIED", "--env", "API_TOKEN"]
        script = 'echo "$ACT_RUN_NAME,$A,$CARRIED,$API_TOKEN"'
        done = self.project.act("submit", "--follow", *words, "sh", "-c", script, env=env)
        self.assertEqual(done.out, "a name,b=c,from here,hush-hush\n")
        kept = self.record(self.runs()[0]["id"])
        self.assertEqual((kept["name"], kept["experiment"]), ("a name", "e"))
        self.assertEqual(kept["env"], {"A": "b=c", "CARRIED": "from here"})

    def test_init_when_submitting(self):
        harness.write(self.project.folder / "say.sh", b"echo new")
        done = self.project.act("submit", "--init", "--wait", "sh", "say.sh")
        self.assertEqual(done.out, "new\n")
        self.assertIn("packed", done.err)

    def test_a_sweep(self):
        words = ["--sweep", "a=1..4", "--sweep", "b=x,y z,*", "--max-parallel", "3"]
        script = 'test "$ACT_SWEEP_A" = "$1" && test "$ACT_SWEEP_B" = "$3" && printf %s "$*"'
        done = self.project.act("submit", "--wait", "--json", *words, "sh", "-c", script, "sh", "{a}")
        ended = self.last_of_each(done)
        self.assertEqual({line["state"] for line in ended}, {"completed"})
        self.assertEqual(len(ended), 12)
        self.assertEqual(len({line["group"] for line in ended}), 1)
        self.assertEqual({line["point"] for line in ended}, {f"a={a} b={b}" for a in range(1, 5) for b in ("x", "y z", "*")})
        said = {line["point"]: (pathlib.Path(line["logs"]) / "stdout.txt").read_text() for line in ended}
        self.assertEqual(said["a=2 b=y z"], "2 --b y z")
        self.assertEqual(len({line["code"] for line in ended}), 1)

    def test_the_worst_of_a_sweep(self):
        done = self.project.act("submit", "--wait", "--sweep", "code=0,3,1", "sh", "-c", "exit {code}", "sh", expect=3)
        states = [line.split()[1] for line in done.out.splitlines()]
        self.assertEqual(states, ["completed", "failed", "failed"])
        self.assertEqual(len(self.runs()), 3)

    def test_a_sweep_by_file(self):
        harness.write(self.project.folder / "points.csv", b'word,n\n"a, b",1\nc,2\n')
        done = self.project.act("submit", "--wait", "--json", "--sweep-file", "points.csv", "echo", "{word}")
        said = [(pathlib.Path(line["logs"]) / "stdout.txt").read_text() for line in self.last_of_each(done)]
        self.assertEqual(said, ["a, b --n 1\n", "c --n 2\n"])

    def test_a_queue_outlives_its_terminal(self):
        """The submitting session ends, with everything in it; the runs that wait still get their turn."""
        fifo = self.project.folder / "fifo"
        os.mkfifo(fifo)
        tokens = os.open(fifo, os.O_RDWR)  # of which each run takes one
        self.addCleanup(os.close, tokens)
        words = ["--sweep", "n=1..4", "--max-parallel", "1", "--shell", f"dd if={fifo} of=/dev/null bs=1 count=1"]
        command = [harness.ACT, "submit", "--wait", *words]
        submitting = subprocess.Popen(
            command, cwd=self.project.folder, env=self.project.env, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        for _ in range(4):
            self.assertIn(b"run ", submitting.stderr.readline())
        states = collections.Counter(run["state"] for run in self.runs())
        self.assertEqual(states, {"running": 1, "queued": 3})
        os.killpg(submitting.pid, signal.SIGHUP)
        os.killpg(submitting.pid, signal.SIGKILL)
        submitting.communicate()
        ids = [run["id"] for run in self.runs()]
        aborted = self.project.act("abort", ids[1])
        self.assertIn("canceled", aborted.out)
        os.write(tokens, b"123")
        states = collections.Counter(self.project.act("wait", run, expect={0, 130}).out.split()[1] for run in ids)
        self.assertEqual(states, {"completed": 3, "canceled": 1})

    def test_ctrl_c_ends_the_following_and_not_the_run(self):
        fifo = self.project.folder / "fifo"
        os.mkfifo(fifo)
        following = self.project.start("submit", "--follow", "--shell", f"echo begun; read x < {fifo}; echo got $x")
        self.assertEqual(following.stdout.readline(), b"begun\n")
        following.send_signal(signal.SIGINT)
        _, said = following.communicate(timeout=60)
        self.assertEqual(following.returncode, 130)
        self.assertIn(b"goes on", said)
        run = self.runs()[0]
        self.assertEqual(run["state"], "running")
        with open(fifo, "wb") as stream:
            stream.write(b"news\n")
        self.project.act("wait", run["id"])
        self.assertIn("got news", (pathlib.Path(run["logs"]) / "stdout.txt").read_text())

    @unittest.skipUnless(shutil.which("mpirun") and shutil.which("mpicc"), "Open MPI is not installed")
    def test_an_mpi_program(self):
        program = b"""
            #include <mpi.h>
            #include <stdio.h>
            int main(int argc, char** argv) {
                int rank, size, sum;
                MPI_Init(&argc, &argv);
                MPI_Comm_rank(MPI_COMM_WORLD, &rank);
                MPI_Comm_size(MPI_COMM_WORLD, &size);
                MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
                if (rank == 0) printf("%d of %d\\n", sum, size);
                MPI_Finalize();
                return rank == size - 1 && argc > 1 ? 6 : 0;
            }
        """
        harness.write(self.project.folder / "sum.c", program)
        harness.write(self.project.folder / "compile.aml.sh", b"#!/bin/sh\nmpicc sum.c -o sum\n")
        self.platform_local()
        done = self.project.act("-c", "here", "-n", "3", "submit", "--wait", "./sum")
        self.assertIn("3 of 3\n", done.out)
        self.project.act("-c", "here", "-n", "3", "submit", "--wait", "./sum", "fail", expect=6)


class Outputs(servers.OwnStore):
    def project_at(self, endpoint, output, **more):
        """A project whose cluster `here` is this machine, and whose output folder is in that store."""
        project = harness.Project(self.scratch / "project")
        entry = {"azure_blob_config_file": "aux_data/configs/here.yaml", "path": "results", **output}
        cluster = {"platform": "local", "gpu_per_node": 0, "config_param": {"output_folder": entry}, **more}
        account = {"account_name": harness.ACCOUNT, "account_key": harness.KEY, "container_name": "work", "blob_endpoint": endpoint}
        harness.write(project.folder / "aux_data/aml/here.yaml", json.dumps(cluster).encode())
        harness.write(project.folder / "aux_data/configs/here.yaml", json.dumps(account).encode())
        return project

    def test_outputs_arrive_in_the_store(self):
        endpoint = self.serve().endpoint
        project = self.project_at(endpoint, {"mode": "upload"})
        harness.write(project.folder / "main.sh", b"echo made > output/made; echo $ACT_OUTPUT_OUTPUT_URL; exit $1")
        for code in (0, 3):
            done = project.act("-c", "here", "submit", "--init", "--wait", "sh", "main.sh", code, expect=code)
            run = next(line for line in done.err.splitlines() if "run 20" in line).split()[-1]
            url = f"{endpoint}/work/results/{run}"
            self.assertEqual(done.out.splitlines()[-1], url)
            self.assertEqual(project.act("cat", url + "/made", env=dict(
                project.env, AZURE_STORAGE_ACCOUNT=harness.ACCOUNT, AZURE_STORAGE_KEY=harness.KEY)).out, "made\n")  # fmt: skip
            self.assertEqual(project.act("-c", "here", "cat", f"output/{run}/made").out, "made\n")
        # Nothing of this is written down anywhere.
        for path in project.home.rglob("*"):
            if path.is_file():
                self.assertNotIn(harness.KEY.encode(), path.read_bytes(), path)

    def test_logs_arrive_in_the_store_while_they_grow_and_to_the_last_line(self):
        project = self.project_at(
            self.serve().endpoint, {}, std_out_err_path_prefix="$AZ_BATCHAI_MOUNT_ROOT/output/logs", local={"upload_seconds": 1}
        )
        # More than goes up in one request, and never at rest.
        script = b"head -c 5000000 /dev/zero | tr '\\0' x; while [ ! -e \"$1\" ]; do echo tick; done; echo last of $RANK; exit $2"
        harness.write(project.folder / "main.sh", script)
        seen = self.scratch / "seen"
        run = project.act("-c", "here", "-n", "2", "submit", "--init", "sh", "main.sh", seen, "0").out.strip()
        deadline = time.monotonic() + 120
        stored = ""
        while not all(name in stored for name in ("/stdout.txt", "/stdout-1.txt")):
            self.assertLess(time.monotonic(), deadline, stored)
            stored = project.act("-c", "here", "ls", "output/logs", expect={0, 5}).out
        self.assertEqual([line["state"] for line in project.act("q", run, "--json").lines if line["type"] == "run"], ["running"])
        seen.touch()
        project.act("wait", run)
        logs = pathlib.Path(project.act("q", run, "--json").lines[0]["logs"])
        for rank, name in enumerate(("stdout.txt", "stdout-1.txt")):
            text = project.act("-c", "here", "cat", f"output/logs/{run}/{name}").out
            self.assertTrue(text.endswith(f"last of {rank}\n"), text[-100:])
            self.assertEqual(text, (logs / name).read_text())
        listed = project.act("-c", "here", "ls", f"output/logs/{run}").out
        self.assertNotIn("delivery.txt", listed)
        self.assertEqual([path.name for path in logs.parent.glob("logs*")], ["logs"])
        # The next ones fail, and are cancelled.
        run = project.act("-c", "here", "submit", "sh", "main.sh", seen, "3").out.strip()
        project.act("wait", run, expect=3)
        self.assertTrue(project.act("-c", "here", "cat", f"output/logs/{run}/stdout.txt").out.endswith("last of 0\n"))
        os.mkfifo(self.scratch / "up")
        words = ("--shell", f"echo begun; echo > {self.scratch}/up; exec sleep 1000")
        run = project.act("-c", "here", "submit", *words).out.strip()
        (self.scratch / "up").read_text()
        project.act("abort", run)
        self.assertEqual(project.act("-c", "here", "cat", f"output/logs/{run}/stdout.txt").out, "begun\n")

    def test_what_cannot_be_submitted_to_is_said_before_anything_else(self):
        project = harness.Project(self.scratch / "project")
        project.cluster("aml", self.serve().endpoint, container="work")
        refused = project.act("submit", "--init", "true", expect=1)
        self.assertIn("write `platform: local`", refused.err)
        self.assertNotIn("code_path", refused.err)

    def test_outputs_that_cannot_arrive_are_told_and_kept(self):
        project = harness.Project(self.scratch / "project")
        server = self.serve()
        project.cluster("here", server.endpoint, container="work")
        path = project.folder / "aux_data/aml/here.yaml"
        cluster = json.loads(path.read_text())
        cluster["platform"] = "local"
        cluster["config_param"]["output_folder"]["mode"] = "upload"
        del cluster["config_param"]["data_folder"]
        path.write_text(json.dumps(cluster))
        (project.folder / "aux_data/configs/here.yaml").write_text(
            json.dumps({"account_name": harness.ACCOUNT, "account_key": "d3Jvbmc=", "container_name": "work",
                        "blob_endpoint": server.endpoint}))  # fmt: skip
        done = project.act("-c", "here", "submit", "--init", "--wait", "--shell", "echo made > output/made", expect=1)
        self.assertIn("could not be brought to the store", done.err)
        kept = list(project.home.rglob("outputs/output/made"))
        self.assertEqual([each.read_text() for each in kept], ["made\n"])
        told = project.act("prune", "--older-than", "2100-01-01").err.splitlines()
        self.assertTrue(told[0].endswith("its outputs or logs are not known to be in the store"), told)
        self.assertTrue(told[1].startswith("  bring them there: act -c here cp "), told)
        self.assertEqual(len(told), 2)
