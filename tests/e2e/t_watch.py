#!/usr/bin/env python3
"""Once an hour somebody looks, and the owner is mailed once: by the program's
worker, and by cron. /v1/status tells it to a monitor."""

import sys
sys.dont_write_bytecode = True
import json
import time

import asked
from lib import FORM, LIMIT, Place, main, ok, sale, same, stop, until

HOUR = 3600
# the look through the front door, and once more after 30 s
FRONT = 60


def place():
    """A place that answers at its public_url, by nginx."""
    p = Place()
    p.nginx()
    p.configure(more="alert_mail = 'owner@example.org'\n")
    text = p.conf.read_text().replace(
        "https://example.org", "http://127.0.0.1:%d" % p.port)
    p.conf.write_text(text)
    return p


def hidden(more=""):
    """A place that nobody sees: nothing is asked through the front door."""
    p = Place()
    p.configure(more="alert_mail = 'owner@example.org'\n" + more)
    p.conf.write_text(p.conf.read_text().replace("public_url", "#public_url"))
    return p


def due(p):
    """The last look was two hours ago; no two mails are of one second."""
    now = int(time.time())
    until(lambda: time.time() >= now + 1, "the next second")
    p.execute("INSERT INTO meta (name, value) VALUES ('watched_at', ?) "
              "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
              str(int(time.time()) - 2 * HOUR))


def found(p):
    text = p.one("SELECT value FROM meta WHERE name = 'findings'")
    return {f["id"]: f for f in json.loads(text)["findings"]} if text else None


def alerts(p):
    return [json.loads(row[0])["data"]["text"] for row in p.rows(
        "SELECT payload FROM outbox WHERE kind = 'mail' AND "
        "target = 'alert' ORDER BY id") if "gatepost doctor" in row[0]]


def kept(p):
    """Something to be told of: a delivery that nobody understands."""
    a = p.cgi("POST", "/hooks/gumroad/" + p.tokens[0],
              b"resource_name=sale&sale_id=", FORM)
    same((a.status, a.word()), (200, "kept"), "a delivery that is kept")


def status(p):
    return p.get("/v1/status", p.bearer()).json()


def by_worker():
    p = place()
    due(p)
    program = p.run()
    until(lambda: found(p) is not None, "the worker's look", LIMIT + FRONT)
    a = status(p)
    ok(a["looked_at"], "status: when", a)
    same(sorted(a["platforms"]), ["gank", "gumroad"], "status: platforms")
    same(a["platforms"]["gumroad"]["last_delivery"], None, "nothing came yet")
    same(a["ok"], a["problems"] == [], "ok without problems")
    same(p.gumroad(sale(1)).word(), "recorded", "a sale")
    until(lambda: status(p)["platforms"]["gumroad"]["last_delivery"],
          "the last delivery in status")
    same(p.get("/v1/status").status, 401, "nobody else is told")
    stop(program)


def by_cron():
    p = hidden()
    kept(p)
    same(p.cli("work", "--once").returncode, 0, "work --once")
    same((found(p), alerts(p)), (None, []), "the first look is in an hour")
    due(p)
    p.cli("work", "--once")
    ok(found(p) is not None, "an hour later it looks")
    n = len(alerts(p))
    p.cli("work", "--once")
    same(len(alerts(p)), n, "not again within the hour")
    due(p)
    p.cli("work", "--once")
    same(len(alerts(p)), n, "nothing new, no mail")


def over():
    """A follow-up that nobody sends: one mail, and one when it is over."""
    p = hidden("on 'kept' { http 'away' { url = 'http://127.0.0.1:9/' } }\n")
    p.execute("INSERT INTO outbox (kind, target, payload, state, due_at, "
              "dedupe) VALUES ('http', 'gone', '{}', 'waiting', ?, 'msg_x')",
              int(time.time()) - 3 * HOUR)
    due(p)
    p.cli("work", "--once")
    ok("outbox_stuck" in found(p), "stuck", found(p))
    same(sum("nobody sends it" in a for a in alerts(p)), 1, "one mail")
    p.execute("DELETE FROM outbox WHERE dedupe = ?", "msg_x")
    due(p)
    p.cli("work", "--once")
    ok("outbox_stuck" not in found(p), "no longer")
    same(sum("Over:" in a and "nobody sends it" in a for a in alerts(p)), 1,
         "one mail that it is over")


def token():
    """What a platform says of a token is over once it says something else."""
    f = asked.shop()
    p = asked.place(f)
    f.do("add_token", token="reads-only-and-is-long-enough",
         scopes=["view_sales"])
    p.conf.write_text(
        p.conf.read_text().replace("public_url", "#public_url").replace(
            "'fake-token'", "'reads-only-and-is-long-enough'"))
    p.execute("INSERT INTO meta (name, value) VALUES ('findings', ?)",
              json.dumps({"findings": [{
                  "id": "scope", "about": "gumroad", "level": "note",
                  "since": "2026-12-01T10:00:00Z", "text": "it can do more",
                  "lines": None, "page": "gatepost-truth(7)"}]}))
    due(p)
    p.cli("work", "--once")
    ok("scope" not in found(p), "another token, which can only read", found(p))


main(by_worker, by_cron, over, token)
