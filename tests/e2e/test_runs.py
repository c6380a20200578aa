"""What is asked about runs, and runs that are submitted once more."""

import json
import os
import time
import unittest

import harness


class Runs(unittest.TestCase):
    def setUp(self):
        if not harness.ACT.exists():
            self.skipTest(f"{harness.ACT} is not built")
        self.project = harness.Project(self.enterContext(harness.temporary_folder()))
        (self.project.folder / "aux_data").mkdir()
        harness.write(self.project.folder / "say.sh", b"echo first $1")
        self.project.act("init")

    def runs(self, *words):
        return [line for line in self.project.act("q", "--json", *words).lines if line["type"] == "run"]

    def submit(self, *command, options=()):
        return self.project.act(*options, "submit", *command).out.strip()

    def fifo(self):
        """A pipe that jobs wait at: opening one end waits for the other."""
        path = self.project.home / "fifo"
        os.mkfifo(path)
        return path

    def test_resubmit_has_the_code_of_the_run(self):
        old = self.submit("sh", "say.sh", "a  b")
        self.project.act("wait", old)
        harness.write(self.project.folder / "say.sh", b"echo second $1")
        self.project.act("init")
        same = self.project.act("resubmit", old[-6:]).out.strip()
        self.project.act("wait", same)
        self.assertEqual(self.project.act("logs", same).out, "first a b\n")
        fresh = self.project.act("resubmit", old, "--fresh").out.strip()
        self.project.act("wait", fresh)
        self.assertEqual(self.project.act("logs", fresh).out, "second a b\n")
        told = {run["id"]: run for run in self.runs()}
        self.assertEqual(told[same]["resubmit_of"], old)
        self.assertEqual(told[old]["resubmitted_as"], fresh)
        self.assertEqual(told[same]["command"], ["sh", "say.sh", "a  b"])

    def test_resubmit_has_the_variables_of_the_run(self):
        """Those that no record keeps come from the environment; a sweep's own are kept, whatever they are called."""
        env = {**self.project.env, "HF_TOKEN": "s3cret"}
        line = ("sh", "-c", "echo $HF_TOKEN $ACT_SWEEP_NUM_TOKENS $PLAIN")
        options = ("--env", "HF_TOKEN", "--env", "PLAIN=a", "--sweep", "num_tokens=7")
        self.project.act("submit", "--wait", *options, *line, env=env)
        (old,) = [run["id"] for run in self.runs()]
        refused = self.project.act("resubmit", old, expect=2)
        self.assertIn("HF_TOKEN", refused.err)
        self.assertEqual(len(self.runs()), 1)
        again = self.project.act("resubmit", old, env=env).out.strip()
        self.project.act("wait", again)
        self.assertEqual(self.project.act("logs", again).out, "s3cret 7 a\n")
        self.assertNotIn("s3cret", (self.project.home / "state/act/runs.jsonl").read_text())

    def test_resubmit_ends_what_is_at_work(self):
        old = self.submit("sh", "-c", f"read go < {self.fifo()}")
        fresh = self.project.act("resubmit", old).out.strip()
        self.assertEqual(self.project.act("wait", old, expect=130).out, f"{old} canceled\n")
        self.assertIn("canceled", self.project.act("abort", fresh).out)

    def test_dry_run_submits_nothing(self):
        old = self.submit("true")
        self.project.act("wait", old)
        self.assertIn("would submit", self.project.act("resubmit", "--dry-run", old).out)
        self.assertEqual(len(self.runs()), 1)

    def test_logs_follow_to_the_end(self):
        go = self.fifo()
        run = self.submit("sh", "-c", f"echo one; read go < {go}; echo two")
        following = self.project.start("logs", "-f", run)
        self.assertEqual(following.stdout.readline(), b"one\n")
        go.write_text("go\n")
        self.assertEqual(following.communicate(timeout=60)[0], b"two\n")
        self.assertEqual(following.returncode, 0)

    def test_monitor_tries_again_what_failed_by_chance(self):
        """The first try fails with a retriable error, the second one succeeds; another failure is final."""
        mark = self.project.folder / "mark"
        flaky = self.submit("sh", "-c", f"[ -e {mark} ] || {{ touch {mark}; echo 'x: No space left on device'; exit 9; }}")
        wrong = self.submit("sh", "-c", "echo 'ModuleNotFoundError: No module named y'; exit 1")
        self.project.act("wait", flaky, wrong, expect=9)
        self.assertIn("would be tried again: NoSpace", self.project.act("monitor", "--dry-run").out)
        said = self.project.act("monitor").out
        self.assertIn(f"{flaky} tried again as ", said)
        self.assertIn(f"{wrong} not tried again: ModuleErr", said)
        runs = {run["id"]: run for run in self.runs()}
        self.assertEqual(len(runs), 3)
        again = runs[runs[flaky]["resubmitted_as"]]
        self.assertEqual(again["state"], "completed")
        self.assertIn(f"{flaky}: NoSpace", self.project.act("q", again["id"]).out)
        self.assertNotIn("tried again as", self.project.act("monitor").out)

    def test_monitor_gives_up_at_last(self):
        run = self.submit("sh", "-c", "echo 'No space left on device'; exit 9")
        said = self.project.act("monitor", run, "--retries", "1").out
        self.assertIn("1 retries have not helped", said)
        self.assertEqual(len(self.runs("--state", "failed")), 2)

    def test_5000_runs_are_listed_at_once(self):
        state = self.project.home / "state/act"
        state.mkdir(parents=True, exist_ok=True)
        with open(state / "runs.jsonl", "w") as out:
            for i in range(5000):
                run = f"20260102-0304{i % 60:02}-{i:06}"
                first = {
                    "id": run, "cluster": "local", "platform": "local", "project": str(self.project.folder),
                    "experiment": "me", "command": ["python3", "train.py", "--lr", f"0.{i}"], "code": "ab" * 32,
                    "name": "", "group": "g", "point": f"lr=0.{i}", "env": {"A": "b"}, "asked_gpus": None,
                    "single": False, "hold": False, "gpus": 0, "nodes": 1, "processes_per_node": 1, "state": "queued",
                    "submitted": "2026-01-02T03:04:05.123456789Z", "started": None, "ended": None, "exit_code": None,
                    "reason": "", "node": "", "pid": 0, "pid_started": 0, "folder": f"{state}/runs/{run}",
                    "logs": f"{state}/runs/{run}/logs", "backend_id": "", "details": {},
                }  # fmt: skip
                started = {
                    "id": run, "state": "running", "started": "2026-01-02T03:05:05.123456789Z", "node": "here",
                    "pid": 77, "pid_started": 99, "details": {"boot": "0" * 36},
                }  # fmt: skip
                ended = {"id": run, "state": "completed", "ended": "2026-01-02T04:05:05Z", "exit_code": 0}
                out.writelines(json.dumps(line) + "\n" for line in (first, started, ended))
        times = []
        for _ in range(5):
            begin = time.monotonic()
            listed = self.project.act("q").out
            times.append(time.monotonic() - begin)
        self.assertEqual(len(listed.splitlines()) - listed.splitlines().index("") - 2, 5000)
        print(f"act q on 5,000 runs: {min(times) * 1000:.0f} ms")
        # The goal is 100 ms on a machine at rest; a loaded one and sanitizers have room here.
        self.assertLess(min(times), 2)

    def test_old_runs_leave_nothing_but_their_records(self):
        old = self.submit("sh", "say.sh")
        self.project.act("wait", old)
        fifo = self.fifo()
        young = self.submit("--shell", f"read x < {fifo}")
        folder = {run["id"]: run["folder"] for run in self.runs()}
        self.assertIn("removed the folders of 0 runs", self.project.act("prune").out)
        shown = self.project.act("prune", "--older", "2100-01-01", "--dry-run").out
        self.assertIn(f"would remove {old}", shown)
        self.assertNotIn(young, shown)
        self.assertTrue(os.path.exists(folder[old]))
        done = self.project.act("prune", "--older-than", "2100-01-01", "--json")
        self.assertEqual([(line["run"], line["kept"]) for line in done.lines if line["type"] == "pruned"], [(old, "")])
        self.assertEqual((done.summary["files"], done.summary["bytes"] > 0), (1, True))
        self.assertFalse(os.path.exists(folder[old]))
        self.assertTrue(os.path.exists(folder[young]))
        with open(fifo, "w") as stream:
            stream.write("go\n")
        self.project.act("wait", young)
        self.assertEqual({run["id"]: run["state"] for run in self.runs()}, {old: "completed", young: "completed"})
        self.assertIn(old, self.project.act("q", old).out)
        self.assertIn("has no logs on this machine", self.project.act("logs", old, expect=5).err)
        self.assertIn("is not on this machine", self.project.act("files", old, expect=5).err)
        # By name there is no age; what has not ended is none to remove.
        self.assertIn("removed the folders of 1 run", self.project.act("prune", young[-6:]).out)
        self.assertFalse(os.path.exists(folder[young]))
        self.assertIn("--undelivered RUN", self.project.act("prune", "--undelivered", expect=2).err)

    def test_kept_trees_of_the_foreground_are_counted(self):
        self.project.act("local", "--keep", "sh", "say.sh")
        self.assertIn("removed the folders of 0 runs", self.project.act("prune").out)
        self.assertIn("a tree that `act local` left", self.project.act("prune", "--older-than", "2100-01-01", "--dry-run").out)
        self.assertIn("removed the folders of 1 run,", self.project.act("prune", "--older-than", "2100-01-01").out)
        self.assertEqual(os.listdir(self.project.home / "state/act/local"), [])


if __name__ == "__main__":
    unittest.main()
