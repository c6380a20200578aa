"""The tables, in Markdown."""

import statistics

from .settings import PEERS

MIB = 1 << 20


def seconds(value):
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


class Figures:
    """Everything measured: {(kind, row, label): [Measured]} with the requests of each."""

    def __init__(self, titles):
        self.titles, self.taken, self.counts = titles, {}, {}

    def add(self, kind, taken, counts):
        self.taken.update({(kind, *key): value for key, value in taken.items()})
        self.counts.update({(kind, *key): value for key, value in counts.items()})

    def rows(self):
        """(kind, row) in the order of the tables."""
        there = {key[:2] for key in self.taken}
        return [(kind, row) for kind in ("plain", "tls") for row in self.titles if (kind, row) in there]

    def labels(self, kind, row):
        return [label for k, r, label in self.taken if (k, r) == (kind, row)]

    def median(self, what, kind, row, label):
        return statistics.median(getattr(each, what) for each in self.taken[kind, row, label])

    def factor(self, what, kind, row, label):
        """How many times act's figure this one is."""
        return self.median(what, kind, row, label) / max(self.median(what, kind, row, "act"), 1e-9)

    def title(self, kind, row):
        return self.titles[row] + (", TLS" if kind == "tls" else "")

    def table(self, kind, row):
        """One row in full: a line for each tool."""
        lines = [f"### {self.title(kind, row)}", ""]
        lines += ["| tool | wall s | least - most | CPU s | peak MiB | requests | wall / act | CPU / act |", "|---|" + "---:|" * 7]
        for label in self.labels(kind, row):
            walls = [each.wall for each in self.taken[kind, row, label]]
            median = lambda what: self.median(what, kind, row, label)
            requests = sum(self.counts.get((kind, row, label), {}).values()) or ""
            lines.append(
                f"| {label} | {seconds(median('wall'))} | {seconds(min(walls))} - {seconds(max(walls))} | {seconds(median('cpu'))} | "
                f"{median('peak') / MIB:.0f} | {requests} | {self.factor('wall', kind, row, label):.1f} | "
                f"{self.factor('cpu', kind, row, label):.1f} |"
            )
        return lines + [""]

    def summary(self):
        """One line for each row: act's seconds, and how many times as long the others took."""
        labels = [label for peer in PEERS for label in (peer, f"{peer}, best")]
        lines = ["| wall seconds (CPU seconds) | act | " + " | ".join(labels) + " |", "|---|" + "---:|" * (len(labels) + 1)]
        for kind, row in self.rows():
            cells = [f"{seconds(self.median('wall', kind, row, 'act'))} ({seconds(self.median('cpu', kind, row, 'act'))})"]
            for label in labels:
                wall, cpu = self.median("wall", kind, row, label), self.median("cpu", kind, row, label)
                cells.append(f"{seconds(wall)} ({seconds(cpu)}), **{self.factor('wall', kind, row, label):.1f}x**")
            lines.append(f"| {self.title(kind, row)} | " + " | ".join(cells) + " |")
        return lines + ["", self.peaks(), ""]

    def peaks(self):
        """Least and most of the peak memory of each tool over all rows."""
        said = []
        for tool in ("act", *PEERS):
            peaks = [self.median("peak", *key) / MIB for key in self.taken if key[2].split(",")[0] == tool]
            said.append(f"{tool} {min(peaks):.0f} to {max(peaks):.0f} MiB")
        return f"Peak memory: {', '.join(said)}."

    def below(self, limit):
        """The rows in which a peer, at the better of its two settings, comes nearer to act than `limit`."""
        lines = []
        for kind, row in self.rows():
            for peer in PEERS:
                label = min((peer, f"{peer}, best"), key=lambda each: self.median("wall", kind, row, each))
                if self.factor("wall", kind, row, label) < limit:
                    wall, own = self.median("wall", kind, row, label), self.median("wall", kind, row, "act")
                    lines.append(f"- {self.title(kind, row)}: {label} {self.factor('wall', kind, row, label):.2f}x "
                                 f"({seconds(wall)} s, act {seconds(own)} s)")  # fmt: skip
        return lines or ["- none"]


BEGIN, END = "<!-- from tools/compare -->\n", "<!-- to here -->\n"


def replace(path, text):
    """Puts `text` between the two marks of a Markdown file."""
    before, rest = path.read_text().split(BEGIN)
    path.write_text(before + BEGIN + text + END + rest.split(END)[1])
