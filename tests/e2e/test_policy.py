"""What travels with files besides their content, as other clients see it, and what is overwritten."""

import os
import stat
import unittest

from azure.storage.blob import BlobServiceClient

import harness
import servers


@servers.on_both
class Attributes:
    """Seen by the Python SDK and by azcopy."""

    def setUp(self):
        self.project = harness.Project(self.folder("project"), self.endpoint)
        credential = {"account_name": harness.ACCOUNT, "account_key": harness.KEY}
        service = BlobServiceClient(self.endpoint, credential=credential, retry_total=0)
        self.addCleanup(service.close)
        self.container = service.get_container_client("work")

    def url(self, path):
        return f"{self.endpoint}/work/{path}?{harness.account_sas()}"

    def test_sdk_sees_what_uploads_are_given(self):
        tree = self.project.folder / "data/x"
        harness.write(tree / "small.json", b"{}")
        harness.write(tree / "large.csv", harness.content(9 * harness.MIB, "csv"))
        harness.write(tree / "README", b"plain")
        given = ["--metadata", "Run=7", "--tier", "cool", "--header", "cache-control=max-age=60"]
        # Azurite takes no tags with a block list.
        given += ["--tag", "Kind=train set"] if self.server_kind == "store" else []
        first = self.project.act("u", *given, "data/x", "--json").summary
        self.assertEqual((first["files"], first["failed"]), (3, 0))
        types = {"small.json": "application/json", "large.csv": "text/csv", "README": "application/octet-stream"}
        for name, expected in types.items():
            blob = self.container.get_blob_client(f"some/path/x/{name}")
            seen = blob.get_blob_properties()
            self.assertEqual(seen.content_settings.content_type, expected)
            self.assertEqual(seen.content_settings.cache_control, "max-age=60")
            self.assertIsNone(seen.content_settings.content_encoding)
            self.assertEqual(seen.metadata["run"], "7")
            self.assertEqual(seen.blob_tier, "Cool")
            if self.server_kind == "store":
                self.assertEqual(blob.get_blob_tags(), {"Kind": "train set"})
        again = self.project.act("u", "--metadata", "run=8", "data/x", "--json").summary
        self.assertEqual((again["files"], again["skipped"]), (0, 3))

        with open(tree / "small.json", "rb") as text:
            self.project.act("cp", "--header", "content-type=text/x", "-", f"{self.endpoint}/work/stream.json", stdin=text)
        streamed = self.container.get_blob_client("stream.json").get_blob_properties()
        self.assertEqual(streamed.content_settings.content_type, "text/x")
        self.project.act("cp", "--metadata", "a=b", f"{self.endpoint}/work/stream.json", f"{self.endpoint}/work/copy.png")
        copied = self.container.get_blob_client("copy.png").get_blob_properties()
        self.assertEqual((copied.content_settings.content_type, copied.metadata["a"]), ("text/x", "b"))
        refused = self.project.act("cp", "--metadata", "a=b", f"{self.endpoint}/work/copy.png", "./x", expect=2)
        self.assertIn("--metadata", refused.err)

    def test_azcopy_and_act_understand_each_others_links(self):
        tree = self.project.folder / "data/links"
        harness.write(tree / "folder/file", b"content")
        (tree / "to-file").symlink_to("folder/file")
        (tree / "folder/up").symlink_to("../to-file")
        self.project.act("u", "--preserve-symlinks", "data/links")
        there = self.project.act("check", "--preserve-symlinks", "--hash", "data/links", f"{self.endpoint}/work/some/path/links")
        self.assertIn("equal: 3 items", there.out)

        azcopy = lambda *a: harness.azcopy(*a, "--recursive", "--preserve-symlinks", home=self.folder("home"))
        down = self.folder("down")
        # azcopy makes the folders of files only: a link that comes before the file beside it fails.
        (down / "folder").mkdir()
        azcopy("copy", self.url("some/path/links/*"), down, "--from-to", "BlobLocal")
        azcopy("copy", f"{tree}/*", self.url("by-azcopy"), "--from-to", "LocalBlob")
        target = f"{self.endpoint}/work/by-azcopy"
        self.project.act("cp", "--preserve-symlinks", target, "./back")
        for copy in (down, self.project.folder / "back"):
            self.assertEqual(os.readlink(copy / "to-file"), "folder/file")
            self.assertEqual(os.readlink(copy / "folder/up"), "../to-file")
            self.assertEqual((copy / "folder/up").read_bytes(), b"content")
        left_out = self.project.act("cp", target, "./without")
        self.assertIn("--preserve-symlinks", left_out.err)
        self.assertFalse(os.path.lexists(self.project.folder / "without/to-file"))


class Policy(servers.OnServers, unittest.TestCase):
    server_kind = "store"

    def setUp(self):
        self.project = harness.Project(self.folder("project"), self.endpoint, prefix=self.id().rsplit(".", 1)[-1])

    def moved(self, *arguments):
        done = self.project.act(*arguments, "--json").summary
        return done["files"], done["skipped"]

    def test_overwrite(self):
        tree = self.project.folder / "data/x"
        older, newer = harness.MOMENT, harness.MOMENT + 10**9
        for name in ("a", "b"):
            harness.write(tree / name, b"first", modified=older)
        self.project.act("u", "data/x")
        harness.write(tree / "a", b"second", modified=newer)
        harness.write(tree / "b", b"third!", modified=older - 10**9)
        harness.write(tree / "c", b"new", modified=older)
        self.assertEqual(self.moved("u", "--overwrite", "never", "--dry-run", "data/x"), (1, 2))
        self.assertEqual(self.moved("u", "--overwrite", "never", "data/x"), (1, 2))
        self.assertEqual(self.moved("u", "--overwrite", "newer", "data/x"), (1, 2))
        self.assertEqual(self.moved("d", "--overwrite", "never", "data/x"), (0, 3))
        self.assertEqual(self.moved("d", "--overwrite", "newer", "data/x"), (1, 2))
        self.assertEqual((tree / "b").read_bytes(), b"first")
        self.assertEqual(self.moved("u", "--overwrite", "always", "data/x"), (3, 0))
        self.assertEqual(self.moved("u", "--overwrite", "different", "data/x"), (0, 3))
        self.project.act("u", "--force", "--overwrite", "never", "data/x", expect=2)

    def test_links_in_the_destination_redirect_nothing(self):
        outside = self.folder("outside")
        for name in ("one", "sub/two"):
            harness.write(self.project.folder / "data/x/evil" / name, b"x")
        self.project.act("u", "data/x")
        evil = self.project.folder / "data/x/evil"
        os.rename(evil, self.project.folder / "data/moved")
        evil.symlink_to(outside)
        refused = self.project.act("d", "data/x", expect=1)
        self.assertIn("symbolic link", refused.text)
        self.assertEqual(list(outside.iterdir()), [])
        self.project.act("d", "--follow-symlinks", "data/x")
        self.assertEqual((outside / "sub/two").read_bytes(), b"x")

    @unittest.skipIf(os.geteuid() != 0, "only root may give files away")
    def test_owner(self):
        tree = self.project.folder / "data/x"
        for number in range(3):
            path = harness.write(tree / f"{number}", b"x", mode=0o4755)
            os.chown(path, 1234, 2345)
            path.chmod(0o4755)
        self.project.act("u", "--preserve-owner", "data/x")
        for path in tree.iterdir():
            path.unlink()
        self.project.act("d", "--preserve-owner", "data/x")
        status = (tree / "1").stat()
        self.assertEqual((status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)), (1234, 2345, 0o4755))

        # Not permitted: one warning, all files, and nobody else's set-user-id.
        nobody = 65534
        os.chmod(self.scratch, 0o755)
        for folder in [self.project.folder.parent, *(p for p in self.project.folder.rglob("*")), self.project.folder]:
            os.chown(folder, nobody, nobody)
        target = self.project.folder / "mine"
        url = f"{self.endpoint}/work/{self.id().rsplit('.', 1)[-1]}/x"
        done = self.project.act("cp", "--preserve-owner", url, "./mine", user=nobody)
        self.assertEqual(done.err.count("owners are not restored"), 1, done)
        for path in target.iterdir():
            self.assertEqual((path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)), (nobody, 0o755))
