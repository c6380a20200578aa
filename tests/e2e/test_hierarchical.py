"""Accounts with a hierarchical namespace: real folders, which are listed in another order than names of blobs."""

import shutil

import harness
import servers

# In the order of bytes "a-b" and "a.txt" come before "a/b"; such an account lists "a" with all below it first.
NAMES = ("a-b", "a.txt", "a/b", "a/b-c", "a/b.d/e", "a/b.d.e", "a0", "z/deep/er/x", "z.y")
EMPTY = ("empty", "a/empty", "z/deep/empty")
FOLDERS = ("a", "a/b.d", "z", "z/deep", "z/deep/er")


class Hierarchical(servers.OwnStore):
    def setUp(self):
        super().setUp()
        self.server = self.serve("--hierarchical")
        self.project = harness.Project(self.scratch / "project", self.server.endpoint)
        self.tree = self.project.folder / "tree"
        for name in NAMES:
            harness.write(self.tree / name, name.encode())
        for name in EMPTY:
            (self.tree / name).mkdir()
        self.store = f"{self.server.endpoint}/work/t"

    def counted(self, *arguments):
        """What it did, and how the store counted it."""
        harness.admin(self.server, "/reset", "POST")
        done = self.project.act(*arguments, "--json").summary
        requests = harness.admin(self.server, "/stats")["requests"]
        return done, {name: sum(statuses.values()) for name, statuses in requests.items()}

    def stored(self, at=None):
        lines = self.project.act("ls", "--json", at or self.store, expect={0, 5}).lines
        paths = [line["path"].split("/work/")[-1] for line in lines if line["type"] == "blob"]
        return [path.removeprefix("t/") for path in paths if path != "t"]

    def test_what_is_unchanged_costs_a_listing_both_ways(self):
        done = self.project.act("cp", "./tree", self.store, "--json").summary
        self.assertEqual((done["files"], done["failed"]), (len(NAMES) + len(EMPTY), 0))
        done, requests = self.counted("cp", "./tree", self.store)
        self.assertEqual((done["files"], done["skipped"]), (0, len(NAMES) + len(EMPTY)))
        self.assertLessEqual(set(requests), {"ListBlobs", "GetBlobProperties"})
        self.assertLessEqual(sum(requests.values()), 3)

        self.project.act("cp", self.store, "./back")
        harness.assert_same(harness.snapshot(self.tree), harness.snapshot(self.project.folder / "back"))
        done, requests = self.counted("cp", self.store, "./back")
        self.assertEqual((done["files"], done["failed"]), (0, 0))
        self.assertLessEqual(sum(requests.values()), 3)

    def test_compares_by_times_by_content_and_by_manifest(self):
        self.project.act("cp", "./tree", self.store, "--manifest-out", "list")
        items = len(NAMES) + len(EMPTY)
        for how in ((), ("--hash",)):
            self.assertIn(f"equal: {items} items", self.project.act("check", *how, "./tree", self.store).text)
            self.assertIn(f"equal: {items} items", self.project.act("check", *how, self.store, "./tree").text)
        self.assertIn("equal", self.project.act("check", "--manifest", "list", "--extra", self.store).text)
        harness.write(self.tree / "a/new", b"1")
        (self.tree / "a.txt").unlink()
        told = self.project.act("check", "--json", "./tree", self.store, expect=1).lines
        self.assertEqual({(e["what"], e["path"]) for e in told if e["type"] == "difference"},
                         {("missing", "a/new"), ("extra", "a.txt")})  # fmt: skip

    def test_sync_deletes_folders_with_their_content(self):
        self.project.act("sync", "--delete", "./tree", self.store)
        shutil.rmtree(self.tree / "z")
        shutil.rmtree(self.tree / "a/b.d")
        (self.tree / "empty").rmdir()
        done = self.project.act("sync", "--delete", "./tree", self.store, "--json").summary
        self.assertEqual((done["files"], done["failed"]), (0, 0))
        kept = [n for n in (*NAMES, *EMPTY, *FOLDERS) if (self.tree / n).exists()]
        self.assertEqual(sorted(self.stored()), sorted(kept))
        self.assertIn("equal", self.project.act("check", "./tree", self.store).text)

        # What the selection leaves keeps the folders that it is in.
        shutil.rmtree(self.tree / "a")
        self.project.act("sync", "--delete", "--exclude", "b-c", "./tree", self.store)
        self.assertEqual([name for name in self.stored() if name.startswith("a/")], ["a/b-c"])

    def test_down_and_deleting_here(self):
        self.project.act("cp", "./tree", self.store)
        self.project.act("sync", "--delete", self.store, "./back")
        harness.assert_same(harness.snapshot(self.tree), harness.snapshot(self.project.folder / "back"))
        harness.write(self.project.folder / "back/a/extra", b"1")
        done = self.project.act("sync", "--delete", self.store, "./back", "--json").summary
        self.assertEqual((done["files"], done["deleted"], done["failed"]), (0, 1, 0))
        harness.assert_same(harness.snapshot(self.tree), harness.snapshot(self.project.folder / "back"))

    def test_removes_trees_with_their_folders(self):
        self.project.act("cp", "./tree", self.store)
        self.project.act("rm", "--yes", f"{self.store}/z")
        self.assertEqual(sorted(self.stored()), sorted(n for n in (*NAMES, *EMPTY, *FOLDERS) if n.split("/")[0] != "z"))
        self.project.act("rm", "--yes", self.store)
        self.assertEqual(self.stored(f"{self.server.endpoint}/work/"), [])

    def test_moves_a_tree_with_its_folders(self):
        self.project.act("cp", "./tree", self.store)
        elsewhere = f"{self.server.endpoint}/work/u"
        done = self.project.act("mv", self.store, elsewhere, "--json").summary
        self.assertEqual(done["failed"], 0)
        self.assertEqual(self.stored(), [])
        self.project.act("cp", elsewhere, "./back")
        harness.assert_same(harness.snapshot(self.tree), harness.snapshot(self.project.folder / "back"))

    def test_copies_from_and_to_accounts_without_folders(self):
        (self.scratch / "flat").mkdir()
        flat = harness.act_serve(self.scratch / "flat", arguments=["--admin", ":0"])
        self.addCleanup(flat.stop)
        other = f"{flat.endpoint}/work/t"
        self.project.act("cp", "./tree", self.store)
        for source, target in ((self.store, f"{self.server.endpoint}/more/t"), (self.store, other), (other, f"{self.server.endpoint}/less/t")):
            self.project.act("cp", source, target)
            done = self.project.act("cp", source, target, "--json").summary
            self.assertEqual((done["files"], done["failed"]), (0, 0), (source, target))
            self.project.act("cp", target, "./copy")
            harness.assert_same(harness.snapshot(self.tree), harness.snapshot(self.project.folder / "copy"))
            shutil.rmtree(self.project.folder / "copy")
        refused = self.project.act("check", self.store, other, expect=1)
        self.assertIn("one account has a hierarchical namespace and the other has not", refused.err)

    def test_brings_back_what_was_deleted_with_its_folders(self):
        self.server.stop()
        self.server = self.serve("--hierarchical", "--soft-delete", "7")
        store = f"{self.server.endpoint}/work/t"
        self.project.act("cp", "./tree", store)
        before = sorted(self.stored(store))
        # A path may have been deleted more than once: the last one counts.
        self.project.act("rm", "--yes", f"{store}/a.txt")
        harness.write(self.tree / "a.txt", b"newer")
        self.project.act("cp", "./tree", store)
        self.project.act("rm", "--yes", store)
        self.assertEqual(self.stored(store), [])
        # The folder of it has gone, too.
        self.assertIn("a/b", self.project.act("undelete", f"{store}/a/b", expect={1, 5}).err)
        done = self.project.act("undelete", store, "--json").summary
        self.assertEqual((done["failed"], done["files"] >= len(before)), (0, True))
        self.assertEqual(sorted(self.stored(store)), before)
        self.assertEqual(self.project.act("cat", f"{store}/a.txt").out, "newer")
        self.assertIn("equal", self.project.act("check", "./tree", store).text)
        self.assertEqual(self.project.act("undelete", store, "--json").summary["files"], 0)
