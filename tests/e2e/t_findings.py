#!/usr/bin/env python3
"""What check and doctor can find without the front door: each thing is
provoked once, and named with what to do. t_doctor.py has the front door."""

import sys
sys.dont_write_bytecode = True
import hashlib
import json
import re
import shutil
import time

import asked
from lib import FORM, ON_SERVER, TOP, Place, main, needs_file, ok, sale, same

DAY = 86400
# by the front door, or by the watch alone (t_watch.c)
ELSEWHERE = {"name_server", "reach", "certificate", "redirect", "delivery",
             "authorization", "stream", "headers", "gate", "large_body",
             "refused",
             # t_postgresql.py: other databases; t_cli.py: nginx's settings
             "replica", "moved", "web_server",
             # a mail server of the test's: t_mail.py
             "mail"}
provoked = set()


def look(p, *args, command="check"):
    done = p.cli(command, "--json", *args)
    said = json.loads(done.stdout)
    same((done.returncode, said["ok"]), (
        (1, False) if any(f["level"] == "PROBLEM" for f in said["findings"])
        else (0, True)), "the exit code tells of problems")
    for f in said["findings"]:
        ok(re.fullmatch(r"gatepost[a-z.-]*\([157]\)", f["page"]) and
           (f["level"] == "ok" or f["text"][-1] != "."),
           "%s: one line, and its page" % f["id"], f)
    return said["findings"]


def finds(p, name, level, *words, args=(), command="check"):
    """It is found there, in such words; returns all that is."""
    said = look(p, *args, command=command)
    fits = [f for f in said if f["id"] == name and f["level"] == level and
            all(w in f["text"] for w in words)]
    ok(fits, "%s: %s: %s" % (name, level, " ".join(words)), said)
    provoked.add(name)
    return said


def changed(p, old, new):
    text = p.conf.read_text()
    assert old in text, old
    p.conf.write_text(text.replace(old, new))


def put(p, name, value):
    p.execute("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT "
              "(name) DO UPDATE SET value = excluded.value", name, str(value))


def post(p, body):
    return p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], body, FORM)


def settings():
    p = Place(tiers="")
    p.configure(tiers="")
    finds(p, "tests", "note", "gumroad.accept_test is on")
    finds(p, "tiers", "note", "no tier is configured")
    finds(p, "platform", "note", "kofi has no tokens")
    finds(p, "token", "note", "{ api_token } is not set")
    changed(p, "public_url = 'https://example.org'\n",
            "listen_group = 'nobody-has-it'\n")
    changed(p, "api_keys = { '%s' }\n" % p.api_key, "")
    finds(p, "public_url", "note", "public_url is not set")
    finds(p, "api_keys", "note", "/v1/ answers nobody")
    finds(p, "settings", "PROBLEM", "there is no group nobody-has-it")
    p.conf.write_text("database = 'gatepost.db'\ngate_on_error = 'open'\n"
                      if not p.name else p.conf.read_text().splitlines()[0] +
                      "\ngate_on_error = 'open'\n")
    finds(p, "secrets", "PROBLEM", "every delivery would be refused")
    finds(p, "exposed", "note", "a pass opens every gate")
    finds(p, "owner_mail", "note", "alert_mail is not set",
          args=["--deep"], command="doctor")


def host():
    p = Place()
    finds(p, "database", "ok", "database ")
    now = int(time.time())
    put(p, "backup_at", now)
    finds(p, "backup", "ok", "last made on")
    put(p, "backup_before", now - 4 * DAY)
    put(p, "backup_at", now - 3 * DAY)
    finds(p, "backup", "ok", "last made on")
    put(p, "backup_at", now - 8 * DAY)
    finds(p, "backup", "note", "more than a week ago")
    put(p, "backup_before", now - 5 * DAY)
    put(p, "backup_at", now - 4 * DAY)
    finds(p, "backup", "note", "more than the usual time between two")


def file():
    needs_file("the file itself")
    p = Place()
    finds(p, "wal", "ok", "write-ahead log")
    finds(p, "disk", "ok", "free of") if disk_has_room(p) else finds(
        p, "disk", "PROBLEM", "Make room")
    finds(p, "integrity", "ok", "found nothing")
    p.cli("sql", "PRAGMA wal_checkpoint(TRUNCATE)")
    page = p.one("SELECT rootpage FROM sqlite_schema WHERE name = "
                 "'readings_kind'")
    size = p.one("PRAGMA page_size")
    with p.file.open("r+b") as f:
        f.seek((page - 1) * size)
        f.write(b"\xff" * size)
    finds(p, "integrity", "PROBLEM", "gatepost restore FILE")


def disk_has_room(p):
    use = shutil.disk_usage(p.dir)
    return use.free > use.total / 10 and use.free > 1 << 30


def outbox():
    p = Place()
    p.configure(more="on 'kept' { http 'app' { url = 'http://127.0.0.1:9/' "
                     "} }\n")
    row = ("INSERT INTO outbox (kind, target, payload, state, attempts, "
           "due_at, dedupe) VALUES ('http', ?, '{}', ?, ?, ?, ?)")
    now = int(time.time())
    p.execute(row, "gone", "waiting", 0, now, "m1")
    finds(p, "outbox_waits", "note", "which the settings do not have")
    p.execute(row, "app", "waiting", 2, now, "m2")
    finds(p, "outbox_waits", "PROBLEM", "will be tried again")
    p.execute(row, "app", "dead", 10, now, "m3")
    finds(p, "outbox_dead", "PROBLEM", "gatepost outbox retry ID")
    p.execute("UPDATE outbox SET due_at = ? WHERE dedupe = 'm1'",
              now - 2 * 3600)
    finds(p, "outbox_stuck", "PROBLEM", "nobody sends it")
    put(p, "outbox_off:http/app",
        hashlib.sha256(b"http://127.0.0.1:9/").hexdigest())
    finds(p, "outbox_off", "PROBLEM", "answered 410")


def deliveries():
    p = Place(tiers="tier 'x' { grants = { 'gumroad/nothing' } }\n")
    same(post(p, sale(1)).status, 200, "a sale")
    finds(p, "heard", "ok", "gumroad last heard of")
    finds(p, "kinds", "note", "gumroad has never sent: refund")
    same(post(p, b"resource_name=sale&sale_id=").word(), "kept", "kept")
    finds(p, "kept", "PROBLEM", "gatepost replay --status kept")
    finds(p, "unmatched", "note", "paste into its grants")
    put(p, "state_digest", "another")
    finds(p, "rebuild", "note", "gatepost work --once")
    now = int(time.time())
    p.execute("UPDATE events SET received_at = ?, last_seen_at = ?",
              now + DAY, now + DAY)
    finds(p, "clock", "PROBLEM", "a delivery lies in the future")
    p.execute("UPDATE events SET received_at = ?, last_seen_at = ?",
              now - 5 * DAY, now - 5 * DAY)
    ok("quiet" not in [f["id"] for f in look(p)],
       "quiet 'auto' wants 20 deliveries")
    changed(p, "public_url", "quiet = '3d'\npublic_url")
    finds(p, "quiet", "PROBLEM", "gumroad has been silent since", "quiet = '3 days'")
    changed(p, "quiet = '3d'", "quiet = 'off'")
    ok("quiet" not in [f["id"] for f in look(p)], "quiet 'off'")


def truth():
    f = asked.shop()
    p = asked.place(f, tiers="tier 'gone' { grants = { 'gumroad/nothing' } }\n")
    finds(p, "asked", "note", "was never asked")
    p.cli("reconcile")
    finds(p, "asked", "ok", "last asked on")
    finds(p, "names", "note", "sells nothing of that name now",
          "To grant what is sold now, paste:")
    line = next(f for f in look(p) if f["id"] == "names")["lines"]
    line = next(x for x in line.splitlines() if "Supporter" in x)
    ok(re.fullmatch(r"'gumroad/[^/']+==/Supporter',   # .+", line),
       "the grant for what is sold, by its id", line)
    changed(p, "'gumroad/nothing'", line.partition(",")[0])
    ok("names" not in [f["id"] for f in look(p)], "pasted: no more of it")
    changed(p, "/Supporter'", "/Gone'")
    finds(p, "names", "note", "has no tier or version of that name now")
    finds(p, "scope", "note", "can do more than view_sales",
          command="doctor")
    f.do("add_token", token="reads-only-and-is-long-enough",
         scopes=["view_sales"])
    changed(p, "'fake-token'", "'reads-only-and-is-long-enough'")
    finds(p, "scope", "ok", "can only read", command="doctor")
    f.do("revoke_token", token="reads-only-and-is-long-enough")
    finds(p, "token", "PROBLEM", "Make a new one", command="doctor")
    now = int(time.time())
    p.execute("INSERT INTO readings (platform, kind, began_at, ended_at, "
              "read, found, repaired) VALUES ('gumroad', 'registration', ?, "
              "?, 6, 2, 1)", now, now)
    finds(p, "registration", "PROBLEM", "1 kinds", "gatepost register")
    for n in range(3):
        p.execute("INSERT INTO drift (at, platform, sale, what) VALUES "
                  "(?, 'gumroad', ?, 'missing')", now, "S%d" % n)
    finds(p, "drift", "PROBLEM", "3 sales in the last day")
    p.execute("INSERT INTO readings (platform, kind, began_at, ended_at) "
              "VALUES ('gumroad', 'import', ?, ?)", now, now)
    same([f for f in look(p) if f["id"] == "drift"], [],
         "what was sold before an import is no drift")
    p.execute("UPDATE readings SET ended_at = ? WHERE kind = 'sales'",
              now - 2 * DAY)
    finds(p, "asked", "PROBLEM", "nobody asks, or nobody answers")


def all_of_them():
    words = set(re.findall(r"^\s*X\((\w+),", (
        TOP / "src/health/findings.h").read_text(), re.M))
    if ON_SERVER:
        words -= {"disk", "integrity", "wal"}
    same(sorted(words - provoked - ELSEWHERE), [],
         "no finding was left out")


main(settings, host, file, outbox, deliveries, truth, all_of_them)
