"""The JavaScript SDK, unmodified, against both servers; the checks themselves are in sdk.mjs."""

import pathlib

import harness
import servers


@servers.on_both
class JsSdk:
    def sdk(self, check, folder=None, timeout=300):
        env = harness.clean_environment(
            self.folder("home"), ACT_PEERS=harness.PEERS, ACT_TEST_ACCOUNT=harness.ACCOUNT, ACT_TEST_KEY=harness.KEY,
            ACT_TEST_SERVER=self.server_kind,
        )  # fmt: skip
        script = pathlib.Path(__file__).with_name("sdk.mjs")
        harness.run(["node", script, check, self.endpoint, folder or ""], env=env, timeout=timeout)

    def test_round_trip_of_awkward_tree(self):
        folder = self.folder("tree")
        harness.awkward_tree(folder / "up", odd_ends=False)
        self.sdk("tree", folder)
        harness.assert_same(harness.snapshot(folder / "up", folders=False), harness.snapshot(folder / "down", folders=False))

    def test_properties(self):
        self.sdk("properties")

    def test_blocks(self):
        self.sdk("blocks")

    def test_hierarchy(self):
        self.sdk("hierarchy")

    def test_batch(self):
        self.sdk("batch")

    def test_copies(self):
        self.sdk("copies")

    def test_kinds(self):
        self.sdk("kinds")

    def test_columns(self):
        self.sdk("columns")

    def test_signature(self):
        self.sdk("signature")
