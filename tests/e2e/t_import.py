#!/usr/bin/env python3
"""An import that is killed, one that has company, one whose token dies: it goes
on where it was, and in the end the rows are those of one that nothing
disturbed. DATABASE=postgresql: on a server. LONG: a lease runs out by itself."""

import sys
sys.dont_write_bytecode = True
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from asked import agrees, forged, one, place, shop
from lib import CTL_PROGRAM, LIMIT, main, ok, same, start, stop, until

LONG = bool(os.environ.get("LONG"))
# times of readings differ from run to run
ROWS = ("SELECT sale, subscription, product, product_name, variant, email, "
        "license, price, quantity, recurrence, sold_at, refunded_at IS NULL, "
        "disputed_at IS NULL, revoked_at IS NULL, tier, since, "
        "confirmed_at IS NULL FROM purchases ORDER BY sale",
        "SELECT subscription, product, tier, status FROM subscriptions "
        "ORDER BY subscription",
        "SELECT kind, count(*) FROM events GROUP BY kind ORDER BY kind")


def rows(p):
    return [p.rows(sql) for sql in ROWS]


def untold(f):
    """How an import that nothing disturbs ends."""
    p = place(f)
    same(p.cli("import", "gumroad").returncode, 0, "undisturbed")
    return rows(p)


def begin(p, *more):
    return start([CTL_PROGRAM, "-c", p.conf, "import", "gumroad", *more],
                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def kill(child):
    child.send_signal(signal.SIGKILL)
    child.wait(LIMIT)


def run_out(p):
    """The lease of one that died."""
    if LONG:
        until(lambda: p.one("SELECT 1 FROM meta WHERE name = 'lease gumroad' "
                            "AND substr(value, 1, 12) < ?", "%012d" %
                            time.time()), "the lease", 200)
    p.execute("UPDATE meta SET value = '000000000001' || substr(value, 13) "
              "WHERE name = 'lease gumroad' AND value <> ''")


def slowly(f, seconds=0.05):
    f.do("misbehave", kind="delay", path="/v2/", seconds=seconds)


def quickly(f):
    f.do("misbehave", clear=True)


def killed():
    f = shop("--history", 120)
    want = untold(f)
    p = place(f)
    slowly(f, 0.2)
    points = (
            "SELECT 1 FROM readings", "SELECT 1 FROM readings WHERE read > 0",
            "SELECT 1 FROM readings WHERE read > 25",
            "SELECT 1 FROM readings WHERE read > 60",
            "SELECT 1 FROM readings WHERE read > 90",
            "SELECT 1 FROM events WHERE kind = 'subscriber'")
    for point in points if LONG else points[::3]:
        child = begin(p)
        until(lambda: p.rows(point), point)
        kill(child)
        if point == points[0]:  # it is waited for, but not so long
            done = p.cli("import", "gumroad")
            ok(done.returncode == 3 and b"another program is reading" in
               done.stderr, "its lease holds: " + point, done)
        run_out(p)
    quickly(f)
    same(p.cli("import", "gumroad").returncode, 0, "goes on")
    same(rows(p), want, "in the end it is all there, once")
    same(p.one("SELECT count(*) FROM readings WHERE kind = 'import' AND "
               "ended_at IS NULL"), 0, "no pass is left open")


def company():
    f = shop("--history", 60)
    want = untold(f)
    p = place(f)
    slowly(f, 0.02)
    both = [begin(p), begin(p)]
    ends = sorted((child.wait(LIMIT), child.stderr.read()) for child in both)
    same([code for code, _ in ends], [0, 0], "of two imports one waits")
    quickly(f)
    same(rows(p), want, "nothing is there twice")


def program_of(pid):
    """The one that this test started: what reads may be a child's child."""
    while True:
        try:
            text = Path("/proc/%d/stat" % pid).read_text()
        except OSError:
            return None
        parent = int(text.rpartition(")")[2].split()[1])
        if parent in (os.getpid(), 0):
            return pid
        pid = parent


def hosts():
    """Two programs and one database."""
    f = shop("--history", 40)
    p = place(f)
    f.do("counts", clear=True)
    slowly(f, 0.1)
    p.run()
    q = p.beside()
    q.run()

    def holder():
        value = p.one("SELECT value FROM meta WHERE name = 'lease gumroad'")
        return program_of(int(value.split()[1].split("-")[0])) if value \
            else None

    first = until(holder, "one that reads")
    pids = {p.program.pid: p, q.program.pid: q}
    ok(first in pids, "it is one of the two", (first, pids))
    seen = set()
    until(lambda: seen.add(holder()) or p.one(
        "SELECT count(*) FROM events WHERE kind = 'readback'") > 20, "pages")
    same(seen - {None}, {first}, "the other waits")
    kill(pids[first].program)
    run_out(p)
    other = (set(pids) - {first}).pop()
    quickly(f)
    # it looks again after a minute
    until(lambda: holder() == other, "that the other takes over", 90)
    lost = f.buy(email="lost@example.com")["sale"]
    until(lambda: p.rows("SELECT 1 FROM purchases WHERE sale = ?", lost) or
          p.one("SELECT count(*) FROM readings WHERE ended_at > 0 AND error "
                "IS NULL AND kind = 'sales'"), "a whole pass", 90)
    same(p.cli("import", "gumroad").returncode in (0, 3), True, "meanwhile")
    stop(pids[other].program)
    same(p.cli("import", "gumroad").returncode, 0, "the rest by hand")
    ids = [json.loads(body)["id"] for body, in p.rows(
        "SELECT body FROM events WHERE kind = 'readback'")]
    same(len(ids), len(set(ids)), "no sale is read in twice")
    agrees(p, "two hosts")


def tokens():
    for kind, words in (("unauthorized", b"refuses the token"),
                        ("forbidden", b"needs the scope")):
        f = shop("--history", 60)
        want = untold(f)
        p = place(f)
        slowly(f)
        child = begin(p)
        until(lambda: p.rows("SELECT 1 FROM readings WHERE read > 20"), "some")
        quickly(f)
        f.do("misbehave", kind=kind)
        same(child.wait(LIMIT), 3, kind + " in the middle: exit 3")
        told = child.stderr.read()
        ok(words in told and b"fake-token" not in told, kind +
           " says what to do", told)
        before = p.dump()
        for command in (("import", "gumroad"), ("reconcile",)):
            done = p.cli(*command)
            ok(done.returncode == 3 and words in done.stderr, kind + ": so "
               "does " + command[0], done)
        after = p.dump()
        for table in ("events", "purchases", "subscriptions", "outbox",
                      "changes"):
            same(after[table] == before[table], True, "%s: %s stays" % (
                kind, table))
        p.run()
        until(lambda: words in p.log.read_bytes(), "the worker tells it")
        f.do("counts", clear=True)
        same(p.log.read_bytes().count(words), 1, kind + " is told once")
        same(stop(p.program), 0, "exit 0")
        quickly(f)
        f.do("add_token", token="new-fake-token")
        f.do("revoke_token", token="fake-token")
        same(p.cli("import", "gumroad").returncode, 3, "the old one is dead")
        p.conf.write_text(p.conf.read_text().replace(
            "'fake-token'", "'new-fake-token'"))
        same(p.cli("import", "gumroad").returncode, 0, "a new one goes on")
        same(rows(p), want, kind + ": as if nothing had been")


def account():
    """A token of another account, once this one is known."""
    f = shop("--history", 20)
    p = place(f)
    same(p.cli("import", "gumroad").returncode, 0, "ours")
    before = p.dump()
    p.conf.write_text(p.conf.read_text().replace(
        "'fake-token'", "'other-fake-token'"))
    for command in (("import", "gumroad"), ("reconcile",)):
        done = p.cli(*command)
        ok(done.returncode == 3 and b"another account" in done.stderr,
           command[0] + " refuses another's", done)
    p.run()
    until(lambda: b"another account" in p.log.read_bytes(), "the worker, too")
    same(stop(p.program), 0, "exit 0")
    after = p.dump()
    same([after[t] == before[t] for t in ("events", "purchases",
                                          "subscriptions")], [True] * 3,
         "nothing is concluded")


def meanwhile():
    """While an import reads for long, what is sold is confirmed."""
    f = shop("--history", 150)
    p = place(f, "confirm = 'before'")
    p.run()
    until(lambda: p.one("SELECT count(*) FROM readings WHERE ended_at > 0") >
          2, "the worker's first passes", 60)
    p.execute("DELETE FROM meta WHERE name = 'lease gumroad'")
    same(stop(p.program), 0, "it ends")
    slowly(f, 0.2)
    child = begin(p)
    until(lambda: p.rows("SELECT 1 FROM readings WHERE kind = 'import' AND "
                         "read > 10"), "the import")
    p.run()
    sale = f.buy(email="ada@example.com")["sale"]
    forged(p, sale, email="ada@example.com")
    same(one(p, "ada@example.com"), None, "it has to be confirmed")
    until(lambda: one(p, "ada@example.com"), "it to be", 15)
    ok(child.poll() is None, "the import still reads")
    quickly(f)
    same(child.wait(60), 0, "and ends well")


if __name__ == "__main__":
    main(killed, company, hosts, tokens, account, meanwhile)
