"""act against Azurite and against the store, and act together with the other clients on one container."""

import shutil
import urllib.parse
import urllib.request

import harness
import servers


@servers.on_both
class Act:
    def project(self, name="project", **more):
        container = "act" + str(abs(hash(self.id())) % 10**8) + name.lower()
        return harness.Project(self.folder(name), self.endpoint, container=container, **more), container

    def url(self, path):
        return f"{self.endpoint}/{urllib.parse.quote(path)}?{harness.account_sas()}"

    def head(self, path):
        request = urllib.request.Request(self.url(path), method="HEAD")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(answer.headers)

    def test_round_trip_of_awkward_tree(self):
        """All that a tree holds comes back: names, sizes, empty folders, executable bits, times."""
        project, _ = self.project()
        tree = harness.awkward_tree(project.folder / "data/tree")
        expected = harness.snapshot(tree, modes=True, times=True)
        size = sum(facts[1] for facts in expected.values() if facts[0] == "file")
        # A folder with nothing in it is an item like a file.
        items = sum(1 for path, facts in expected.items() if facts[0] == "file" or not any((tree / path).iterdir()))
        up = project.act("u", "data/tree", "--json").summary
        self.assertEqual((up["verb"], up["files"], up["bytes"], up["failed"]), ("upload", items, size, 0))
        self.assertGreaterEqual(up["bytes_sent"], size)

        tree.rename(project.folder / "sent")
        down = project.act("d", "data/tree", "--json").summary
        self.assertEqual((down["verb"], down["bytes"], down["failed"]), ("download", size, 0))
        harness.assert_same(expected, harness.snapshot(tree, modes=True, times=True))

        # Nothing moves the second time, either way.
        again = project.act("d", "data/tree", "--json").summary
        self.assertEqual((again["files"], again["failed"], again["bytes_received"] < harness.MIB), (0, 0, True))
        self.assertEqual(self.moved(project.act("u", "data/tree", "--json")), (0, items))

    @staticmethod
    def moved(result):
        return result.summary["files"], result.summary["skipped"]

    def test_a_manifest_spares_the_listing(self):
        project, container = self.project()
        tree = harness.awkward_tree(project.folder / "data/tree", big=False)
        harness.write(tree / "both", b"1")
        there = f"{self.endpoint}/{container}/t"
        line = ("sync", "--delete", "--manifest-in", "m", "--manifest-out", "m", "./data/tree", there, "--json")
        items = project.act(*line).summary["files"]
        again = project.act(*line).summary
        self.assertEqual((again["files"], again["skipped"], again["requests"]), (0, items, 0))
        for name in ("here", "both", "gone/deep/er", "gone/other"):
            harness.write(tree / name, b"mine")
        harness.write(project.folder / "theirs", b"theirs, longer")
        for name in ("here", "both"):
            project.act("cp", project.folder / "theirs", f"{there}/{name}")
        done = project.act(*line).summary
        self.assertEqual((done["files"], done["failed"]), (4, 0))
        shutil.rmtree(tree / "gone")
        (tree / "both").unlink()
        project.act("cp", project.folder / "theirs", f"{there}/gone/other")
        done = project.act(*line).summary
        self.assertEqual((done["files"], done["deleted"], done["failed"]), (0, 3, 0))
        self.assertIn("equal", project.act("check", "./data/tree", there).text)
        self.assertIn("equal", project.act("check", "--extra", "--manifest", "m", there).text)

    def test_changes_are_found(self):
        project, _ = self.project()
        for number in range(20):
            harness.write(project.folder / f"data/t/{number}", harness.content(5000, number), modified=harness.MOMENT)
        project.act("u", "data/t")
        harness.write(project.folder / "data/t/3", harness.content(5000, "other"))  # same size, new time
        harness.write(project.folder / "data/t/4", harness.content(5001, 4), modified=harness.MOMENT)  # same time, new size
        harness.write(project.folder / "data/t/new", b"new")
        again = project.act("u", "data/t", "--json").summary
        self.assertEqual((again["files"], again["skipped"], again["bytes"]), (3, 18, 5000 + 5001 + 3))
        # And the other way: what differs here is fetched again.
        harness.write(project.folder / "data/t/5", b"spoiled")
        (project.folder / "data/t/6").unlink()
        down = project.act("d", "data/t", "--json").summary
        self.assertEqual((down["files"], down["skipped"]), (2, 19))
        self.assertEqual((project.folder / "data/t/5").read_bytes(), harness.content(5000, 5))

    def test_list_url_and_remove(self):
        project, _ = self.project()
        for name in ("coco/a", "coco/b c#", "coco2017/a"):
            harness.write(project.folder / "data" / name, name.encode())
        project.act("u", "data")
        listed = [line for line in project.act("ls", "data", "--json").lines if line["type"] == "blob"]
        self.assertEqual(sorted(line["size"] for line in listed), [6, 9, 10])
        for line in listed:
            self.assertTrue(line["etag"] and line["modified"], line)
        address = project.act("url", "data/coco/b c#").out.strip()
        with urllib.request.urlopen(address, timeout=30) as answer:
            self.assertEqual(answer.read(), b"coco/b c#")

        dry = project.act("rm", "data/coco", "--dry-run", "--json").summary
        self.assertEqual(dry["failed"], 0)
        self.assertEqual(self.names(project), ["coco/a", "coco/b c#", "coco2017/a"])
        gone = project.act("rm", "--yes", "data/coco", "--json").summary
        self.assertEqual((gone["files"], gone["failed"]), (2, 0))
        # The sibling that shares the beginning of the name stays.
        self.assertEqual(self.names(project), ["coco2017/a"])

    @staticmethod
    def names(project, path="data"):
        lines = project.act("ls", path, "--json").lines
        found = [line["name"] for line in lines if line["type"] == "blob"]
        return sorted(name.split("some/path/", 1)[-1] for name in found)

    def test_remove_of_many_odd_names(self):
        project, _ = self.project()
        for number in range(600):
            name = f"odd #{number}?&+% é"
            harness.write(project.folder / "data/many" / name, b"x")
        project.act("u", "data/many")
        gone = project.act("rm", "--yes", "data/many", "--json").summary
        self.assertEqual((gone["files"], gone["failed"]), (600, 0))
        project.act("ls", "data/many", expect=5)

    def test_dry_run_changes_nothing(self):
        project, _ = self.project()
        harness.write(project.folder / "data/f", b"one")
        project.act("u", "data/f", "--dry-run")
        project.act("ls", "data/f", expect=5)
        project.act("u", "data/f")
        harness.write(project.folder / "data/f", b"other")
        project.act("d", "data/f", "--dry-run")
        self.assertEqual((project.folder / "data/f").read_bytes(), b"other")

    def test_delta_of_a_large_file(self):
        project, _ = self.project()
        data = bytearray(harness.content(100 * harness.MIB, "delta"))
        harness.write(project.folder / "data/large", data)
        project.act("u", "data/large")
        data[50 * harness.MIB] ^= 0xFF
        harness.write(project.folder / "data/large", data)
        again = project.act("u", "data/large", "--json").summary
        self.assertLess(again["bytes_sent"], 20 * harness.MIB)
        (project.folder / "data/large").unlink()
        project.act("d", "data/large")
        self.assertEqual((project.folder / "data/large").read_bytes(), bytes(data))

    def test_shared_access_signature_instead_of_key(self):
        project, _ = self.project(key=None, sas=harness.account_sas())
        harness.write(project.folder / "data/f", b"signed")
        project.act("u", "data/f")
        (project.folder / "data/f").unlink()
        project.act("d", "data/f")
        self.assertEqual((project.folder / "data/f").read_bytes(), b"signed")

    def test_rclone_and_act_read_each_other(self):
        """Content and times both ways: what one sent the other takes for unchanged."""
        project, container = self.project()
        home = self.folder("home")
        source = harness.awkward_tree(project.folder / "data/tree", big=False, empty_folders=False, odd_ends=False)
        project.act("u", "data/tree")
        target = self.folder("rclone-down")
        remote = f"store:{container}/some/path/"
        harness.rclone("copy", remote + "tree", target, home=home, endpoint=self.endpoint)
        expected = harness.snapshot(source, folders=False, times=True)
        harness.assert_same(expected, harness.snapshot(target, folders=False, times=True))

        harness.rclone("copy", source, remote + "theirs", home=home, endpoint=self.endpoint)
        (project.folder / "data/tree").rename(project.folder / "data/theirs")
        self.assertEqual(project.act("u", "data/theirs", "--json").summary["files"], 0)
        (project.folder / "data/theirs").rename(project.folder / "kept")
        project.act("d", "data/theirs")
        got = harness.snapshot(project.folder / "data/theirs", folders=False, times=True)
        harness.assert_same(expected, got)

    def test_azcopy_and_act_read_each_other(self):
        project, container = self.project()
        home = self.folder("home")
        source = harness.awkward_tree(project.folder / "data/tree", odd_ends=False)
        project.act("u", "data/tree")
        target = self.folder("azcopy-down")
        base = f"{self.endpoint}/{container}/some/path/"
        harness.azcopy("copy", f"{base}tree/*?{harness.account_sas()}", target, "--recursive", "--from-to", "BlobLocal",
                       home=home)  # fmt: skip
        expected = harness.snapshot(source, folders=False)
        harness.assert_same(expected, harness.snapshot(target, folders=False))
        harness.azcopy("copy", f"{source}/*", f"{base}theirs?{harness.account_sas()}", "--recursive",
                       "--from-to", "LocalBlob", home=home)  # fmt: skip
        project.act("d", "data/theirs")
        harness.assert_same(expected, harness.snapshot(project.folder / "data/theirs", folders=False))
        # Nothing is known of foreign blocks, and that is no error: a change replaces the blob.
        harness.write(project.folder / "data/theirs/sizes/300MiB", harness.content(20 * harness.MIB, "changed"))
        self.assertEqual(project.act("u", "data/theirs/sizes/300MiB", "--json").summary["files"], 1)

    def test_content_type_and_metadata(self):
        project, container = self.project()
        harness.write(project.folder / "data/page.html", b"<p>", mode=0o755, modified=harness.MOMENT)
        project.act("u", "data/page.html")
        headers = {name.lower(): value for name, value in self.head(f"{container}/some/path/page.html").items()}
        self.assertTrue(headers["x-ms-meta-mtime"].startswith("2001-02-03T04:05:06.123456789"), headers)


class ActOverTls(servers.OnServers, servers.unittest.TestCase):
    """The store with a certificate of our own authority: trusted by SSL_CERT_FILE, refused without."""

    server_kind = "store"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificate = harness.certificate(cls.scratch)
        (cls.scratch / "tls").mkdir()
        server = harness.act_serve(cls.scratch / "tls", certificate=cls.certificate)
        cls.addClassCleanup(server.stop)
        cls.endpoint = server.endpoint

    def test_round_trip(self):
        self.assertTrue(self.endpoint.startswith("https://127.0.0.1:"), self.endpoint)
        project = harness.Project(self.folder("project"), self.endpoint)
        source = harness.awkward_tree(project.folder / "data/tree", big=False)
        expected = harness.snapshot(source, modes=True, times=True)
        trusting = {**project.env, "SSL_CERT_FILE": str(self.certificate[2])}
        trusting.pop("SSL_CERT_DIR", None)
        project.act("u", "data/tree", env=trusting)
        source.rename(project.folder / "sent")
        project.act("d", "data/tree", env=trusting)
        harness.assert_same(expected, harness.snapshot(source, modes=True, times=True))

    def test_unknown_authority_is_refused(self):
        project = harness.Project(self.folder("project"), self.endpoint)
        harness.write(project.folder / "data/f", b"x")
        failed = project.act("u", "data/f", expect=3)
        self.assertIn("certificate", failed.err)
        self.assertIn("SSL_CERT_FILE", failed.err)

    def test_rclone(self):
        source, target = harness.awkward_tree(self.folder("up"), odd_ends=False), self.folder("down")
        more = {"home": self.folder("home"), "endpoint": self.endpoint, "ca": self.certificate[2]}
        harness.rclone("copy", source, "store:tls/in", **more)
        harness.rclone("copy", "store:tls/in", target, **more)
        harness.assert_same(harness.snapshot(source, folders=False), harness.snapshot(target, folders=False))

    def test_azcopy(self):
        source, target = harness.awkward_tree(self.folder("up"), odd_ends=False, big=False), self.folder("down")
        trusting = {"SSL_CERT_FILE": self.certificate[2], "SSL_CERT_DIR": "/nonexistent"}
        project = harness.Project(self.folder("project"), self.endpoint, container="azcopy")
        harness.write(project.folder / "data/f", b"makes the container")
        project.act("u", "data/f", env={**project.env, "SSL_CERT_FILE": str(self.certificate[2])})
        url = lambda path: f"{self.endpoint}/azcopy/{path}?{harness.account_sas()}"
        more = {"home": self.folder("home"), "env": trusting}
        harness.azcopy("copy", f"{source}/*", url("in"), "--recursive", "--from-to", "LocalBlob", **more)
        harness.azcopy("copy", url("in/*"), target, "--recursive", "--from-to", "BlobLocal", **more)
        harness.assert_same(harness.snapshot(source, folders=False), harness.snapshot(target, folders=False))


class ActOnAzuriteAsItIs(servers.unittest.TestCase):
    """Azurite refuses versions that it does not know, as an older service would."""

    def test_listings_are_asked_for_in_another_form(self):
        scratch = self.enterContext(harness.temporary_folder())
        (scratch / "server").mkdir()
        server = harness.azurite(scratch / "server", any_version=False)
        self.addCleanup(server.stop)
        project = harness.Project(scratch / "project", server.endpoint)
        for number in range(3):
            harness.write(project.folder / f"data/t/{number}", b"x")
        self.assertEqual(project.act("u", "data/t", "--json").summary["files"], 3)
        listed = project.act("ls", "data/t", "--log-level", "debug")
        self.assertIn("data/t/2\n", listed.out)
        self.assertEqual(listed.err.count("InvalidHeaderValue") + listed.err.count(" 400 "), 1, listed.err)
        self.assertEqual(project.act("u", "data/t", "--json").summary["skipped"], 3)
