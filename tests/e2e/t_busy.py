#!/usr/bin/env python3
"""Who waits keeps nobody else waiting: deliveries for a locked database, long
polls, requests that arrive by halves."""

import sys
sys.dont_write_bytecode = True
import re
import select
import sqlite3
import threading
import time
from pathlib import Path

from lib import (FORM, LIMIT, SLOW, STDIN, Fcgi, Place, cgi_params, fcgi_head,
                 jwt, main, ok, sale, sale_of_size, same, stop, stream, until)

PATIENCE = 8 if SLOW else 4  # seconds; Gumroad gives up after 5
THREADS = 16
WAL_MAX = 8 * 1024 * 1024  # bytes; DB_WAL_MAX of src/store/db_sqlite_shrink.h


def started(more=""):
    p = Place()
    p.configure(more="threads = %d\n%s" % (THREADS, more))
    p.run()
    p.nginx()
    same(p.gumroad(sale(1)).word(), "recorded", "a sale before")
    return p


def questions(p):
    """What is asked all the time must be answered at any time."""
    gate = {"Cookie": "gatepost=" + jwt(p, "u1")}
    return [("a lookup", 200, p.access("user=u1")),
            ("the gate", 204, p.direct("GET", "/gate?tier=supporter",
                                       headers=gate)),
            ("healthz", 200, p.get("/healthz"))]


def check(answers, while_what):
    for name, status, a in answers:
        same(a.status, status, "%s, while %s" % (name, while_what))
        ok(a.seconds < PATIENCE, "and it waits for nobody", a.seconds)


def locked():
    """Somebody else holds the database, and more deliveries come than there
    are threads."""
    p = started()
    n = 100
    other = p.hold()
    uri, answers = "/hooks/gumroad/" + p.tokens[0], []
    open_ = [Fcgi(p.sock) for _ in range(n)]
    begun = time.monotonic()
    for i, c in enumerate(open_):
        body = sale(100 + i)
        c.send(fcgi_head(cgi_params("POST", uri, body, FORM), i % 2) +
               stream(STDIN, body))
    asked = [questions(p) for _ in range(5)]
    early = select.select([c.s for c in open_], [], [], 0)[0]
    same(len(early), 0, "no delivery is answered yet")
    for answered in asked:
        check(answered, "%d deliveries wait" % n)
    linked = []
    thread = threading.Thread(target=lambda: linked.append(p.post(
        "/v1/links", b'{"sale":"E2Esale00000001","user":"u5"}', p.bearer())))
    thread.start()
    same(p.gumroad(sale(2), token="x" * 48).status, 404,
         "a wrong token is none, whatever waits")
    answers = [c.answer() for c in open_]
    took = time.monotonic() - begun
    same({a.status for a in answers if a}, {503}, "then all of them: 503")
    ok(len([a for a in answers if a]) == n and took < PATIENCE,
       "within %d s" % PATIENCE, took)
    for c in open_:
        c.s.close()
    thread.join()
    ok(linked and linked[0].status in (404, 503), "a link too", linked)
    check(questions(p), "it is still locked")
    other.let_go()
    same(p.gumroad(sale(100)).word(), "recorded", "unlocked: recorded")
    same(p.events(), 2, "and nothing else was")
    same(stop(p.program), 0, "exit 0")
    p.check_logs()


def polls():
    p = started()
    waiting = [Fcgi(p.sock) for _ in range(2 * THREADS)]
    for c in waiting:
        c.send(fcgi_head(cgi_params(
            "GET", "/v1/changes?after=1000000000&wait=60",
            headers=p.bearer())) + stream(STDIN, b""))
    a = p.gumroad(sale(3))
    ok(a.word() == "recorded" and a.seconds < PATIENCE,
       "a delivery is answered", (a, a.seconds))
    check(questions(p), "%d long polls wait" % len(waiting))
    same(select.select([c.s for c in waiting], [], [], 0)[0], [],
         "and all of them still do")
    for c in waiting:
        c.s.close()


def halves():
    p = started()
    uri = "/hooks/gumroad/" + p.tokens[0]
    waiting = [Fcgi(p.sock) for _ in range(2 * THREADS)]
    rest = []
    for i, c in enumerate(waiting):
        body = sale(10 + i)
        data = fcgi_head(cgi_params("POST", uri, body, FORM)) + stream(
            STDIN, body)
        at = (len(data) * (i + 1)) // (len(waiting) + 1)
        c.send(data[:at])
        rest.append(data[at:])
    a = p.gumroad(sale(3))
    ok(a.word() == "recorded" and a.seconds < PATIENCE,
       "a delivery is answered", (a, a.seconds))
    check(questions(p), "%d requests are half there" % len(waiting))
    same(select.select([c.s for c in waiting], [], [], 0)[0], [],
         "none of them is given up")
    for c, data in zip(waiting, rest):
        c.send(data)
    same({c.answer().word() for c in waiting}, {"recorded"},
         "then their other halves come")
    until(lambda: p.events() == len(waiting) + 2, "all to be there")


def wal_bytes(p):
    with Fcgi(p.sock) as c:
        c.send(fcgi_head([("GATEPOST_LOCAL", "1")] + cgi_params(
            "GET", "/metrics")) + stream(STDIN, b""))
        text = c.answer().body.decode()
    return int(re.search(r"^gatepost_wal_bytes (\d+)$", text, re.M)[1])


def reader():
    """Who reads for long lets the write-ahead log grow; afterwards it is
    small again, though no more deliveries come, and those that do not wait."""
    p = started()
    wal = Path(str(p.db) + "-wal")
    db = sqlite3.connect(p.db, isolation_level=None)
    db.execute("BEGIN")
    db.execute("SELECT count(*) FROM events").fetchone()
    n, before = 0, wal.stat().st_size
    while wal.stat().st_size < 3 * WAL_MAX:
        n += 1
        a = p.gumroad(sale_of_size(10000 + n, 300000))
        if a.word() != "recorded":
            raise RuntimeError(a)
    ok(before < WAL_MAX, "the usual size of the log", before)
    # the program's own chores add a page now and then
    least = wal.stat().st_size
    told = wal_bytes(p)
    ok(least <= told <= wal.stat().st_size, "/metrics tells its size", told)
    done = p.cli("check").stdout.decode()
    told = re.search(r"write-ahead log (\d+) kB", done)
    ok("gatepost.db-wal is larger than usual" in done and told is not None and
       least // 1024 <= int(told[1]) <= wal.stat().st_size // 1024,
       "check tells it", done)
    db.execute("ROLLBACK")
    slowest, begun = 0, time.monotonic()
    while (wal.stat().st_size >= WAL_MAX and
           time.monotonic() - begun < LIMIT):
        n += 1
        a = p.gumroad(sale(20000 + n))
        slowest = max(slowest, a.seconds)
        if a.word() != "recorded":
            raise RuntimeError(a)
    ok(wal.stat().st_size < WAL_MAX, "the log shrinks while they come",
       wal.stat().st_size)
    ok(slowest < PATIENCE / 2, "none of them waits for that", slowest)
    ok(wal_bytes(p) < WAL_MAX, "/metrics tells that too")
    ok(b"larger than usual" not in p.cli("check").stdout, "and check")
    same((p.events(), p.is_sound()), (n + 1, True), "all are there")

    # nobody comes any more
    db.execute("BEGIN")
    db.execute("SELECT count(*) FROM events").fetchone()
    while wal.stat().st_size < 3 * WAL_MAX:
        n += 1
        p.gumroad(sale_of_size(10000 + n, 300000))
    db.close()
    until(lambda: wal.stat().st_size < WAL_MAX, "the log to shrink alone")
    ok(True, "it shrinks without another delivery")
    p.check_logs()
    ok("warning" not in p.log_text(), "nothing to say", p.log_text())


def reader_cgi():
    """The same where no program runs: by what cron starts."""
    p = Place()
    wal = Path(str(p.db) + "-wal")
    db = sqlite3.connect(p.db, isolation_level=None)
    db.execute("BEGIN")
    db.execute("SELECT count(*) FROM events").fetchone()
    n = 0
    while not wal.exists() or wal.stat().st_size < 2 * WAL_MAX:
        n += 1
        a = p.cgi("POST", "/hooks/gumroad/" + p.tokens[0],
                  sale_of_size(10000 + n, 900000), FORM)
        if a.word() != "recorded":
            raise RuntimeError(a)
    same(p.cli("work", "--once").returncode, 0, "while somebody reads")
    ok(wal.stat().st_size >= 2 * WAL_MAX, "it stays", wal.stat().st_size)
    db.execute("ROLLBACK")  # the connection holds the file itself
    same(p.cli("work", "--once").returncode, 0, "and after that")
    ok(wal.stat().st_size < WAL_MAX, "it shrinks", wal.stat().st_size)
    db.close()


main(locked, polls, halves, reader, reader_cgi)
