#!/usr/bin/env python3
"""Ending: in good order, and by force. What got a 2xx is there afterwards."""

import sys
sys.dont_write_bytecode = True
import os
import signal
import threading
import time

from lib import (FORM, SLOW, Fcgi, Place, cgi_params, fcgi_head, main, ok,
                 record, sale, same, stop, stream, until, STDIN)


def in_flight():
    """SIGTERM while deliveries wait for the database."""
    p = Place()
    child = p.run(more=["--unconfined"])
    p.nginx()
    kept = p.gumroad(sale(0)).event()
    other = p.hold()
    answers = []
    threads = [threading.Thread(
        target=lambda i=i: answers.append(p.gumroad(sale(i))))
        for i in range(1, 11)]
    for t in threads:
        t.start()
    until(lambda: waiting(child.pid) >= 10, "ten requests in the program")
    half = Fcgi(p.sock)
    body = sale(50)
    half.send(fcgi_head(cgi_params("POST", "/hooks/gumroad/" + p.tokens[0],
                                   body, FORM), True))
    time.sleep(0.2)
    begun = time.monotonic()
    child.send_signal(signal.SIGTERM)
    half.send(stream(STDIN, body))
    threading.Timer(1, other.let_go).start()
    for t in threads:
        t.join()
    same(sorted((a.status, a.word()) for a in answers),
         [(200, "recorded")] * 10, "all ten are answered")
    a = half.answer()
    same(a and a.word(), "recorded", "so is one that was half sent")
    ok(half.closed(), "whose connection is closed then")
    same(child.wait(20), 0, "exit 0")
    took = time.monotonic() - begun
    ok(took < (10 if SLOW else 5), "within 5 s", took)
    ok(not os.path.exists(p.sock), "the socket is gone")
    ok("stopped" in p.log_text(), "the log says so", p.log_text())
    same(p.gumroad(sale(20)).status, 502, "then nginx answers")
    p.run()
    same(p.gumroad(sale(20)).word(), "recorded", "a new one serves")
    a = p.gumroad(sale(0))
    same((a.word(), a.event()), ("duplicate", kept), "and remembers")
    same(p.access("user=u5").json().get("tier"), "supporter",
         "those in flight are there")
    same(p.events(), 13, "each once")
    p.check_logs()


def waiting(pid):
    """Connections of the program, by its open sockets."""
    links = 0
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            links += os.readlink("/proc/%d/fd/%s" % (pid, fd)).startswith(
                "socket:")
        except OSError:
            pass
    return links - 1


def idle():
    """Kept connections, a request that never ends, other signals."""
    for name, number in (("TERM", signal.SIGTERM), ("INT", signal.SIGINT),
                         ("HUP", signal.SIGHUP), ("USR1", signal.SIGUSR1)):
        p = Place()
        child = p.run()
        with Fcgi(p.sock) as kept, Fcgi(p.sock) as quiet:
            kept.ask("GET", "/healthz", keep=True)
            begun = time.monotonic()
            code = stop(child, number)
            took = time.monotonic() - begun
            ok(code == 0 and took < 2, "SIG%s: exit 0 at once" % name,
               (code, took))
            ok(kept.closed() and quiet.closed(), "SIG%s: all closed" % name)
    p = Place()
    child = p.run()
    with Fcgi(p.sock) as half:
        half.send(fcgi_head(cgi_params("POST", "/hooks/gank")) +
                  record(STDIN, b"x"))
        begun = time.monotonic()
        code = stop(child)
        took = time.monotonic() - begun
        ok(code == 0 and took < (10 if SLOW else 5),
           "a request that never ends: exit 0 within 5 s", (code, took))


def burst(p, answers, done, first):
    n = first
    while not done.is_set():
        try:
            a = p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(n),
                         FORM)
        except OSError:
            return
        if a is not None:
            answers.append((n, a.status, a.event()))
        n += 1


def killed():
    """kill -9 under a burst, more than once. (That the file is synced before
    the answer, a power cut would show: see valgrind, which watches for it.)"""
    p = Place()
    acknowledged = {}
    for turn in range(3):
        child = p.run()
        answers, done = [], threading.Event()
        threads = [threading.Thread(target=burst, args=(
            p, answers, done, turn * 10000000 + i * 1000000))
            for i in range(8)]
        for t in threads:
            t.start()
        until(lambda: len(answers) > 200, "some answers")
        child.kill()
        child.wait()
        done.set()
        for t in threads:
            t.join()
        same({status for _, status, _ in answers}, {200},
             "turn %d: all answers were 200" % turn)
        acknowledged.update((e, n) for n, _, e in answers)
        rows = dict(p.rows("SELECT id, CAST(body AS TEXT) FROM events"))
        lost = [e for e, n in acknowledged.items()
                if sale(n).decode() != rows.get(e)]
        same(lost, [], "turn %d: each of %d acknowledged is there" % (
            turn, len(acknowledged)))
        ok(p.is_sound(), "turn %d: the database is sound" % turn)
        same(p.one("SELECT count(*) FROM events"),
             p.one("SELECT count(*) FROM purchases"),
             "turn %d: no event without its purchase" % turn)
        ok(os.path.exists(p.sock), "turn %d: a dead socket is left" % turn)
    child = p.run()
    ok(True, "the dead socket is no hindrance")
    event, n = next(iter(acknowledged.items()))
    a = p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(n), FORM)
    same((a.word(), a.event()), ("duplicate", event), "it remembers")
    same(stop(child), 0, "and ends well")


def at_once():
    """Many senders, many of the same deliveries: each counts once."""
    p = Place()
    child = p.run()
    p.nginx()
    answers = []

    def work():
        for n in range(25):
            answers.append((n, p.gumroad(sale(n))))
    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    same(len([1 for _, a in answers if a.word() == "recorded"]), 25,
         "25 deliveries eight times: 25 recorded")
    same(len([1 for _, a in answers if a.word() == "duplicate"]), 175,
         "and 175 duplicates")
    events = {}
    for n, a in answers:
        events.setdefault(n, set()).add(a.event())
    same({len(e) for e in events.values()}, {1}, "with the same event id")
    same(p.rows("SELECT DISTINCT seen FROM events"), [(8,)], "seen 8 times")
    same(p.one("SELECT count(*) FROM purchases"), 25, "25 purchases")
    same(stop(child), 0, "exit 0")


main(in_flight, idle, killed, at_once)
