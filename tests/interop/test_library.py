"""Another project that uses act as a library: installed into a folder, found by its CMake package, and at work."""

import pathlib
import re
import shutil
import tempfile
import unittest

import harness

BUILD = harness.ACT.parent
EXAMPLE = harness.ROOT / "examples/library"


def cached(name):
    """What the build of act was configured with."""
    found = re.search(rf"^{name}:\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.M)
    return found.group(1) if found else ""


@unittest.skipUnless((BUILD / "CMakeCache.txt").exists(), "the program does not lie in its build folder")
class Library(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.top = pathlib.Path(cls.scratch.name)
        harness.run(["cmake", "--install", BUILD, "--prefix", cls.top / "installed"], timeout=120)
        # Nothing of the source tree can be seen from there.
        shutil.copytree(EXAMPLE, cls.top / "source")
        kind = cached("CMAKE_BUILD_TYPE")
        flags = f"CMAKE_CXX_FLAGS_{kind.upper()}"
        configure = ["cmake", "-S", cls.top / "source", "-B", cls.top / "build", "-G", "Ninja"]
        configure += [f"-DCMAKE_PREFIX_PATH={cls.top / 'installed'}", f"-DCMAKE_BUILD_TYPE={kind}"]
        configure += [f"-D{name}={cached(name)}" for name in ("CMAKE_CXX_COMPILER", flags)]
        launcher = shutil.which("ccache")
        configure += [f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}"] if launcher else []
        harness.run(configure, timeout=120)
        harness.run(["cmake", "--build", cls.top / "build"], timeout=300)

    def example(self, *arguments, expect=0, **env):
        command = [self.top / "build/example", *arguments]
        return harness.run(command, expect=expect, env=harness.clean_environment(self.top, **env), timeout=120)

    def served(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.top))
        (folder / "store").mkdir()
        server = harness.act_serve(folder / "store")
        self.addCleanup(server.stop)
        return folder, server

    def test_a_program_uploads_lists_and_downloads(self):
        folder, server = self.served()
        tree = folder / "tree"
        for name, size in (("a", 10), ("sub/b", 5000), ("sub/large", 9 * harness.MIB), ("sub/empty", 0)):
            harness.write(tree / name, harness.content(size, name))
        expected = harness.snapshot(tree)
        url = f"{server.endpoint}/library/some%20where"

        # By key, then by SAS: the second one finds it all there.
        done = self.example(tree, url, folder / "down", ACCOUNT_KEY=harness.KEY)
        self.assertIn("upload: 4 files", done.out)
        self.assertIn("some where/sub/b 5000\n", done.out)
        self.assertIn("download: 4 files", done.out)
        harness.assert_same(expected, harness.snapshot(folder / "down"))
        again = self.example(tree, f"{url}?{harness.account_sas()}", folder / "again")
        self.assertIn("upload: 0 files, 0 bytes, 4 unchanged", again.out)
        harness.assert_same(expected, harness.snapshot(folder / "again"))

    def test_failures_are_told(self):
        folder, server = self.served()
        harness.write(folder / "tree/a", b"a")
        (folder / "tree/loop").symlink_to("loop")
        one = self.example(folder / "tree", f"{server.endpoint}/library/x", folder / "down", expect=1, ACCOUNT_KEY=harness.KEY)
        self.assertIn("loop", one.err)
        self.assertIn("upload: 1 files, 1 bytes, 0 unchanged, 1 failed", one.out)
        refused = self.example(folder / "tree", f"{server.endpoint}/library/x", folder / "down", expect=1, ACCOUNT_KEY="AAAA")
        self.assertIn("upload:", refused.err)
        wrong = self.example(folder / "tree", server.endpoint, folder / "down", expect=2)
        self.assertIn("names no container", wrong.err)

    def test_a_package_stands_for_its_own_version_alone(self):
        source = self.top / "other"
        source.mkdir()
        for version, fits in (("0.1.0", True), ("0.0.9", False), ("0.2", False)):
            text = f"cmake_minimum_required(VERSION 3.25)\nproject(x LANGUAGES CXX)\nfind_package(act {version} REQUIRED)\n"
            (source / "CMakeLists.txt").write_text(text)
            command = ["cmake", "-S", source, "-B", self.top / f"other-{version}", "-G", "Ninja"]
            command += [f"-DCMAKE_PREFIX_PATH={self.top / 'installed'}"]
            command += [f"-DCMAKE_CXX_COMPILER={cached('CMAKE_CXX_COMPILER')}"]
            harness.run(command, expect=0 if fits else 1, timeout=120)


if __name__ == "__main__":
    unittest.main()
