#!/usr/bin/env python3
"""Bytes of a body that look like another request are never run as one: over
kept connections, through nginx and on the socket itself."""

import sys
sys.dont_write_bytecode = True
import socket

from lib import (BODY_MAX, FORM, LIMIT, STDIN, Fcgi, Place, cgi_params,
                 fcgi_head, http_request, main, ok, read_all, record, sale,
                 same, stream)

ALIGNMENTS = 16


def hidden(p, n=1):
    """A whole delivery as FastCGI records: stored, were it ever read as a
    request."""
    body = sale(9000 + n)
    return fcgi_head(cgi_params("POST", "/hooks/gumroad/" + p.tokens[0], body,
                                FORM), True) + stream(STDIN, body)


def hidden_http(p):
    body = sale(9500)
    return (b"POST /hooks/gumroad/%s HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (p.tokens[0].encode(),
                                               len(body), body))


def filled(piece, size, shift=0):
    return b"x" * shift + (piece * (size // len(piece) + 1))[:size - shift]


def refusals(p):
    """Requests that are refused before anybody looks at their body."""
    good = "/hooks/gumroad/" + p.tokens[0]
    return (("too large", "POST", good, 2 * BODY_MAX, {}, 413),
            ("404", "POST", "/nothing", 5000, {}, 404),
            ("405", "PUT", good, 5000, {}, 405),
            ("a wrong token", "POST", "/hooks/gumroad/wrong", 5000, {}, 404),
            ("no signature", "POST", "/hooks/gank", 5000, {}, 401),
            ("no key", "POST", "/v1/access", 5000, {}, 401),
            ("the gate", "POST", "/gate?tier=supporter", 5000, {}, 401),
            ("a GET with a body", "GET", "/healthz", 5000, {}, 200))


def direct():
    p = Place()
    p.run()
    for name, method, uri, size, headers, status in refusals(p):
        seen, after = set(), set()
        for shift in range(ALIGNMENTS if size < BODY_MAX else 2):
            body = filled(hidden(p), size, shift)
            with Fcgi(p.sock) as c:
                a = c.ask(method, uri, body, headers, keep=True)
                seen.add(a.status)
                # either it is closed or the next answer is the next request's
                b = c.ask("GET", "/healthz", keep=True)
                after.add(None if b is None else (b.status, b.body))
        same(seen, {status}, "FastCGI, %s: refused" % name)
        ok(after <= {None, (200, b"ok")}, "and what follows is its own",
           after)
    same(p.events(), 0, "nothing of these bodies ran")


def direct_lengths():
    """CONTENT_LENGTH against what comes, and what follows."""
    p = Place()
    p.run()
    uri, stored = "/hooks/gumroad/" + p.tokens[0], 0
    lengths = (("smaller", "10", 200), ("larger", "9999", 503),
               ("0", "0", 200), ("empty", "", 200), ("missing", None, 200),
               ("negative", "-1", 200), ("no number", "12x", 200),
               ("huge", "9" * 30, None), ("hexadecimal", "0x10", 200),
               ("padded", "+12", 200))
    for n, (name, length, status) in enumerate(lengths):
        body = sale(n) + b"&x=" + hidden(p)
        with Fcgi(p.sock) as c:
            a = c.ask("POST", uri, body, FORM, keep=True, length=length)
            b = c.ask("GET", "/healthz", keep=True)
        # more digits than a number has: no hint at all
        ok(a.status == (status or a.status) and a.status in (200, 503),
           "FastCGI, CONTENT_LENGTH %s: one answer" % name, a)
        ok(b is None or (b.status, b.body) == (200, b"ok"),
           "and what follows is its own", b)
        stored += a.status == 200
    params = cgi_params("POST", uri, b"", FORM, None)
    for values in (("5", "9999"), ("9999", "5")):
        body = sale(50 + len(values[0])) + b"&x=" + hidden(p)
        twice = params + [("CONTENT_LENGTH", v) for v in values]
        with Fcgi(p.sock) as c:
            c.send(fcgi_head(twice, True) + stream(STDIN, body))
            a = c.answer()
            b = c.ask("GET", "/healthz", keep=True)
        stored += a.status == 200
        ok(a.status in (200, 503) and (b is None or b.status == 200),
           "FastCGI, CONTENT_LENGTH doubled: %s, %s" % values, (a, b))
    same(p.events(), stored, "one event each, none from within a body")
    same(p.rows("SELECT sale FROM purchases WHERE sale LIKE '%9001%'"), [],
         "the hidden sale is unknown")
    # a second request behind the end of the first is one, with its own answer
    with Fcgi(p.sock) as c:
        c.send(fcgi_head(cgi_params("GET", "/nothing"), True) +
               record(STDIN) + hidden(p, 2))
        same([c.answer().status, c.answer().status], [404, 200],
             "what comes as records is a request")


def through_nginx():
    """nginx keeps its connections to the program: its worker's next request
    may come over the one the refused body came over."""
    p = Place()
    p.run()
    p.nginx()
    for name, method, uri, size, headers, status in refusals(p):
        if uri.startswith("/gate") or uri == "/nothing":
            continue  # nginx answers these itself
        seen, after = set(), set()
        for shift in range(ALIGNMENTS // 2 if size < BODY_MAX else 1):
            body = filled(hidden(p), size, shift)
            try:
                a = http_request(p.port, method, uri, body, headers)
                seen.add(a.status)
            except (BrokenPipeError, ConnectionResetError):
                seen.add(status)
            for _ in range(4):
                b = p.get("/healthz")
                after.add((b.status, b.body))
        same(seen, {status}, "nginx, %s: refused" % name)
        same(after, {(200, b"ok")}, "and all that follow are their own")
    same(p.events(), 0, "nothing of these bodies ran")


def raw(port, head, body, ends=False):
    """All answers to these bytes; ends: the client sends no more."""
    with socket.create_connection(("127.0.0.1", port), LIMIT) as s:
        try:
            s.sendall(head.encode() + b"\r\nConnection: close\r\n\r\n" +
                      body)
            if ends:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return read_all(s)


def nginx_lengths():
    """The same one level up: what nginx takes for one request."""
    p = Place()
    p.run()
    p.nginx()
    wrong = "POST /hooks/gumroad/wrong HTTP/1.1\r\nHost: x"
    inner = hidden_http(p)
    exact = "\r\nContent-Length: %d" % len(inner)
    cases = (("exact", exact, 1), ("larger", "\r\nContent-Length: 9999", 0),
             ("negative", "\r\nContent-Length: -1", 1),
             ("no number", "\r\nContent-Length: 1x", 1),
             ("doubled", exact + "\r\nContent-Length: 0", 1),
             ("huge", "\r\nContent-Length: " + "9" * 30, 1),
             ("with chunks", exact + "\r\nTransfer-Encoding: chunked", 1))
    for name, header, count in cases:
        out = raw(p.port, wrong + header, inner, count == 0)
        ok(out.count(b"HTTP/1.1 ") == count and b" 200 " not in out,
           "nginx, Content-Length %s: not a second request" % name, out)
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner)
    out = raw(p.port, wrong + "\r\nTransfer-Encoding: chunked", chunks)
    ok(out.count(b"HTTP/1.1 ") == 1 and b" 404 " in out,
       "nginx, within chunks: not a second request", out)
    same(p.get("/healthz").status, 200, "it goes on")
    same(p.events(), 0, "nothing of these bodies ran")


main(direct, direct_lengths, through_nginx, nginx_lengths)
