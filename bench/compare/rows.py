"""The rows: what is measured, in which order, and how each result is checked."""

import contextlib
import functools
import os
import pathlib
import re
import shutil
import ssl
import sys
import urllib.request

import harness

from .tools import Place

# row -> what is told of it; the order is that of the tables.
ROWS = {
    "large-up": "{large} up",
    "large-copy": "{large}, store to store",
    "large-down": "{large} down",
    "small-up": "{small} up",
    "small-up-again": "{small} up again, unchanged",
    "small-copy": "{small}, store to store",
    "small-down": "{small} down",
    "small-down-again": "{small} down again, unchanged",
    "small-delete": "{small} deleted",
    "list": "{list} listed",
    "tiny-up": "one file of 4 KiB up",
    "tiny-down": "one file of 4 KiB down",
}
# With TLS as well. Of the others a store would have to trust another's certificate, or little is encrypted.
SECURE = {"large-up", "large-down", "small-up", "small-down", "tiny-up", "tiny-down"}
SCENES = ("large", "small", "list", "tiny")
WRITES = ("PutBlob", "PutBlock", "PutBlockList", "CopyBlob")


def chosen(names):
    """The rows that `names` stand for: a row, or a scene for all of its rows."""
    found = []
    for name in names:
        rows = [name] if name in ROWS else [row for row in ROWS if name in SCENES and scene_of(row) == name]
        if not rows:
            raise ValueError(f"no row {name!r}; there are {', '.join([*SCENES, *ROWS])}")
        found += rows
    return [row for row in ROWS if row in found]


def scene_of(row):
    return row.split("-", 1)[0]


class World:
    """Two stores and the files, all below `folder`."""

    def __init__(self, folder, stores, authority, sizes):
        self.folder, self.stores, self.authority, self.sizes = folder, stores, authority, sizes
        trust = ssl.create_default_context(cafile=authority) if authority else None
        handlers = [urllib.request.ProxyHandler({})] + ([urllib.request.HTTPSHandler(context=trust)] if trust else [])
        self.opener = urllib.request.build_opener(*handlers)

    def source(self, scene):
        return self.folder / scene

    @functools.cache
    def expected(self, scene):
        return snapshot(self.source(scene))

    def request(self, method, store, target):
        url = f"{store.endpoint}/{target}&{harness.account_sas()}"
        with self.opener.open(urllib.request.Request(url, method=method), timeout=120) as answer:
            return answer.read()

    @contextlib.contextmanager
    def container(self, store, name):
        """A place in a container that goes away at the end; after a failure the store does."""
        harness.create_container(store.endpoint, name, self.authority)
        yield Place(store, name)
        self.request("DELETE", store, f"{name}?restype=container")

    def requests(self):
        """Requests that the stores have had, by operation."""
        sums = {}
        for store in self.stores:
            for operation, by_status in harness.admin(store, "/stats")["requests"].items():
                sums[operation] = sums.get(operation, 0) + sum(by_status.values())
        return sums

    def expect_blobs(self, expected, place, what):
        """Compares what is stored with a snapshot of files; read by act, which wrote only some of it."""
        back = self.folder / "look"
        env = harness.clean_environment(self.folder / "home", **({"SSL_CERT_FILE": self.authority} if self.authority else {}))
        harness.run([harness.ACT, "cp", place.url(), back], env=env)
        harness.assert_same(expected, snapshot(back), what)
        shutil.rmtree(back) if back.is_dir() else back.unlink()

    def expect_nothing(self, place, what):
        left = self.request("GET", place.store, f"{place.container}?restype=container&comp=list")
        if b"<Blob>" in left:
            raise AssertionError(f"{what}: not all is gone: {left[:500]!r}")


def snapshot(path):
    return harness.snapshot(path) if path.is_dir() else {"": path.read_bytes()}


class Round:
    """One tool's turn in a scene. `checked`: results are looked at."""

    def __init__(self, world, tool, wanted, checked):
        self.world, self.tool, self.wanted, self.checked = world, tool, wanted, checked
        self.taken, self.counts = {}, {}

    def take(self, row, operation, *ends):
        """Measures one operation, and in a checked round counts its requests."""
        before = self.world.requests() if self.checked else {}
        self.taken[row] = operation(row, *ends)
        if self.checked:
            self.counts[row] = {k: v - before.get(k, 0) for k, v in self.world.requests().items() if v > before.get(k, 0)}

    def idle(self, row, operations):
        moved = {name: count for name, count in self.counts.get(row, {}).items() if name in operations}
        if moved:
            raise AssertionError(f"{row}: {self.tool.label} moved what was unchanged: {moved}")

    def play(self, scene):
        getattr(self, scene, lambda: self.transfer(scene))()
        return self

    def transfer(self, scene):
        """There, over to the other store, back and away."""
        world, tool = self.world, self.tool
        source, back = world.source(scene), world.folder / "back"
        said = lambda what: f"{what} by {tool.label} and the source"
        row = lambda step: f"{scene}-{step}"
        with world.container(world.stores[0], "bench") as place:
            self.take(row("up"), tool.up, source, place)
            if self.checked:
                expected = world.expected(scene)
                world.expect_blobs(expected, place, said("what was sent"))
            if row("up-again") in self.wanted:
                self.take(row("up-again"), tool.up_again, source, place)
                self.idle(row("up-again"), WRITES)
            if row("copy") in self.wanted:
                # azcopy takes two addresses for the same place when only their ports differ.
                with world.container(world.stores[1], "other") as other:
                    self.take(row("copy"), tool.copy, place, other)
                    if self.checked:
                        world.expect_blobs(expected, other, said("what was copied"))
            if {row("down"), row("down-again")} & self.wanted:
                self.take(row("down"), tool.down, place, back)
                if self.checked:
                    harness.assert_same(expected, snapshot(back), said("what was fetched"))
                if row("down-again") in self.wanted:
                    self.take(row("down-again"), tool.down_again, place, back)
                    self.idle(row("down-again"), ("GetBlob",))
                shutil.rmtree(back) if back.is_dir() else back.unlink()
            if row("delete") in self.wanted:
                self.take(row("delete"), tool.delete, place)
                if self.checked:
                    world.expect_nothing(place, said("what was deleted"))

    def list(self):
        names = {f"name-{number:07}" for number in range(self.world.sizes.list)}
        place = Place(self.world.stores[0], "listed")
        path = self.world.folder / "listing" if self.checked else pathlib.Path(os.devnull)
        with open(path, "wb") as out:
            self.take("list", self.tool.list, place, out)
        if self.checked:
            found = re.findall(r"name-\d{7}", path.read_text("utf-8", "replace"))
            if len(found) != len(names) or set(found) != names:
                raise AssertionError(f"{self.tool.label} listed {len(found)} names, {len(set(found))} different, of {len(names)}")


def write_sources(folder, wanted, sizes):
    """The files that are sent. Old ones: azcopy takes one of the second in which it was sent for newer than its blob."""
    scenes = {scene_of(row) for row in wanted}
    if "large" in scenes:
        harness.write(folder / "large/file", harness.content(sizes.large * harness.MIB, "large"), modified=harness.MOMENT)
    if "tiny" in scenes:
        harness.write(folder / "tiny", harness.content(4096, "tiny"), modified=harness.MOMENT)
    for number in range(sizes.small if "small" in scenes else 0):
        harness.write(folder / f"small/{number // 100:03}/{number % 100:02}", harness.content(4096, number), modified=harness.MOMENT)


def fill_listed(world):
    """What `list` lists: empty blobs below one prefix."""
    names = world.source("names")
    names.mkdir()
    for number in range(world.sizes.list):
        (names / f"name-{number:07}").touch()
    harness.create_container(world.stores[0].endpoint, "listed", world.authority)
    harness.run([harness.ACT, "cp", names, Place(world.stores[0], "listed").url()], env=harness.clean_environment(world.folder / "home"))
    shutil.rmtree(names)


def written_alone(world):
    """What any download of the large file costs at least: new pages of the file system are filled from one buffer."""
    path = world.folder / "alone"
    done = harness.Measured(["dd", "if=/dev/zero", f"of={path}", "bs=1M", f"count={world.sizes.large}", "status=none"],
                            env=harness.clean_environment(world.folder / "home"))  # fmt: skip
    path.unlink()
    return done


ALONE = "the file alone, by dd"


def play(world, contenders, scene, wanted, runs, note):
    """{(row, label): [Measured]} of `runs` rounds after one that is checked and not counted (0: that one), and
    {(row, label): {operation: requests}}. The tools take turns and the order changes every round."""
    taken, counts = {}, {}
    if scene == "list":
        fill_listed(world)
    for number in range(runs + 1):
        turn = number % len(contenders)
        counted = number > 0 or runs == 0
        for tool in contenders[turn:] + contenders[:turn]:
            done = Round(world, tool, set(wanted), number == 0).play(scene)
            counts.update({(row, tool.label): count for row, count in done.counts.items()})
            for row, measured in done.taken.items() if counted else ():
                taken.setdefault((row, tool.label), []).append(measured)
            walls = ", ".join(f"{row} {measured.wall:.3f} s ({measured.cpu:.3f} CPU)" for row, measured in done.taken.items())
            print(f"{note} {scene} round {number} {tool.label}: {walls}", file=sys.stderr, flush=True)
        if "large-down" in wanted and counted and scene == "large":
            taken.setdefault(("large-down", ALONE), []).append(written_alone(world))
    keys = [(row, label) for row in wanted for label in [*(tool.label for tool in contenders), ALONE]]
    return {key: taken[key] for key in keys if key in taken}, counts
