#!/usr/bin/env python3
"""/metrics: text that a strict parser takes, and numbers that are true."""

import sys
sys.dont_write_bytecode = True
import http.client
import json
import re
import shutil
import sqlite3
import subprocess
import threading
import time

# Debian's package serves whatever python3 comes first
sys.path.append("/usr/lib/python3/dist-packages")
from prometheus_client.openmetrics.parser import \
    text_string_to_metric_families as parse
from prometheus_client.parser import \
    text_string_to_metric_families as parse_classic

from lib import (FORM, LIMIT, ON_SERVER, SLOW, TOP, Fcgi, Place, cgi_params,
                 documented, fcgi_head, fixture, gank_headers, http_request, main, ok,
                 sale, same, stop, stream, until, STDIN)

OPEN_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
EVENTS = {"Accept": "text/event-stream"}
HOSTILE = 'evil"} 1\n# EOF\n\\'


def families(text):
    return list(parse(text.decode()))


def samples(text):
    """{"name{label=value,…}": value} of a text, labels in order."""
    found = {}
    for family in families(text):
        for s in family.samples:
            labels = ",".join("%s=%s" % i for i in sorted(s.labels.items()))
            name = s.name + ("{%s}" % labels if labels else "")
            if name in found:
                raise ValueError(name + " comes twice")
            found[name] = s.value
    return found


def scrape(p):
    with Fcgi(p.sock) as c:
        c.send(fcgi_head(local("1")) + stream(STDIN, b""))
        return samples(documented(c.answer(), "GET", "/metrics").body)


def local(*values, uri="/metrics", headers=None):
    return [("GATEPOST_LOCAL", v) for v in values] + cgi_params(
        "GET", uri, headers=headers)


def ask(p, params):
    with Fcgi(p.sock) as c:
        c.send(fcgi_head(params) + stream(STDIN, b""))
        return c.answer().status


def delivery(platform, kind, outcome):
    return "gatepost_deliveries_total{kind=%s,outcome=%s,platform=%s}" % (
        kind, outcome, platform)


def refusal(platform, reason):
    return "gatepost_deliveries_refused_total{platform=%s,reason=%s}" % (
        platform, reason)


def moved(before, after, *begins):
    """What is not the same, of the samples whose names begin so."""
    return {name: after[name] - before.get(name, 0) for name in after
            if name.startswith(begins) and after[name] != before.get(name, 0)}


COUNTERS = ("gatepost_deliveries", "gatepost_wrong_clock",
            "gatepost_gate_answers")


def who_asks():
    p = Place()
    p.run()
    p.nginx()
    a = p.get("/metrics")
    same((a.status, a.headers.get("content-type")), (200, OPEN_TYPE),
         "this machine, by nginx")
    ok(len(families(a.body)) > 20, "strictly parsed", a)
    c = http.client.HTTPConnection("127.0.0.1", p.port, timeout=LIMIT,
                                   source_address=("127.0.0.2", 0))
    same(http_request(p.port, "GET", "/metrics", None, {
        **p.bearer(), "X-Forwarded-For": "127.0.0.1"}, connection=c).status,
        403, "another address, by nginx")
    c.close()
    same(p.direct("GET", "/metrics").status, 401, "no key")
    same(p.direct("GET", "/metrics", headers=p.bearer()).status, 200, "a key")
    same(p.direct("GET", "/metrics", headers={
        "Authorization": "Bearer x" + p.api_key}).status, 401, "another key")
    for headers in ({"GATEPOST-LOCAL": "1"}, {"GATEPOST_LOCAL": "1"}):
        same(p.direct("GET", "/metrics", headers=headers).status, 401,
             "a header is not the parameter")
    for uri in ("/metrics?GATEPOST_LOCAL=1", "/metrics?%00&GATEPOST_LOCAL=1",
                "/metrics;GATEPOST_LOCAL=1"):
        ok(p.direct("GET", uri).status in (401, 404), "nor is " + uri)
    same(ask(p, local("1")), 200, "the parameter")
    for values in (("",), ("0",), ("11",), ("1 ",), (" 1",), ("true",),
                   ("0", "1"), ("", "1")):
        same(ask(p, local(*values)), 401, "not with %r" % (values,))
    same(ask(p, local("1", uri="/v1/access?user=1")), 401,
         "it is no key to anything else")
    same(p.direct("POST", "/metrics", headers=p.bearer()).status, 405, "POST")
    a = p.direct("HEAD", "/metrics", headers=p.bearer())
    same((a.status, a.body), (200, b""), "HEAD")
    a = p.get("/metrics", {"Accept": "text/plain;version=0.0.4"})
    same(a.headers.get("content-type"),
         "text/plain; version=0.0.4; charset=utf-8", "the older format")
    old = {s.name for f in parse_classic(a.body.decode()) for s in f.samples}
    new = {s.name for f in families(p.get("/metrics").body)
           for s in f.samples}
    same(old, new, "has the same names")
    ok(b"EOF" not in a.body and b"UNIT" not in a.body, "and no more", a)
    for accept in ("*/*", "application/openmetrics-text;version=1.0.0,"
                   "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"):
        same(p.get("/metrics", {"Accept": accept}).headers["content-type"],
             OPEN_TYPE, accept)
    p.check_logs()


def page():
    """The manual page has what is answered; its alerts are PromQL."""
    text = (TOP / "src/access/gatepost.7").read_text()
    text = text[text.index("\n.Sh METRICS"):]
    text = text[:text.index("\n.Sh TABLES")]
    found = re.findall(r"^\.It Li (\S+)\n(\w+)(?:, (seconds|bytes))?"
                       r"(?:, labels ([\w, ]+))?\.$", text, re.M)
    listed = {n: (t, u, l.split(", ") if l else []) for n, t, u, l in found}
    p = Place()
    p.run()
    p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
    p.execute("INSERT INTO readings (platform, kind, began_at, ended_at) "
              "VALUES ('gumroad', 'sales', 1, 2)")
    p.execute("INSERT INTO drift (at, platform, what) VALUES (1, 'gumroad', "
              "'missing')")
    p.execute("INSERT INTO meta (name, value) VALUES ('asked:gumroad', ?)",
              time.strftime("%Y-%m-%d 9 1 8 0 0 0", time.gmtime()))
    a = p.direct("GET", "/metrics", headers=p.bearer())
    answered = {}
    for f in families(a.body):
        end = {"counter": "_total", "info": "_info"}.get(f.type, "")
        names = [n for n in f.samples[0].labels if n != "le"]
        answered[f.name + end] = (f.type, f.unit, names)
    same(answered, listed, "names, types, units, labels of gatepost.7")
    alerts = text[text.index(".Bd -literal"):].split("\n.Ed")[0]
    alerts = alerts.split("\n")[1:]
    ok(len(alerts) >= 4, "alerts", alerts)
    named = {n for line in alerts
             for n in re.findall(r"gatepost_\w+", line)}
    ok(named <= set(answered), "of metrics there are", named)
    promtool = shutil.which("promtool")
    if promtool:
        rules = p.dir / "rules.yml"
        rules.write_text(json.dumps({"groups": [{"name": "g", "rules": [
            {"alert": "A%d" % n, "expr": line}
            for n, line in enumerate(alerts)]}]}))
        done = subprocess.run([promtool, "check", "rules", rules],
                              capture_output=True, timeout=LIMIT)
        ok(done.returncode == 0, "promtool takes the alerts", done)
        done = subprocess.run([promtool, "check", "metrics"],
                              input=p.direct("GET", "/metrics", headers={
                                  "Accept": "text/plain", **p.bearer()}).body,
                              capture_output=True, timeout=LIMIT)
        ok(done.returncode in (0, 3), "and the text", done)


def posts(p):
    """(what is sent, the counter that goes up) of each outcome."""
    token = "/hooks/gumroad/" + p.tokens[0]
    test = fixture("gumroad/27-test-ping-button")
    goods = fixture("gank/dg-documented")
    now = int(time.time())

    def gumroad(body, where=token, **o):
        return p.direct("POST", where, body, FORM, **o)

    def gank(body, headers):
        return p.direct("POST", "/hooks/gank", body, headers)

    def signed(body, secret=0, t=None):
        return gank_headers(body, p.secrets[secret], t)

    for name, kind in (
            ("01-sale-onetime", "sale"), ("31-refund-full", "refund"),
            ("a-dispute", "dispute"), ("a-dispute-won", "dispute_won"),
            ("38-cancellation-by-buyer-future", "cancellation"),
            ("43-subscription-updated-upgrade", "updated"),
            ("46-subscription-ended-cancelled", "ended"),
            ("a-restarted", "restarted")):
        body = fixture("gumroad/" + name)
        yield gumroad(body), 200, delivery("gumroad", kind, "recorded")
    yield gumroad(body), 200, delivery("gumroad", kind, "duplicate")
    yield gumroad(test), 200, delivery("gumroad", "unknown", "test")
    yield (gumroad(b"resource_name=evil%22%7D+1%0A%23+EOF&sale_id=a"), 200,
           delivery("gumroad", "unknown", "kept"))
    body = sale(2).replace(b"resource_name=sale", b"resource_name=evil_kind")
    yield gumroad(body), 200, delivery("gumroad", "unknown", "kept")
    yield gumroad(sale(3, b"&permalink=x")), 200, delivery(
        "gumroad", "sale", "kept")
    yield gumroad(body, token + "x"), 404, refusal("gumroad", "token")
    yield gumroad(body, "/hooks/gumroad"), 404, refusal("gumroad", "token")
    yield (gumroad(b"x" * (1024 * 1024 + 1)), 413,
           refusal("gumroad", "too_large"))
    yield (gumroad(b"a=b", length="4"), 503, refusal("gumroad", "incomplete"))
    yield (gank(goods, signed(goods)), 200,
           delivery("gank", "payment", "recorded"))
    yield (gank(goods, signed(goods, 1)), 200,
           delivery("gank", "payment", "duplicate"))
    body = json.dumps({"event": HOSTILE, "data": {"human_id": HOSTILE}})
    body = body.encode()
    yield (gank(body, signed(body)), 200, delivery("gank", "unknown", "kept"))
    yield (gank(goods, {}), 401, refusal("gank", "no_signature"))
    yield (gank(goods, {"Gank-Signature": HOSTILE[:4]}), 401,
           refusal("gank", "bad_header"))
    yield (gank(goods, gank_headers(goods, "another")), 401,
           refusal("gank", "mismatch"))
    yield (gank(goods, gank_headers(goods, "another", now - 90000)), 401,
           refusal("gank", "too_old"))
    yield (gank(goods, signed(goods, t=now - 90000)), 401,
           refusal("gank", "too_old") + " gatepost_wrong_clock_total")
    yield (gank(goods, signed(goods, t=now + 90000)), 401,
           refusal("gank", "too_old") + " gatepost_wrong_clock_total")
    yield p.direct("GET", token), 405, ""
    yield p.direct("POST", "/hooks/evil_platform", b""), 404, ""


def outcomes():
    p = Place(accept_test=False)
    p.run()
    first = before = scrape(p)
    at = int(time.time())
    n = 0
    for a, status, names in posts(p):
        after = scrape(p)
        want = {name: 1 for name in names.split()}
        same((a.status, moved(before, after, *COUNTERS)), (status, want),
             names or "nothing")
        n += a.status == 200
        before = after
    same(after["gatepost_events"], p.events(), "rows of the log")
    same(after["gatepost_events_kept"],
         p.one("SELECT count(*) FROM events WHERE status = 'kept'"), "kept")
    lag = "gatepost_received_to_committed_seconds"
    same((after[lag + "_count"], after["gatepost_commit_deliveries_sum"],
          after["gatepost_commit_seconds_count"]), (n, n, n),
         "each was committed, alone")
    ok(0 < after["gatepost_commit_seconds_sum"] <= after[lag + "_sum"],
       "in less time than since it came", after)
    for platform in ("gumroad", "gank"):
        last = after["gatepost_last_delivery_timestamp_seconds{platform=%s}"
                     % platform]
        ok(at <= last <= time.time(), platform + " came just now", last)
    news = {x for x in after if x not in first}
    same({x.split("{")[0] for x in news},
         {"gatepost_last_delivery_timestamp_seconds"},
         "deliveries make no series")
    a = p.direct("GET", "/metrics", headers=p.bearer())
    ok(b"evil" not in a.body, "nor any word of a hostile one", a.body)
    same(after["gatepost_streams_limit"], 5000, "the limit of streams")
    ok(abs(after["process_start_time_seconds"] - at) < LIMIT, "started")
    ok(after["process_resident_memory_bytes"] > 1e6 and
       3 < after["process_open_fds"] < 100, "memory, files", after)


def tests():
    """What trigger makes does not count as heard of."""
    name = "gatepost_last_delivery_timestamp_seconds{platform=%s}"
    p = Place()
    p.run()
    p.nginx()
    url = "http://127.0.0.1:%d" % p.port

    def trigger():
        for event in ("gumroad.sale", "gumroad.refund", "gumroad.cancellation",
                      "gumroad.test_ping", "gank.membership", "gank.goods"):
            for to in ((), ("--to", url)):
                done = p.cli("trigger", event, *to)
                ok(done.returncode == 0, "trigger %s %s" % (event, to), done)

    def said(platform):
        return p.cli("check").stdout.decode().count(platform +
                                                    " last heard of ")
    trigger()
    same([scrape(p).get(name % n) for n in ("gumroad", "gank")], [None] * 2,
         "tests alone: never heard of")
    same([said(n) for n in ("gumroad", "gank")], [0, 0], "says check")
    same(p.gumroad(sale(1)).status, 200, "a sale")
    same(p.gank(fixture("gank/dg-documented")).status, 200, "a purchase")
    p.execute("UPDATE events SET last_seen_at = 1772000000 WHERE id > %d" %
              (p.events() - 2))
    at = [scrape(p)[name % n] for n in ("gumroad", "gank")]
    ok(min(at) > time.time() - LIMIT, "heard of", at)
    trigger()
    same([scrape(p)[name % n] for n in ("gumroad", "gank")], at,
         "more tests: no news")
    stop(p.program)
    p.run()
    same([scrape(p)[name % n] for n in ("gumroad", "gank")],
         [1772000000] * 2, "nor by the database alone")
    text = p.cli("check").stdout.decode()
    same(text.count("last heard of 2026-02-25T06:13:20Z"), 2, "says check")
    ok("gumroad has never sent: refund, dispute, dispute_won, cancellation" in
       text, "a refund of trigger's is none of Gumroad's", text)


def queue():
    """While another process has the database locked."""
    p = Place()
    p.run()
    before = scrape(p)
    db = sqlite3.connect(p.db, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO outbox (kind, target, payload, state, due_at, "
               "dedupe) VALUES ('mail', 'x', 'x', 'waiting', 1000, 'a'), "
               "('mail', 'x', 'x', 'done', 10, 'b')")
    threads = [threading.Thread(target=p.direct, args=(
        "POST", "/hooks/gumroad/" + p.tokens[0], sale(n), FORM))
        for n in range(3)]
    for t in threads:
        t.start()
    until(lambda: scrape(p)["gatepost_queue_deliveries"] == 3, "the queue")
    time.sleep(0.3)
    now = scrape(p)
    ok(0.3 <= now["gatepost_queue_oldest_age_seconds"] < LIMIT,
       "the oldest waits", now["gatepost_queue_oldest_age_seconds"])
    same(moved(before, now, *COUNTERS), {}, "nothing is counted yet")
    db.execute("COMMIT")
    db.close()
    for t in threads:
        t.join()
    now = scrape(p)
    same((now["gatepost_queue_deliveries"],
          now["gatepost_queue_oldest_age_seconds"],
          now[delivery("gumroad", "sale", "recorded")]), (0, 0, 3),
         "then it is empty")
    ok(now["gatepost_commit_seconds_sum"] >= 0.3, "a commit that waited")
    due = now["gatepost_outbox_oldest_age_seconds"]
    ok(now["gatepost_outbox_waiting"] == 1 and
       abs(time.time() - 1000 - due) < LIMIT, "the outbox", due)


def unusable():
    """Without a database, and without a secret of Gank's."""
    p = Place()
    p.configure(gank=False, database="none/gatepost.db",
                more="gate_on_error = 'open'")
    p.run()
    before = scrape(p)
    same(before["gatepost_database_up"], 0, "the database is down")
    ok("gatepost_events" not in before, "of which nothing is said")
    body = fixture("gank/um-documented")
    p.direct("POST", "/hooks/gank", body, gank_headers(body, p.secrets[0]))
    p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
    token = p.cli("pass", "--user", "u1").stdout.decode().strip()
    p.direct("GET", "/gate?tier=supporter",
             headers={"Authorization": "Bearer " + token})
    same(moved(before, scrape(p), *COUNTERS), {
        refusal("gank", "not_configured"): 1,
        refusal("gumroad", "unavailable"): 1,
        "gatepost_gate_answers_total{answer=error_open}": 1},
        "refused, and a gate that opens")


def gate():
    p = Place()
    p.run()
    token = p.cli("pass", "--user", "u1").stdout.decode().strip()
    mine = {"Authorization": "Bearer " + token}
    p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
    before = scrape(p)
    for uri, headers, status, answer in (
            ("/gate?tier=pencil", mine, 403, "closed"),
            ("/gate?allow=read", {}, 401, "no_pass"),
            ("/gate", mine, 403, "no_rule"),
            ("/gate?tier=" + p.rows("SELECT tier FROM purchases")[0][0], mine,
             204, "open")):
        a = p.direct("GET", uri, headers=headers)
        after = scrape(p)
        same((a.status, moved(before, after, *COUNTERS)), (status, {
            "gatepost_gate_answers_total{answer=%s}" % answer: 1}), uri)
        before = after


def pushed():
    """How long it takes to an open stream."""
    p = Place()
    p.run()
    token = p.cli("pass", "--user", "u1").stdout.decode().strip()
    with Fcgi(p.sock) as live, Fcgi(p.sock) as other, Fcgi(p.sock) as poll:
        for c, uri, headers in (
                (live, "/live", {"Authorization": "Bearer " + token}),
                (other, "/live", {"Authorization": "Bearer " + p.cli(
                    "pass", "--user", "u9").stdout.decode().strip()}),
                (poll, "/v1/changes?wait=60", p.bearer())):
            c.send(fcgi_head(cgi_params("GET", uri, headers={
                **EVENTS, **headers}), keep=True) + stream(STDIN, b""))

        def waiting():
            now = scrape(p)
            return (now["gatepost_streams{kind=live}"],
                    now["gatepost_streams{kind=changes}"]) == (2, 1) and now
        before = until(waiting, "three streams")
        begun = time.monotonic()
        p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
        a = documented(poll.answer(), "GET", "/v1/changes")
        ok(a.json().get("changes"), "the question is answered")
        names = ["gatepost_committed_to_pushed_seconds",
                 "gatepost_received_to_pushed_seconds"]
        now = until(lambda: (lambda s: s[names[0] + "_count"] == 2 and s)(
            scrape(p)), "two pieces of news")
        took = time.monotonic() - begun
        same([now[n + "_count"] - before[n + "_count"] for n in names],
             [2, 2], "one for the stream, one for the question")
        sums = [now[n + "_sum"] for n in names]
        ok(0 < sums[0] < sums[1] < 2 * took, "a short time", (sums, took))
        ok(sums[1] >= now["gatepost_received_to_committed_seconds_sum"],
           "longer than to the commit", now)
        # nobody's here; and one of another process, which is not timed
        p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(2), FORM)
        p.cli("trigger", "gumroad.sale", "--set", "url_params[user_id]=u1",
              "--set", "permalink=pencil")
        text = b""
        while text.count(b"event: access") < 3:
            text += live.s.recv(65536)
        same([scrape(p)[n + "_count"] for n in names], [2, 2],
             "others' changes are not in it")
        same(scrape(p)["gatepost_streams{kind=changes}"], 0,
             "the question is over")
    until(lambda: scrape(p)["gatepost_streams{kind=live}"] == 0, "the end")
    ok(True, "and the streams")


def load():
    """A scrape holds together while deliveries come."""
    p = Place()
    p.configure(more="threads = 8")
    p.run()
    each, many = (20, 4) if SLOW else (60, 4)

    def send(k):
        with Fcgi(p.sock) as c:
            for n in range(each):
                c.ask("POST", "/hooks/gumroad/" + p.tokens[0],
                      sale(k * 1000 + n), FORM, keep=True)
    threads = [threading.Thread(target=send, args=(k,)) for k in range(many)]
    for t in threads:
        t.start()
    before, n = scrape(p), 0
    down = []
    while any(t.is_alive() for t in threads):
        now = scrape(p)  # the parser checks that buckets ascend
        down += [x for x in now if x.endswith(("_count", "_sum")) or
                 "_total" in x or "_bucket" in x if now[x] < before[x]]
        before, n = now, n + 1
    for t in threads:
        t.join()
    ok(n > 2 and not down, "%d scrapes, no counter goes down" % n, down)
    now = scrape(p)
    same((now[delivery("gumroad", "sale", "recorded")],
          now["gatepost_commit_deliveries_sum"],
          now["gatepost_received_to_committed_seconds_count"],
          now["gatepost_events"]), (each * many,) * 4, "all are counted")
    same(now["gatepost_commit_deliveries_count"],
         now["gatepost_commit_seconds_count"], "each commit has a time")


def cgi():
    p = Place()
    same(p.cgi("GET", "/metrics").status, 401, "plain CGI: no key")
    same(p.cgi("GET", "/metrics", headers={"Gatepost-Local": "1"}).status,
         401, "a header")
    p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
    a = p.cgi("GET", "/metrics", more={"GATEPOST_LOCAL": "1"})
    now = samples(a.body)
    same({x.split("{")[0] for x in now}, {
        "gatepost_last_delivery_timestamp_seconds", "gatepost_streams_limit",
        "gatepost_database_up", "gatepost_events", "gatepost_events_kept",
        "gatepost_outbox_waiting", "gatepost_outbox_oldest_age_seconds",
        "gatepost_build_info"} | (set() if ON_SERVER else {
            "gatepost_wal_bytes"}), "what the database and the settings know")
    same((now["gatepost_events"], now["gatepost_database_up"]), (1, 1), "it")


main(who_asks, page, outcomes, tests, queue, unusable, gate, pushed, load, cgi)
