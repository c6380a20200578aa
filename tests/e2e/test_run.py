"""`act run`: many commands in one process, over one pool of connections; streamed lines; interrupts."""

import json
import signal
import subprocess
import unittest

import harness
import servers


class Run(servers.OwnStore):
    def project(self, server, files):
        project = harness.Project(self.scratch / "project", server.endpoint)
        for number in range(files):
            harness.write(project.folder / f"in/{number}", harness.content(1000, number))
        return project

    def test_three_hundred_copies_share_connections_and_waste_no_request(self):
        server = self.serve()
        project = self.project(server, 300)
        harness.create_container(server.endpoint, "work")
        url = f"{server.endpoint}/work"
        project.folder.joinpath("up").write_text("".join(f"cp ./in/{n} '{url}/t/{n}'\n" for n in range(300)))
        project.folder.joinpath("down").write_text("".join(f"act cp {url}/t/{n} ./out/{n} # back\n" for n in range(300)))

        # What one such copy costs by itself; the other 299 cost no more.
        harness.admin(server, "/reset", "POST")
        project.act("cp", "--force", "./in/0", f"{url}/alone")
        one = sum(count for answers in harness.admin(server, "/stats")["requests"].values() for count in answers.values())
        harness.admin(server, "/reset", "POST")
        up = project.act("run", "--jobs", "32", "--json", "up").summary
        stats = harness.admin(server, "/stats")
        asked = sum(count for answers in stats["requests"].values() for count in answers.values())
        self.assertEqual((up["commands"], up["commands_failed"], up["files"], up["requests"]), (300, 0, 300, asked))
        self.assertEqual(asked, 300 * one)
        self.assertLessEqual(stats["connections_peak"], 64)
        down = project.act("run", "down")
        self.assertIn("ran 300 commands in ", down.out)
        harness.assert_same(harness.snapshot(project.folder / "in"), harness.snapshot(project.folder / "out"))

    def test_lines_of_a_stream_run_as_they_come(self):
        server = self.serve()
        project = self.project(server, 3)
        process = subprocess.Popen([str(harness.ACT), "run", "--json", "-"], cwd=project.folder, env=project.env,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        self.addCleanup(process.kill)
        for number in range(3):
            process.stdin.write(f"cp in/{number} {server.endpoint}/work/{number}\n".encode())
            process.stdin.flush()
            while True:
                event = json.loads(process.stdout.readline())
                self.assertEqual(event["line"], number + 1)
                if event["type"] == "command":
                    self.assertEqual(event["exit_code"], 0)
                    break
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(json.loads(out)["commands"], 3)

    def test_interrupt_ends_all_and_lists_what_is_not_done(self):
        server = self.serve("--bandwidth", "100KiB/s")
        project = self.project(server, 1)
        harness.write(project.folder / "large", harness.content(harness.MIB, "large"))
        url = f"{server.endpoint}/work"
        lines = [f"cp in/0 {url}/small", *(f"cp large {url}/{n}" for n in range(100))]
        project.folder.joinpath("list").write_text("\n".join(lines))
        process = project.start("run", "--jobs", "4", "--json", "list")
        self.addCleanup(process.kill)
        for line in process.stdout:
            if json.loads(line)["type"] == "command":
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130, err)
        err = err.decode()
        self.assertIn("interrupted", err)
        self.assertIn(f"cp large {url}/0  # list:2, exit code 130\n", err)
        self.assertNotIn(f"cp in/0 {url}/small  #", err)
        summary = json.loads(out.splitlines()[-1])
        self.assertEqual((summary["type"], summary["files"]), ("summary", 1))

    def test_an_interrupt_is_heard_while_waiting_for_lines(self):
        project = harness.Project(self.scratch / "project")
        process = subprocess.Popen([str(harness.ACT), "run", "--json", "-"], cwd=project.folder, env=project.env,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        self.addCleanup(process.kill)
        process.stdin.write(b"mkcontainer local:\n")
        process.stdin.flush()
        while json.loads(process.stdout.readline())["type"] != "command":
            pass
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 130)
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()

    def test_many_trees_at_once_in_little_memory(self):
        server = self.serve()
        project = harness.Project(self.scratch / "project", server.endpoint)
        for number in range(60):
            harness.write(project.folder / f"tree/{number:04}", harness.content(3000, number))
        url = f"{server.endpoint}/work"
        project.act("cp", "./tree", f"{url}/source")
        lines = [f"cp {url}/source ./out/{n}" for n in range(12)] + [f"cp ./tree {url}/other{n}" for n in range(4)]
        project.folder.joinpath("list").write_text("\n".join(lines) + "\n")
        project.act("run", "--memory", "16MiB", "--jobs", "16", "list")
        expected = harness.snapshot(project.folder / "tree")
        for number in (0, 11):
            harness.assert_same(expected, harness.snapshot(project.folder / f"out/{number}"))
