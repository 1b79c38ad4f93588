#!/usr/bin/env python3
"""A day without a network: deliveries come in, nothing can go out. What was to
be told is told when it is back, in order for each person, nothing twice.

In a network of its own, whose one interface goes down and comes up again, with
a clock of the program's own (preload.c)."""

import sys
sys.dont_write_bytecode = True
import email
import http.server
import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fault import FORM, faulty_place, run_faulty, sale
from lib import _cleanups, main, ok, same, skip, until

HOUR = 3600
PEOPLE = 2
# a mailer that needs the network, too; it is handed its mail by then
MAILER = """#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/%d || exit 75
cat >"%s/mail.$$"
"""


def in_network_of_its_own():
    """Starts this script again inside one; False: that is not possible."""
    if "UNPLUGGED" in os.environ:
        return True
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        return False
    for way in (["-n"], ["-rn"]):
        if subprocess.run(["unshare", *way, "ip", "link", "set", "lo", "up"],
                          capture_output=True).returncode == 0:
            os.execvpe("unshare", ["unshare", *way, sys.executable,
                                   *sys.argv], {**os.environ, "UNPLUGGED": ""})
    return False


def link(state):
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


class Receiver:
    def __init__(self):
        self.got = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                data = json.loads(body)["data"]
                outer.got.append((self.headers["webhook-id"],
                                  data["person"]["user"], data["event"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        _cleanups.append(self.server.shutdown)


def buys(p, sent, n):
    user = "p%d" % (n % PEOPLE)
    a = p.direct("POST", "/hooks/gumroad/" + p.tokens[0],
                 sale(n).replace(b"=u%d" % n, b"=" + user.encode()), FORM)
    same(a.word(), "recorded", "a sale without a network")
    sent.setdefault(user, []).append(a.event())


def tried(p):
    """How often in all; None while one is under way: the clock stands then."""
    total, running = p.rows("SELECT sum(attempts), sum(state = 'running') "
                            "FROM outbox")[0]
    return None if running else total or 0


def unplugged():
    if not in_network_of_its_own():
        skip("unplugged", "no network namespaces here")
        return
    link("up")
    r = Receiver()
    p = faulty_place()
    mailer = p.dir / "mailer"
    mailer.write_text(MAILER % (r.port, p.dir))
    mailer.chmod(0o755)
    p.configure(more="""
mail { from = 'shop@example.org' sendmail = '%s' }
on 'purchase renewal' {
    http 'app' { url = 'http://127.0.0.1:%d/app'
               order = true timeout = '1s' }
    mail 'me' { to = 'me@example.org' timeout = '1s' }
}""" % (mailer, r.port))
    run_faulty(p)
    link("down")
    begun, sent, n = time.time(), {}, 0
    for hour in range(0, 25, 8):
        p.faults.set(wall=hour * HOUR)
        before = tried(p)
        for _ in range(2):
            buys(p, sent, n)
            n += 1
        until(lambda: (tried(p) or 0) > before, "an attempt")
    same(p.rows("SELECT DISTINCT state FROM outbox"), [("waiting",)],
         "all in vain")
    ok(r.got == [] and not list(p.dir.glob("mail.*")), "nothing went out")
    ok(p.one("SELECT max(due_at) FROM outbox") > begun + 24 * HOUR,
       "by the program's clock a day has gone by")

    # what was tried waits for hours now, as after more attempts
    db = sqlite3.connect(p.db)
    with db:
        db.execute("UPDATE outbox SET due_at = ? WHERE attempts > 0",
                   [int(begun) + 34 * HOUR])
    db.close()

    link("up")
    # the pause of what failed is over, and somebody else buys: that it goes
    # out makes all else due
    p.faults.set(wall=24 * HOUR + HOUR // 2)
    a = p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(n), FORM)
    sent["u%d" % n] = [a.event()]
    until(lambda: p.rows("SELECT state, count(*) FROM outbox GROUP BY 1") ==
          [("done", 2 * n + 2)], "all to be done", 30)
    got = {}
    for _, user, event in r.got:
        got.setdefault(user, []).append(event)
    same(got, sent, "each person's in order")
    same((len(r.got), len({i for i, _, _ in r.got})), (n + 1, n + 1),
         "nothing twice")
    ids = [email.message_from_bytes(f.read_bytes())["Message-ID"]
           for f in p.dir.glob("mail.*")]
    same((len(ids), len(set(ids))), (n + 1, n + 1), "one mail for each")


if __name__ == "__main__":
    main(unplugged)
