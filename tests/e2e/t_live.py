#!/usr/bin/env python3
"""Requests that wait: /live and /v1/changes, through nginx as shipped."""

import sys
sys.dont_write_bytecode = True
import json
import re
import socket
import threading
import time

from lib import (LIMIT, SLOW, Answer, Place, documented, jwt, main, ok, sale,
                 same, stop, until)

AT_ONCE = 5 if SLOW else 1  # seconds
EVENTS = {"Accept": "text/event-stream"}
# what an event has inside is documented as the answer that is no stream
HEAD = [("content-type", "application/json"), ("cache-control", "no-store"),
        ("vary", "Origin")]


def started(more="", **options):
    p = Place(**options)
    p.configure(more="threads = 4\n" + more)
    p.run()
    p.nginx()
    return p


class Stream:
    """A browser's EventSource, near enough."""

    def __init__(self, p, token, last=None):
        self.s = socket.create_connection(("127.0.0.1", p.port), LIMIT)
        head = "GET /live HTTP/1.1\r\nHost: x\r\n" \
            "Accept: text/event-stream\r\nCookie: a=b; gatepost=%s\r\n" % token
        if last is not None:
            head += "Last-Event-ID: %s\r\n" % last
        self.s.sendall((head + "\r\n").encode())
        self.text = b""
        self.ended = False
        self.status = None

    def read(self, limit):
        """What comes within that time is added to text."""
        self.s.settimeout(max(limit, 0.001))
        try:
            piece = self.s.recv(65536)
        except (socket.timeout, BlockingIOError):
            return False
        except ConnectionResetError:
            piece = b""
        if not piece:
            self.ended = True
        self.text += piece
        found = re.match(rb"HTTP/1.1 (\d+)", self.text)
        self.status = int(found.group(1)) if found else None
        return bool(piece)

    def events(self):
        """(id, object) of each whole event."""
        return [(int(i), json.loads(d)) for i, d in re.findall(
            rb"id: (\d+)\nevent: access\ndata: (.*)\n\n", self.text)]

    def wait(self, n, limit=LIMIT):
        """Until there are n events, or an answer that has none; those."""
        end = time.monotonic() + limit
        while len(self.events()) < n and not self.ended and \
                self.status in (None, 200):
            left = end - time.monotonic()
            if left <= 0:
                break
            self.read(left)
        for _, access in self.events():
            documented(Answer(200, HEAD, json.dumps(access).encode()), "GET",
                       "/live")
        return self.events()

    def wait_end(self, limit=LIMIT):
        end = time.monotonic() + limit
        while not self.ended and time.monotonic() < end:
            self.read(0.2)
            if self.text.endswith(b"\r\n0\r\n\r\n"):
                self.ended = True
        return self.ended

    def close(self):
        self.s.close()


def place_of(p, token):
    """A stream that was let in: places come free when nginx says so."""
    found = []

    def finds_place():
        s = Stream(p, token)
        if len(s.wait(1)) == 1:
            found.append(s)
        else:
            s.close()
        return found
    until(finds_place, "a place")
    return found[0]


def live():
    p = started()
    token = jwt(p, "u1")
    for headers in ({}, {"Cookie": "gatepost=" + token + "x"},
                    {"Authorization": "Bearer " + p.api_key},
                    {"Cookie": "gatepost=" + jwt(p, "u1", lasts=-100)},
                    {"Cookie": "gatepost=" + jwt(p, "u1", secret="x" * 32)}):
        a = p.get("/live", {**headers, **EVENTS})
        same((a.status, a.word()), (401, "pass"), "no valid pass")
    for query in ("quiet", "quiet=1"):
        a = p.get("/live?" + query, {"Cookie": "gatepost=" + token + "x"})
        ok(a.status == 204 and a.body == b"", "no valid pass, quiet: 204", a)
    a = p.get("/live?quiet", {"Cookie": "gatepost=" + token})
    same(a.json().get("key"), {"user": "u1"}, "a pass, quiet: the object")
    a = p.get("/live?quietly", {})
    same(a.status, 401, "another word: 401")
    a = p.get("/live?pass=" + token, EVENTS)
    same(a.status, 401, "a pass in the query is none")
    for headers in ({"Authorization": "Bearer " + token},
                    {"Cookie": "x=1; gatepost=%s; y=2" % token},
                    {"Cookie": "gatepost=bad; gatepost=" + token},
                    {"Cookie": "gatepost=" + token,
                     "Authorization": "Basic YTpi"},
                    {"Cookie": "gatepost=bad",
                     "Authorization": "Bearer " + token}):
        a = p.get("/live", headers)
        ok(a.status == 200 and a.json().get("key") == {"user": "u1"} and
           a.json()["tier"] is None, "without Accept: the object once", a)
    same(p.post("/live", b"").status, 405, "POST: 405")

    s = Stream(p, token)
    first = s.wait(1)
    head = s.text.split(b"\r\n\r\n")[0].lower()
    ok(b"content-type: text/event-stream" in head and
       b"cache-control: no-store" in head and b"content-length" not in head,
       "the head of a stream", head)
    ok(b"retry: 2000\n" in s.text, "it says when to come back")
    same([(i, o["tier"]) for i, o in first], [(0, None)],
         "the present state first")
    begun = time.monotonic()
    same(p.gumroad(sale(1)).status, 200, "a sale")
    got = s.wait(2)
    took = time.monotonic() - begun
    ok(len(got) == 2 and got[1][1]["tier"] == "supporter" and
       got[1][0] == got[1][1]["change"] > 0 and took < AT_ONCE,
       "the event is there at once", (took, got))
    p.gumroad(sale(2))
    begun = time.monotonic()
    same(p.cli("grant", "--user", "u1", "--tier", "influencer").returncode,
         0, "a grant by another process")
    got = s.wait(3)
    took = time.monotonic() - begun
    ok(len(got) == 3 and got[2][1]["tier"] == "influencer" and
       took < AT_ONCE, "is there within a second", (took, got))
    begun = time.monotonic()
    same(p.cli("revoke", "--user", "u1", "--tier", "influencer").returncode,
         0, "a revocation by another process")
    got = s.wait(4)
    took = time.monotonic() - begun
    ok(len(got) == 4 and got[3][1]["tier"] == "supporter" and
       took < AT_ONCE, "is there within a second", (took, got))
    s.close()
    p.cli("grant", "--user", "u1", "--tier", "influencer")
    last = p.one("SELECT max(id) FROM changes")

    p.cli("revoke", "--user", "u1", "--tier", "influencer")
    p.cli("grant", "--user", "u9", "--tier", "influencer")
    p.cli("grant", "--user", "u1", "--tier", "influencer")
    want = [r[0] for r in p.rows("SELECT id FROM changes WHERE user_ref = "
                                 "'u1' AND id > ? ORDER BY id", last)]
    ok(len(want) == 2, "two changes while away", want)
    s = Stream(p, token, last)
    got = s.wait(len(want))
    s.read(0.3)
    got = s.events()
    same([i for i, _ in got], want, "come back: each of one's own is told")
    same(got[-1][1]["tier"], "influencer", "with what is true now")
    for again in (want[-1], "nonsense", 10 ** 6):
        t = Stream(p, token, again)
        t.read(0.3)
        same([i for i, _ in t.wait(1)], [want[-1]],
             "come back with %s: the present state" % again)
        t.close()

    for by, sub in (("email", "Calvin1@example.com"),
                    ("buyer", "gumroad:" + (p.one(
                        "SELECT buyer FROM purchases WHERE user_ref = 'u1' "
                        "AND buyer IS NOT NULL") or ""))):
        if p.access("%s=%s" % (by, sub)).json().get("tier") is None:
            continue
        t = Stream(p, jwt(p, sub, by))
        ok(t.wait(1)[0][1]["tier"] == "supporter", "by " + by)
        t.close()
    short = Stream(p, jwt(p, "u1", lasts=2))
    ok(short.wait_end() and short.status == 200, "a stream ends with its pass",
       short.text)
    opened = [Stream(p, token) for _ in range(8)]
    refused = [x for x in opened if x.wait(1) == []]
    same([x.status for x in refused], [503], "the ninth of a pass: 503")
    for x in opened:
        x.close()
    s.close()
    s = place_of(p, token)
    ok(s.status == 200, "closed streams give their place back")
    s.s.shutdown(socket.SHUT_RDWR)
    u = Stream(p, jwt(p, "u2"))
    u.wait(1)
    begun = time.monotonic()
    same(stop(p.program), 0, "exit 0 with streams open")
    ok(u.wait_end(5) and time.monotonic() - begun < 5,
       "they are ended, not cut", u.text)
    ok(u.text.endswith(b"\r\n0\r\n\r\n"), "cleanly", u.text)
    p.check_logs(token)


def ask(p, after, wait, out):
    begun = time.monotonic()
    a = p.get("/v1/changes?after=%s&wait=%s" % (after, wait), p.bearer(),
              limit=90)
    out.append((a, time.monotonic() - begun))


def asking(p, after, wait):
    out = []
    t = threading.Thread(target=ask, args=(p, after, wait, out), daemon=True)
    t.start()
    return t, out


def changes():
    p = started()
    same(p.get("/v1/changes").status, 401, "no key: 401")
    for query in ("after=x", "after=-1", "wait=61", "wait=-1", "wait=",
                  "after=1&after=2"):
        same(p.get("/v1/changes?" + query, p.bearer()).status, 400, query)
    a = p.get("/v1/changes?after=0", p.bearer())
    same(a.body, b'{"changes":[],"after":0}', "none yet")
    begun = time.monotonic()
    a = p.get("/v1/changes?after=0&wait=1", p.bearer())
    took = time.monotonic() - begun
    ok(a.body == b'{"changes":[],"after":0}' and 0.9 < took < 3,
       "after the wait: none", (took, a))
    t, out = asking(p, 0, 30)
    time.sleep(0.3)
    begun = time.monotonic()
    p.gumroad(sale(1))
    t.join(LIMIT)
    took = time.monotonic() - begun
    a = out[0][0].json() if out else {}
    ok(len(a.get("changes", [])) == 1 and took < AT_ONCE,
       "answered at once on a change", (took, out))
    if a.get("changes"):
        c = a["changes"][0]
        same(sorted(c), ["after", "at", "before", "buyer", "email", "event",
                         "id", "license", "user"], "the keys of a change")
        same((c["user"], c["before"], c["after"], c["id"]),
             ("u1", None, "supporter", a["after"]), "its values")
    t, out = asking(p, a["after"], 30)
    time.sleep(0.3)
    begun = time.monotonic()
    p.cli("grant", "--user", "u7", "--tier", "supporter")
    t.join(LIMIT)
    ok(out and out[0][0].json()["changes"][0]["user"] == "u7" and
       time.monotonic() - begun < 2 * AT_ONCE, "and on another process's",
       out)
    waiting = [asking(p, 10 ** 9, 60) for _ in range(30)]
    time.sleep(0.5)
    begun = time.monotonic()
    same(p.access("user=u1").status, 200, "30 wait, 4 threads: a lookup")
    ok(time.monotonic() - begun < AT_ONCE, "is answered at once")
    a = p.direct("HEAD", "/v1/changes?after=99999&wait=20",
                 headers=p.bearer())
    ok(a.status == 200 and a.seconds < 5, "HEAD does not wait", a)
    same(stop(p.program), 0, "exit 0")
    for t, _ in waiting:
        t.join(LIMIT)
    same({a.body for _, out in waiting for a, _ in out},
         {b'{"changes":[],"after":1000000000}'}, "waiting ones are answered")

    p.run()
    writers = [threading.Thread(target=deliver, args=(p, n)) for n in
               range(100, 140, 10)]
    writers.append(threading.Thread(target=grants, args=(p, 10)))
    seen, after = [], 0
    for w in writers:
        w.start()
    restarted = False
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        a = p.get("/v1/changes?after=%d&wait=1" % after, p.bearer())
        page = a.json()
        if a.status == 200:
            seen += [c["id"] for c in page["changes"]]
            after = page["after"]
            alive = any(w.is_alive() for w in writers)
            if not alive and not page["changes"]:
                if restarted:
                    break
                restarted = True
                stop(p.program)
                p.run()
                p.gumroad(sale(999))
    want = [r[0] for r in p.rows("SELECT id FROM changes ORDER BY id")]
    same(seen, want, "none lost, none twice, in order, over a restart")
    ok(len(want) > 40, "there were many", len(want))
    big = p.rows("SELECT max(id) FROM changes")[0][0]
    fill(p, 1200)
    page = p.get("/v1/changes?after=%d" % big, p.bearer()).json()
    ok(len(page["changes"]) == 500 and page["after"] ==
       page["changes"][-1]["id"], "a page has a bound")
    p.check_logs()


def fill(p, n):
    p.execute("INSERT INTO changes (at, user_ref) VALUES " +
              ", ".join(["(1, 'x')"] * n))


def deliver(p, first):
    for n in range(first, first + 10):
        p.gumroad(sale(n))


def grants(p, n):
    for i in range(n):
        p.cli("grant", "--user", "g%d" % i, "--tier", "supporter")


def many():
    """300 streams and 4 threads, while deliveries and lookups go on."""
    p = started("streams = 6000")
    begun = time.monotonic()
    streams = [Stream(p, jwt(p, "u%d" % n)) for n in range(300)]
    same(sum(len(s.wait(1)) for s in streams), 300, "300 streams are open")
    took_all = []
    for n in range(0, 300, 10):
        begun = time.monotonic()
        same_status = p.gumroad(sale(n)).status
        access = p.access("user=u%d" % n)
        took = time.monotonic() - begun
        if same_status != 200 or access.status != 200 or took > AT_ONCE:
            ok(False, "a delivery and a lookup meanwhile",
               (same_status, access, took))
        begun = time.monotonic()
        got = streams[n].wait(2, AT_ONCE)
        took_all.append(time.monotonic() - begun)
        if len(got) != 2 or got[1][1]["tier"] != "supporter":
            ok(False, "the event of u%d" % n, got)
    # the program's own commits wake it: they wait for no clock (250 ms)
    took_all.sort()
    ok(took_all[-1] < AT_ONCE, "each event within a second", took_all)
    ok(SLOW or took_all[len(took_all) // 2] < 0.05,
       "most of them at once", took_all)
    streams[1].read(0.2)
    same(len(streams[1].events()), 1, "nobody hears of others")
    for s in streams:
        s.close()
    p.gumroad(sale(1000))
    same(stop(p.program), 0, "exit 0")


def bound():
    p = started("streams = 3")
    grants(p, 4)
    streams = [Stream(p, jwt(p, "g%d" % n)) for n in range(2)]
    streams.append(Stream(p, jwt(p, "x")))
    same([len(s.wait(1)) for s in streams], [1, 1, 1], "as many as streams")
    a = p.get("/live", {**EVENTS, "Cookie": "gatepost=" + jwt(p, "g3")})
    ok(a.status == 503 and a.word() == "streams" and
       "retry-after" in a.headers, "one more: 503", a)
    a = p.get("/v1/changes?after=99&wait=1", p.bearer())
    same(a.status, 200, "a waiting question has a place of its own")
    streams[0].close()
    place_of(p, jwt(p, "g3"))
    after = p.get("/v1/changes", p.bearer()).json()["after"]
    answers = []
    polls = [threading.Thread(target=lambda: answers.append(p.get(
        "/v1/changes?after=%d&wait=60" % after, p.bearer()).status))
        for _ in range(260)]
    for t in polls:
        t.start()
    until(lambda: len(answers) == 4, "four too many")
    same(p.gumroad(sale(1)).status, 200, "a delivery")
    for t in polls:
        t.join()
    same((answers.count(200), answers.count(503)), (256, 4),
         "256 questions wait")


def plain():
    p = Place()
    token = jwt(p, "u1")
    a = p.cgi("GET", "/live", headers={**EVENTS,
                                       "Cookie": "gatepost=" + token})
    ok(a.status == 200 and a.exit == 0 and a.seconds < 5 and
       b"retry: 5000\n" in a.body and a.body.count(b"event: access") == 1,
       "CGI: one event", a)
    a = p.cgi("GET", "/v1/changes?wait=20", headers=p.bearer())
    ok(a.status == 200 and a.seconds < 5 and
       a.body == b'{"changes":[],"after":0}', "CGI: no waiting", a)


if __name__ == "__main__":
    main(live, changes, many, bound, plain)
