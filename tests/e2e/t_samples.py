#!/usr/bin/env python3
"""Every sample of both platforms is stored, and answered as it should be."""

import sys
sys.dont_write_bytecode = True
import http.client
import json

from lib import (FIXTURES, FORM, LIMIT, Place, basic, gank_headers,
                 http_request, main, ok, same)

WORDS = {"applied": "recorded", "kept": "kept", "test": "test"}


def samples(platform):
    return sorted(d for d in (FIXTURES / platform).iterdir()
                  if (d / "body").exists())


def text_of(path):
    return path.read_text().strip() if path.exists() else None


# samples that are the same delivery as one before them
REPEATS = {
    "36-sale-retry-stale": "01-sale-onetime",  # but for retry_count
    "a-empty-body": "a-ampersands",  # no pairs either
}
events = {}


def check(p, platform, case, want, reason, body, post):
    """Posts one body; want is the decoder's status."""
    a = post(body)
    word = a.word()
    if case in REPEATS:
        same((a.status, word, a.event()),
             (200, "duplicate", events.get(REPEATS[case])),
             "%s %s: duplicate" % (platform, case))
        return
    events[case] = a.event()
    if not same((a.status, word), (200, WORDS[want]),
                "%s %s: %s" % (platform, case, WORDS[want])):
        return
    # many of Gank's cases are one payment, told differently: a conflict
    row = p.rows("SELECT platform, status, nullif(reason, 'conflict'), "
                 "CAST(body AS BLOB) FROM events WHERE id = ?", a.event())
    same(row, [(platform, want, reason, body)],
         "%s %s: kept as it came" % (platform, case))


def gumroad():
    p = Place()
    p.run()
    p.nginx()
    seen = set()
    c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=LIMIT)
    for n, d in enumerate(samples("gumroad")):
        body = (d / "body").read_bytes()
        headers = dict(FORM, **basic(p.tokens[n % 2]))
        if body in seen:
            continue
        seen.add(body)
        check(p, "gumroad", d.name, text_of(d / "status"),
              text_of(d / "reason") or (
                  "test_ping" if text_of(d / "status") == "test"
                  else None), body,
              lambda b: http_request(p.port, "POST", "/hooks/gumroad", b,
                                     headers, connection=c))
    ok(len(seen) >= 100, "%d samples of gumroad" % len(seen))
    finish(p, len(seen) - len(REPEATS))
    # any content type, or none: the body is what counts
    for kind in ("application/json", "text/plain", "", "multipart/form-data"):
        a = p.gumroad(b"a=" + kind.encode(), headers={"Content-Type": kind})
        same((a.status, a.word()), (200, "kept"), "as '%s'" % kind)


def gank():
    p = Place()
    p.run()
    p.nginx()
    seen = set()
    for n, d in enumerate(samples("gank")):
        body = (d / "body").read_bytes()
        want = json.loads((d / "expect.json").read_text())
        if body in seen:
            continue
        seen.add(body)
        check(p, "gank", d.name, want["status"], want["reason"], body,
              lambda b: p.post("/hooks/gank", b,
                               gank_headers(b, p.secrets[n % 2])))
    ok(len(seen) >= 100, "%d samples of gank" % len(seen))
    finish(p, len(seen))


def finish(p, n):
    same(p.events(), n, "a row for each")
    ok(p.is_sound(), "the database is sound")
    before = p.rows("SELECT * FROM purchases ORDER BY platform, sale")
    ok(len(before) > 5, "purchases were made of them")
    p.check_logs()


main(gumroad, gank)
