#!/usr/bin/env python3
"""Behind Apache, as shipped: mod_proxy_fcgi, mod_fcgid, plain CGI by .htaccess;
and members-only paths."""

import sys
sys.dont_write_bytecode = True
import http.client
import json
import os
import signal
import socket
import threading
import time
import urllib.parse

from apache import APACHE, ApachePlace, access_lines, shipped
from lib import (BODY_MAX, END, FORM, LIMIT, SLOW, STDOUT, TOP, basic, fixture, freeze, gank_headers,
                 http_raw, http_request, main, ok, record, sale, sale_of_size, same,
                 skip, stop, until)
from members import members_app, preflight, preflight_recipe

AT_ONCE = 5 if SLOW else 1  # seconds
HOST = "members.example.org"
SONG = bytes(range(256)) * 40


def chunks(body):
    for at in range(0, len(body), 65536):
        yield body[at:at + 65536]


class Stream:
    """What comes of /live, as it comes."""

    def __init__(self, p, path, token):
        self.s = socket.create_connection(("127.0.0.1", p.port), LIMIT)
        self.s.sendall(("GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: "
                        "gatepost=%s\r\nAccept: text/event-stream\r\n"
                        "Connection: close\r\n\r\n" %
                        (path, token)).encode())
        self.text = b""

    def wait(self, n):
        """Until there are n events; how many there are."""
        while self.text.count(b"event: access\n") < n:
            piece = self.s.recv(65536)
            if not piece:
                break
            self.text += piece
        return self.text.count(b"event: access\n")


# ---- every route, by each way ----

def hooks(p, base, way):
    hook = base + "/hooks/gumroad"
    tokened = hook + "/" + p.tokens[0]
    a = p.post(tokened, sale(1), FORM)
    same((a.status, a.word()), (200, "recorded"), way + ": a form")
    a = p.post(hook, sale(1), {**FORM, **basic(p.tokens[1])})
    same((a.status, a.word()), (200, "duplicate"), way + ": Basic")
    body = json.dumps(dict(urllib.parse.parse_qsl(sale(2).decode()))).encode()
    a = p.post(tokened, body, {"Content-Type": "application/json"})
    same((a.status, a.word()), (200, "recorded"), way + ": JSON")
    gank = fixture("gank/um-documented")
    a = p.post(base + "/hooks/gank", gank, gank_headers(gank, p.secrets[0]))
    same((a.status, a.word()), (200, "recorded"), way + ": gank")
    a = p.post(base + "/hooks/gank", gank, gank_headers(gank, "wrong"))
    same((a.status, a.word()), (401, "signature"), way + ": gank, forged")
    for size in (200000, BODY_MAX):
        body = sale_of_size(size, size)
        a = p.post(tokened, body, FORM)
        same((a.status, a.word()), (200, "recorded"),
             "%s: %d bytes" % (way, size))
        same(p.one("SELECT CAST(body AS BLOB) FROM events WHERE id = ?", a.event()), body,
             way + ": all of them")
    body = sale_of_size(5, 300000)
    same(p.post(tokened, chunks(body), FORM).word(), "recorded",
         way + ": chunked")
    before = p.events()
    for size in (BODY_MAX + 1, BODY_MAX + 100000):
        same(p.post(tokened, sale_of_size(6, size), FORM).status, 413,
             "%s: %d bytes: 413" % (way, size))
    a = http_raw(p.port, b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                 b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" %
                 tokened.encode() + b"20000\r\n" + b"x" * 0x20000 + b"\r\n" +
                 b"zz", close=True)
    a = http_raw(p.port, b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                 b"Content-Length: 900\r\n\r\nx=y" % tokened.encode(),
                 close=True)
    for path in (hook + "/" + "0" * 48, hook + "/" + "x" * 300, hook + "/x/y",
                 hook, tokened.replace("/" + p.tokens[0], "%2F" +
                                       p.tokens[0])):
        same(p.post(path, sale(9), FORM).status, 404, way + ": no such hook")
    same(p.post(base + "/%68ooks/%67umroad/" + p.tokens[0], sale(1), FORM
                ).word(), "duplicate", way + ": percent-encoded")
    same(p.post(tokened + "/", sale(1), FORM).word(), "duplicate",
         way + ": a slash at the end")
    a = p.get(tokened)
    same((a.status, a.headers.get("allow")), (405, "POST"), way + ": 405")
    same(p.events(), before, way + ": nothing else was stored")


def questions(p, base, way):
    def ask(path):
        return p.get(base + path, p.bearer())
    a = ask("/v1/access?user=u1&tier=supporter")
    same((a.status, a.json().get("tier"), a.json().get("allowed")),
         (200, "supporter", True), way + ": a lookup")
    same(ask("/v1/access?email=calvin1%40example.com").json().get("tier"),
         "supporter", way + ": by e-mail")
    a = p.post(base + "/v1/access", b'{"users":[{"user":"u1"},{"user":"0"}]}',
               p.bearer())
    same([u.get("tier") for u in a.json().get("users", [])],
         ["supporter", None], way + ": many")
    same(p.get(base + "/v1/access?user=u1").status, 401, way + ": no key")
    a = ask("/v1/changes?after=0&wait=5")
    ok(a.status == 200 and len(a.json()["changes"]) > 2, way + ": changes", a)
    same(p.get(base + "/v1/changes").status, 401, way + ": no key")
    a = p.post(base + "/v1/links", json.dumps({
        "sale": p.one("SELECT sale FROM purchases WHERE user_ref = 'u1'"),
        "user": "linked"}).encode(), p.bearer())
    same(a.word(), "linked", way + ": a link")
    same(ask("/v1/access?user=linked").json().get("tier"), "supporter",
         way + ": which holds")
    a = p.post(base + "/v1/passes", b'{"user":"linked"}', p.bearer())
    same(a.status, 200, way + ": a pass")
    a = p.get(base + "/buy/shop")
    ok(a.status in (302, 303) and a.headers["location"].startswith(
        "https://example.com/l/x?") and "gatepost_visitor=" in a.headers.get(
            "set-cookie", ""), way + ": a link to the shop", a)
    same(p.get(base + "/metrics").status, 401 if way == "CGI" else 200,
         way + ": metrics for this machine")
    a = p.get(base + "/metrics", p.bearer())
    ok(b"# EOF" in a.body, way + ": metrics", a)
    for method, path, status in (
            ("HEAD", "/healthz", 200), ("GET", "/healthz/", 200),
            ("POST", "/healthz", 405), ("DELETE", "/v1/access", 405),
            ("GET", "/v1/nothing", 404), ("GET", "/elsewhere", 404),
            ("POST", "/hook/gumroad/" + p.tokens[0], 404),
            ("POST", "/", 404)):
        a = http_request(p.port, method, base + path)
        same(a.status, status, "%s: %s %s: %d" % (way, method, path[:13],
                                                   status))
    for query in ("-V", "-c+/x", "--listen", "-t", "--help", "-c+/x+-t"):
        a = p.get(base + "/healthz?" + query)
        same((a.status, a.body), (200, b"ok"), way + ": ?" + query)
    kept = http.client.HTTPConnection("127.0.0.1", p.port, timeout=LIMIT)
    same([http_request(p.port, "GET", base + "/v1/access?user=u1", None,
                       p.bearer(), connection=kept).status
          for _ in range(5)], [200] * 5, way + ": a kept connection")
    kept.close()
    a = p.post(base + "/v1/passes", b'{"user":"s"}', p.bearer())
    return a.json().get("pass", "")


def streams(p, base, way, token):
    one = p.get(base + "/live", {"Cookie": "gatepost=" + token})
    same((one.status, one.json().get("tier", 0)), (200, None),
         way + ": /live, once")
    same(p.get(base + "/live").status, 401, way + ": /live, no pass")
    begun = time.monotonic()
    s = Stream(p, base + "/live", token)
    same(s.wait(1), 1, way + ": the first event")
    ok(time.monotonic() - begun < AT_ONCE, way + ": at once",
       time.monotonic() - begun)
    ok(b"text/event-stream" in s.text, way + ": of the type", s.text)
    a = p.post(base + "/hooks/gumroad/" + p.tokens[0], sale(77).replace(
        b"=u77", b"=s"), FORM)
    # mod_fcgid takes a second to start a process
    begun = time.monotonic()
    same(a.word(), "recorded", way + ": a sale")
    if way == "CGI":
        same(s.wait(2), 1, "CGI: and no other")
        ok(b"retry: 5000" in s.text, "CGI: the browser asks again", s.text)
    else:
        same(s.wait(2), 2, way + ": the second event")
        ok(time.monotonic() - begun < AT_ONCE and b'"supporter"' in s.text,
           way + ": within a second", time.monotonic() - begun)
    s.s.close()


def together(p, base, way, n=32):
    path, answers = base + "/hooks/gumroad/" + p.tokens[0], []
    before = p.events()

    def post(i):
        word = p.post(path, sale(1000 + i), FORM).word()
        # on a slow machine the time is over for some: they come again
        end = time.monotonic() + LIMIT
        while (way == "CGI" and word == "unavailable" and
               time.monotonic() < end):
            word = p.post(path, sale(1000 + i), FORM).word()
        answers.append(word)
    threads = [threading.Thread(target=post, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    same(answers, ["recorded"] * n, "%s: %d at once" % (way, n))
    same((p.events() - before, p.is_sound()), (n, True), way + ": stored")


def all_routes(p, base, way):
    if not shipped_works(p, base, way):
        return
    hooks(p, base, way)
    token = questions(p, base, way)
    streams(p, base, way, token)
    together(p, base, way)


def shipped_works(p, base, way):
    a = p.get(base + "/healthz")
    return ok((a.status, a.body) == (200, b"ok"), way + ": healthz",
              (a, p.logs()))


def shipped_logs(p, way):
    """The logs of the shipped files, after every kind of wrong request."""
    token = p.tokens[0].encode()
    referer = {"Referer": "http://x/hooks/gumroad/" + p.tokens[0]}
    for line in (b"GET /hooks/gumroad/%s", b"POST /hooks/gumroad/%%zz%s",
                 b"POST /../hooks/gumroad/%s", b"G@T /hooks/gumroad/%s",
                 b"/hooks/gumroad/%s", b"POST /hook%%73/%%/%s",
                 b"POST http://x/hooks/gumroad/%s", b"POST %s",
                 b"GET /v1/access?email=%s", b"GET /%%68ooks/x/%s"):
        http_raw(p.port, line % token + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                 b"Connection: close\r\n\r\n")
    p.get("/healthz", referer)
    p.get("/elsewhere", referer)
    lines = access_lines(p.apache_log("gatepost.access.log"))
    ok(("POST [path]", 200) in lines and ("GET /v1/access", 200) in lines and
       len(lines) > 50, way + ": there are logs", lines[:5])
    p.check_logs(p.tokens[0][:20])


def own_pages(p, way):
    for name in ("gatepost.js", "thanks.html"):
        same(p.get("/" + name).body, (TOP / "nginx/site" / name).read_bytes(),
             "%s: /%s" % (way, name))
    for path in ("/", "/index.html", "/gatepost.js/x", "/site.js"):
        same(p.get(path).status, 404, "%s: no %s" % (way, path))


def proxy():
    p = ApachePlace()
    p.run()
    p.proxy_site()
    p.apache()
    all_routes(p, "", "proxy")
    same(p.get("/gate?tier=supporter").status, 404, "proxy: no /gate")
    own_pages(p, "proxy")
    shipped_logs(p, "proxy")
    # nobody there, and there again at once
    path = "/hooks/gumroad/" + p.tokens[0]
    stop(p.program)
    told = {**FORM, "Referer": "http://x" + path}
    same([p.post(path, sale(3), told).status for _ in range(3)], [503] * 3,
         "proxy: the program is away: 503")
    p.run()
    same(p.post(path, sale(3), FORM).word(), "recorded", "proxy: back")
    stop(p.program, signal.SIGKILL)
    p.run()
    a = p.post(path, sale(4), FORM)
    ok(a.word() == "recorded" or a.status >= 500, "proxy: killed", a)
    until(lambda: p.post(path, sale(4), FORM).status == 200, "the next")
    p.check_logs(p.tokens[0][:20])


def fcgid():
    p = ApachePlace()
    p.fcgid_site()
    p.apache()
    all_routes(p, "", "fcgid")
    same(p.get("/gate?tier=supporter").status, 404, "fcgid: no /gate")
    own_pages(p, "fcgid")
    same(p.post("/hooks/gumroad/" + p.tokens[0], sale_of_size(8, 5000000),
                FORM).status, 500, "fcgid: far too much: 500, not empty")
    shipped_logs(p, "fcgid")


def plain():
    p = ApachePlace()
    where = p.cgi_site()
    p.apache()
    all_routes(p, "/pay", "CGI")
    same(p.get("/pay/gate?tier=supporter").status, 401, "CGI: the gate")
    a = p.get("/pay/gatepost.cgi/healthz")
    same(a.body, b"ok", "CGI: by its own name")
    (where / "gatepost.db").write_text("a database")
    for name in (".htaccess", "gatepost.db", "gatepost.conf", ""):
        same(p.get("/pay/" + name).status in (403, 404), True,
             "CGI: no file is handed out: " + name)
    where.rename(where.parent / "x y")
    same(p.get("/x%20y/healthz").body, b"ok", "CGI: any folder")


def below():
    """Below a path, as the comments say."""
    p = ApachePlace()
    p.run()
    p.proxy_site(
        ('<Location "/', '<Location "/pay/'),
        ("timeout=10", "timeout=3"),
        ("</Location>", "ProxyFCGISetEnvIf true SCRIPT_NAME /pay\n"
         "</Location>"),
        ("m#^/(", "m#^/pay/("))
    p.apache()
    path = "/pay/hooks/gumroad/" + p.tokens[0]
    same(p.get("/pay/healthz").body, b"ok", "below a path: proxy")
    same(p.post(path, sale(1), FORM).word(), "recorded", "a delivery")
    same(p.get("/pay/v1/access?user=u1", p.bearer()).status, 200, "a lookup")
    freeze(p.program)
    same(p.post(path, sale(2), FORM).status, 504, "a program that hangs: 504")
    p.program.send_signal(signal.SIGCONT)
    same(p.get("/healthz").status, 404, "and nowhere else")
    ok(("GET /pay/v1/access", 200) in access_lines(
        p.apache_log("gatepost.access.log")), "the log")
    p.check_logs()
    p = ApachePlace()
    p.fcgid_site(('ScriptAliasMatch "^(/', 'ScriptAliasMatch "^/pay(/'),
                 ("(?!/", "(?!/pay/"))
    p.apache()
    same(p.get("/pay/healthz").body, b"ok", "below a path: fcgid")
    same(p.post(path.replace(path[-48:], p.tokens[0]), sale(1), FORM).word(),
         "recorded", "a delivery")
    same(p.get("/healthz").status, 404, "and nowhere else")


# ---- members-only paths ----

class Members(ApachePlace):
    """members.conf as shipped, with files, an app and a program."""

    def __init__(self, *pairs, run=True, **options):
        super().__init__(**options)
        site = self.dir / "site"
        for name in ("supporter/more", "join", "files", "bulk", "open"):
            (site / name).mkdir(parents=True)
        (site / "supporter/song").write_bytes(SONG)
        (site / "supporter/more/song").write_bytes(SONG)
        (site / "supporter/index.html").write_text("the members' page")
        (site / "bulk/list").write_text("the bulk list")
        (site / "files/song").write_bytes(SONG)
        for name in ("supporter", "influencer"):
            (site / ("join/%s.html" % name)).write_text("buy " + name)
        self.server = members_app({"X-Sendfile": str(site / "files/song")})
        self.server.handle_error = lambda *_: None  # who hangs up early
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        if run:
            self.run_both()
        self.site("members.conf", ("9410", str(self.tcp or 1)),
                  ("/srv/members", str(site)),
                  ("127.0.0.1:8000",
                   "127.0.0.1:%d" % self.server.server_address[1]), *pairs)

    def ask(self, method, path, token=None, headers=None, body=None):
        sent = {"Host": HOST, **(headers or {})}
        if token is not None:
            sent["Cookie"] = "theme=dark; gatepost=" + token
        return http_request(self.port, method, path, body, sent)

    def go(self, path, token=None, headers=None):
        return self.ask("GET", path, token, headers)

    def pass_of(self, user):
        return self.cli("pass", "--user", user).stdout.decode().strip()

    def grant(self, user, tier="supporter"):
        done = self.cli("grant", "--user", user, "--tier", tier)
        if done.returncode != 0:
            raise RuntimeError("grant: %r" % done.stderr)


def members():
    """From nobody to a member; files of every kind of request."""
    p = Members()
    p.apache()
    token = p.pass_of("1")
    a = p.go("/supporter/song")
    same((a.status, a.body, a.headers.get("www-authenticate")),
         (401, b"buy supporter", "Bearer"), "no pass: what to buy")
    a = p.go("/supporter/song", token)
    same((a.status, a.body), (403, b"buy supporter"), "no tier: what to buy")
    same(p.go("/bulk/list", token).body, b"buy influencer",
         "each path has its page")
    p.grant("1")
    a = p.go("/supporter/song", token)
    same((a.status, a.body == SONG), (200, True), "a tier: at once")
    same([k for k in a.headers if "gatepost" in k or "variable" in k], [],
         "nothing of the gate's answer goes on")
    same((a.headers.get("cache-control"), a.headers.get("content-length")),
         ("private, no-cache", str(len(SONG))), "its own head")
    same(p.go("/supporter/", token).body, b"the members' page", "a folder")
    same(p.go("/supporter/more/song", token).status, 200, "a folder in it")
    a = p.go("/supporter/song", headers={"Authorization": "Bearer " + token})
    same(a.status, 200, "as a Bearer token")
    a = p.go("/supporter/song", token, {"Authorization": "Basic YTpi"})
    same(a.status, 200, "with the app's own Authorization")
    a = p.go("/supporter/song", token, {"Range": "bytes=256-259"})
    same((a.status, a.body), (206, SONG[256:260]), "a range")
    a = p.go("/supporter/song", headers={"Range": "bytes=0-3"})
    same((a.status, a.body == SONG[:4]), (401, False), "a range, no pass")
    head = p.go("/supporter/song", token).headers
    for name, value in (("If-Modified-Since", head["last-modified"]),
                        ("If-None-Match", head["etag"])):
        same(p.go("/supporter/song", token, {name: value}).status, 304,
             name + ": not modified")
        same(p.go("/supporter/song", None, {name: value}).status, 401,
             name + ", no pass")
    a = p.ask("HEAD", "/supporter/song", token)
    same((a.status, a.headers["content-length"]), (200, str(len(SONG))),
         "HEAD")
    same(p.ask("HEAD", "/supporter/song").status, 401, "HEAD, no pass")
    for method, size in (("POST", 0), ("POST", 300000), ("PUT", 10),
                         ("DELETE", 0), ("OPTIONS", 0), ("BREW", 0),
                         ("TRACE", 0)):
        a = p.ask(method, "/supporter/song", None, None, b"x" * size or None)
        ok(a.status in (401, 405) and SONG[:9] not in a.body,
           "%s of %d bytes, no pass" % (method, size), a)
    same(p.go("/bulk/list", token).status, 403, "a higher tier's path")
    p.grant("1", "influencer")
    same(p.go("/bulk/list", token).body, b"the bulk list", "an upgrade")
    p.cli("revoke", "--user", "1")
    same(p.go("/bulk/list", token).status, 403, "an end, at once")
    same(p.go("/supporter/song", token).status, 403, "of all of it")
    same(p.go("/supporter/song", token[:-1]).status, 401, "a letter short")
    p.check_logs(token)


def ways_round():
    """What a visitor can write instead of a path."""
    p = Members()
    p.apache()
    p.grant("1")
    token = p.pass_of("1")
    for path in ("//supporter/song", "/supporter//song", "/supporter/./song",
                 "/join/../supporter/song", "/%73upporter/song",
                 "/supporter/%73ong", "/supporter/song/", "/supporter/song/x",
                 "/supporter/song?tier=influencer", "/supporter/song%3f",
                 "/join/%2e%2e/supporter/song", "/supporter/song.",
                 "/supporter%2fsong", "/SUPPORTER/song", "/supporter",
                 "/./supporter/song", "/join//../supporter/song",
                 "/supporter/song%00", "/supporter/song%20",
                 "/supporter/nothing", "/files/song", "/files/", "/open/x",
                 "/supporter/song?GATEPOST_GATE=tier=supporter", "/",
                 "/join/..%2fsupporter/song", "/supporter;x/song",
                 "/app/x", "//app/x", "/app/../app/x", "/%61pp/x", "/app//x",
                 "/./app/x", "/app%2fx", "/APP/x", "/app", "/app;/x",
                 "/app/%2e%2e/supporter/song", "/app./x"):
        a = p.go(path)
        ok(a.status in (400, 401, 403, 404) and SONG[:9] not in a.body and
           b"method" not in a.body, "no way round: " + path, a)
    lies = {"GATEPOST_GATE": "tier=supporter", "GATEPOST-GATE": "tier=x",
            "Gatepost-By": "user", "Remote-User": "user",
            "X-Gatepost-By": "user", "Variable-GATEPOST_BY": "user",
            "REDIRECT_GATEPOST_GATE": "tier=supporter"}
    same(p.go("/supporter/song", headers=lies).status, 401, "nor a header")
    same(p.go("/bulk/list", token, lies).status, 403, "nor for a tier")
    a = http_raw(p.port, b"GET http://%s/supporter/song HTTP/1.1\r\nHost: x"
                 b"\r\nConnection: close\r\n\r\n" % HOST.encode())
    ok(a.startswith(b"HTTP/1.1 401 "), "an absolute target", a[:200])
    a = http_raw(p.port, b"GET /supporter/song\r\n\r\n")
    ok(SONG[:9] not in a, "HTTP/0.9", a[:200])
    a = http_raw(p.port, b"GET /supporter/song HTTP/1.0\r\n\r\n")
    ok(b" 401 " in a[:20], "HTTP/1.0, no host", a[:200])


def connections(p, token, lies, truth):
    """A proxy drops what Connection names (RFC 9110, 7.6.1)."""
    for value in ("X-Gatepost-User", "close, X-Gatepost-By",
                  "x-gatepost-tier , close", "close,X-GATEPOST-UNTIL",
                  "keep-alive,,X-Gatepost-By,X-Gatepost-User"):
        a = p.go("/app/x", token, {**lies, "Connection": value})
        same(a.json(), truth, "Connection: " + value)
    head = "GET /app/x HTTP/1.1\r\nHost: %s\r\nCookie: gatepost=%s\r\n" % (
        HOST, token)
    for lines in ("Connection: X-Gatepost-By\r\nConnection: close\r\n",
                  "Connection: close\r\nConnection: X-Gatepost-By\r\n"):
        a = http_raw(p.port, (head + lines + "\r\n").encode())
        ok(b'"x-gatepost-by": "user"' in a, "two Connection lines", a)
    begun = time.monotonic()
    http_raw(p.port, (head + "Connection: close\r\n\r\n").encode())
    ok(time.monotonic() - begun < 4, "close still closes")


def app():
    """An app behind mod_proxy_http is told the truth."""
    p = Members()
    p.apache()
    p.grant("a b%\u00e9", "influencer")
    token = p.pass_of("a b%\u00e9")
    lies = {"X-Gatepost-User": "admin", "x-gatepost-tier": "influencer",
            "X-Gatepost-By": "email", "X-Gatepost-Until": "9999",
            "X_Gatepost_User": "admin", "X-Gatepost_Tier": "x",
            "X_Gatepost-By": "x"}
    truth = {"x-gatepost-user": "a%20b%25%C3%A9", "x-gatepost-by": "user",
             "x-gatepost-tier": "influencer"}
    for method, size in (("GET", 0), ("POST", 0), ("POST", 10),
                         ("PUT", 3000000), ("DELETE", 0)):
        body = b"b" * size or None
        a = p.ask(method, "/app/x", token, lies, body)
        same((a.status, a.json()), (200, dict(
            truth, body=size, method=method)),
            "%s of %d bytes: the app gets the truth" % (method, size))
    connections(p, token, lies, dict(truth, body=0, method="GET"))
    for size in (0, 10, 30000):
        a = p.ask("POST", "/app/x", None, lies, b"b" * size or None)
        same((a.status, a.body), (401, b"buy supporter"),
             "POST of %d bytes: no pass" % size)
    a = p.go("/app/song", token)
    same((a.status, a.body == SONG, "x-sendfile" in a.headers),
         (200, True, False), "X-Sendfile")
    a = p.go("/app/song", token, {"Range": "bytes=-2"})
    same((a.status, a.body), (206, SONG[-2:]), "a range of it")
    a = p.go("/app/song", headers=p.server.song)
    same(a.status, 401, "not without a pass")
    p.server.song = {"X-Sendfile": str(p.conf)}
    a = p.go("/app/song", token)
    ok(p.api_key.encode() not in a.body, "only from its folder", a)


def options():
    """The manual's recipe for pages of another origin."""
    recipe, = preflight_recipe("Apache")
    p = Members(("\tTraceEnable off\n", "\tTraceEnable off\n" + recipe))
    p.modules.append("rewrite")
    p.apache()
    preflight(p)


def rules():
    """Every other answer: closed."""
    for rule in ("tier=nobody", "allow=nothing", "tier=supporter&tier=x",
                 "tier=supporter&allow=read", "tier=", "supporter", "",
                 "tier=super%20porter"):
        p = Members(("tier=supporter", '"%s"' % rule))
        p.apache()
        p.grant("1", "influencer")
        same((p.go("/supporter/song", p.pass_of("1")).status,
              p.go("/app/x", p.pass_of("1")).status), (403, 403),
             "the rule '%s': closed" % rule)
        stop(p.program)


def outages():
    """Nobody to ask, nobody who knows, somebody else."""
    p = Members()
    p.apache()
    p.grant("1")
    token = p.pass_of("1")
    same(p.go("/supporter/song", token).status, 200, "before")
    stop(p.program)
    for path in ("/supporter/song", "/app/x"):
        a = p.go(path, token)
        ok(a.status == 500 and SONG[:9] not in a.body, "away: " + path, a)
    said = {"body": b""}

    def impostor(s):
        while True:
            c = s.accept()[0]
            c.recv(65536)
            c.sendall(said["body"])
            c.close()
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", p.tcp))
        s.listen()
        threading.Thread(target=impostor, args=(s,), daemon=True).start()
        end = record(END, b"\0" * 8)
        by = b"Variable-GATEPOST_BY: user\r\n"
        for name, body in (
                ("nothing", b""), ("no FastCGI", b"HTTP/1.0 200 OK\r\n\r\n"),
                ("200 alone", record(STDOUT, b"Status: 200\r\n\r\n") + end),
                ("no status", record(STDOUT, b"\r\n") + end),
                ("an empty one", record(
                    STDOUT, b"Variable-GATEPOST_BY:\r\n\r\n") + end),
                ("204", record(STDOUT, b"Status: 204\r\n\r\n") + end),
                ("204 and who", record(
                    STDOUT, b"Status: 204\r\n" + by + b"\r\n") + end),
                ("half", record(STDOUT, b"Status: 200\r\n" + by))):
            said["body"] = body
            a = p.go("/supporter/song", token)
            ok(a.status != 200 and SONG[:9] not in a.body,
               "somebody else answers: " + name, a)
    for mode in ("closed", "open"):
        p = Members(run=False)
        p.configure(more="gate_on_error = '%s'" % mode)
        p.db.unlink()
        p.db.mkdir()
        p.run_both()
        p.sites[0] = p.sites[0].replace("127.0.0.1:1/",
                                        "127.0.0.1:%d/" % p.tcp)
        p.apache()
        token = p.pass_of("1")
        same(p.go("/supporter/song", token).status,
             200 if mode == "open" else 403, mode + ": no database")
        same(p.go("/supporter/song").status, 401, mode + ": no pass")
        if mode == "open":
            a = p.go("/app/x", token)
            same((a.json().get("x-gatepost-user"), "x-gatepost-tier" in
                  a.json()), ("1", False), "open: a user without a tier")
        stop(p.program)


def mistakes():
    """A line or a module left out: closed, or no start."""
    text = "\n".join(" ".join(line.split()) for line in shipped(
        "members.conf").replace("\\\n", "").split("\n"))
    macro = text.split("<Macro Gatepost ")[1].split("</Macro>")[0]
    lines = [line for line in macro.split("\n")[1:]
             if line and not line.startswith("#")]
    same(len(lines), 9, "lines of the macro")
    p = Members()
    p.grant("1")
    token = p.pass_of("1")
    good = "\n".join(" ".join(line.split()) for line in p.sites[0].replace(
        "\\\n", "").split("\n"))
    for line in lines:
        p.sites[0] = good.replace(line + "\n", "", 1)
        ok(len(p.sites[0]) < len(good), "left out: " + line[:40])
        child = p.apache()
        a, b = p.go("/supporter/song"), p.go("/bulk/list", token)
        ok(a.status in (401, 403, 500) and SONG[:9] not in a.body and
           b.status in (401, 403, 500), "closed", (a, b))
        # a folder is closed without any Require, a Location is not
        if "Require" not in line.split():
            ok(p.go("/app/x").status in (401, 403, 500), "the app, too")
        stop(child)
    p.sites[0] = good
    for module in ("authnz_fcgi", "setenvif", "macro", "headers"):
        p.modules.remove(module)
        ok("Syntax error" in p.check(), "no start without mod_" + module)
        p.modules.append(module)
    same(p.check(), None, "a start with all")


def nested():
    """Folders in folders, pages in pages, and pages for errors."""
    p = Members(("/join/influencer.html", "/bulk/buy.html"),
                ("Options None", "Options +Includes"))
    site = p.dir / "site"
    p.modules.append("include")
    (site / "supporter/page.shtml").write_text(
        '<!--#include virtual="/bulk/list" -->\n'
        '<!--#include virtual="/supporter/index.html" -->')
    (site / "supporter/loop").mkdir()
    (site / "supporter/loop/song").write_bytes(SONG)
    (site / "bulk/buy.html").write_text("buy")
    for name in ("supporter", "bulk"):
        (site / name / ".htaccess").write_text("Require all granted\n"
                                               "Satisfy any\n")
    p.apache("""
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
<Directory "%s/supporter/more">
	Use Gatepost allow=dm.bulk /supporter/index.html
</Directory>
<Directory "%s/supporter/loop">
	Use Gatepost tier=influencer /supporter/more/song
</Directory>
<VirtualHost *:80>
	ServerName other.example.org
	Alias /else %s/supporter
</VirtualHost>
""" % (site, site, site))
    p.grant("1")
    token = p.pass_of("1")
    same(p.go("/supporter/song").status, 401, ".htaccess opens nothing")
    a = p.go("/bulk/list", token)
    same((a.status, a.body), (403, b"buy"), "a page beside what it sells")
    # its page is for members, and this visitor is one
    same(p.go("/supporter/more/song", token).body, b"the members' page",
         "the inner rule")
    same(p.go("/supporter/more/song").status, 401, "and its page is gated")
    a = p.go("/supporter/loop/song", token)
    ok(a.status == 403 and SONG[:9] not in a.body, "an error's error", a)
    a = p.go("/supporter/page.shtml", token)
    ok(a.status == 200 and b"the members' page" in a.body and
       b"bulk list" not in a.body, "a page has no other tier's parts", a)
    p.grant("1", "influencer")
    same(p.go("/supporter/more/song", token).status, 200, "both")
    other = {"Host": "other.example.org"}
    same(p.ask("GET", "/else/song", None, other).status, 401,
         "by another virtual host")
    same(p.ask("GET", "/else/song", token, other).status, 200,
         "which is one for members")


def members_fcgid():
    """The same gate by mod_fcgid: no socket, and 401 for all."""
    p = Members(("Use Gatepost ", "Use GatepostFcgid "),
                ("AuthnzFcgiDefineProvider", "#AuthnzFcgiDefineProvider"),
                ("/usr/local/libexec/gatepost/gatepost.fcgi", "PROGRAM"),
                ("Options None", "Options +Includes"), run=False)
    p.modules.remove("authnz_fcgi")
    p.modules += ["fcgid", "include"]
    p.sites[0] = p.sites[0].replace("PROGRAM", str(p.bin / "gatepost.fcgi"))
    (p.dir / "site/supporter/page.shtml").write_text(
        '<!--#include virtual="/bulk/list" -->\n'
        '<!--#include virtual="/supporter/index.html" -->')
    child = p.apache("""
FcgidInitialEnv GATEPOST_CONFIG %s
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
""" % p.conf)
    p.grant("1")
    token = p.pass_of("1")
    for path, who, status, part in (
            ("/supporter/song", None, 401, b"buy supporter"),
            ("/supporter/song", token[:-1], 401, b"buy supporter"),
            ("/supporter/song", p.pass_of("2"), 401, b"buy supporter"),
            ("/bulk/list", token, 401, b"buy influencer"),
            ("/supporter/song?tier=supporter", None, 401, b"buy"),
            ("/app/x", None, 401, b"buy supporter"),
            ("/supporter/song", token, 200, SONG),
            ("/supporter/", token, 200, b"the members' page"),
            ("/app/x", token, 200, b'"x-gatepost-user": "1"'),
            ("/app/song", token, 200, SONG)):
        a = p.go(path, who)
        ok(a.status == status and part in a.body and
           not [k for k in a.headers if "gatepost" in k],
           "fcgid: %s: %d" % (path, status), a)
    connections(p, token, {}, {"x-gatepost-user": "1", "x-gatepost-by": "user",
                               "x-gatepost-tier": "supporter", "body": 0,
                               "method": "GET"})
    a = p.go("/supporter/song", token, {"Range": "bytes=256-259"})
    same((a.status, a.body), (206, SONG[256:260]), "fcgid: a range")
    changed = p.go("/supporter/song", token).headers["last-modified"]
    a = p.go("/supporter/song", token, {"If-Modified-Since": changed})
    same(a.status, 304, "fcgid: not modified")
    for size in (10, 300000):
        body = b"x" * size
        same(p.ask("POST", "/app/x", token, None, body).json().get("body"),
             size, "fcgid: POST of %d bytes" % size)
        same(p.ask("POST", "/app/x", None, None, body).status, 401,
             "fcgid: no pass")
    a = p.go("/supporter/page.shtml", token)
    ok(a.status == 200 and b"the members' page" in a.body and
       b"bulk list" not in a.body, "fcgid: no other tier's parts", a)
    stop(child)
    (p.bin / "gatepost.fcgi").write_text("#!/bin/false\n")
    p.apache()
    a = p.go("/supporter/song", token)
    ok(a.status in (401, 403, 500, 503) and SONG[:9] not in a.body,
       "fcgid: no program: closed", a)


if not os.path.exists(APACHE):
    skip("Apache", "it is not installed")
    main()
main(proxy, fcgid, plain, below, members, ways_round, app, options, rules,
     outages, mistakes, nested, members_fcgid)
