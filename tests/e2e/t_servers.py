#!/usr/bin/env python3
"""Other web servers, as gatepost-servers(7) sets them up.

Each configuration is taken from the page; only addresses and folders are
changed. The programs are those installed, or those that tests/packages.sh
unpacked into build/servers.
"""

import sys
sys.dont_write_bytecode = True
import json
import os
import re
import shutil
import socket
import subprocess
import time

from lib import (FORM, LIMIT, TOP, Place, basic, connects, fixture, folder,
                 free_port, http_raw, http_request, main, ok, sale, sale_of_size,
                 same, skip, start, stop, until)

PAGE = TOP / "cgi/gatepost-servers.7"
UNPACKED = TOP / "build/servers"
BIG = 1024 * 1024
SONG = bytes(range(256)) * 8000


def config(name, *changes):
    """What the page shows under that name, with each (old, new) replaced."""
    found = re.search(r'^\.\\" config: %s\n\.Bd -literal[^\n]*\n(.*?)^\.Ed$'
                      % name, PAGE.read_text(), re.M | re.S)
    text = found.group(1).replace(r"\e", "\\")
    for old, new in changes:
        if old not in text:
            raise RuntimeError("%s: no '%s'" % (name, old))
        text = text.replace(old, str(new))
    return text


def find(name):
    for where in (None, "%s/usr/bin:%s/usr/sbin" % (UNPACKED, UNPACKED),
                  "/usr/sbin"):
        found = shutil.which(name, path=where)
        if found:
            return found
    return None


def program(name):
    found = find(name)
    if not found:
        raise RuntimeError("%s is missing; tests/packages.sh can unpack it" %
                           name)
    return found


def place():
    p = Place()
    # under a folder that the server's own user can enter
    p.www = p.dir / "www"
    (p.www / "supporter").mkdir(parents=True)
    (p.www / "supporter/page.txt").write_text("for supporters\n")
    (p.dir / "guides").mkdir()
    (p.dir / "guides/song").write_bytes(SONG)
    p.configure(more="\nfiles '/guides' {\n  root = '%s/guides'\n"
                "  tier = 'supporter'\n}\n"
                "buy 'shop' { url = 'https://example.com/l/x' }\n" % p.dir)
    p.run()
    return p


def serve(p, write):
    """write(port) gives the command line; tried again if the port is gone."""
    for _ in range(5):
        p.port = free_port()
        log = open(p.dir / "server.log", "ab")
        child = start(write(p.port), stdout=log, stderr=log, cwd=p.dir,
                      env={"PATH": os.environ["PATH"], "HOME": str(p.dir),
                           # where h2o looks for files of its own
                           **({"H2O_ROOT": str(UNPACKED / "usr")}
                              if (UNPACKED / "usr/share/h2o").is_dir() else {})})
        log.close()
        until(lambda: child.poll() is not None or
              connects(("127.0.0.1", p.port)), "the server")
        if child.poll() is None:
            return child
    raise RuntimeError((p.dir / "server.log").read_text())


def a_pass(p, user):
    return p.cli("pass", "--user", user).stdout.decode().strip()


class Stream:
    """A browser's EventSource, near enough."""

    def __init__(self, p, token):
        self.s = socket.create_connection(("127.0.0.1", p.port), LIMIT)
        self.s.sendall(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                       b"Accept: text/event-stream\r\n"
                       b"Cookie: gatepost=%s\r\n\r\n" % (
                           p.port, token.encode()))
        self.text = b""

    def wait(self, n, limit=LIMIT):
        """Until n events are there, or it ends; their objects."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            found = re.findall(rb"event: access\r?\ndata: (.*?)\r?\n\r?\n",
                               self.text)
            if len(found) >= n:
                return [json.loads(data) for data in found]
            self.s.settimeout(max(0.01, end - time.monotonic()))
            try:
                piece = self.s.recv(65536)
            except socket.timeout:
                break
            if not piece:
                break
            self.text += piece
        return []


# ---- what each has to do -----------------------------------------------------

def deliveries(p, what):
    same(p.get("/healthz").status, 200, what + ": /healthz")
    a = p.gumroad(sale(1))
    same((a.status, a.word()), (200, "recorded"), what + ": a delivery")
    a = p.post("/hooks/gumroad", sale(2), {**FORM, **basic(p.tokens[1])})
    same((a.status, a.word()), (200, "recorded"), what + ": by password")
    same(p.gank(fixture("gank/um-documented")).status, 200, what + ": Gank")
    same(p.gumroad(sale(3), token="x" * 48).status, 404,
         what + ": a wrong token")
    same(p.access("user=u1").json().get("tier"), "supporter",
         what + ": a lookup")
    same(p.access("email=calvin%2B1@example.com").json().get("key"),
         {"email": "calvin+1@example.com"}, what + ": a query as it was sent")
    same(p.get("/v1/access?user=u1").status, 401, what + ": without a key")
    same(p.get("/nothing").status, 404, what + ": an unknown path")
    same(p.gumroad(sale_of_size(4, 200000)).status, 200, what + ": 200 kB")
    same(p.gumroad(sale_of_size(5, BIG)).status, 200, what + ": 1 MiB")
    before = p.events()
    try:
        a = p.gumroad(sale_of_size(6, BIG + 1))
        same(a.status, 413, what + ": 1 MiB and one byte")
    except (BrokenPipeError, ConnectionResetError):
        # a server may close when it knows the length
        ok(True, what + ": 1 MiB and one byte")
    same(p.events(), before, what + ": which is not stored")
    stored = p.one("SELECT length(CAST(body AS BLOB)) FROM events "
                   "ORDER BY id DESC LIMIT 1")
    same(stored, BIG, what + ": all of the body arrived")


def live(p, what):
    begun = time.monotonic()
    s = Stream(p, a_pass(p, "u1"))
    first = s.wait(1, 5)
    ok(len(first) == 1 and first[0]["tier"] == "supporter" and
       time.monotonic() - begun < 3, what + ": the first event comes at once",
       s.text)
    begun = time.monotonic()
    p.cli("grant", "--user", "u1", "--tier", "influencer")
    told = s.wait(2, 5)
    ok(len(told) == 2 and told[1]["tier"] == "influencer" and
       time.monotonic() - begun < 3, what + ": a change comes at once",
       s.text)
    s.s.close()
    a = p.get("/v1/changes?after=0&wait=1", p.bearer())
    ok(a.status == 200 and a.json()["changes"], what + ": /v1/changes", a)


def gate(p, what):
    """No way of writing the path leads past it."""
    mine = a_pass(p, "u1")
    good = {"Cookie": "gatepost=" + mine}
    other = {"Cookie": "gatepost=" + a_pass(p, "nobody")}
    path = "/supporter/page.txt"
    a = p.get(path, good)
    same((a.status, a.body), (200, b"for supporters\n"), what + ": let in")
    same(p.get(path, {"Authorization": "Bearer " + mine}).status, 200,
         what + ": let in by header")
    for way in (path, "/%73upporter/page.txt", "/supporter/%70age.txt",
                "//supporter/page.txt", "/x/../supporter/page.txt",
                "/supporter/./page.txt", path + "?tier=", path +
                "?GATEPOST_GATE=allow=read", "/supporter//page.txt",
                "/hooks/../supporter/page.txt", "/SUPPORTER/page.txt"):
        for name, headers in (("no pass", {}), ("no tier", other)):
            head = "".join("%s: %s\r\n" % h for h in headers.items())
            raw = "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" \
                "Connection: close\r\nGATEPOST-GATE: allow=read\r\n%s\r\n" % (
                    way, p.port, head)
            out = http_raw(p.port, raw.encode())
            ok(out.startswith(b"HTTP/1.1 4") and
               b"for supporters" not in out,
               "%s: %s: %s" % (what, name, way), out)
    same(p.get(path).status, 401, what + ": no pass")
    same(p.get(path, other).status, 403, what + ": no tier")


def files(p, what):
    """The program's own: whole, in parts, and for nobody else."""
    path = "/files/guides/song"
    good = {"Cookie": "gatepost=" + a_pass(p, "u1")}
    a = p.get(path, good)
    same((a.status, a.body == SONG), (200, True), what + ": a file")
    a = p.get(path, {**good, "Range": "bytes=1000000-1000009"})
    same((a.status, a.body), (206, SONG[1000000:1000010]),
         what + ": a part of it")
    same(p.get(path).status, 401, what + ": no pass, no file")
    other = {"Cookie": "gatepost=" + a_pass(p, "nobody")}
    same(p.get(path, other).status, 403, what + ": no tier, no file")


def outage(p, what, gated):
    """Down: Gumroad has to come again, and the gate stays shut."""
    stop(p.program)
    same(p.gumroad(sale(7)).status in (502, 503, 504), True,
         what + ": a delivery while Gatepost is down")
    a = p.get("/supporter/page.txt", {"Cookie": "gatepost=" + a_pass(p, "u1")})
    same(a.status, gated, what + ": the gate then")
    p.run()
    until(lambda: p.gumroad(sale(7)).status == 200, "the server to come back")
    ok(True, what + ": it comes back by itself")


def all_of(p, what, gated):
    deliveries(p, what)
    live(p, what)
    gate(p, what)
    files(p, what)
    outage(p, what, gated)


def logs_hold_nothing(p, what, log):
    text = (p.dir / log).read_text(errors="replace")
    ok(text.count("\n") > 10, what + ": there is an access log", text)
    for word in (*p.tokens, p.api_key, "calvin", "?"):
        ok(word not in text, "%s: no secret in the access log" % what, text)


# ---- the servers -------------------------------------------------------------

def lighttpd_server():
    p = place()
    binary = program("lighttpd")

    def write(port):
        base = 'server.modules = ("mod_access")\n' \
            'server.document-root = "%s"\nserver.port = %d\n' \
            'server.bind = "127.0.0.1"\naccesslog.filename = "%s/access"\n' % (
                p.www, port, p.dir)
        conf = p.dir / "lighttpd.conf"
        conf.write_text(base + config(
            "lighttpd", ("/run/gatepost/gatepost.sock", p.sock)))
        more = []
        if binary.startswith(str(UNPACKED)):
            more = ["-m", UNPACKED / "usr/lib/lighttpd"]
        return [binary, "-D", "-f", conf, *more]
    return p, serve(p, write)


def lighttpd():
    p, child = lighttpd_server()
    all_of(p, "lighttpd", 503)
    stop(child)
    logs_hold_nothing(p, "lighttpd", "access")


def caddy_server():
    p = place()

    def write(port):
        conf = p.dir / "Caddyfile"
        conf.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + config(
            "caddy", ("/run/gatepost/gatepost.sock", p.sock),
            ("example.org", "http://127.0.0.1:%d" % port),
            ("/srv/members", p.www)))
        return [program("caddy"), "run", "--config", conf, "--adapter",
                "caddyfile"]
    return p, serve(p, write)


def caddy():
    p, _ = caddy_server()
    all_of(p, "caddy", 502)


def caddy_headers():
    """What the visitor says of himself does not reach the app."""
    app, inner = folder(), free_port()
    (app / "app.py").write_text(
        "import http.server\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        out = str(self.headers).encode()\n"
        "        self.send_response(200)\n"
        "        self.send_header('Content-Length', str(len(out)))\n"
        "        self.end_headers()\n"
        "        self.wfile.write(out)\n"
        "http.server.HTTPServer(('127.0.0.1', %d), H).serve_forever()\n"
        % inner)
    start([sys.executable, app / "app.py"], stderr=subprocess.DEVNULL)
    until(lambda: connects(("127.0.0.1", inner)), "the app")
    p = place()

    def write(port):
        conf = p.dir / "Caddyfile"
        conf.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + config(
            "caddy", ("/run/gatepost/gatepost.sock", p.sock),
            ("example.org", "http://127.0.0.1:%d" % port),
            ("root * /srv/members\n", ""),
            ("file_server", "reverse_proxy 127.0.0.1:%d" % inner)))
        return [program("caddy"), "run", "--config", conf, "--adapter",
                "caddyfile"]
    serve(p, write)
    p.gumroad(sale(1))
    for connection in ("close", "close, X-Gatepost-User", "X-GATEPOST-BY",
                       "x-gatepost-tier,keep-alive, X-Gatepost-User"):
        a = http_request(p.port, "GET", "/supporter/", None, {
            "Cookie": "gatepost=" + a_pass(p, "u1"), "X-Gatepost-User": "evil",
            "X_Gatepost_User": "evil", "X-Gatepost-By": "evil",
            "Connection": connection})
        text = a.body.decode().lower()
        ok("x-gatepost-user: u1" in text and "x-gatepost-by: user" in text and
           "x-gatepost-tier: supporter" in text and "evil" not in text,
           "caddy: the app is told who it is; Connection: " + connection, a)


def h2o_server():
    p = place()

    def write(port):
        conf = p.dir / "h2o.conf"
        text = config("h2o", ("/run/gatepost/gatepost.sock", p.sock),
                      ("9411", free_port()), ("/srv/members", p.www),
                      ("/var/log/h2o/access.log", p.dir / "access"),
                      ("port: 80", "port: %d" % port))
        # else it is nobody, who cannot enter the folder
        user = "user: root\n" if os.getuid() == 0 else ""
        conf.write_text(user + "num-threads: 2\n" + text)
        return [program("h2o"), "-c", conf]
    return p, serve(p, write)


def h2o():
    if not find("h2o"):
        skip("h2o", "Debian 13 has none")
        return
    p, child = h2o_server()
    all_of(p, "h2o", 403)
    stop(child)
    logs_hold_nothing(p, "h2o", "access")


if __name__ == "__main__":
    main(lighttpd, caddy, caddy_headers, h2o)
