"""With no configuration at all: the embedded store and jobs on this machine."""

import json
import pathlib
import re
import unittest

import harness


class Local(unittest.TestCase):
    def setUp(self):
        if not harness.ACT.exists():
            self.skipTest(f"{harness.ACT} is not built")
        self.project = harness.Project(self.enterContext(harness.temporary_folder()))

    def test_version_and_help(self):
        self.assertRegex(self.project.act("--version").out, r"^act \d+\.\d+\.\d+")
        for words in (["--help"], ["u", "--help"], ["--help", "submit"]):
            self.assertIn("act", self.project.act(*words).out)

    def test_one_static_file(self):
        said = harness.run(["ldd", harness.ACT], expect={0, 1}).text
        self.assertIn("not a dynamic executable", said)

    def test_round_trip(self):
        source = harness.awkward_tree(self.project.folder / "data/tree", big=False)
        expected = harness.snapshot(source, modes=True, times=True)
        self.project.act("u", "data/tree")
        source.rename(self.project.folder / "sent")
        self.project.act("d", "data/tree")
        harness.assert_same(expected, harness.snapshot(source, modes=True, times=True))
        again = self.project.act("u", "data/tree", "--json").summary
        self.assertEqual((again["files"], again["bytes_sent"]), (0, 0))

    def test_from_a_sub_folder_and_by_absolute_path(self):
        aml = self.project.folder / "aux_data/aml"
        aml.mkdir(parents=True)
        harness.write(self.project.folder / "data/deep/f", b"x")
        self.project.act("u", str(self.project.folder / "data/deep/f"))
        self.assertIn("f", self.project.act("ls", "data/deep").out)

    def test_options_before_and_after_the_verb(self):
        harness.write(self.project.folder / "data/f", b"x")
        for words in (["--json", "u", "data/f"], ["u", "--json", "data/f"], ["u", "data/f", "--json"]):
            self.assertEqual(self.project.act(*words).summary["verb"], "upload")
        harness.write(self.project.folder / "data/--json", b"odd")
        self.project.act("u", "--", "data/--json")
        for aliases in ("u", "upload"):
            self.project.act(aliases, "data/f")

    def test_summary_has_all_its_counters(self):
        harness.write(self.project.folder / "data/f", b"12345")
        summary = self.project.act("u", "data/f", "--json").summary
        for name in ("files", "bytes", "skipped", "failed", "requests", "bytes_sent", "bytes_received", "hedged"):
            self.assertIsInstance(summary[name], int, name)
        self.assertIsInstance(summary["elapsed_s"], float)
        self.assertEqual((summary["files"], summary["bytes"], summary["bytes_sent"]), (1, 5, 5))

    def test_progress_stays_off_a_pipe(self):
        harness.write(self.project.folder / "data/f", b"x")
        result = self.project.act("u", "data/f")
        self.assertNotIn("\r", result.text)
        self.assertNotIn("\x1b", result.text)

    def test_config_shows_where_values_come_from_and_no_secret(self):
        self.project.act("config")
        self.project.configure("http://127.0.0.1:1/devstoreaccount1")
        shown = self.project.act("config")
        self.assertIn("aml.yaml", shown.text)
        self.assertNotIn(harness.KEY, shown.text)


class Jobs(unittest.TestCase):
    def setUp(self):
        if not harness.ACT.exists():
            self.skipTest(f"{harness.ACT} is not built")
        self.project = harness.Project(self.enterContext(harness.temporary_folder()))
        harness.write(self.project.folder / "main.py", b"print('SUM', sum(map(int, open('data/numbers').read().split())))")
        self.project.act("init")

    def test_exit_code_is_the_commands_own(self):
        for code in (0, 1, 7, 42):
            self.project.act("submit", "--wait", "sh", "-c", f"exit {code}", expect=code)

    def test_arguments_arrive_exactly(self):
        words = ["two words", "", "  ", "*", "$HOME", "a\nb", 'say "so"', "it's", "--json", "-n", "\\", "é"]
        script = "import json, sys; json.dump(sys.argv[1:], open('args.json', 'w')); print('GOT', json.dumps(sys.argv[1:]))"
        done = self.project.act("submit", "--wait", "python3", "-c", script, *words)
        line = next(line for line in done.text.splitlines() if "GOT " in line)
        self.assertEqual(json.loads(line.split("GOT ", 1)[1]), words)

    def test_code_and_data_are_in_place(self):
        harness.write(self.project.folder / "data/numbers", b"1\n2\n39\n")
        self.project.act("u", "data")
        (self.project.folder / "data").rename(self.project.folder / "moved")
        done = self.project.act("submit", "--wait", "python3", "main.py")
        self.assertIn("SUM 42", done.text)

    def test_record_of_runs(self):
        self.project.act("submit", "--wait", "sh", "-c", "echo to the log; exit 3", expect=3)
        listed = self.project.act("q", "--json").lines
        runs = [line for line in listed if line["type"] == "run"]
        self.assertEqual(len(runs), 1, listed)
        shown = self.project.act("q", runs[0]["id"])
        self.assertRegex(shown.text, r"state +failed")
        self.assertRegex(shown.text, r"exit code +3")
        logs = pathlib.Path(re.search(r"logs +(/.*)", shown.text).group(1))
        self.assertIn("to the log", "".join(each.read_text() for each in logs.rglob("*") if each.is_file()))

    def test_code_is_the_code_of_its_time(self):
        """A job runs what was staged, not what was edited since; staging again makes it current."""
        harness.write(self.project.folder / "say.sh", b"echo first")
        self.project.act("init")
        harness.write(self.project.folder / "say.sh", b"echo second")
        self.assertIn("first", self.project.act("submit", "--wait", "sh", "say.sh").out)
        self.project.act("init")
        self.assertIn("second", self.project.act("submit", "--wait", "sh", "say.sh").out)

    def test_submit_before_init(self):
        project = harness.Project(self.enterContext(harness.temporary_folder()))
        harness.write(project.folder / "main.py", b"")
        failed = project.act("submit", "--wait", "true", expect={3, 5})
        self.assertIn("act init", failed.err)

    def test_missing_command(self):
        failed = self.project.act("submit", "--wait", "no-such-command-here", expect=None)
        self.assertNotEqual(failed.code, 0)
        self.assertIn("no-such-command-here", failed.text)
