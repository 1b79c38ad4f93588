#!/usr/bin/env python3
"""Answers of the API that are none: each ends that reading with a clear error,
changes nothing for anybody, and is tried again. What stands between Gatepost
and the fake shop makes them. LONG: the slow ones, too, and every value."""

import sys
sys.dont_write_bytecode = True
import copy
import gzip
import http.client
import json
import os
import re
import socketserver
import threading
import time

from asked import DAY, iso, place, shop
from lib import main, ok, same

LONG = bool(os.environ.get("LONG"))


class Between(socketserver.ThreadingTCPServer):
    """Hands on what is asked, but for paths that `path` is found in: there
    bad(handler, number, true answer) says what comes; None: the true one."""
    daemon_threads = allow_reuse_address = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), Line)
        self.to, self.path, self.bad = port, None, None
        self.asked = self.strangers = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def handle_error(self, *_):
        """A client that has enough hangs up."""

    def set(self, path, bad):
        self.path, self.bad, self.asked = path, bad, 0


class Line(socketserver.StreamRequestHandler):
    def handle(self):
        while self.one():
            pass

    def one(self):
        line = self.rfile.readline().decode()
        if not line.strip():
            return False
        method, target, _ = line.split()
        headers = http.client.parse_headers(self.rfile)
        between = self.server
        if target.startswith("/stranger"):
            between.strangers += 1
        c = http.client.HTTPConnection("127.0.0.1", between.to)
        c.request(method, target, headers={
            "Authorization": headers.get("Authorization", "")})
        answer = c.getresponse()
        true = answer.read()
        c.close()
        if between.bad and re.search(between.path, target):
            between.asked += 1
            out = between.bad(self, between.asked, true)
            if out is None:
                return False
            true, status = out, 200
        else:
            status = answer.status
        self.say(true, status)
        return True

    def say(self, body, status=200, more=""):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.wfile.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n"
                         b"Content-Type: application/json\r\n%s\r\n" % (
                             status, len(body), more.encode()) + body)

    def raw(self, data):
        self.wfile.write(data)


# ---- the way an answer comes -------------------------------------------------

def endless(h, _, true):
    h.raw(b"HTTP/1.1 200 OK\r\n\r\n" + true[:1])
    while True:
        h.raw(b" " * 65536)


def drip(h, _, true):
    h.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(true))
    for byte in true:
        h.raw(bytes([byte]))
        time.sleep(0.5)


def zipped(h, _, true):
    h.say(gzip.compress(true), more="Content-Encoding: gzip\r\n")


def to_stranger(status):
    def bad(h, _, true):
        h.say(b"", status, "Location: http://127.0.0.1:%d/stranger\r\n" %
              h.server.port)
    return bad


def said(status, body=b"", more=""):
    def bad(h, _, true):
        h.say(body, status, more)
    return bad


def wire(data):
    def bad(h, _, true):
        h.raw(data)
    return bad


def bytes_of(change):
    return lambda h, n, true: change(true)


ANY = (
    ("half", bytes_of(lambda t: t[:len(t) // 2])),
    ("HTML", bytes_of(lambda t: b"<!DOCTYPE html><title>Hello</title>")),
    ("nothing", bytes_of(lambda t: b"")),
    ("null", bytes_of(lambda t: b"null")),
    ("a list", bytes_of(lambda t: b"[" + t + b"]")),
    ("a text", bytes_of(lambda t: b'"ok"')),
    ("twice", bytes_of(lambda t: t + t)),
    ("deep", bytes_of(lambda t: b"[" * 100000)),
    ("a name twice", bytes_of(lambda t: b'{"success":true,' + t[1:])),
    ("bytes that are no text", bytes_of(lambda t: t.replace(b"Pencil",
                                                            b"\xff\xfe"))),
    ("success as text", bytes_of(lambda t: t.replace(b"true", b'"true"', 1))),
    ("success false", bytes_of(lambda t: b'{"success":false}')),
    ("not found", bytes_of(lambda t: b'{"success":false,"message":'
                           b'"The sale was not found."}')),
    ("10 MiB", bytes_of(lambda t: t + b" " * 10 * 2 ** 20)),
    ("zipped", zipped),
    ("endless", endless),
    ("204", said(204)), ("206", said(206, b"{}")), ("404", said(404, b"{}")),
    ("400", said(400, b'{"status":400,"error":"Invalid"}')),
    ("418", said(418)),
    ("301", to_stranger(301)), ("302", to_stranger(302)),
    ("307", to_stranger(307)),
    ("no HTTP", wire(b"SSH-2.0-OpenSSH_9.2\r\n")),
    ("a head without end", wire(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400000)),
    ("hanging up", wire(b"")),
    ("a length below 0", wire(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n"
                              b"\r\n{}")),
    ("401", said(401)), ("403", said(403)),
    ("403 of the front", said(403, b"<html>no</html>")),
    ("500", said(500, b"<html>no</html>")), ("503", said(503)),
    ("429", said(429, b"Retry later\n")),
    ("429 for a year", said(429, b"Retry later\n",
                            "Retry-After: 31536000\r\n")),
) + ((("drip", drip),) if LONG else ())
PATHS = (r"/v2/user$", r"/v2/products(\?|$)", r"/v2/sales\?",
         r"/subscribers\?")


def state(p):
    return (p.rows("SELECT sale, since, until, tier, email, user_ref, "
                   "refunded_at, disputed_at, revoked_at, confirmed_at "
                   "FROM purchases ORDER BY sale"),
            p.rows("SELECT subscription, status, paid_until, ended_at, "
                   "cancelled_at FROM subscriptions ORDER BY subscription"))


def access(p):
    """What each sale gives: never less."""
    return {sale: (tier, until) for sale, tier, until in p.rows(
        "SELECT sale, tier, until FROM purchases WHERE since IS NOT NULL")}


def setting(history=25):
    f = shop("--history", history)
    between = Between(f.port)
    p = place(f)
    p.conf.write_text(p.conf.read_text().replace(
        ":%d'" % f.port, ":%d'" % between.port))
    same(p.cli("import", "gumroad").returncode, 0, "the true answers")
    p.since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 60 * DAY))
    p.between = between
    reconcile(p)
    return p


def reconcile(p):
    return p.cli("reconcile", "--since", p.since)


def ways():
    p = setting()
    for n, path in enumerate(PATHS):
        # each in turn at one of them; LONG: at all
        for kind, bad in ANY if LONG else ANY[n::len(PATHS)]:
            if kind == "bytes that are no text" and "sales" not in path:
                continue  # there is no such word
            if kind == "not found" and "subscribers" in path:
                continue  # a product that is gone has no members
            name = "%s: %s" % (path, kind)
            before = state(p)
            p.between.set(path, bad)
            done = reconcile(p)
            same((done.returncode, state(p) == before), (3, True),
                 name + ": exit 3, and nothing changes")
            told = done.stderr.decode(errors="replace")
            ok(len(told) > 20 and "fake-token" not in told, name +
               " is told", told)
    same(p.between.strangers, 0, "no redirect is followed")
    p.between.set("", None)
    same(reconcile(p).returncode, 0, "then all is as it was")


# ---- what an answer says -----------------------------------------------------

SALE = """id seller_id created_at product_id product_name product_permalink
price currency refunded partially_refunded amount_refundable_in_currency
disputed dispute_won chargedback access_revoked variants purchase_email
giftee_email is_gift_sender_purchase is_gift_receiver_purchase license_key
subscription_id subscription_duration quantity purchaser_id recurring_charge
is_preorder_authorization cancelled dead ended""".split()
MEMBER = """id product_id created_at charge_occurrence_count recurrence
cancelled_at user_requested_cancellation_at ended_at failed_at
free_trial_ends_at status""".split()
GONE = object()
VALUES = (GONE, None, 7, -1, 1e300, "", "x", "x" * 70000, "a\u0000b", [], {},
          ["true"], {"a": 1}) if LONG else (GONE, 7, "x", [], {"a": 1})
# what is of the right type is believed: another product, no tier
BELIEVED = {("product_id", "x"), ("variants", GONE), ("subscription_id", "x")}


def changed(key, value, objects):
    def bad(h, _, true):
        answer = json.loads(true)
        for one in answer[objects]:
            if value is GONE:
                one.pop(key, None)
            else:
                one[key] = copy.deepcopy(value)
        return json.dumps(answer).encode()
    return bad


def keys():
    p = setting()
    has, events = access(p), p.events()
    for path, objects, names in ((PATHS[2], "sales", SALE),
                                 (PATHS[3], "subscribers", MEMBER)):
        for key in names:
            at = names.index(key)
            for value in VALUES if LONG else [
                    VALUES[(at + i) % len(VALUES)] for i in (0, 2)]:
                if value.__hash__ and (key, value) in BELIEVED:
                    continue
                name = "%s.%s: %.20r" % (objects, key, value)
                p.between.set(path, changed(key, value, objects))
                done = reconcile(p)
                now = access(p)
                worse = {s: (has[s], now.get(s)) for s in has
                         if not is_as_good(has[s], now.get(s))}
                ok(not worse and done.returncode in (0, 1, 3), name +
                   " makes nothing worse", (worse, done))
                if worse or now != has:
                    p.between.set("", None)
                    time.sleep(1.1)  # of one second the later one speaks
                    reconcile(p)
                    has = access(p)
    ok(p.events() >= events, "the log only grows")


def is_as_good(had, has):
    return has is not None and has[0] == had[0] and (
        has[1] is None or had[1] is not None and has[1] >= had[1])


def edited(change):
    def bad(h, number, true):
        answer = json.loads(true)
        out = change(answer, number)
        return json.dumps(answer if out is None else out).encode()
    return bad


def first(a):
    return (a.get("sales") or a.get("subscribers") or a.get("products"))[0]


def circle(size, fresh=False):
    """Pages for ever: some in turn, by keys that come back, or never do."""
    kept = {}

    def change(a, n):
        page = kept.setdefault(n % size, a if n <= size else None)
        at = n if fresh else n % size
        page["next_page_key"] = "20260304091233000000-%d" % (10 ** 6 + at)
        return page
    return change


LISTS = (
    ("no list", lambda a, n: a.update({k: {} for k in a if k != "success"})),
    ("texts", lambda a, n: {k: ["x"] if isinstance(v, list) else v
                            for k, v in a.items()}),
    ("nulls", lambda a, n: {k: [None] if isinstance(v, list) else v
                            for k, v in a.items()}),
    ("the same page for ever", circle(1)),
    ("and with keys for ever new", circle(1, True)),
    ("a circle of two", circle(2)),
    ("a circle of three", circle(3)),
    ("a key of 100 kB", lambda a, n: a.update(next_page_key="1" * 10 ** 5)),
)
SALES = (
    ("a circle of two with keys for ever new", circle(2, True)),
    ("another account", lambda a, n: first(a).update(seller_id="other==")),
    ("500 of them", lambda a, n: a.update(sales=a["sales"] * 50)),
    ("one of tomorrow in the middle", lambda a, n: a["sales"].insert(
        3, dict(a["sales"][0], created_at="yesterday"))),
)


def lists():
    f = shop("--history", 60)
    for n in range(12):  # more than one page of them
        f.do("add_product", name="More %d" % n, price=100)
    between = Between(f.port)
    p = place(f)
    p.conf.write_text(p.conf.read_text().replace(
        ":%d'" % f.port, ":%d'" % between.port))
    p.between, p.since = between, "2026-06-01"
    same(p.cli("import", "gumroad").returncode, 0, "the true answers")
    reconcile(p)
    has = access(p)
    for path, some in ((PATHS[1], LISTS), (PATHS[2], LISTS + SALES),
                       (PATHS[3], LISTS)):
        for kind, change in some if LONG or path == PATHS[2] else ():
            name = "%s: %s" % (path, kind)
            between.set(path, edited(change))
            done = reconcile(p)
            ok(done.returncode == 3 and len(done.stderr) > 20, name +
               " ends it", done)
            ok(between.asked < 40, name + " soon", between.asked)
            worse = {s for s in has if not is_as_good(has[s],
                                                      access(p).get(s))}
            ok(not worse, name + " makes nothing worse", worse)
    between.set("", None)
    ok(reconcile(p).returncode in (0, 1), "and then it goes on")


if __name__ == "__main__":
    main(ways, lists, keys)
