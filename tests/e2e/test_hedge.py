"""Answers that stall: the job goes on without them, because slow requests are sent once more beside themselves."""

import time
import unittest

import harness
import servers


class Stalls(servers.OwnStore):
    def download(self, project):
        return project.act("d", "data/tree", "--json", "--log-level", "debug")

    def download_by_a_line(self, project):
        """Its requests pass one more counter, that of the line."""
        harness.write(project.folder / "lines", b"d data/tree\n")
        return project.act("run", "--json", "--log-level", "debug", "lines")

    def test_a_download_ends_soon_although_some_answers_never_come(self):
        self.ends_soon(self.download)

    def test_the_same_as_a_line_of_many(self):
        got = self.ends_soon(self.download_by_a_line)
        of_line = next(line for line in got.lines if line["type"] == "summary" and line.get("line") == 1)
        self.assertEqual(of_line["hedged"], got.summary["hedged"])

    def ends_soon(self, download):
        files = 400
        server = self.serve()
        project = harness.Project(self.scratch / "project", server.endpoint)
        tree = project.folder / "data/tree"
        for number in range(files):
            harness.write(tree / str(number), harness.content(2000, number))
        harness.write(tree / "large", harness.content(20 * harness.MIB, "large"))
        before = harness.snapshot(tree)
        project.act("u", "data/tree")
        tree.rename(self.scratch / "original")
        server.stop()
        # With this seed the requests number 43, 75 and 205 stall, and no other of the first 500. A try that hears
        # nothing is given up after a minute.
        server = self.serve("--fault", "stall=0.01:1h", "--fault-seed", "4")
        project.configure(server.endpoint)
        got = download(project)
        print(f"     {got.seconds:.1f} s, {got.summary['hedged']} of {got.summary['requests']} requests sent once more", flush=True)
        harness.assert_same(before, harness.snapshot(tree))
        self.assertGreaterEqual(got.summary["hedged"], 3)
        self.assertLessEqual(got.summary["hedged"], 4 + 0.02 * got.summary["requests"])
        self.assertLess(got.seconds, 30)
        self.assertIn("sent once more for being slow", got.err)
        begun = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - begun, 10, "an imitated stall is not waited for")
        return got


if __name__ == "__main__":
    unittest.main()
