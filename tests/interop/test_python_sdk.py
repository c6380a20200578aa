"""The Python SDK, unmodified, against both servers: what it sends, and that the answers mean what the documents say."""

import datetime
import hashlib
import unittest
import urllib.error
import urllib.request

import harness
import servers

try:
    from azure.core import MatchConditions, exceptions
    from azure.storage import blob as sdk
except ImportError as missing:  # Debian's python3-azure-storage is for Debian's Python
    raise unittest.SkipTest(f"the Python SDK is not installed: {missing}") from missing


@servers.on_both
class PythonSdk:
    def setUp(self):
        self.service = sdk.BlobServiceClient(self.endpoint, credential=harness.KEY, max_single_put_size=harness.SINGLE)
        name = self.id().rsplit(".", 1)[-1].replace("_", "-")[:60].rstrip("-")
        self.container = self.service.create_container(name)
        self.addCleanup(self.service.close)

    def refused(self, code, call, *arguments, **more):
        with self.assertRaises(exceptions.HttpResponseError) as caught:
            call(*arguments, **more)
        got = getattr(caught.exception, "error_code", None)
        self.assertIn(getattr(got, "value", got), code if isinstance(code, tuple) else (code,))

    def test_round_trip_of_awkward_tree(self):
        source, target = harness.awkward_tree(self.folder("up"), odd_ends=False), self.folder("down")
        expected = harness.snapshot(source, folders=False)
        for name in expected:
            with open(source / name, "rb") as stream:
                self.container.upload_blob("in/" + name, stream, max_concurrency=4)
        listed = list(self.container.list_blobs(name_starts_with="in/", results_per_page=50))
        names = [item.name for item in listed]
        self.assertEqual(names, sorted(names, key=lambda n: n.encode()))
        self.assertEqual({item.name: item.size for item in listed}, {"in/" + n: f[1] for n, f in expected.items()})
        for item in listed:
            harness.write(target / item.name[3:])
            with open(target / item.name[3:], "wb") as stream:
                self.container.download_blob(item.name, max_concurrency=4).readinto(stream)
        harness.assert_same(expected, harness.snapshot(target, folders=False))

    def test_properties_metadata_and_headers(self):
        client = self.container.get_blob_client("folder/f")
        digest = hashlib.md5(b"text").digest()
        settings = sdk.ContentSettings(
            content_type="text/x-test", content_language="nl", content_encoding="identity",
            content_disposition="attachment", cache_control="no-store", content_md5=bytearray(digest),
        )  # fmt: skip
        client.upload_blob(b"text", metadata={"colour": "red", "empty_key": "x"}, content_settings=settings)
        got = client.get_blob_properties()
        self.assertEqual((got.size, got.blob_type, got.metadata), (4, "BlockBlob", {"colour": "red", "empty_key": "x"}))
        for name in ("content_type", "content_language", "content_encoding", "content_disposition", "cache_control"):
            self.assertEqual(getattr(got.content_settings, name), getattr(settings, name), name)
        self.assertEqual(bytes(got.content_settings.content_md5), digest)
        changed = client.set_blob_metadata({"colour": "blue"})
        self.assertNotEqual(changed["etag"], got.etag)
        client.set_http_headers(sdk.ContentSettings(content_type="image/x-test"))
        again = client.get_blob_properties()
        self.assertEqual((again.metadata, again.content_settings.content_type), ({"colour": "blue"}, "image/x-test"))
        listed = next(iter(self.container.list_blobs(include=["metadata"])))
        self.assertEqual((listed.metadata, listed.etag), ({"colour": "blue"}, again.etag.strip('"')))

    def test_ranges(self):
        data = harness.content(100_000, "ranges")
        client = self.container.upload_blob("f", data)
        for start, length in ((0, 1), (1, 10), (99_990, 10), (99_990, 1000), (50_000, 40_000)):
            part = client.download_blob(offset=start, length=length).readall()
            self.assertEqual(part, data[start : start + length])
        if self.server_kind == "azurite":
            return  # it answers with nothing instead of refusing
        # The SDK hides this answer from its caller.
        beyond = urllib.request.Request(f"{client.url}?{harness.account_sas()}", headers={"Range": "bytes=100000-100001"})
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(beyond, timeout=30)
        self.assertEqual((caught.exception.code, caught.exception.headers["x-ms-error-code"]), (416, "InvalidRange"))
        caught.exception.close()
        self.assertEqual(self.container.upload_blob("empty", b"").download_blob().readall(), b"")

    def test_blocks(self):
        client = self.container.get_blob_client("blocks")
        ids = [f"{number:06}" for number in range(5)]
        for each in ids:
            client.stage_block(each, each.encode() * 1000, validate_content=True)
        committed, uncommitted = client.get_block_list("all")
        self.assertEqual((committed, [(b.id, b.size) for b in uncommitted]), ([], [(i, 6000) for i in ids]))
        self.assertFalse(client.exists())
        client.commit_block_list([sdk.BlobBlock(ids[n]) for n in (4, 0, 2)], metadata={"made": "blocks"})
        self.assertEqual(client.download_blob().readall(), b"".join(ids[n].encode() * 1000 for n in (4, 0, 2)))
        committed, uncommitted = client.get_block_list("all")
        self.assertEqual(([b.id for b in committed], uncommitted), ([ids[4], ids[0], ids[2]], []))
        # A new list may mix blocks of the blob with new ones.
        client.stage_block("000009", b"nine")
        client.commit_block_list([sdk.BlobBlock(ids[0]), sdk.BlobBlock("000009")])
        self.assertEqual(client.download_blob().readall(), ids[0].encode() * 1000 + b"nine")
        self.refused("InvalidBlockList", client.commit_block_list, [sdk.BlobBlock("000099")])

    def test_conditions(self):
        client = self.container.get_blob_client("f")
        first = client.upload_blob(b"one", overwrite=True)["etag"]
        self.refused("BlobAlreadyExists", client.upload_blob, b"two")
        second = client.upload_blob(b"two", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)["etag"]
        old = {"etag": first, "match_condition": MatchConditions.IfNotModified}
        self.refused("ConditionNotMet", client.upload_blob, b"three", overwrite=True, **old)
        self.refused("ConditionNotMet", client.delete_blob, **old)
        self.refused("ConditionNotMet", client.set_blob_metadata, {"a": "b"}, **old)
        self.assertEqual(client.download_blob(etag=first, match_condition=MatchConditions.IfModified).readall(), b"two")
        future = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
        self.refused("ConditionNotMet", client.delete_blob, if_modified_since=future)
        client.delete_blob(etag=second, match_condition=MatchConditions.IfNotModified)
        self.assertFalse(client.exists())

    def test_missing_things(self):
        self.refused("BlobNotFound", self.container.get_blob_client("nothing").download_blob)
        self.refused("BlobNotFound", self.container.get_blob_client("nothing").delete_blob)
        nowhere = self.service.get_container_client("nowhere")
        self.refused("ContainerNotFound", nowhere.upload_blob, "f", b"x")
        self.refused("ContainerNotFound", lambda: list(nowhere.list_blobs()))
        self.refused("ContainerAlreadyExists", self.service.create_container, self.container.container_name)

    def test_hierarchy_and_pages(self):
        names = ["a", "a/1", "a/2", "a/b/3", "a-b", "b/1", "c"]
        for name in names:
            self.container.upload_blob(name, name.encode())
        # The SDK puts the prefixes of a page before its blobs.
        walked = sorted(item.name for item in self.container.walk_blobs())
        self.assertEqual(walked, ["a", "a-b", "a/", "b/", "c"])
        self.assertEqual(sorted(i.name for i in self.container.walk_blobs("a/")), ["a/1", "a/2", "a/b/"])
        pages = list(self.container.list_blobs(results_per_page=2).by_page())
        self.assertEqual([[i.name for i in page] for page in pages], [["a", "a-b"], ["a/1", "a/2"], ["a/b/3", "b/1"], ["c"]])
        self.assertEqual([i.name for i in self.container.list_blobs("a/")], ["a/1", "a/2", "a/b/3"])

    def test_batch_delete(self):
        if self.server_kind == "azurite":
            self.skipTest("the SDK leaves the account out of the paths in a batch, and Azurite refuses that")
        names = [f"odd #{number}?&+% \u00e9" for number in range(300)]
        for name in names:
            self.container.upload_blob(name, b"")
        for part in (names[:256], names[256:]):
            results = list(self.container.delete_blobs(*part))
            self.assertEqual({r.status_code for r in results}, {202})
        self.assertEqual(list(self.container.list_blobs()), [])
        self.container.upload_blob("last", b"")
        mixed = list(self.container.delete_blobs("last", "never", raise_on_any_failure=False))
        self.assertEqual([r.status_code for r in mixed], [202, 404])

    def test_snapshots(self):
        client = self.container.upload_blob("f", b"before")
        taken = client.create_snapshot()["snapshot"]
        client.upload_blob(b"after", overwrite=True)
        old = self.container.get_blob_client("f", snapshot=taken)
        self.assertEqual((client.download_blob().readall(), old.download_blob().readall()), (b"after", b"before"))
        self.assertEqual([i.snapshot for i in self.container.list_blobs(include=["snapshots"])], [taken, None])
        self.refused("SnapshotsPresent", client.delete_blob)
        client.delete_blob(delete_snapshots="include")
        self.assertEqual(list(self.container.list_blobs(include=["snapshots"])), [])

    def test_leases(self):
        client = self.container.upload_blob("f", b"x")
        lease = client.acquire_lease(lease_duration=15)
        self.refused("LeaseIdMissing", client.upload_blob, b"y", overwrite=True)
        client.upload_blob(b"y", overwrite=True, lease=lease)
        self.assertEqual(client.get_blob_properties().lease.state, "leased")
        lease.renew()
        lease.release()
        client.delete_blob()

    def test_copy(self):
        source = self.container.upload_blob("from", harness.content(300_000, "copy"), metadata={"kind": "source"})
        target = self.container.get_blob_client("to")
        done = target.start_copy_from_url(source.url)
        self.assertEqual(done["copy_status"], "success")
        self.assertEqual(target.download_blob().readall(), source.download_blob().readall())
        self.assertEqual(target.get_blob_properties().metadata, {"kind": "source"})

    def test_append_blob(self):
        client = self.container.get_blob_client("log")
        client.create_append_blob()
        for number in range(4):
            client.append_block(f"line {number}\n")
        self.refused("AppendPositionConditionNotMet", client.append_block, "x", appendpos_condition=3)
        self.assertEqual(client.download_blob().readall(), b"line 0\nline 1\nline 2\nline 3\n")
        self.assertEqual(client.get_blob_properties().append_blob_committed_block_count, 4)

    def test_page_blob(self):
        client = self.container.get_blob_client("disk")
        client.create_page_blob(8192)
        client.upload_page(b"a" * 512, offset=0, length=512)
        client.upload_page(b"b" * 1024, offset=4096, length=1024)
        pages, _ = client.get_page_ranges()
        self.assertEqual(pages, [{"start": 0, "end": 511}, {"start": 4096, "end": 5119}])
        client.clear_page(4096, 512)
        expected = b"a" * 512 + bytes(4096) + b"b" * 512 + bytes(8192 - 5120)
        self.assertEqual(client.download_blob().readall(), expected)

    def test_tags(self):
        client = self.container.upload_blob("f", b"x", tags={"project": "one", "odd key": "a b"})
        self.assertEqual(client.get_blob_tags(), {"project": "one", "odd key": "a b"})
        client.set_blob_tags({"project": "two"})
        self.assertEqual(client.get_blob_tags(), {"project": "two"})

    def test_tier(self):
        client = self.container.upload_blob("f", b"x")
        client.set_standard_blob_tier("Cool")
        self.assertEqual(client.get_blob_properties().blob_tier, "Cool")

    def test_shared_access_signatures(self):
        name = self.container.container_name
        client = self.container.upload_blob("dir/a b#c", b"signed")
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        past = until - datetime.timedelta(hours=2)
        read = sdk.BlobSasPermissions(read=True)
        of_blob = lambda **more: sdk.generate_blob_sas(
            harness.ACCOUNT, name, "dir/a b#c", account_key=harness.KEY, **{"permission": read, "expiry": until, **more}
        )
        get = lambda sas: urllib.request.urlopen(f"{client.url}?{sas}", timeout=30)
        with get(of_blob(content_disposition="inline; x=1")) as answer:
            self.assertEqual((answer.read(), answer.headers["Content-Disposition"]), (b"signed", "inline; x=1"))
        for bad in (of_blob(expiry=past), of_blob(permission=sdk.BlobSasPermissions(write=True))):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                get(bad)
            self.assertEqual(caught.exception.code, 403)
            caught.exception.close()
        of_container = sdk.generate_container_sas(
            harness.ACCOUNT, name, account_key=harness.KEY, expiry=until, permission=sdk.ContainerSasPermissions(list=True)
        )
        listing = sdk.ContainerClient(self.endpoint, name, credential=of_container)
        self.assertEqual([i.name for i in listing.list_blobs()], ["dir/a b#c"])
        self.refused("AuthorizationPermissionMismatch", listing.download_blob, "dir/a b#c")
        # By a stored policy, whose rights can be taken back.
        policy = sdk.AccessPolicy(permission="r", expiry=until, start=past)
        self.container.set_container_access_policy({"reader": policy})
        by_policy = sdk.generate_blob_sas(harness.ACCOUNT, name, "dir/a b#c", account_key=harness.KEY, policy_id="reader")
        with get(by_policy) as answer:
            self.assertEqual(answer.read(), b"signed")
        self.container.set_container_access_policy({})
        with self.assertRaises(urllib.error.HTTPError) as caught:
            get(by_policy)
        caught.exception.close()

    def test_wrong_key_is_refused(self):
        wrong = sdk.BlobServiceClient(self.endpoint, credential=harness.KEY[::-1].lstrip("=") + "==")
        # Azurite has its own name for this.
        self.refused(("AuthenticationFailed", "AuthorizationFailure"), lambda: list(wrong.list_containers()))

    def test_containers(self):
        names = [f"listed-{n}" for n in range(5)]
        for name in names:
            self.service.create_container(name, metadata={"number": name[-1]})
        listed = list(self.service.list_containers("listed-", include_metadata=True, results_per_page=2))
        self.assertEqual([(c.name, c.metadata) for c in listed], [(n, {"number": n[-1]}) for n in names])
        self.assertEqual(self.service.get_container_client("listed-3").get_container_properties().metadata, {"number": "3"})
        self.service.delete_container("listed-2")
        self.assertNotIn("listed-2", [c.name for c in self.service.list_containers("listed-")])

    def test_account_information(self):
        self.assertIn("sku_name", self.service.get_account_information())
        self.service.get_service_properties()
