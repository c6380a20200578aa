"""Customer-provided keys and encryption scopes: azcopy and the Python SDK, unmodified, against the embedded store, and
act with them. Azurite has neither (3.35.0), and act says so."""

import base64
import hashlib
import unittest

import harness

try:
    from azure.core import exceptions
    from azure.storage import blob as sdk
except ImportError:  # Debian's python3-azure-storage is for Debian's Python
    sdk = None

MIB = harness.MIB


class Encryption(unittest.TestCase):
    """Over https, as the clients insist on."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not harness.ACT.exists():
            raise unittest.SkipTest(f"{harness.ACT} is not built")
        cls.scratch = cls.enterClassContext(harness.temporary_folder())
        (cls.scratch / "server").mkdir()
        certificate, key, cls.authority = harness.certificate(cls.scratch)
        server = harness.act_serve(cls.scratch / "server", certificate=(certificate, key))
        cls.addClassCleanup(server.stop)
        cls.endpoint = server.endpoint
        raw = hashlib.sha256(b"key").digest()
        cls.key = base64.b64encode(raw).decode()
        cls.sum = base64.b64encode(hashlib.sha256(raw).digest()).decode()

    def setUp(self):
        self.name = self.id().rsplit("test_", 1)[-1].replace("_", "-")[:60]
        self.folder = self.scratch / self.name
        self.project = harness.Project(self.folder / "project", self.endpoint, container=self.name, prefix="data")
        self.project.env |= {"SSL_CERT_FILE": str(self.authority), "CPK_ENCRYPTION_KEY": self.key}
        self.data = self.project.folder / "data"
        harness.create_container(self.endpoint, self.name, self.authority)

    def url(self, path=""):
        return f"{self.endpoint}/{self.name}/{path}?{harness.account_sas()}"

    def azcopy(self, *arguments, **more):
        env = {"SSL_CERT_FILE": str(self.authority), "CPK_ENCRYPTION_KEY": self.key, "CPK_ENCRYPTION_KEY_SHA256": self.sum}
        return harness.azcopy(*arguments, home=self.folder, env=env, **more)

    def tree(self):
        for name, size in (("small", 10), ("large", 20 * MIB), ("empty", 0)):
            harness.write(self.data / name, harness.content(size, name))
        return harness.snapshot(self.data)

    def listed(self):
        lines = self.project.act("ls", "--long", "data", "--json").lines
        return {(l.get("customer_key_sha256"), l.get("encryption_scope")) for l in lines if l["type"] == "blob"}

    def test_azcopy_and_act_read_each_others_keyed_blobs(self):
        expected, down = self.tree(), self.folder / "down"
        self.azcopy("copy", f"{self.data}/*", self.url("data"), "--cpk-by-value", "--from-to", "LocalBlob")
        self.assertEqual(self.listed(), {(self.sum, None)})
        self.data.rename(self.folder / "sent")
        self.project.act("d", "data", "--customer-key")
        harness.assert_same(expected, harness.snapshot(self.data))
        self.project.act("u", "data", "--customer-key", "--force")
        self.azcopy("copy", self.url("data/*"), down, "--recursive", "--cpk-by-value", "--from-to", "BlobLocal")
        harness.assert_same(expected, harness.snapshot(down))
        refused = self.azcopy("copy", self.url("data/small"), self.folder / "none", "--from-to", "BlobLocal", expect=1)
        self.assertFalse((self.folder / "none").exists(), refused)

    def test_azcopy_with_a_scope(self):
        expected, down = self.tree(), self.folder / "down"
        self.azcopy("copy", f"{self.data}/*", self.url("data"), "--cpk-by-name", "lab", "--from-to", "LocalBlob")
        self.assertEqual(self.listed(), {(None, "lab")})
        self.azcopy("copy", self.url("data/*"), down, "--recursive", "--from-to", "BlobLocal")
        harness.assert_same(expected, harness.snapshot(down))

    def sdk_container(self):
        if not sdk:
            self.skipTest("the Python SDK is not installed")
        service = sdk.BlobServiceClient(
            self.endpoint, credential=harness.KEY, connection_verify=str(self.authority), max_single_put_size=64 * 1024,
            max_block_size=MIB,
        )  # fmt: skip
        self.addCleanup(service.close)
        return service.get_container_client(self.name)

    def refused(self, code, call, *arguments, **more):
        with self.assertRaises(exceptions.HttpResponseError) as caught:
            call(*arguments, **more)
        got = getattr(caught.exception, "error_code", None)
        self.assertEqual(getattr(got, "value", got), code)

    def test_sdk_with_a_key(self):
        container = self.sdk_container()
        key = sdk.CustomerProvidedEncryptionKey(self.key, self.sum)
        raw = hashlib.sha256(b"other").digest()
        other = sdk.CustomerProvidedEncryptionKey(
            base64.b64encode(raw).decode(), base64.b64encode(hashlib.sha256(raw).digest()).decode()
        )
        content = harness.content(5 * MIB, "sdk")
        client = container.get_blob_client("data/blocks")
        made = client.upload_blob(content, cpk=key)
        self.assertEqual(made["encryption_key_sha256"], self.sum)
        self.assertEqual(client.download_blob(cpk=key).readall(), content)
        got = client.get_blob_properties(cpk=key)
        self.assertEqual((got.encryption_key_sha256, got.server_encrypted), (self.sum, True))
        self.assertEqual(client.set_blob_metadata({"a": "b"}, cpk=key)["encryption_key_sha256"], self.sum)
        client.create_snapshot(cpk=key)
        self.refused("BlobUsesCustomerSpecifiedEncryption", client.download_blob)
        self.refused("BlobCustomerSpecifiedEncryptionMismatch", client.download_blob, cpk=other)
        self.refused("BlobUsesCustomerSpecifiedEncryption", client.set_blob_metadata, {})
        append = container.get_blob_client("data/append")
        append.upload_blob(content, blob_type="AppendBlob", cpk=key)
        page = container.get_blob_client("data/page")
        page.upload_blob(content, blob_type="PageBlob", cpk=key)
        self.assertEqual(self.listed(), {(self.sum, None)})
        # act reads what it made, and the other way round.
        self.project.act("d", "data", "--customer-key")
        for name in ("blocks", "append", "page"):
            self.assertEqual((self.data / name).read_bytes(), content, name)
        harness.write(self.data / "ours", content)
        self.project.act("u", "data/ours", "--customer-key")
        ours = container.get_blob_client("data/ours")
        self.assertEqual(ours.download_blob(cpk=key).readall(), content)
        # From URL, under a key of the copy's own.
        copy = container.get_blob_client("copy")
        harness.write(self.data / "plain", content)
        self.project.act("u", "data/plain")
        made = copy.upload_blob_from_url(self.url("data/plain"), cpk=key)
        self.assertEqual(made["encryption_key_sha256"], self.sum)
        self.assertEqual(copy.download_blob(cpk=key).readall(), content)

    def test_sdk_with_a_scope(self):
        container = self.sdk_container()
        client = container.get_blob_client("data/b")
        made = client.upload_blob(b"text", encryption_scope="lab")
        self.assertEqual(made["encryption_scope"], "lab")
        self.assertEqual(client.download_blob().readall(), b"text")
        self.assertEqual(client.get_blob_properties().encryption_scope, "lab")
        client.set_blob_metadata({"a": "b"}, encryption_scope="lab")
        client.create_snapshot(encryption_scope="lab")
        self.refused("BlobCustomerSpecifiedEncryptionMismatch", client.create_snapshot, encryption_scope="other")
        self.assertEqual([b.encryption_scope for b in container.list_blobs()], ["lab"])
        service = sdk.BlobServiceClient(self.endpoint, credential=harness.KEY, connection_verify=str(self.authority))
        self.addCleanup(service.close)
        strict = service.create_container(
            "strict", container_encryption_scope=sdk.ContainerEncryptionScope("lab", prevent_encryption_scope_override=True)
        )
        told = strict.get_container_properties().encryption_scope
        self.assertEqual((told.default_encryption_scope, told.prevent_encryption_scope_override), ("lab", True))
        self.refused("RequestForbiddenByContainerEncryptionPolicy", strict.upload_blob, "b", b"x", encryption_scope="other")
        self.assertEqual(strict.upload_blob("b", b"x").get_blob_properties().encryption_scope, "lab")


class Azurite(unittest.TestCase):
    def test_act_notices_that_azurite_has_neither(self):
        scratch = self.enterContext(harness.temporary_folder())
        (scratch / "server").mkdir()
        server = harness.azurite(scratch / "server")
        self.addCleanup(server.stop)
        project = harness.Project(scratch / "project", server.endpoint)
        project.env["CPK_ENCRYPTION_KEY"] = base64.b64encode(bytes(32)).decode()
        harness.create_container(server.endpoint, "work")
        harness.write(project.folder / "data/f", b"x")
        refused = project.act("u", "data/f", "--customer-key", expect=1)
        self.assertIn("FeatureNotSupported", refused.err)
        # A scope it passes over without a word.
        refused = project.act("u", "data/f", "--encryption-scope", "lab", expect=1)
        self.assertIn("did not put it into the encryption scope lab", refused.err)
