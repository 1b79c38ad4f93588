#!/usr/bin/env python3
"""Sizes, times and shapes: what is taken, what is refused, what is cut."""

import sys
sys.dont_write_bytecode = True
import http.client
import os
import re
import socket
import threading
import time

from lib import (ABORT, BEGIN, BODY_MAX, FORM, LIMIT, PARAMS, SLOW,
                 STDIN, Fcgi, Place, cgi_params, fcgi_head, http_raw,
                 http_request, main, ok, pairs, read_all, record, sale,
                 sale_of_size, same, stop, stream, until)


def sizes():
    p = Place()
    p.run()
    p.nginx()
    uri = "/hooks/gumroad/" + p.tokens[0]
    ways = [("nginx", lambda b: p.post(uri, b, FORM)),
            ("FastCGI", lambda b: p.direct("POST", uri, b, FORM)),
            ("CGI", lambda b: p.cgi("POST", uri, b, FORM))]
    for n, (name, post) in enumerate(ways):
        body = sale_of_size(n, BODY_MAX)
        a = post(body)
        same((a.status, a.word()), (200, "recorded"), name + ": 1 MiB")
        same(p.one("SELECT length(CAST(body AS BLOB)) FROM events "
                   "WHERE id = ?", a.event()), BODY_MAX,
             name + ": all of it is stored")
        before = p.events()
        a = post(body + b"x")
        same(a.status, 413, name + ": 1 MiB and one byte")
        if name != "nginx":
            same(a.word(), "too_large", name + ": a word for it")
        same(p.events(), before, name + ": not stored")
    a = p.direct("POST", uri, sale_of_size(9, 5 * BODY_MAX), FORM)
    same(a.status, 413, "FastCGI: 5 MiB")
    a = p.direct("POST", uri, sale_of_size(9, BODY_MAX + 1), FORM, length="")
    same(a.status, 413, "FastCGI: too large without CONTENT_LENGTH")
    a = p.direct("POST", uri, sale_of_size(9, BODY_MAX + 1), FORM, keep=True,
                 length="10")
    same(a.status, 413, "FastCGI: too large, CONTENT_LENGTH says 10")
    a = p.gumroad(b"")
    same((a.status, a.word()), (200, "kept"), "an empty body")
    chunked(p, uri)
    p.check_logs()


def chunked(p, uri):
    """Chunked uploads: nginx counts them itself."""
    def pieces(body, size):
        for at in range(0, len(body), size):
            yield body[at:at + size]
    for n, (length, size) in enumerate(((700, 7), (BODY_MAX, 65536))):
        a = http_request(p.port, "POST", uri,
                         pieces(sale_of_size(20 + n, length), size), FORM)
        same((a.status, a.word()), (200, "recorded"),
             "chunked, %d bytes" % length)
    try:
        a = http_request(p.port, "POST", uri, pieces(
            sale_of_size(22, 2 * BODY_MAX), 65536), FORM)
        same(a.status, 413, "chunked, 2 MiB")
    except (BrokenPipeError, ConnectionResetError):
        ok(True, "chunked, 2 MiB: the connection was cut")
    body = sale(23)
    with Fcgi(p.sock) as c:
        a = c.ask("POST", uri, body, FORM, length="")
    same((a.status, a.word()), (200, "recorded"),
         "FastCGI without CONTENT_LENGTH")
    a = p.cgi("POST", uri, sale(24), FORM, length=None)
    same((a.status, a.word()), (200, "recorded"),
         "CGI without CONTENT_LENGTH")


def cut_short():
    p = Place()
    p.run()
    p.nginx()
    uri, body = "/hooks/gumroad/" + p.tokens[0], sale(1)
    before = p.dump()
    head = ("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (
        uri, len(body) + 100)).encode()
    http_raw(p.port, head + body, close=True)
    http_raw(p.port, head[:-2], close=True)
    same(p.get("/healthz").status, 200, "nginx: a client that went away")
    a = p.direct("POST", uri, body, FORM, length=str(len(body) + 100))
    same((a.status, a.word()), (503, "incomplete"),
         "FastCGI: shorter than CONTENT_LENGTH")
    ok(int(a.headers.get("retry-after", 0)) > 0, "with Retry-After", a)
    a = p.cgi("POST", uri, body, FORM, length=str(len(body) + 100))
    same((a.status, a.word(), a.exit), (503, "incomplete", 0),
         "CGI: standard input ends before CONTENT_LENGTH")
    ok(int(a.headers.get("retry-after", 0)) > 0, "with Retry-After", a)
    with Fcgi(p.sock) as c:  # the web server gives up in the middle
        c.send(fcgi_head(cgi_params("POST", uri, body, FORM)) +
               record(STDIN, body[:50]))
    with Fcgi(p.sock) as c:
        c.send(fcgi_head(cgi_params("POST", uri, body, FORM)) +
               record(STDIN, body) + record(ABORT))
        ok(c.closed(), "FastCGI: ABORT_REQUEST ends it")
    same(p.direct("GET", "/healthz").status, 200, "it goes on")
    same(p.dump(), before, "nothing of these is stored")
    same(p.gumroad(body).word(), "recorded", "sent again, whole")


def slow_senders():
    """A request is whole ten seconds after its first byte, or it is cut."""
    p = Place()
    p.run()
    p.nginx()
    uri = "/hooks/gumroad/" + p.tokens[0]
    results = {}

    def bytewise():
        body = sale(1)
        data = fcgi_head(cgi_params("POST", uri, body, FORM)) + stream(
            STDIN, body)
        with Fcgi(p.sock) as c:
            c.s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            for i in range(len(data)):
                c.send(data[i:i + 1])
                if i % 100 == 0:
                    time.sleep(0.01)
            results["bytewise"] = c.answer()

    def endless():
        """One byte a second for ever: progress, but not enough."""
        body = sale(2)
        begun = time.monotonic()
        with Fcgi(p.sock) as c:
            c.send(fcgi_head(cgi_params("POST", uri, body, FORM)))
            c.s.settimeout(1)
            try:
                while time.monotonic() < begun + 30:
                    c.send(record(STDIN, b"x"))
                    try:
                        if not c.s.recv(100):
                            break
                    except socket.timeout:
                        pass
            except OSError:
                pass
        results["endless"] = time.monotonic() - begun

    def silent():
        begun = time.monotonic()
        with Fcgi(p.sock) as c:
            c.send(b"\x01")
            c.closed()
        results["silent"] = time.monotonic() - begun

    def http_silent():
        head = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nx"
        begun = time.monotonic()
        http_raw(p.port, (head % uri).encode(), limit=40)
        results["http"] = time.monotonic() - begun

    def cgi_silent():
        begun = time.monotonic()
        child = p.cgi_start("POST", uri, sale(3), FORM)
        child.stdin.write(b"x")
        child.stdin.flush()
        results["cgi"] = child.stdout.read()
        child.stdin.close()
        child.wait()
        results["cgi seconds"] = time.monotonic() - begun

    threads = [threading.Thread(target=t) for t in (
        bytewise, endless, silent, http_silent, cgi_silent)]
    for t in threads:
        t.start()
    time.sleep(0.5)
    a = p.gumroad(sale(5))
    ok(a.status == 200 and a.seconds < 2, "others are served meanwhile", a)
    for t in threads:
        t.join()
    a = results["bytewise"]
    same((a.status, a.word()), (200, "recorded"), "one byte at a time")
    for name in ("endless", "silent", "http", "cgi seconds"):
        ok(9 <= results[name] < (20 if SLOW else 13),
           "%s: cut after ten seconds" % name, results[name])
    ok(b"Status: 503" in results["cgi"] and b"Retry-After" in results["cgi"],
       "cgi: told to come again", results["cgi"])
    same(p.events(), 2, "only the whole ones are stored")


def hostile():
    """Records no web server sends. Each ends its connection, no more."""
    p = Place()
    child = p.run()
    uri, body = "/hooks/gumroad/" + p.tokens[0], sale(1)
    params = cgi_params("POST", uri, body, FORM)
    begin = record(BEGIN, b"\0\1\0\0\0\0\0\0")
    huge = b"\x7f\xff\xff\xff"
    shapes = {
        "noise": os.urandom(4096),
        "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "version 2": record(BEGIN, b"\0\1\0\0\0\0\0\0", version=2),
        "GET_VALUES": record(9, pairs([("FCGI_MAX_CONNS", "")]), 0),
        "GET_VALUES repeated": record(9, pairs(
            [("FCGI_MPXS_CONNS", "")] * 20), 0),
        "GET_VALUES in a request": begin + record(9, b"", 0),
        "unknown type": begin + record(200, b"x"),
        "request id 0": record(BEGIN, b"\0\1\0\0\0\0\0\0", 0),
        "PARAMS first": stream(PARAMS, pairs(params)),
        "STDIN before PARAMS": begin + stream(STDIN, body),
        "BEGIN twice": begin + begin,
        "another id": begin + stream(PARAMS, pairs(params), 2),
        "unknown role": record(BEGIN, b"\0\x09\0\0\0\0\0\0"),
        "short BEGIN": record(BEGIN, b"\0\1"),
        "two huge lengths": begin + stream(
            PARAMS, b"\xff\xff\xff\xff\xff\xff\xff\xffAA"),
        "a huge name": begin + stream(PARAMS, b"\xff" + huge[1:] + b"\0A"),
        "a value past the end": begin + stream(PARAMS, b"\x01\x7fAB"),
        "a length cut off": begin + stream(PARAMS, b"\x80\x00"),
        "too many parameters": begin + stream(PARAMS, pairs(
            [("N%d" % i, "v") for i in range(5000)])),
        "parameters over 64 KiB": begin + stream(PARAMS, pairs(
            params + [("HTTP_X", "v" * 70000)])),
    }
    before = p.dump()
    for name, data in shapes.items():
        with Fcgi(p.sock) as c:
            try:
                c.send(data)
                c.s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            out = read_all(c.s)
        ok(out == b"" or b"\x06" not in out[:2] or b" 40" in out,
           "%s: no good answer" % name, out)
    same(child.poll(), None, "the program still runs")
    smuggling(p, uri)
    same(p.dump(), before, "none left a trace")
    with Fcgi(p.sock) as c:
        c.send(fcgi_head(params) + record(STDIN, body, padding=255) +
               record(STDIN, b"", padding=7))
        a = c.answer()
    same((a.status, a.word()), (200, "recorded"), "padding is allowed")
    same(stop(child), 0, "and it ends as it should")


def smuggling(p, uri):
    """What follows a refused body on a kept connection is no request."""
    inner = fcgi_head(cgi_params("POST", uri, b"a=b", FORM), request=1)
    inner += stream(STDIN, b"a=b")
    with Fcgi(p.sock) as c:
        filler = (inner * (2 * BODY_MAX // len(inner) + 1))
        a = c.ask("POST", "/hooks/gumroad/wrong", filler, FORM, keep=True)
        same(a.status, 413, "a large body full of records")
        ok(c.closed(), "and its connection is closed")


def many():
    p = Place()
    p.run()
    p.nginx()
    # m: they wait for one another, and all have to be through in 10 s
    uri, n, m = "/hooks/gumroad/" + p.tokens[0], 200, 40
    c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=LIMIT)
    words = [http_request(p.port, "POST", uri, sale(i), FORM,
                          connection=c).word() for i in range(n)]
    same(set(words), {"recorded"}, "%d on one kept connection" % n)
    data = b"".join(
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n%s" % (
            uri.encode(), len(body), b"Connection: close\r\n"
            if i == m - 1 else b"", body)
        for i, body in ((i, sale(1000 + i)) for i in range(m)))
    out = http_raw(p.port, data)
    same((out.count(b"HTTP/1.1 200"), out.count(b'"status":"recorded"')),
         (m, m), "%d pipelined through nginx" % m)
    with Fcgi(p.sock) as k:
        for i in range(m):
            body = sale(2000 + i)
            k.send(fcgi_head(cgi_params("POST", uri, body, FORM), True) +
                   stream(STDIN, body))
        words = [k.answer().word() for _ in range(m)]
    same(set(words), {"recorded"}, "%d pipelined through FastCGI" % m)
    idle = [Fcgi(p.sock) for _ in range(100)]
    try:
        a = p.gumroad(sale(5000))
        ok(a.status == 200 and a.seconds < 2, "100 idle connections", a)
        same([k.ask("GET", "/healthz", keep=True).status for k in idle],
             [200] * 100, "then all of them are served")
    finally:
        for k in idle:
            k.s.close()
    same(p.events(), n + 2 * m + 1, "all are stored")
    same(p.one("SELECT count(*) FROM purchases"), n + 2 * m + 1,
         "a purchase each")


def refused():
    """Requests that are refused fill no log: one line a second, with how many
    there were."""
    p = Place()
    p.configure(gank=False)
    p.run()
    unknown = "POST unknown path: 404 not_found"
    kinds = {"POST /hooks/:platform/:token: 404 not_found, platform gumroad":
             ("/hooks/gumroad/" + "0" * 48, 400),
             unknown: ("/nothing/here", 400),
             "gank: no secrets in the configuration": ("/hooks/gank", 50)}
    begun = time.monotonic()
    with Fcgi(p.sock) as c:
        for uri, n in kinds.values():
            for _ in range(n):
                if c.ask("POST", uri, b"x", FORM, keep=True).status < 400:
                    raise RuntimeError("%s: not refused" % uri)
    same(p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(1),
                  FORM).status, 200, "a delivery meanwhile")
    took = time.monotonic() - begun

    def lines(kind):
        return [x for x in p.log_text().splitlines() if kind in x]

    def told(kind):
        return sum(int(m[1]) if (m := re.search(r": (\d+) more$", x)) else 1
                   for x in lines(kind))
    for kind, (_, n) in kinds.items():
        until(lambda: told(kind) == n, "all %d of %s to be told" % (n, kind))
        ok(len(lines(kind)) <= took + 3, "%d of them in %d lines" % (
            n, len(lines(kind))), p.log_text()[-2000:])
    with Fcgi(p.sock) as c:
        for _ in range(20):
            c.ask("POST", "/nothing/here", b"x", FORM, keep=True)
    stop(p.program)
    same(told(unknown), 420, "at the end what is left")
    p.check_logs()


main(sizes, cut_short, slow_senders, hostile, many, refused)
