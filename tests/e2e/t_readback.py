#!/usr/bin/env python3
"""Read your write: a lookup right after the 200 sees the purchase, while
others post. COUNT: how often; tests/bench/readback takes more."""

import sys
sys.dont_write_bytecode = True
import http.client
import multiprocessing
import os
import time

from lib import (FORM, LIMIT, SLOW, Place, http_request, main, note, ok, sale,
                 same)

COUNT = int(os.environ.get("COUNT", 100 if SLOW else 500))
OTHERS = 8  # connections


def post_on(port, uri, first, stopped, posted):
    """Another sender, until it is told to stop."""
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    n = first
    while not stopped.is_set():
        if http_request(port, "POST", uri, sale(n), FORM,
                        connection=c).status != 200:
            break
        n += 1
    posted.put(n - first)


def readback():
    p = Place()
    p.run()
    p.nginx()
    uri = "/hooks/gumroad/" + p.tokens[0]
    stopped, posted = multiprocessing.Event(), multiprocessing.Queue()
    others = [multiprocessing.Process(
        target=post_on, daemon=True,
        args=(p.port, uri, (i + 1) * 10 ** 6, stopped, posted))
        for i in range(OTHERS)]
    for other in others:
        other.start()
    write, read = (http.client.HTTPConnection(
        "127.0.0.1", p.port, timeout=LIMIT) for _ in range(2))
    misses, refused = [], []
    begun = time.monotonic()
    for n in range(COUNT):
        a = http_request(p.port, "POST", uri, sale(n), FORM, connection=write)
        if a.status != 200:
            refused.append(a)
            continue
        a = http_request(p.port, "GET", "/v1/access?user=u%d" % n, None,
                         p.bearer(), connection=read)
        if a.json().get("tier") != "supporter":
            misses.append((n, a))
    took = time.monotonic() - begun
    stopped.set()
    theirs = sum(posted.get(timeout=LIMIT) for _ in others)
    for other in others:
        other.join(LIMIT)
    same(refused, [], "all %d deliveries are taken" % COUNT)
    same(misses[:3], [], "%d lookups right after, %d misses" % (
        COUNT, len(misses)))
    ok(theirs > COUNT // 4, "others posted meanwhile", theirs)
    note("%d written and read back, %d misses, %.1f s, %d by %d others" % (
        COUNT, len(misses), took, theirs, OTHERS))


main(readback)
