#!/usr/bin/env python3
"""What is done by time, by hand and after a change of rules, while the server
runs."""

import sys
sys.dont_write_bytecode = True
import csv
import hashlib
import io
import json
import re
import sqlite3
import time
from urllib.parse import quote

from lib import (FORM, LIMIT, TOP, Fcgi, Place, fixture, main, ok, sale,
                 same, stop, until)

OTHER_TIERS = """
tier 'reader' {
    rank = 5
    grants = { 'gumroad/pencil' }
}
tier 'supporter' {
    rank = 10
    grants = { 'gank/membership/Test*' }
}
"""
MANY = 4000  # old sales: enough that a rebuild takes several steps


def hook(p, token=0):
    return "/hooks/gumroad/" + p.tokens[token]


def deliver(p, body, want="recorded", token=0, name=None):
    a = p.direct("POST", hook(p, token), body, FORM)
    same((a.status, a.word()), (200, want), name or "a delivery: " + want)
    return a.event()


def access(p, query):
    return p.direct("GET", "/v1/access?" + query, headers=p.bearer()).json()


def tier(p, query):
    return access(p, query).get("tier")


def says(a, code, name, *texts):
    out = (a.stdout + a.stderr).decode(errors="replace")
    ok(a.returncode == code and all(t in out for t in texts), name, a)


def date(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def replaced(body, *pairs):
    """The body with values of its keys replaced."""
    for key, value in pairs:
        body, n = re.subn(b"(^|&)%s=[^&]*" % re.escape(key.encode()),
                          lambda m: m[1] + ("%s=%s" % (
                              key, quote(value, safe=""))).encode(), body)
        if n != 1:
            raise RuntimeError("%s stands %d times in %r" % (key, n, body))
    return body


# ---- other rules -------------------------------------------------------------

def multiply(p):
    """The one sale in the log, many times, as other sales of other people;
    what follows from them is not in the tables yet."""
    db = sqlite3.connect(p.db, timeout=LIMIT)
    names = [r[1] for r in db.execute("PRAGMA table_info(events)")]

    def column(name):
        other = "'E2Emany' || printf('%07d', n)"
        return {
            "id": "NULL",
            "delivery": "printf('%064d', n)",
            "subject": "replace(subject, 'E2Esale00000000', %s)" % other,
            "body": "CAST(replace(replace(CAST(body AS TEXT), "
                    "'E2Esale00000000', %s), 'id%%5D=u0', "
                    "'id%%5D=m' || n) AS BLOB)" % other,
        }.get(name, name)
    with db:
        db.execute(
            "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k "
            "WHERE n < ?) INSERT INTO events SELECT %s FROM k, events "
            "WHERE id = 1" % ", ".join(column(name) for name in names),
            (MANY,))
    db.close()


def plan(p, name):
    """How SQLite goes about a statement of sql/query.sql."""
    text = (TOP / "sql/query.sql").read_text()
    text = text.split("-- name: %s\n" % name)[1].split("\n-- name: ")[0]
    text = re.sub("(?m)^--.*$", "", text).replace("{purchase}", "*")
    text = re.sub(r"\$(\d)", r"?\1", text)
    return [r[3] for r in p.rows("EXPLAIN QUERY PLAN " + text, None, None)]


def rebuilt():
    """Other tiers: the server rebuilds by itself while deliveries come in."""
    p = Place()
    child = p.run()
    deliver(p, sale(0))
    same(tier(p, "user=u0"), "supporter", "before: supporter")
    stop(child)
    multiply(p)
    p.configure(tiers=OTHER_TIERS)
    # a delivery may have come before the first look: that is no rebuild
    # of these
    start = len(p.log_text())
    child = p.run()
    word = "rebuilt after a change of rules"
    during, wrong, n = 0, [], 1
    with Fcgi(p.sock) as c:
        while n < 2000 and word not in p.log_text()[start:]:
            a = c.ask("POST", hook(p), sale(n), FORM, keep=True)
            done = word in p.log_text()[start:]
            got = c.ask("GET", "/v1/access?user=u%d" % n,
                        headers=p.bearer(), keep=True).json().get("tier")
            if (a.word(), got) != ("recorded", "reader"):
                wrong.append((n, a, got))
            during += not done
            n += 1
    until(lambda: word in p.log_text()[start:], "the line in the log")
    ok(during > 0, "sales came in meanwhile", p.log_text())
    same(wrong, [], "each is right at once")
    same(p.rows("SELECT tier, count(*) FROM purchases GROUP BY tier"),
         [("reader", MANY + n)], "all old ones and all new ones")
    same(tier(p, "user=m%d" % MANY), "reader", "an old one, looked up")
    same(p.rows("SELECT before, after, event FROM changes WHERE user_ref = "
                "'u0' ORDER BY id DESC LIMIT 1"),
         [("supporter", "reader", None)], "changed access is noted")
    says(p.cli("rebuild", "--diff"), 0, "rebuild --diff: nothing differs",
         " 0 rows would change")
    ok(any("(platform=? AND subject=?)" in r for r in plan(
        p, "purchase_of_subject")), "a subject's rows are found by the "
       "subject", plan(p, "purchase_of_subject"))
    lines = p.log_text().count(word)
    stop(child)
    p.run()
    deliver(p, sale(n))
    stop(p.program)
    same(p.log_text().count(word), lines, "the next start rebuilds nothing")
    p.check_logs()


# ---- time --------------------------------------------------------------------

def by_time(p, user):
    return p.rows("SELECT before, after, event FROM changes WHERE "
                  "user_ref = ? AND event IS NULL", user)


def swept(p):
    return p.one("SELECT count(*) FROM meta WHERE name = 'swept_to'")


def expiry():
    """The running server notes an end that no delivery brings."""
    p = Place()
    p.run()
    until(lambda: swept(p), "the first look at the clock")
    says(p.cli("grant", "--user", "brief", "--tier", "supporter", "--for",
               "2s"), 0, "grant --for 2s", "grant:user:brief")
    same(tier(p, "user=brief"), "supporter", "gives at once")
    until(lambda: by_time(p, "brief"), "a row in changes")
    same(by_time(p, "brief"), [("supporter", None, None)],
         "its end is noted by the server")
    same(tier(p, "user=brief"), None, "and is so")
    same(p.events(), 1, "without any delivery")
    a = p.direct("GET", "/v1/access?user=brief", headers=p.bearer())
    same(a.status, 200, "the server answers")


def expiry_cgi():
    """Under plain CGI nothing runs by itself: cron does."""
    p = Place()
    says(p.cli("work", "--once"), 0, "cron, the first time")
    p.cli("grant", "--user", "brief", "--tier", "supporter", "--for", "2s")

    def has():
        a = p.cgi("GET", "/v1/access?user=brief", headers=p.bearer())
        return a.json().get("tier")
    same(has(), "supporter", "a grant, seen by a CGI request")
    until(lambda: has() is None, "its end")
    same(by_time(p, "brief"), [], "no request writes of it")
    says(p.cli("work", "--once"), 0, "gatepost work --once",
         "1 changes by time")
    same(by_time(p, "brief"), [("supporter", None, None)], "one row")
    says(p.cli("work", "--once"), 0, "once more")
    same(by_time(p, "brief"), [("supporter", None, None)], "no second row")


def idle():
    """A server with nothing to do leaves the disk alone."""
    p = Place()
    p.run()
    deliver(p, sale(1))
    until(lambda: swept(p), "the first look at the clock")
    files = [p.db, p.db.with_name(p.db.name + "-wal")]

    def look():
        return [(f.name, f.stat().st_size, f.stat().st_mtime_ns)
                for f in files]
    before = look()
    time.sleep(2.5)
    same(look(), before, "idle: database and -wal stay as they are")


# ---- by hand -----------------------------------------------------------------

def links():
    p = Place()
    p.run()
    deliver(p, replaced(sale(1), ("url_params%5Buser_id%5D", "")))
    sale_id = p.one("SELECT sale FROM purchases")

    def post(body, headers=None):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        a = p.direct("POST", "/v1/links", data, headers or p.bearer())
        return a.status, a.word()
    right = {"sale": sale_id, "user": "42"}
    same(post(right, {"Authorization": "Bearer " + "x" * 48})[0], 401,
         "links: a wrong key")
    same(post(right, {"Accept": "*/*"})[0], 401, "links: no key")
    same(post({"sale": "NoSuchSale", "user": "42"}), (404, "not_found"),
         "links: no such sale")
    for name, body in (("no JSON", b"sale=1"), ("no user", {"sale": sale_id}),
                       ("an empty user", {"sale": sale_id, "user": ""}),
                       ("a number", {"sale": sale_id, "user": 42}),
                       ("a key too many", dict(right, subscription="x")),
                       ("a list", [right]), ("nothing", b""),
                       ("a key twice", b'{"sale":"a","sale":"b",'
                        b'"user":"1"}')):
        same(post(body), (400, "body"), "links: " + name)
    same(p.events(), 1, "none of that is stored")
    same(tier(p, "user=42"), None, "nor linked")
    same(post(right), (200, "linked"), "links: linked")
    same(tier(p, "user=42"), "supporter", "42 has it")
    says(p.cli("link", sale_id, "--user", "43"), 0, "gatepost link, later")
    same((tier(p, "user=42"), tier(p, "user=43")), (None, "supporter"),
         "the later word wins")
    same(post(dict(right, user="44")), (200, "linked"), "and again over HTTP")
    same((tier(p, "user=43"), tier(p, "user=44")), (None, "supporter"),
         "wins in its turn")
    says(p.cli("unlink", sale_id), 0, "gatepost unlink")
    same(tier(p, "user=44"), None, "takes it back")
    p.check_logs()


def links_email():
    """A purchase made with another address than the person has."""
    p = Place()
    p.run()
    deliver(p, sale(1))
    sale_id = p.one("SELECT sale FROM purchases")
    for name, args in (("nobody", ()), ("two", ("--user", "1", "--email",
                                                "a@example.com")),
                       ("no address", ("--email", "ada"))):
        same(p.cli("link", sale_id, *args).returncode, 2, "link to " + name)
    same(p.events(), 1, "writes nothing")
    says(p.cli("link", sale_id, "--email", " Ada@Example.org "), 0,
         "link --email")
    same((tier(p, "email=ada@example.org"), tier(p, "email=calvin1@example.com"),
          tier(p, "user=u1")), ("supporter", None, "supporter"),
         "beats the address of the sale")
    says(p.cli("explain", "--sale", sale_id), 0, "explain",
         "Linked by hand to the e-mail ada@example.org: all purchases here "
         "are of that address")
    says(p.cli("link", sale_id, "--user", "9"), 0, "link --user, too")
    same((tier(p, "email=ada@example.org"), tier(p, "user=9")),
         ("supporter", "supporter"), "both hold")
    a = p.cli("explain", "--sale", sale_id)
    ok(b"replaced by a later event" not in a.stdout, "explain says so", a)
    says(p.cli("unlink", sale_id), 0, "unlink")
    same((tier(p, "email=ada@example.org"), tier(p, "user=9"),
          tier(p, "email=calvin1@example.com"), tier(p, "user=u1")),
         (None, None, "supporter", "supporter"), "takes both back")


def by_hand():
    """grant, revoke: seen by the next request."""
    p = Place()
    p.run()
    deliver(p, sale(1))
    for word, args, want in (
            ("grant", ["--user", "g", "--tier", "influencer"], "influencer"),
            ("revoke", ["--user", "g"], None),
            ("grant", ["--user", "g", "--tier", "supporter"], "supporter")):
        says(p.cli(word, *args), 0, "gatepost " + word)
        same(tier(p, "user=g"), want, "%s: %s at once" % (word, want))
    # an earlier grant, over by now, does not stand for the one that holds
    for n in range(3):
        began = p.one("SELECT max(received_at) FROM events")
        until(lambda: time.time() >= began + 1, "the next second")
        if n == 2:
            same(tier(p, "user=g"), "supporter", "granted again")
        says(p.cli(*[["revoke", "--user", "g"], ["grant", "--user", "g",
                     "--tier", "supporter"]][n % 2]), 0, "by hand")
    same(tier(p, "user=g"), None, "a second revoke counts as well")
    says(p.cli("revoke", "--user", "g"), 1, "nothing is left to revoke",
         "nothing of theirs gives access")
    says(p.cli("revoke", "--user", "u1"), 0, "revoke what was bought")
    same(tier(p, "user=u1"), None, "gone at once")
    says(p.cli("revoke", "--user", "u1", "--undo"), 0, "revoke --undo")
    same(tier(p, "user=u1"), "supporter", "back at once")
    says(p.cli("rebuild", "--diff"), 0, "a rebuild says the same")


def leaked():
    """A token that leaked: what it let in is taken out of account."""
    p = Place()
    p.run()
    deliver(p, sale(1), token=1)
    cut = until(lambda: int(time.time()) > p.one(
        "SELECT max(received_at) FROM events") and int(time.time()),
        "the next second")
    deliver(p, sale(2), token=1)
    deliver(p, sale(3))
    made = hashlib.sha256(p.tokens[1].encode()).hexdigest()[:12]
    same(p.rows("SELECT verified_by = ? FROM events ORDER BY id", made),
         [(1,), (1,), (0,)], "events say which token")

    def all_tiers():
        return [tier(p, "user=u%d" % n) for n in (1, 2, 3)]
    same(all_tiers(), ["supporter"] * 3, "all three")
    says(p.cli("void", "--by", made, "--since", date(cut)), 0, "void --by")
    same(all_tiers(), ["supporter", None, "supporter"],
         "the one since then is out")
    deliver(p, sale(2), "duplicate", 1, "sent again: a duplicate")
    same(tier(p, "user=u2"), None, "and still out")
    says(p.cli("void", "--by", made, "--since", date(cut), "--undo"), 0,
         "void --undo")
    same(all_tiers(), ["supporter"] * 3, "and back")
    says(p.cli("void", "--by", "0" * 12, "--since", date(0)), 1,
         "void: of no such token", "no delivery")
    says(p.cli("rebuild", "--diff"), 0, "a rebuild says the same")


def tests_cleared():
    """What was tried before the start, out of account at once."""
    p = Place()
    p.run()
    deliver(p, sale(1))
    member = replaced(fixture("gumroad/04-sale-membership-tier-monthly"),
                      ("sale_timestamp", date(time.time() - 86400)))
    deliver(p, member)
    real = p.rows("SELECT sale FROM purchases ORDER BY sale")
    says(p.cli("void", "--tests"), 1, "no tests yet", "no delivery")
    # a test purchase in a real subscription, and its refund
    for more in ((), (("resource_name", "refund"), ("refunded", "true"))):
        deliver(p, replaced(member, ("sale_id", "TestSale=="), *more) +
                b"&test=true")
    for event in ("gumroad.sale", "gumroad.renewal", "gumroad.refund",
                  "gank.membership", "gank.goods"):
        says(p.cli("trigger", event), 0, "trigger " + event)
    says(p.cli("trigger", "gumroad.cancellation", "--set", "subscription_id=" +
               p.one("SELECT max(subscription) FROM purchases WHERE test = 1 "
                     "AND sale <> 'TestSale==' AND platform = 'gumroad'")),
         0, "trigger gumroad.cancellation")
    ok(p.one("SELECT count(*) FROM purchases WHERE test = 1") >= 4,
       "there are test purchases")
    says(p.cli("void", "--tests", "1"), 2, "--tests and a number", "or --tests")
    says(p.cli("void", "--tests", "--undo"), 2, "--tests, --undo", "numbers")
    says(p.cli("void", "--tests"), 0, "void --tests", "void subscription:")
    same(p.rows("SELECT sale FROM purchases ORDER BY sale"), real,
         "what was really bought stays, and nothing else")
    same(tier(p, "user=u1"), "supporter", "and gives what it gave")
    same(tier(p, "email=superdmsapp@example.com"), "influencer",
         "a subscription with a test in it, too")
    same(p.one("SELECT count(*) FROM subscriptions"), 1, "no other is left")
    says(p.cli("void", "--tests"), 1, "once more: nothing", "no delivery")
    says(p.cli("rebuild", "--diff"), 0, "a rebuild says the same")
    says(p.cli("void", "3", "--undo"), 0, "one counts again")
    same(p.one("SELECT sale FROM purchases WHERE test = 1"), "TestSale==",
         "it is back")


def replayed():
    """A wrong seller_id keeps sales; put right, they are replayed."""
    p = Place()
    text = p.conf.read_text()
    p.conf.write_text(text.replace("gumroad {\n", "gumroad {\n"
                                   "  seller_id = 'Somebody=='\n"))
    child = p.run()
    deliver(p, sale(1), "kept")
    deliver(p, b"seller_id=0GtN2dF0VQgG6Plx3DI8Zw%3D%3D&what=is+this", "kept")
    same(tier(p, "user=u1"), None, "kept: no access")
    says(p.cli("replay", "--status", "kept"), 1, "replay: as wrong as before",
         "0 applied, 2 not")
    stop(child)
    p.conf.write_text(text.replace(
        "gumroad {\n",
        "gumroad {\n  seller_id = '0GtN2dF0VQgG6Plx3DI8Zw=='\n"))
    p.run()
    says(p.cli("replay", "--status", "kept"), 1, "replay, put right",
         "1 applied, 1 not")
    same(tier(p, "user=u1"), "supporter", "replayed: access")
    deliver(p, sale(1), "duplicate", name="its retry is a duplicate")
    same(p.rows("SELECT status FROM events ORDER BY id"),
         [("applied",), ("kept",)], "the other one stays kept")


def moved():
    """A delivery that moves a sale to another subscription: void and --undo
    move it back and forth, and a link stays with the sale."""
    p = Place(tiers="")

    def buy(subscription, more=""):
        a = p.cgi("POST", hook(p), (
            "sale_id=S1&sale_timestamp=2026-01-01T00:00:00Z&permalink=app&"
            "subscription_id=%s&recurrence=yearly&resource_name=sale%s"
            % (subscription, more)).encode(), FORM)
        same(a.status, 200, "a delivery")
        return a.event()

    def where():
        return p.rows("SELECT p.subscription, p.user_ref, s.subscription "
                      "FROM purchases p, subscriptions s")

    buy("M1")
    p.cli("link", "S1", "--user", "42")
    came = p.one("SELECT max(received_at) FROM events")
    until(lambda: int(time.time()) > came, "another second")
    second = buy("M2", "&email=a@example.org")
    same(where(), [("M2", "42", "M2")], "the one sent last speaks")
    p.cli("void", str(second))
    same(where(), [("M1", "42", "M1")], "voided: back")
    p.cli("void", "--undo", str(second))
    same(where(), [("M2", "42", "M2")], "and there again")
    p.cli("unlink", "S1")
    same(where(), [("M2", None, "M2")], "the link is taken back")
    same(p.cli("rebuild", "--diff").returncode, 0, "a rebuild agrees")


def unmatched():
    """check goes by the tiers as they are, also before a rebuild."""
    p = Place(tiers="")

    def cgi(body):
        a = p.cgi("POST", hook(p), body, FORM)
        same(a.status, 200, "a delivery")

    def check():
        lines = p.cli("check").stdout.decode().splitlines()
        return [" ".join(x.split()) for x in lines if "'gumroad/" in x], any(
            "rebuild is outstanding" in x for x in lines)

    # ids stay, names do not
    pencil = "'gumroad/v1vjcPFfI4oFYqTFwRF-EQ==', # Pencil, renamed, 2 sold"
    dms = "'gumroad/pMDAvC-WBqyL9S6m2peVfQ==/%s', # SuperDMs Subscription, " \
        "1 sold"
    cgi(sale(1))
    cgi(replaced(sale(2), ("product_name", "Pencil, renamed"),
                 ("permalink", "pencil2"),
                 ("sale_timestamp", "2026-03-02T09:15:02Z")))
    cgi(replaced(fixture("gumroad/04-sale-membership-tier-monthly"),
                 ("sale_timestamp", date(int(time.time()) - 86400))))
    p.cli("work", "--once")
    same(check(), ([pencil, dms % "Influencer"], False),
         "what no grant matches, each once")
    p.configure(tiers="tier 'x' { grants = { %s } }\n" % pencil.split(",")[0])
    same(check(), ([dms % "Influencer"], True),
         "a grant that is in the settings is not asked for")
    p.cli("work", "--once")
    same(check(), ([dms % "Influencer"], False), "nor after work --once")
    cgi(replaced(fixture("gumroad/43-subscription-updated-upgrade"),
                 ("effective_as_of", date(int(time.time())))))
    same(check()[0], [dms % "Agency"],
         "after an upgrade the new plan, and not the old one as well")


def unmatched_names():
    """What is pasted fits, whatever the names hold."""
    p = Place(tiers="")
    membership = fixture("gumroad/04-sale-membership-tier-monthly")
    now = date(int(time.time()) - 60)

    def cgi(n, *pairs, more=b""):
        body = more + replaced(membership, ("sale_id", "S%d" % n),
                               ("subscription_id", "U%d" % n),
                               ("sale_timestamp", now), *pairs)
        same(p.cgi("POST", hook(p), body, FORM).status, 200, "a delivery")

    def check():
        lines = p.cli("check").stdout.decode().splitlines()
        return [" ".join(x.split()) for x in lines if "'gumroad/" in x]
    cgi(1, ("variants%5BTier%5D", "A/B 100%"), ("product_name", "x\n# 'y'"))
    cgi(2, ("variants%5BTier%5D", "Pro"), more=b"variants[Version]=L&")
    cgi(3, ("product_id", ""), ("variants%5BTier%5D", "No id"))
    cgi(4, ("product_name", "Typed"), ("variants%5BTier%5D", "Seen"),
        more=b"custom_fields[product_name]=Typed&")
    lines = check()
    same(lines, [
        "'gumroad/pMDAvC-WBqyL9S6m2peVfQ==/A%2FB 100%25', "
        "# x\\n# 'y', 1 sold",
        "'gumroad/pMDAvC-WBqyL9S6m2peVfQ==/Pro', # SuperDMs Subscription, "
        "1 sold", "'gumroad/superdms/No id', # 1 sold",
        "'gumroad/pMDAvC-WBqyL9S6m2peVfQ==/Seen', # 1 sold"], "the lines")
    p.configure(tiers="tier 'x' { grants = {\n%s\n} }\n" % "\n".join(lines))
    p.cli("work", "--once")
    same(check(), [], "pasted with their comments, they match")
    same(p.rows("SELECT DISTINCT tier FROM purchases"), [("x",)], "all")


# ---- leaving -----------------------------------------------------------------

def holding(p, *words):
    """Which of the database's files hold one of the words."""
    found = []
    for path in sorted(p.dir.glob(p.db.name + "*")):
        data = path.read_bytes().lower()
        found += [(path.name, w) for w in words if w.lower() in data]
    return found


def erased():
    p = Place()
    p.run()
    for n in range(1, 30):
        deliver(p, sale(n), name="sale %d" % n)
    deliver(p, replaced(sale(5), ("resource_name", "refund"),
                        ("refunded", "true")), name="its refund")
    words = b"calvin5@", b"calvin5%40"
    ok(holding(p, *words), "the address is in the files")
    says(p.cli("erase", "--email", "calvin5@example.com"), 0, "erase",
         "2 deliveries of 1 subjects")
    same(holding(p, *words), [], "no file holds the address")
    a = p.direct("GET", "/v1/access?email=calvin5@example.com",
                 headers=p.bearer())
    same((a.status, a.json().get("tier")), (200, None), "they are unknown")
    same(tier(p, "email=calvin6@example.com"), "supporter",
         "the others are not")
    deliver(p, sale(5) + b"&retry_count=1", "duplicate",
            name="a retry of what was erased: duplicate")
    deliver(p, sale(30), name="the server takes new sales")
    same(holding(p, *words), [], "still no file holds the address")
    same(p.one("SELECT count(*) FROM purchases"), 30, "sums stay")
    ok(p.is_sound(), "the database is sound")
    says(p.cli("rebuild", "--diff"), 0, "a rebuild says the same")
    says(p.cli("erase", "--email", "calvin5@example.com"), 1,
         "erase again: nobody", "nothing here names them")
    p.check_logs("calvin5@example.com")


# ---- for a person ------------------------------------------------------------

def explained():
    """What a mail to a buyer needs."""
    p = Place(accept_test=False)
    p.run()
    now = int(time.time())
    deliver(p, replaced(sale(1), ("sale_timestamp", date(now - 86400))))
    deliver(p, replaced(sale(1), ("sale_timestamp", date(now - 86400)),
                        ("resource_name", "refund"), ("refunded", "true")))
    says(p.cli("explain", "--user", "u1"), 1, "explain: refunded",
         "has no tier", "when it was refunded in full",
         "was refunded in full on " + date(now)[:10],
         "access by this sale ended then", "note: 1 purchase: refunded")
    end = now + 20 * 86400
    deliver(p, replaced(
        fixture("gumroad/04-sale-membership-tier-monthly"),
        ("sale_timestamp", date(now - 10 * 86400))))
    deliver(p, replaced(fixture("gumroad/38-cancellation-by-buyer-future"),
                        ("cancelled_at", date(end))))
    a = p.cli("explain", "--email", "superdmsapp@example.com")
    says(a, 0, "explain: cancelled", "cancelled", "influencer",
         "the end of the paid period, as the subscription was cancelled",
         "Cancelled for %s" % date(end)[:10],
         "access ends then with the paid period, no grace")
    deliver(p, sale(3, b"&test=true"))
    says(p.cli("explain", "--user", "u3"), 1, "explain: a test buyer",
         "has no tier", "A test purchase", "accept_test is off",
         "note: 1 purchase: a test")
    p.cli("grant", "--user", "g1", "--tier", "supporter")
    until(lambda: time.time() >= p.one(
        "SELECT max(since) + 1 FROM purchases WHERE platform = 'manual'"),
        "the next second")
    p.cli("revoke", "--user", "g1")
    a = p.cli("explain", "--user", "g1")
    says(a, 1, "explain: a grant by hand", "Granted by hand",
         "note: 1 grant by hand: revoked by hand",
         "Revoked by hand: what was granted ended on")
    ok(not re.search(rb"purchase|sale|sold", a.stdout),
       "it is called no purchase", a.stdout)
    for user in ("u1", "u3"):
        a = p.cli("explain", "--user", user, "--json")
        got = json.loads(a.stdout)
        ok(got["access"]["tier"] is None and got["subjects"] and all(
            e["says"] for s in got["subjects"] for e in s["events"]),
           "explain --json: " + user, a)


def exported():
    """CSV that Python reads back, and no cell a spreadsheet would run."""
    p = Place()
    p.run()
    names = ["=1+1", "+1", "-1", "@SUM(1)", "plain", "a \"b\", c",
             "two\nlines", "=\"x\",\n1", "'=1", ""]
    for n, name in enumerate(names):
        deliver(p, replaced(sale(n), ("product_name", name)),
                name="sold: " + repr(name))
    a = p.cli("export", "purchases")
    rows = list(csv.DictReader(io.StringIO(a.stdout.decode(), newline="")))
    same(a.returncode, 0, "export purchases")
    got = {r["user_ref"]: r["product_name"] for r in rows}
    same(got, {"u%d" % n: ("'" if name[:1] in "=+-@" and name else "") + name
               for n, name in enumerate(names)},
         "apostrophes before = + - @, all else as it was")
    columns = [r[1] for r in p.rows("PRAGMA table_info(purchases)")]
    ok(rows and set(rows[0]) <= set(columns) | {None} and
       None not in rows[0], "a header, and as many cells in each row",
       (rows[:1], columns))
    for kind in ("subscriptions", "members", "events"):
        a = p.cli("export", kind)
        rows = list(csv.reader(io.StringIO(a.stdout.decode(), newline="")))
        ok(a.returncode == 0 and rows and
           len({len(r) for r in rows}) == 1, "export " + kind, a)
        bad = [c for r in rows[1:] for c in r if c[:1] in ("=", "+", "-", "@")]
        same(bad, [], "export %s: nothing to run" % kind)


main(rebuilt, expiry, expiry_cgi, idle, links, links_email, by_hand, leaked,
     tests_cleared, replayed, moved, unmatched, unmatched_names, erased,
     explained, exported)
