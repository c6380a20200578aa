"""tools/compare: it runs whole, checks what the tools did, and its tables say what was measured."""

import pathlib
import sys
import types
import unittest

import harness

sys.path.insert(0, str(harness.ROOT / "bench"))
from compare import rows, settings, tables  # noqa: E402

TITLES = {"large-up": "large up", "list": "listed"}


def measured(wall, cpu=1.0, peak=50 * harness.MIB):
    return types.SimpleNamespace(wall=wall, cpu=cpu, peak=peak)


class Tables(unittest.TestCase):
    def setUp(self):
        self.figures = tables.Figures(TITLES)
        walls = {"act": (1.0, 9.0, 2.0), "azcopy": (3.0,), "azcopy, best": (5.0,), "rclone": (8.0,), "rclone, best": (4.0,)}
        self.figures.add("plain", {("large-up", label): [measured(w) for w in of] for label, of in walls.items()},
                         {("large-up", "act"): {"PutBlob": 2, "ListBlobs": 1}})  # fmt: skip

    def test_a_row_shows_medians_ranges_requests_and_factors(self):
        lines = "\n".join(self.figures.table("plain", "large-up"))
        self.assertIn("| act | 2.00 | 1.00 - 9.00 | 1.00 | 50 | 3 | 1.0 | 1.0 |", lines)
        self.assertIn("| rclone, best | 4.00 | 4.00 - 4.00 | 1.00 | 50 |  | 2.0 | 1.0 |", lines)

    def test_the_summary_has_a_line_for_each_row(self):
        lines = self.figures.summary()
        self.assertIn("| large up | 2.00 (1.00) | 3.00 (1.00), **1.5x** | 5.00 (1.00), **2.5x** | 8.00 (1.00), **4.0x** | "
                      "4.00 (1.00), **2.0x** |", lines)  # fmt: skip
        self.assertIn("Peak memory: act 50 to 50 MiB, azcopy 50 to 50 MiB, rclone 50 to 50 MiB.", lines)

    def test_a_peer_near_act_with_either_setting_is_pointed_out(self):
        self.assertEqual(self.figures.below(2), ["- large up: azcopy 1.50x (3.00 s, act 2.00 s)"])
        self.assertEqual(self.figures.below(1.5), ["- none"])

    def test_a_table_replaces_the_last_one(self):
        path = pathlib.Path(self.enterContext(harness.temporary_folder())) / "README.md"
        path.write_text(f"above\n{tables.BEGIN}old\n{tables.END}below\n")
        for text in ("first\n", "second\n"):
            tables.replace(path, text)
            self.assertEqual(path.read_text(), f"above\n{tables.BEGIN}{text}{tables.END}below\n")

    def test_the_readme_has_the_place_for_the_table(self):
        text = (harness.ROOT / "README.md").read_text()
        self.assertEqual((text.count(tables.BEGIN), text.count(tables.END)), (1, 1))


class Choice(unittest.TestCase):
    def test_rows_are_chosen_by_name_or_by_scene(self):
        self.assertEqual(rows.chosen(["tiny", "large-up"]), ["large-up", "tiny-up", "tiny-down"])
        with self.assertRaisesRegex(ValueError, "no row 'huge'"):
            rows.chosen(["huge"])

    def test_the_best_settings_are_for_rows_that_there_are(self):
        for tool, table in settings.BEST.items():
            self.assertIn(tool, settings.PEERS)
            self.assertLessEqual(set(table), {"", *rows.ROWS})


class Whole(unittest.TestCase):
    """Needs the packages and peers that tools/setup installs; sizes at which nothing is measured."""

    def compare(self, *arguments):
        for program in (harness.ACT, harness.AZCOPY):
            if not program.exists():
                self.skipTest(f"{program} is not there")
        folder = self.enterContext(harness.temporary_folder())
        command = [harness.ROOT / "tools/compare", "--quick", "--folder", folder, "--small", "120", "--list", "5500", *arguments]
        return harness.run(command, env=harness.clean_environment(folder, ACT_BIN=harness.ACT)).out

    def test_small_files_and_a_listing(self):
        said = self.compare("--rows", "small-up,small-up-again,small-delete,list", "--only", "plain")
        for title in ("120 x 4 KiB up", "120 x 4 KiB up again, unchanged", "120 x 4 KiB deleted", "5,500 blobs listed"):
            self.assertIn(f"### {title}\n", said)
            self.assertIn(f"\n| {title} |", said)
        self.assertNotIn("down", said)
        self.assertIn("## Rows below 2x", said)

    def test_one_tiny_file_over_tls(self):
        said = self.compare("--rows", "tiny", "--only", "tls", "--tiny-runs", "1", "--try", "rclone --transfers 1")
        self.assertIn("### one file of 4 KiB down, TLS\n", said)
        # The counted round does not begin with act.
        tools = [line.split("|")[1].strip() for line in said.split("down, TLS\n\n")[1].split("\n\n")[0].splitlines()[2:]]
        self.assertEqual(tools, ["act", "azcopy", "azcopy, best", "rclone", "rclone, best", "rclone --transfers 1"])


if __name__ == "__main__":
    unittest.main()
