"""What the interop and end-to-end tests share: the programs they start, the trees they send, and how trees are compared.

Everything lives in temporary folders and on ports chosen by the system; nothing waits by sleeping.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
import threading
import time
import unicodedata
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACT = pathlib.Path(os.environ.get("ACT_BIN") or ROOT / "build/release/act").resolve()
PEERS = ROOT / "build/peers/node_modules"
AZCOPY = PEERS / "@azure-tools/azcopy-linux/dist/bin/azcopy_linux_amd64"

# The emulator's well-known account: public, the same everywhere.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

MIB = 1 << 20
BLOCK = 8 * MIB  # act's block of a large file
SINGLE = 4 * MIB  # the largest file that act sends in one request


# --- programs -------------------------------------------------------------------------------------------------------


def clean_environment(home, **more):
    """The caller's environment without what steers act, its peers or proxies; state goes below `home`."""
    dropped = re.compile(r"^(ACT_|AML_|AZURE_|AZCOPY_|RCLONE_|XDG_|AZUREML_)|_proxy$|_PROXY$")
    kept = {k: v for k, v in os.environ.items() if not dropped.search(k)}
    home = str(home)
    kept.update(HOME=home, XDG_STATE_HOME=home + "/state", XDG_DATA_HOME=home + "/data", XDG_CACHE_HOME=home + "/cache")
    kept.update(AZCOPY_LOG_LOCATION=home + "/azcopy", AZCOPY_JOB_PLAN_LOCATION=home + "/azcopy", LC_ALL="C.UTF-8")
    kept.update({k: str(v) for k, v in more.items()})
    return kept


class Finished:
    """How a program ended: `code`, `out` and `err` as text, and for act the JSON lines."""

    def __init__(self, command, code, out, err, seconds):
        self.command, self.code, self.seconds = [str(c) for c in command], code, seconds
        self.out, self.err = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self):
        last = self.lines[-1]
        assert last["type"] == "summary", last
        return last

    @property
    def text(self):
        return self.out + self.err

    def __str__(self):
        return (
            f"$ {' '.join(self.command)}\nexit code {self.code} after {self.seconds:.1f} s\n"
            f"--- stdout (end)\n{self.out[-3000:]}\n--- stderr (end)\n{self.err[-3000:]}"
        )


def run(command, *, cwd=None, env=None, expect=0, timeout=300, stdin=subprocess.DEVNULL, user=None):
    """Runs a program to its end and fails the test unless its exit code is `expect` (None: any; a set: one of them)."""
    begun = time.monotonic()
    more = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=env, stdin=stdin, capture_output=True, timeout=timeout, check=False, **more
    )
    result = Finished(command, done.returncode, done.stdout, done.stderr, time.monotonic() - begun)
    allowed = expect if isinstance(expect, (set, frozenset)) else {expect}
    if expect is not None and result.code not in allowed:
        raise AssertionError(f"expected exit code {expect}\n{result}")
    return result


class Measured:
    """A program run to its end: `code`, `wall` and `cpu` (user + system) in seconds, `peak` resident bytes.

    A process inherits the peak of the one that started it, so a small one in between starts the program: what is
    below its size (some 10 MiB) cannot be told."""

    LAUNCHER = (
        "import json, os, sys, time\n"
        "begun = time.monotonic()\n"
        "pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)\n"
        "status, usage = os.wait4(pid, 0)[1:]\n"
        "wall = time.monotonic() - begun\n"
        "out = [os.waitstatus_to_exitcode(status), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024]\n"
        "os.write(int(sys.argv[1]), json.dumps(out).encode())\n"
    )

    def __init__(self, command, *, env, cwd=None, stdout=None, stderr=None):
        read, write_end = os.pipe()
        launcher = ["/usr/bin/python3", "-I", "-S", "-c", self.LAUNCHER, str(write_end), *map(str, command)]
        process = subprocess.Popen(launcher, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                                   pass_fds=[write_end])  # fmt: skip
        os.close(write_end)
        with os.fdopen(read, "rb") as pipe:
            told = pipe.read()
        process.wait()
        self.code, self.wall, self.cpu, self.peak = json.loads(told)


class Server:
    """A server in a process of its own that has said on stdout that it listens."""

    def __init__(self, command, ready, *, env=None, cwd=None, timeout=60):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [str(c) for c in command], stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL, env=env, cwd=cwd
        )
        self.endpoint = None
        deadline, seen = time.monotonic() + timeout, b""
        while self.endpoint is None:
            waited = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]
            chunk = os.read(self.process.stdout.fileno(), 65536) if waited else b""
            if not chunk:
                self.stop()
                self.log.seek(0)
                raise AssertionError(f"{command[0]} did not get ready: {seen!r} {self.log.read()[-3000:]!r}")
            seen += chunk
            for line in seen.decode("utf-8", "replace").splitlines(keepends=True):
                if line.endswith("\n"):
                    self.endpoint = self.endpoint or ready(line.strip())
        # What it says later must not fill the pipe; the kernel discards what nobody reads once this end is closed,
        # but the writer would get SIGPIPE, so a reader stays.
        self.drain = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL)
        self.process.stdout.close()

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if getattr(self, "drain", None):
            self.drain.wait()
        return self.process.returncode


def azurite(folder, certificate=None, any_version=True):
    """Starts Azurite; its endpoint has the account in the path. As it is by itself it refuses newer versions than it knows."""
    command = ["node", PEERS / "azurite/dist/src/blob/main.js", "--blobHost", "127.0.0.1", "--blobPort", "0"]
    command += ["--location", folder, "--silent", "--disableTelemetry"]
    if any_version:
        command += ["--skipApiVersionCheck"]
    if certificate:
        command += ["--cert", certificate[0], "--key", certificate[1]]

    def ready(line):
        found = re.search(r"successfully listens on (\S+)", line)
        return found and f"{found.group(1)}/{ACCOUNT}"

    return Server(command, ready, env=clean_environment(folder), cwd=folder)


def act_serve(folder, *, certificate=None, arguments=(), account=None, key=None):
    """Starts the embedded store over `folder`."""
    command = [ACT, "serve", "--root", folder, "--listen", "127.0.0.1:0", "--json"]
    if account:
        command += ["--account", account, "--key", key]
    if certificate:
        command += ["--tls-cert", certificate[0], "--tls-key", certificate[1]]

    def ready(line):
        try:
            event = json.loads(line)
        except ValueError:
            return None
        if event.get("type") != "listening":
            return None
        told.update(event)
        return event["endpoint"]

    told = {}
    server = Server(command + list(arguments), ready, env=clean_environment(folder), cwd=folder)
    server.admin = told.get("admin")
    return server


def admin(server, target, method="GET"):
    """Asks a store started with `--admin` about itself; what it answers to POST is the same."""
    request = urllib.request.Request(server.admin + target, method=method, data=b"" if method == "POST" else None)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=30) as answer:
        return json.load(answer)


def certificate(folder):
    """A certificate authority and a server certificate for 127.0.0.1: (certificate, key, authority) files."""
    folder = pathlib.Path(folder)
    config = folder / "openssl.cnf"
    config.write_text("[req]\ndistinguished_name=dn\n[dn]\n")
    new = ["openssl", "req", "-config", config, "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run(
        [*new, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days", "30", "-subj", "/CN=act test authority"]
        + ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign"]
    )
    run(
        [*new, "-keyout", folder / "server.key", "-out", folder / "server.pem", "-days", "30", "-subj", "/CN=127.0.0.1"]
        + ["-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-addext", "basicConstraints=CA:FALSE"]
        + ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    )
    return folder / "server.pem", folder / "server.key", folder / "ca.pem"


def account_sas(account=ACCOUNT, key=KEY, permissions="rwdxlacuptf", expires_in=3600, begins_in=-900, types="sco"):
    """An account SAS (no leading question mark), after "Create an account SAS", version 2020-12-06 and later."""
    moment = lambda offset: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset))
    start, end, version = moment(begins_in), moment(expires_in), "2021-10-04"
    to_sign = "\n".join([account, permissions, "b", types, start, end, "", "https,http", version, "", ""])
    signature = base64.b64encode(hmac.new(base64.b64decode(key), to_sign.encode(), hashlib.sha256).digest()).decode()
    return urllib.parse.urlencode(
        dict(sv=version, ss="b", srt=types, sp=permissions, st=start, se=end, spr="https,http", sig=signature)
    )


def create_container(endpoint, name, authority=None):
    """By a bare signed request: azcopy does not make containers on an address that is a number."""
    request = urllib.request.Request(f"{endpoint}/{name}?restype=container&{account_sas()}", method="PUT", data=b"")
    trust = ssl.create_default_context(cafile=authority) if authority else None
    urllib.request.urlopen(request, timeout=30, context=trust).close()


class Project:
    """A folder that act is run in, with a cluster file that maps `data` to a container of `endpoint`."""

    def __init__(self, folder, endpoint=None, *, container="work", prefix="some/path", account=ACCOUNT, key=KEY, sas=None):
        self.folder = pathlib.Path(folder)
        self.home = self.folder / ".home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.env = clean_environment(self.home)
        if endpoint:
            self.configure(endpoint, container=container, prefix=prefix, account=account, key=key, sas=sas)

    def configure(self, endpoint, *, container="work", prefix="some/path", account=ACCOUNT, key=KEY, sas=None, **more):
        self.cluster("aml", endpoint, container=container, prefix=prefix, account=account, key=key, sas=sas, **more)

    def cluster(self, name, endpoint, *, container, prefix="", account=ACCOUNT, key=KEY, sas=None, **more):
        """Writes the cluster file NAME.yaml and its account file."""
        aml, accounts = self.folder / "aux_data/aml", self.folder / "aux_data/configs"
        for each in (aml, accounts):
            each.mkdir(parents=True, exist_ok=True)
        file = "store" if name == "aml" else name
        entry = lambda path: {"azure_blob_config_file": f"aux_data/configs/{file}.yaml", "path": path}
        cluster = {"config_param": {"data_folder": entry(prefix), "output_folder": entry("out")}}
        account_file = {"account_name": account, "container_name": container, "blob_endpoint": endpoint, **more}
        if sas:
            account_file["sas_token"] = "?" + sas
        elif key:
            account_file["account_key"] = key
        # JSON is YAML; it spares the tests a YAML writer.
        (aml / f"{name}.yaml").write_text(json.dumps(cluster, indent=2))
        (accounts / f"{file}.yaml").write_text(json.dumps(account_file, indent=2))

    def act(self, *arguments, expect=0, env=None, **more):
        return run([ACT, *arguments], cwd=self.folder, env=env or self.env, expect=expect, **more)

    def start(self, *arguments, **more):
        """Starts act without waiting for it."""
        return subprocess.Popen(
            [str(a) for a in [ACT, *arguments]], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,
        )  # fmt: skip


def azcopy(*arguments, home, expect=0, env=None, timeout=300):
    full = clean_environment(home, AZCOPY_DISABLE_SYSLOG="true", **(env or {}))
    return run([AZCOPY, *arguments, "--skip-version-check"], env=full, expect=expect, timeout=timeout)


def rclone(*arguments, home, endpoint, ca=None, expect=0, timeout=300):
    """rclone with a remote called `store:` signed by the emulator's key. Names are compared as they are: without the
    option it takes the two Unicode forms of a name for one."""
    remote = {"TYPE": "azureblob", "USE_EMULATOR": "true", "ENDPOINT": endpoint}
    settings = {f"RCLONE_CONFIG_STORE_{k}": v for k, v in remote.items()}
    trust = ["--ca-cert", ca] if ca else []
    full = clean_environment(home, RCLONE_CONFIG=os.devnull, **settings)
    # Checks against what a test wants, not against time: retries would only hide trouble.
    return run(["rclone", *arguments, "--retries", "1", "--no-unicode-normalization", *trust], env=full, expect=expect, timeout=timeout)


# --- trees ----------------------------------------------------------------------------------------------------------


def content(size, seed):
    """`size` bytes that are cheap to make, do not compress to nothing, and differ in every block."""
    piece = random.Random(seed).randbytes(min(size, MIB))
    out = bytearray()
    counter = 0
    while len(out) < size:
        out += counter.to_bytes(8, "little") + piece[8:]
        counter += 1
    return bytes(out[:size])


def write(path, data=b"", mode=None, modified=None):
    """Writes one file with its parents; `modified` is in nanoseconds since 1970."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if mode is not None:
        path.chmod(mode)
    if modified is not None:
        os.utime(path, ns=(modified, modified))
    return path


MOMENT = 981173106_123456789  # 2001-02-03 04:05:06.123456789 UTC

ODD_NAMES = [
    "with space", " leading and trailing ", "two  spaces", "100%", "%41 is not A", "%2F", "%zz", "a#b", "what?", "?",
    "a+b", "a&b=c", "it's", 'say "so"', "semi;colon", "co:lon", "at@sign", "bang!", "dollar$HOME", "star*",
    "[brackets]", "(round)", "{curly}", "comma,", "equals=", "tilde~", "back`tick", "caret^", "pipe|", "<less>",
    ".hidden", "-dash", "--help", "..two-dots", "three...", "UPPER", "upper",
    "na\u00efve caf\u00e9", unicodedata.normalize("NFD", "na\u00efve caf\u00e9"), "\u65e5\u672c\u8a9e", "\U0001f680 rocket",
    "\u0645\u0631\u062d\u0628\u0627", "\u00a0nbsp", "zero\u200bwidth", "\u00df\u017f\u0130",
]  # fmt: skip


def awkward_tree(folder, *, big=True, empty_folders=True, odd_ends=True):
    """Makes the tree of the acceptance list. Peers that cannot hold empty folders, or names that end in a space or a
    dot, are given a tree without them."""
    folder = pathlib.Path(folder)
    for number, name in enumerate(ODD_NAMES):
        if not odd_ends and name != name.rstrip(" ."):
            continue
        write(folder / "names" / name, content(100 + number, name), modified=MOMENT + number * 1_000_000_007)
        write(folder / "folders" / name / "inside", name.encode("utf-8"))
    long = "x" * 196 + ".txt"
    write(folder / ("l" * 200) / ("m" * 200) / long, b"long names")
    deep = folder
    for level in range(40):
        deep = deep / f"level{level:02}"
    write(deep / "bottom", b"deep down")

    write(folder / "sizes/empty")
    write(folder / "sizes/one", b"1")
    around = {"single": SINGLE, "block": BLOCK}
    for name, size in around.items():
        for difference in (-1, 0, 1):
            write(folder / f"sizes/{name}{difference:+}", content(size + difference, name))
    if big:
        write(folder / "sizes/300MiB", content(300 * MIB, "big"))

    for mode in (0o755, 0o700, 0o644, 0o600, 0o444, 0o555):
        write(folder / f"modes/{mode:o}", b"#!/bin/sh\n", mode=mode, modified=MOMENT)
    write(folder / "times/before 1970", b"old", modified=-86_400_000_000_001)
    write(folder / "times/far", b"far", modified=4_102_444_800_999_999_999)
    # Names that differ only after a slash or a hyphen: their order as blobs is not their order as paths.
    for path in ("order/a/b", "order/a-b", "order/a.b", "order/a/b-c", "order/ab", "order/a0"):
        write(folder / path, path.encode())
    if empty_folders:
        for name in ("empty", "nested/empty/deep", "with space/and #hash"):
            (folder / "hollow" / name).mkdir(parents=True)
    return folder


def snapshot(folder, *, modes=False, times=False, folders=True):
    """What is in a tree: relative path -> a tuple that tells files and folders apart by type, content, mode, time."""
    folder = str(folder)
    found = {}
    for path, directories, files in os.walk(folder):
        for name in directories:
            if folders:
                found[os.path.relpath(os.path.join(path, name), folder)] = ("folder",)
        for name in files:
            full = os.path.join(path, name)
            status = os.lstat(full)
            with open(full, "rb") as stream:
                digest = hashlib.file_digest(stream, "blake2b")
            facts = ["file", status.st_size, digest.hexdigest()]
            facts += [oct(stat.S_IMODE(status.st_mode))] if modes else []
            facts += [status.st_mtime_ns] if times else []
            found[os.path.relpath(full, folder)] = tuple(facts)
    return found


def differences(expected, actual):
    """The first few differences of two snapshots as text; empty when they agree."""
    lines = []
    for path in sorted(set(expected) | set(actual)):
        before, after = expected.get(path), actual.get(path)
        if before != after:
            lines.append(f"{path!r}: expected {before}, got {after}")
    return "\n".join(lines[:10] + ([f"... {len(lines)} in all"] if len(lines) > 10 else []))


def assert_same(expected, actual, what=""):
    found = differences(expected, actual)
    if found:
        raise AssertionError(f"{what or 'the trees'} differ:\n{found}")


@contextlib.contextmanager
def temporary_folder():
    """A folder that goes away with all below it, read-only parts included."""
    base = os.environ.get("TMPDIR") or "/tmp"
    path = tempfile.mkdtemp(prefix="act-test-", dir=base)
    try:
        yield pathlib.Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)



class Gate:
    """Passes TCP connections on to a server until `limit` bytes have gone through; then everything stands still until
    open(). So a test can stop a transfer at a known place, whatever the machine's speed."""

    def __init__(self, endpoint, limit):
        address = urllib.parse.urlsplit(endpoint)
        self.target = (address.hostname, address.port)
        self.left, self.lock = limit, threading.Lock()
        self.reached, self.opened, self.closed = threading.Event(), threading.Event(), False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        port = self.listener.getsockname()[1]
        self.endpoint = address._replace(netloc=f"127.0.0.1:{port}").geturl()
        self.connections = []
        self.acceptor = threading.Thread(target=self.accept, daemon=True)
        self.acceptor.start()

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
                far = socket.create_connection(self.target)
            except OSError:
                return
            pumps = [
                threading.Thread(target=self.forward, args=(near, far), daemon=True),
                threading.Thread(target=self.back, args=(far, near), daemon=True),
            ]
            self.connections.append((near, far, pumps))
            for pump in pumps:
                pump.start()

    def passes(self, data):
        """Waits as long as the gate is shut; False when the data shall go nowhere any more."""
        with self.lock:
            self.left -= len(data)
            stop = self.left <= 0
        if stop and not self.opened.is_set():
            self.reached.set()
            self.opened.wait()
            return not self.closed
        return True

    def forward(self, near, far):
        """What the client says. The server is told of its end and may answer what has reached it before."""
        with contextlib.suppress(OSError):
            while (data := near.recv(1 << 18)) and self.passes(data):
                far.sendall(data)
        with contextlib.suppress(OSError):
            far.shutdown(socket.SHUT_WR)

    def back(self, far, near):
        """What the server says, to its end: also when the client no longer listens."""
        heard = True
        with contextlib.suppress(OSError):
            while data := far.recv(1 << 18):
                try:
                    if heard := heard and self.passes(data):
                        near.sendall(data)
                except OSError:
                    heard = False
        with contextlib.suppress(OSError):
            near.shutdown(socket.SHUT_RDWR)

    def open(self):
        """Lets everything through from now on."""
        self.opened.set()

    def close(self):
        """Ends all connections. When it returns the server has carried out whatever had reached it whole, and ended its
        side: what a test asks it from now on is the answer for good."""
        self.closed = True
        self.opened.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.acceptor.join(60)
        for near, _, _ in self.connections:
            with contextlib.suppress(OSError):
                near.shutdown(socket.SHUT_RDWR)
        for near, far, pumps in self.connections:
            for pump in pumps:
                pump.join(60)
                if pump.is_alive():
                    raise AssertionError("the server did not end a connection that its client has ended")
            near.close()
            far.close()
        self.connections.clear()
