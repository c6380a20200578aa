"""Accounts with a hierarchical namespace: real folders, which are listed in another order than names of blobs."""

import shutil
import urllib.request

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


OTHER = {"account": "weststore", "key": "b3RoZXIta2V5LW9mLXRoZS10ZXN0cy1mb3ItYWN0LWNvcGllcy0xMjM0NTY3ODkwMTI="}
ID = "6fa1b0c4-2c0e-4a51-9c3e-0d5b3f8f3a10"
ACL = f"user::rwx,user:{ID}:r-x,group::r-x,mask::r-x,other::---"
DEFAULTS = f"{ACL},default:user::rwx,default:user:{ID}:r--,default:group::r-x,default:mask::r-x,default:other::---"
FILE_ACL = f"user::rw-,user:{ID}:r--,group::r--,mask::r--,other::---"


class Permissions(servers.OwnStore):
    """--preserve-permissions from one hierarchical account to another."""

    def setUp(self):
        super().setUp()
        self.project = harness.Project(self.scratch / "project")
        self.source = self.store("we", "--hierarchical")
        self.target = self.store("eu", "--hierarchical", **OTHER)
        self.tree = self.project.folder / "tree"
        for name in ("a/deep/x", "a/y", "z.json"):
            harness.write(self.tree / name, name.encode())
        (self.tree / "empty").mkdir()
        self.project.act("cp", "./tree", "we:data/t")
        # What is set is told back just so: paths with owner, group and list.
        self.wanted = {
            "t": ("u-t", "g-t", DEFAULTS),
            "t/a": ("u-a", "g-a", ACL),
            "t/a/deep": ("u-deep", "g-deep", DEFAULTS),
            "t/a/deep/x": ("u-x", "g-x", FILE_ACL),
            "t/a/y": ("u-y", "g-y", FILE_ACL),
            "t/empty": ("u-e", "g-e", DEFAULTS),
            "t/z.json": ("u-z", "g-z", FILE_ACL),
        }
        for path, (owner, group, acl) in self.wanted.items():
            self.permit(self.source, path, owner=owner, group=group, acl=acl)

    def store(self, name, *arguments, cluster=None, **account):
        folder = self.scratch / name
        folder.mkdir()
        server = harness.act_serve(folder, arguments=["--admin", ":0", *arguments], **account)
        server.credential = account
        self.addCleanup(server.stop)
        self.project.cluster(cluster or name, server.endpoint, container="work", **account)
        return server

    def path_request(self, server, path, method, query, headers=None):
        sas = harness.account_sas(**server.credential)
        url = f"{server.endpoint}/work/{path}?{query}&{sas}"
        request = urllib.request.Request(url, method=method, headers=headers or {})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return answer.headers

    def permit(self, server, path, **what):
        self.path_request(server, path, "PATCH", "action=setAccessControl", {f"x-ms-{k}": v for k, v in what.items()})

    def access(self, server, path):
        told = self.path_request(server, path, "HEAD", "action=getAccessControl")
        return told["x-ms-owner"], told["x-ms-group"], told["x-ms-acl"]

    def arrived(self, root="t", wanted=None):
        wanted = self.wanted if wanted is None else wanted
        self.assertEqual({path: self.access(self.target, root + path.removeprefix("t")) for path in wanted}, wanted)

    def counted(self, *arguments, expect=0):
        """What it did, and how both stores counted it."""
        for server in (self.source, self.target):
            harness.admin(server, "/reset", "POST")
        done = self.project.act(*arguments, "--json", expect=expect).summary
        ends = []
        for server in (self.source, self.target):
            requests = harness.admin(server, "/stats")["requests"]
            ends.append({name: sum(statuses.values()) for name, statuses in requests.items()})
        return done, *ends

    def test_arrive_with_all_that_is_copied(self):
        done, source, target = self.counted("cp", "--preserve-permissions", "we:data/t", "eu:data/t")
        self.assertEqual((done["failed"], done["permissions_set"]), (0, len(self.wanted)))
        self.arrived()
        self.assertEqual(source["PathGetAccessControl"], len(self.wanted))
        # Of what is new nothing is read at the destination before, but of folders with something in them.
        self.assertEqual((target["PathGetAccessControl"], target["PathSetAccessControl"]), (3, len(self.wanted)))

        # Unchanged: compared, and nothing to be set.
        done, source, target = self.counted("cp", "--preserve-permissions", "we:data/t", "eu:data/t")
        self.assertEqual((done["files"], done["failed"], done["permissions_set"]), (0, 0, 0))
        self.assertEqual(target["PathGetAccessControl"], len(self.wanted))
        self.assertFalse({"PutBlob", "PathSetAccessControl"} & set(target))

        # Changed, and nothing else: set, and nothing copied.
        self.wanted["t/a/deep/x"] = ("u-x", "other", FILE_ACL)
        self.wanted["t/a"] = ("u-a", "g-a", DEFAULTS)
        self.wanted["t/empty"] = ("u-new", "g-e", ACL)
        for path in ("t/a/deep/x", "t/a", "t/empty"):
            owner, group, acl = self.wanted[path]
            self.permit(self.source, path, owner=owner, group=group, acl=acl)
        done, source, target = self.counted("sync", "--preserve-permissions", "we:data/t", "eu:data/t")
        self.assertEqual((done["files"], done["failed"], done["permissions_set"]), (0, 0, 3))
        self.assertEqual(target["PathSetAccessControl"], 3)
        self.assertNotIn("PutBlob", target)
        self.arrived()

    def test_without_the_option_nothing_is_asked(self):
        for command in (("cp", "we:data/t", "eu:data/t"), ("sync", "we:data/t", "eu:data/t"), ("mv", "we:data/t", "eu:data/u")):
            done, source, target = self.counted(*command)
            self.assertEqual(done["failed"], 0)
            self.assertNotIn("permissions_set", done)
            for requests in (source, target):
                self.assertFalse([name for name in requests if name.startswith("Path") or name == "GetAccountInfo"])
        self.assertEqual(self.access(self.target, "u/z.json")[0], "$superuser")

    def test_arrive_by_every_verb(self):
        self.project.act("sync", "--preserve-permissions", "--delete", "we:data/t", "eu:data/s")
        self.arrived("s")
        self.project.act("-c", "eu", "-f", "we", "u", "--preserve-permissions", "data/t")
        self.arrived("t")
        # The whole of a container: its own folder too.
        self.permit(self.source, "", owner="u-root", group="g-root", acl=DEFAULTS)
        whole = f"{self.source.endpoint}/work", f"{self.target.endpoint}/work/w"
        self.project.act("sync", "--preserve-permissions", *whole)
        self.arrived("w/t")
        self.assertEqual(self.access(self.target, "w"), ("u-root", "g-root", DEFAULTS))
        nothing = self.project.act("sync", "--preserve-permissions", "--include", "none", whole[0], f"{whole[1]}2", "--json").summary
        self.assertEqual((nothing["failed"], nothing["permissions_set"]), (0, 0))
        self.project.act("sync", "--preserve-permissions", "we:data/t", f"{self.target.endpoint}/work")
        self.assertEqual(self.access(self.target, ""), self.wanted["t"])
        # What is there already gets its permissions before the source goes.
        self.permit(self.target, "t/a/y", owner="somebody")
        self.project.act("mv", "--preserve-permissions", "we:data/t", "eu:data/t")
        self.arrived()
        self.assertIn("there is no blob", self.project.act("ls", "we:data/t", expect=5).err)

    def test_of_what_is_selected_with_the_folders_around_it(self):
        self.project.act("cp", "--preserve-permissions", "--include", "x", "we:data/t", "eu:data/t")
        self.arrived(wanted={p: self.wanted[p] for p in ("t", "t/a", "t/a/deep", "t/a/deep/x")})
        names = self.scratch / "names"
        names.write_text("a/y\nempty\n")
        self.project.act("cp", "--preserve-permissions", "--from-list", names, "we:data/t", "eu:data/l")
        self.arrived("l", wanted={p: self.wanted[p] for p in ("t/a/y", "t/empty")})

    def test_the_sticky_bit(self):
        self.permit(self.source, "t/a", permissions="rwxr-x--T")
        self.project.act("cp", "--preserve-permissions", "we:data/t", "eu:data/t")
        told = lambda: self.path_request(self.target, "t/a", "HEAD", "action=getAccessControl")["x-ms-permissions"]
        self.assertEqual(told(), "rwxr-x--T+")
        self.permit(self.source, "t/a", permissions="rwxr-x---")
        self.project.act("cp", "--preserve-permissions", "we:data/t", "eu:data/t")
        self.assertEqual(told(), "rwxr-x---+")
        self.arrived()

    def test_what_may_not_be_set_fails_and_is_repaired_by_the_next_run(self):
        sas = harness.account_sas(**OTHER, permissions="rwdxlact")
        self.project.cluster("weak", self.target.endpoint, container="work", account=OTHER["account"], key=None, sas=sas)
        done = self.project.act("cp", "--preserve-permissions", "we:data/t", "weak:data/t", "--json", expect=1)
        failures = [line for line in done.lines if line["type"] == "failure"]
        self.assertEqual({f["path"] for f in failures}, set(self.wanted))
        self.assertEqual({f["code"] for f in failures}, {"AuthorizationPermissionMismatch"})
        self.assertIn("its permissions were not copied", failures[0]["message"])
        self.assertNotIn("RequestId", failures[0]["message"])
        self.assertIn("Storage Blob Data Owner", failures[0]["advice"])
        self.assertIn("run the same command again", failures[0]["advice"])
        # Nothing of a move goes.
        self.project.act("mv", "--preserve-permissions", "we:data/t", "weak:data/t", expect=1)
        self.assertEqual(self.access(self.source, "t/a/y"), self.wanted["t/a/y"])

        # With "never", too, for what is there is the copy.
        done, source, target = self.counted("cp", "--preserve-permissions", "--overwrite", "never", "we:data/t", "eu:data/t")
        self.assertEqual((done["files"], done["failed"], done["permissions_set"]), (0, 0, len(self.wanted)))
        self.assertNotIn("PutBlob", target)
        self.arrived()

    def test_a_file_in_the_way_of_a_folder_keeps_its_own(self):
        own = ("somebody", "else", FILE_ACL)
        harness.write(self.project.folder / "file", b"x")
        for blocked in ("b", "c/a"):
            self.project.act("cp", "./file", f"eu:data/{blocked}")
            self.permit(self.target, blocked, owner=own[0], group=own[1], acl=own[2])
            target = f"eu:data/{blocked.partition('/')[0]}"
            self.project.act("cp", "--preserve-permissions", "we:data/t", target, expect=1)
            self.assertEqual(self.access(self.target, blocked), own)
        self.assertEqual(self.access(self.target, "c/z.json"), self.wanted["t/z.json"])

    def test_by_signature_and_by_token(self):
        self.project.cluster("we", self.source.endpoint, container="work", key=None, sas=harness.account_sas())
        self.project.cluster("eu", self.target.endpoint, container="work", account=OTHER["account"], key=None,
                             sas=harness.account_sas(**OTHER))  # fmt: skip
        self.project.act("cp", "--preserve-permissions", "we:data/t", "eu:data/t")
        self.arrived()

        token = self.scratch / "token.txt"
        token.write_text("token-of-eu\n")
        az = self.scratch / "bin/az"
        harness.write(az, b"""#!/bin/sh\necho '{"accessToken": "token-of-eu", "expires_on": 4102444800}'\n""", mode=0o755)
        self.project.env["PATH"] = f"{az.parent}:{self.project.env['PATH']}"
        self.target = self.store("by-token", "--hierarchical", "--bearer-token-file", token, cluster="by-token", **OTHER)
        self.project.cluster("by-token", self.target.endpoint, container="work", account=OTHER["account"], key=None, auth="cli")
        self.project.act("cp", "--preserve-permissions", "we:data/t", "by-token:data/t")
        self.arrived()

    def test_accounts_without_folders_are_named_before_anything_is_copied(self):
        flat = self.store("flat", account="flatstore", key=OTHER["key"])
        self.project.act("cp", "./tree", "flat:data/t")
        harness.admin(flat, "/reset", "POST")
        for verb in ("cp", "mv", "sync"):
            for ends in (("we:data/t", "flat:data/u"), ("flat:data/t", "eu:data/t")):
                for dry in ((), ("--dry-run",)) if verb != "mv" else ((),):
                    refused = self.project.act(verb, *dry, "--preserve-permissions", *ends, expect=2).err
                    self.assertIn("account flatstore", refused)
                    self.assertIn("has no hierarchical namespace", refused)
                    self.assertIn("leave --preserve-permissions out", refused)
        self.assertFalse({"PutBlob", "CreateContainer", "DeleteBlob"} & set(harness.admin(flat, "/stats")["requests"]))
        for ends in (("./tree", "eu:data/t"), ("we:data/t", "./back")):
            self.assertIn("--preserve-owner", self.project.act("cp", "--preserve-permissions", *ends, expect=2).err)
        refused = self.project.act("-c", "eu", "u", "--preserve-permissions", "tree", expect=2)
        self.assertIn("--preserve-owner", refused.err)

    def test_a_dry_run_tells_of_them(self):
        done, source, target = self.counted("cp", "--dry-run", "--preserve-permissions", "we:data/t", "eu:data/t")
        self.assertFalse({"PutBlob", "PathSetAccessControl", "PathGetAccessControl"} & {*source, *target})
        told = self.project.act("cp", "--dry-run", "--preserve-permissions", "we:data/t", "eu:data/t").out
        self.assertIn("with owners, groups and access control lists", told)
        self.assertIn("10 writes", told)  # of three files, an empty folder and the tree's own, and what they are permitted
