#!/usr/bin/env python3
"""Under load the disk fills up, becomes read-only, no file can be opened, the
clock is set: for FastCGI and for plain CGI. Senders come again until they are
told 200; whatever was told 200 is there, once, and service goes on by itself
when the cause is gone."""

import sys
sys.dont_write_bytecode = True
import errno
import os
import resource
import subprocess
import threading
import time

from fault import Delivery, faulty_place, lib, run_faulty, wrongs
from lib import Fcgi, main, ok, same, skip, stop, until

PATIENCE = 4  # seconds; Gumroad gives up after 5
SENDERS = 4
LOW = 12  # deliveries answered 200 before the fault and after it
DAY = 86400
FASTCGI, CGI = "FastCGI", "plain CGI"


class Load:
    """Senders, each with a delivery after the other until end() is called.
    Deliveries differ in n; one that was refused is sent again."""

    def __init__(self, p, way, filler=0, **options):
        self.p, self.way, self.options = p, way, options
        self.filler = b"&filler=" + b"x" * filler
        self.done = threading.Event()
        self.lock = threading.Lock()
        self.deliveries, self.statuses, self.slowest = [], [], 0.0
        self.threads = [threading.Thread(target=self.send, daemon=True)
                        for _ in range(SENDERS)]
        for t in self.threads:
            t.start()

    def next(self):
        with self.lock:
            n = len(self.deliveries)
            # sales and refunds: what Gank signs depends on the clock
            d = Delivery(self.p, n + n // 4)
            d.body += self.filler
            self.deliveries.append(d)
            return d

    def ask(self, d):
        try:
            if self.way == CGI:
                return self.p.cgi("POST", d.path, d.body, d.headers,
                                  **self.options)
            with Fcgi(self.p.sock) as c:
                return c.ask("POST", d.path, d.body, d.headers)
        except OSError:
            return None

    def send(self):
        while not self.done.is_set():
            d = self.next()
            while True:
                a = self.ask(d)
                with self.lock:
                    d.note(a)
                    self.statuses.append(a and a.status)
                    self.slowest = max(self.slowest, a.seconds if a else 0)
                if d.answers[-1] is not None and a.status == 200:
                    break
                if self.done.is_set():
                    return
                time.sleep(0.02)

    def wait(self, status, what, n=LOW):
        """Until so many more were answered that."""
        before = self.statuses.count(status)
        until(lambda: self.statuses.count(status) >= before + n, what)

    def waits(self):
        """Has nobody been answered for a while?"""
        before = len(self.statuses)
        time.sleep(0.3)
        return len(self.statuses) == before

    def end(self, name, refused=(503,)):
        self.done.set()
        for t in self.threads:
            t.join()
        ok(self.slowest < PATIENCE, "%s: each answer within %d s" % (
            name, PATIENCE), self.slowest)
        for d in self.deliveries:
            while d.acknowledged() is None:
                d.note(self.ask(d))
        same(wrongs(self.p, self.deliveries, refused), [],
             "%s: %d deliveries, %d refused, all there once" % (
                 name, len(self.deliveries),
                 len(self.statuses) - self.statuses.count(200)))


def place(way, **options):
    p = faulty_place(**options)
    if way == FASTCGI:
        run_faulty(p)
    return p


def close(p, way, name):
    if way == FASTCGI:
        same(p.program.poll(), None, name + ": the program still runs")
        same(stop(p.program), 0, name + ": and ends well")


def small_disk(way):
    """A place whose database has a disk of its own, or None."""
    p = faulty_place(database="disk/gatepost.db", init=False)
    disk = p.dir / "disk"
    disk.mkdir()
    if os.getuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16m", "none", disk],
            stderr=subprocess.DEVNULL).returncode != 0:
        return None
    lib._cleanups.append(lambda: subprocess.run(["umount", "-l", disk]))
    p.cli("migrate")
    if way == FASTCGI:
        run_faulty(p)
    return p


def disk_full(way):
    name = "disk full, " + way
    p = small_disk(way)
    if p is None:
        skip(name, "cannot mount a small disk here: as if it were full")
        refused(way, "disk full", errno.ENOSPC, "pwrite", "truncate")
        return
    load = Load(p, way, filler=4000)
    load.wait(200, "deliveries before")
    filler = p.dir / "disk/filler"
    for _ in range(2):
        with open(filler, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass
        load.wait(503, "a full disk")
        filler.unlink()
        load.wait(200, "room again")
    load.end(name)
    close(p, way, name)


def refused(way, name, number, *ops, status=503):
    """The kernel refuses calls of these kinds, for a while."""
    name += ", " + way
    p = place(way)
    more = {"more": p.faults.env()} if way == CGI else {}
    load = Load(p, way, **more)
    for _ in range(2):
        load.wait(200, "deliveries before")
        p.faults.refuse(number, *ops)
        load.wait(status, name)
        p.faults.refuse(0)
    load.wait(200, "service again")
    load.end(name, (503,))
    close(p, way, name)


def read_only(way):
    """What a disk's file system does that the kernel has made read-only, as
    ext4 after an error; mount(8) refuses to while files are open."""
    refused(way, "read-only", errno.EROFS, "pwrite", "truncate", "unlink",
            "create")


def broken_disk(way):
    refused(way, "I/O errors", errno.EIO, "pwrite", "sync")


def files_out(way):
    """No file can be opened: FastCGI has what it needs open and takes no new
    connections; plain CGI cannot even read its configuration."""
    if way == CGI:
        refused(way, "no more files", errno.EMFILE, "open")
        return
    name = "no more files, " + way
    p = place(way)
    # its threads have files of their own
    until(lambda: "started" in p.log_text(), "all threads")
    load = Load(p, way)
    for _ in range(2):
        load.wait(200, "deliveries before")
        said = p.log_text().count("pausing")
        resource.prlimit(p.program.pid, resource.RLIMIT_NOFILE, (3, 4096))
        until(lambda: load.waits(), "senders to wait")
        ok(said or "pausing" in p.log_text(), name + ": the log says so")
        resource.prlimit(p.program.pid, resource.RLIMIT_NOFILE, (4096, 4096))
    load.wait(200, "files again")
    load.end(name, ())
    close(p, way, name)


def clock(way):
    """Set forth and back, while one follows the changes."""
    name = "clock set, " + way
    p = place(way)
    more = {"more": p.faults.env()} if way == CGI else {}
    load = Load(p, way, **more)
    seen = []

    def follow():
        ask = p.cgi if way == CGI else p.direct
        a = ask("GET", "/v1/changes?after=%d" % (seen[-1] if seen else 0),
                headers=p.bearer(), **more)
        seen.extend(c["id"] for c in a.json().get("changes", []))
    steps = [3600, -3600, 40 * DAY, -400 * DAY, 1, -1, 0]
    for step in steps * 2:
        p.faults.set(wall=step)
        load.wait(200, "deliveries at %+d s" % step, 4)
        follow()
    load.end(name, ())
    before = -1
    while before < len(seen) <= 2 * len(load.deliveries):
        before = len(seen)
        follow()
    same(seen, [r[0] for r in p.rows("SELECT id FROM changes ORDER BY id")],
         name + ": who follows the changes sees each once, in order")
    known = load.deliveries[0]
    p.faults.set(wall=-DAY)
    a = load.ask(known)
    same((a.word(), a.event()), ("duplicate", known.acknowledged()),
         name + ": a day back, what is known is known")
    signs(p, way, name, more)
    close(p, way, name)


def signs(p, way, name, more):
    """What Gank signed is as old as the clock says."""
    got = []
    far = DAY + 3600  # gank.tolerance is a day
    for wall, signed in ((far, far), (far, 0), (-far, 0), (0, 0)):
        p.faults.set(wall=wall)
        d = Delivery(p, 10004 + 5 * len(got))
        headers = lib.gank_headers(d.body, p.secrets[0],
                                   int(time.time()) + signed)
        ask = p.cgi if way == CGI else p.direct
        got.append(ask("POST", d.path, d.body, headers, **more).status)
    same(got, [200, 401, 401, 200], name + ": signatures are as old as it says")


def fastcgi():
    for test in (disk_full, read_only, broken_disk, files_out, clock):
        test(FASTCGI)
        lib.end_all()


def cgi():
    for test in (disk_full, read_only, broken_disk, files_out, clock):
        test(CGI)
        lib.end_all()


main(fastcgi, cgi)
