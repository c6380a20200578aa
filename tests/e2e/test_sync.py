"""`act sync --delete`: deletes what is extra, and nothing at all when an end could not be read to its end."""

import unittest

import harness
import servers


class Sync(servers.OwnStore):
    def test_failed_listing_deletes_nothing(self):
        server = self.serve()
        project = harness.Project(self.scratch / "project", server.endpoint)
        tree = project.folder / "tree"
        for number in range(20):
            harness.write(tree / f"{number}", b"x")
        sync = ("sync", "--delete", "./tree", f"{server.endpoint}/work/t")
        project.act(*sync)
        for number in range(7):
            (tree / f"{number}").unlink()
        server.stop()

        # The transfer's own listing goes through, that of the deletion does not.
        for status in ("403", "500"):
            broken = self.serve("--fault", f"list=2:{status}")
            failed = project.act(*sync[:-1], f"{broken.endpoint}/work/t", expect=None)
            self.assertEqual(failed.code, 1, failed)
            self.assertIn("13 unchanged; 1 failed", failed.out)
            self.assertIn("; 0 deleted", failed.out)
            broken.stop()

        server = self.serve()
        done = project.act(*sync[:-1], f"{server.endpoint}/work/t", "--json").summary
        self.assertEqual((done["files"], done["skipped"], done["deleted"], done["failed"]), (0, 13, 7, 0))
        same = project.act("check", "./tree", f"{server.endpoint}/work/t")
        self.assertIn("equal: 13 items", same.out)
