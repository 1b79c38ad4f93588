#!/usr/bin/env python3
"""A delivery's way: nginx, program, database, and the questions after it."""

import sys
sys.dont_write_bytecode = True
import json
import re
import sqlite3
import time
from urllib.parse import quote

from lib import (FORM, Place, basic, fixture, gank_headers, http_raw, main,
                 needs_file, ok, sale, same)


def recorded():
    p = Place()
    p.run()
    p.nginx()
    deliveries = [
        ("gank membership", "gank", "gank/um-documented"),
        ("gank goods", "gank", "gank/dg-documented"),
        ("gumroad sale", "gumroad", "gumroad/01-sale-onetime"),
    ]
    first = {}
    for name, platform, path in deliveries:
        body = fixture(path)
        a = getattr(p, platform)(body)
        same((a.status, a.word()), (200, "recorded"), name + ": recorded")
        same(a.headers.get("content-type"), "application/json",
             name + ": answered in JSON")
        first[name] = a.event()
        rows = p.rows("SELECT platform, status, reason, body, seen, peer "
                      "FROM events WHERE id = ?", a.event())
        same(rows, [(platform, "applied", None, body.decode(), 1,
                     "127.0.0.1")], name + ": the event's row")
    check_purchases(p)
    check_access(p)
    check_again(p, deliveries, first)
    check_shell(p)
    p.check_logs("calvin@example.com")


def check_purchases(p):
    same(p.rows("SELECT platform, sale, product, tier FROM purchases "
                "ORDER BY platform, sale"),
         [("gank", "DG-260227-5U7OZOIXN", "goods", "influencer"),
          ("gank", "UM-250925-NWKBIKATC", "membership", "supporter"),
          ("gumroad", "YsQco6u3QkxrBvCxPpAfWg==", "pencil", "supporter")],
         "the purchases' rows")
    same(len(p.rows("SELECT * FROM recent_purchases")), 3,
         "view recent_purchases")
    same(len(p.rows("SELECT * FROM recent_events")), 3, "view recent_events")
    same(len(p.rows("SELECT * FROM members")) >= 1, True, "view members")
    ok(p.one("SELECT price FROM recent_purchases WHERE platform = 'gumroad'")
       == "10.00 USD", "recent_purchases: a price to read")


def check_access(p):
    a = p.access("email=calvin@example.com")
    x = a.json()
    same((a.status, x.get("tier"), x.get("status"), x.get("until")),
         (200, "supporter", "active", None), "GET /v1/access after the 2xx")
    same(x.get("key"), {"email": "calvin@example.com"}, "access: key")
    same(x.get("allows"), ["read"], "access: allows")
    same([(g["sale"], g["quantity"], g["confirmed"])
          for g in x.get("grants", [])],
         [("YsQco6u3QkxrBvCxPpAfWg==", 1, None)], "access: grants")
    text = p.cli("access", "--email", "calvin@example.com")
    ok(text.returncode == 0 and b"has tier supporter" in text.stdout,
       "gatepost access says the same", text)
    data = json.loads(p.cli("access", "--json", "--email",
                            "calvin@example.com").stdout)
    same({**data, "change": 0}, {**x, "change": 0},
         "gatepost access --json is the same object")
    for rule, want in (("tier=supporter", True), ("tier=influencer", False),
                       ("allow=read", True), ("allow=dm.bulk", False)):
        same(p.access("email=calvin@example.com&" + rule).json()
             .get("allowed"), want, "access with " + rule)
    a = p.get("/v1/access?email=calvin@example.com")
    same((a.status, a.json().get("tier")), (401, None), "no key: 401")
    a = p.get("/v1/access?user=1", {"Authorization": "Bearer wrong"})
    same(a.status, 401, "wrong key: 401")
    for query in ("", "user=1&email=a@b", "user=1&user=2", "user=",
                  "user=1&tier=a&allow=b", "user=1&tier="):
        same(p.access(query).status, 400, "access?%s: 400" % query)
    same(p.access("user=nobody").json().get("tier"), None,
         "nobody ever seen: tier null")
    body = json.dumps({"users": [{"email": "calvin@example.com"},
                                 {"user": "nobody"}]}).encode()
    a = p.post("/v1/access", body, p.bearer())
    same([u["tier"] for u in a.json().get("users", [])],
         ["supporter", None], "POST /v1/access answers in order")


def check_again(p, deliveries, first):
    before = p.dump()
    for name, platform, path in deliveries:
        a = getattr(p, platform)(fixture(path))
        same((a.status, a.word(), a.event()),
             (200, "duplicate", first[name]), name + ": again")
    after = p.dump()
    for table in before:
        if table != "events":
            same(after[table], before[table], "again: %s as before" % table)
    columns = [r[1] for r in p.rows("PRAGMA table_info(events)")]
    changed = set()
    for old, new in zip(before["events"], after["events"]):
        changed |= {c for c, a, b in zip(columns, old, new) if a != b}
    ok("seen" in changed and changed <= {"seen", "last_seen_at"},
       "again: only seen and last_seen_at change", changed)
    same(p.rows("SELECT DISTINCT seen FROM events"), [(2,)],
         "again: seen is 2")
    a = p.gumroad(fixture("gumroad/01-sale-onetime") + b"&retry_count=1")
    same(a.word(), "duplicate", "a retry_count makes no other delivery")


def check_shell(p):
    """A buyer's user id is found in what the link carried."""
    a = p.gumroad(sale(7))
    same(a.word(), "recorded", "a sale with a user id")
    same(p.access("user=u7").json().get("tier"), "supporter",
         "access by user id right after")


def credentials():
    p = Place()
    p.run()
    p.nginx()
    body = sale(1)
    token, path = p.tokens[0], "/hooks/gumroad"
    steps = [
        ("token in the path", path + "/" + token, {}, "recorded"),
        ("the second token", path + "/" + p.tokens[1], {}, "duplicate"),
        ("trailing slash", path + "/" + token + "/", {}, "duplicate"),
        ("Basic, password", path, basic(token), "duplicate"),
        ("Basic, other user", path, basic(token, "ping"), "duplicate"),
        ("Basic, trailing slash", path + "/", basic(token), "duplicate"),
    ]
    for name, where, headers, want in steps:
        a = p.post(where, body, {**FORM, **headers})
        same((a.status, a.word()), (200, want), name)
    body, t = fixture("gank/um-documented"), int(time.time())
    for n, secret in enumerate(p.secrets):
        a = p.gank(body, secret)
        same((a.status, a.word()), (200, ["recorded", "duplicate"][n]),
             "gank secret %d of two" % (n + 1))
    h = gank_headers(body, p.secrets[0], t - 299)
    same(p.post("/hooks/gank", body, h).status, 200, "299 s old")
    good = gank_headers(body, p.secrets[1])
    both = "%s,v1=%s" % (good["Gank-Signature"].replace(
        "v1=", "v1=" + "0" * 64 + ",v1="), "f" * 64)
    a = p.post("/hooks/gank", body, {**good, "Gank-Signature": both})
    same(a.status, 200, "the right one among several v1")
    same(p.post("/hooks/gank/", body, good).status, 200,
         "gank with a trailing slash")


def refused():
    p = Place()
    p.run()
    p.nginx()
    before, t = p.dump(), int(time.time())
    body, secret = fixture("gank/um-documented"), p.secrets[0]
    right = gank_headers(body, secret)
    mac = right["Gank-Signature"].split("v1=")[1]
    gank = [
        ("forged", {"Gank-Signature": "t=%d,v1=%s" % (t, "0" * 64)},
         "mismatch"),
        ("another's secret", gank_headers(body, "another"), "mismatch"),
        ("another body's", gank_headers(body + b" ", secret), "mismatch"),
        ("another time", {"Gank-Signature": "t=%d,v1=%s" % (t - 1, mac)},
         "mismatch"),
        ("90000 s old", gank_headers(body, secret, t - 90000), "too_old"),
        ("90000 s ahead", gank_headers(body, secret, t + 90000), "too_old"),
        ("no header", {}, "no_signature"),
        ("a header of noise", {"Gank-Signature": "nonsense"}, "bad_header"),
        ("old and forged", {"Gank-Signature": "t=%d,v1=%s" % (
            t - 90000, "0" * 64)}, None),
    ]
    for name, headers, detail in gank:
        a = p.post("/hooks/gank", body, headers)
        same((a.status, a.word()), (401, "signature"), "gank, " + name)
        if detail:
            same(a.json().get("detail"), detail, "gank, %s: why" % name)
    log = p.log_text()
    ok(re.search("signature right, 9000[0-9] s old", log),
       "the log tells of the clock", log)
    ok(" ahead: check the clock" in log, "the log tells of a clock ahead",
       log)
    same(log.count("signature right"), 2, "and of no other")
    gumroad, token, form = "/hooks/gumroad", p.tokens[0], sale(1)
    for name, path, headers in (
            ("wrong token", gumroad + "/" + "0" * 48, {}),
            ("no token", gumroad, {}),
            ("no token, slash", gumroad + "/", {}),
            ("half a token", gumroad + "/" + token[:24], {}),
            ("a longer token", gumroad + "/" + token + "0", {}),
            ("wrong password", gumroad, basic("0" * 48)),
            ("token as user", gumroad, basic("", token)),
            ("Bearer token", gumroad, {"Authorization": "Bearer " + token}),
            ("token in the query", gumroad + "?token=" + token, {}),
            ("gank's secret", gumroad + "/" + secret, {}),
            ("two segments", gumroad + "/" + token + "/x", {}),
            ("unknown platform", "/hooks/nowhere/" + token, {}),
            ("gank takes no token", "/hooks/gank/" + token, {}),
            ("hooks alone", "/hooks/", {})):
        a = p.post(path, form, {**FORM, **headers})
        same(a.status, 404, name + ": 404")
    methods(p, token)
    same(p.dump(), before, "none of them left a trace")
    ok(token not in p.log_text(), "the token is in no log line")
    p.check_logs()


def methods(p, token):
    for path in ("/hooks/gumroad/" + token, "/hooks/gank"):
        for method in ("GET", "PUT", "DELETE", "OPTIONS"):
            a = http_raw(p.port, ("%s %s HTTP/1.0\r\nHost: x\r\n\r\n" % (
                method, path)).encode())
            ok(b" 405 " in a.split(b"\r\n")[0] and b"\r\nAllow: POST\r\n" in a,
               "%s /hooks: 405, Allow: POST" % method, a)
        a = http_raw(p.port, ("HEAD %s HTTP/1.0\r\nHost: x\r\n\r\n" %
                              path).encode())
        ok(b" 405 " in a and a.endswith(b"\r\n\r\n"), "HEAD: 405, no body", a)
    same(p.get("/v1/nothing", p.bearer()).status, 404, "unknown path: 404")
    a = http_raw(p.port, b"HEAD /healthz HTTP/1.0\r\nHost: x\r\n\r\n")
    ok(b" 200 " in a.split(b"\r\n")[0] and a.endswith(b"\r\n\r\n"),
       "HEAD /healthz: 200, no body", a)
    a = p.get("/healthz")
    same((a.status, a.body), (200, b"ok"), "GET /healthz: ok")
    a = p.post("/healthz", b"")
    same((a.status, a.headers.get("allow")), (405, "GET, HEAD"),
         "POST /healthz: 405 with Allow")


def unconfigured():
    """No secret yet: Gank is told to come again, Gumroad is not disturbed."""
    p = Place()
    p.configure(gank=False)
    p.run()
    p.nginx()
    body = fixture("gank/um-documented")
    a = p.gank(body)
    same((a.status, a.word()), (503, "not_configured"), "gank without secret")
    ok(int(a.headers.get("retry-after", 0)) > 0, "with Retry-After", a)
    same(p.gumroad(sale(1)).word(), "recorded", "gumroad meanwhile")
    same(p.events(), 1, "nothing of gank's is stored")


def logs_of_questions():
    """People's addresses and tokens come in by addresses, too."""
    p = Place()
    p.run()
    p.nginx()
    p.gumroad(sale(1))
    token, mail = p.tokens[0], "calvin1@example.com"
    p.access("email=" + mail)
    p.access("email=" + quote(mail))
    p.get("/v1/access?email=" + mail)
    p.get("/nothing?email=" + mail)
    for path in ("/hooks/gumroad/%s/x", "/Hooks/gumroad/%s",
                 "//hooks/gumroad/%s", "/x/hooks/gumroad/%s",
                 "/%%68ooks/gumroad/%s", "/hooks/../hooks/gumroad/%s",
                 "/x/../hooks/gumroad/%s", "/hooks/gumroad/%s?a=%%zz"):
        p.post(path % token, sale(2), FORM)
        p.get(path % token)
    http_raw(p.port, b"POST /hooks/gumroad/%s HTTP/9.9\r\n\r\n"
             % token.encode())
    http_raw(p.port, b"POST http://x/hooks/gumroad/%s HTTP/1.0\r\n\r\n"
             % token.encode())
    http_raw(p.port, b"BAD  /hooks/gumroad/%s\r\n\r\n" % token.encode())
    p.check_logs(mail)


def license_as_typed():
    """People copy licence keys out of mails: case and blanks differ."""
    p = Place()
    p.run()
    p.nginx()
    key, typed = "A1B2C3D4-E5F60718", " a1b2c3d4-e5f60718\t"
    p.gumroad(sale(1, b"&license_key=" + key.lower().encode()))
    same(p.one("SELECT license FROM purchases"), key, "the column")
    same(p.access("license=" + quote(typed)).json().get("tier"), "supporter",
         "GET /v1/access")
    a = p.post("/v1/access", json.dumps({"users": [
        {"license": typed}]}).encode(), p.bearer())
    same([u["tier"] for u in a.json().get("users", [])], ["supporter"],
         "POST /v1/access")
    same(a.json()["users"][0]["key"], {"license": typed},
         "answered as it was asked")
    for command in ("access", "explain", "purchases"):
        done = p.cli(command, "--license", typed)
        ok(done.returncode == 0 and b"supporter" in done.stdout,
           "gatepost " + command, done)
    token = p.cli("pass", "--license", typed).stdout.decode().strip()
    a = p.direct("GET", "/gate?tier=supporter",
                 headers={"Authorization": "Bearer " + token})
    same((a.status, a.headers.get("x-gatepost-user")), (204, key),
         "a pass by licence key")
    p.cli("grant", "--license", "b-1", "--tier", "influencer")
    same(p.access("license=B-1").json().get("tier"), "influencer",
         "a grant to a licence key")
    p.cli("revoke", "--license", " B-1")
    same(p.access("license=b-1").json().get("tier"), None, "taken back")
    p.cli("grant", "--license", "C-1", "--tier", "influencer")
    needs_file("a grant of an older version, as it was typed")
    db = sqlite3.connect(p.db)
    with db:
        db.execute("UPDATE events SET subject = 'grant:license:c-1', body ="
                   " replace(body, 'C-1', 'c-1') WHERE body LIKE '%C-1%'")
        db.execute("DELETE FROM purchases WHERE license = 'C-1'")
    db.close()
    p.cli("rebuild")
    same(p.access("license=C-1").json().get("tier"), "influencer",
         "a grant of an older version, as it was typed")


main(recorded, credentials, refused, unconfigured, logs_of_questions,
     license_as_typed)
