"""`act init` on real trees: archives that other programs read, names that depend on content alone, nothing read twice."""

import os
import pathlib
import shutil
import unicodedata
import unittest
import zipfile

import harness

DOCKER = """#!/bin/sh
case "$1" in version|--version) exit;; esac
while [ "$1" != --mount ]; do shift; done
source=${2#*source=}
cd "${source%,target=/code}" || exit 125
while [ "$1" != -c ]; do shift; done
shift
exec bash -c "$@"
"""


class Init(unittest.TestCase):
    def setUp(self):
        if not harness.ACT.exists():
            self.skipTest(f"{harness.ACT} is not built")
        self.scratch = self.enterContext(harness.temporary_folder())
        self.project = self.project_in(self.scratch / "project")
        self.code = self.project.folder

    def project_in(self, folder):
        """A project whose home, where act keeps archives, lies outside of it."""
        project = harness.Project(self.scratch / "homes" / folder.name)
        project.folder = folder
        folder.mkdir(parents=True)
        return project

    def init(self, *words, project=None, **more):
        done = (project or self.project).act("init", "--json", *words, **more)
        return next(line for line in done.lines if line["type"] == "archive")

    def names(self, archive):
        with zipfile.ZipFile(archive) as z:
            return sorted(z.namelist())

    def check(self, archive):
        """As unzip, Python and libarchive (which cmake brings, where bsdtar is missing) see it; their lists of names."""
        harness.run(["unzip", "-tqq", archive])
        with zipfile.ZipFile(archive) as z:
            self.assertIsNone(z.testzip())
            names = z.namelist()
        list_them = ["bsdtar", "-tf", archive] if shutil.which("bsdtar") else ["cmake", "-E", "tar", "tf", archive]
        # libarchive composes accents.
        composed = [unicodedata.normalize("NFC", name) for name in names]
        self.assertEqual(harness.run(list_them, env=self.project.env).out.rstrip("\n").split("\n"), composed)
        return names

    def test_other_programs_read_awkward_trees(self):
        harness.awkward_tree(self.code / "awkward", big=False)
        harness.write(self.code / "run.sh", b"#!/bin/sh\n", mode=0o755)
        harness.write(self.code / "quiet.py", b"1\n", mode=0o600)
        os.symlink("../run.sh", self.code / "awkward/link")
        archive = self.init()["path"]
        names = self.check(archive)
        self.assertEqual(names, sorted(names, key=lambda name: name.encode()))
        folder, other = self.scratch / "unzip", self.scratch / "libarchive"
        harness.run(["unzip", "-q", archive, "-d", folder], env=self.project.env)
        harness.assert_same(harness.snapshot(self.code), harness.snapshot(folder))
        other.mkdir()
        harness.run(["cmake", "-E", "tar", "xf", archive], cwd=other, env=self.project.env)
        for tree in (folder, other):
            self.assertEqual(os.readlink(tree / "awkward/link"), "../run.sh")
            self.assertTrue(os.access(tree / "run.sh", os.X_OK))
            self.assertEqual((tree / "quiet.py").stat().st_mode & 0o111, 0)

    def test_more_entries_than_a_plain_zip_can_count(self):
        for folder in range(70):
            (self.code / f"{folder}").mkdir()
            for number in range(1000):
                (self.code / f"{folder}/{number}").touch()
        archive = self.init()["path"]
        self.assertEqual(len(self.check(archive)), 70000)
        self.assertEqual(self.init()["reused"], True)

    @unittest.skipUnless(os.environ.get("ACT_TEST_LONG"), "packs 4 GiB: only with --long")
    def test_a_file_larger_than_a_plain_zip_can_hold(self):
        with open(self.code / "sparse", "wb") as file:
            file.truncate((4 << 30) + 5)
            file.seek(1 << 30)
            file.write(b"middle")
        harness.write(self.code / "z.py", b"1")
        archive = self.init()["path"]
        self.assertEqual(self.check(archive), ["sparse", "z.py"])
        harness.write(self.code / "z.py", b"2")
        again = self.init()
        self.assertEqual(again["compressed"], 1)
        self.check(again["path"])

    def test_the_name_depends_on_content_alone(self):
        harness.write(self.code / "pkg/a.py", b"a" * 5000)
        harness.write(self.code / "b.sh", b"b", mode=0o755)
        os.symlink("pkg/a.py", self.code / "l")
        first = self.init()
        other = self.project_in(self.scratch / "elsewhere" / "ü")
        harness.write(other.folder / "b.sh", b"b", mode=0o700)
        os.symlink("pkg/a.py", other.folder / "l")
        harness.write(other.folder / "pkg/a.py", b"a" * 5000, mode=0o600, modified=1_000_000_000)
        env = dict(other.env, TZ="Pacific/Apia", LC_ALL="C", LANG="C")
        done = harness.run(["sh", "-c", 'umask 077; exec "$0" init --json', harness.ACT], cwd=other.folder, env=env)
        second = next(line for line in done.lines if line["type"] == "archive")
        self.assertEqual(second["hash"], first["hash"])
        self.assertNotEqual(second["path"], first["path"])
        self.assertEqual(pathlib.Path(second["path"]).read_bytes(), pathlib.Path(first["path"]).read_bytes())

    def test_one_changed_file_is_all_that_is_read(self):
        long_ago = 1_000_000_000
        for number in range(100):
            harness.write(self.code / f"d/{number}", harness.content(3000, number), modified=long_ago)
        first = self.init()
        self.assertEqual((first["read"], first["compressed"], first["reused"]), (100, 100, False))
        harness.write(self.code / "d/7", b"changed")
        changed = self.init()
        self.assertEqual((changed["compressed"], changed["reused"]), (1, False))
        self.assertNotEqual(changed["hash"], first["hash"])
        self.check(changed["path"])

    def test_old_verbs_still_work(self):
        harness.write(self.code / "a.py", b"1")
        first = self.init()
        self.assertIn("(unchanged)", self.project.act("initi").out)
        # Nothing says where to compile here.
        self.assertIn("docker.image", self.project.act("initc", expect=3).err)
        self.assertIn(first["hash"], self.project.act("init", "--json").out)

    def test_initc_packs_what_the_script_made(self):
        server_free = self.code / "aux_data/aml/here.yaml"
        harness.write(server_free, b"platform: local\ncode_path: x\ndocker:\n  image: some/image\ncompile_args: fast\n")
        harness.write(self.code / "compile.aml.sh", b'echo built > "made.$1"\n')
        harness.write(self.scratch / "bin/docker", DOCKER.encode(), mode=0o755)
        env = dict(self.project.env, PATH=f"{self.scratch}/bin:{os.environ['PATH']}")
        for verb in ("initc", "initic"):
            done = self.project.act("-c", "here", verb, "--json", env=env)
            archive = next(line for line in done.lines if line["type"] == "archive")
            self.assertIn("made.fast", self.names(archive["path"]))
        # Jobs get the compiled one.
        self.assertIn(archive["hash"], self.project.act("-c", "here", "submit", "--dry-run", "--json", "true", env=env).out)
        env["PATH"] = str(self.scratch / "nowhere")
        self.assertIn("docker or podman, which are not on this machine", self.project.act("-c", "here", "initc", env=env, expect=3).err)

    def test_actignore_means_what_gitignore_means(self):
        rules = ["# comment", "*.log", "!keep.log", "/top", "build/", "docs/**/*.html", "!docs/a/keep.html", "a?c", "[x-z]1",
                 "\\#hash", "\\!bang", "deep/**", "!deep/no", "**/cache", "end\\ ", "trail   ", "mid/dle", "*.d/"]  # fmt: skip
        names = ["a.log", "keep.log", "s/b.log", "s/keep.log", "top", "s/top", "build/o", "s/build/o", "s/t/build", "docs/i.html",
                 "docs/a/i.html", "docs/a/keep.html", "docs/i.md", "abc", "abbc", "s/adc", "x1", "w1", "#hash", "!bang", "deep/no",
                 "deep/er/x", "cache/1", "s/cache/2", "end ", "end", "trail", "mid/dle", "s/mid/dle", "x.d/1", "y.d",
                 "comment", "# comment"]  # fmt: skip
        for name in names:
            harness.write(self.code / name, name.encode())
        text = "\n".join(rules) + "\n"
        harness.write(self.code / ".actignore", text.encode())
        packed = self.names(self.init()["path"])
        git = self.scratch / "git"
        shutil.copytree(self.code, git)
        (git / ".actignore").unlink()
        harness.write(git / ".gitignore", text.encode())
        run = {"cwd": git, "env": self.project.env}
        harness.run(["git", "init", "-q"], **run)
        kept = harness.run(["git", "ls-files", "-z", "--others", "--exclude-standard"], **run).out.split("\0")
        kept = {".actignore" if name == ".gitignore" else name for name in kept if name}
        self.assertEqual(set(packed), kept)

    def test_secrets_are_left_out_and_said(self):
        secret = "k" * 86 + "=="
        harness.write(self.code / "a.py", b"1")
        harness.write(self.code / "aux_data/configs/eu.yaml", f"account_name: x\naccount_key: {secret}\n".encode())
        harness.write(self.code / "pkg/notes.md", f"AccountKey={secret}\n".encode())
        harness.write(self.code / ".git/config", b"token")
        done = self.project.act("init")
        archive = self.init()
        self.assertEqual(self.names(archive["path"]), ["a.py"])
        for name in ("aux_data/configs/eu.yaml", "pkg/notes.md"):
            self.assertIn(f"left out {name}", done.err)
        # Neither in the archive nor in what is remembered for the next time.
        kept = pathlib.Path(archive["path"]).parent
        for file in kept.rglob("*"):
            if file.is_file():
                self.assertNotIn(secret.encode(), file.read_bytes(), file)


if __name__ == "__main__":
    unittest.main()
