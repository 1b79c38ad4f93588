#!/usr/bin/env python3
"""What a database on a server has to do beyond what a file does: several hosts
at one database, a server that is away, moving there and back, and statements
that stay quick. Most of the other tests run on it by DATABASE=postgresql."""

import sys
sys.dont_write_bytecode = True
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time

os.environ["DATABASE"] = "postgresql"

import lib
import postgres
from lib import (BUILD, FORM, SLOW, TOP, Place, fixture, main, ok, sale, same,
                 stop, until)
from t_live import Stream, jwt
from t_outbox import Receiver

PATIENCE = 8 if SLOW else 4  # seconds; Gumroad gives up after 5
SALE_ID = b"YsQco6u3QkxrBvCxPpAfWg"


def refund(n):
    return fixture("gumroad/31-refund-full").replace(
        SALE_ID, b"E2Esale%08d" % n)


def two_hosts(more=""):
    a = Place()
    a.configure(more=more)
    b = a.beside()
    for p in (a, b):
        p.run()
        p.nginx()
    return a, b


def in_threads(jobs):
    threads = [threading.Thread(target=job) for job in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def contract():
    for name, n in (("t_store", 100), ("t_ahead", 25), ("t_reading", 15)):
        done = subprocess.run(
            [BUILD / "tests/contract" / name,
             lib.cluster().url(lib.new_database())],
            capture_output=True, env=dict(os.environ, top_srcdir=str(TOP)))
        out = done.stdout.decode()
        ok(done.returncode == 0 and out.count("\nok ") > n,
           "the contract of every database, " + name,
           [line for line in out.splitlines() if not line.startswith("ok")])


class Counter:
    """A way to the server that counts how often it is asked something."""

    def __init__(self, server):
        self.path = str(server.dir / (".s.PGSQL.%d" % server.port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked = 0
        lib._cleanups.append(self.listener.close)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.carry, args=(near,),
                             daemon=True).start()

    def carry(self, near):
        far = socket.socket(socket.AF_UNIX)
        far.connect(self.path)
        pairs, last = {near: far, far: near}, far
        try:
            while True:
                for s in select.select(list(pairs), [], [])[0]:
                    piece = s.recv(65536)
                    if not piece:
                        return
                    self.asked += s is near and last is far
                    last = s
                    pairs[s].sendall(piece)
        except OSError:
            pass
        finally:
            near.close()
            far.close()


def trips():
    """With 1 ms to the server each way there and back is one: they are few."""
    p = Place()
    counter = Counter(lib.cluster())
    url = lib.cluster().url(p.name)
    p.conf.write_text(p.conf.read_text().replace(
        url, "postgresql://gatepost@127.0.0.1:%d/%s?sslmode=disable&"
        "gssencmode=disable" % (counter.port, p.name)))
    for n in (0, 1):
        p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(n), FORM)
    before = counter.asked
    p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(2), FORM)
    alone = counter.asked - before
    lib.note("plain CGI, connecting included: %d" % alone)
    p.run()
    p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(3), FORM)
    took = []
    for n in range(4, 12):
        before = counter.asked
        p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(n), FORM)
        took.append(counter.asked - before)
    lib.note("a delivery: %r" % took)
    # begun, stored, committed; now and then something else is under way
    same(min(took), 3, "a delivery asks three times")
    took = []
    for _ in range(8):
        before = counter.asked
        p.direct("GET", "/v1/access?user=u5", b"", p.bearer())
        took.append(counter.asked - before)
    lib.note("a lookup: %r" % took)
    same(min(took), 2, "a lookup twice")


def in_clear():
    """What goes to another host is encrypted, or check says so."""
    p = Place(init=False)
    far = "[100::1]"
    problem = "%s: postgresql://%s/x is another host, and the URL does not"
    unproven = "%s: postgresql://%s/x need not prove who it is"
    for hosts, query, want in (
            (far, "", problem), (far, "?sslmode=prefer", problem),
            (far, "?sslmode=disable", problem),
            ("localhost:1," + far, "?sslmode=allow", problem),
            (far, "?sslmode=require", unproven),
            (far, "?sslmode=verify-ca", unproven),
            (far, "?sslmode=verify-full", None),
            ("localhost:1", "", None), ("127.0.0.2:1", "", None),
            ("[::1]:1", "", None), ("", "?host=/nowhere", None)):
        url = "postgresql://me:hunter2@%s/x%s" % (hosts, query)
        p.conf.write_text(re.sub("^database = .*", "database = '%s'" % url,
                                 p.conf.read_text()))
        said = p.cli("check").stdout.decode()
        line = next((x for x in said.splitlines() if "database: " in x), "")
        ok(("PROBLEM" in line) == (want == problem) and (
            want % ("database", hosts) in line if want else not line) and
           "hunter2" not in said, "%s%s" % (hosts, query), said)
    p.conf.write_text(re.sub(
        "^database = .*", "database = '%s?sslmode=verify-full'\n"
        "standby_url = '%s'\nlisten_url = '%s'" % (
            3 * ("postgresql://%s/x" % far,)),
        p.conf.read_text()))
    said = p.cli("check").stdout.decode()
    ok(problem % ("standby_url", far) in said and
       problem % ("listen_url", far) in said, "the other two", said)


def secret():
    p = Place()
    text = p.conf.read_text()
    url = lib.cluster().url(p.name)
    word = "hush-2718281828"

    def shows(done):
        return word.encode() in done.stdout + done.stderr
    for name, wrong in (
            ("right", url.replace("gatepost@", "gatepost:%s@" % word)),
            ("no such host", "postgresql://u:%s@host.invalid/x" % word),
            ("no URL", "postgresql://u:%s@[::1/x" % word),
            ("a bare @", "postgresql://u:a@%s@localhost:1/x" % word),
            ("a bare /", "postgresql://u:a/%s@localhost:1/x" % word),
            ("a parameter", "postgresql://localhost:1/x?password=" + word)):
        p.conf.write_text(text.replace(url, wrong))
        for command in (["check"], ["migrate"], ["members"], ["sql", "SELECT"]):
            done = p.cli(*command)
            ok(not shows(done), "%s: %s does not show it" % (name, command[0]),
               done)
            ok(name == "right" or command[0] == "sql" or
               done.returncode == 3, name + ": exit 3", done)
        a = p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
        same(a.status, 200 if name == "right" else 503, name)
        ok(word not in p.log_text(), name + ": nor does the log")
    words = "host=localhost dbname=x password=" + word
    p.conf.write_text(text.replace(url, words))
    for command in (["check"], ["migrate"],
                    ["copy", "--from", words, "--to", p.dir / "x"]):
        done = p.cli(*command)
        ok(not shows(done) and done.returncode == 3 and
           b"postgresql://" in done.stderr, "libpq's words: " + command[0],
           done)
        p.conf.write_text(text if command[0] == "migrate" else
                          p.conf.read_text())
    same([f for f in os.listdir(p.dir) if word in f], [], "no such file")
    p.conf.write_text(text.replace(url, "postgresql:///x?host=/n1,/n2"))
    done = p.cli("check")
    ok(b"/n1: " in done.stderr and b"/n2: " in done.stderr,
       "each host is named", done)
    p.conf.chmod(0o644)
    ok(b"chmod" in p.cli("check").stderr, "a file with it is not for others")


def away():
    """Somebody holds the writers' lock; connections are cut."""
    p = Place()
    p.run()
    p.nginx()
    same(p.gumroad(sale(1)).word(), "recorded", "before")
    held = p.hold()
    a = p.gumroad(sale(2))
    ok(a.status == 503 and "retry-after" in a.headers and
       a.seconds < PATIENCE, "locked: 503 in time", a)
    same(p.access("user=u1").status, 200, "lookups go on")
    held.let_go()
    until(lambda: p.gumroad(sale(2)).status == 200, "the lock's end")
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity " \
        "WHERE application_name = 'gatepost'"
    ok(len(p.rows(cut + " AND datname = current_database()")) > 1,
       "all connections are cut")
    same(p.gumroad(sale(3)).status, 200, "the next delivery does not notice")
    same(p.access("user=u1").status, 200, "nor does a lookup")
    same(p.events(), 3, "all is there, once")
    p.check_logs()


def race():
    """The same deliveries to two hosts at once, in any order."""
    a, b = two_hosts()
    n, answers, ids, done = 12, [], [], threading.Event()
    # commits that take their time overlap, where nothing keeps them apart
    lib.cluster().psql(a.name, """
        CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(random() * 0.03); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON changes DEFERRABLE
        INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late();""")

    def send(p, order):
        for i in order:
            answers.append(p.gumroad(sale(i)).status)
            answers.append(p.gumroad(refund(i)).status)

    def watch():
        after = 0
        while True:
            last = done.is_set()
            page = b.get("/v1/changes?after=%d" % after, b.bearer()).json()
            ids.extend(c["id"] for c in page["changes"])
            after = page["after"]
            if last and not page["changes"]:
                return
    watcher = threading.Thread(target=watch)
    watcher.start()
    up, down = range(n), range(n - 1, -1, -1)
    in_threads([lambda p=p, o=o: send(p, o)
                for p in (a, b) for o in (up, down)])
    done.set()
    watcher.join()
    same(set(answers), {200}, "all are taken")
    same(a.rows("SELECT DISTINCT seen FROM events"), [(4,)],
         "each is one row, seen four times")
    same(a.events(), 2 * n, "and no more")
    same(a.one("SELECT max(id) FROM events"), 2 * n, "numbers without gaps")
    same(a.one("SELECT count(*) FROM purchases WHERE refunded_at IS NOT NULL "
               "AND tier = 'supporter'"), n, "each is sold and refunded")
    diff = a.cli("rebuild", "--diff")
    ok(diff.returncode == 0, "the rows are what follows from the log", diff)
    same(ids, [r[0] for r in a.rows("SELECT id FROM changes ORDER BY id")],
         "a cursor misses none while they come")


def claims():
    """Two hosts' workers at one outbox: each row is carried out once."""
    r, n = Receiver(), 40  # fewer than a flood
    p = Place()
    q = p.beside()
    q.conf = q.dir / "gatepost.conf"
    # both know the target by one name; where it leads tells who was there
    for host, path in ((p, "/p"), (q, "/q")):
        host.configure(more="on 'purchase' { http 'app' { url = '%s' } }" %
                       r.url(path))
    # claims that take their time overlap, where nothing keeps them apart
    lib.cluster().psql(p.name, """
        CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN IF NEW.state = ''running'' THEN
             PERFORM pg_sleep(0.02); END IF; RETURN NEW; END';
        CREATE TRIGGER late BEFORE UPDATE ON outbox FOR EACH ROW
        EXECUTE FUNCTION late();""")
    for host in (p, q):
        host.run()
    p.nginx()
    in_threads([lambda k=k: [p.gumroad(sale(i)) for i in range(k, n, 4)]
                for k in range(4)])
    until(lambda: p.one("SELECT count(*) FROM outbox WHERE state = 'done'")
          == n, "all to be done")
    ids = r.ids("/p") + r.ids("/q")
    same((len(ids), len(set(ids))), (n, n), "each is told once")
    same(p.rows("SELECT DISTINCT attempts FROM outbox"), [(1,)],
         "at the first attempt")
    lib.note("%d by one host, %d by the other" % (
        len(r.at("/p")), len(r.at("/q"))))
    ok(r.at("/p") and r.at("/q"), "by both hosts")
    r.close()


def across():
    """A stream at one host, a delivery at the other."""
    for more in ("", "listen_url"):
        p = Place()
        url = lib.cluster().url(p.name)
        p.configure(more="listen_url = '%s'" % url if more else "")
        q = p.beside()
        for host in (p, q):
            host.run()
            host.nginx()
        if more:
            until(lambda: p.one("SELECT count(*) FROM pg_stat_activity WHERE "
                                "query LIKE 'LISTEN%' AND datname = "
                                "current_database()") == 2, "both to listen")
        took = []
        for i in range(5):
            stream = Stream(q, jwt(q, "u%d" % i))
            stream.wait(1)
            same(p.gumroad(sale(i)).status, 200, "delivered to the first")
            begun = time.monotonic()
            same(len(stream.wait(2, 5)), 2, "told by the second")
            took.append(time.monotonic() - begun)
            stream.close()
        took.sort()
        lib.note("across hosts, %s: %.3f s, at most %.3f s" % (
            more or "by looking", took[2], took[-1]))
        limit = 5 if SLOW else 0.3 if more else 1.6
        ok(took[2] < limit, "%s: within %.1f s" % (more or "by looking", limit),
           took)
        for host in (p, q):
            same(stop(host.program), 0, "exit 0")


def copied(p, *args):
    return p.cli("copy", "--json", *args)


def read_back(p):
    """As if the API had been asked about that sale."""
    id = p.one("SELECT sale FROM purchases")
    body = json.dumps({
        "id": id, "created_at": "2026-03-04T09:12:33Z", "product_id": "P",
        "refunded": True, "amount_refundable_in_currency": "0",
        "currency": "usd", "price": 900, "listed": True})
    p.execute(
        "INSERT INTO events (platform, kind, delivery, subject, sent_at, "
        "received_at, last_seen_at, body, status) SELECT platform, "
        "'readback', 'r', subject, 1790000000, 1790000001, 1790000000, '%s', "
        "'applied' FROM events" % body)
    p.execute("INSERT INTO readings (platform, kind, began_at) VALUES "
              "('gumroad', 'sales', 1790000000)")
    p.execute("INSERT INTO drift (at, platform, sale, what, event) VALUES "
              "(1790000001, 'gumroad', '%s', 'refunded', 2)" % id)
    p.execute("INSERT INTO erased VALUES ('gumroad', 'd', 1790000001)")
    same(p.cli("rebuild").returncode, 0, "rebuilt")
    was_read(p, "read back")
    listed = p.cli("events", "--json", "--kind", "readback").stdout
    number = json.loads(listed)[0]["id"]
    shown = json.loads(p.cli("event", "--json", str(number)).stdout)
    same((shown["kind"], shown["decoded"]["status"],
          shown["decoded"]["facts"]["refunded"]),
         ("readback", "applied", True), "a reading is listed and shown")
    same(b"Gumroad was asked on 2026-09-21" in p.cli(
        "explain", "--sale", id).stdout, True, "and explained")


def was_read(p, what):
    same([p.one("SELECT count(%s) FROM %s" % column) for column in (
        ("confirmed_at", "purchases"), ("refunded_amount", "purchases"),
        ("began_at", "readings"), ("event", "drift"), ("at", "erased"))],
         [1] * 5, what + ": readings and all they made")


def moving():
    """From a file to a server while deliveries come in, and back."""
    p = Place(server=False)
    p.run()
    p.nginx()
    same(p.gumroad(sale(0)).status, 200, "a sale")
    read_back(p)
    answers, done = {0: 200}, threading.Event()

    def burst():
        n = 1
        while not done.is_set():
            answers[n] = p.gumroad(sale(n)).status
            n += 1
            time.sleep(0.002)
    sender = threading.Thread(target=burst)
    sender.start()
    until(lambda: len(answers) > 100, "some deliveries")
    name = lib.new_database()
    url = lib.cluster().url(name)
    out = copied(p, "--to", url)
    ok(out.returncode == 0 and out.stdout.count(b'"same":true') == 11,
       "copied while deliveries come in", out)
    out = copied(p, "--to", url, "--switch")
    ok(out.returncode == 0 and out.stdout.count(b'"same":true') == 11,
       "and again, to the end", out)
    at_switch = len(answers)
    until(lambda: len(answers) > at_switch + 10, "some more")
    done.set()
    sender.join()
    kept = {n for n, status in answers.items() if status == 200}
    same(set(answers.values()), {200, 503}, "taken, then 503")
    p.name = name
    p.configure()
    same(p.events(), len(kept) + 1, "what was acknowledged is there")
    was_read(p, "copied")
    stop(p.program)
    p.run()
    for n in sorted(set(answers) - kept):
        same_status = p.gumroad(sale(n)).status
        if same_status != 200:
            ok(False, "sent again", same_status)
    same((p.events(), p.one("SELECT count(*) FROM purchases")),
         (len(answers) + 1, len(answers)), "what was refused came again")
    same(p.cli("rebuild", "--diff").returncode, 0, "as the log says")
    same(copied(p, "--from", p.file, "--to", url).returncode, 3,
         "never over a database in use")
    back = p.dir / "back.db"
    out = copied(p, "--to", back, "--switch")
    ok(out.returncode == 0 and out.stdout.count(b'"same":true') == 11,
       "and back into a file", out)
    same(p.gumroad(sale(9999)).status, 503, "the server takes no more")
    p.name, p.file = None, back
    p.configure(database="back.db")
    stop(p.program)
    p.run()
    same(p.gumroad(sale(9999)).event(), len(answers) + 2,
         "the file does, with the next number")
    was_read(p, "and back")
    ok(p.is_sound(), "and is sound")


def closed(p, what):
    """What a database that was moved says, wherever it is asked."""
    checked = p.cli("check")
    ok(checked.returncode == 1 and b"PROBLEM" in checked.stdout and
       b"was moved" in checked.stdout, what + ": check tells", checked)
    p.run()
    until(lambda: "was moved by" in p.log_text(), what + ": said at start")
    same(p.gumroad(sale(7)).status, 503, what + ": takes nothing")
    ok("not stored: " in p.log_text() and "change database" in
       p.log_text().split("not stored: ")[-1], what + ": and says why",
       p.log_text()[-2000:])
    same(p.access("user=u1").status, 200, what + ": lookups go on")
    stop(p.program)
    p.log.unlink()


def copying():
    """A copy that was used without --switch; then one that was closed."""
    p = Place(server=False)
    p.run()
    p.nginx()
    for n in range(3):
        same(p.gumroad(sale(n)).status, 200, "before")
    stop(p.program)
    name = lib.new_database()
    same(copied(p, "--to", lib.cluster().url(name)).returncode, 0, "copied")
    file, p.name, p.file = p.file, name, None
    p.configure()
    p.run()
    same(p.gumroad(sale(3)).event(), 4, "the next number follows")
    stop(p.program)
    same(p.cli("copy", "--to", p.dir / "back.db", "--switch").returncode, 0,
         "back")
    closed(p, "a server")
    p.name, p.file = None, p.dir / "back.db"
    p.configure(database="back.db")
    same(p.cli("copy", "--to", p.dir / "third.db", "--switch").returncode, 0,
         "into another file")
    closed(p, "a file")
    again = copied(p, "--from", file, "--to", p.dir / "back.db")
    ok(again.returncode == 3 and b"closed" in again.stderr,
       "a closed one is not copied to", again)


def standby():
    """Is it there, how old it is, and a primary that hangs."""
    first = postgres.Cluster()
    lib._cleanups.append(first.end)
    # whose own transactions would be a sign as well
    first.init("autovacuum = off\n").start()
    second = first.standby(lib.folder(), 5433)
    lib._cleanups.append(second.end)
    first.create("x")
    p = Place(server=False)
    urls = "listen_url = 'postgresql:///x?host=/nowhere'\n" \
        "standby_url = '%s'" % second.url("x")
    p.configure(database=first.url("x"), more=urls)
    same(p.cli("migrate").returncode, 0, "migrate")
    checked = p.cli("check")
    ok(checked.returncode == 1 and
       b"PROBLEM  standby_url cannot" in checked.stdout and
       b"note     listen_url cannot" in checked.stdout, "both are tried",
       checked)
    p.run()
    p.nginx()
    until(lambda: "standby_url cannot" in p.log_text(), "a word at start")
    second.start()
    until(lambda: p.cli("check").returncode == 0, "the standby")
    same(p.gumroad(sale(1)).status, 200, "a delivery")

    def newest():
        return second.psql("x", "SELECT pg_last_xact_replay_timestamp()")
    until(lambda: second.psql("x", "SELECT count(*) FROM events") == "1\n",
          "it to arrive")
    seen = newest()
    until(lambda: newest() != seen, "a sign of life in quiet times")
    asked = []

    def ask():
        asked.append(p.access("user=u1"))
    # each of the threads gets a connection: nobody goes on for a while
    in_threads([ask] * 12 + [lambda: first.psql(
        "x", "BEGIN; LOCK TABLE purchases; SELECT pg_sleep(0.5); COMMIT")])
    same(p.access("user=u1").json()["tier"], "supporter", "from the primary")
    asked.clear()
    first.signal_all(signal.SIGSTOP)
    try:
        ask()
        in_threads([ask] * 12)
    finally:
        first.signal_all(signal.SIGCONT)
    slow = [a.seconds for a in asked if a.seconds > 0.5]
    lib.note("hung: %r" % slow)
    same({a.status for a in asked}, {200}, "hung: the standby answers")
    ok(all(int(a.headers["x-gatepost-stale"]) < 20 for a in asked),
       "and says how old that is", asked)
    ok(len(slow) < 3 and max(slow) < PATIENCE, "one of them waited", slow)
    until(lambda: "x-gatepost-stale" not in p.access("user=u1").headers,
          "the primary to answer again")
    stop(p.program)


# ---- statements ------------------------------------------------------------

# what a request runs, and what runs every second
ASKED = """event_add event_find event_again event_status event_apply event_get
event_of_subject event_count_of_subject event_max event_kept_count event_newest
purchase_drop purchase_of_subject purchase_of_subscription purchase_turning
purchase_put purchase_get purchase_by_user purchase_by_email purchase_by_buyer
purchase_by_license subscription_drop subscription_put subscription_of_subject
change_add change_max change_after change_ids_of_user change_ids_of_email
change_ids_of_buyer change_ids_of_license change_told_user change_told_email
change_told_buyer change_told_license change_last_of_user
change_last_of_email change_last_of_buyer change_last_of_license
event_subject_after event_beside outbox_waiting pass_from pass_max
pass_after""".split()

FILL = """
INSERT INTO events (platform, kind, delivery, subject, received_at,
	last_seen_at, body, status)
SELECT 'gumroad', 'sale', 'd' || n, 'sale:' || n, n, n, 'a=1',
	CASE WHEN n % 1000 = 0 THEN 'kept' ELSE 'applied' END
FROM generate_series(1, 100000) AS n;
INSERT INTO purchases (platform, sale, subscription, product, user_ref, email,
	buyer, license, sold_at, tier, since, paid_until, until, subject)
SELECT 'gumroad', n, n, 'p', 'u' || n, n || '@x', n, n, n, 't', n, n + 2000,
	n + 3000, 'sale:' || n FROM generate_series(1, 100000) AS n;
INSERT INTO subscriptions (platform, subscription, status, subject)
SELECT 'gumroad', n, 'active', 'sale:' || n
FROM generate_series(1, 100000) AS n;
INSERT INTO changes (at, user_ref, email, buyer, license, after)
SELECT n, 'u' || n, n || '@x', n, n, 't' FROM generate_series(1, 100000) AS n;
INSERT INTO passes (who, valid_from, id)
SELECT 'user:u' || n, n, n FROM generate_series(1, 100000) AS n;
"""


def statements():
    """The texts of sql/query.sql for PostgreSQL, by name."""
    pieces, found, into = {}, {}, None
    for line in (TOP / "sql/query.sql").read_text().splitlines():
        head = re.match(r"-- (let|name): (\w+)", line)
        if head:
            into = (pieces if head[1] == "let" else found, head[2])
            into[0][into[1]] = ""
        elif into and not line.startswith("--"):
            into[0][into[1]] += line + "\n"
    for name in found:
        n = 1
        while n > 0:
            found[name], n = re.subn(r"\{(\w+)\}", lambda m: pieces[m[1]],
                                     found[name])
    return found


def scans(node, out):
    if "Relation Name" in node and "Scan" in node["Node Type"]:
        bound = node.get("Index Cond") or node.get("Recheck Cond")
        out.append((node["Node Type"], node["Relation Name"], bound,
                    node.get("Filter"), node["Plan Rows"]))
    for below in node.get("Plans", []):
        scans(below, out)
    return out


def explain(p, texts, names, kept):
    """Their plans. kept: as src/store/db_postgresql.c has it where statements
    are prepared, one plan for all values."""
    sql = "SET plan_cache_mode = force_generic_plan;\n" if kept else ""
    for name in names:
        text = texts[name].strip().rstrip(";")
        n = max([0] + [int(k) for k in re.findall(r"\$(\d+)", text)])
        values = ", ".join(
            "'gumroad'" if re.search(r"platform = \$%d\b" % k, text) else "'500'"
            for k in range(1, n + 1))
        sql += "PREPARE %s AS %s; EXPLAIN (FORMAT json) EXECUTE %s%s;\n" % (
            name, text, name, "(%s)" % values if n else "")
    out, read, found = lib.cluster().psql(p.name, sql), json.JSONDecoder(), []
    while out.strip():
        out = out.strip()
        one, end = read.raw_decode(out)
        found.append(one[0]["Plan"])
        out = out[end:]
    return found


def is_bad(scan):
    """In order of an index, a LIMIT ends it; a filter may go on for ever."""
    kind, table, bound, rest, _ = scan
    return table != "outbox" and (
        kind == "Seq Scan" or (bound is None and rest is not None) or
        re.search(r"(sale|delivery|subject) = ", rest or "") is not None)


def plans():
    p = Place()
    texts = statements()
    for fill, what in ((FILL, "before the server has counted"),
                       ("ANALYZE", "after it")):
        lib.cluster().psql(p.name, fill)
        for kept in (False, True):
            # src/store/pg_pipe_run.c: that one is not kept
            names = [n for n in ASKED if not kept or n != "purchase_turning"]
            for name, plan in zip(names, explain(p, texts, names, kept)):
                found = scans(plan, [])
                ok(not any(map(is_bad, found)), "%s, %s: by an index" % (
                    name, what), found)


main(contract, trips, in_clear, secret, away, race, claims, across, moving, copying,
     standby, plans)
