"""Contents that other tools made: MD5s, gzip, page and append blobs, archived ones, by the Python SDK on both servers."""

import base64
import gzip
import hashlib
import json
import unittest
import zlib

import harness
import servers

try:
    from azure.storage import blob as sdk
except ImportError as missing:  # Debian's python3-azure-storage is for Debian's Python
    raise unittest.SkipTest(f"the Python SDK is not installed: {missing}") from missing


def md5(content):
    return hashlib.md5(content).digest()


class Blobs:
    """What the SDK puts into a container and finds there."""

    def __init__(self, test, endpoint, name):
        self.service = sdk.BlobServiceClient(endpoint, credential=harness.KEY, max_single_put_size=harness.SINGLE)
        test.addCleanup(self.service.close)
        self.container = self.service.get_container_client(name)
        if not self.container.exists():
            self.container.create_container()

    def put(self, name, content, **settings):
        self.container.upload_blob(name, content, overwrite=True, content_settings=sdk.ContentSettings(**settings))

    def claim(self, name, digest):
        """Sets the MD5 afterwards: of Put Blob Azurite compares it, as the service does not."""
        settings = sdk.ContentSettings(content_md5=bytearray(digest))
        self.container.get_blob_client(name).set_http_headers(settings)

    def page(self, name, size, pages, **more):
        client = self.container.get_blob_client(name)
        client.create_page_blob(size, **more)
        for offset, content in pages:
            for at in range(0, len(content), 4 * harness.MIB):
                piece = content[at : at + 4 * harness.MIB]
                client.upload_page(piece, offset + at, len(piece))

    def append(self, name, *pieces, **more):
        client = self.container.get_blob_client(name)
        client.create_append_blob(**more)
        for piece in pieces:
            client.append_block(piece)

    def properties(self, name):
        return self.container.get_blob_client(name).get_blob_properties()

    def content(self, name):
        return self.container.download_blob(name).readall()


def pages_of(blobs, name):
    """What was written: first and last bytes, neighbours as one."""
    out = []
    for each in blobs.container.get_blob_client(name).get_page_ranges()[0]:
        if out and out[-1][1] + 1 == each["start"]:
            out[-1] = (out[-1][0], each["end"])
        else:
            out.append((each["start"], each["end"]))
    return out


@servers.on_both
class Content:
    def setUp(self):
        self.name = self.id().rsplit("_", 1)[-1].lower() + "-con"
        self.blobs = Blobs(self, self.endpoint, self.name)
        self.project = harness.Project(self.folder("project"), self.endpoint, container=self.name, prefix="data")
        self.data = self.project.folder / "data"

    def url(self, path):
        return f"{self.endpoint}/{self.name}/{path}"

    def test_stored_md5s(self):
        expected = {"small": harness.content(70_000, 1), "large": harness.content(20 * harness.MIB + 3, 2), "empty": b""}
        for name, content in expected.items():
            harness.write(self.project.folder / "t" / name, content)
        self.project.act("cp", "--put-md5", "t", self.url("t"))
        with open(self.project.folder / "t/large", "rb") as stream:
            self.project.act("cp", "--put-md5", "-", self.url("t/stream"), stdin=stream)
        for name in ("small", "large", "empty", "stream"):
            stored = bytes(self.blobs.properties(f"t/{name}").content_settings.content_md5)
            self.assertEqual(stored, md5(expected["large" if name == "stream" else name]), name)
        self.project.act("cp", "--check-md5", "require", self.url("t"), "./back")
        self.assertEqual((self.project.folder / "back/large").read_bytes(), expected["large"])

    def test_compared_md5s(self):
        contents = {"small": b"text", "large": harness.content(9 * harness.MIB, 3)}
        if self.server_kind == "azurite":
            # It gives the stored MD5 for the checksum of a range that is the whole: damage, whatever is asked for.
            del contents["small"]
        for name, content in contents.items():
            self.blobs.put(name, content)
            self.blobs.claim(name, md5(b"else"))
            harness.write(self.project.folder / name, b"old")
            said = self.project.act("cp", "--force", self.url(name), name, "--json", expect=1)
            failure = next(line for line in said.lines if line["type"] == "failure")
            for sum in (md5(b"else"), md5(content)):
                self.assertIn(base64.b64encode(sum).decode(), json.dumps(failure))
            self.assertEqual((self.project.folder / name).read_bytes(), b"old")
            self.project.act("cat", self.url(name), expect=1)
            self.project.act("cp", "--force", "--check-md5", "NoCheck", self.url(name), name)
            self.assertEqual((self.project.folder / name).read_bytes(), content)
        self.project.act("cp", "--check-md5", "sometimes", self.url("large"), "x", expect=2)
        self.project.act("cp", "--put-md5", self.url("large"), "x", expect=2)

    def test_unpacked(self):
        text, noise = b"line\n" * 2_000_000, harness.content(9 * harness.MIB, 4)
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        raw = packer.compress(text) + packer.flush()
        for name, packed, encoding in (
            ("text", gzip.compress(text), "gzip"), ("noise", gzip.compress(noise), "gzip"), ("raw", raw, "deflate"),
            ("zlib", zlib.compress(text), "deflate"), ("two", gzip.compress(b"a") + gzip.compress(b"b"), "gzip"),
        ):  # fmt: skip
            self.blobs.put("t/" + name, packed, content_encoding=encoding)
        self.project.act("cp", "--decompress", self.url("t"), "./t")
        for name, content in {"text": text, "noise": noise, "raw": text, "zlib": text, "two": b"ab"}.items():
            self.assertEqual((self.project.folder / "t" / name).read_bytes(), content, name)
        again = self.project.act("cp", "--decompress", self.url("t"), "./t", "--json").summary
        self.assertEqual((again["files"], again["skipped"]), (0, 5))
        self.assertEqual(self.project.act("cat", "--decompress", self.url("t/two")).out, "ab")
        self.blobs.put("t/text", gzip.compress(text)[:-5], content_encoding="gzip")
        self.project.act("cp", "--force", "--decompress", self.url("t/text"), "./t/text", expect=1)
        self.assertEqual((self.project.folder / "t/text").read_bytes(), text)

    def test_page_and_append_blobs(self):
        pages, log = harness.content(5 * harness.MIB, 5), harness.content(3 * harness.MIB, 6)
        self.blobs.page("data/t/disk", 300 * harness.MIB, [(8 * harness.MIB, pages), (200 * harness.MIB, pages[:512])])
        self.blobs.append("data/t/log", log, log, b"end")
        got = self.project.act("d", "data/t", "--json").summary
        self.assertEqual((got["files"], got["failed"]), (2, 0))
        self.assertLess(got["bytes_received"], 20 * harness.MIB)
        self.assertEqual((self.data / "t/log").read_bytes(), log + log + b"end")
        disk = (self.data / "t/disk").read_bytes()
        self.assertEqual(disk, bytes(8 * harness.MIB) + pages + bytes(187 * harness.MIB) + pages[:512]
                         + bytes(100 * harness.MIB - 512))  # fmt: skip
        self.assertLess((self.data / "t/disk").stat().st_blocks * 512, 20 * harness.MIB)
        self.assertEqual(self.project.act("d", "data/t", "--json").summary["skipped"], 2)

    def test_archived(self):
        self.blobs.put("data/t/cold", b"text")
        self.blobs.put("data/t/warm", b"text")
        self.blobs.container.get_blob_client("data/t/cold").set_standard_blob_tier("Archive")
        for command in (["d", "data/t"], ["sync", self.url("data/t"), "./s"], ["cp", self.url("data/t"), "./c"],
                        ["cp", self.url("data/t"), self.url("copies")]):  # fmt: skip
            said = self.project.act(*command, "--json", expect=1)
            self.assertEqual((said.summary["files"], said.summary["failed"]), (1, 1), command)
            failure = next(line for line in said.lines if line["type"] == "failure")
            self.assertEqual(failure["code"], "BlobArchived")
            self.assertIn("act set --tier Hot", failure["advice"])
        self.project.act("set", "--tier", "Hot", "--rehydrate-priority", "High", self.url("data/t"))
        self.project.act("set", "--tier", "Cool", "--rehydrate-priority", "soon", self.url("data/t"), expect=2)
        self.project.act("set", "--rehydrate-priority", "High", self.url("data/t"), expect=2)


class ThroughClient(unittest.TestCase):
    """Azurite does not read another server, so what goes there goes through act."""

    def test_page_and_append_blobs_between_servers(self):
        if not harness.ACT.exists():
            self.skipTest(f"{harness.ACT} is not built")
        scratch = self.enterContext(harness.temporary_folder())
        ends = {}
        for name, start in (("from", harness.act_serve), ("to", harness.azurite)):
            (scratch / name).mkdir()
            server = start(scratch / name)
            self.addCleanup(server.stop)
            ends[name] = server.endpoint
        source, target = Blobs(self, ends["from"], "con"), Blobs(self, ends["to"], "con")
        pages, log = harness.content(5 * harness.MIB, 7), harness.content(3 * harness.MIB, 8)
        source.page("t/disk", 100 * harness.MIB, [(6 * harness.MIB, pages)], metadata={"a": "b"})
        source.append("t/log", log, log, metadata={"c": "d"})
        project = harness.Project(scratch / "project", ends["from"])
        words = ["cp", f"{ends['from']}/con/t?{harness.account_sas()}", f"{ends['to']}/con/t?{harness.account_sas()}"]
        copied = project.act(*words, "--json").summary
        self.assertEqual((copied["files"], copied["through_client"]), (2, 2))
        self.assertLess(copied["bytes_received"], 20 * harness.MIB)
        self.assertEqual(target.content("t/log"), log + log)
        self.assertEqual(pages_of(target, "t/disk"), [(6 * harness.MIB, 11 * harness.MIB - 1)])
        disk = target.properties("t/disk")
        self.assertEqual((disk.size, disk.blob_type, disk.metadata), (100 * harness.MIB, "PageBlob", {"a": "b"}))
        self.assertEqual(target.properties("t/log").blob_type, "AppendBlob")


if __name__ == "__main__":
    unittest.main()
