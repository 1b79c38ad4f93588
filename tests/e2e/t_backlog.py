#!/usr/bin/env python3
"""A backlog in the outbox: how fast it goes out, once each, in order; what it
takes of memory; and that a slow target delays no other.

COUNT=100000 tests/e2e/t_backlog.py, which is tests/bench/outbox, says what a
machine does; a few rows show whether it is right."""

import sys
sys.dont_write_bytecode = True
import http.server
import os
import re
import sqlite3
import subprocess
import threading
import time

from lib import (CTL_PROGRAM, FORM, LIMIT, NGINX, SLOW, TOP, Place, _cleanups,
                 connects, folder, free_port, main, note, ok, sale, same,
                 start, stop, until)

COUNT = int(os.environ.get("COUNT", "600"))
PATIENCE = LIMIT + COUNT / 20  # seconds
MEMORY = 64  # MB
MANY = 400  # rows of one person: more than a claim looks at
PEOPLE = int(os.environ.get("PEOPLE", max(COUNT // 10, 1)))


# ---- the other ends ----------------------------------------------------------

class Quick:
    """nginx, which says 200 and writes down what came."""

    def __init__(self):
        self.dir = folder()
        self.port = free_port()
        self.log = self.dir / "access.log"
        (self.dir / "nginx.conf").write_text("""
daemon off; pid %(d)s/pid; error_log %(d)s/error.log; worker_processes 1;
events { worker_connections 512; }
http {
    log_format id '$http_webhook_id $connection';
    access_log %(d)s/access.log id;
    client_body_temp_path %(d)s/b; proxy_temp_path %(d)s/p;
    fastcgi_temp_path %(d)s/f; uwsgi_temp_path %(d)s/u; scgi_temp_path %(d)s/s;
    keepalive_requests 1000000;
    server { listen 127.0.0.1:%(p)d; location / { return 200 'ok'; } }
}""" % {"d": self.dir, "p": self.port})
        start([NGINX, "-p", self.dir, "-c", self.dir / "nginx.conf", "-e",
               self.dir / "error.log"], stderr=subprocess.DEVNULL)
        until(lambda: connects(("127.0.0.1", self.port)), "nginx")

    def url(self):
        return "http://127.0.0.1:%d/quick" % self.port

    def got(self):
        """Ids in order of arrival, and how many connections there were."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        lines = [line for line in lines if line[0] != "-"]
        return [i for i, _ in lines], len({c for _, c in lines})


class Slow:
    """Answers after two seconds."""

    def __init__(self):
        self.got = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                outer.got += 1
                time.sleep(2)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        _cleanups.append(self.server.shutdown)

    def url(self):
        return "http://127.0.0.1:%d/slow" % self.server.server_port


# ---- rows --------------------------------------------------------------------

def place(rules):
    p = Place(server=False)
    p.configure(more="on 'purchase' {\n%s\n}" % rules)
    # what a real row looks like
    p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
    p.like = p.rows("SELECT event, payload, added_at FROM outbox")[0]
    db = sqlite3.connect(p.db)
    with db:
        db.execute("DELETE FROM outbox")
    db.close()
    return p


def queue(p, target, n, people=PEOPLE):
    """n rows that are due, of some people."""
    event, payload, at = p.like
    db = sqlite3.connect(p.db, timeout=LIMIT)
    with db:
        db.executemany(
            "INSERT INTO outbox (kind, target, payload, state, due_at, "
            "dedupe, event, person, added_at) "
            "VALUES ('http', ?, ?, 'waiting', ?, ?, ?, ?, ?)",
            ((target, payload, at - 60, "msg_%s%039x" % (target[0], i), event,
              "person%d" % (i % people), at - 60) for i in range(n)))
    db.close()


def memory(pid):
    """VmHWM in MB: the most it has had."""
    try:
        with open("/proc/%d/status" % pid) as f:
            return int(re.search(r"VmHWM:\s*(\d+)", f.read())[1]) / 1024
    except (OSError, TypeError):
        return 0


def work(p, *options):
    return start([CTL_PROGRAM, "-c", p.conf, "work", *options], cwd=p.dir,
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def watched(p, quick, count, once=True):
    """Runs it until count have arrived: seconds, and the most memory."""
    begun, most = time.monotonic(), 0
    child = work(p, *(["--once"] if once else []))
    end = begun + PATIENCE
    seen, log = 0, open(quick.log)
    while seen < count and time.monotonic() < end:
        most = max(most, memory(child.pid))
        piece = log.read()
        seen += piece.count("msg_")
        time.sleep(0.01)
    seconds = time.monotonic() - begun
    log.close()
    if once:
        child.wait(PATIENCE)
    else:
        stop(child)
    return seconds, most


def figure(name, count, seconds, most=None):
    note("%s: %d in %.2f s, %.0f a second%s" % (
        name, count, seconds, count / seconds,
        "" if most is None else ", %.1f MB" % most))


# ---- tests -------------------------------------------------------------------

def plain():
    quick = Quick()
    p = place("http 'quick' { url = '%s' }" % quick.url())
    queue(p, "quick", COUNT)
    seconds, most = watched(p, quick, COUNT)
    figure("one target", COUNT, seconds, most)
    ids, connections = quick.got()
    same((len(ids), len(set(ids))), (COUNT, COUNT), "each once")
    same(p.rows("SELECT state, attempts, count(*) FROM outbox GROUP BY 1, 2"),
         [("done", 1, COUNT)], "and marked")
    ok(SLOW or most < MEMORY, "in %d MB" % MEMORY, most)
    ok(connections < max(COUNT / 20, 20), "over connections that stay",
       connections)


def ordered():
    quick = Quick()
    p = place("http 'quick' { url = '%s' order = true }" % quick.url())
    queue(p, "quick", COUNT)
    seconds, most = watched(p, quick, COUNT)
    figure("in order, of %d people" % PEOPLE, COUNT, seconds, most)
    ids = [int(i[5:], 16) for i in quick.got()[0]]
    by_person = {}
    for i in ids:
        by_person.setdefault(i % PEOPLE, []).append(i)
    ok(len(ids) == COUNT and all(v == sorted(v) for v in by_person.values()),
       "each person's in order")
    ok(SLOW or most < MEMORY, "in %d MB" % MEMORY, most)


def one_person():
    """Of one person more than is looked at: neither he nor others wait."""
    quick = Quick()
    p = place("http 'quick' { url = '%s' order = true }" % quick.url())
    queue(p, "quick", MANY, people=1)
    db = sqlite3.connect(p.db, timeout=LIMIT)
    with db:
        db.execute("UPDATE outbox SET person = CASE id %% 2 WHEN 0 THEN "
                   "'late' || id END WHERE id > %d" % (MANY - 10))
    db.close()
    seconds, _ = watched(p, quick, MANY)
    figure("in order, of one", MANY, seconds)
    ids = [int(i[5:], 16) for i in quick.got()[0]]
    his = [i for i in ids if i < MANY - 10]
    same((len(ids), len(set(ids)), his), (MANY, MANY, sorted(his)),
         "one person's in order, each once")
    ok(max(ids.index(i) for i in range(MANY - 10, MANY)) < MANY // 2,
       "others do not wait behind him", ids)


def beside():
    alone = []
    for with_slow in (False, True):
        quick, slow = Quick(), Slow()
        # the slow one first: it gets the first thread
        p = place("http 'slow' { url = '%s' }\nhttp 'quick' { url = '%s' }" %
                  (slow.url(), quick.url()))
        queue(p, "quick", COUNT)
        if with_slow:
            queue(p, "slow", COUNT)
        seconds, most = watched(p, quick, COUNT, once=False)
        figure("beside a slow one" if with_slow else "alone", COUNT, seconds,
               most)
        alone.append(seconds)
        if with_slow:
            ok(0 < slow.got <= 4 * (seconds / 2 + 1),
               "four at a time at the slow one", slow.got)
    ok(alone[1] < 2 * alone[0] + (LIMIT if SLOW else 1),
       "a slow target delays no other", alone)


def found():
    """The outbox's statements for SQLite, by name."""
    text = (TOP / "sql/query.sql").read_text()
    text = re.sub(r"^-- \(.*\n(?:-- .*\)\n)?", "", text, flags=re.M)
    parts = re.findall(r"^-- (let|name): (\w+)\n((?:(?!-- ).*\n)*)", text, re.M)
    pieces = {name: body for what, name, body in parts if what == "let"}

    def whole(sql):
        while re.search(r"\{\w+\}", sql):
            sql = re.sub(r"\{(\w+)\}", lambda m: pieces[m[1]], sql)
        return re.sub(r"\$(\d)", r"?\1", sql)
    return {name: whole(body) for what, name, body in parts if what == "name"}


def statements():
    """None of the courier's statements reads the whole table."""
    p = place("http 'quick' { url = 'http://127.0.0.1:9/' }")
    db = sqlite3.connect(p.db)
    bad = []
    for name in ("next", "next_in_order", "next_heads", "take",
                 "take_in_order", "take_heads", "claim", "mark", "release",
                 "hurry", "old", "expire", "tidy", "known", "again", "give_up",
                 "get", "after", "of_event"):
        sql = found()["outbox_" + name]
        n = max([0, *map(int, re.findall(r"\?(\d)", sql))])
        for row in db.execute("EXPLAIN QUERY PLAN " + sql, [None] * n):
            if re.match(r"SCAN (outbox|o)\b(?!.* INDEX)", row[3]):
                bad.append((name, row[3]))
    db.close()
    same(bad, [], "each statement finds its rows by an index")


def steps(name, rows):
    """What SQLite does for one claim, in steps of its machine, and what it
    finds, of rows (due at, person) that wait."""
    db = sqlite3.connect(":memory:")
    for schema in ("001_log", "002_outbox", "005_truth"):
        db.executescript((TOP / ("sql/sqlite/%s.sql" % schema)).read_text())
    db.executemany(
        "INSERT INTO outbox (kind, target, payload, state, due_at, dedupe, "
        "person) VALUES ('http', 'quick', '{}', 'waiting', ?1, ?2, ?3)",
        ((due, "msg_%d" % i, who) for i, (due, who) in enumerate(rows)))
    count = 0

    def step():
        nonlocal count
        count += 1
    db.set_progress_handler(step, 1)
    ids = [row[0] for row in db.execute(found()[name],
                                        ("http", "quick", 100, 32))]
    db.set_progress_handler(None, 0)
    db.close()
    return count, ids


def bounded():
    """What a claim costs does not grow with the rows of one person."""
    in_hand, later = [(200, "ann")], [(2, "zoe"), (2, None), (200, None)]
    for name, want in (("next_in_order", []), ("next_heads", [1, 2])):
        counts = []
        for n in (300, 3000):
            count, ids = steps("outbox_" + name, in_hand + [(1, "ann")] * n +
                               later)
            same([i - n - 1 for i in sorted(ids)], want,
                 "%s: what is behind %d of one person" % (name, n))
            counts.append(count)
        ok(counts[1] < counts[0] + 100, "%s looks at as many" % name, counts)
    for rows in (10, 257):
        ids = steps("outbox_next_heads", [(1, "ann")] * rows)[1]
        same(ids, [1] if rows > 256 else [], "heads among %d" % rows)
    counts = []
    for n in (1000, 3000):
        count, ids = steps("outbox_next_in_order", [
            (1, "person%03d" % (i % 1000)) for i in range(n)])
        same(ids, list(range(1, 33)), "the oldest first")
        counts.append(count)
    ok(counts[1] < counts[0] + 100, "among as many", counts)


if __name__ == "__main__":
    main(plain, ordered, one_person, beside, statements, bounded)
