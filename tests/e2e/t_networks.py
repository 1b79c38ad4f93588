#!/usr/bin/env python3
"""One network holds all it can, through nginx as shipped: deliveries, the gate,
members and apps go on."""

import sys
sys.dont_write_bytecode = True
import json
import re
import resource
import socket
import threading
import time

from lib import LIMIT, Place, http_request, jwt, main, ok, sale, same, until

# Debian's nginx: 768 connections a worker
DEBIAN = {"workers": 1, "connections": 768}
# who asks is what a proxy in front says
PROXIED = "set_real_ip_from 127.0.0.1; real_ip_header X-From;"
SHOP = "buy 'x' { url = 'https://creator.gumroad.com/l/x' }\n"
ATTACKER, MEMBER = "198.51.100.1", "203.0.113.9"


def started(more="", **nginx):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    p = Place()
    p.configure(more="threads = 4\n" + SHOP + more)
    p.run()
    p.nginx(more=PROXIED, **nginx)
    for user in ("member", "neighbour"):
        done = p.cli("grant", "--user", user, "--tier", "supporter")
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
    return p


def get(p, path, source, headers=None):
    return http_request(p.port, "GET", path, None, {
        "X-From": source, **(headers or {})})


class Held:
    """A connection with a request that waits, or is refused."""

    def __init__(self, p, request):
        self.s = socket.create_connection(("127.0.0.1", p.port), LIMIT)
        self.s.sendall(request)
        self.text = b""

    def read(self, limit=0.01):
        self.s.settimeout(limit)
        try:
            piece = self.s.recv(65536)
        except (socket.timeout, ConnectionResetError):
            return self.text
        self.text += piece
        return self.text

    def status(self):
        """Of its answer, None before there is one."""
        found = re.match(rb"HTTP/1.1 (\d+)", self.read())
        return int(found[1]) if found else None

    def events(self):
        return [json.loads(x)["tier"] for x in re.findall(
            rb"event: access\ndata: (.*)\n\n", self.read())]

    def close(self):
        self.s.close()


def stream(p, token, source):
    return Held(p, ("GET /live HTTP/1.1\r\nHost: x\r\nX-From: %s\r\n"
                    "Accept: text/event-stream\r\nCookie: gatepost=%s\r\n"
                    "\r\n" % (source, token)).encode())


def visitor(p, source):
    """A pass as anybody gets one."""
    a = get(p, "/buy/x", source)
    found = re.search("gatepost[a-z_]*=([^;]+)", a.headers.get(
        "set-cookie", ""))
    if not found:
        raise RuntimeError(a)
    return found[1]


def hold(p, n, source):
    """So many streams from there, 8 for each pass; those that are open. source
    may be a function of their number."""
    held = []
    token = None
    for i in range(n):
        at = source(i) if callable(source) else source
        if i % 8 == 0:
            token = visitor(p, at)
        held.append(stream(p, token, at))
    end = time.monotonic() + LIMIT
    while any(h.status() is None for h in held):
        if time.monotonic() > end:
            break
    return held


def count(held):
    return {status: sum(h.status() == status for h in held)
            for status in sorted({h.status() for h in held}, key=str)}


def all_goes_on(p, what):
    """A delivery, the gate, a member's stream, an app's long poll."""
    begun = time.monotonic()
    n = 5000 + p.events()
    mine = stream(p, jwt(p, "member"), MEMBER)
    until(lambda: mine.events() or mine.status() not in (None, 200),
          "the member's stream")
    same(mine.status(), 200, what + ": a member's stream")
    beside = stream(p, jwt(p, "neighbour"), ATTACKER)
    until(lambda: beside.status() is not None, "a neighbour's stream")
    same(beside.status(), 200, what + ": a member's of the same network")
    after = get(p, "/v1/changes?after=0", MEMBER, p.bearer()).json()["after"]
    answers = []
    poll = threading.Thread(target=lambda: answers.append(get(
        p, "/v1/changes?after=%d&wait=20" % after, MEMBER, p.bearer())))
    poll.start()
    a = p.gumroad(sale(n))
    same((a.status, a.word()), (200, "recorded"), what + ": a delivery")
    poll.join(LIMIT)
    same([a.status for a in answers], [200], what + ": an app's long poll")
    p.cli("grant", "--user", "member", "--tier", "influencer", "--note", "x")
    until(lambda: mine.events()[-1] == "influencer", "the event")
    ok(True, what + ": the member's event")
    p.cli("revoke", "--user", "member")
    p.cli("grant", "--user", "member", "--tier", "supporter")
    same(get(p, "/v1/access?user=member", MEMBER, p.bearer()).status, 200,
         what + ": a question of the app")
    took = time.monotonic() - begun
    ok(took < LIMIT, what + ": in time", took)
    for h in (mine, beside):
        h.close()


def held():
    """With the streams of the settings, and Debian's nginx."""
    p = started(**DEBIAN)
    tries = hold(p, 500, ATTACKER)
    same(count(tries), {200: 250, 503: 250}, "250 streams from one address")
    all_goes_on(p, "one address")
    for h in tries:
        h.close()


def small():
    """Few streams: half of them are for those who have a tier."""
    p = started("streams = 60\n", **DEBIAN)
    tries = hold(p, 80, ATTACKER)
    same(count(tries), {200: 16, 503: 64}, "16 from one address")
    all_goes_on(p, "16 streams")
    tries += hold(p, 80, "2001:db8::1")
    same(count(tries[80:]), {200: 14, 503: 66}, "30 without a tier in all")
    all_goes_on(p, "30 streams")
    others = [stream(p, jwt(p, "visitor-%d" % i), "192.0.2.%d" % i)
              for i in range(9)]
    until(lambda: all(h.status() for h in others), "their answers")
    same(count(others), {503: 9}, "nobody without a tier is let in now")
    for h in tries + others:
        h.close()
    until(lambda: stream(p, jwt(p, "visitor-x"), ATTACKER).status() == 200,
          "a place to be free again")


def paid():
    """One pass with a tier, each time beside another free one."""
    p = started("streams = 60\n", **DEBIAN)
    best = jwt(p, "member")
    tries = [stream(p, "%s; gatepost=%s" % (jwt(p, "visitor-%d" % i), best),
                    ATTACKER) for i in range(20)]
    until(lambda: all(h.status() for h in tries), "their answers")
    same(count(tries), {200: 8, 503: 12}, "8 streams, as the one pass has")
    for h in tries:
        h.close()


def steps():
    """What nginx takes for one network."""
    p = started(workers=1, connections=4096)

    def hang(n, source):
        """Forms that never come whole."""
        return [Held(p, ("POST /me HTTP/1.1\r\nHost: x\r\nX-From: %s\r\n"
                         "Content-Type: application/x-www-form-urlencoded\r\n"
                         "Content-Length: 99\r\n\r\ntoken=" % source).encode())
                for _ in range(n)]

    def refused(held):
        """How many, once the one worker has come to a later request."""
        for _ in range(2):
            get(p, "/healthz", MEMBER)
        return sum(h.status() == 503 for h in held)
    all_ = []
    for name, source, n, want in (
            ("an address", "198.51.100.1", 60, 10),
            ("another one", "198.51.100.2", 60, 10),
            ("64 bits", "2001:db8:1:1::1", 55, 5),
            ("the same 64 bits", "2001:db8:1:1:ffff::1", 5, 5),
            ("the second of 56 bits", "2001:db8:1:2::1", 55, 5),
            ("the third of 56 bits", "2001:db8:1:ff::1", 5, 5),
            ("others of 48 bits", "2001:db8:1:100::1", 50, 0),
            ("and others", "2001:db8:1:200::1", 50, 0),
            ("no more of 48 bits", "2001:db8:1:ffff::1", 5, 5),
            ("another network", "2001:db8:2::1", 5, 0)):
        held_ = hang(n, source)
        same(refused(held_), want, name)
        all_ += held_
    same(get(p, "/me", ATTACKER).status, 503, "that network has no more")
    same(get(p, "/me", MEMBER).status, 200, "others have")
    same(get(p, "/live", ATTACKER, {"Cookie": "gatepost=" + jwt(
        p, "member")}).status, 200, "streams are counted for themselves")
    all_goes_on(p, "forms that hang")
    # whatever else takes a body has a limit, too
    for path, n, most in (("/healthz", 110, 100), ("/v1/access", 610, 600)):
        held_ = [Held(p, ("POST %s HTTP/1.1\r\nHost: x\r\nX-From: 203.0.113.7"
                          "\r\nContent-Length: 9999\r\n\r\nx" % path).encode())
                 for _ in range(n)]
        same(refused(held_), n - most, path)
        all_ += held_
    hooks = [Held(p, ("POST /hooks/gank HTTP/1.1\r\nHost: x\r\nX-From: "
                      "2001:db8:9:1::%x\r\nContent-Length: 99\r\n\r\nx" % i)
                  .encode()) for i in range(1, 211)]
    same(refused(hooks), 10, "hooks: addresses of one network count together")
    all_ += hooks
    all_goes_on(p, "bodies that hang everywhere")
    for h in all_:
        h.close()
    log = p.logs()["nginx.error.log"]
    ok(b"limiting connections" not in log, "the log is not filled", log[-500:])


def compared():
    """check compares nginx's settings with the streams."""
    p = Place(init=False)

    def said(connections, files=None, streams=5000, text=None):
        p.configure(more="streams = %d" % streams)
        p.port = 1
        conf = p.write_nginx(connections=connections)
        main_file = p.dir / "main.conf"
        main_file.write_text(text or "%s\n# worker_connections 1;\ninclude "
                             "'./nginx.con?';\n" % (
                                 "worker_rlimit_nofile %d;" % files
                                 if files else ""))
        done = p.cli("check", "--nginx", main_file).stdout.decode()
        return [x for x in done.splitlines() if str(main_file) in x]
    for connections, files, streams, want in (
            (768, None, 5000, "worker_connections is 768"),
            (12599, None, 5000, "set it to 12600"),
            (12600, None, 5000, "may have 1024 files"), (12600, 16384, 5000, None),
            (12600, 12000, 5000, "worker_rlimit_nofile is 12000"),
            (768, None, 60, "set it to 2720"), (2720, None, 60, "may have 1024 files"), (2720, 4096, 60, None)):
        lines = said(connections, files, streams)
        ok((len(lines) == 1 and lines[0].startswith(
            "note" if "may have" in want else "PROBLEM") and
            want in lines[0]) if want else lines == [],
           "%d connections, %s files, %d streams" % (
               connections, files, streams), lines)
    for text in ("events { }\nhttp { server { listen 80; } }", "\"", "'\\",
                 "include main.conf;", "}{;;", "fastcgi_pass", "\0;"):
        same(said(1, text=text), [], "no word of %r" % text)
    same(len(said(1, text="upstream gatepost { server x; }")), 1,
         "nginx's own default is 512")
    p.conf.write_text(p.conf.read_text())
    ok(b"worker_connections" not in p.cli(
        "check", "--nginx", "/nowhere/nginx.conf").stdout, "no nginx")


main(held, small, paid, steps, compared)
