#!/usr/bin/env python3
"""The web program itself: the wall clock is set, files cannot be opened, memory
runs out. It answers, loses nothing, and goes on by itself."""

import sys
sys.dont_write_bytecode = True
import os
import random
import re
import resource
import shutil
import sqlite3
import subprocess
import threading
import time

import fault
from fault import faulty_place, lib, run_faulty
from lib import (FORM, Fcgi, Place, fixture, main, note, ok, sale, same, stop,
                 until)

PATIENCE = 4  # seconds; Gumroad gives up after 5
DAY = 86400
ENDS = (1, 3)  # by itself; 3: without memory, base/memory.h


def hook(p, body, **options):
    return p.direct("POST", "/hooks/gumroad/" + p.tokens[0], body, FORM,
                    **options)


def gank(p, n):
    body = fixture("gank/um-documented").replace(
        b"UM-250925-NWKBIKATC", b"UM-%d" % n)
    return p.direct("POST", "/hooks/gank", body,
                    lib.gank_headers(body, p.secrets[0]))


def access(p, user):
    return p.direct("GET", "/v1/access?user=" + user, headers=p.bearer())


def membership(n, days_ago, now=None):
    """A monthly charge of so many days ago."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(
        (now or time.time()) - days_ago * DAY)).replace(":", "%3A")
    body = fixture("gumroad/04-sale-membership-tier-monthly")
    body = body.replace(b"2026-03-04T08%3A38%3A26Z", at.encode())
    body = body.replace(b"9FLSynE_vd6n3V68Dg9Vtw", b"ClockSubscription%d" % n)
    body = body.replace(b"J-QvwzESgIvf8QQIgEvv_A", b"ClockSale%d" % n)
    return body + b"&url_params%%5Buser_id%%5D=c%d" % n


def first_page():
    """Plain CGI without settings: a page for a day, and no folder told then;
    settings that are emptied are not settings that are not there."""
    p = faulty_place(init=False)
    good = p.conf.read_text()
    p.conf.unlink()
    web = p.dir / "public_html/gatepost"
    web.mkdir(parents=True)
    program = shutil.copy2(lib.FCGI_PROGRAM, web / "gatepost.cgi")

    def ask(method="GET", path="/", body=b"", **more):
        return p.cgi(method, "/gatepost" + path, body, {
            "Host": "example.org"}, program=program, config=False,
            more={"SCRIPT_NAME": "/gatepost/gatepost.cgi", "PATH_INFO": path,
                  "SCRIPT_FILENAME": str(program), "HTTPS": "on",
                  **p.faults.env(), **more}.items())

    def form():
        """What the owner sends from the page's form."""
        return ask("POST", body=b"public_url=https%3A%2F%2Fexample.org",
                   CONTENT_TYPE=FORM["Content-Type"])

    def shown(a):
        """The answer, the settings in it, the paths of this machine."""
        return (a.status, b"<textarea" in a.body,
                re.findall(rb"%s[^ <&]*" % str(p.dir).encode(), a.body))
    page = (200, True, [str(p.dir / "gatepost").encode()])
    same(ask().status, 200, "a fresh program: the page")
    same(shown(form()), page, "the file, the folder to make")
    p.faults.set(wall=DAY - 100)
    same(shown(form()), page, "for a day")
    p.faults.set(wall=DAY + 100)
    a = ask()
    same(shown(a), (503, False, []), "a day old: no page, no path")
    ok(b"pload" in a.body, "what to do", a)
    p.faults.set(wall=-DAY)
    same(shown(form()), page, "a clock that is set back")
    p.faults.set(wall=0)
    same(shown(ask(GATEPOST_CONFIG=str(web / "x.conf"))), (503, False, []),
         "settings named in the web folder")
    hook_path = "/hooks/gumroad/" + p.tokens[0]
    (p.dir / "gatepost").mkdir()
    conf = p.dir / "gatepost/gatepost.conf"
    for text, status in ((good, 200), ("", 503), ("# nothing\n\n", 503),
                         (good, 200)):
        conf.write_text(text)
        conf.chmod(0o600)
        same(ask(path="/healthz").status, status,
             "settings of %d bytes" % len(text))
        same(shown(ask())[1:], (False, []), "no page")
        same(ask("POST", hook_path, sale(status)).status, status, "a delivery")
    ok("gatepost.conf:1: " in p.log_text(), "the log says why", p.log_text())


def clock_windows():
    """Windows and grace are the wall clock's, whichever way it goes."""
    p = faulty_place()
    child = run_faulty(p)
    same(hook(p, membership(1, 20)).word(), "recorded", "a month's charge")

    def state(days):
        p.faults.set(wall=days * DAY)
        both = (access(p, "c1"), p.cgi(
            "GET", "/v1/access?user=c1", headers=p.bearer(),
            more=p.faults.env()))
        found = {(a.json().get("tier"), a.json().get("status"))
                 for a in both}
        return found.pop() if len(found) == 1 else both
    for days, want in ((0, "active"), (13, "grace"), (30, "none"),
                       (0, "active")):
        same(state(days), (None if want == "none" else "influencer", want),
             "clock %+d days: %s" % (days, want))
    p.faults.set(wall=0)
    same(hook(p, sale(1)).word(), "recorded", "and it records")
    same(stop(child), 0, "and ends well")


def told(p, user):
    """What `changes` has said last of somebody."""
    return p.one("SELECT coalesce(after, '') FROM changes WHERE user_ref = ?"
                 " ORDER BY id DESC LIMIT 1", user)


def clock_changes():
    """A clock that was ahead for a while: who was noted as out is noted as in
    again, and what ends later is noted then."""
    p = faulty_place()
    child = run_faulty(p)
    hook(p, membership(1, 20))
    until(lambda: p.one("SELECT 1 FROM meta WHERE name = 'swept_to'"),
          "the first look")
    same(told(p, "c1"), "influencer", "in")
    p.faults.set(wall=60 * DAY)
    until(lambda: told(p, "c1") == "", "clock +60 days: out is noted")
    p.faults.set(wall=0)
    until(lambda: told(p, "c1") == "influencer", "clock right: in is noted")
    ok(True, "clock +60 days and back: out and in again are noted")
    hook(p, membership(2, 20))
    p.faults.set(wall=30 * DAY)
    until(lambda: told(p, "c2") == "", "a later end is noted")
    ok(True, "and later ends, when they come")
    same(stop(child), 0, "and it ends well")


def clock_decades():
    """From 1970 to now, as a machine without a clock starts: nobody waits."""
    p = faulty_place()
    p.faults.set(wall=-int(time.time()) + 1000)
    child = run_faulty(p)
    same(hook(p, sale(1)).word(), "recorded", "in 1970")
    until(lambda: p.one("SELECT 1 FROM meta WHERE name = 'swept_to'"),
          "the first look")
    p.faults.set(kill_op=fault.OPS["sync"], calls=0, wall=0)
    slowest, end = 0, time.monotonic() + 2.5
    words, n = set(), 1
    while time.monotonic() < end:
        n += 1
        a = hook(p, sale(n))
        words.add(a.word())
        slowest = max(slowest, a.seconds)
        time.sleep(0.02)
    same(words, {"recorded"}, "the clock is set: all recorded")
    ok(slowest < 1, "and none waits", slowest)
    syncs = p.faults.get("calls")
    ok(syncs < n + 100, "nothing is done for each day between", (syncs, n))
    a = hook(p, sale(1))
    same(a.word(), "duplicate", "what came in 1970 is known")
    same(stop(child), 0, "and it ends well")


def clock_waits():
    """Waiting goes by the monotonic clock."""
    p = faulty_place()
    child = run_faulty(p)
    same(hook(p, sale(1)).word(), "recorded", "before")
    other = sqlite3.connect(p.db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answers = {}

    def ask(name, what):
        begun = time.monotonic()
        answers[name] = what(), time.monotonic() - begun
    after = p.one("SELECT max(id) FROM changes")
    threads = [threading.Thread(target=ask, args=pair) for pair in (
        ("locked", lambda: hook(p, sale(2))),
        ("changes", lambda: p.direct(
            "GET", "/v1/changes?after=%d&wait=2" % after,
            headers=p.bearer())))]
    for t in threads:
        t.start()
    for step in (-3600, 3600, -DAY, 0):
        time.sleep(0.3)
        p.faults.set(wall=step)
    for t in threads:
        t.join()
    other.execute("ROLLBACK")
    a, took = answers["locked"]
    ok(a is not None and a.status == 503 and 2 < took < PATIENCE,
       "a locked database, the clock set: 503 after 3 s", (a, took))
    a, took = answers["changes"]
    ok(a is not None and a.status == 200 and 1.5 < took < 4,
       "wait=2, the clock set: 2 s", (a, took))
    same(hook(p, sale(2)).word(), "recorded", "unlocked: recorded")
    same(stop(child), 0, "and it ends well")


def clock_wrong():
    """A wrong clock refuses Gank, says so, and nothing else suffers."""
    p = faulty_place()
    child = run_faulty(p)
    p.faults.set(wall=2 * DAY)
    a = gank(p, 1)
    same((a.status, a.json().get("detail")), (401, "too_old"),
         "two days ahead: Gank is refused")
    same(hook(p, sale(1)).word(), "recorded", "Gumroad is not")
    ok("check the clock" in p.log_text(), "and the log says why")
    p.faults.set(wall=-2 * DAY)
    same(gank(p, 1).status, 401, "two days late: refused, too")
    p.faults.set(wall=0)
    same(gank(p, 1).word(), "recorded", "the clock is right: recorded")
    p.faults.set(wall=3600)
    same(gank(p, 2).word(), "recorded", "an hour ahead: recorded, too")
    same(stop(child), 0, "and it ends well")


def no_files():
    """As many files are open as may be."""
    p = faulty_place()

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    child = p.run(preexec_fn=limit)
    same(hook(p, sale(1)).word(), "recorded", "before")
    until(lambda: "started" in p.log_text(), "all threads")
    crowd = []
    for _ in range(80):
        c = Fcgi(p.sock)
        c.s.settimeout(0.1)
        crowd.append(c)
    until(lambda: "pausing" in p.log_text(), "the log to say so")
    ok(child.poll() is None, "64 files, 80 connections: it runs")
    for c in crowd:
        c.s.close()
    answers = [hook(p, sale(n)) for n in range(2, 12)]
    same({a.word() for a in answers}, {"recorded"}, "they are gone: recorded")
    same(stop(child), 0, "and it ends well")


def no_files_for_database():
    """Connections have taken what the database would need."""
    p = faulty_place(init=False)

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    # the kernel shows the files of a confined program to root only
    child = p.run(more=["--unconfined"], preexec_fn=limit)
    same(hook(p, sale(1)).word(), "recorded", "before")
    until(lambda: "started" in p.log_text(), "all threads")
    used = len(os.listdir("/proc/%d/fd" % child.pid))
    resource.prlimit(child.pid, resource.RLIMIT_NOFILE, (used + 1, 256))
    # this one is the last: the lookup has no connection of its own yet
    answers = [access(p, "u1"), hook(p, sale(2))]
    for a in answers:
        ok(a is not None and a.status in (200, 503), "at the limit", a)
    resource.prlimit(child.pid, resource.RLIMIT_NOFILE, (256, 256))
    same(access(p, "u1").json().get("tier"), "supporter", "raised: looked up")
    same(hook(p, sale(2)).status, 200, "and recorded")
    same(stop(child), 0, "and it ends well")


def ended(child):
    try:
        return child.wait(1) is not None
    except subprocess.TimeoutExpired:
        return False


def run_whole(p, run=run_faulty):
    """Until all threads are there: memory to start with is not meant here."""
    before = p.log_text().count("started") if p.log.exists() else 0
    child = run(p)
    until(lambda: p.log_text().count("started") > before, "all threads")
    return child


def ends(p):
    """How often it said that it ends without memory: jansson has no other way
    out (base/json.c), nor has libfcgi (fcgiapp.c, Malloc)."""
    log = p.log_text()
    return log.count("no memory left")


def hook_or_none(p, body):
    try:
        return hook(p, body)
    except OSError:
        return None


def memory():
    """One allocation fails, of the program's own or of a library's."""
    p = faulty_place()
    child = run_whole(p)
    hook(p, sale(0))
    p.faults.set(allocations=0)
    hook(p, sale(1))
    each = p.faults.get("allocations")
    counts = {200: 0, 503: 0, None: 0, "restart": 0}
    lost, n = [], 1
    rng = random.Random(each)
    for at in sorted(rng.sample(range(1, each + 20), min(each, 60))):
        n += 1
        p.faults.set(memory_at=at)
        a = hook_or_none(p, sale(n))
        p.faults.set(memory_at=0)
        counts[None if a is None else a.status] += 1
        again = hook_or_none(p, sale(n))
        while again is None and ended(child):
            counts["restart"] += 1
            child = run_whole(p)
            again = hook_or_none(p, sale(n))
        if again is None or again.status != 200 or again.word() == "kept" or (
                a is not None and a.status == 200 and
                again.word() != "duplicate"):
            lost.append((at, a, again))
    note(counts)
    same(lost, [], "%d allocations of a request: stored or refused" % each)
    ok(p.is_sound(), "and sound")
    same(p.cli("rebuild", "--diff").returncode, 0, "as a rebuild makes it")
    same(counts["restart"], ends(p), "where it ended, it said so")
    ok(counts["restart"] < each * 2 / 3, "most are refused", counts)
    same(stop(child), 0, "and ends well")


FOLLOW_UPS = """
on 'purchase' {
    http 'app' {
        url = 'http://127.0.0.1:9/'
    }
}
files '/guides' {
    root = '%s'
    allow = 'read'
}
"""


def points(count, some):
    """Which allocations fail: all of them with EACH=1, else a few."""
    if os.environ.get("EACH"):
        return range(1, count + 2)
    return sorted(random.sample(range(1, count + 2), min(some, count)))


def start_without(p, at):
    """Starts with the at-th allocation failing; what is wrong, or None."""
    p.log.write_text("")
    p.faults.set(memory_at=at)
    child = run_faulty(p, wait=False)
    until(lambda: child.poll() is not None or "started," in p.log_text(),
          "start or end without allocation %d" % at)
    p.faults.set(memory_at=0)
    if child.poll() is None:
        a = hook_or_none(p, sale(at))
        if a is None or a.status != 200:
            return "started, and answers %s" % a
        code = stop(child)
        return None if code == 0 else "ended with %d" % code
    lib._children.remove(child)
    good = child.returncode in ENDS and p.log_text().strip()
    if not good:
        return "ended with %d: %s" % (child.returncode, p.log_text())
    return None


def memory_at_start():
    """An allocation fails while it starts: it says so and ends, or serves."""
    p = faulty_place()
    (p.dir / "guides").mkdir()
    p.configure(more=FOLLOW_UPS % (p.dir / "guides"))
    p.faults.set(allocations=0)
    child = run_whole(p)
    count = p.faults.get("allocations")
    stop(child)
    bad = []
    for at in points(count, 40):
        wrong = start_without(p, at)
        if wrong:
            bad.append((at, wrong))
    same(bad[:3], [], "%d allocations of a start: it serves, or says why not" %
         count)
    child = run_whole(p)
    same(hook(p, sale(0)).status, 200, "with memory it serves")
    same(stop(child), 0, "and ends well")
    ok(p.is_sound(), "and the database is sound")


def memory_of_cgi():
    """The same for a program that lives for one request."""
    p = faulty_place()
    path = "/hooks/gumroad/" + p.tokens[0]
    p.faults.set(allocations=0)
    p.cgi("POST", path, sale(0), FORM, more=p.faults.env())
    count = p.faults.get("allocations")
    bad, counts = [], {200: 0, 503: 0, None: 0}
    for at in points(count, 40):
        p.faults.set(memory_at=at)
        a = p.cgi("POST", path, sale(at), FORM, more=p.faults.env())
        p.faults.set(memory_at=0)
        again = p.cgi("POST", path, sale(at), FORM)
        counts[a.status] = counts.get(a.status, 0) + 1
        # no answer and an exit status: the server says 500
        if a.status is None:
            good = a.exit in ENDS
        else:
            good = a.status in (200, 503) and a.exit == 0
        if a.status == 200:
            good = good and again.word() == "duplicate"
        if not good or again.word() not in ("recorded", "duplicate"):
            bad.append((at, a, a.exit, again))
    note(counts)
    same(bad[:3], [], "%d allocations of plain CGI: stored or refused" % count)
    ok(p.is_sound(), "and the database is sound")


def address_space(child, more):
    """No more memory than it has, and so many bytes."""
    text = open("/proc/%d/status" % child.pid).read()
    has = int(text.split("VmSize:")[1].split()[0]) * 1024
    resource.prlimit(child.pid, resource.RLIMIT_AS,
                     (has + more, resource.RLIM_INFINITY))


def memory_limit():
    """No memory is to be had for a while, by nobody in the program. (Not with
    faults: what fails them is told by the limit itself.)"""
    p = faulty_place()
    p.configure(more="threads = 4")
    child = run_whole(p, Place.run)
    same(hook(p, sale(0)).word(), "recorded", "before")
    answers, n, restarts = [], 0, 0
    for more in (0, 4096, 65536, 200000):
        address_space(child, more)
        for size in (1500, 30000, 200000, 900000) * 4:
            n += 1
            headers = dict(FORM, **{"X-%d" % i: "v" * (n * 97 % 1500)
                                    for i in range(n % 40)})
            try:
                a = p.direct("POST", "/hooks/gumroad/" + p.tokens[0],
                             lib.sale_of_size(n, size), headers)
            except OSError:
                a = None
            answers.append(a)
            if a is None and ended(child):
                restarts += 1
                child = run_whole(p, Place.run)
                address_space(child, more)
    note({s: [a and a.status for a in answers].count(s)
          for s in (200, 503, None)})
    same(restarts, ends(p), "where it ended, it said so")
    bad = [a for a in answers if a is not None and
           a.status not in (200, 503)]
    same(bad, [], "recorded, refused, or no answer")
    ok(any(a is None or a.status == 503 for a in answers), "some refused")
    resource.prlimit(child.pid, resource.RLIMIT_AS,
                     (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    told = sum(a is not None and a.status == 200 for a in answers)
    same(p.events(), 1 + told, "what was acknowledged is there")
    same(hook(p, sale(n + 1)).word(), "recorded", "memory again: recorded")
    same(stop(child), 0, "and it ends well")


main(first_page, clock_windows, clock_changes, clock_decades, clock_waits, clock_wrong,
     no_files, no_files_for_database, memory, memory_at_start, memory_of_cgi,
     memory_limit)
