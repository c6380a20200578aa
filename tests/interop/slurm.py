"""A real Slurm on this machine: munged, slurmctld and two nodes, as processes below one folder."""

import contextlib
import getpass
import os
import pathlib
import random
import secrets
import shutil
import socket
import subprocess
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
NODES = ("n1", "n2")

CONFIGURATION = """
ClusterName=act
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
TmpFS={folder}/tmp-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
NodeName=n[1-2] NodeAddr=127.0.0.1 NodeHostname={host} Port=[{ports[1]}-{ports[2]}] CPUs=8 RealMemory=1000
PartitionName=main Nodes=ALL Default=YES State=UP
"""


def missing():
    """What of Slurm is not installed, as text; empty when all is there."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return ", ".join(p for p in PROGRAMS if not shutil.which(p, path=path))


def free_ports():
    """One port, and two that follow each other: a range is how Slurm names the ports of nodes on one machine.

    They are taken from below the range that the kernel gives to connections. Slurm opens them a while after this
    looked, and the tests beside it make connections by the thousand: one of those could have had the port by then."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(1000):
        ports = random.randrange(10000, max(lowest, 10100) - 3)
        ports = (ports, ports + 1, ports + 2)
        with contextlib.ExitStack() as held:
            try:
                for port in ports:
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return ports
    raise AssertionError("no three free ports")


class NotReady(AssertionError):
    """A program of Slurm ended, or took too long."""


class Slurm:
    """`environment` is what its programs need; `stop()` ends all of it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.processes = []
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf")}
        for name in ("state", *(f"tmp-{n}" for n in NODES)):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        for left in reversed(range(3)):
            self.configure()
            try:
                self.begin()
                return
            except BaseException as error:
                self.stop()
                if not isinstance(error, NotReady) or not left:
                    raise

    def configure(self):
        text = CONFIGURATION.format(
            host=socket.gethostname().split(".")[0], user=getpass.getuser(), folder=self.folder, ports=free_ports()
        )
        (self.folder / "slurm.conf").write_text(text)

    def begin(self):
        at = lambda name: f"{self.folder}/munge.{name}"
        self.start("munged", "--foreground", "--force", "--key-file", at("key"), "--socket", at("socket"),
                   "--pid-file", at("pid"), "--log-file", at("log"), "--seed-file", at("seed"))  # fmt: skip
        self.until("munge", lambda: self.run("munge", "-n", "-S", at("socket")).returncode == 0)
        self.start("slurmctld", "-D", "-i")
        for node in NODES:
            self.start("slurmd", "-D", "-N", node)
        idle = lambda: self.run("sinfo", "-h", "-N", "-o", "%T").stdout.split() == ["idle"] * len(NODES)
        self.until("the nodes", idle)

    def start(self, program, *arguments):
        with open(self.folder / f"{program}-{len(self.processes)}.out", "wb") as out:
            self.processes.append(
                subprocess.Popen([program, *arguments], env=self.all_environment(), stdin=subprocess.DEVNULL,
                                 stdout=out, stderr=subprocess.STDOUT, cwd="/", start_new_session=True)
            )  # fmt: skip

    def all_environment(self):
        path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        return {**os.environ, **self.environment, "PATH": path}

    def run(self, *command, timeout=60):
        return subprocess.run(command, env=self.all_environment(), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=timeout, check=False)  # fmt: skip

    def until(self, what, ready, seconds=60):
        """Asks again until it is so: none of these programs says when it is ready."""
        deadline = time.monotonic() + seconds
        while not ready():
            ended = [p.args[0] for p in self.processes if p.poll() is not None]
            if ended or time.monotonic() > deadline:
                logs = "\n".join(f"== {f.name}\n{f.read_text(errors='replace')[-1500:]}" for f in self.logs(ended))
                raise NotReady(f"{what} of Slurm did not get ready; ended: {ended}\n{logs}")

    def logs(self, ended=()):
        """Those of what ended first: the runner shows the beginning."""
        files = [*self.folder.glob("*.log"), *self.folder.glob("*.out")]
        return sorted(files, key=lambda f: (not f.name.startswith(tuple(ended)), f.name))

    def stop(self):
        if len(self.processes) > 1:
            self.run("scancel", "--full", "--user", getpass.getuser())
            deadline = time.monotonic() + 30
            while self.run("squeue", "-h").stdout.strip() and time.monotonic() < deadline:
                pass
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []
