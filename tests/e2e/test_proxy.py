"""act behind a forward proxy: a small one that opens tunnels and passes on plain requests. What is on this machine is
never asked of a proxy, so the stores are called by a name that only the proxy knows."""

import base64
import json
import re
import socket
import socketserver
import threading
import unittest
import urllib.request

import harness

NAME = "store.test"
USER, PASSWORD = "me", "p@ss:w/rd%"
ENCODED = "p%40ss%3Aw%2Frd%25"
MIB = harness.MIB


class Proxy(socketserver.ThreadingTCPServer):
    """Knows one name, which is this machine, and lets in who has the password."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, password=None, refuse=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.secret = password and base64.b64encode(f"{USER}:{password}".encode()).decode()
        self.refuse = refuse
        self.seen, self.lock, self.tunnels = [], threading.Lock(), 0
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.port = self.server_address[1]

    def handle_error(self, request, client_address):
        pass


class Handler(socketserver.BaseRequestHandler):
    def head(self, source, data):
        while b"\r\n\r\n" not in data:
            more = source.recv(65536)
            if not more:
                return None, b""
            data += more
        head, rest = data.split(b"\r\n\r\n", 1)
        return head.decode("latin-1"), rest

    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = b""
        far = None
        while True:
            head, data = self.head(self.request, data)
            if head is None:
                return
            method, target, _ = head.split("\r\n")[0].split(" ", 2)
            with self.server.lock:
                self.server.seen.append((method, target))
            if self.server.secret and f"Proxy-Authorization: Basic {self.server.secret}" not in head:
                return self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            if self.server.refuse:
                return self.request.sendall(f"HTTP/1.1 {self.server.refuse}\r\nContent-Length: 0\r\n\r\n".encode())
            if method == "CONNECT":
                host, port = target.rsplit(":", 1)
                assert host == NAME, target
                with socket.create_connection(("127.0.0.1", int(port))) as far:
                    far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    return self.both_ways(far)
            found = re.match(rf"http://{NAME}:(\d+)(/.*)$", target)
            assert found, target
            if far is None:
                far = socket.create_connection(("127.0.0.1", int(found.group(1))))
                far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            lines = [l for l in head.split("\r\n")[1:] if not l.lower().startswith("proxy-")]
            far.sendall("\r\n".join([f"{method} {found.group(2)} HTTP/1.1", *lines, "", ""]).encode("latin-1"))
            data = self.body(head, data, self.request, far)
            reply, rest = self.head(far, b"")
            if reply is None:
                return
            self.request.sendall((reply + "\r\n\r\n").encode("latin-1"))
            if "transfer-encoding: chunked" in reply.lower():
                while not rest.endswith(b"0\r\n\r\n"):
                    rest += far.recv(65536)
                self.request.sendall(rest)
            elif method != "HEAD":
                self.body(reply, rest, far, self.request)

    @staticmethod
    def body(head, data, source, sink):
        """Passes on a body of known length; what is behind it."""
        found = re.search(r"(?mi)^content-length: *(\d+)", head)
        left = int(found.group(1)) if found else 0
        while left > 0:
            if not data:
                data = source.recv(1 << 18)
                if not data:
                    raise ConnectionError
            sink.sendall(data[:left])
            data, left = data[left:], left - min(left, len(data))
        return data

    def both_ways(self, far):
        def pump(source, sink):
            try:
                while chunk := source.recv(1 << 18):
                    sink.sendall(chunk)
            except OSError:
                pass
            for each in (source, sink):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        back = threading.Thread(target=pump, args=(far, self.request), daemon=True)
        back.start()
        pump(self.request, far)
        back.join()


class ThroughProxy(unittest.TestCase):
    def setUp(self):
        if not harness.ACT.exists():
            self.skipTest(f"{harness.ACT} is not built")
        self.scratch = self.enterContext(harness.temporary_folder())

    def start(self, *, tls=False, proxy=None, user=f"{USER}:{ENCODED}@"):
        """A store that is known to act by a name of the proxy's, and a tree in a project."""
        (self.scratch / "server").mkdir()
        certificate = None
        if tls:
            certificate = self.certificate()
        server = harness.act_serve(self.scratch / "server", certificate=certificate and certificate[:2], arguments=["--admin", ":0"])
        self.addCleanup(server.stop)
        self.server = server
        self.proxy = proxy or Proxy(PASSWORD)
        self.addCleanup(self.proxy.server_close)
        self.addCleanup(self.proxy.shutdown)
        endpoint = server.endpoint.replace("127.0.0.1", NAME)
        self.project = harness.Project(self.scratch / "project", endpoint)
        variable = "HTTPS_PROXY" if tls else "http_proxy"
        self.project.env[variable] = f"http://{user}127.0.0.1:{self.proxy.port}"
        if tls:
            self.project.env["SSL_CERT_FILE"] = str(certificate[2])

    def certificate(self):
        folder = self.scratch / "tls"
        folder.mkdir()
        (folder / "openssl.cnf").write_text("[req]\ndistinguished_name=dn\n[dn]\n")
        new = ["openssl", "req", "-config", folder / "openssl.cnf", "-x509", "-newkey", "ec", "-nodes", "-days", "30"]
        new += ["-pkeyopt", "ec_paramgen_curve:P-256"]
        harness.run(
            [*new, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-subj", "/CN=act test authority"]
            + ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign"]
        )
        harness.run(
            [*new, "-keyout", folder / "store.key", "-out", folder / "store.pem", "-subj", f"/CN={NAME}"]
            + ["-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-addext", "basicConstraints=CA:FALSE"]
            + ["-addext", f"subjectAltName=DNS:{NAME}"]
        )
        return folder / "store.pem", folder / "store.key", folder / "ca.pem"

    def there_and_back(self):
        tree = self.project.folder / "data/tree"
        for number in range(40):
            harness.write(tree / f"small/{number} +%.txt", harness.content(3000, number))
        harness.write(tree / "large", harness.content(20 * MIB + 5, "large"))
        before = harness.snapshot(tree)
        sent = self.project.act("u", "data/tree", "--json", "--log-level", "debug")
        self.assertEqual(sent.summary["files"], 41)
        tree.rename(self.scratch / "original")
        got = self.project.act("d", "data/tree", "--json")
        self.assertEqual(got.summary["files"], 41)
        harness.assert_same(before, harness.snapshot(tree))
        self.assertEqual(self.project.act("rm", "data/tree", "-y", "--json").summary["files"], 41)
        self.assertNotIn(PASSWORD, sent.text)
        self.assertNotIn(ENCODED, sent.text)
        self.assertNotIn(self.proxy.secret, sent.text)
        self.assertIn(f"through the proxy 127.0.0.1:{self.proxy.port}", sent.err)
        return sent.summary["requests"] + got.summary["requests"]

    def test_plain_http(self):
        self.start()
        requests = self.there_and_back()
        self.assertGreaterEqual(len(self.proxy.seen), requests)
        for method, target in self.proxy.seen:
            self.assertTrue(target.startswith(f"http://{NAME}:"), target)

    def test_https(self):
        self.start(tls=True)
        self.there_and_back()
        self.assertEqual({m for m, _ in self.proxy.seen}, {"CONNECT"})
        stats = harness.admin(self.server, "/stats")
        self.assertLess(len(self.proxy.seen), stats["requests_total"], "tunnels are kept")

    def test_what_no_proxy_names_is_asked_directly(self):
        self.start()
        self.project.env["NO_PROXY"] = "example.com, .test"
        harness.write(self.project.folder / "data/x", b"x")
        failed = self.project.act("u", "data/x", expect=6)
        self.assertIn(NAME, failed.err)
        self.assertIn("resolve", failed.err)
        self.assertEqual(self.proxy.seen, [])
        # This machine is never behind a proxy.
        self.project.configure(self.server.endpoint)
        del self.project.env["NO_PROXY"]
        self.project.act("u", "data/x")
        self.assertEqual(self.proxy.seen, [])

    def test_refusals(self):
        for tls in (False, True):
            with self.subTest(tls=tls):
                self.scratch = self.enterContext(harness.temporary_folder())
                self.start(tls=tls, user=f"{USER}:wrong-{ENCODED}@")
                harness.write(self.project.folder / "data/x", b"x")
                failed = self.project.act("u", "data/x", "--log-level", "debug", expect=4)
                self.assertIn(f"the proxy 127.0.0.1:{self.proxy.port}", failed.err)
                self.assertIn("407", failed.err)
                self.assertNotIn(ENCODED, failed.text)
                self.assertNotIn(PASSWORD, failed.text)

    def test_a_tunnel_that_is_refused(self):
        self.start(tls=True, proxy=Proxy(refuse="403 Forbidden"))
        harness.write(self.project.folder / "data/x", b"x")
        failed = self.project.act("u", "data/x", expect=4)
        self.assertIn(f"refused a tunnel to {NAME}:", failed.err)
        self.assertIn("NO_PROXY", failed.err)

    def test_no_proxy_there(self):
        self.start(tls=True)
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            self.project.env["HTTPS_PROXY"] = f"http://127.0.0.1:{nobody.getsockname()[1]}"
            harness.write(self.project.folder / "data/x", b"x")
            failed = self.project.act("u", "data/x", expect=6)
        self.assertIn("cannot connect to the proxy 127.0.0.1", failed.err)
        self.assertIn("check HTTPS_PROXY", failed.err)

    def test_kinds_that_cannot_be_used(self):
        self.start(tls=True)
        harness.write(self.project.folder / "data/x", b"x")
        for url in ("socks5://me:hidden@127.0.0.1:1080", "https://me:hidden@127.0.0.1:1080"):
            self.project.env["HTTPS_PROXY"] = url
            failed = self.project.act("u", "data/x", expect=3)
            self.assertIn("HTTPS_PROXY", failed.err)
            self.assertNotIn("hidden", failed.text)


class Version6(unittest.TestCase):
    """The store and its clients on ::1."""

    def setUp(self):
        if not harness.ACT.exists():
            self.skipTest(f"{harness.ACT} is not built")
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError as e:
            self.skipTest(f"no ::1 here: {e}")
        self.scratch = self.enterContext(harness.temporary_folder())

    def test_a_tree_goes_up_down_and_is_copied(self):
        root = self.scratch / "server"
        root.mkdir()
        command = [harness.ACT, "serve", "--root", root, "--listen", "[::1]:0", "--admin", "[::1]:0", "--json"]
        told = {}

        def ready(line):
            told.update(json.loads(line))
            return told["endpoint"]

        server = harness.Server(command, ready, env=harness.clean_environment(root), cwd=root)
        server.admin = told["admin"]
        self.addCleanup(server.stop)
        self.assertTrue(server.endpoint.startswith("http://[::1]:"), server.endpoint)
        # A proxy is not asked about this machine.
        project = harness.Project(self.scratch / "project", server.endpoint)
        project.env["http_proxy"] = "http://127.0.0.1:1"
        tree = project.folder / "data/tree"
        for number in range(10):
            harness.write(tree / str(number), harness.content(5000 * number, number))
        harness.write(tree / "large", harness.content(9 * MIB, "large"))
        before = harness.snapshot(tree)
        project.act("u", "data/tree")
        tree.rename(self.scratch / "original")
        project.act("d", "data/tree")
        harness.assert_same(before, harness.snapshot(tree))
        url = project.act("url", "data/tree/large").out.strip()
        self.assertTrue(url.startswith("http://[::1]:"), url)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60) as answer:
            self.assertEqual(answer.read(), (tree / "large").read_bytes())
        project.act("cp", f"{server.endpoint}/work/some/path/tree/large", str(self.scratch / "copy"))
        self.assertEqual((self.scratch / "copy").read_bytes(), (tree / "large").read_bytes())
        self.assertGreater(harness.admin(server, "/stats")["requests_total"], 10)


if __name__ == "__main__":
    unittest.main()
