"""azcopy, unmodified, against both servers."""

import json

import harness
import servers


@servers.on_both
class Azcopy:
    def url(self, path=""):
        return f"{self.endpoint}/{path}?{harness.account_sas()}"

    def azcopy(self, *arguments, **more):
        return harness.azcopy(*arguments, home=self.folder("home"), **more)

    def test_round_trip_of_awkward_tree(self):
        source, target = harness.awkward_tree(self.folder("up"), odd_ends=False), self.folder("down")
        harness.create_container(self.endpoint, "tree")
        self.azcopy("copy", f"{source}/*", self.url("tree/in"), "--recursive", "--from-to", "LocalBlob", "--put-md5")
        self.azcopy("copy", self.url("tree/in/*"), target, "--recursive", "--from-to", "BlobLocal",
                    "--check-md5", "FailIfDifferentOrMissing")  # fmt: skip
        expected = harness.snapshot(source, folders=False)
        harness.assert_same(expected, harness.snapshot(target, folders=False))

    def test_sync_sends_only_what_changed(self):
        source = self.folder("up")
        for number in range(30):
            harness.write(source / f"f{number}", harness.content(1000, number), modified=harness.MOMENT)
        harness.create_container(self.endpoint, "sync")
        sync = ["sync", str(source), self.url("sync/in"), "--recursive", "--from-to", "LocalBlob", "--output-type", "json"]
        self.azcopy(*sync)
        self.assertEqual(self.transferred(self.azcopy(*sync)), 0)
        harness.write(source / "f7", b"changed")
        self.assertEqual(self.transferred(self.azcopy(*sync)), 1)
        (source / "f8").unlink()
        self.azcopy(*sync, "--delete-destination", "true")
        self.assertEqual(len(self.names("sync/in")), 29)

    @staticmethod
    def transferred(result):
        ends = [l for l in result.lines if l["MessageType"] == "EndOfJob"]
        return int(json.loads(ends[-1]["MessageContent"])["TransfersCompleted"])

    def names(self, path):
        listed = self.azcopy("list", self.url(path), "--location", "Blob", "--output-type", "json")
        items = [json.loads(l["MessageContent"]) for l in listed.lines if l["MessageType"] == "ListObject"]
        return sorted(i["Path"] for i in items)

    def test_list_and_remove(self):
        source = self.folder("up")
        for number in range(20):
            harness.write(source / f"f{number:02}", harness.content(10 * number, number))
        harness.create_container(self.endpoint, "one")
        self.azcopy("copy", f"{source}/*", self.url("one/a"), "--from-to", "LocalBlob")
        self.assertEqual(self.names("one/a"), [f"f{n:02}" for n in range(20)])
        self.azcopy("remove", self.url("one/a"), "--recursive", "--from-to", "BlobTrash")
        self.assertEqual(self.names("one"), [])

    def test_copy_from_blob_to_blob(self):
        if self.server_kind == "azurite":
            self.skipTest("Azurite has no Put Blob From URL")
        source, target = self.folder("up"), self.folder("down")
        for name, size in (("small", 10), ("middle", 9 * harness.MIB), ("large", 300 * harness.MIB)):
            harness.write(source / name, harness.content(size, name))
        harness.create_container(self.endpoint, "first")
        harness.create_container(self.endpoint, "second")
        self.azcopy("copy", f"{source}/*", self.url("first/a"), "--from-to", "LocalBlob")
        # The server fetches from itself.
        self.azcopy("copy", self.url("first/a/*"), self.url("second/b"), "--recursive", "--from-to", "BlobBlob")
        self.azcopy("copy", self.url("second/b/*"), target, "--recursive", "--from-to", "BlobLocal")
        harness.assert_same(harness.snapshot(source), harness.snapshot(target))

    def test_page_and_append_blobs(self):
        source, target = self.folder("up"), self.folder("down")
        page = harness.content(4 * harness.MIB, "page")[: 3 * harness.MIB] + bytes(harness.MIB)
        harness.write(source / "page", page)
        harness.write(source / "append", harness.content(9 * harness.MIB + 5, "append"))
        harness.create_container(self.endpoint, "kinds")
        for name, kind in (("page", "PageBlob"), ("append", "AppendBlob")):
            self.azcopy("copy", source / name, self.url(f"kinds/{name}"), "--blob-type", kind, "--from-to", "LocalBlob")
            self.azcopy("copy", self.url(f"kinds/{name}"), target / name, "--from-to", "BlobLocal")
        harness.assert_same(harness.snapshot(source), harness.snapshot(target))

    def test_metadata_tier_and_properties(self):
        source = self.folder("up")
        harness.write(source / "f", b"text")
        harness.create_container(self.endpoint, "props")
        self.azcopy("copy", source / "f", self.url("props/f"), "--from-to", "LocalBlob", "--metadata", "colour=red",
                    "--content-type", "text/x-test", "--block-blob-tier", "Cool")  # fmt: skip
        listed = self.azcopy("list", self.url("props"), "--location", "Blob", "--output-type", "json",
                             "--properties", "ContentType;BlobAccessTier")  # fmt: skip
        self.assertIn("text/x-test", listed.out)
        self.assertIn("Cool", listed.out)
