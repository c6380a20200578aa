"""What goes wrong for people: one clear message, the next step, an exit code of its own, and no secret in it."""

import os
import pathlib
import shutil
import socket
import subprocess
import unittest

import harness
import servers

WRONG_KEY = "AAAA" + harness.KEY[4:]


class Errors(servers.OnServers, unittest.TestCase):
    server_kind = "store"

    def project(self, **more):
        project = harness.Project(self.folder("project"), self.endpoint, **more)
        harness.write(project.folder / "data/f", b"some data")
        return project

    def check(self, result, *words, secrets=()):
        """The message holds the words (any of the alternatives of a tuple), is short, and gives nothing away."""
        said = result.err.lower()
        for word in words:
            alternatives = word if isinstance(word, tuple) else (word,)
            self.assertTrue(any(a.lower() in said for a in alternatives), f"{alternatives} not in:\n{result}")
        told = [line for line in result.err.splitlines() if line.strip()]
        self.assertTrue(1 <= len(told) <= 8, f"expected a message and an advice:\n{result}")
        self.assertNotIn("terminate called", said)
        for secret in (harness.KEY, WRONG_KEY, *secrets):
            self.assertNotIn(secret, result.text)
            self.assertNotIn(secret[:20], result.text)
        self.assertNotRegex(result.text, r"sig=[A-Za-z0-9%+/]{10}")

    def test_wrong_key(self):
        project = self.project(key=WRONG_KEY)
        for verb in ("u", "d", "ls"):
            failed = project.act(verb, "data/f", expect=4)
            self.check(failed, "credential", "key", "aux_data/configs/store.yaml")

    def test_key_that_is_no_base64(self):
        bad = "this is not base64 at all!"
        failed = self.project(key=bad).act("u", "data/f", expect=3)
        self.check(failed, "store.yaml", "key", "base64", secrets=[bad])

    def test_expired_signature(self):
        sas = harness.account_sas(begins_in=-7200, expires_in=-3600)
        failed = self.project(key=None, sas=sas).act("u", "data/f", expect=4)
        self.check(failed, "expired", ("sas", "signature"), secrets=[sas.split("sig=")[1]])

    def test_signature_without_the_right(self):
        sas = harness.account_sas(permissions="rl")
        project = self.project(key=None, sas=sas)
        harness.create_container(self.endpoint, "work-ro")
        project.configure(self.endpoint, container="work-ro", key=None, sas=sas)
        failed = project.act("u", "data/f", expect=4)
        self.check(failed, ("permission", "not allow", "right"), secrets=[sas.split("sig=")[1]])

    def test_missing_container(self):
        project = self.project(container="never-made")
        for verb in (["d"], ["ls"], ["rm", "--yes"]):
            failed = project.act(*verb, "data/f", expect=5)
            self.check(failed, "never-made")

    def test_missing_local_path(self):
        failed = self.project().act("u", "data/nothing here", expect=5)
        self.check(failed, "nothing here")

    def test_missing_remote_path(self):
        project = self.project()
        project.act("u", "data/f")
        for verb in (["d"], ["ls"], ["rm", "--yes"]):
            failed = project.act(*verb, "data/nothing here", expect=5)
            self.check(failed, "nothing here")

    def test_path_outside_of_the_mapped_folders(self):
        project = self.project()
        failed = project.act("u", "elsewhere/f", expect={2, 3})
        self.check(failed, "elsewhere", "data")

    def test_unreachable_host(self):
        # A port that was free a moment ago and that nobody listens on while this socket holds it.
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            project = self.project()
            project.configure(f"http://127.0.0.1:{holder.getsockname()[1]}/{harness.ACCOUNT}")
            failed = project.act("u", "data/f", expect=6, timeout=120)
        self.check(failed, "127.0.0.1", ("refused", "connect", "reach"))

    def test_host_that_does_not_exist(self):
        project = self.project()
        project.configure("https://account.invalid")
        failed = project.act("ls", "data", expect=6, timeout=120)
        self.check(failed, "account.invalid")

    def test_unreadable_file(self):
        project = self.project()
        locked = harness.write(project.folder / "data/locked", b"x", mode=0)
        # root reads everything, so somebody else runs act; the folder must let him in.
        user = 65534 if os.getuid() == 0 else None
        act = shutil.copy(harness.ACT, self.folder("bin") / "act")
        if user:
            self.scratch.chmod(0o755)
            subprocess.run(["chown", "-R", f"{user}:{user}", str(project.folder)], check=True)
        failed = harness.run([act, "u", "data", "--json"], cwd=project.folder, env=project.env, expect=1, user=user)
        self.check(failed, "locked", "permission")
        # The rest was done.
        self.assertEqual((failed.summary["files"], failed.summary["failed"]), (1, 1))
        failures = [line for line in failed.lines if line["type"] == "failure"]
        self.assertEqual([pathlib.Path(line["path"]).name for line in failures], [locked.name])
        self.assertTrue(failures[0]["advice"])

    def test_full_disk(self):
        project = self.project()
        harness.write(project.folder / "data/large", harness.content(32 * harness.MIB, 1))
        harness.write(project.folder / "data/small", b"fits")
        project.act("u", "data")
        small = self.folder("small")
        # In a mount namespace of its own, so that nothing has to be unmounted; a user namespace where not root.
        steps = f"mount -t tmpfs -o size=8m none '{small}' && cp -r '{project.folder}/aux_data' '{small}/' && cd '{small}' && "
        steps += f"'{harness.ACT}' d data --json; code=$?; for each in data/*; do echo visible: $each; done; exit $code"
        apart = ["unshare", "--mount"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"])
        if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no mount namespaces here")
        failed = harness.run([*apart, "sh", "-c", steps], env=project.env, expect=1)
        self.check(failed, "no space", ("free", "larger"))
        self.assertIn('"code":"disk_full"', failed.out)
        self.assertIn('"errno":"ENOSPC"', failed.out)
        # Under its name there is either the whole file or nothing.
        self.assertNotIn("visible: data/large", failed.out)

    def test_malformed_yaml(self):
        project = self.project()
        cluster = project.folder / "aux_data/aml/aml.yaml"
        good = cluster.read_text()
        for text, word in (("config_param: [unclosed\n", "aml.yaml"), ("a: b: c\n", "aml.yaml"), ("- a list\n", "aml.yaml")):
            cluster.write_text(text)
            self.check(project.act("u", "data/f", expect=3), word)
        cluster.write_text(good)
        account = project.folder / "aux_data/configs/store.yaml"
        account.write_text("account_name: [\n")
        self.check(project.act("u", "data/f", expect=3), "store.yaml")
        account.unlink()
        self.check(project.act("u", "data/f", expect=3), "store.yaml")

    def test_secret_from_a_file_that_is_not_there(self):
        failed = self.project(key="file:/no/such/key").act("u", "data/f", expect=3)
        self.check(failed, "store.yaml", "account_key stands in a file: cannot open /no/such/key: no such file")

    def test_a_cluster_that_a_variable_does_not_name(self):
        project = self.project()
        for arguments in (["-c", "", "ls", "data"], ["-f", "", "u", "data"]):
            self.check(project.act(*arguments, expect=2), "empty", "variable that is not set")
        self.check(project.act("-f", "nosuch", "rm", "--yes", "data", expect=2), "no option --from_cluster")

    def test_secret_from_a_variable_that_is_not_set(self):
        project = self.project(key="env:ACT_TEST_NO_SUCH_VARIABLE")
        self.check(project.act("u", "data/f", expect=3), "ACT_TEST_NO_SUCH_VARIABLE")

    def test_bad_options(self):
        project = self.project()
        for words in (["u", "--no-such-option", "data"], ["nonsense"], ["u"], ["u", "--threads", "many", "data/f"],
                      ["ls", "--force", "data"], ["u", "--block-size", "0", "data/f"]):  # fmt: skip
            with self.subTest(words=words):
                self.check(project.act(*words, expect=2), ("act", words[-1]))

    def test_close_misspellings_are_named(self):
        project = self.project()
        self.check(project.act("uplaod", "data/f", expect=2), "upload")
        self.check(project.act("u", "--forse", "data/f", expect=2), "--force")

    def test_remove_does_not_ask_without_a_terminal(self):
        project = self.project()
        project.act("u", "data/f")
        self.check(project.act("rm", "data/f", expect=2), "--yes")
        project.act("ls", "data/f")

    def test_json_failures(self):
        """With --json the failure and the summary are on stdout as well."""
        failed = self.project(key=WRONG_KEY).act("u", "data/f", "--json", expect=4)
        self.assertEqual(failed.summary["failed"], 1)
        failure = next(line for line in failed.lines if line["type"] == "failure")
        self.assertEqual((failure["status"], failure["code"]), (403, "AuthenticationFailed"))
        self.assertTrue(failure["request_id"] and failure["advice"])

    def test_every_kind_has_an_exit_code_of_its_own(self):
        """DESIGN section 8: usage 2, configuration 3, authentication 4, not found 5, unavailable 6."""
        project = self.project()
        codes = {
            "usage": project.act("u", "--bad", expect=None).code,
            "not found": project.act("u", "data/nothing", expect=None).code,
        }
        project.configure(self.endpoint, key=WRONG_KEY)
        codes["authentication"] = project.act("ls", "data", expect=None).code
        project.configure("http://127.0.0.1:1/" + harness.ACCOUNT)
        codes["unavailable"] = project.act("ls", "data", expect=None).code
        (project.folder / "aux_data/aml/aml.yaml").write_text("]")
        codes["configuration"] = project.act("ls", "data", expect=None).code
        self.assertEqual(
            codes, {"usage": 2, "configuration": 3, "authentication": 4, "not found": 5, "unavailable": 6}
        )
