"""The embedded store as a process: what it acknowledged survives being killed."""

import signal
import unittest

from azure.storage.blob import ContainerClient

import harness
import servers


class Store(servers.OwnStore):
    def test_killed_store_loses_nothing_it_acknowledged(self):
        server = self.serve()
        project = harness.Project(self.scratch / "project", server.endpoint)
        source = harness.awkward_tree(project.folder / "data/tree", big=False)
        expected = harness.snapshot(source, modes=True, times=True)
        project.act("u", "data/tree")
        server.stop(signal.SIGKILL)
        project.configure(self.serve().endpoint)
        source.rename(project.folder / "sent")
        project.act("d", "data/tree")
        harness.assert_same(expected, harness.snapshot(source, modes=True, times=True))

    def test_terminated_store_ends_cleanly(self):
        self.assertIn(self.serve().stop(signal.SIGTERM), (0, 130, 143))
        self.assertIn(self.serve().stop(signal.SIGINT), (0, 130))

    def test_account_and_key_of_its_own(self):
        key = "a2V5IG9mIG91ciBvd24sIHRoaXJ0eS10d28gYnl0ZXM="
        server = self.serve(account="mine", key=key)
        self.assertTrue(server.endpoint.endswith("/mine"))
        project = harness.Project(self.scratch / "project", server.endpoint, account="mine", key=key)
        harness.write(project.folder / "data/f", b"x")
        project.act("u", "data/f")
        project.configure(server.endpoint, account="mine")
        project.act("ls", "data/f", expect=4)

    def test_hierarchical_account(self):
        server = self.serve("--hierarchical")
        project = harness.Project(self.scratch / "project", server.endpoint)
        harness.write(project.folder / "data/tree/a/b", b"x")
        project.act("u", "data/tree")
        with ContainerClient(server.endpoint, "work", credential=harness.KEY) as container:
            names = [item.name for item in container.list_blobs()]
        self.assertEqual(names[0], "some")
        self.assertTrue(names[-1].endswith("tree/a/b"), names)
        self.assertIn(names[-1].rsplit("/", 1)[0], names)
        server.stop(signal.SIGTERM)
        # The folder stays of that kind.
        root, listen = ("--root", self.scratch / "server"), ("--listen", "127.0.0.1:0")
        refused = harness.run([harness.ACT, "serve", *root, *listen], expect=3)
        self.assertIn("serve it with --hierarchical", refused.err)
        refused = harness.run([harness.ACT, "serve", "--hierarchical", "--versioning", "on", *root, *listen], expect=3)
        self.assertIn("keeps no versions", refused.err)

    def test_admin_counts_and_limits(self):
        server = self.serve()
        project = harness.Project(self.scratch / "project", server.endpoint)
        for number in range(20):
            harness.write(project.folder / f"data/tree/{number}", b"x" * 1000)
        project.act("u", "data/tree")
        told = harness.admin(server, "/stats")
        self.assertEqual(told["requests"]["PutBlob"], {"201": 20})
        self.assertEqual(told["bytes_in"], 20_000)
        self.assertGreaterEqual(told["connections_peak"], 1)
        self.assertEqual(harness.admin(server, "/limit?rate=0.01", "POST")["limit"], 0.01)
        self.assertEqual(harness.admin(server, "/limit?rate=0", "POST")["limit"], None)
        self.assertEqual(harness.admin(server, "/reset", "POST")["requests"], {})
        # An unchanged tree costs its listing alone.
        project.act("u", "data/tree")
        self.assertEqual(harness.admin(server, "/stats")["requests"], {"ListBlobs": {"200": 1}})

    def test_imitated_network_and_faults(self):
        faults = "reset=0.05,error500=0.05,error503=0.02,truncate=0.05"
        server = self.serve("--latency", "2ms", "--bandwidth", "40MiB/s,60MiB/s:account", "--fault", faults,
                            "--fault-seed", "7")  # fmt: skip
        project = harness.Project(self.scratch / "project", server.endpoint)
        source = harness.awkward_tree(project.folder / "data/tree", big=False)
        expected = harness.snapshot(source, modes=True, times=True)
        project.act("u", "data/tree")
        source.rename(project.folder / "sent")
        project.act("d", "data/tree")
        harness.assert_same(expected, harness.snapshot(source, modes=True, times=True))
        seen = {status for of in harness.admin(server, "/stats")["requests"].values() for status in of}
        self.assertLessEqual({"reset", "500", "503"}, seen)

    def test_killed_client_does_no_harm(self):
        """SIGKILL instead of an interrupt: the next run finishes just the same."""
        server = self.serve()
        gate = harness.Gate(server.endpoint, 150 * harness.MIB)
        self.addCleanup(gate.close)
        project = harness.Project(self.scratch / "project", gate.endpoint)
        harness.write(project.folder / "data/large", harness.content(300 * harness.MIB, "killed"))
        expected = harness.snapshot(project.folder / "data")
        process = project.start("u", "data/large")
        self.assertTrue(gate.reached.wait(60))
        process.kill()
        process.communicate()
        gate.open()
        project.act("u", "data/large")
        (project.folder / "data/large").unlink()
        project.act("d", "data/large")
        harness.assert_same(expected, harness.snapshot(project.folder / "data"))
