"""What `--log-level debug` tells of connections: how many, to which addresses, and whether TLS sessions were resumed."""

import collections
import os
import re
import unittest

import harness

LINE = re.compile(r"connected to (\S+) at (\S+), (\d+) open there(?:, (new TLS session|TLS session resumed))?$", re.M)


class Connections(unittest.TestCase):
    def setUp(self):
        self.scratch = self.enterContext(harness.temporary_folder())

    def start(self, **more):
        (self.scratch / "store").mkdir()
        self.server = harness.act_serve(self.scratch / "store", arguments=["--admin", "127.0.0.1:0"], **more)
        self.addCleanup(self.server.stop)
        self.project = harness.Project(self.scratch / "project", self.server.endpoint)

    def send(self, files):
        for number in range(files):
            harness.write(self.project.folder / f"data/t/{number}", harness.content(1000, number))
        done = self.project.act("u", "data/t", "--log-level", "debug")
        return [m.groups() for m in LINE.finditer(done.err)]

    def test_a_tiny_transfer_opens_as_many_as_it_has_requests_at_once(self):
        self.start()
        said = self.send(1)
        self.assertLessEqual(len(said), 2)
        self.assertEqual({where for _, where, _, _ in said}, {"127.0.0.1"})
        self.assertEqual({session for *_, session in said}, {None})

    def test_each_is_told_once_and_later_ones_resume_the_session(self):
        certificate, key, authority = harness.certificate(self.scratch)
        self.start(certificate=(certificate, key))
        self.project.env["SSL_CERT_FILE"] = str(authority)
        said = self.send(300)
        kinds = collections.Counter(session for *_, session in said)
        self.assertEqual(set(kinds) - {"new TLS session"}, {"TLS session resumed"})
        # Those that were begun before the first answer came could not know of a session.
        self.assertLessEqual(kinds["new TLS session"], 1 + (os.cpu_count() or 1))
        stats = harness.admin(self.server, "/stats")
        self.assertGreaterEqual(max(int(there) for _, _, there, _ in said), stats["connections_peak"] // 2)


if __name__ == "__main__":
    unittest.main()
