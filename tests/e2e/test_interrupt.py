"""SIGINT in the middle of 1 GiB: ends within a second, leaves what was there, and is taken up where it stopped."""

import json
import signal
import time
import unittest
import urllib.parse
import urllib.request
from xml.etree import ElementTree

import harness
import servers

GIB = 1 << 30


class Interrupt(servers.OnServers, unittest.TestCase):
    server_kind = "store"

    def interrupted(self, project, gate, *arguments):
        """Starts act, waits until the gate has closed on it, and interrupts it."""
        process = project.start(*arguments, "--json")
        try:
            self.assertTrue(gate.reached.wait(120), "the transfer never got to the gate")
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            seconds = time.monotonic() - begun
        finally:
            process.kill()
        self.assertLess(seconds, 1.0, err.decode())
        self.assertEqual(process.returncode, 130, err.decode())
        summary = json.loads(out.decode().splitlines()[-1])
        self.assertEqual((summary["type"], summary["files"]), ("summary", 0))
        self.assertIn("again", err.decode(), "it should say how to go on")
        return summary

    def ask(self, path, **query):
        url = f"{self.endpoint}/{urllib.parse.quote(path)}?{urllib.parse.urlencode(query)}&{harness.account_sas()}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.read()

    def staged(self, path):
        document = ElementTree.fromstring(self.ask(path, comp="blocklist", blocklisttype="uncommitted"))
        return sum(int(size.text) for size in document.iter("Size"))

    def test_upload(self):
        project = harness.Project(self.folder("project"), self.endpoint, container="upload")
        local, blob = project.folder / "data/large", "upload/some/path/large"
        harness.write(local, b"the old content")
        project.act("u", "data/large")
        harness.write(local, harness.content(GIB, "upload"))

        gate = harness.Gate(self.endpoint, 600 * harness.MIB)
        self.addCleanup(gate.close)
        project.configure(gate.endpoint, container="upload")
        self.interrupted(project, gate, "u", "data/large")
        gate.close()
        self.assertEqual(self.ask(blob), b"the old content")
        there = self.staged(blob)
        self.assertGreater(there, 200 * harness.MIB)

        project.configure(self.endpoint, container="upload")
        again = project.act("u", "data/large", "--json").summary
        self.assertEqual((again["files"], again["bytes"], again["failed"]), (1, GIB, 0))
        # What was there is not sent again; the list of blocks is the only other thing that is.
        self.assertLessEqual(again["bytes_sent"], GIB - there + 64 * 1024)
        self.assertGreaterEqual(again["bytes_sent"], GIB - there)
        project.folder.joinpath("data/large").rename(project.folder / "sent")
        project.act("d", "data/large")
        self.assertEqual(
            harness.snapshot(project.folder / "data")["large"][:3],
            ("file", GIB, harness.hashlib.blake2b((project.folder / "sent").read_bytes()).hexdigest()),
        )

    def test_download(self):
        project = harness.Project(self.folder("project"), self.endpoint, container="download")
        local = project.folder / "data/large"
        harness.write(local, harness.content(GIB, "download"))
        expected = harness.snapshot(project.folder / "data")
        project.act("u", "data/large")
        harness.write(local, b"the old content")

        gate = harness.Gate(self.endpoint, 600 * harness.MIB)
        self.addCleanup(gate.close)
        project.configure(gate.endpoint, container="download")
        first = self.interrupted(project, gate, "d", "data/large")
        self.assertEqual(local.read_bytes(), b"the old content")
        visible = [path.name for path in local.parent.iterdir() if not path.name.startswith(".")]
        self.assertEqual(visible, ["large"])

        # The same account at another port, as the embedded store has it every time.
        project.configure(self.endpoint, container="download")
        again = project.act("d", "data/large", "--json").summary
        self.assertEqual((again["files"], again["failed"]), (1, 0))
        # Parts under way when it was stopped are fetched again, 32 of 8 MiB at most.
        got = first["bytes_received"]
        self.assertLessEqual(again["bytes_received"], GIB - got + 32 * harness.BLOCK)
        self.assertLess(again["bytes_received"], GIB - 200 * harness.MIB)
        harness.assert_same(expected, harness.snapshot(project.folder / "data"))

    def test_many_small_files(self):
        project = harness.Project(self.folder("project"), self.endpoint, container="small")
        for number in range(4000):
            harness.write(project.folder / f"data/{number % 40}/{number}", harness.content(4096, number))
        gate = harness.Gate(self.endpoint, 5 * harness.MIB)
        self.addCleanup(gate.close)
        project.configure(gate.endpoint, container="small")
        process = project.start("u", "data", "--json")
        self.assertTrue(gate.reached.wait(60))
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertLess(time.monotonic() - begun, 1.0)
        self.assertEqual(process.returncode, 130, err.decode())
        gate.close()
        first = json.loads(out.decode().splitlines()[-1])
        project.configure(self.endpoint, container="small")
        again = project.act("u", "data", "--json").summary
        self.assertEqual(again["files"] + again["skipped"], 4000)
        self.assertGreaterEqual(again["skipped"], first["files"])
        self.assertGreater(again["skipped"], 500)

    def test_second_interrupt_while_stopping(self):
        """Impatience does no harm."""
        project = harness.Project(self.folder("project"), self.endpoint, container="twice")
        harness.write(project.folder / "data/large", harness.content(200 * harness.MIB, "twice"))
        gate = harness.Gate(self.endpoint, 100 * harness.MIB)
        self.addCleanup(gate.close)
        project.configure(gate.endpoint, container="twice")
        process = project.start("u", "data/large")
        self.assertTrue(gate.reached.wait(60))
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
        self.assertIn(process.returncode, (130, -signal.SIGINT))
