#!/usr/bin/env python3
"""What cannot be stored is answered so that the sender comes again, nothing
is half written, and service goes on by itself when the cause is gone."""

import sys
sys.dont_write_bytecode = True
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import lib
from lib import (FCGI_PROGRAM, FORM, LIMIT, SLOW, Place, basic, fixture, main, ok,
                 sale, sale_of_size, same, skip, stop)

PATIENCE = 8 if SLOW else 4  # seconds; Gumroad gives up after 5


def refused(answer, name, words=("unavailable",)):
    good = answer.status == 503 and answer.word() in words and int(
        answer.headers.get("retry-after", 0)) > 0
    ok(good, name + ": 503 with Retry-After", answer)
    ok(answer.seconds < PATIENCE, "%s: within %d s" % (name, PATIENCE),
       answer.seconds)


def together(n, post):
    out = [None] * n

    def one(i):
        out[i] = post(i)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return out


def locked():
    p = Place()
    p.run()
    p.nginx()
    same(p.gumroad(sale(1)).word(), "recorded", "before")
    before = p.dump()
    other = p.hold()
    answers = {}
    jobs = {
        "alone": lambda: p.gumroad(sale(2)),
        "gank": lambda: p.gank(fixture("gank/um-documented")),
        "again": lambda: p.gumroad(sale(1)),
        "CGI": lambda: p.cgi("POST", "/hooks/gumroad/" + p.tokens[0],
                             sale(3), FORM),
        "access": lambda: p.access("user=u1"),
        "health": lambda: p.get("/healthz"),
        "many": lambda: together(40, lambda i: p.gumroad(sale(100 + i))),
    }
    names = list(jobs)

    def run(i):
        answers[names[i]] = jobs[names[i]]()
    together(len(names), run)
    for name in ("alone", "gank", "again", "CGI"):
        refused(answers[name], "locked, " + name)
    many = answers["many"]
    same({a.status for a in many}, {503}, "locked: 40 at once, all 503")
    slowest = max(a.seconds for a in many)
    ok(slowest < PATIENCE, "locked: all 40 within %d s" % PATIENCE, slowest)
    a = answers["access"]
    same((a.status, a.json().get("tier")), (200, "supporter"),
         "locked: lookups go on")
    ok(a.seconds < 2, "and do not wait for the writer", a.seconds)
    same(answers["health"].status, 200, "locked: healthz reads")
    a = p.gumroad(sale(4))
    ok(a.status == 503 and a.seconds < 2, "locked still: 503 at once",
       (a.status, a.seconds))
    other.let_go()
    same(p.dump(), before, "locked: nothing written")
    same(p.gumroad(sale(2)).word(), "recorded", "unlocked: recorded")
    same({a.word() for a in together(40, lambda i: p.gumroad(sale(100 + i)))},
         {"recorded"}, "unlocked: the 40 came again")
    ok(p.is_sound(), "the database is sound")
    p.check_logs()


def locked_at_start():
    p = Place()
    other = p.hold()
    p.run()
    p.nginx()
    for turn in ("first", "second"):
        answers = together(40, lambda i: p.gumroad(sale(i)))
        same({a.status for a in answers}, {503},
             "locked at the start, %s wave of 40: 503" % turn)
        slowest = max(a.seconds for a in answers)
        ok(slowest < PATIENCE, "%s wave: within %d s" % (turn, PATIENCE),
           slowest)
    other.let_go()
    def again(i):
        a = p.gumroad(sale(i))
        # where the machine is busy the time is over for some: they come again
        end = time.monotonic() + LIMIT
        while a.status == 503 and time.monotonic() < end:
            a = p.gumroad(sale(i))
        return a
    same({a.word() for a in together(40, again)}, {"recorded"},
         "unlocked: all recorded")


def locked_journal():
    """A database without a WAL, as a restored one is, that somebody reads:
    the change to WAL waits, and no longer than there is time."""
    for begin in ("BEGIN", "BEGIN EXCLUSIVE"):
        p = Place()
        other = sqlite3.connect(p.db, isolation_level=None)
        other.execute("PRAGMA journal_mode=delete")
        other.execute(begin)
        other.execute("SELECT count(*) FROM events").fetchall()
        p.run()
        posts = [lambda i: p.direct("POST", "/hooks/gumroad/" + p.tokens[0],
                                    sale(i), FORM),
                 lambda i: p.cgi("POST", "/hooks/gumroad/" + p.tokens[0],
                                 sale(i), FORM)]
        answers = together(8, lambda i: posts[i % 2](i))
        for i, words in enumerate(("FastCGI", "plain CGI")):
            for a in answers[i::2]:
                if a.status != 503 or a.seconds > PATIENCE:
                    refused(a, "no WAL, %s, %s" % (begin, words))
                    break
            else:
                refused(answers[i], "no WAL, %s, %s" % (begin, words))
        other.execute("ROLLBACK")
        other.close()
        # where the machine is slow, not all of them at the first try
        same({a.word() for a in together(8, lambda i: lib.until(
            lambda: (lambda a: a.status == 200 and a)(posts[i % 2](i)),
            "a 200"))}, {"recorded"}, "no WAL, unlocked: recorded")
        same(stop(p.program), 0, "and it ends well")


def short_lock():
    """A lock that ends in time costs nobody a second try."""
    p = Place()
    p.run()
    p.nginx()
    other = p.hold()
    timer = threading.Timer(1, other.let_go)
    timer.start()
    answers = together(10, lambda i: p.gumroad(sale(i)))
    timer.join()
    same({a.word() for a in answers}, {"recorded"},
         "a lock of one second: all recorded")


def down():
    """nginx alone: 502; Gumroad comes again for that, too."""
    p = Place()
    p.run()
    p.nginx()
    same(p.gumroad(sale(1)).word(), "recorded", "up")
    same(stop(p.program), 0, "down")
    for name, a in (("path", p.gumroad(sale(2))),
                    ("Basic", p.post("/hooks/gumroad", sale(2), {
                        **FORM, **basic(p.tokens[0])})),
                    ("gank", p.gank(fixture("gank/um-documented"))),
                    ("access", p.access("email=calvin1@example.com"))):
        same(a.status, 502, "down, %s: 502" % name)
    a = p.gumroad(sale_of_size(2, lib.BODY_MAX + 1))
    same(a.status, 413, "down: 413 is nginx's own")
    p.run()
    a = p.gumroad(sale(2))
    same((a.status, a.word()), (200, "recorded"), "up again: by itself")
    same(p.events(), 2, "and nothing else happened")
    p.check_logs("calvin1@example.com", "calvin2@example.com")


def unprivileged(p):
    """Who permissions bind: this user, or nobody in root's place."""
    program = p.dir / "gatepost.fcgi"
    shutil.copy2(FCGI_PROGRAM, program)
    argv = [program, "-c", p.conf, "--listen", "unix:" + p.sock]
    if os.getuid() != 0:
        return argv
    if not shutil.which("setpriv"):
        return None
    for path in [p.dir, *p.dir.iterdir()]:
        os.chown(path, 65534, 65534)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
            *argv]


def read_only():
    p = Place(database="data/gatepost.db", init=False)
    data = p.dir / "data"
    data.mkdir()
    p.cli("migrate")
    argv = unprivileged(p)
    if argv is None:
        skip("read-only files", "root, and no setpriv")
        return
    for path in [data, *data.iterdir()]:
        if os.getuid() == 0:
            os.chown(path, 65534, 65534)

    def mode(folder, files):
        data.chmod(0o700)
        for path in data.iterdir():
            path.chmod(files)
        data.chmod(folder)
    for name, folder, files in (("read-only file", 0o700, 0o400),
                                ("read-only folder", 0o500, 0o600),
                                ("both read-only", 0o500, 0o400),
                                ("folder not to be entered", 0, 0o600),
                                ("read-only file, lookups", 0o700, 0o400)):
        reader = "lookups" in name
        before = p.events()
        close_wal(p)
        mode(folder, files)
        p.run(argv)
        p.nginx()
        refused(p.gumroad(sale(before)), name)
        refused(p.gank(fixture("gank/um-documented")), name + ", gank")
        if reader:
            a = p.access("user=u0")
            ok(a.status in (200, 503), name + ": a lookup answers", a)
        mode(0o700, 0o600)
        # SQLite's idea of a file lasts as long as a reader keeps it open
        tries = [p.gumroad(sale(before)) for _ in range(2 if reader else 1)]
        a = next((a for a in tries if a.status == 200), tries[-1])
        same((a.status, a.word()), (200, "recorded"),
             name + ": gone, it serves by itself")
        same(p.get("/healthz").status, 200, name + ": healthy again")
        same(stop(p.program), 0, name + ": ends as it should")
        same(p.events(), before + 1, name + ": nothing half written")
    p.check_logs()


def close_wal(p):
    """Takes the files beside the database away, as the last to close does."""
    db = sqlite3.connect(p.db)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def no_folder():
    """The disk is not mounted yet."""
    p = Place(database="disk/gatepost.db", init=False)
    p.run()
    p.nginx()
    refused(p.gumroad(sale(1)), "no folder")
    same(p.get("/healthz").status, 503, "no folder: healthz says so")
    ok(b"disk" not in p.get("/healthz").body, "and no more than that")
    (p.dir / "disk").mkdir(mode=0o700)
    same(p.gumroad(sale(1)).word(), "recorded", "it is there: recorded")
    same(p.get("/healthz").status, 200, "and healthy")
    same(oct((p.dir / "disk/gatepost.db").stat().st_mode & 0o777), "0o600",
         "the new database is its owner's alone")


def broken_file():
    """No database at all in its place."""
    p = Place(init=False)
    p.db.write_bytes(b"this is no database, but long enough to look at " * 99)
    p.run()
    p.nginx()
    refused(p.gumroad(sale(1)), "not a database")
    same(p.db.read_bytes()[:7], b"this is", "it is left as it was")
    p.db.unlink()
    same(p.gumroad(sale(1)).word(), "recorded", "taken away: recorded")


def fill(p, make_room, name):
    """Posts large sales until one is refused, then makes room."""
    stored, answers = [], []
    # a checkpoint after the first refusal can make room once more
    for n in range(400):
        answers.append(p.gumroad(sale_of_size(n, 100000)))
        if answers[-1].status == 200:
            stored.append(answers[-1].event())
        if [a.status for a in answers[-3:]] == [503] * 3:
            break
    refused(answers[-1], name)
    same({a.status for a in answers}, {200, 503}, name + ": 200 or 503")
    a = p.access("user=u0")
    same((a.status, a.json().get("tier")), (200, "supporter"),
         name + ": lookups go on")
    same([r[0] for r in p.rows("SELECT id FROM events ORDER BY id")], stored,
         name + ": what was acknowledged is there, no more")
    make_room()
    a = p.gumroad(sale_of_size(999, 100000))
    same((a.status, a.word()), (200, "recorded"), name + ": room again")
    same(p.events(), len(stored) + 1, name + ": one more")
    ok(p.is_sound(), name + ": the database is sound")
    same(p.one("SELECT count(*) FROM purchases"), len(stored) + 1,
         name + ": a purchase for each")
    p.check_logs()


def full_disk():
    name, p = "disk full", Place(database="disk/gatepost.db", init=False)
    disk = p.dir / "disk"
    disk.mkdir()
    if os.getuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk],
            stderr=subprocess.DEVNULL).returncode != 0:
        skip(name, "cannot mount a small disk here")
        return
    lib._cleanups.append(lambda: subprocess.run(["umount", "-l", disk]))
    p.cli("migrate")
    filler = disk / "filler"
    filler.write_bytes(b"x" * 2000000)
    p.run()
    p.nginx()
    fill(p, filler.unlink, name)
    stop(p.program)


def limited_file():
    """A file that may not grow: full for everybody, root or not."""
    lib.needs_file("its size")
    p = Place()

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE,
                           (1500000, resource.RLIM_INFINITY))
    child = p.run(preexec_fn=limit)
    p.nginx()
    fill(p, lambda: resource.prlimit(
        child.pid, resource.RLIMIT_FSIZE,
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY)), "file limit")


def newer():
    """A database that a later version made is left alone."""
    p = Place()
    before = p.dump()
    db = sqlite3.connect(p.db)
    db.execute("UPDATE meta SET value = '99' WHERE name = 'log_version'")
    db.commit()
    db.close()
    p.run()
    p.nginx()
    refused(p.gumroad(sale(1)), "newer database")
    same(p.events(), 0, "newer database: nothing is written")
    for words in (["events"], ["access", "--user", "1"], ["migrate"],
                  ["trigger", "gumroad.sale"]):
        a = p.cli(*words)
        ok(a.returncode == 3 and b"newer" in a.stderr,
           "newer database: gatepost %s says so" % words[0], a)
    db = sqlite3.connect(p.db)
    db.execute("UPDATE meta SET value = ? WHERE name = 'log_version'",
               [dict(before["meta"])["log_version"]])
    db.commit()
    db.close()
    same(p.dump(), before, "newer database: as it was")
    same(p.gumroad(sale(1)).word(), "recorded", "put right: recorded")


main(locked, locked_at_start, locked_journal, short_lock, down, read_only, no_folder,
     broken_file, full_disk, limited_file, newer)
