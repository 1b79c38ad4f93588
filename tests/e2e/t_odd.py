#!/usr/bin/env python3
"""Odd but honest requests: one table, sent by raw sockets through each web
server as shipped or as gatepost-servers(7) sets it up, to the program as plain
CGI, and to its socket. The answer is the same everywhere; the exceptions are
those of ODD REQUESTS in that page."""

import sys
sys.dont_write_bytecode = True
import http.client
import os
import socket

import t_servers
from apache import APACHE, ApachePlace
from lib import (FORM, LIMIT, TOP, Answer, Fcgi, Place, basic, cgi_params,
                 fcgi_head, jwt, main, ok, sale, sale_of_size, same, skip, stop,
                 stream, until, STDIN)

SONG = bytes(range(256)) * 40
HOST = "members.example.org"
FILES = """
files '/guides' {
  root = '%s/guides'
  tier = 'supporter'
}
buy 'shop' { url = 'https://example.com/l/x' }
"""


# ---- the table ---------------------------------------------------------------
# A row: its name, method, path, what is sent with it, the answer. In a path and
# a header {token} is a token of Gumroad's, {pass} a member's pass, {other} the
# pass of somebody without a tier, {key} an API key. Sent can be: headers (a list
# of lines), body, chunked, absolute, expect, version. A row without a body of
# its own that is a POST to a hook sends a sale like no other, which has to be
# stored whole. The answer: status and word; or status and a part of the body.

KEY = ["Authorization: Bearer {key}"]
HOOK = "/hooks/gumroad/{token}"
BIG = sale_of_size(990, 200000)

DELIVERIES = [(name, "POST", path, sent, (200, "recorded"))
              for name, path, sent in (
    ("plain", HOOK, {}),
    ("doubled slash in front", "/" + HOOK, {}),
    ("doubled slashes inside", "/hooks//gumroad///{token}", {}),
    ("a slash at the end", HOOK + "/", {}),
    ("two slashes at the end", HOOK + "//", {}),
    ("a blank after the token", HOOK + "%20", {}),
    ("a blank and a slash after the token", HOOK + "%20/", {}),
    ("Expect", HOOK, {"expect": True}),
    ("chunked", HOOK, {"chunked": True}),
    ("Expect and chunked", HOOK, {"expect": True, "chunked": True}),
    ("escaped letters", "/%68ooks/%67umroad/{token}", {}),
    ("escapes in upper case", "/h%6Foks/gumr%6Fad/{token}", {}),
    ("escapes in lower case", "/h%6foks/gumr%6fad/{token}", {}),
    ("an absolute target", HOOK, {"absolute": True}),
    ("an absolute target, doubled slash", "/" + HOOK, {"absolute": True}),
    ("an empty query", HOOK + "?", {}),
    ("a query", HOOK + "?a=b", {}),
    ("200 kB", HOOK, {"body": BIG}),
    ("200 kB, chunked", HOOK, {"body": BIG + b"&c=1", "chunked": True}),
    ("200 kB, Expect", HOOK, {"body": BIG + b"&e=1", "expect": True}),
    ("HTTP/1.0", HOOK, {"version": "1.0"}),
    ("a charset", HOOK, {"headers": [
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8"]}),
    ("no type", HOOK, {"headers": []}),
    ("password", "/hooks/gumroad", {"headers": ["Authorization: {basic}"]}),
    ("password, doubled slashes", "//hooks//gumroad/", {"headers": [
        "Authorization: {basic}"]}),
)]

QUESTIONS = [
    ("a wrong token", "POST", "//hooks/gumroad/" + "x" * 48, {},
     (404, "not_found")),
    ("no token", "POST", "//hooks/gumroad/", {}, (404, "not_found")),
    ("an escaped slash", "POST", "/hooks/gumroad%2F{token}", {},
     (404, "not_found")),
    ("GET of a hook", "GET", "/" + HOOK, {}, (405, "method")),
    ("health", "GET", "/healthz", {}, (200, b"ok")),
    ("health, a slash", "GET", "/healthz/", {}, (200, b"ok")),
    ("health, doubled slash", "GET", "//healthz", {}, (200, b"ok")),
    ("health, an empty query", "GET", "/healthz?", {}, (200, b"ok")),
    ("health, absolute", "GET", "/healthz", {"absolute": True}, (200, b"ok")),
    ("health, HEAD", "HEAD", "/healthz", {}, (200, b"")),
    ("lookup", "GET", "/v1/access?user=u1", {"headers": KEY},
     (200, b'"supporter"')),
    ("lookup, doubled slashes", "GET", "//v1//access/?user=u1",
     {"headers": KEY}, (200, b'"supporter"')),
    ("lookup, escaped", "GET", "/v1/acc%65ss?us%65r=%75%31",
     {"headers": KEY}, (200, b'"supporter"')),
    ("lookup, absolute", "GET", "/v1/access?user=u1",
     {"headers": KEY, "absolute": True}, (200, b'"supporter"')),
    ("lookup, HEAD", "HEAD", "/v1/access?user=u1", {"headers": KEY},
     (200, b"")),
    ("lookup, an empty query", "GET", "/v1/access?", {"headers": KEY},
     (400, "identifier")),
    ("lookup, bearer in lower case", "GET", "/v1/access?user=u1",
     {"headers": ["authorization: bearer {key}"]}, (200, b'"supporter"')),
    ("lookups, chunked", "POST", "/v1/access/",
     {"headers": KEY, "body": b'{"users":[{"user":"u1"}]}', "chunked": True},
     (200, b'"supporter"')),
    ("lookups, Expect", "POST", "//v1/access",
     {"headers": KEY, "body": b'{"users":[{"user":"u1"}]}', "expect": True},
     (200, b'"supporter"')),
    ("shop", "GET", "/buy/shop", {}, (303, b"")),
    ("shop, slashes", "GET", "//buy//shop/", {}, (303, b"")),
    ("shop, HEAD", "HEAD", "/buy/sh%6Fp?", {}, (303, b"")),
    ("sign-in page", "GET", "/me", {}, (200, b"Sign in")),
    ("sign-in page, a slash", "GET", "/me/", {}, (200, b"Sign in")),
    ("sign-in page, HEAD", "HEAD", "//me?", {}, (200, b"")),
    ("its style", "GET", "/me//me.css", {}, (200, b"font")),
    ("sign out, chunked", "POST", "/me", {
        "headers": ["Content-Type: application/x-www-form-urlencoded"],
        "body": b"out=1", "chunked": True}, (303, b"")),
    ("no pass", "GET", "/live", {}, (401, "pass")),
    ("no pass, a slash", "GET", "//live/", {}, (401, "pass")),
    ("no file without a pass", "GET", "//files/guides/song", {},
     (401, "pass")),
]

# Of somebody else's pages, where the server has any: not asked of Gatepost.
QUESTIONS += [("not ours: " + path, "GET", path, {}, (404, "elsewhere"))
              for path in ("/menu", "/merch.html", "/media/", "/members/a",
                           "/mean/link", "/livery", "/live.html", "/buyers",
                           "/hooksx/gumroad/{token}", "/v10/access",
                           "/filesystem/a", "/healthz.html", "/metricsx")]

# Each is sent for the stream, the page, a file and what the gate guards.
PASSES = [
    ("one cookie", ["Cookie: gatepost={pass}"]),
    ("two Cookie lines", ["Cookie: theme=dark", "Cookie: gatepost={pass}"]),
    ("two Cookie lines, ours first",
     ["Cookie: gatepost={pass}", "Cookie: theme=dark"]),
    ("cookies joined by a comma", ["Cookie: theme=dark, gatepost={pass}"]),
    ("a comma, ours first", ["Cookie: gatepost={pass}, theme=dark"]),
    ("a comma without a blank", ["Cookie: theme=dark,gatepost={pass},x=y"]),
    ("no blank", ["Cookie: theme=dark;gatepost={pass};"]),
    ("junk before", ["Cookie: gatepost=x; gatepost=; gatepost={pass}"]),
    ("junk in a line before",
     ["Cookie: gatepost=a.b.c", "Cookie: gatepost={pass}"]),
    ("a pass that is over before", ["Cookie: gatepost={old}; gatepost={pass}"]),
    ("fifty junk cookies before",
     ["Cookie: " + "gatepost=aaaa.bbbb.cccc; " * 50 + "gatepost={pass}"]),
    ("a header", ["Authorization: Bearer {pass}"]),
    ("a header, lower case", ["authorization: bearer {pass}"]),
    ("a header and junk cookies", ["Cookie: gatepost=x, gatepost=y",
                                   "Authorization: Bearer {pass}"]),
    ("a cookie and the app's own Authorization",
     ["Cookie: gatepost={pass}", "Authorization: Basic YTpi"]),
]

GUARDED = [("stream", "GET", "/live", (200, b'"tier":"supporter"')),
           ("page", "GET", "/me", (200, b"Signed in as")),
           ("file", "GET", "/files/guides/song", (200, SONG)),
           ("gate", "GET", "{gate}", (200, b"for supporters\n"))]

PASSED = [("%s: %s" % (name, which), method, path, {"headers": lines}, want)
          for which, lines in PASSES for name, method, path, want in GUARDED]

PASSED += [("file: " + name, method, path,
            {"headers": ["Cookie: gatepost={pass}"], **sent}, want)
           for name, method, path, sent, want in (
    ("slashes", "GET", "/files//guides///song", {}, (200, SONG)),
    ("escaped", "GET", "/files/guid%65s/s%6Fng", {}, (200, SONG)),
    ("HEAD", "HEAD", "/files/guides/song?", {}, (200, b"")),
    ("absolute", "GET", "//files/guides/song", {"absolute": True},
     (200, SONG)),
    ("a long name", "GET", "/files/guides/" + "x" * 513, {},
     (404, "not_found")),
)]
PASSED += [("stream: " + name, method, path,
            {"headers": ["Cookie: gatepost={pass}"]}, want)
           for name, method, path, want in (
    ("slashes", "GET", "//live//", (200, b'"tier":"supporter"')),
    ("HEAD", "HEAD", "/live", (200, b"")),
)]

# (server, name of the row): the answer there; gatepost-servers(7), ODD REQUESTS
EXCEPTIONS = {
    ("mod_proxy_fcgi", "an escaped slash"): (404, None),
    ("mod_fcgid", "an escaped slash"): (404, None),
    (".htaccess", "an escaped slash"): (404, None),
    ("caddy", "an escaped slash"): (200, "kept"),
    ("h2o", "an escaped slash"): (200, "kept"),
    **{("h2o", name): (404, "not_found")
       for name, _, _, sent, _ in DELIVERIES + QUESTIONS + PASSED
       if sent.get("absolute")},
}
# whose error logs hold a path, or a part of it, while Gatepost is down
TELL_PATHS = ("lighttpd", "h2o")


# ---- a request ---------------------------------------------------------------

class Way:
    """One way to the program. base: the path it answers below; gate: what is
    asked of the gate, and the answer's status and body where it opens."""

    def __init__(self, name, p, base="", gate="/supporter/page.txt",
                 host=None):
        self.name = name
        self.place = p
        self.base = base
        self.gate = gate
        self.host = host
        self.is_alone = False  # all that is asked is Gatepost's
        self.answer = (200, b"for supporters\n")
        self.sales = 0
        p.cli("grant", "--user", "u1", "--tier", "supporter")
        self.words = {
            "token": p.tokens[0], "key": p.api_key, "gate": gate,
            "basic": basic(p.tokens[1])["Authorization"],
            "pass": t_servers.a_pass(p, "u1"),
            "old": jwt(p, "u1", lasts=-3600),
            # of a mail: no run of letters and digits in it is long
            "link": "eyJzIjoiYUBi-LmV4YW1wbGUi_LCJ0Ijo-xNzk2MDc0.t6DCO7V6-"
                    "bXlx6Stwi_EKCRqhlwU-Yg3cJJ"}

    def fill(self, text):
        for word, value in self.words.items():
            text = text.replace("{%s}" % word, value)
        return text

    def target(self, path):
        """The path below the base: doubled slashes in front stay in front."""
        if path == "{gate}":
            return self.gate
        path = self.fill(path)
        return "/" + self.base.strip("/") + path if self.base else path

    def lines(self, row):
        lines = row.get("headers")
        if lines is None:
            lines = ["%s: %s" % h for h in FORM.items()]
        return [self.fill(line) for line in lines]

    def send(self, method, path, row, body):
        """By a raw socket through the server."""
        port = self.place.port
        host = "127.0.0.1:%d" % port
        if self.host and path == self.gate:
            host = self.host
        target = "http://%s%s" % (host, path) if row.get("absolute") else path
        head = "%s %s HTTP/%s\r\nHost: %s\r\nConnection: close\r\n" % (
            method, target, row.get("version", "1.1"), host)
        head += "".join(line + "\r\n" for line in self.lines(row))
        if row.get("chunked"):
            head += "Transfer-Encoding: chunked\r\n"
            body = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + 5000]),
                                               body[at:at + 5000])
                            for at in range(0, len(body), 5000)) + b"0\r\n\r\n"
        elif body or method == "POST":
            head += "Content-Length: %d\r\n" % len(body)
        if row.get("expect"):
            head += "Expect: 100-continue\r\n"
        with socket.create_connection(("127.0.0.1", port), LIMIT) as s:
            s.sendall((head + "\r\n").encode())
            if row.get("expect"):
                s.settimeout(LIMIT)
                first = s.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL)
                if first != b"HTTP/1.1 100":
                    body = b""
            s.sendall(body)
            r = http.client.HTTPResponse(s, method=method)
            r.begin()
            return Answer(r.status, r.getheaders(), r.read())


class Direct(Way):
    """No web server: what one would send."""

    def __init__(self, name, p):
        super().__init__(name, p, gate="/gate?tier=supporter")
        self.is_alone = True
        self.answer = (204, b"")

    def params(self, method, path, row, body):
        if row.get("absolute"):
            path = "http://example.org" + path
        params = cgi_params(method, path, body, None, None if row.get(
            "chunked") else str(len(body)) if body else "")
        for line in self.lines(row):
            name, _, value = line.partition(": ")
            name = name.upper().replace("-", "_")
            params.append((name if name == "CONTENT_TYPE" else
                           "HTTP_" + name, value))
        return params


class Cgi(Direct):
    """RFC 3875, 4.1.18: lines of one name are joined."""

    def send(self, method, path, row, body):
        env = {}
        for name, value in self.params(method, path, row, body):
            env[name] = env[name] + ", " + value if name in env else value
        return self.place.cgi(method, path, body, length=None,
                              more=env.items())


class Socket(Direct):
    """FastCGI: each line is a parameter."""

    def send(self, method, path, row, body):
        with Fcgi(self.place.sock) as c:
            c.send(fcgi_head(self.params(method, path, row, body)) +
                   stream(STDIN, body))
            return c.answer()


def one(way, row):
    name, method, path, sent, want = row
    body = sent.get("body", b"")
    if row in DELIVERIES and not body:
        way.sales += 1
        body = sale(way.sales)
    if path == "{gate}":
        want = way.answer
    want = EXCEPTIONS.get((way.name, name), want)
    if want == (404, "elsewhere"):
        want = (404, "not_found" if way.is_alone else None)
    try:
        a = way.send(method, way.target(path), sent, body)
    except (OSError, http.client.HTTPException) as why:
        ok(False, "%s: %s" % (way.name, name), repr(why))
        return
    status, what = want
    good = a.status == status and (
        what in a.body if isinstance(what, bytes) else a.word() == what)
    if method == "HEAD":
        good = good and a.body == b""
    if good and want == (200, "recorded"):
        good = way.place.one("SELECT CAST(body AS BLOB) FROM events "
                             "WHERE id = ?", a.event()) == body
    ok(good, "%s: %s" % (way.name, name), "want %.80r, got %s %.80r" % (
        want, a.status, a.body))


def table(way):
    for row in DELIVERIES + QUESTIONS + PASSED:
        one(way, row)


# ---- logs ----------------------------------------------------------------------

# Wrong requests, as a sender, a mail program or a person makes them. {token},
# {pass} and {link} are in no line of a log. A path is logged only when it is one
# of a list that can hold no secret.
WRONG = """
POST /hook/gumroad/{token}
POST /gumroad/{token}
POST /{token}
POST /hooks/{token}
POST /hooks/gumroad%2F{token}
POST /hooks/gumroad/%zz{token}
POST /../hooks/gumroad/{token}
POST /hook%73/%/{token}
POST http://x/hooks/gumroad/{token}
POST {token}
G@T /hooks/gumroad/{token}
GET /hooks/gumroad/{token}
GET /%68ooks/x/{token}
GET /me%23{link}
GET /me/%23{link}
GET /me%3Flink={link}
GET /me/{link}
GET /me/{pass}
GET /me/link%3F{token}
GET /live%3Fpass={pass}
GET /live/{pass}
GET /v1/access%3Femail={token}
GET /v1/access?email={token}
GET /v1/{token}
GET /buy/{token}
GET /buy/shop%3Fa={token}
GET /buy/a@b.example
GET /files/guides/song%3Flink={link}
GET /files/{link}
GET /healthz%3F{token}
GET /healthz/{token}
GET /metrics/{token}
GET /gatepost.js%3F{token}
GET /thanks.html/{token}
""".strip().split("\n")


def log_texts(p):
    for path in sorted(p.dir.iterdir()):
        if path.is_file() and (path.suffix == ".log" or path.name == "access"):
            yield path.name, path.read_text(errors="replace")


def quiet_logs(way, access, said):
    """Sends what is wrong, with and without the program; access: the name of
    the server's log; said: a line that it has of a path that may be seen."""
    p = way.place
    sent = [way.fill(line) for line in WRONG]
    head = " HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n" % p.port
    big = "Content-Length: 2000000\r\n\r\n" + "x" * 2000

    def send(line, rest="\r\n"):
        """Until something of the answer comes; it need not."""
        with socket.create_connection(("127.0.0.1", p.port), LIMIT) as s:
            s.sendall((line + head + rest).encode())
            s.shutdown(socket.SHUT_WR)
            try:
                s.recv(1)
            except ConnectionResetError:
                pass
    for line in sent:
        send(line)
    for line in sent[:9]:
        send(line, big)
    send("GET /v1/access", "Referer: http://x/hooks/gumroad/%s\r\n\r\n" %
         p.tokens[0])
    stop(p.program)
    for line in sent:
        send(line)
    until(lambda: said in (p.dir / access).read_text(), "the log")
    for name, text in log_texts(p):
        if name == "server.log" and way.name in TELL_PATHS:
            continue
        for what, word in (("token", way.words["token"][-20:]),
                           ("pass", way.words["pass"][-20:]),
                           ("link", way.words["link"][-20:]),
                           ("address", "b.example")):
            same([line for line in text.split("\n") if word in line], [],
                 "%s: no %s in %s" % (way.name, what, name))


# ---- the servers ---------------------------------------------------------------

def members(p):
    """What is for members, and the file that the program sends."""
    site = p.dir / "site"
    (site / "supporter").mkdir(parents=True)
    (site / "supporter/page.txt").write_text("for supporters\n")
    (p.dir / "guides").mkdir()
    (p.dir / "guides/song").write_bytes(SONG)
    p.configure(more=FILES % p.dir)
    return site


class Nginx(Place):
    """Both of the files in nginx/, as shipped."""

    def write_nginx(self):
        conf = super().write_nginx()
        text = (TOP / "nginx/members.conf").read_text()
        for old, new in (
                ("listen 80;", "listen 127.0.0.1:%d;" % self.port),
                ("listen [::]:80;", ""),
                ("/run/nginx-gatepost", "%s/cache" % self.dir),
                ("/srv/members", "%s/site" % self.dir),
                ("include fastcgi_params",
                 "include /etc/nginx/fastcgi_params")):
            text = text.replace(old, new)
        conf.write_text(conf.read_text()[:-2] + text + "}\n")
        return conf


def nginx():
    p = Nginx()
    members(p)
    p.run()
    p.nginx()
    way = Way("nginx", p, host=HOST)
    table(way)
    quiet_logs(way, "nginx.access.log", '"GET /v1/access" ')


class Apache(ApachePlace):
    def configure(self, *args, more="", **options):
        # the section of the shop is there already
        super().configure(*args, more=more.partition("buy ")[0], **options)


def apache_site(fcgid):
    p = Apache()
    site = members(p)
    p.run_both()
    if fcgid:
        p.fcgid_site()
    else:
        p.proxy_site()
    p.site("members.conf", ("9410", str(p.tcp)), ("/srv/members", str(site)))
    p.apache()
    return p


def apache_proxy():
    way = Way("mod_proxy_fcgi", apache_site(False), host=HOST)
    table(way)
    quiet_logs(way, "gatepost.access.log", '"GET /v1/access" ')


def apache_fcgid():
    way = Way("mod_fcgid", apache_site(True), host=HOST)
    table(way)
    quiet_logs(way, "gatepost.access.log", '"GET /v1/access" ')


def apache_cgi():
    p = Apache()
    members(p)
    p.cgi_site()
    p.apache()
    way = Way(".htaccess", p, "/pay", "/pay/gate?tier=supporter")
    way.answer = (204, b"")
    way.is_alone = True
    table(way)


def other(name, server, access=None, said=None):
    try:
        t_servers.program(name)
    except RuntimeError as why:
        skip(name, why)
        return
    p, _ = server()
    (p.dir / "guides/song").write_bytes(SONG)
    way = Way(name, p)
    way.is_alone = name == "h2o"
    table(way)
    if access:
        quiet_logs(way, access, said)


def lighttpd():
    other("lighttpd", t_servers.lighttpd_server, "access",
          '"GET /v1/access" ')


def caddy():
    other("caddy", t_servers.caddy_server)


def h2o():
    other("h2o", t_servers.h2o_server, "access", '"GET" ')


def direct():
    p = Place()
    members(p)
    table(Cgi("plain CGI", p))


def by_socket():
    p = Place()
    members(p)
    p.run()
    table(Socket("FastCGI", p))


if __name__ == "__main__":
    tests = [nginx, lighttpd, caddy, h2o, direct, by_socket]
    if os.path.exists(APACHE):
        tests += [apache_proxy, apache_fcgid, apache_cgi]
    else:
        skip("Apache", "it is not installed")
    main(*tests)
