"""What tests of runs in the foreground share."""

import json
import os

import harness
import servers

# Writes down what it was called with, and is the container: only the image's variables and those that it is given. Beside a
# file `daemon` the container is a process apart, which lives on without its client, and beside `deaf` nothing ends it.
DOCKER = """#!/usr/bin/python3
import csv, json, os, signal, subprocess, sys
words, here = sys.argv[1:], os.path.dirname(os.path.abspath(__file__))
if words[0] in ("version", "--version"):
    sys.exit(print("Docker version 27.1"))
with open(here + "/called", "a") as out:
    out.write(json.dumps(words) + "\\n")
container = here + "/container"
if words[0] in ("kill", "rm") and os.path.exists(container) and not os.path.exists(here + "/deaf"):
    os.kill(int(open(container).read()), signal.SIGKILL)
    os.unlink(container)
if words[0] == "ps" and os.path.exists(container):
    print("0123abc")
if words[0] != "run":
    sys.exit()
env, mounts, at = {"PATH": os.environ["PATH"], "OF_IMAGE": "1"}, {}, 1
while words[at].startswith("--"):
    if words[at] == "--mount":
        fields = dict(f.split("=", 1) for f in next(csv.reader([words[at + 1]])) if "=" in f)
        mounts[fields["target"]] = os.stat(fields["source"]) and fields["source"]
    if words[at] == "--env":
        env[words[at + 1]] = os.environ[words[at + 1]]
    if words[at] == "--entrypoint":
        program = mounts[words[at + 1]]
    at += 1 if words[at] in ("--rm", "--interactive", "--tty") else 2
os.system("cp '%s' '%s/spec'" % (words[-1], here))
if not os.path.exists(here + "/daemon"):
    os.execve(program, ["act", *words[at + 1:]], env)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(os.write(2, b"asked\\n") and 1))
running = subprocess.Popen([program, *words[at + 1:]], env=env, start_new_session=True)
with open(container, "w") as out:
    out.write(str(running.pid))
sys.exit(running.wait())
"""


class Runs(servers.OwnStore):
    def setUp(self):
        super().setUp()
        self.project = harness.Project(self.scratch / "pro ject")
        self.state = self.project.home / "state/act"
        harness.write(self.project.folder / "notes", b"code")

    def cluster(self, endpoint="http://127.0.0.1:9/devstoreaccount1", data=None, output=None, name="here", **more):
        """Cluster NAME whose folders are at that address; nobody listens at the first one."""
        entry = lambda path, mode: {"azure_blob_config_file": "aux_data/configs/here.yaml", "path": path, **(mode or {})}
        folders = {"data_folder": entry("sets", data), "output_folder": entry("made", output), "code_path": entry("code", None)}
        cluster = {"platform": "local", "gpu_per_node": 0, "config_param": folders, **more}
        account = {"account_name": harness.ACCOUNT, "account_key": harness.KEY, "container_name": "work", "blob_endpoint": endpoint}
        harness.write(self.project.folder / f"aux_data/aml/{name}.yaml", json.dumps(cluster).encode())
        harness.write(self.project.folder / "aux_data/configs/here.yaml", json.dumps(account).encode())

    def trees(self):
        return sorted(path.name for path in (self.state / "local").glob("*"))

    def docker(self, **more):
        """A stand-in for docker on PATH, and a cluster with an image; what docker was called with."""
        harness.write(self.scratch / "bin/docker", DOCKER.encode(), mode=0o755)
        self.project.env["PATH"] = f"{self.scratch}/bin:" + os.environ["PATH"]
        self.cluster(docker={"image": "some/image:1"}, env={"SOME_TOKEN": "hush-hush", "LINES_OF": "a\nb"}, **more)
        (self.project.folder / "output").mkdir()
        harness.write(self.project.folder / "data/f", b"here\n")
        return lambda: [json.loads(line) for line in (self.scratch / "bin/called").read_text().splitlines()]
