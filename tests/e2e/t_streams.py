#!/usr/bin/env python3
"""Many open /live streams, straight on the program's socket: each change
arrives, once, and at once; a reader that stops reading delays nobody.
STREAMS: how many; tests/bench/streams takes as many as a program may have."""

import sys
sys.dont_write_bytecode = True
import os
import re
import resource
import select
import socket
import time

from lib import (FORM, LIMIT, SLOW, STDIN, Fcgi, Place, cgi_params, fcgi_head,
                 jwt, main, note, ok, sale, same, stop, stream, until)

STREAMS = int(os.environ.get("STREAMS", 500))
STOPPED = 100
AT_ONCE = 5 if SLOW else 1  # seconds
FULL = 10  # seconds, after which a full stream is closed
EVENT = re.compile(rb"id: (\d+)\nevent: access\ndata: (.*)\n\n")


class Reader:
    """One open stream. What has arrived is in text. Each comes from a network
    of its own: visitors without a tier share those of one."""
    peers = 0

    def __init__(self, p, token):
        Reader.peers += 1
        peer = "2001:db8:%x::1" % Reader.peers
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(p.sock)
        headers = {"Accept": "text/event-stream",
                   "Cookie": "gatepost=" + token}
        self.s.sendall(fcgi_head(cgi_params(
            "GET", "/live", headers=headers, peer=peer)) + stream(STDIN, b""))
        self.text = b""
        self.ended = False

    def read(self):
        try:
            piece = self.s.recv(1 << 20)
        except ConnectionResetError:
            piece = b""
        self.ended = self.ended or not piece
        self.text += piece

    def events(self):
        return [int(m[0]) for m in EVENT.findall(self.text)]


class Readers:
    """All that read, in one loop."""

    def __init__(self):
        self.poll = select.epoll()
        self.by_fd = {}

    def add(self, reader):
        self.by_fd[reader.s.fileno()] = reader
        self.poll.register(reader.s.fileno(), select.EPOLLIN)

    def take(self, seconds):
        """Reads what is there; those who had something."""
        had = []
        for fd, _ in self.poll.poll(seconds):
            self.by_fd[fd].read()
            if self.by_fd[fd].ended:
                self.poll.unregister(fd)
            had.append(self.by_fd[fd])
        return had

    def wait(self, condition, limit=LIMIT):
        end = time.monotonic() + limit
        while not condition() and time.monotonic() < end:
            self.take(0.1)
        return condition()


def resident(pid):
    """Bytes."""
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def started(streams):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    p = Place()
    # half of them are for visitors without a tier
    p.configure(more="streams = %d" % (2 * streams))
    # as a service is started: the program raises its own limit
    p.run(preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_NOFILE, (1024, hard)))
    return p


class Sender:
    """A connection that posts."""

    def __init__(self, p):
        self.c, self.uri = Fcgi(p.sock), "/hooks/gumroad/" + p.tokens[0]

    def post(self, body):
        return self.c.ask("POST", self.uri, body, FORM, keep=True)


def post_to_each(sender, all_, readers, first):
    """A delivery for each reader: seconds until its event was there."""
    took = []
    for n, reader in enumerate(readers):
        had = len(reader.events())
        begun = time.monotonic()
        a = sender.post(sale(first + n))
        if a is None or a.status != 200:
            ok(False, "a delivery is taken", a)
            break
        if all_.wait(lambda: len(reader.events()) > had, AT_ONCE):
            took.append(time.monotonic() - begun)
    return sorted(took)


def say(name, took):
    if took:
        note("%s: post to arrival, ms: p50 %.1f, p99 %.1f, max %.1f" % (
            name, *(1000 * took[min(int(len(took) * q), len(took) - 1)]
                    for q in (0.5, 0.99, 1))))


def many():
    p = started(STREAMS)
    sender, all_ = Sender(p), Readers()
    same(sender.post(sale(10 ** 6)).status, 200, "a delivery")
    before = resident(p.program.pid)
    readers = []
    for n in range(STREAMS):
        readers.append(Reader(p, jwt(p, "u%d" % n)))
        all_.add(readers[-1])
        if n % 100 == 0:
            all_.take(0)
    ok(all_.wait(lambda: all(r.events() for r in readers), 3 * LIMIT),
       "%d streams are open" % STREAMS)
    each = (resident(p.program.pid) - before) // STREAMS
    note("%d streams: %d bytes of memory each" % (STREAMS, each))
    ok(SLOW or each < 20480, "a stream takes less than 20 kB", each)
    a = p.direct("GET", "/live", headers={
        "Accept": "text/event-stream", "Cookie": "gatepost=" + jwt(p, "x")})
    same((a.status, a.word()), (503, "streams"), "one more: 503")
    took = post_to_each(sender, all_, readers, 0)
    same(len(took), STREAMS, "a change for each: all arrive")
    say("%d streams" % STREAMS, took)
    all_.take(0.3)
    counts = [len(r.events()) for r in readers]
    same((min(counts), max(counts)), (2, 2), "none twice, none for others")
    same(len({r.events()[-1] for r in readers}), STREAMS,
         "a number of its own for each")
    ok(not any(r.ended for r in readers), "all live on")
    for r in readers:
        r.s.close()
    same(stop(p.program), 0, "exit 0")


def sale_to(user, n):
    body = sale(n)
    return body[:body.rindex(b"=") + 1] + user


def unread(reader):
    """Bytes that wait for a reader."""
    import array
    import fcntl
    import termios
    n = array.array("i", [0])
    fcntl.ioctl(reader.s, termios.FIONREAD, n)
    return n[0]


def stopped():
    """Their purchases are many, so each event is large and a socket soon
    full."""
    p = started(STREAMS + STOPPED)
    sender, all_ = Sender(p), Readers()
    for n in range(100):
        sender.post(sale_to(b"full", 10 ** 6 + n))
    # at most 8 streams a pass: passes that end at other times
    silent = [Reader(p, jwt(p, "full", lasts=3600 + n // 8))
              for n in range(STOPPED)]
    readers = [Reader(p, jwt(p, "u%d" % n)) for n in range(100)]
    for r in readers:
        all_.add(r)
    all_.wait(lambda: all(r.events() for r in readers))
    until(lambda: all(unread(r) for r in silent), "the silent ones' state")
    n, last = 0, -1
    while sum(map(unread, silent)) != last and n < 400:
        last = sum(map(unread, silent))
        for _ in range(4):
            sender.post(sale_to(b"full", 2 * 10 ** 6 + n))
            n += 1
        time.sleep(0.1)
    full = time.monotonic()
    ok(n < 400 and last > STOPPED * 50000, "%d sockets are full" % STOPPED,
       (n, last))
    took = post_to_each(sender, all_, readers, 0)
    say("%d readers beside %d that stopped" % (len(readers), STOPPED), took)
    same(len(took), len(readers), "others hear of their changes at once")
    gone = Readers()
    for r in silent:
        gone.poll.register(r.s.fileno(), select.EPOLLRDHUP)
        gone.by_fd[r.s.fileno()] = r
    same(len(gone.poll.poll(0)), 0, "the stopped ones still wait")
    closed = set()
    while len(closed) < STOPPED and time.monotonic() < full + FULL + LIMIT:
        for fd, _ in gone.poll.poll(1):
            gone.poll.unregister(fd)
            closed.add(fd)
    waited = time.monotonic() - full
    same(len(closed), STOPPED, "then they are closed")
    ok(FULL - 2 < waited < FULL + AT_ONCE + 1, "after %d s" % FULL, waited)
    ok(not any(r.ended for r in readers), "the others live on")
    same(stop(p.program), 0, "exit 0")


main(many, stopped)
