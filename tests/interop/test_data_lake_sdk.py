"""The Data Lake SDK, unmodified, against the embedded store as an account with a hierarchical namespace (`act serve
--hierarchical`): both its endpoints at one address. Azurite has no such accounts."""

import unittest

import harness
import servers

try:
    from azure.core import exceptions
    from azure.storage import blob, filedatalake
except ImportError as missing:  # Debian's python3-azure-storage is for Debian's Python
    raise unittest.SkipTest(f"the Data Lake SDK is not installed: {missing}") from missing


class DataLakeSdk(servers.OwnStore):
    def setUp(self):
        super().setUp()
        self.endpoint = self.serve("--hierarchical", "--soft-delete", "3").endpoint
        service = filedatalake.DataLakeServiceClient(self.endpoint, credential=harness.KEY)
        self.addCleanup(service.close)
        blobs = blob.BlobServiceClient(self.endpoint, credential=harness.KEY)
        self.addCleanup(blobs.close)
        self.files = service.create_file_system("files")
        self.container = blobs.get_container_client("files")

    def names(self):
        return [item.name for item in self.container.list_blobs()]

    def refused(self, code, call, *arguments, **more):
        with self.assertRaises(exceptions.HttpResponseError) as caught:
            call(*arguments, **more)
        got = getattr(caught.exception, "error_code", None)
        self.assertEqual(getattr(got, "value", got), code)

    def test_directories(self):
        made = self.files.create_directory("a/b", metadata={"colour": "red"})
        self.assertEqual(made.get_directory_properties().metadata, {"colour": "red", "hdi_isfolder": "true"})
        self.container.upload_blob("a/b/c", b"text")
        self.container.upload_blob("a-b", b"text")
        self.assertEqual(self.names(), ["a", "a/b", "a/b/c", "a-b"])
        self.assertEqual([item.name for item in self.container.walk_blobs()], ["a/", "a-b"])
        self.assertEqual(self.files.get_file_client("a/b/c").download_file().readall(), b"text")
        self.refused("DirectoryIsNotEmpty", self.container.delete_blob, "a/b")
        self.refused("ResourceTypeMismatch", self.container.upload_blob, "a/b", b"", overwrite=True)
        made.delete_directory()
        self.assertEqual(self.names(), ["a", "a-b"])

    def test_rename(self):
        self.container.upload_blob("a/b c/d", b"text")
        renamed = self.files.get_directory_client("a/b c").rename_directory("files/e f")
        self.assertEqual(self.names(), ["a", "e f", "e f/d"])
        renamed.get_file_client("d").rename_file("files/a/g")
        self.assertEqual(self.names(), ["a", "a/g", "e f"])
        self.refused("RenameDestinationParentPathNotFound", renamed.rename_directory, "files/none/e")

    def test_access_control(self):
        made = self.files.create_directory("a", permissions="rwxrwxrwx", umask="0022")
        self.assertEqual(made.get_access_control()["permissions"], "rwxr-xr-x")
        acl = "user::rwx,group::r-x,other::---"
        made.set_access_control(owner="me", group="us", acl=acl)
        got = made.get_access_control()
        self.assertEqual([got[name] for name in ("owner", "group", "permissions", "acl")],
                         ["me", "us", "rwxr-x---", acl])  # fmt: skip
        self.refused("PathNotFound", self.files.get_file_client("none").get_access_control)

    def test_permissions_travel_with_copies(self):
        self.container.upload_blob("t/a/file", b"text")
        user = "6fa1b0c4-2c0e-4a51-9c3e-0d5b3f8f3a10"
        acl = f"user::rwx,user:{user}:r-x,group::r-x,mask::r-x,other::---"
        inherited = ",".join(f"default:{entry}" for entry in acl.split(","))
        paths = {"/": f"{acl},{inherited}", "t": acl, "t/a": f"{acl},{inherited}", "t/a/file": acl}
        for number, (path, wanted) in enumerate(paths.items()):
            self.files.get_directory_client(path).set_access_control(owner=f"owner-{number}", group=f"group-{number}", acl=wanted)
        (self.scratch / "other").mkdir()
        other = harness.act_serve(self.scratch / "other", arguments=["--hierarchical"])
        self.addCleanup(other.stop)
        project = harness.Project(self.scratch / "project", self.endpoint)
        project.act("sync", "--preserve-permissions", f"{self.endpoint}/files", f"{other.endpoint}/copies")
        service = filedatalake.DataLakeServiceClient(other.endpoint, credential=harness.KEY)
        self.addCleanup(service.close)
        copies = service.get_file_system_client("copies")
        for number, (path, wanted) in enumerate(paths.items()):
            got = copies.get_directory_client(path).get_access_control()
            self.assertEqual((got["owner"], got["group"]), (f"owner-{number}", f"group-{number}"), path)
            self.assertEqual(sorted(got["acl"].split(",")), sorted(wanted.split(",")), path)

    def test_deleted_paths(self):
        self.container.upload_blob("a/b", b"text")
        self.files.get_directory_client("a").delete_directory()
        deleted = list(self.files.list_deleted_paths())
        self.assertEqual([path.name for path in deleted], ["a"])
        self.assertEqual(self.names(), [])
        self.files._undelete_path(deleted[0].name, deleted[0].deletion_id)
        self.assertEqual(self.names(), ["a", "a/b"])
