#!/usr/bin/env python3
"""Follow-ups: what is told to other programs, once, whatever breaks."""

import sys
sys.dont_write_bytecode = True
import base64
import hashlib
import hmac
import http.server
import json
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from urllib.parse import parse_qs, quote

from lib import (CTL_PROGRAM, FORM, LIMIT, TOP, Place, folder, free_port,
                 main, npm_install, ok, sale, same, skip, start, stop, until)

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
OLD = "whsec_" + base64.b64encode(b"o" * 24).decode()
HOUR = 3600


# ---- the other end -----------------------------------------------------------

class Receiver:
    """Answers as it is told, path by path; what it has no word for is 200."""

    def __init__(self, port=0):
        self.got = []
        self.answers = {}  # path: list of (status, headers[, body]), or a
        # function
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {k.lower(): v for k, v in self.headers.items()}
                with outer.lock:
                    outer.got.append((self.path, headers, body, time.time()))
                    plan = outer.answers.get(self.path, [])
                    answer = plan if callable(plan) else (
                        plan.pop(0) if plan else (200, {}))
                if callable(answer):
                    answer = answer()
                if answer is None:
                    self.close_connection = True
                    return
                status, more, *text = answer
                text = text[0] if text else b"ok"
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.02}, daemon=True).start()

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def at(self, path):
        with self.lock:
            return [g for g in self.got if g[0] == path]

    def ids(self, path):
        return [g[1]["webhook-id"] for g in self.at(path)]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


# ---- places ------------------------------------------------------------------

def place(rules, **options):
    p = Place()
    p.configure(more=rules, **options)
    return p


def app(r, path="/app", more=""):
    return "http 'app' { url = '%s' secrets = { '%s', '%s' } %s }" % (
        r.url(path), SECRET, OLD, more)


def replaced(body, *pairs):
    """The body with values of its keys replaced."""
    for key, value in pairs:
        body, n = re.subn(b"(^|&)%s=[^&]*" % re.escape(key.encode()),
                          lambda m: m[1] + ("%s=%s" % (
                              key, quote(value, safe=""))).encode(), body)
        if n != 1:
            raise RuntimeError("%s stands %d times" % (key, n))
    return body


def deliver(p, body):
    a = p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], body, FORM)
    if a.status != 200:
        raise RuntimeError(a)
    return a.event()


def work(p):
    done = p.cli("work", "--once")
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stderr.decode()


def outbox(p, what="state, attempts", where="true"):
    return p.rows("SELECT %s FROM outbox WHERE %s ORDER BY id" % (what, where))


def due_now(p):
    """As if the time of waiting were over."""
    p.execute("UPDATE outbox SET due_at = 1 WHERE state IN "
          "('waiting', 'running')")


def fits(got, secret):
    """Is it signed with that secret, as Standard Webhooks has it?"""
    _, headers, body, _ = got
    key = base64.b64decode(secret[6:])
    text = "%s.%s." % (headers["webhook-id"], headers["webhook-timestamp"])
    mac = hmac.new(key, text.encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode() in (
        headers["webhook-signature"].split(" "))


# ---- tests -------------------------------------------------------------------

def told():
    """A sale reaches an app and a chat within seconds."""
    r = Receiver()
    p = place("""
on 'purchase, renewal' { %s }
on 'purchase' {
    product = 'penc*'
    http 'chat' {
        url = '%s'
        format = 'template'
        body = '{"content":"{product_name} by {email} ({price} {currency})"}'
    }
}
on 'purchase' { product = 'other' http 'never' { url = '%s' } }
on 'refunded' { http 'app' { } }
""" % (app(r), r.url("/chat/{sale}"), r.url("/never")))
    p.run()
    a = p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
    same(a.word(), "recorded", "a sale")
    until(lambda: len(r.got) >= 2, "both to be told")
    got = r.at("/app")[0]
    body = json.loads(got[2])
    same(body["type"], "purchase", "its type")
    same((body["data"]["person"]["user"], body["data"]["access"]["tier"],
          body["data"]["event"]), ("u1", "supporter", a.event()),
         "the person, the whole access, the event")
    same(got[1]["content-type"], "application/json", "JSON")
    ok(fits(got, SECRET) and fits(got, OLD), "signed by both secrets")
    ok(abs(int(got[1]["webhook-timestamp"]) - time.time()) < LIMIT,
       "the time of the attempt")
    sale_id = p.one("SELECT sale FROM purchases").replace("=", "%3D")
    chat = r.at("/chat/" + sale_id)
    same(len(chat), 1, "the chat, its path filled in")
    text = json.loads(chat[0][2])["content"]
    ok("calvin1@" in text and "webhook-signature" not in chat[0][1],
       "the text, and no signature without a secret", text)
    until(lambda: outbox(p) == [("done", 1)] * 2, "the marks")
    same(len(r.got), 2, "and nothing else")
    p.direct("POST", "/hooks/gumroad/" + p.tokens[0],
             replaced(sale(1), ("resource_name", "refund"),
                      ("refunded", "true")), FORM)
    until(lambda: len(r.at("/app")) == 2, "the refund")
    same(json.loads(r.at("/app")[1][2])["type"], "refunded",
         "a target named again is the same one")
    ok(fits(r.at("/app")[1], SECRET), "with its secrets")
    children = subprocess.run(
        ["pgrep", "-P", str(p.program.pid)], capture_output=True).stdout
    same(len(children.split()), 1, "a process of its own does it")
    p.program.kill()
    p.program.wait()
    until(lambda: not is_alive(int(children)), "its end with the program")
    p.check_logs(SECRET)


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def npm():
    """The receivers' own libraries take our signatures."""
    place_ = folder()
    (place_ / "try.cjs").write_text("""
const { Webhook } = require('standardwebhooks')
const svix = require('svix')
const order = JSON.parse(require('fs').readFileSync(0))
for (const [headers, body] of order.got)
	for (const secret of order.secrets) {
		new Webhook(secret).verify(body, headers)
		new svix.Webhook(secret).verify(body, headers)
		let refused = false
		try { new Webhook(secret).verify(body + ' ', headers) }
		catch { refused = true }
		if (!refused) throw new Error('takes anything')
	}
console.log('fine')
""")
    if not npm_install(place_, "standardwebhooks@1.0.0", "svix@1.24.0"):
        return
    r = Receiver()
    p = place("on 'purchase' { %s }" % app(r))
    for n in range(2):
        deliver(p, replaced(sale(n), ("product_name", "Zoë 🎉")))
    work(p)
    done = subprocess.run(
        ["node", "try.cjs"], cwd=place_, capture_output=True, timeout=LIMIT,
        input=json.dumps({"secrets": [SECRET, OLD], "got": [
            [g[1], g[2].decode()] for g in r.got]}).encode())
    same((len(r.got), done.stdout), (2, b"fine\n"),
         "standardwebhooks and svix take what is sent %s" %
         done.stderr.decode()[-300:])


def once():
    """Whatever comes again, nothing goes out again."""
    r = Receiver()
    p = place("on 'purchase renewal tier_changed delivery kept' { %s }" %
              app(r))
    event = deliver(p, sale(1))
    work(p)
    first = outbox(p, "*")
    same(sorted(json.loads(g[2])["type"] for g in r.got),
         ["delivery", "purchase", "tier_changed"], "one of each")
    deliver(p, sale(1))
    deliver(p, sale(1) + b"&retry_count=2")
    for args in (("replay", event), ("rebuild",), ("work", "--once")):
        same(p.cli(*args).returncode, 0, "gatepost %s" % args[0])
    p.execute("UPDATE meta SET value = '' WHERE name = 'state_digest'")
    p.execute("DELETE FROM purchases")
    deliver(p, sale(1) + b"&retry_count=3")
    work(p)
    same(outbox(p, "*"), first, "a duplicate, replay, rebuild, empty tables")
    same(len(set(r.ids("/app"))), len(r.got), "nothing twice")
    # what comes while the tables are empty brings only itself
    p.execute("DELETE FROM purchases")
    deliver(p, replaced(sale(1), ("resource_name", "refund")))
    work(p)
    same([json.loads(g[2])["type"] for g in r.got[3:]], ["delivery"],
         "nor is old access news")
    # a sale that was kept, and understood after a change of settings
    p.configure(more="on 'purchase' { %s }" % app(r))
    conf = p.conf.read_text()
    p.conf.write_text(conf.replace("gumroad {", "gumroad { seller_id = 'x'"))
    kept = deliver(p, sale(2))
    p.conf.write_text(conf)
    same(len(outbox(p)), 4, "kept: not a purchase")
    for n in range(2):
        p.cli("replay", kept)
        work(p)
    same([json.loads(g[2])["type"] for g in r.got[4:]], ["purchase"],
         "replayed, it is one, once")


def paths():
    """A buyer chooses a value in a url, and no other path."""
    r = Receiver()
    p = place("on 'purchase' { http 'path' { url = '%s' } "
              "http 'query' { url = '%s' } }" % (
                  r.url("/users/{user}/add"), r.url("/add?user={user}")))
    users = ["../admin/delete", "", ".", "..%2Fadmin", "u42"]
    for n, user in enumerate(users):
        deliver(p, sale(n).replace(b"=u%d" % n,
                                   b"=" + quote(user, safe="").encode()))
    work(p)
    same(sorted(g[0] for g in r.got if g[0].startswith("/users")),
         ["/users/u42/add"], "one path, whatever is in it")
    same(len([g for g in r.got if g[0].startswith("/add?")]), len(users),
         "in a query everything goes")
    same(sorted(outbox(p, "last_error",
                       "target = 'path' AND state = 'dead'")),
         [("not sent: {user} in the path of the url " + why,)
          for why in ("holds / or \\", "holds / or \\", "is . or ..",
                      "is empty")], "the others are given up, and say why")
    said = p.cli("check").stdout.decode()
    ok("http path has a placeholder in the path" in said and
       "http query" not in said, "check names such a url", said)


def flood():
    """Whoever knows the token invents sales: not all of it goes out."""
    r = Receiver()
    p = place("threads = 4\nalert_mail = 'me@example.org'\n"
              "mail { sendmail = '/bin/false' }\n"
              "on 'purchase tier_changed' { %s }" % app(r))
    p.run()
    begun = int(time.time())

    def sell(n):
        a = p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(n), FORM)
        if a.word() != "recorded":
            raise RuntimeError(a)
    for n in range(1, 71):
        sell(n)
    until(lambda: len(outbox(p, where="state = 'done'")) >= 99,
          "those of 49 sales, and a change before the next one is counted")
    waiting = outbox(p, "due_at - added_at, attempts, payload",
                     "kind = 'http' AND state = 'waiting'")
    same((len(r.got), len(waiting), {w[1] for w in waiting}),
         (99, 41, {0}), "those of the others wait")
    due = sorted({w[0] for w in waiting})
    ok(60 <= due[0] <= 72 and 1400 <= due[-1] <= 22 * 72, "one after the "
       "other, fifty sales an hour", due)
    alerts = outbox(p, "payload", "target = 'alert'")
    text = json.loads(alerts[0][0])["data"]["text"] if alerts else ""
    ok(len(alerts) == 1 and "sales came from gumroad" in text and
       "gatepost void --by" in text and "gatepost outbox retry" in text,
       "the owner is told once", alerts)
    # a success of the target hurries what failed, not what has to wait
    p.execute("UPDATE outbox SET due_at = %d WHERE id = (SELECT min(id) FROM "
              "outbox WHERE kind = 'http' AND state = 'waiting')" % begun)
    until(lambda: len(r.got) == 100, "one whose time has come")
    same(len(outbox(p, where="kind = 'http' AND state = 'waiting'")), 40,
         "the others still wait")
    # what was known is not usual any more, nor what was sold before
    p.execute("UPDATE meta SET value = '0 0 0 9000 0' "
              "WHERE name = 'rate gumroad'")
    sell(100)
    until(lambda: len(r.got) == 102, "a sale in calmer times, at once")
    done = p.cli("outbox", "retry", "--state", "waiting", "--target", "app")
    same(done.returncode, 0, "they are right")
    until(lambda: len(r.got) == 142, "all of them, at once")
    same(len(set(r.ids("/app"))), 142, "each once")
    p.check_logs(SECRET)


def test_ones():
    r = Receiver()
    p = place("""on 'purchase' { %s }
on 'purchase' { test = true http 'tests' { url = '%s' } }
""" % (app(r), r.url("/tests")))
    deliver(p, sale(1, b"&test=true"))
    work(p)
    same([g[0] for g in r.got], ["/tests"],
         "test purchases only where they are asked for")


def answers():
    """What each answer does to the row, and to the target."""
    r = Receiver()
    targets = {
        "fail": (500, {}), "busy": (429, {"Retry-After": "100"}),
        "away": (503, {"Retry-After": "4000"}), "moved": (307, {
            "Location": r.url("/trap")}), "cut": None, "no": (400, {}),
        # https://core.telegram.org/bots/api#responseparameters
        "telegram": (429, {}, b'{"ok":false,"error_code":429,"description":'
                     b'"Too Many Requests: retry after 200",'
                     b'"parameters":{"retry_after":200}}'),
        "odd": (429, {}, b'{"parameters":{"retry_after":-200}}'),
        "other": (500, {}, b'{"parameters":{"retry_after":200}}')}
    rules = "".join("http '%s' { url = '%s' }\n" % (n, r.url("/" + n))
                    for n in targets)
    p = place("on 'purchase' { %s http 'slow' { url = '%s' timeout = '1s' } "
              "http 'dead' { url = 'http://127.0.0.1:%d/' } "
              "http 'gone' { url = '%s' } }" % (
                  rules, r.url("/slow"), free_port(), r.url("/gone")))
    for name, answer in targets.items():
        r.answers["/" + name] = [answer]
    r.answers["/slow"] = [lambda: time.sleep(3)]
    r.answers["/gone"] = [(410, {})]
    deliver(p, sale(1))
    now = time.time()
    said = work(p)
    rows = {t: (s, due - now, e) for t, s, due, e in outbox(
        p, "target, state, due_at, last_error")}
    for name in [*targets, "slow", "dead"]:
        state, wait, _ = rows[name]
        least, most = {"busy": (99, 130), "away": (3999, 4100),
                       "telegram": (199, 230)}.get(name, (4, 30))
        ok(state == "waiting" and least <= wait <= most,
           name + ": again, later", rows[name])
        ok(name in said, name + ": said", said)
    same(r.at("/trap"), [], "a redirect is not followed")
    same(rows["gone"][0], "dead", "410: given up")
    # 410 ends it for the target, not for the row alone
    deliver(p, sale(2))
    work(p)
    same((outbox(p, "state", "target = 'gone'"), len(r.at("/gone"))),
         ([("dead",), ("waiting",)], 1), "and the target is left alone")
    same((outbox(p, "state", "target = 'busy'"), len(r.at("/busy"))),
         ([("waiting",), ("done",)], 2), "Retry-After is kept to")
    same((outbox(p, "state", "target = 'telegram'"), len(r.at("/telegram"))),
         ([("waiting",), ("done",)], 2), "and so is Telegram's")
    done = p.cli("outbox", "retry", "--state", "dead", "--target", "gone")
    same(done.stdout, b"1 due again from now on\n", "outbox retry")
    work(p)
    same(outbox(p, "state", "target = 'gone'"), [("done",)] * 2,
         "both go out then")
    due_now(p)
    work(p)
    same(set(outbox(p, "state", "target <> 'dead'")), {("done",)},
         "and all others as well")
    for path in ("/fail", "/moved", "/cut"):
        ids = r.ids(path)
        ok(len(ids) == 3 and len(set(ids)) == 2, path + ": the same id again",
           ids)


def dead_letters():
    """After the last attempt it is given up; the owner is told."""
    r = Receiver()
    r.answers["/app"] = [(500, {})] * 20
    p = place("alert_mail = 'me@example.org'\non 'purchase' { %s }" % app(r))
    deliver(p, sale(1))
    steps = []
    for n in range(10):
        p.execute("UPDATE outbox SET due_at = 1 WHERE kind = 'http'")
        now = time.time()
        work(p)
        steps.append(outbox(p, "due_at", "kind = 'http'")[0][0] - now)
    want = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    ok(all(w - 2 <= s <= w * 1.2 + LIMIT for w, s in zip(want, steps)),
       "growing delays", steps)
    same(outbox(p, "state, attempts", "kind = 'http'"), [("dead", 10)],
         "ten attempts")
    same(len(set(r.ids("/app"))), 1, "with one id")
    ok(len(outbox(p, "id", "target = 'alert'")) == 1,
       "one mail to the owner", outbox(p, "*"))
    # too old
    deliver(p, sale(2))
    p.execute("UPDATE outbox SET added_at = 1000, due_at = 1000 "
          "WHERE state = 'waiting' AND kind = 'http'")
    work(p)
    same(outbox(p, "state, attempts", "kind = 'http'"),
         [("dead", 10), ("dead", 0)], "what is older than a week is not sent")


def expired():
    """What could not be sent in a week: given up, and the owner is told."""
    p = place("alert_mail = 'me@example.org'\non 'purchase' { http 'away' "
              "{ url = 'http://127.0.0.1:%d/' } http 'off' { url = "
              "'http://127.0.0.1:%d/' } }" % (free_port(), free_port()))
    week = int(time.time()) - 7 * 24 * HOUR - 60
    for n in range(3):
        deliver(p, sale(n))
    # one target was never tried; the other waits between two attempts
    p.execute("UPDATE outbox SET added_at = ?, due_at = ?", week, week)
    p.execute("UPDATE outbox SET attempts = 3, due_at = ? "
              "WHERE target = 'away'", int(time.time()) - 1)
    work(p)
    same(outbox(p, "target, state, attempts", "target <> 'alert' AND id < 3"),
         [("away", "dead", 4), ("off", "dead", 0)], "neither is sent")
    due_now(p)
    work(p)
    same(set(outbox(p, "target, state", "target <> 'alert'")),
         {("away", "dead"), ("off", "dead")}, "none of them")
    told = [json.loads(r[0])["data"]["text"] for r in outbox(
        p, "payload", "target = 'alert'")]
    same((len(told), [sum("'%s'" % n in t for t in told)
                      for n in ("away", "off")]), (2, [1, 1]),
         "one mail to the owner for each target")
    ok(all("expired" in t for t in told), "which says so", told)


def renamed():
    """A renamed product: the owner is told of the member who lost the tier,
    and of who keeps it by the old name alone."""
    p = place("alert_mail = 'me@example.org'\n",
              tiers="tier 'pro' { grants = { 'gumroad/app/Pro' } }\n")

    def buy(name, permalink, tier, subscription, more=""):
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(
            time.time() - (9 - int(name[1])) * 24 * HOUR))
        deliver(p, ("sale_id=%s&sale_timestamp=%s&permalink=%s&product_id=P1=="
                    "&product_name=My%%20App&variants[Tier]=%s&email=a@example.org"
                    "&subscription_id=%s&recurrence=monthly&resource_name=sale"
                    % (name, at, permalink, tier, subscription) +
                    more).encode())

    def told():
        return [json.loads(r[0])["data"]["text"] for r in outbox(
            p, "payload", "target = 'alert'")]

    buy("R1", "app", "Pro", "M1")
    same(told(), [], "what a grant fits is not told")
    buy("R2", "store", "Pro", "M1")
    same(p.one("SELECT tier FROM purchases WHERE sale = 'R2'"), "pro",
         "a renewal by a new permalink keeps the tier")
    ok(len(told()) == 1 and "old name only" in told()[0] and
       "'gumroad/P1==/Pro'\t# My App" in told()[0],
       "the owner is told, with the grant to paste", told())
    buy("R3", "store", "Pro", "M1")
    same(len(told()), 1, "once")
    buy("R4", "store", "Professional", "M1")
    ok(len(told()) == 2 and "paid again" in told()[1] and
       "'gumroad/P1==/Professional'" in told()[1],
       "a renewal that falls from a tier to none is told", told())


def killed():
    """Killed between the effect and its mark: once more, with the same id."""
    r = Receiver()
    p = place("on 'purchase' { %s }" % app(r))
    deliver(p, sale(1))
    child = start([CTL_PROGRAM, "-c", p.conf, "work"], cwd=p.dir,
                  stderr=subprocess.DEVNULL)

    def kill():
        child.send_signal(signal.SIGKILL)
        child.wait()
        return (200, {})
    r.answers["/app"] = [kill]
    until(lambda: child.poll() is not None, "the end")
    same(outbox(p), [("running", 1)], "no mark")
    work(p)
    same(len(r.got), 1, "the claim holds it")
    due_now(p)
    work(p)
    same((outbox(p), len(r.got), len(set(r.ids("/app")))),
         ([("done", 2)], 2, 1), "then it is done again, with the same id")


def clock_set():
    """A clock that is set past a claim's end: this process still has the row
    in hand. (A claim that ended in the past is the same to it.)"""
    r, held = Receiver(), threading.Event()
    r.answers["/app"] = [lambda: (held.wait(LIMIT), (200, {}))[1]]
    p = place("on 'purchase' { %s }" % app(r, more="order = true"))
    deliver(p, sale(1))
    child = start([CTL_PROGRAM, "-c", p.conf, "work"], cwd=p.dir,
                  stderr=subprocess.DEVNULL)
    until(lambda: r.got, "the first is in flight")
    due_now(p)
    for name, person in (("his", "person"), ("other", "'another'")):
        p.execute("INSERT INTO outbox (kind, target, payload, state, due_at, "
                  "dedupe, person, added_at) SELECT kind, target, payload, "
                  "'waiting', added_at, dedupe || '%s', %s, added_at "
                  "FROM outbox WHERE state = 'running'" % (name, person))
    until(lambda: len(r.got) > 1, "another claim")
    first = r.ids("/app")[0]
    same(r.ids("/app")[1:], [first + "other"], "what is in flight is not sent")
    held.set()
    until(lambda: {s for s, _ in outbox(p)} == {"done"}, "all are done")
    same((r.ids("/app"), outbox(p)),
         ([first, first + "other", first + "his"], [("done", 1)] * 3),
         "each once, his in order")
    same(stop(child), 0, "it ends")


def killed_others():
    """The same for a mail and a program: who gets it twice can tell."""
    p = Place()
    log, first = p.dir / "ids", p.dir / "first"
    # the courier starts them: it is their parent
    script = """#!/bin/sh
id=${GATEPOST_ID:-$(sed -n 's/^Message-ID: *<\\(.*\\)@.*/\\1/p')}
echo "$id" >>%s
[ -e %s.$1 ] || { : >%s.$1; kill -9 $PPID; sleep 5; }
""" % (log, first, first)
    for name in ("mailer", "program"):
        (p.dir / name).write_text(script)
        (p.dir / name).chmod(0o755)
    for rule, name in (("mail 'owner' { to = 'me@example.org' }", "mail"),
                       ("exec 'run' { argv = { '%s/program', 'x' } }" % p.dir,
                        "exec")):
        p.configure(more="mail { from = 'shop@example.org' sendmail = "
                    "'%s/mailer' }\non 'purchase' { %s }" % (p.dir, rule))
        deliver(p, sale(len(name) + (name == "exec")))
        child = start([CTL_PROGRAM, "-c", p.conf, "work"], cwd=p.dir,
                      stderr=subprocess.DEVNULL)
        same(child.wait(LIMIT), -signal.SIGKILL, name + ": killed")
        same(outbox(p, "state, attempts", "kind = '%s'" % name),
             [("running", 1)], "no mark")
        due_now(p)
        work(p)
        same(outbox(p, "state, attempts", "kind = '%s'" % name),
             [("done", 2)], "done again")
        ids = log.read_text().split()
        log.unlink()
        ok(len(ids) == 2 and ids[0] == ids[1] and
           ids[0].startswith("msg_"), "with the same id", ids)


def offline():
    """A day without network only delays; in order for each person."""
    port = free_port()
    p = place("""on 'purchase renewal' {
    http 'app' { url = 'http://127.0.0.1:%d/app' order = true }
}""" % port)
    sent = {}
    for n in range(24):
        user = "p%d" % (n % 4)
        body = sale(n).replace(b"=u%d" % n, b"=" + user.encode())
        sent.setdefault(user, []).append(deliver(p, body))
        if n % 8 == 0:
            work(p)
    tried = sum(a for _, a in outbox(p))
    ok(tried <= 20, "a target that is away is left alone", tried)
    p.execute("UPDATE outbox SET added_at = added_at - 86400, "
          "due_at = CASE WHEN attempts = 0 THEN due_at - 86400 "
          "ELSE due_at + 30000 END")
    p.execute("UPDATE outbox SET due_at = 1 WHERE id = 1")
    r = Receiver(port)
    child = start([CTL_PROGRAM, "-c", p.conf, "work"], cwd=p.dir,
                  stderr=subprocess.DEVNULL)
    p.execute("UPDATE outbox SET due_at = 1 WHERE attempts > 0 AND id <> 1 "
          "AND state = 'waiting'")
    until(lambda: set(outbox(p, "state")) == {("done",)}, "all to be done")
    same(stop(child), 0, "work ends when it is told to")
    got = {}
    for g in r.got:
        data = json.loads(g[2])["data"]
        got.setdefault(data["person"]["user"], []).append(data["event"])
    same(got, sent, "all of it, each person's in order, nothing twice")


def recovers():
    """What had to wait goes out as soon as the target answers again."""
    r = Receiver()
    away = [True]
    r.answers["/app"] = lambda: (500, {}) if away[0] else (200, {})
    p = place("on 'purchase' { %s }" % app(r))
    for n in range(8):
        deliver(p, sale(n))
    child = start([CTL_PROGRAM, "-c", p.conf, "work"], cwd=p.dir,
                  stderr=subprocess.DEVNULL)
    until(lambda: len(r.got) >= 5, "five failures")
    time.sleep(1.5)
    before = len(r.got)
    ok(before < 12, "then it is left alone", before)
    stop(child)
    away[0] = False
    work(p)
    p.execute("UPDATE outbox SET due_at = 1 WHERE id = 8")
    work(p)
    due_now(p)
    work(p)
    same(set(outbox(p, "state")), {("done",)}, "and goes out later")


def back():
    """One failure is enough: the next success calls up what waits, also
    where another process saw it fail; but not what fails by itself."""
    r = Receiver()
    away = [True]
    r.answers["/app"] = lambda: (500, {}) if away[0] else (200, {})
    p = place("on 'purchase' { %s }" % app(r))
    for n in range(2):
        deliver(p, sale(n))
        work(p)
    same(outbox(p), [("waiting", 1)] * 2, "two wait")
    p.execute("UPDATE outbox SET due_at = due_at + 3600")
    away[0] = False
    deliver(p, sale(2))
    work(p)
    same(outbox(p), [("done", 2)] * 2 + [("done", 1)], "and go out with the third")

    # one process sees it all: a failure, then a success
    away[0] = True
    p.run()
    p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(3), FORM)
    until(lambda: outbox(p)[3:] == [("waiting", 1)], "a fourth fails")
    p.execute("UPDATE outbox SET due_at = due_at + 3600 "
              "WHERE state = 'waiting'")
    away[0] = False
    p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(4), FORM)
    until(lambda: [state for state, _ in outbox(p)[3:]] == ["done"] * 2,
          "it goes out with the fifth")
    stop(p.program)

    bad = deliver(p, sale(5))
    p.execute("UPDATE outbox SET attempts = 5, due_at = due_at + 3600 "
              "WHERE event = ?", bad)
    deliver(p, sale(6))
    work(p)
    same(outbox(p)[5:], [("waiting", 5), ("done", 1)],
         "what failed five times keeps its time")


def together():
    """Several at once: each row by one of them."""
    r = Receiver()
    slow = lambda: time.sleep(0.02) or (200, {})
    r.answers["/app"] = lambda: slow()
    p = place("on 'purchase' { %s }" % app(r))
    p.run()
    stop(p.program)
    for n in range(40):
        deliver(p, sale(n))
    workers = [start([CTL_PROGRAM, "-c", p.conf, "work", "--once"],
                     cwd=p.dir, stderr=subprocess.PIPE) for _ in range(3)]
    same([w.wait(LIMIT) for w in workers], [0, 0, 0], "three workers")
    same((set(outbox(p)), len(r.got), len(set(r.ids("/app")))),
         ({("done", 1)}, 40, 40), "each row once")


def slow():
    """A target that hangs delays no other."""
    r = Receiver()
    r.answers["/slow"] = lambda: time.sleep(8)
    p = place("on 'purchase' { http 'slow' { url = '%s' timeout = '5s' } "
              "http 'quick' { url = '%s' } }" % (
                  r.url("/slow"), r.url("/quick")))
    p.run()
    begun = time.time()
    for n in range(10):
        p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(n), FORM)
    until(lambda: len(r.at("/quick")) == 10, "the quick one")
    ok(time.time() - begun < 4 or LIMIT > 20,
       "ten to the quick one, the slow one hanging", time.time() - begun)
    until(lambda: r.at("/slow"), "the slow one")
    ok(len(r.at("/slow")) <= 4, "four at most at the slow one",
       len(r.at("/slow")))
    begun = time.time()
    same(stop(p.program), 0, "stopped")
    ok(time.time() - begun < 5, "within five seconds")


def hostile():
    """What buyers type stays a value."""
    r = Receiver()
    p = place("""on 'purchase' {
    http 'chat' { url = '%s' format = 'template'
        body = '{"content":"{product_name}"}' }
    http 'sms' { url = '%s' format = 'form' body = 'To=1&Body={product_name}' }
    http 'text' { url = '%s' format = 'template' body = '{product_name}!'
        headers = { 'Content-Type: text/plain' } }
    http 'path' { url = '%s' }
}""" % (r.url("/chat"), r.url("/sms"), r.url("/text"),
        r.url("/users/{user}/x?q={product_name}")))
    name = ('@everyone <@1> a@here.example "},"x":"\\ \r\nX-Evil: 1 &To=2 '
            '#%41 {email} -rf <https://evil.example/|Pay now> '
            '[Pay now](https://evil.example/)')
    deliver(p, replaced(sale(1).replace(b"=u1", b"=a%26%3F.."),
                        ("product_name", name)))
    work(p)
    same(set(outbox(p)), {("done", 1)}, "all four are taken")
    z = "\u200b"
    calm = name.replace("@everyone", "@%severyone" % z).replace(
        "<", "<" + z).replace("](", "]%s(" % z)
    same(json.loads(r.at("/chat")[0][2]), {"content": calm},
         "JSON: one text, mentions and links disarmed, addresses as they are")
    same(parse_qs(r.at("/sms")[0][2].decode()), {"To": ["1"], "Body": [calm]},
         "a form: one value")
    text = r.at("/text")[0][2].decode()
    same(text, calm.replace("\r", " ").replace("\n", " ") + "!",
         "text: one line")
    path = [g for g in r.got if g[0].startswith("/users")][0][0]
    same(path, "/users/a%26%3F../x?q=" + quote(name, safe=""),
         "a URL: no other parameter")
    ok(not any("x-evil" in g[1] for g in r.got), "no header of theirs")


def inside():
    """A name that leads inside is not followed there."""
    name = next((n for n in (socket.gethostname(), "ip6-localhost",
                             "localhost.localdomain")
                 if n != "localhost" and leads_inside(n)), None)
    if name is None:
        skip("private addresses", "no name here leads to one")
        return
    p = place("on 'purchase' { http 'x' { url = 'https://%s:9/' } }" % name)
    deliver(p, sale(1))
    work(p)
    ok("private address" in outbox(p, "last_error")[0][0],
       "refused at connect", outbox(p, "last_error"))


def leads_inside(name):
    try:
        found = socket.getaddrinfo(name, 9, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return all(a[4][0].startswith(("127.", "10.", "172.", "192.168.", "::1"))
               for a in found)


def clock():
    """What ends by time alone: soon, and when it does."""
    r = Receiver()
    p = place("""on 'expiring' { before = '1h' %s }
on 'lapsed tier_changed' { http 'app' { } }
""" % app(r))

    def types():
        return [json.loads(g[2])["type"] for g in r.got]
    work(p)
    p.cli("grant", "--user", "1", "--tier", "supporter", "--for", "3602s")
    work(p)
    same(types(), ["tier_changed"], "by hand")
    until(lambda: work(p) or len(r.got) == 2, "the hour before")
    same(types()[1:], ["expiring"], "expiring")
    p.cli("grant", "--user", "2", "--tier", "influencer", "--for", "1s")
    until(lambda: work(p) or len(r.got) == 5, "the end of it")
    same(sorted(types()[2:]), ["lapsed", "tier_changed", "tier_changed"],
         "lapsed")
    last = [json.loads(g[2])["data"] for g in r.got[-2:]]
    same([(d["before"], d["after"], d["access"]["status"]) for d in last],
         [("influencer", None, "none")] * 2, "what it was")
    work(p)
    same(len(r.got), 5, "once")


def by_hand():
    """The command line."""
    r = Receiver()
    r.answers["/app"] = [(500, {})]
    p = place("on 'purchase' { product = 'pencil' %s }\n"
              "on 'refunded' { http 'app' { } }\n"
              "on 'purchase' { product = 'zz' http 'zz' { url = '%s' } }"
              % (app(r), r.url("/zz")))
    before = p.dump()
    done = p.cli("trigger", "gumroad.sale", "--set", "permalink=pencil",
                 "--dry-run")
    text = done.stdout.decode()
    ok(done.returncode == 0 and "http app" not in text and
       re.search("on 'purchase', line [0-9]+: a test, and it has no test = "
                 "true\n.*its product does not fit\nno follow-up", text),
       "trigger --dry-run: a test purchase fires nothing, and why", text)
    done = p.cli("trigger", "gumroad.dispute", "--dry-run")
    ok(done.returncode == 0 and b"no rule is about this" in done.stdout,
       "nor does what no rule is about", done)
    same(p.dump(), before, "and changes nothing")
    p.configure(more="on 'purchase' { test = true %s }" % app(r))
    done = p.cli("trigger", "gumroad.sale", "--dry-run")
    ok(b"http app: purchase" in done.stdout,
       "where they are asked for it says so", done)
    same((p.dump(), len(r.got)), (before, 0), "and changes nothing")
    p.configure(more="on 'purchase' { product = 'pencil' %s }\n"
                "on 'purchase' { product = 'zz' http 'zz' { url = '%s' } }"
                % (app(r), r.url("/zz")))
    event = deliver(p, sale(1))
    state = p.dump()
    done = p.cli("check", "--event", event)
    text = done.stdout.decode()
    ok(done.returncode == 0 and "http app" in text and "waiting" in text and
       "its product does not fit" in text, "check --event", text)
    same(p.dump(), state, "changes nothing")
    work(p)
    text = p.cli("outbox").stdout.decode()
    ok("waiting" in text and "app" in text and "500" in text, "outbox", text)
    # a dry run of a database on a server takes a number
    first = p.one("SELECT min(id) FROM outbox")
    shown = json.loads(p.cli("outbox", "show", first, "--json").stdout)
    same((shown["state"], shown["payload"]["type"]), ("waiting", "purchase"),
         "outbox show")
    same(shown["webhook_id"], r.ids("/app")[0], "its webhook-id")
    same(p.cli("outbox", "show", "77").returncode, 1, "no such number")
    same(p.cli("outbox", "drop", first).returncode, 0, "outbox drop")
    same(outbox(p, "state"), [("dropped",)], "dropped")
    due_now(p)
    work(p)
    same(len(r.got), 1, "a dropped one stays")
    same(p.cli("outbox", "retry", first).returncode, 0, "outbox retry")
    work(p)
    same(outbox(p), [("done", 1)], "done")
    same(p.cli("outbox", "retry", first).returncode, 1, "done is done")
    same(p.cli("outbox", "retry", "--state", "done").returncode, 2,
         "and no filter says otherwise")


def lost_settings():
    """Rows of a target that is gone from the settings wait for it."""
    r = Receiver()
    p = place("on 'purchase' { %s }" % app(r))
    deliver(p, sale(1))
    p.configure(more="")
    work(p)
    same(outbox(p), [("waiting", 0)], "nobody touches it")
    p.configure(more="on 'purchase' { %s }" % app(r))
    work(p)
    same(outbox(p), [("done", 1)], "until it is back")


def metrics():
    """What waits is seen by who watches."""
    p = place("on 'purchase' { http 'x' { url = 'http://127.0.0.1:%d/' } }"
              % free_port())
    p.run()

    def value(name):
        text = p.direct("GET", "/metrics", headers=p.bearer()).body.decode()
        return float(re.search(r"^gatepost_outbox_%s (.*)$" % name, text,
                               re.M)[1])
    same(value("waiting"), 0, "metrics: nothing to do")
    p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
    until(lambda: outbox(p) == [("waiting", 1)], "the first attempt")
    same(value("waiting"), 1, "metrics: one waits")
    p.execute("UPDATE outbox SET due_at = due_at - 1000, kind = 'exec'")
    ok(value("oldest_age_seconds") > 900, "metrics: overdue")
    p.cli("outbox", "drop", "1")
    same(value("waiting"), 0, "metrics: a dropped one does not wait")


def older():
    """A database of the version before is brought up to date."""
    p = Place(init=False)
    db = sqlite3.connect(p.db)
    for name in ("001_log", "state"):
        db.executescript((TOP / "sql/sqlite" / (name + ".sql")).read_text())
    db.executescript("""
        INSERT INTO meta VALUES ('log_version', '1'), ('state_version', '2');
        INSERT INTO outbox (kind, target, payload, state, due_at, dedupe)
        VALUES ('mail', 'x', '{}', 'waiting', 1000, 'a');""")
    db.close()
    p.db.chmod(0o600)
    done = p.cli("migrate")
    same(done.returncode, 0, "gatepost migrate: %s" % done.stderr)
    same(p.rows("SELECT id, kind, target, state, due_at, dedupe, added_at "
                "FROM outbox"),
         [(1, "mail", "x", "waiting", 1000, "a", 1000)], "its rows are there")
    same(p.one("SELECT value FROM meta WHERE name = 'log_version'"), "5",
         "version 2")


if __name__ == "__main__":
    main(told, paths, flood, npm, once, test_ones, answers, dead_letters,
         expired, renamed, killed, clock_set, killed_others, offline, recovers,
         back, together, slow,
         hostile, inside, clock, by_hand, lost_settings, metrics, older)
