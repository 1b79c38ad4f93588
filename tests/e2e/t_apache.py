#!/usr/bin/env python3
"""Behind Apache, as shipped: mod_proxy_fcgi, mod_fcgid, plain CGI by .htaccess;
and members-only paths."""

import sys
sys.dont_write_bytecode = True
import http.client
import http.server
import json
import os
import signal
import socket
import threading
import time
import urllib.parse

from apache import APACHE, ApachePlace, access_lines
from lib import (BODY_MAX, FORM, LIMIT, SLOW, basic, fixture, gank_headers,
                 http_raw, http_request, main, ok, sale, sale_of_size, same,
                 skip, stop, until)

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
                        "gatepost=%s\r\nAccept: text/event-stream\r\n\r\n" %
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
    return ask_pass(a=p.post(base + "/v1/passes", b'{"user":"s"}',
                             p.bearer()))


def ask_pass(a):
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
        answers.append(p.post(path, sale(1000 + i), FORM).word())
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


def proxy():
    p = ApachePlace()
    p.run()
    p.proxy_site()
    p.apache()
    all_routes(p, "", "proxy")
    same(p.get("/gate?tier=supporter").status, 404, "proxy: no /gate")
    shipped_logs(p, "proxy")
    # nobody there, and there again at once
    path = "/hooks/gumroad/" + p.tokens[0]
    stop(p.program)
    same([p.post(path, sale(3), FORM).status for _ in range(3)], [503] * 3,
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
    same(p.post("/hooks/gumroad/" + p.tokens[0], sale_of_size(8, 5000000),
                FORM).status, 500, "fcgid: far too much: 500, not empty")
    shipped_logs(p, "fcgid")


def plain():
    p = ApachePlace()
    where = p.cgi_site()
    p.apache()
    all_routes(p, "/gatepost", "CGI")
    same(p.get("/gatepost/gate?tier=supporter").status, 401, "CGI: the gate")
    a = p.get("/gatepost/gatepost.cgi/healthz")
    same(a.body, b"ok", "CGI: by its own name")
    (where / "gatepost.db").write_text("a database")
    for name in (".htaccess", "gatepost.db", "gatepost.conf", ""):
        same(p.get("/gatepost/" + name).status in (403, 404), True,
             "CGI: no file is handed out: " + name)
    renamed = where.parent / "pay"
    where.rename(renamed)
    same(p.get("/pay/healthz").body, b"ok", "CGI: any folder")


def below():
    """Below a path, as the comments say."""
    p = ApachePlace()
    p.run()
    p.proxy_site(
        ('<Location "/', '<Location "/pay/'),
        ("flushpackets=on \\\n", "flushpackets=on \\\n"),
        ("</Location>", "ProxyFCGISetEnvIf true SCRIPT_NAME /pay\n"
         "</Location>"),
        ("m#^/(", "m#^/pay/("))
    p.apache()
    path = "/pay/hooks/gumroad/" + p.tokens[0]
    same(p.get("/pay/healthz").body, b"ok", "below a path: proxy")
    same(p.post(path, sale(1), FORM).word(), "recorded", "a delivery")
    same(p.get("/pay/v1/access?user=u1", p.bearer()).status, 200, "a lookup")
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


if not os.path.exists(APACHE):
    skip("Apache", "it is not installed")
    main()
main(proxy, fcgid, plain, below)
