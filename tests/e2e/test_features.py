"""One test for each feature that azcopy, rclone, s5cmd and the az command line have for blobs and act claims too, on the
embedded store and, where it knows the call, on Azurite. They show that the feature is there; how it behaves in
trouble is the business of the tests beside this one."""

import functools
import os
import time
import unittest

import harness
import servers

MIB = harness.MIB


def store_only(why):
    """For what Azurite cannot do."""

    def wrap(test):
        @functools.wraps(test)
        def run(self):
            if self.server_kind == "azurite":
                self.skipTest(why)
            test(self)

        return run

    return wrap


@servers.on_both
class Features:
    def setUp(self):
        self.project = harness.Project(self.folder("project"), self.endpoint, container=self.container(), prefix="")
        self.here = self.project.folder
        harness.create_container(self.endpoint, self.container())

    def container(self):
        return "f-" + self.id().rsplit("test_", 1)[-1].lower().replace("_", "-")[:60]

    def url(self, path="", sas=False):
        url = f"{self.endpoint}/{self.container()}" + (f"/{path}" if path else "")
        return url + "?" + harness.account_sas() if sas else url

    def act(self, *arguments, **more):
        return self.project.act(*arguments, **more)

    def files(self, *arguments):
        """The number of files that a command moved, removed or changed."""
        return self.act(*arguments, "--json").summary["files"]

    def tree(self, names, folder="data/t"):
        for name in names:
            harness.write(self.here / folder / name, name.encode())

    def stored(self, path="data/t"):
        done = self.act("ls", path, "--json", expect={0, 5})
        return [line["path"].removeprefix(path + "/") for line in done.lines if line["type"] == "blob"]

    def large(self, size=40 * MIB):
        return harness.write(self.here / "data/large", harness.content(size, "large"))

    def back(self, path="data"):
        """What comes down again, in place of what is here."""
        expected = harness.snapshot(self.here / "data")
        (self.here / "data").rename(self.here / f"sent-{time.monotonic_ns()}")
        self.act("d", path)
        harness.assert_same(expected, harness.snapshot(self.here / "data"))

    def second_account(self):
        """The folder `data` of a second account with a key of its own, as cluster `eu`; this one's as `we`."""
        key = "b3RoZXIta2V5LW9mLXRoZS10ZXN0cy1mb3ItYWN0LWNvcGllcy0xMjM0NTY3ODkwMTI="
        (self.here / "two").mkdir()
        other = harness.act_serve(self.here / "two", account="eustore", key=key)
        self.addCleanup(other.stop)
        self.project.cluster("eu", other.endpoint, container="copies", account="eustore", key=key)
        self.project.cluster("we", self.endpoint, container=self.container())

    # -- moving

    def test_parallel_blocks_and_ranges_of_one_file(self):
        self.large()
        self.act("u", "data/large")
        self.back()

    def test_many_files_at_once(self):
        self.tree([f"{n % 7}/{n}" for n in range(500)])
        self.assertEqual(self.files("u", "data"), 500)
        self.back()

    def test_copy_within_one_account(self):
        self.tree(["a", "b/c"])
        self.act("u", "data/t")
        self.assertEqual(self.files("cp", self.url("t"), self.url("copy")), 2)
        self.assertEqual(self.stored("data/copy"), ["a", "b/c"])

    def test_copy_between_two_accounts_with_their_own_credentials(self):
        """Two identities; the source is opened by a SAS minted on the spot; large blobs go in parallel blocks; what
        the service refuses comes through the client (tests/interop/test_copy.py takes the way apart)."""
        self.second_account()
        self.tree(["a", "b/c"])
        self.large()
        self.act("-c", "we", "u", "data")
        expected = harness.snapshot(self.here / "data")
        copied = self.act("-c", "eu", "-f", "we", "u", "data", "--json").summary
        self.assertEqual((copied["files"], copied["failed"]), (3, 0))
        self.assertEqual(copied["server_side"] + copied["through_client"], 3)
        (self.here / "data").rename(self.here / "sent")
        self.act("-c", "eu", "d", "data")
        harness.assert_same(expected, harness.snapshot(self.here / "data"))

    def test_move(self):
        self.tree(["a", "b/c"])
        self.act("mv", "data/t", self.url("moved"))
        self.assertFalse((self.here / "data/t").exists())
        self.act("mv", self.url("moved"), self.url("again"))
        self.assertEqual(self.stored("data/again"), ["a", "b/c"])
        self.assertEqual(self.stored("data/moved"), [])

    def test_standard_input_and_output(self):
        content = harness.content(20 * MIB, "stream")
        with open(harness.write(self.here / "in", content), "rb") as stream:
            self.act("cp", "-", self.url("stream"), stdin=stream)
        done = harness.subprocess.run([harness.ACT, "cat", self.url("stream")], env=self.project.env, cwd=self.here,
                                      capture_output=True, check=True)  # fmt: skip
        self.assertEqual(done.stdout, content)

    def test_resume_within_a_file(self):
        """tests/e2e/test_interrupt.py and test_kill.py measure it; here: blocks that are there are not sent again."""
        self.large()
        gate = harness.Gate(self.endpoint, 30 * MIB)
        self.addCleanup(gate.close)
        self.project.configure(gate.endpoint, container=self.container(), prefix="")
        process = self.project.start("u", "data/large", "--concurrency", "2")
        self.assertTrue(gate.reached.wait(60))
        process.kill()
        process.communicate()
        gate.close()
        self.project.configure(self.endpoint, container=self.container(), prefix="")
        self.assertLess(self.act("u", "data/large", "--json").summary["bytes_sent"], 30 * MIB)
        self.back()

    # -- listing

    def test_recursive_list(self):
        self.tree(["a", "b/c", "b/d/e"])
        self.act("u", "data/t")
        self.assertEqual(self.stored(), ["a", "b/c", "b/d/e"])

    def test_one_level_list_du_and_tree(self):
        self.tree(["a", "b/c", "b/d/e"])
        self.act("u", "data/t")
        one = self.act("ls", "--one-level", "data/t", "--json").lines
        # Azurite gives the folders of a page first.
        self.assertEqual(sorted(line["path"] for line in one[:-1]), ["data/t/a", "data/t/b/"])
        sums = {line["path"]: line["files"] for line in self.act("du", "data/t", "--json").lines[:-1]}
        self.assertEqual(sums, {"data/t": 3, "data/t/b/": 2})
        self.assertEqual(self.act("tree", "data/t").out.splitlines()[0], "data/t")

    @store_only("Azurite takes minutes for so many blobs; tests/interop has its listing")
    def test_parallel_list_of_a_flat_prefix(self):
        names = [f"img_{n:05}" for n in range(12_000)]
        self.tree(names)
        self.act("u", "data/t")
        self.assertEqual(self.stored(), names)

    def test_snapshots_listed(self):
        self.tree(["a"])
        self.act("u", "data/t")
        self.snapshot("t/a")
        listed = self.act("ls", "--snapshots", "data/t", "--json").lines[:-1]
        self.assertEqual(["snapshot" in line for line in listed], [True, False])

    def snapshot(self, path):
        request = harness.urllib.request.Request(self.url(path, sas=True) + "&comp=snapshot", method="PUT", data=b"")
        harness.urllib.request.urlopen(request, timeout=30).close()

    # -- deleting

    def test_recursive_delete_in_batches(self):
        self.tree([str(n) for n in range(300)] + ["../t2"])
        self.act("u", "data")
        done = self.act("rm", "--yes", "data/t", "--json").summary
        self.assertEqual((done["files"], done["failed"]), (300, 0))
        self.assertEqual(self.stored("data"), ["t2"])

    def test_snapshots_deleted(self):
        self.tree(["a", "b"])
        self.act("u", "data/t")
        self.snapshot("t/a")
        self.assertEqual(self.act("rm", "--yes", "--delete-snapshots", "refuse", "data/t", expect=1).code, 1)
        self.assertEqual(self.stored(), ["a"])
        self.assertEqual(self.files("rm", "--yes", "--delete-snapshots", "only", "data/t"), 1)
        self.assertEqual(self.stored(), ["a"])
        self.snapshot("t/a")
        self.act("rm", "--yes", "data/t")
        self.assertEqual(self.stored(), [])

    def protected(self, *arguments):
        """A store of its own that keeps what is deleted or overwritten, with a project on it."""
        server = harness.act_serve(self.folder("server"), arguments=arguments)
        self.addCleanup(server.stop)
        harness.create_container(server.endpoint, self.container())
        return harness.Project(self.here, server.endpoint, container=self.container(), prefix="")

    @store_only("Azurite keeps no versions")
    def test_versions_deleted(self):
        project = self.protected("--versioning", "on")
        self.tree(["a", "b/c"])
        for _ in range(3):
            project.act("u", "--force", "data/t")
        versions = lambda: project.act("ls", "--versions", "--json", "data/t").summary["files"]
        self.assertEqual(versions(), 6)
        done = project.act("rm", "--yes", "--delete-versions", "old", "data/t", "--json").summary
        self.assertEqual((done["files"], done["failed"], versions()), (4, 0, 2))
        project.act("d", "data/t")
        done = project.act("rm", "--yes", "--delete-versions", "all", "data/t", "--json").summary
        self.assertEqual((done["files"], done["failed"]), (2, 0))
        self.assertEqual(project.act("ls", "--versions", "data/t", expect=5).code, 5)

    def test_versions_where_there_are_none(self):
        self.tree(["a"])
        self.act("u", "data/t")
        self.assertEqual(self.files("rm", "--yes", "--delete-versions", "old", "data/t"), 0)
        self.assertEqual(self.stored(), ["a"])
        self.assertEqual(self.files("rm", "--yes", "--delete-versions", "all", "data/t"), 1)
        self.assertEqual(self.stored(), [])

    @store_only("Azurite has no soft delete")
    def test_undelete(self):
        project = self.protected("--soft-delete", "7")
        names = ["a", "b/c", *(f"n/{n}" for n in range(300))]
        self.tree(names)
        expected = harness.snapshot(self.here / "data")
        project.act("u", "data/t")
        project.act("rm", "--yes", "data/t")
        gone = project.act("ls", "--deleted", "data/t", "--json").lines[:-1]
        self.assertEqual({(line["deleted"], line["remaining_days"]) for line in gone}, {(True, 6)})
        done = project.act("undelete", "data/t", "--json").summary
        self.assertEqual((done["files"], done["failed"]), (len(names), 0))
        (self.here / "data").rename(self.here / "sent")
        project.act("d", "data/t")
        harness.assert_same(expected, harness.snapshot(self.here / "data"))
        self.assertEqual(project.act("undelete", "data/t", "--json").summary["skipped"], len(names))

    def test_undelete_without_soft_delete(self):
        self.tree(["a", "b"])
        self.act("u", "data/t")
        self.act("rm", "--yes", "data/t/a")
        self.assertEqual(self.act("ls", "--deleted", "data/t").out, "")
        for path in ("data/t/a", "data/t"):
            self.assertIn("no soft delete", self.act("undelete", path, expect=5).err)

    # -- comparing

    def test_sync_one_way_with_deletion_and_its_guard(self):
        self.tree(["a", "b", "c", "d"])
        self.act("sync", "./data/t", self.url("t"))
        (self.here / "data/t/a").unlink()
        harness.write(self.here / "data/t/b", b"changed")
        self.act("sync", "--delete", "--max-delete", "10%", "./data/t", self.url("t"), expect=1)
        self.assertEqual(self.stored(), ["a", "b", "c", "d"])
        self.assertEqual(self.act("sync", "--delete", "./data/t", self.url("t"), "--json").summary["deleted"], 1)
        self.assertEqual(self.stored(), ["b", "c", "d"])

    def test_check_by_size_and_by_content(self):
        self.tree(["a", "b"])
        self.act("u", "data/t")
        self.act("check", "./data/t", self.url("t"))
        before = (self.here / "data/t/a").stat()
        harness.write(self.here / "data/t/a", b"A", modified=before.st_mtime_ns)
        self.act("check", "./data/t", self.url("t"))
        self.act("check", "--hash", "./data/t", self.url("t"), expect=1)
        harness.write(self.here / "data/t/a", b"longer", modified=before.st_mtime_ns)
        self.act("check", "./data/t", self.url("t"), expect=1)

    # -- choosing

    def test_filters_by_name_path_expression_size_and_time(self):
        self.tree(["a.jpg", "b.png", "raw/c.jpg", "raw/d.txt"])
        harness.write(self.here / "data/t/big.jpg", bytes(5000), modified=harness.MOMENT)
        for arguments, taken in (
            (["--include", "*.jpg"], ["a.jpg", "big.jpg", "raw/c.jpg"]),
            (["--exclude", "raw/"], ["a.jpg", "b.png", "big.jpg"]),
            (["--include-regex", "^[ab]\\."], ["a.jpg", "b.png"]),
            (["--min-size", "1KiB"], ["big.jpg"]),
            (["--older-than", "2002-01-01"], ["big.jpg"]),
            (["--newer-than", "1d", "--exclude", "*.jpg"], ["b.png", "raw/d.txt"]),
        ):
            self.act("rm", "--yes", "data/t", expect={0, 5})
            self.act("u", "data/t", *arguments)
            self.assertEqual(self.stored(), taken, arguments)

    def test_dry_run(self):
        self.tree(["a"])
        for arguments in (["u", "data/t"], ["cp", "data/t", self.url("x")], ["mv", "data/t", self.url("x")],
                          ["sync", "./data/t", self.url("x")]):  # fmt: skip
            self.assertEqual(self.files(*arguments, "--dry-run"), 1, arguments)
        self.assertTrue((self.here / "data/t/a").exists())
        self.assertEqual(self.stored("data"), [])
        self.act("u", "data/t")
        for arguments in (["rm", "data/t"], ["set", "--tier", "Cool", "data/t"]):
            self.assertEqual(self.files(*arguments, "--dry-run"), 1, arguments)
        self.assertEqual(self.stored(), ["a"])

    def test_overwrite_never_newer_different_always(self):
        self.tree(["a"])
        self.act("u", "data/t")
        (self.here / "data/t/a").write_bytes(b"B")
        os.utime(self.here / "data/t/a", ns=(harness.MOMENT, harness.MOMENT))
        for how, sent in (("never", 0), ("newer", 0), ("different", 1), ("different", 0), ("always", 1)):
            self.assertEqual(self.files("u", "--overwrite", how, "data/t"), sent, how)
        (self.here / "data/t/a").write_bytes(b"here")
        for how, fetched in (("never", 0), ("newer", 0), ("different", 1)):
            self.assertEqual(self.files("d", "--overwrite", how, "data/t"), fetched, how)

    def test_symbolic_links_followed_or_kept(self):
        self.tree(["a"])
        (self.here / "data/t/link").symlink_to("a")
        self.act("u", "data/t")
        self.assertEqual(self.act("cat", "data/t/link").out, "a")
        self.act("u", "--preserve-symlinks", "--force", "data/t")
        (self.here / "data/t/link").unlink()
        self.act("d", "--preserve-symlinks", "data/t")
        self.assertEqual(os.readlink(self.here / "data/t/link"), "a")

    def test_a_link_to_one_blob_is_enough(self):
        """Its SAS does not allow to list what is below the name."""
        self.tree(["a", "b"])
        self.act("u", "data/t")
        link = self.act("url", "data/t/a").out.strip()
        for way in range(3):
            self.act("cp", link, f"./got{way}")
            self.assertEqual((self.here / f"got{way}").read_text(), "a")
        self.assertEqual(self.act("cp", link, "-").out, "a")
        listed = [line["size"] for line in self.act("ls", "--json", link).lines if line["type"] == "blob"]
        self.assertEqual(listed, [1])
        self.assertEqual(self.files("cp", link, self.url("copied")), 1)
        self.assertEqual(self.act("cat", self.url("copied")).out, "a")
        refused = self.act("cp", link.replace("/a?", "/b?"), "./no", expect=4)
        self.assertIn("403", refused.err)

    def test_lists_in_and_manifests_out(self):
        self.tree(["a", "b", "c/d"])
        (self.here / "list").write_text('a\n{"source":"c/d","destination":"e","size":3}\n')
        self.act("u", "--from-list", "list", "--manifest-out", "manifest", "data/t")
        self.assertEqual(self.stored(), ["a", "e"])
        self.act("check", "--manifest", "manifest", self.url("t"))
        (self.here / "manifest").write_text((self.here / "manifest").read_text().replace('"size":1,', '"size":2,'))
        self.act("check", "--manifest", "manifest", self.url("t"), expect=1)

    def test_lists_for_set_and_cat(self):
        self.tree(["a", "b", "c/d"])
        self.act("u", "data/t")
        (self.here / "list").write_text('c/d\n{"name":"a","size":1}\n')
        self.assertEqual(self.files("set", "--metadata", "owner=me", "--from-list", "list", "data/t"), 2)
        self.assertEqual(self.files("set", "--metadata", "owner=me", "data/t"), 1, "b alone was left")
        self.assertEqual(self.act("cat", "--from-list", "list", "data/t").out, "c/da")

    def test_many_commands_in_one_process(self):
        self.tree(["a", "b"])
        (self.here / "commands").write_text(f"u data/t\ncp data/t {self.url('again')}  # a comment\n")
        self.act("run", "--jobs", "1", "commands")
        self.assertEqual(self.stored("data/again"), ["a", "b"])

    @store_only("its batches and speed make this take long")
    def test_bench(self):
        rows = self.act("bench", "--large", "8MiB", "--small-count", "20", "--repeat", "1", self.url("bench"), "--json").lines
        self.assertTrue(any(line.get("limited_by") for line in rows))
        self.assertEqual(self.stored("data/bench"), [])

    # -- integrity

    def test_whole_md5_put_and_checked(self):
        self.tree(["a"])
        self.large()
        self.act("u", "--put-md5", "data")
        line = [l for l in self.act("ls", "--long", "data", "--json").lines if l.get("name") == "large"][0]
        expected = harness.hashlib.md5((self.here / "data/large").read_bytes()).digest()
        self.assertEqual(line["md5"], harness.base64.b64encode(expected).decode())
        (self.here / "data").rename(self.here / "sent")
        self.act("d", "--check-md5", "require", "data")

    def test_gzip_decompressed(self):
        import gzip

        harness.write(self.here / "data/t/log", gzip.compress(b"plain text" * 1000))
        self.act("u", "--header", "content-encoding=gzip", "data/t")
        (self.here / "data/t/log").unlink()
        self.act("d", "--decompress", "data/t")
        self.assertEqual((self.here / "data/t/log").read_bytes(), b"plain text" * 1000)

    def test_page_and_append_blobs_downloaded_and_copied(self):
        from azure.storage.blob import ContainerClient

        key = {"account_name": harness.ACCOUNT, "account_key": harness.KEY}
        client = ContainerClient(self.endpoint, self.container(), credential=key)
        client.get_blob_client("t/log").create_append_blob()
        client.get_blob_client("t/log").append_block(b"one line")
        page = client.get_blob_client("t/disk")
        page.create_page_blob(8 * MIB)
        page.upload_page(b"x" * 512, offset=5 * MIB, length=512)
        self.act("cp", self.url("t"), self.url("copy"))
        self.act("d", "data/copy")
        self.assertEqual((self.here / "data/copy/log").read_bytes(), b"one line")
        disk = (self.here / "data/copy/disk").read_bytes()
        self.assertEqual((len(disk), disk[5 * MIB : 5 * MIB + 512]), (8 * MIB, b"x" * 512))

    def test_page_and_append_blobs_uploaded(self):
        """From files, sparse ones too, and from a stream; again costs only the listing."""
        text = harness.content(9 * MIB + 5, "log")
        harness.write(self.here / "data/logs/log", text)
        harness.write(self.here / "data/disks/disk", b"x" * 4096)
        with open(self.here / "data/disks/disk", "r+b") as disk:
            disk.truncate(64 * MIB)
        for type, folder in ("append", "logs"), ("page", "disks"):
            sent = self.act("u", "--blob-type", type, "--put-md5", f"data/{folder}", "--json").summary
            self.assertEqual(sent["files"], 1)
            again = self.act("u", "--blob-type", type, f"data/{folder}", "--json").summary
            self.assertEqual((again["skipped"], again["requests"]), (1, 1))
            line = self.act("ls", "--long", f"data/{folder}", "--json").lines[0]
            self.assertIn(type, line["blob_type"].lower())
            self.assertTrue(line["md5"])
            if type == "page":
                self.assertLess(sent["bytes_sent"], MIB, "holes do not travel")
        with open(self.here / "data/logs/log", "rb") as stream:
            self.act("cp", "--blob-type", "append", "-", self.url("stream"), stdin=stream)
        refused = self.act("cp", "--blob-type", "page", "-", self.url("stream"), stdin=harness.subprocess.DEVNULL,
                           expect={2})  # fmt: skip
        self.assertIn("page blob", refused.err)
        self.act("cp", self.url("stream"), "./streamed")
        self.assertEqual((self.here / "streamed").read_bytes(), text)
        self.act("rm", "--yes", self.url("stream"))
        self.back()

    # -- what is set on blobs

    def test_tier_metadata_headers_and_tags(self):
        self.tree(["a"])
        self.act("u", "data/t")
        self.act("set", "--tier", "Cool", "--metadata", "owner=me", "--header", "content-type=text/csv", "--tag",
                 "project=voc", "data/t")  # fmt: skip
        line = self.act("ls", "--long", "data/t", "--json").lines[0]
        self.assertEqual((line["tier"], line["content_type"]), ("Cool", "text/csv"))

    def test_the_same_on_upload_and_types_by_extension(self):
        self.tree(["a.json", "b.bin"])
        self.act("u", "--tier", "Cool", "--metadata", "owner=me", "data/t")
        lines = self.act("ls", "--long", "data/t", "--json").lines[:-1]
        self.assertEqual([(line["tier"], line["content_type"]) for line in lines],
                         [("Cool", "application/json"), ("Cool", "application/octet-stream")])  # fmt: skip

    # -- limits, accounts, output

    def test_caps_of_bandwidth_and_operations(self):
        self.tree([str(n) for n in range(20)])
        begun = time.monotonic()
        self.act("u", "data/t", "--cap-ops", "10/s")
        self.assertGreater(time.monotonic() - begun, 0.8)
        for n in range(4):
            harness.write(self.here / f"data/capped/{n}", harness.content(MIB, n))
        begun = time.monotonic()
        self.act("u", "data/capped", "--cap-mbps", "16")
        self.assertGreater(time.monotonic() - begun, 1.0)

    def test_account_key_sas_and_connection_string(self):
        self.tree(["a"])
        self.act("u", "data/t")
        where = dict(container=self.container(), prefix="")
        self.project.configure(self.endpoint, **where, sas=harness.account_sas())
        self.assertEqual(self.stored(), ["a"])
        text = f"AccountName={harness.ACCOUNT};AccountKey={harness.KEY};BlobEndpoint={self.endpoint}"
        self.project.configure(self.endpoint, **where, key=None, connection_string=text)
        self.assertEqual(self.stored(), ["a"])

    def test_settings_by_environment(self):
        self.tree(["a"])
        self.act("u", "data/t")
        bare = harness.Project(self.folder("bare"))
        key = {"AZURE_STORAGE_CONNECTION_STRING":
               f"AccountName={harness.ACCOUNT};AccountKey={harness.KEY};BlobEndpoint={self.endpoint}"}  # fmt: skip
        self.assertEqual(bare.act("cat", self.url("t/a"), env={**bare.env, **key}).out, "a")

    def test_secrets_are_not_shown(self):
        self.tree(["a"])
        said = self.act("cp", "data/t", self.url("t", sas=True), "--log-level", "trace").text
        said += self.act("cp", self.url("nothing", sas=True), "./x", "--log-level", "trace", expect=5).text
        self.assertNotIn(harness.KEY, said)
        for piece in said.split("sig=")[1:]:
            self.assertTrue(piece.startswith("***"), piece[:10])

    def test_json(self):
        self.tree(["a"])
        done = self.act("u", "data/t", "--json")
        self.assertEqual(done.summary["files"], 1)
        self.assertIsInstance(done.summary["elapsed_s"], float)


if __name__ == "__main__":
    unittest.main()
