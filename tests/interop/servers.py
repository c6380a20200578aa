"""The two servers that every client is tried on: the embedded store, and Azurite as the second opinion."""

import unittest

import harness


class OnServers:
    """Mixed into a TestCase: `self.endpoint` is a fresh server of the kind that the subclass names."""

    server_kind = None  # "store" or "azurite"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.server_kind == "store" and not harness.ACT.exists():
            raise unittest.SkipTest(f"{harness.ACT} is not built")
        cls.scratch = cls.enterClassContext(harness.temporary_folder())
        (cls.scratch / "server").mkdir()
        start = harness.act_serve if cls.server_kind == "store" else harness.azurite
        server = start(cls.scratch / "server")
        cls.addClassCleanup(server.stop)
        cls.endpoint = server.endpoint

    def folder(self, name):
        path = self.scratch / self.id().rsplit(".", 1)[-1] / name
        path.mkdir(parents=True, exist_ok=True)
        return path


class OwnStore(unittest.TestCase):
    """A test that starts embedded stores as it needs them, over one folder, and asks them for their counters."""

    def setUp(self):
        if not harness.ACT.exists():
            self.skipTest(f"{harness.ACT} is not built")
        self.scratch = self.enterContext(harness.temporary_folder())
        (self.scratch / "server").mkdir()

    def serve(self, *arguments, **more):
        server = harness.act_serve(self.scratch / "server", arguments=["--admin", ":0", *arguments], **more)
        self.addCleanup(server.stop)
        return server


def on_both(cls):
    """Makes NAMEOnStore and NAMEOnAzurite of a TestCase mixin, in the mixin's module."""
    import sys

    module = sys.modules[cls.__module__]
    for kind in ("store", "azurite"):
        name = f"{cls.__name__}On{kind.capitalize()}"
        made = type(name, (OnServers, cls, unittest.TestCase), {"server_kind": kind, "__module__": cls.__module__})
        setattr(module, name, made)
    return cls
