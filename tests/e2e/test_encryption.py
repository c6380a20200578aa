"""Customer-provided keys and encryption scopes: every command that touches a blob, with its requests and refusals."""

import base64
import hashlib
import os

import harness
import servers

MIB = harness.MIB


def a_key(seed):
    return base64.b64encode(hashlib.sha256(seed.encode()).digest()).decode()


def sum_of(key):
    return base64.b64encode(hashlib.sha256(base64.b64decode(key)).digest()).decode()


class Encryption(servers.OwnStore):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.project = harness.Project(self.scratch / "project", self.server.endpoint)
        self.data = self.project.folder / "data"
        self.key = a_key("one")

    def act(self, *arguments, key=None, sum=None, **more):
        """With a key in the environment."""
        env = dict(self.project.env)
        if key:
            env["CPK_ENCRYPTION_KEY"] = key
        if sum:
            env["CPK_ENCRYPTION_KEY_SHA256"] = sum
        done = self.project.act(*arguments, env=env, **more)
        for one in (self.key, a_key("other")):
            self.assertNotIn(one, done.out + done.err)
        return done

    def keyed(self, *arguments, **more):
        return self.act(*arguments, "--customer-key", key=self.key, **more)

    def told(self, path="data"):
        """What listings say of each blob: (hash of its key, scope)."""
        lines = self.act("ls", "--long", path, "--json").lines
        return {
            line["path"]: (line.get("customer_key_sha256"), line.get("encryption_scope"))
            for line in lines
            if line["type"] == "blob"
        }

    def tree(self):
        harness.write(self.data / "t/small", b"small")
        harness.write(self.data / "t/large", harness.content(20 * MIB, "large"))
        harness.write(self.data / "t/empty", b"")
        return harness.snapshot(self.data / "t")

    def away(self):
        (self.data / "t").rename(self.scratch / f"sent-{os.urandom(4).hex()}")

    def test_round_trip_with_a_key_from_the_environment(self):
        expected = self.tree()
        self.keyed("u", "data/t")
        self.assertEqual(set(self.told("data/t").values()), {(sum_of(self.key), None)})
        self.assertEqual(self.keyed("check", "./data/t", "aml:data/t", "--hash", "--json").summary["failed"], 0)
        self.assertEqual(self.keyed("cat", "data/t/small").out, "small")
        self.away()
        self.keyed("d", "data/t", "--check-md5", "fail")
        harness.assert_same(expected, harness.snapshot(self.data / "t"))
        # The hash may be given, and then must be right.
        self.act("cat", "data/t/small", "--customer-key", key=self.key, sum=sum_of(self.key))
        wrong = self.act("cat", "data/t/small", "--customer-key", key=self.key, sum=sum_of(a_key("other")), expect=3)
        self.assertIn("SHA-256", wrong.err)

    def test_unchanged_trees_cost_their_listing_alone(self):
        self.tree()
        self.keyed("u", "data/t")
        harness.admin(self.server, "/reset", "POST")
        self.keyed("u", "data/t")
        self.act("u", "data/t")
        self.keyed("d", "data/t")
        self.assertEqual(harness.admin(self.server, "/stats")["requests"],
                         {"ListBlobs": {"200": 3}, "GetBlobProperties": {"404": 1}})  # fmt: skip

    def test_refusals_name_the_blob_and_what_to_do(self):
        self.tree()
        self.keyed("u", "data/t")
        self.away()
        none = self.act("d", "data/t", expect=1)
        self.assertIn("t/small", none.err)
        self.assertIn("--customer-key", none.err)
        self.assertIn("customer_key", none.err)
        wrong = self.act("cat", "data/t/small", "--customer-key", key=a_key("other"), expect=3)
        self.assertIn("another customer-provided key", wrong.err + wrong.out)
        unset = self.act("u", "data", "--customer-key", expect=3)
        self.assertIn("CPK_ENCRYPTION_KEY, which is not set", unset.err)
        short = self.act("ls", "data", expect=0)
        self.assertIn("t/small", short.out)
        bad = self.act("cat", "data/t/small", "--customer-key", key="c2hvcnQ=", expect=3)
        self.assertIn("base64 of 32 bytes", bad.err)

    def test_key_from_a_file_that_the_account_names(self):
        harness.write(self.project.folder / "key.txt", self.key.encode() + b"\n", mode=0o600)
        harness.write(self.data / "plain", b"older")
        self.act("u", "data/plain")
        self.project.configure(self.server.endpoint, customer_key="file:key.txt")
        self.tree()
        self.act("u", "data/t")
        told = self.told()
        self.assertEqual(told.pop("data/plain"), (None, None))
        self.assertEqual(set(told.values()), {(sum_of(self.key), None)})
        # Blobs that are under no key are read all the same.
        self.assertEqual(self.act("cat", "data/plain").out, "older")
        shown = self.act("config")
        self.assertIn("customer_key", shown.out)
        self.project.configure(self.server.endpoint, customer_key="file:key.txt", encryption_scope="lab")
        self.assertIn("leave one out", self.act("ls", "data", expect=3).err)

    def test_killed_upload_goes_on_under_its_key(self):
        harness.write(self.data / "big", harness.content(120 * MIB, "big"))
        gate = harness.Gate(self.server.endpoint, 60 * MIB)
        self.addCleanup(gate.close)
        self.project.configure(gate.endpoint)
        self.project.env["CPK_ENCRYPTION_KEY"] = self.key
        process = self.project.start("u", "data/big", "--customer-key")
        self.assertTrue(gate.reached.wait(60))
        process.kill()
        process.communicate()
        gate.close()
        self.assertGreater(harness.admin(self.server, "/stats")["requests"]["PutBlock"]["201"], 0)
        self.project.configure(self.server.endpoint)
        harness.admin(self.server, "/reset", "POST")
        self.act("u", "data/big", "--customer-key", key=self.key)
        self.assertLess(harness.admin(self.server, "/stats")["requests"]["PutBlock"]["201"], 15)
        self.assertEqual(self.told()["data/big"], (sum_of(self.key), None))

    def test_staged_blocks_under_another_key_are_not_in_the_way(self):
        harness.write(self.data / "big", harness.content(40 * MIB, "big"))
        harness.write(self.project.folder / "key.txt", a_key("other").encode())
        container = f"{self.server.endpoint}/work?{harness.account_sas()}"
        self.act("mkcontainer", container)
        gate = harness.Gate(self.server.endpoint, 20 * MIB)
        self.addCleanup(gate.close)
        self.project.configure(gate.endpoint, customer_key="file:key.txt")
        process = self.project.start("u", "data/big")
        self.assertTrue(gate.reached.wait(60))
        process.kill()
        process.communicate()
        gate.open()
        self.project.configure(self.server.endpoint)
        self.keyed("u", "data/big")
        self.assertEqual(self.told()["data/big"], (sum_of(self.key), None))
        expected = harness.snapshot(self.data)
        (self.data / "big").unlink()
        self.keyed("d", "data/big")
        harness.assert_same(expected, harness.snapshot(self.data))

    def test_blocks_that_are_there_count_only_under_the_same_key(self):
        harness.write(self.data / "big", harness.content(64 * MIB, "big"))
        self.keyed("u", "data/big")
        listed = harness.admin(self.server, "/stats")["requests"]["PutBlock"]["201"]
        self.assertGreaterEqual(listed, 8)
        with open(self.data / "big", "r+b") as f:
            f.seek(10 * MIB)
            f.write(b"different")
        harness.admin(self.server, "/reset", "POST")
        self.keyed("u", "data/big")
        # What the committed blob has under the same key is not sent again,
        self.assertEqual(harness.admin(self.server, "/stats")["requests"]["PutBlock"], {"201": 1})
        harness.admin(self.server, "/reset", "POST")
        # and under another all of it is.
        self.act("u", "data/big", "--force", "--customer-key", key=a_key("other"))
        self.assertEqual(harness.admin(self.server, "/stats")["requests"]["PutBlock"], {"201": listed})
        self.assertEqual(self.told()["data/big"], (sum_of(a_key("other")), None))
        self.act("u", "data/big", "--force")
        self.assertEqual(self.told()["data/big"], (None, None))

    def test_append_and_page_blobs_streams_and_set(self):
        harness.write(self.data / "a", harness.content(9 * MIB, "a"))
        harness.write(self.data / "p", harness.content(8 * MIB, "p"))
        self.keyed("u", "data/a", "--blob-type", "append")
        self.keyed("u", "data/p", "--blob-type", "page")
        expected = harness.snapshot(self.data)
        self.keyed("set", "data/a", "--metadata", "colour=red", "--header", "content-type=text/x", "--tag", "a=b")
        refused = self.act("set", "data/p", "--metadata", "colour=red", expect=3)
        self.assertIn("--customer-key", refused.err)
        for name in ("a", "p"):
            (self.data / name).unlink()
        self.keyed("d", "data")
        harness.assert_same(expected, harness.snapshot(self.data))
        with open(self.data / "a", "rb") as stream:
            self.keyed("cp", "-", "aml:data/streamed", stdin=stream)
        self.assertEqual(self.told()["data/streamed"], (sum_of(self.key), None))
        self.keyed("cp", "aml:data/streamed", self.scratch / "came")
        self.assertEqual((self.scratch / "came").read_bytes(), (self.data / "a").read_bytes())

    def test_copies_between_accounts_with_keys_of_their_own(self):
        secret = "b3RoZXIta2V5LW9mLXRoZS10ZXN0cy1mb3ItYWN0LWNvcGllcy0xMjM0NTY3ODkwMTI="
        (self.scratch / "two").mkdir()
        other = harness.act_serve(self.scratch / "two", account="eustore", key=secret, arguments=["--admin", ":0"])
        self.addCleanup(other.stop)
        self.project.configure(self.server.endpoint, customer_key="env:OUR_KEY")
        self.project.env["OUR_KEY"] = self.key
        self.project.cluster("eu", other.endpoint, container="copies", account="eustore", key=secret,
                             customer_key="env:THEIR_KEY")  # fmt: skip
        self.project.env["THEIR_KEY"] = a_key("other")
        expected = self.tree()
        self.act("u", "data/t")
        done = self.act("cp", "aml:data/t", "eu:data/t", "--json")
        self.assertEqual((done.summary["failed"], done.summary["files"]), (0, 3))
        # Nothing but the empty one was read here, which is not worth a request to the source.
        self.assertEqual((done.summary["server_side"], done.summary["through_client"]), (3, 0))
        lines = self.act("ls", "--long", "eu:data/t", "--json").lines
        self.assertEqual({l["customer_key_sha256"] for l in lines if l["type"] == "blob"}, {sum_of(a_key("other"))})
        self.away()
        self.act("cp", "eu:data/t", self.data / "t")
        harness.assert_same(expected, harness.snapshot(self.data / "t"))
        # Append blobs cannot be copied by the service then.
        harness.write(self.data / "log", b"line\n" * 1000)
        self.act("u", "data/log", "--blob-type", "append")
        done = self.act("cp", "aml:data/log", "eu:data/log", "--json")
        self.assertEqual((done.summary["server_side"], done.summary["through_client"]), (0, 1))
        self.assertEqual(self.act("cat", "eu:data/log").out, "line\n" * 1000)
        # Without the source's key nothing is asked of either service.
        self.project.configure(self.server.endpoint)
        refused = self.act("cp", "aml:data/t", "eu:data/again", expect=1)
        self.assertIn("which was not given", refused.err)
        self.assertIn("t/small", refused.err)

    def test_scopes(self):
        self.tree()
        self.act("u", "data/t", "--encryption-scope", "lab")
        self.assertEqual(set(self.told("data/t").values()), {(None, "lab")})
        # Reading needs no scope, and a change names the blob's own.
        self.assertEqual(self.act("cat", "data/t/small").out, "small")
        self.act("set", "data/t", "--metadata", "colour=red")
        self.assertEqual(set(self.told("data/t").values()), {(None, "lab")})
        self.assertIn("(scope lab)", self.act("ls", "--long", "data/t").out)
        self.project.configure(self.server.endpoint, encryption_scope="home")
        harness.write(self.data / "log", b"x" * 1000)
        self.act("u", "data/log", "--blob-type", "append")
        self.assertEqual(self.told()["data/log"], (None, "home"))
        self.act("u", "data/t", "--force", "--encryption-scope", "other")
        self.assertEqual(set(self.told("data/t").values()), {(None, "other")})
        self.assertIn("lower-case", self.act("u", "data/t", "--encryption-scope", "No Scope", expect=2).err)

    def test_container_with_a_scope(self):
        url = f"{self.server.endpoint}/strict?{harness.account_sas()}"
        self.act("mkcontainer", url, "--encryption-scope", "lab", "--only-scope")
        self.project.configure(self.server.endpoint, container="strict")
        self.tree()
        self.act("u", "data/t")
        self.assertEqual(set(self.told("data/t").values()), {(None, "lab")})
        self.act("set", "data/t", "--metadata", "colour=red")
        harness.write(self.data / "more", b"x")
        refused = self.act("u", "data/more", "--encryption-scope", "other", expect=4)
        self.assertIn("its own encryption scope only", refused.err)
        self.assertIn("--encryption-scope NAME", self.act("mkcontainer", url, "--only-scope", expect=2).err)

    def test_keys_are_not_sent_in_the_clear(self):
        harness.write(self.data / "f", b"x")
        self.project.configure("http://store.invalid:10000/devstoreaccount1", customer_key=self.key)
        refused = self.act("u", "data/f", "--json", expect=3)
        self.assertIn("never sent without TLS", refused.out + refused.err)

    def test_over_https_and_not_in_debug_lines(self):
        certificate, private, authority = harness.certificate(self.scratch)
        (self.scratch / "tls").mkdir()
        server = harness.act_serve(self.scratch / "tls", certificate=(certificate, private))
        self.addCleanup(server.stop)
        self.project.configure(server.endpoint)
        self.project.env["SSL_CERT_FILE"] = str(authority)
        self.tree()
        done = self.keyed("u", "data/t", "--log-level", "trace")
        self.assertIn("PUT", done.err)
        self.assertEqual(self.keyed("cat", "data/t/small").out, "small")

    def test_lines_of_run_have_their_own(self):
        harness.write(self.data / "a", b"a")
        harness.write(self.data / "b", b"b")
        lines = "u data/a --customer-key\nu data/b --encryption-scope lab\n"
        harness.write(self.project.folder / "lines", lines.encode())
        self.act("run", "lines", key=self.key)
        self.assertEqual(self.told(), {"data/a": (sum_of(self.key), None), "data/b": (None, "lab")})
