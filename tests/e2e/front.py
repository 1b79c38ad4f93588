"""A front door of the tests: a proxy before nginx that does what firewalls,
CDNs and wrong settings do; and certificates of a CA of the tests' own."""

import http.client
import http.server
import os
import ssl
import subprocess
import threading
import time
from email.utils import formatdate

from lib import LIMIT

HTML = b"<html><body><h1>What a lovely page</h1></body></html>"


# ---- certificates -----------------------------------------------------------

def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True,
                   capture_output=True)


class Authority:
    """ca.pem, and what it signs: NAME.pem with its chain, and NAME.key."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.file = folder / (name + ".pem")
        openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                "-subj", "/CN=Tests " + name, "-keyout", name + ".key",
                "-out", name + ".pem")

    def sign(self, name, days=90, host="localhost", own=False):
        """own: by itself, and not by the authority."""
        (self.folder / (name + ".ext")).write_text(
            "subjectAltName=DNS:%s\n" % host)
        openssl(self.folder, "req", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                "/CN=" + host, "-keyout", name + ".key", "-out",
                name + ".csr")
        by = (["-signkey", name + ".key"] if own else
              ["-CA", self.name + ".pem", "-CAkey", self.name + ".key",
               "-CAcreateserial"])
        openssl(self.folder, "x509", "-req", "-in", name + ".csr", *by,
                "-days", str(days), "-extfile", name + ".ext", "-out",
                name + ".pem")
        return self.folder / (name + ".pem"), self.folder / (name + ".key")


# ---- the proxy --------------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    server_version, sys_version = "tests", ""

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return formatdate(time.time() + self.server.front.shift, usegmt=True)

    def own(self, status, body=HTML, kind="text/html", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        front = self.server.front
        n = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(n)
        front.asked.append((self.command, self.path, dict(self.headers)))
        for begin, act in front.rules:
            if self.path.startswith(begin) and act(self, body):
                return
        self.hand_on(body)

    do_GET = do_POST = handle_any

    def hand_on(self, body):
        front = self.server.front
        headers = {k: v for k, v in self.headers.items()
                   if k.lower() not in front.stripped}
        headers["Connection"] = "close"
        up = http.client.HTTPConnection("127.0.0.1", front.port, timeout=LIMIT)
        try:
            up.request(self.command, self.path, body or None, headers)
            r = up.getresponse()
            self.send_response(r.status)
            for name, value in r.getheaders():
                if name.lower() not in ("connection", "transfer-encoding",
                                        "date", "server"):
                    self.send_header(name, value)
            self.end_headers()
            self.pass_on(r)
        except OSError:
            pass
        finally:
            up.close()

    def pass_on(self, r):
        """As it comes; or once there are 16 kB of it, as nginx buffers."""
        held = b""
        while True:
            piece = r.read1(4096)
            held += piece
            if held and (not piece or not self.server.front.buffers or
                         len(held) > 16384):
                self.wfile.write(held)
                self.wfile.flush()
                held = b""
            if not piece or self.server.front.ended.is_set():
                return


class Front:
    """One proxy on a port of its own. rules: (beginning of a path, function
    of handler and body that answers or returns False)."""

    def __init__(self, port, rules=(), cert=None, stripped=(), shift=0,
                 buffers=False, at=None):
        self.port, self.rules, self.shift = port, list(rules), shift
        self.stripped = {s.lower() for s in stripped}
        self.buffers = buffers
        self.asked = []
        self.ended = threading.Event()

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass
        self.server = Server((at or "127.0.0.1", 0), Handler,
                             bind_and_activate=True)
        self.server.front = self
        if cert:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*cert)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
        self.url = "%s://%s:%d" % ("https" if cert else "http",
                                   at or "localhost",
                                   self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def end(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def answers(status, body=HTML, kind="text/html", **headers):
    """A rule's function: that answer."""
    def act(handler, _):
        handler.own(status, body, kind, **headers)
        return True
    return act


def longer_than(most, act):
    def maybe(handler, body):
        return len(body) > most and act(handler, body)
    return maybe


def moved(status, to):
    def act(handler, _):
        handler.own(status, Location=to + handler.path)
        return True
    return act


def swallows(handler, _):
    handler.server.front.ended.wait(LIMIT)
    return True


def environment(ca):
    return {**os.environ, "CURL_CA_BUNDLE": str(ca)}
