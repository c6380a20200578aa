"""The machine that is measured on: its network, and what has to be told of it."""

import ctypes
import fcntl
import os
import pathlib
import platform
import socket
import struct
import time

import harness

from . import ROOT, tools


def own_network():
    """Moves this process to a network of its own in which only loopback exists and sockets use cubic, Debian's default,
    or reno, which measures alike here. act and its store choose cubic on loopback by themselves; under another default
    (bbr is 2 to 3 times slower there) the peers would lose for a reason that is not theirs. Says what is in use."""
    control = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control")
    machine = control.read_text().strip()
    if machine == "cubic":
        return "cubic for all"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000) == 0:  # CLONE_NEWNET
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14s", b"lo", 0x1 | 0x40, b""))  # SIOCSIFFLAGS, up
        # Outside of the first namespace the kernel takes only what the machine allows everybody.
        for wanted in ("cubic", "reno"):
            try:
                control.write_text(wanted)
            except OSError:
                continue
            return f"{wanted} for azcopy and rclone (in a network namespace; the machine's default is {machine}), cubic for act"
    return f"**{machine} for azcopy and rclone, cubic for act and its store: not a fair comparison; run it as root**"


def processor():
    names = [l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo", encoding="utf-8") if l.startswith("model name")]
    return f"{os.cpu_count()} x {names[0] if names else platform.machine()}"


def header(network, what):
    """What the figures hang on, as lines of text."""
    first = lambda command: harness.run(command).out.splitlines()[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    commit = harness.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--exclude=*"], expect=None).out.strip()
    commit = "another build, by ACT_BIN" if os.environ.get("ACT_BIN") else commit
    load = os.getloadavg()[0]
    busy = " **The machine is busy with something else: do not rely on this.**" if load > 0.7 else ""
    return [
        f"Machine: {processor()}, {memory} GiB, Linux {platform.release()}; client and store share it.",
        f"Versions: {first([harness.ACT, '--version'])} ({commit}), {first([harness.AZCOPY, '--version'])}, "
        f"{first([tools.RCLONE, 'version'])}. TCP congestion control: {network}.",
        f"Load average when it began: {load:.2f}.{busy}",
        f"{what} on {time.strftime('%Y-%m-%d', time.gmtime())}. Settings: bench/compare/settings.py.",
    ]
