"""The tools that are compared: how each is told to do the same thing."""

import contextlib
import os
import re
import shlex
import shutil
import sys
import tempfile

import harness

from . import settings

RCLONE = os.environ.get("RCLONE_BIN") or "rclone"


class Place:
    """A path in a container of a store."""

    def __init__(self, store, container, path="in"):
        self.store, self.container, self.path = store, container, path

    def url(self, below=""):
        return f"{self.store.endpoint}/{self.container}/{self.path}{below}?{harness.account_sas()}"


class Tool:
    """One program with one choice of settings. Every operation runs it once and answers what that took."""

    def __init__(self, name, label, choose, home, authority):
        self.name, self.label, self.home, self.authority = name, label, home, authority
        self.choose = choose  # row -> [flag or VARIABLE=value]
        self.log = tempfile.TemporaryFile()

    def run(self, row, command, *, stdout=None, cwd=None, **environment):
        chosen = self.choose(row)
        flags = [each for each in chosen if not settings.is_variable(each)]
        environment.update(each.split("=", 1) for each in chosen if settings.is_variable(each))
        if self.authority:
            environment.update(SSL_CERT_FILE=self.authority, SSL_CERT_DIR="/nonexistent")
        self.log.seek(0)
        self.log.truncate()
        env = harness.clean_environment(self.home, **environment)
        done = harness.Measured([*command, *flags], env=env, cwd=cwd, stdout=stdout or self.log, stderr=self.log)
        if done.code != 0:
            self.log.seek(0)
            said = self.log.read()[-3000:].decode("utf-8", "replace")
            told = f"{row}: {shlex.join(map(str, [*command, *flags]))}\nended with {done.code}:\n{said}"
            sys.exit(re.sub(r"sig=[^&\s']+", "sig=***", told))
        return done


class Act(Tool):
    def cp(self, row, source, target):
        return self.run(row, [harness.ACT, "cp", source, target])

    def up(self, row, source, place):
        return self.cp(row, source, place.url())

    def down(self, row, place, target):
        return self.cp(row, place.url(), target)

    def copy(self, row, place, target):
        return self.cp(row, place.url(), target.url())

    up_again, down_again = up, down

    def below(self, place):
        """A project in which `data` is what is at `place`."""
        return harness.Project(self.home / "project", place.store.endpoint, container=place.container, prefix=place.path).folder

    def list(self, row, place, stdout):
        return self.run(row, [harness.ACT, "ls", "data"], stdout=stdout, cwd=self.below(place))

    def delete(self, row, place):
        return self.run(row, [harness.ACT, "rm", "--yes", "data"], cwd=self.below(place))


class Azcopy(Tool):
    def run(self, row, command, **more):
        done = super().run(row, [harness.AZCOPY, *command, "--skip-version-check"], **more)
        shutil.rmtree(self.home / "azcopy", ignore_errors=True)  # logs and plans, which it keeps
        return done

    def transfer(self, row, verb, direction, source, target):
        return self.run(row, [verb, source, target, "--from-to", direction, "--recursive"])

    def up(self, row, source, place):
        return self.transfer(row, "copy", "LocalBlob", source if source.is_file() else f"{source}/*", place.url())

    def down(self, row, place, target):
        if row.startswith("tiny"):
            return self.transfer(row, "copy", "BlobLocal", place.url(), target)
        target.mkdir(exist_ok=True)
        return self.transfer(row, "copy", "BlobLocal", place.url("/*"), target)

    def copy(self, row, place, target):
        return self.transfer(row, "copy", "BlobBlob", place.url("/*"), target.url())

    def up_again(self, row, source, place):
        if self.overwrites(row):
            return self.up(row, source, place)
        return self.transfer(row, "sync", "LocalBlob", source, place.url())

    def down_again(self, row, place, target):
        if self.overwrites(row):
            return self.down(row, place, target)
        return self.transfer(row, "sync", "BlobLocal", place.url(), target)

    def overwrites(self, row):
        """Whether it is told to leave what is newer alone in `copy`, and not to `sync`."""
        return any(each.startswith("--overwrite") for each in self.choose(row))

    def list(self, row, place, stdout):
        return self.run(row, ["list", place.url(), "--location", "Blob"], stdout=stdout)

    def delete(self, row, place):
        return self.run(row, ["remove", place.url(), "--from-to", "BlobTrash", "--recursive"])


class Rclone(Tool):
    def run(self, row, command, *, places, stdout=None):
        """`places` become remotes called one, two."""
        more = {"RCLONE_CONFIG": os.devnull}
        for name, place in zip(("ONE", "TWO"), places):
            keys = {"TYPE": "azureblob"}
            if any(each == "--server-side-across-configs" for each in self.choose(row)):
                # It puts no signature of its own to a source; one in the remote's address goes along.
                keys["SAS_URL"] = f"{place.store.endpoint}/{place.container}?{harness.account_sas()}"
            else:
                keys.update(USE_EMULATOR="true", ENDPOINT=place.store.endpoint)
            more.update({f"RCLONE_CONFIG_{name}_{key}": value for key, value in keys.items()})
        trust = ["--ca-cert", self.authority] if self.authority else []
        return super().run(row, [RCLONE, *command, *trust], stdout=stdout, **more)

    @staticmethod
    def at(place, remote="one"):
        return f"{remote}:{place.container}/{place.path}"

    def up(self, row, source, place):
        return self.run(row, ["copyto" if source.is_file() else "copy", source, self.at(place)], places=[place])

    def down(self, row, place, target):
        return self.run(row, ["copyto" if row.startswith("tiny") else "copy", self.at(place), target], places=[place])

    def copy(self, row, place, target):
        return self.run(row, ["copy", self.at(place), self.at(target, "two")], places=[place, target])

    up_again, down_again = up, down

    def list(self, row, place, stdout):
        return self.run(row, ["ls", self.at(place)], places=[place], stdout=stdout)

    def delete(self, row, place):
        return self.run(row, ["delete", self.at(place)], places=[place])


KINDS = {"act": Act, "azcopy": Azcopy, "rclone": Rclone}


def contenders(home, authority, tried=()):
    """act, each peer with its defaults and at its best, and what `--try` adds: 'azcopy --block-size-mb 16 AZCOPY_X=1'."""
    chosen = [("act", "act", settings.chooser("act", "defaults"))]
    for peer in settings.PEERS:
        chosen.append((peer, peer, settings.chooser(peer, "defaults")))
        chosen.append((peer, f"{peer}, best", settings.chooser(peer, "best")))
    for text in tried:
        name, *words = shlex.split(text)
        chosen.append((name, text, lambda row, words=words: words))
    with contextlib.suppress(FileExistsError):
        home.mkdir()
    return [KINDS[name](name, label, choose, home, authority) for name, label, choose in chosen]
