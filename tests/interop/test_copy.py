"""Copies between two clusters' accounts: store to store by the service itself, to and from Azurite through act."""

import json
import unittest

import harness

OTHER = {"account": "weststore", "key": "b3RoZXIta2V5LW9mLXRoZS10ZXN0cy1mb3ItYWN0LWNvcGllcy0xMjM0NTY3ODkwMTI="}


class Copy(unittest.TestCase):
    def setUp(self):
        if not harness.ACT.exists():
            self.skipTest(f"{harness.ACT} is not built")
        self.scratch = self.enterContext(harness.temporary_folder())
        self.project = harness.Project(self.scratch / "project")

    def server(self, kind, name):
        folder = self.scratch / name
        folder.mkdir()
        server = harness.azurite(folder) if kind == "azurite" else harness.act_serve(folder, **kind)
        self.addCleanup(server.stop)
        return server.endpoint

    def cluster(self, name, endpoint, **more):
        self.project.cluster(name, endpoint, container=name + "-box", **more)

    def round_trip(self, *, by_server, big):
        """Up to `we`, over to `eu`, down from there: the same tree; and again without moving anything."""
        project = self.project
        tree = harness.awkward_tree(project.folder / "data/tree", big=big)
        expected = harness.snapshot(tree, modes=True, times=True)
        sent = project.act("-c", "we", "u", "data/tree", "--json").summary
        tree.rename(project.folder / "sent")
        copied = project.act("-c", "eu", "-f", "we", "u", "data/tree", "--json").summary
        self.assertEqual((copied["verb"], copied["files"], copied["bytes"], copied["failed"]),
                         ("upload", sent["files"], sent["bytes"], 0))  # fmt: skip
        ways = (copied["server_side"], copied["through_client"])
        if by_server:
            self.assertEqual(ways, (sent["files"], 0))
            self.assertLess(copied["bytes_sent"] + copied["bytes_received"], harness.MIB)
        else:
            # Of many begun at once a few empty ones may have been written before the first refusal.
            self.assertEqual(sum(ways), sent["files"])
            self.assertGreaterEqual(copied["bytes_sent"], sent["bytes"])
        again = project.act("-c", "eu", "-f", "we", "u", "data/tree", "--json").summary
        self.assertEqual((again["files"], again["skipped"], again["failed"]), (0, sent["files"], 0))
        project.act("-c", "eu", "d", "data/tree")
        harness.assert_same(expected, harness.snapshot(tree, modes=True, times=True))

    def test_store_to_store(self):
        self.cluster("we", self.server({}, "one"), prefix="some/path")
        self.cluster("eu", self.server(OTHER, "two"), prefix="else/where", **OTHER)
        self.round_trip(by_server=True, big=True)

    def test_store_to_store_with_a_given_signature(self):
        self.cluster("we", self.server({}, "one"), prefix="some/path", sas=harness.account_sas())
        self.cluster("eu", self.server(OTHER, "two"), prefix="", **OTHER)
        self.round_trip(by_server=True, big=False)

    def by_token(self):
        """A cluster `we` that is read by a token, which a program in place of `az` gives, and another one `eu`: their
        stores."""
        token = self.scratch / "token.txt"
        token.write_text("token-of-we\n")
        az = self.scratch / "bin/az"
        harness.write(az, b"""#!/bin/sh\necho '{"accessToken": "token-of-we", "expires_on": 4102444800}'\n""", mode=0o755)
        self.project.env["PATH"] = f"{az.parent}:{self.project.env['PATH']}"
        servers = []
        for name, arguments, more in (("we", ["--bearer-token-file", token], {}), ("eu", [], OTHER)):
            folder = self.scratch / f"store-{name}"
            folder.mkdir()
            servers.append(harness.act_serve(folder, arguments=["--admin", ":0", *arguments], **more))
            self.addCleanup(servers[-1].stop)
        self.cluster("we", servers[0].endpoint, prefix="some/path", key=None, auth="cli")
        self.cluster("eu", servers[1].endpoint, prefix="else/where", **OTHER)
        return servers

    def test_store_to_store_by_token(self):
        we, eu = self.by_token()
        self.round_trip(by_server=True, big=True)
        # What the destination was sent is next to nothing; it has read the rest itself.
        data = harness.content(40 * harness.MIB, "token")
        harness.write(self.project.folder / "data/large", data)
        self.project.act("-c", "we", "u", "data/large")
        for server in (we, eu):
            harness.admin(server, "/reset", "POST")
        copied = self.project.act("-c", "eu", "-f", "we", "--log-level", "trace", "u", "data/large", "--json")
        self.assertEqual((copied.summary["server_side"], copied.summary["through_client"]), (1, 0))
        source, destination = (harness.admin(server, "/stats") for server in (we, eu))
        self.assertEqual(sum(destination["requests"]["PutBlock"].values()), 5)
        self.assertLess(destination["bytes_in"], harness.MIB)
        self.assertEqual(sum(source["requests"]["GetBlob"].values()), 5)
        self.assertGreaterEqual(source["bytes_out"], len(data))
        self.assertNotIn("token-of-we", copied.out + copied.err)
        (self.project.folder / "data/large").unlink()
        self.project.act("-c", "eu", "d", "data/large")
        self.assertEqual((self.project.folder / "data/large").read_bytes(), data)

    def test_every_verb_copies_by_token(self):
        we, eu = self.by_token()
        project = self.project
        for name in ("a", "b"):
            harness.write(project.folder / "data/t" / name, name.encode())
        project.act("-c", "we", "u", "data/t")
        for verb in ("cp", "sync", "mv"):
            harness.admin(we, "/reset", "POST")
            copied = project.act(verb, "we:data/t", f"eu:data/{verb}", "--json").summary
            self.assertEqual((copied["server_side"], copied["through_client"], copied["failed"]), (2, 0, 0), verb)
            self.assertEqual(sum(harness.admin(we, "/stats")["requests"]["GetBlob"].values()), 2, verb)
        project.act("-c", "we", "ls", "data/t", expect=5)

    def test_a_store_without_a_token_says_so(self):
        empty = self.scratch / "empty.txt"
        empty.write_text("\n")
        refused = self.project.act("serve", "--root", self.scratch / "none", "--bearer-token-file", empty, expect=3)
        self.assertIn("holds no token", refused.err)

    def test_store_to_azurite(self):
        # Both accounts have the same name: Azurite must not take its own blob for the source.
        self.cluster("we", self.server({}, "one"), prefix="some/path")
        self.cluster("eu", self.server("azurite", "two"), prefix="some/path")
        self.round_trip(by_server=False, big=False)

    def test_azurite_to_store(self):
        self.cluster("we", self.server("azurite", "one"), prefix="some/path")
        self.cluster("eu", self.server(OTHER, "two"), prefix="else/where", **OTHER)
        self.round_trip(by_server=True, big=False)

    def test_one_changed_block_is_one_copied(self):
        self.cluster("we", self.server({}, "one"), prefix="p")
        self.cluster("eu", self.server("azurite", "two"), prefix="p")
        data = bytearray(harness.content(60 * harness.MIB, "copy"))
        for _ in range(2):
            harness.write(self.project.folder / "data/large", data)
            self.project.act("-c", "we", "u", "data/large")
            copied = self.project.act("-c", "eu", "-f", "we", "u", "data/large", "--json").summary
            data[30 * harness.MIB] ^= 0xFF
        self.assertEqual(copied["through_client"], 1)
        self.assertLess(copied["bytes_sent"], 9 * harness.MIB)

    def test_what_people_read(self):
        self.cluster("we", self.server({}, "one"), prefix="p")
        self.cluster("eu", self.server(OTHER, "two"), prefix="p", **OTHER)
        for name in ("a", "b"):
            harness.write(self.project.folder / "data/t" / name, name.encode())
        self.project.act("-c", "we", "u", "data/t")
        dry = self.project.act("-c", "eu", "-f", "we", "u", "data/t", "--dry-run").out
        self.assertIn("would copy p/t/a (1 B)", dry)
        self.assertIn("would have copied 2 files", dry)
        self.project.act("-c", "eu", "ls", "data/t", expect=5)
        copied = self.project.act("-c", "eu", "-f", "we", "--log-level", "trace", "u", "data/t")
        self.assertIn("copied 2 files", copied.out)
        self.assertIn("2 server side, 0 through this machine", copied.out)
        self.assertNotIn("sig=", copied.out + copied.err.replace("sig=***", ""))
        missing = self.project.act("-c", "eu", "-f", "we", "u", "data/nothing", expect=5)
        self.assertIn("p/nothing", missing.err)
        same = self.project.act("-c", "we", "-f", "we", "u", "data/t", expect=2)
        self.assertIn("both cluster we", same.err)
        # Another name for the same place.
        self.cluster("twin", json.loads((self.project.folder / "aux_data/configs/we.yaml").read_text())["blob_endpoint"], prefix="p")
        accounts = self.project.folder / "aux_data/configs"
        (accounts / "twin.yaml").write_text((accounts / "we.yaml").read_text())
        twin = self.project.act("-c", "twin", "-f", "we", "u", "data/t", expect=2)
        self.assertIn("lie within each other", twin.err)

    def test_killed_copy_goes_on_where_it_was(self):
        """With the data passing through, so that a gate can hold it at a known place."""
        source, target = self.server({}, "one"), self.server("azurite", "two")
        self.cluster("we", source, prefix="p")
        data = harness.content(100 * harness.MIB, "killed")
        harness.write(self.project.folder / "data/large", data)
        self.project.act("-c", "we", "u", "data/large")
        gate = harness.Gate(target, 50 * harness.MIB)
        self.addCleanup(gate.close)
        self.cluster("eu", gate.endpoint, prefix="p")
        # Two at a time: with all blocks on their way at once none would be whole yet.
        copy = self.project.start("-c", "eu", "-f", "we", "u", "data/large", "--concurrency", "2")
        self.assertTrue(gate.reached.wait(120))
        copy.kill()
        copy.communicate()
        gate.close()
        self.cluster("eu", target, prefix="p")
        copied = self.project.act("-c", "eu", "-f", "we", "u", "data/large", "--json").summary
        self.assertEqual(copied["files"], 1)
        # What was whole when it was killed; of what was under way nobody knows.
        self.assertLess(copied["bytes_sent"], 100 * harness.MIB - harness.BLOCK)
        (self.project.folder / "data/large").unlink()
        self.project.act("-c", "eu", "d", "data/large")
        self.assertEqual((self.project.folder / "data/large").read_bytes(), data)
