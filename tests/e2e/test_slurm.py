"""Jobs on a real Slurm with two nodes, started by the test itself."""

import json
import os
import re
import time
import unittest

import harness
import slurm


@unittest.skipIf(slurm.missing(), f"not installed: {slurm.missing()}")
class OnSlurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not harness.ACT.exists():
            raise unittest.SkipTest(f"{harness.ACT} is not built")
        cls.cluster = slurm.Slurm(cls.enterClassContext(harness.temporary_folder()))
        cls.addClassCleanup(cls.cluster.stop)

    def setUp(self):
        self.scratch = self.enterContext(harness.temporary_folder())
        (self.scratch / "server").mkdir()
        server = harness.act_serve(self.scratch / "server")
        self.addCleanup(server.stop)
        self.project = harness.Project(self.scratch / "pro ject", server.endpoint)
        self.project.act("mkcontainer", "work")
        self.project.env.update(self.cluster.environment)
        self.configure()

    def configure(self, slurm=None, outputs=None, **more):
        file = self.project.folder / "aux_data/aml/aml.yaml"
        text = json.loads(file.read_text())
        data = text["config_param"]["data_folder"]
        text["config_param"]["code_path"] = {**data, "path": "code"}
        if outputs:
            text["config_param"]["output_folder"]["mode"] = outputs
        text.update(platform="slurm", gpu_per_node=0, slurm=slurm or {}, **more)
        file.write_text(json.dumps(text))
        self.project.act("init")

    def submit(self, *command, **more):
        return self.project.act("submit", *command, **more).out.strip()

    def run_of(self, run):
        return next(line for line in self.project.act("q", run, "--json").lines if line["type"] == "run")

    def fifo(self, name):
        os.mkfifo(self.scratch / name)
        return self.scratch / name

    def test_exit_code_comes_back_through_wait(self):
        for code in (0, 3, 42):
            run = self.submit("sh", "-c", f"echo out; echo err >&2; exit {code}")
            self.project.act("wait", run, expect=code)
            shown = self.run_of(run)
            self.assertEqual((shown["state"], shown["exit_code"]), ("failed" if code else "completed", code))
            self.assertIn(shown["node"], slurm.NODES)
        done = self.project.act("submit", "--wait", "sh", "-c", "echo out; echo err >&2; exit 3", expect=3)
        self.assertIn("out\n", done.out)
        self.assertIn("err\n", done.err)
        killed = self.project.act("submit", "--wait", "sh", "-c", "kill -KILL $$", expect=137)
        self.assertIn("ended by signal SIGKILL", killed.err)
        missing = self.project.act("submit", "--wait", "no-such-command-here", expect=127)
        self.assertIn("cannot run 'no-such-command-here'", missing.err)

    def test_arguments_arrive_byte_for_byte(self):
        words = ["two words", "", "  ", "*", "$HOME", "a\nb", 'say "so"', "it's", "--json", "-n", "\\", "é", ";",
                 "| cat", "&& false", "`x`", "$(x)", "%j", "#", "~", "\t", "x" * 100_000]  # fmt: skip
        script = "import json, sys; print('GOT', json.dumps(sys.argv[1:]))"
        done = self.project.act("submit", "--wait", "python3", "-c", script, *words)
        line = next(line for line in done.out.splitlines() if line.startswith("GOT "))
        self.assertEqual(json.loads(line[4:]), words)

    def test_mpi_job_on_two_nodes_reads_staged_data(self):
        code = (
            "import os\n"
            "from mpi4py import MPI\n"
            "world = MPI.COMM_WORLD\n"
            "numbers = [int(n) for n in open('data/numbers')]\n"
            "mine = sum(numbers[world.rank :: world.size])\n"
            "total = world.allreduce(mine)\n"
            "told = [os.environ[n] for n in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'NODE_RANK', 'MASTER_ADDR')]\n"
            "print('RANK', world.rank, 'of', world.size, 'total', total, *told, flush=True)\n"
            "open(f'output/part-{world.rank}', 'w').write(str(mine))\n"
        )
        harness.write(self.project.folder / "sum.py", code.encode())
        harness.write(self.project.folder / "data/numbers", b"".join(b"%d\n" % n for n in range(1000)))
        self.project.act("u", "data")
        (self.project.folder / "data").rename(self.scratch / "moved")
        self.configure({"mpi": "pmix"}, process_count_per_node=1, outputs="upload")
        done = self.project.act("-n", "2", "submit", "--wait", "/usr/bin/python3", "sum.py", "data/numbers")
        self.assertIn("RANK 0 of 2 total 499500 0 2 0 0 n1\n", done.out)
        run = self.run_of(re.search(r"run (\S+)", done.err).group(1))
        other = (harness.pathlib.Path(run["logs"]) / "stdout-1.txt").read_text()
        self.assertIn("RANK 1 of 2 total 499500 1 2 0 1 n1\n", other)
        self.assertEqual(run["node"], "n[1-2]")
        # Both wrote into the run's own folder, which the job brought to the store.
        parts = [self.project.act("cat", f"output/{run['id']}/part-{rank}").out for rank in (0, 1)]
        self.assertEqual(sum(map(int, parts)), 499500)

    def test_the_code_of_several_is_that_of_the_first_to_fail(self):
        never = self.fifo("never")
        self.configure(process_count_per_node=1)
        script = f'if [ "$RANK" = 1 ]; then exit 3; fi; read x < {never}'
        self.project.act("-n", "2", "submit", "--wait", "sh", "-c", script, expect=3)

    def test_cancelled_while_it_runs(self):
        up, never = self.fifo("up"), self.fifo("never")
        run = self.submit("sh", "-c", f"trap '' TERM; echo $$ > {up}; while :; do read x < {never}; done")
        process = int(up.read_text())
        self.assertTrue(os.path.exists(f"/proc/{process}"))
        self.assertIn("canceled", self.project.act("abort", run).out)
        self.assertFalse(os.path.exists(f"/proc/{process}"))
        self.assertEqual(self.run_of(run)["reason"], "cancelled")
        self.project.act("wait", run, expect=130)

    def test_a_waiting_job_says_why_and_can_be_cancelled(self):
        odd = "a  b \"q\" 'p' \\ # $HOME c"
        self.configure({"sbatch_options": ["--hold", "--job-name=" + odd]})
        run = self.submit("true")
        self.assertIn(odd + "\n", self.cluster.run("squeue", "-h", "-o", "%j").stdout)
        shown = self.run_of(run)
        self.assertEqual(shown["state"], "queued")
        self.assertIn("JobHeldUser", shown["reason"])
        self.project.act("abort", run)
        self.assertEqual(self.run_of(run)["state"], "canceled")
        self.configure({"partition": "nowhere"})
        refused = self.project.act("submit", "true", expect=3)
        self.assertIn("partition", refused.err)

    def test_cancelled_by_somebody_else(self):
        up, never = self.fifo("up"), self.fifo("never")
        run = self.submit("sh", "-c", f"echo up > {up}; read x < {never}")
        up.read_text()
        self.assertEqual(self.run_of(run)["state"], "running")
        self.cluster.run("scancel", "--user", slurm.getpass.getuser())
        self.project.act("wait", run, expect=130)
        self.assertIn("scancel", self.run_of(run)["reason"])

    def test_tasks_that_wait_are_cancelled_one_by_one(self):
        self.configure({"sbatch_options": ["--hold"]})
        told = self.project.act("submit", "--json", "--sweep", "a=1,2", "true")
        runs = [line["id"] for line in told.lines if line["type"] == "run"]
        job = self.cluster.run("squeue", "-h", "-o", "%F", "--user", slurm.getpass.getuser()).stdout.split()[0]
        # The first while others of its array wait.
        for task, run in enumerate(runs):
            self.cluster.run("scancel", f"{job}_{task}")
            self.project.act("wait", run, expect=130)
            self.assertIn("scancel", self.run_of(run)["reason"])

    def test_outputs_and_logs_arrive_though_it_is_cancelled(self):
        self.configure(outputs="upload", std_out_err_path_prefix="output/logs")
        up, never = self.fifo("up"), self.fifo("never")
        # By `act abort`, then by somebody else; this one has an exit code of its own.
        for end, trap in (("abort", ""), ("scancel", "trap 'exit 0' TERM; ")):
            run = self.submit("sh", "-c", f"{trap}echo made | tee output/x; echo up > {up}; while :; do read x < {never}; done")
            up.read_text()
            if end == "abort":
                self.project.act("abort", run)
            else:
                self.cluster.run("scancel", "--user", slurm.getpass.getuser())
            self.project.act("wait", run, expect=130)
            for name in (f"output/{run}/x", f"output/logs/{run}/stdout.txt"):
                self.assertEqual(self.project.act("cat", name).out, "made\n")
            self.assertNotIn("not all get", self.run_of(run)["reason"])
            folder = self.run_of(run)["folder"]
            self.assertTrue(harness.pathlib.Path(folder).exists())
            self.project.act("prune", run)
            self.assertFalse(harness.pathlib.Path(folder).exists())
            self.assertEqual(self.run_of(run)["state"], "canceled")

    def delivering(self):
        """The processes that bring outputs and logs of running jobs to the store, without what they start."""
        lines = [line.split(None, 2) for line in harness.run(["ps", "axwwo", "pid=,ppid=,args="]).out.splitlines()]
        mine = {pid: parent for pid, parent, text in lines if "agent deliver-meanwhile" in text and str(self.project.home) in text}
        return [pid for pid, parent in mine.items() if parent not in mine]

    def until_stored(self, name, text):
        deadline = time.monotonic() + 120
        while (found := self.project.act("cat", name, expect={0, 5}).out) != text:
            self.assertLess(time.monotonic(), deadline, f"{name} has '{found}', not '{text}'")

    def test_outputs_and_logs_arrive_while_it_runs(self):
        self.configure({"upload_seconds": 1}, outputs="upload", std_out_err_path_prefix="output/logs", process_count_per_node=1)
        go = {a: self.fifo(f"go-{a}") for a in "12"}
        script = f'[ "$RANK" = 0 ] || exit 0; echo $0 | tee output/x; read code < {self.scratch}/go-$0; echo last; exit $code'
        told = self.project.act("-n", "2", "submit", "--json", "--sweep", "a=1,2", "sh", "-c", script, "{a}")
        runs = {line["point"][-1]: line["id"] for line in told.lines if line["type"] == "run"}
        self.assertEqual(set(runs), set(go))
        for a, run in runs.items():
            for name in (f"output/{run}/x", f"output/logs/{run}/stdout.txt"):
                self.until_stored(name, f"{a}\n")
        # They go on when their first lines have been seen there. One for each job sees to that, however many its ranks.
        self.assertEqual({self.run_of(run)["state"] for run in runs.values()}, {"running"})
        self.assertEqual(len(self.delivering()), 2)
        for (a, run), code in zip(runs.items(), (0, 3)):
            go[a].write_text(f"{code}\n")
            self.project.act("wait", run, expect=code)
            self.assertEqual(self.project.act("cat", f"output/logs/{run}/stdout.txt").out, f"{a}\nlast\n")
        self.assertEqual(self.delivering(), [])

    def test_many_runs_are_asked_about_together(self):
        up, never = self.fifo("up"), self.fifo("never")
        running = self.submit("sh", "-c", f"echo up > {up}; read x < {never}")
        up.read_text()
        self.configure({"sbatch_options": ["--hold"]})
        waiting = [self.submit("true"), *self.submit("--sweep", "a=1,2", "true").splitlines()]
        waiting = [line.split()[0] for line in waiting]
        states = lambda: {line["id"]: line["state"] for line in self.project.act("q", "--json").lines if line["type"] == "run"}
        self.assertEqual(states(), {running: "running", **dict.fromkeys(waiting, "queued")})
        for run in (running, *waiting):
            self.project.act("abort", run)
        self.assertEqual(set(states().values()), {"canceled"})

    def test_sweep_of_twelve_points(self):
        told = self.project.act(
            "submit", "--wait", "--sweep", "a=1,2,3", "--sweep", "b=1..4", "--max-parallel", "3", "--json",
            "sh", "-c", "echo product $((ACT_SWEEP_A * ACT_SWEEP_B))",
        )  # fmt: skip
        ids = {line["id"] for line in told.lines if line["type"] == "run"}
        self.assertEqual(len(ids), 12)
        products = []
        for run in ids:
            shown = self.run_of(run)
            self.assertEqual(shown["state"], "completed")
            products.append((harness.pathlib.Path(shown["logs"]) / "stdout.txt").read_text())
        self.assertEqual(sorted(products), sorted(f"product {a * b}\n" for a in (1, 2, 3) for b in (1, 2, 3, 4)))

    def test_through_ssh(self):
        """A host that ssh reaches is stood in for by a program of that name, which runs the line here."""
        calls = self.scratch / "calls"
        ssh = harness.write(self.scratch / "bin/ssh", (
            f'#!/bin/sh\nprintf "%s\\n" "$4" >> {calls}\nPATH={os.environ["PATH"]} exec sh -c "$5"\n').encode(), mode=0o755)  # fmt: skip
        self.configure({"ssh": "me@login"})
        # Only by ssh is there a Slurm.
        nothing = self.scratch / "programs"
        nothing.mkdir()
        for name in ("env", "sh"):
            (nothing / name).symlink_to(f"/usr/bin/{name}")
        environment = {**self.project.env, "PATH": f"{ssh.parent}:{nothing}"}
        done = self.project.act("submit", "--wait", "sh", "-c", "echo 'from  there'; exit 3", env=environment, expect=3)
        self.assertEqual(done.out, "from  there\n")
        self.assertIn("me@login", calls.read_text())

    def test_nothing_secret_is_left(self):
        secret = "not-a-real-secret"
        self.project.env.update(AZURE_STORAGE_KEY=secret, MY_TOKEN=secret)
        harness.write(self.project.folder / "main.py", b"")
        self.configure(env={"API_TOKEN": secret})
        held = self.fifo("held")
        run = self.submit("sh", "-c", f"env > env; read x < {held}; true")
        folders = [self.project.home / "state", self.cluster.folder]
        files = lambda: [f for folder in folders for f in folder.rglob("*") if f.is_file() and not f.is_symlink()]

        def holds(file):
            try:
                return secret.encode() in file.read_bytes()
            except FileNotFoundError:  # Slurm's own files come and go
                return False

        found = lambda: {"/".join(f.parts[-2:]) for f in files() if holds(f)}
        with open(held, "w"):
            self.assertEqual(found(), {f"{run}/spec.json", "code/env"})
            listed = harness.run(["ps", "axww"]).out
            self.assertNotIn(secret, listed)
        self.project.act("wait", run)
        self.assertEqual(found(), {"code/env"})
        told = (harness.pathlib.Path(self.run_of(run)["folder"]) / "code/env").read_text()
        self.assertIn(f"API_TOKEN={secret}\n", told)
        self.assertEqual(told.count(secret), 1, told)


if __name__ == "__main__":
    unittest.main()
