#!/usr/bin/env python3
"""Who waits keeps nobody else waiting: deliveries for a locked database, long
polls, requests that arrive by halves."""

import sys
sys.dont_write_bytecode = True
import select
import threading
import time

from lib import (FORM, SLOW, STDIN, Fcgi, Place, cgi_params, fcgi_head, jwt,
                 main, ok, sale, same, stop, stream, until)

PATIENCE = 8 if SLOW else 4  # seconds; Gumroad gives up after 5
THREADS = 16


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


main(locked, polls, halves)
