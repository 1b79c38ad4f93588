#!/usr/bin/env python3
"""gatepost sql, and every example of gatepost-sql(7) on a shop with a history.

What each example has to answer is worked out here from the story told, not
from the rows.
"""

import sys
sys.dont_write_bytecode = True
import calendar
import csv
import json
import os
import pty
import pwd
import re
import shutil
import subprocess
import time
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote, urlencode

import lib
from lib import (CTL_PROGRAM, FORM, LIMIT, TOP, Place, fixture, gank_headers,
                 main, ok, same, skip)

PAGE = TOP / "src/store/gatepost-sql.7"
DAY = 86400
GRACE = 7 * DAY
EVER = 1 << 40
MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}


# ---- the page ----------------------------------------------------------------

def examples():
    """{name: text} of what the page shows literally."""
    text = PAGE.read_text()
    found = re.findall(r'^\.\\" example: (\S+)\n\.Bd -literal[^\n]*\n(.*?)'
                       r'^\.Ed$', text, re.M | re.S)
    blocks = len(re.findall(r"^\.Bd -literal", text, re.M))
    # all but the first, which opens the prompt
    same(len(found), blocks - 1, "every example of the page has a name")
    return {name: body.replace(r"\e", "\\") for name, body in found}


# ---- the story ---------------------------------------------------------------

def stamp(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def text(t):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(t))


def month(t):
    return time.strftime("%Y-%m", time.gmtime(t))


def months_later(t, n):
    d = datetime.fromtimestamp(t, timezone.utc)
    year, at = divmod(d.year * 12 + d.month - 1 + n, 12)
    day = min(d.day, calendar.monthrange(year, at + 1)[1])
    return calendar.timegm((year, at + 1, day, d.hour, d.minute, d.second))


def month_begin(t, back=0):
    d = datetime.fromtimestamp(t, timezone.utc)
    year, at = divmod(d.year * 12 + d.month - 1 - back, 12)
    return calendar.timegm((year, at + 1, 1, 0, 0, 0))


class Sale:
    def __init__(self, who, sold, price, product="pencil",
                 title="Pencil Icon PSD", sub=None, recurrence=None,
                 user=None, variant=None, preorder=False, test=False):
        self.__dict__.update(locals())
        self.email = who + "@example.com"
        self.id = "Esql-%s-%d==" % (who, sold)
        self.refunded = self.disputed = False
        self.until = None
        if sub:
            self.until = months_later(sold, MONTHS[recurrence]) + GRACE
        self.tier = product
        if product == "pencil":
            self.tier = "supporter"
        if variant == "Influencer":
            self.tier = "influencer"

    def counts(self):
        return not self.preorder and not self.test

    def body(self, resource="sale", **more):
        name = "04-sale-membership-tier-monthly" if self.sub else (
            "01-sale-onetime")
        fields = dict(parse_qsl(fixture("gumroad/" + name).decode(),
                                keep_blank_values=True))
        fields.update(sale_id=self.id, email=self.email, price=self.price,
                      permalink=self.product, product_name=self.title,
                      sale_timestamp=stamp(self.sold),
                      resource_name=resource)
        fields.pop("variants[Tier]", None)
        if self.variant:
            fields["variants[Tier]"] = self.variant
        if self.sub:
            fields.update(subscription_id=self.sub, recurrence=self.recurrence,
                          purchaser_id="1" + str(len(self.who)),
                          license_key="L-" + self.sub)
        if self.user:
            fields["url_params[user_id]"] = self.user
        if self.preorder:
            fields["is_preorder_authorization"] = "true"
        if self.test:
            fields["test"] = "true"
        fields.update(more)
        return urlencode(fields, quote_via=quote).encode()


class Story:
    def __init__(self, p):
        self.p = p
        self.now = now = int(time.time())
        begin, before = month_begin(now), month_begin(now, 1)
        plan = dict(product="superdms", title="SuperDMs Subscription",
                    variant="Influencer", recurrence="monthly")
        year = dict(plan, recurrence="yearly")
        # the first second of a month, and the last of the one before
        self.sales = s = [
            Sale("ana", begin, 1000, user="42"),
            Sale("ana", begin - 1, 1500),
            Sale("bob", now - 40 * DAY, 4900, sub="S1==", user="2", **plan),
            Sale("bob", now - 10 * DAY, 4900, sub="S1==", user="2", **plan),
            Sale("cyd", now - 100 * DAY, 12000, sub="S2==", **year),
            Sale("dan", now - 33 * DAY, 4900, sub="S3==", **plan),
            Sale("fay", before - 20 * DAY, 4900, sub="S4==", **plan),
            Sale("gil", now - 5 * DAY, 4900, sub="S5==", **plan),
            Sale("hal", begin - 40 * DAY, 2500),
            Sale("ivy", now - 60, 900),
            Sale("kim", now - 70, 9900, "c-course", "C for Curious People"),
            Sale("pat", now - 80, 9700, "c-course", "C for Curious People",
                 preorder=True),
            Sale("jon", now - 90, 7777, "c-course", "C for Curious People",
                 user="43", test=True),
            Sale("joy", now - 91, 7777, test=True),
            Sale("jed", now - 92, 7777, test=True),
            Sale("jan", now - 33 * DAY, 7700, sub="T1==", test=True, **plan),
            Sale("jil", before - 20 * DAY, 7700, sub="T2==", test=True,
                 **plan),
            Sale("dan", now - 63 * DAY, 4900, sub="S3==", **plan),
            Sale("fay", before - 50 * DAY, 4900, sub="S4==", **plan),
            Sale("gil", now - 34 * DAY, 4900, sub="S5==", **plan),
            # instalments, the last of which was paid
            Sale("lea", before - 20 * DAY, 4900, sub="S9==", **plan),
            Sale("lea", before + 2 * DAY, 4900, sub="S9==", **plan),
        ]
        for sale in s:
            self.gumroad(sale.body())
            # the next sale of a subscription ends the one before
            later = [t.sold for t in s if t.sub and t.sub == sale.sub and
                     t.sold > sale.sold]
            if later:
                sale.until = min(later)
        by = {sale.who: sale for sale in sorted(s, key=lambda x: x.sold)}
        by["hal"].refunded = by["ivy"].disputed = True
        self.gumroad(by["hal"].body("refund", refunded="true"))
        self.gumroad(by["joy"].body("refund", refunded="true"))
        self.gumroad(by["ivy"].body("dispute", disputed="true"))
        self.gumroad(by["kim"].body("refund", refunded="false"))
        # of another sale, as JSON
        fields = dict(parse_qsl(by["cyd"].body("refund").decode()))
        self.gumroad(json.dumps({**fields, "refunded": False}).encode())
        self.cancelled_at = now + 20 * DAY
        self.other("38-cancellation-by-buyer-future", subscription_id="S5==",
                   cancelled_at=stamp(self.cancelled_at))
        by["gil"].until = self.cancelled_at
        self.other("46-subscription-ended-cancelled", subscription_id="S9==",
                   ended_reason="fixed_subscription_period_ended",
                   recurrence="", ended_at=stamp(now - DAY // 2))
        by["lea"].until = None
        # of a sale that never came
        unseen = Sale("una", now - 20 * DAY, 4900, sub="S8==", **plan)
        self.gumroad(unseen.body("dispute", disputed="true"))
        self.unseen = unseen
        self.gumroad(fixture("gumroad/a-repeated-key"), "kept")
        self.gumroad(fixture("gumroad/27-test-ping-button"), "test")
        for name in ("um-documented", "dg-documented"):
            body = fixture("gank/" + name)
            a = p.direct("POST", "/hooks/gank", body,
                         gank_headers(body, p.secrets[0]))
            if a.word() != "recorded":
                raise RuntimeError(repr(a))
        for tier in ("supporter", "gold"):
            p.cli("grant", "--user", "boss", "--tier", tier)
        self.by = by

    def other(self, name, **more):
        """A delivery that is about a subscription, not a sale."""
        fields = dict(parse_qsl(fixture("gumroad/" + name).decode(),
                                keep_blank_values=True))
        fields.update(more)
        self.gumroad(urlencode(fields, quote_via=quote).encode())

    def gumroad(self, body, word="recorded"):
        a = self.p.direct("POST", "/hooks/gumroad/" + self.p.tokens[0], body,
                          FORM)
        if a.word() != word:
            raise RuntimeError("%r: %r" % (body, a))

    def counted(self):
        return [s for s in self.sales if s.counts()]

    def memberships(self):
        """(first since, last until) of each Gumroad subscription."""
        out = {}
        for s in self.counted():
            if s.sub:
                since, end = out.get(s.sub, (s.sold, 0))
                out[s.sub] = (min(since, s.sold), max(end, s.until or EVER))
        return out

    def newest(self, sub):
        return max((s for s in self.sales if s.sub == sub),
                   key=lambda s: s.sold)


def money(cents):
    return "%.2f" % (cents / 100)


# ---- what the examples have to answer ----------------------------------------

GANK_TITLE = "Test Membership! <>&..."
GOODS_TITLE = "Test Listing 26/02/27T10:14!"


def open_now(st):
    return [s for s in st.counted() if not s.refunded and not s.disputed and
            (s.until is None or s.until > st.now)]


def want_now(st, rows):
    got = sorted((r["user_ref"] or "", r["email"] or "", r["tier"])
                 for r in rows)
    want = [(s.user or "", s.email, s.tier) for s in open_now(st)]
    want += [("", "", "supporter"), ("", "", "influencer"),
             ("boss", "", "supporter"),
             ("boss", "", "gold"), ("43", "jon@example.com", "c-course"),
             ("", "jan@example.com", "influencer"),
             ("", "jed@example.com", "supporter")]
    ends = [r["until"] or "9999" for r in rows]
    return (got, ends), (sorted(want), sorted(ends))


def want_tiers(st, rows):
    want = {}
    for _, tier in {(s.user or s.email, s.tier) for s in open_now(st)} | {
            ("gank1", "supporter"), ("gank2", "influencer"),
            ("boss", "supporter"), ("boss", "gold"), ("43", "c-course"),
            ("jan", "influencer"), ("jed", "supporter")}:
        want[tier] = want.get(tier, 0) + 1
    return {r["tier"]: r["people"] for r in rows}, want


def want_new(st, rows):
    want = {month(st.now): 1}  # Gank's
    for since, _ in st.memberships().values():
        want[month(since)] = want.get(month(since), 0) + 1
    months = [r["month"] for r in rows]
    return ({r["month"]: r["members"] for r in rows}, months), (
        want, sorted(want, reverse=True))


def want_lapsing(st, rows):
    ends = st.newest("S3==").until
    return [list(r.values()) for r in rows], [
        [None, "dan@example.com", "gumroad", "influencer", text(ends)]]


def want_lapsed(st, rows):
    ends = st.newest("S4==").until
    want = [("fay@example.com", text(ends))]
    return [(r["email"], r["ended"]) for r in rows], want


def want_cancelled(st, rows):
    gil = st.by["gil"]
    return [list(r.values()) for r in rows], [
        [None, gil.email, "influencer", text(gil.sold), text(st.cancelled_at)]]


def want_churn(st, rows):
    begin, end = month_begin(st.now, 1), month_begin(st.now)
    ran = [u for since, u in st.memberships().values()
           if since < begin <= u]
    lost = [u for u in ran if u < end]
    return [list(r.values()) for r in rows], [
        [len(ran), len(lost), "%.1f %%" % (100 * len(lost) / len(ran))]]


def want_month(st, rows):
    sold = [s.price for s in st.counted() if month(s.sold) == month(st.now)]
    back = st.by["hal"].price + st.by["ivy"].price
    return [list(r.values()) for r in rows], [
        ["gank", None, 2, "0.00", "0.00", "0.00"],
        ["gumroad", "USD", len(sold), money(sum(sold)), money(back),
         money(sum(sold) - back)]]


def want_recurring(st, rows):
    last = [st.newest(sub) for sub, (_, end) in st.memberships().items()
            if st.now < end < EVER and sub != "S5=="]
    total = sum(s.price / MONTHS[s.recurrence] for s in last)
    return [list(r.values()) for r in rows], [["USD", len(last),
                                               money(total)]]


def want_best(st, rows):
    found = {}
    for s in st.counted():
        if not s.refunded and not s.disputed:
            found.setdefault((s.title, s.variant), []).append(s.price)
    want = [["gumroad", *key, len(prices), money(sum(prices)), "USD"]
            for key, prices in sorted(found.items(),
                                      key=lambda f: -sum(f[1]))]
    gank = [["gank", title, None, 1, "0.00", None]
            for title in (GANK_TITLE, GOODS_TITLE)]
    got = [list(r.values()) for r in rows]
    return (got[:-2], sorted(got[-2:], key=str)), (
        want, sorted(gank, key=str))


def want_refunds(st, rows):
    got = {r["email"]: (r["sale"], r["price"], bool(r["refunded"]),
                        bool(r["disputed"]), r["won"]) for r in rows}
    hal, ivy = st.by["hal"], st.by["ivy"]
    return got, {hal.email: (hal.id, 25.0, True, False, None),
                 ivy.email: (ivy.id, 9.0, False, True, None),
                 st.unseen.email: (st.unseen.id, 49.0, False, True, None)}


def want_partial(st, rows):
    return [(r["sale"], r["email"]) for r in rows], [
        (s.id, s.email) for s in (st.newest("S2=="), st.by["kim"])]


def want_purchases(st, rows):
    mine = sorted((s for s in st.sales if s.who == "ana"),
                  key=lambda s: s.sold)
    return [list(r.values()) for r in rows], [
        [text(s.sold), s.title, None, s.price / 100, "USD", s.tier, None, 0]
        for s in mine]


def want_deliveries(st, rows):
    return [(r["id"], r["kind"], r["status"], r["seen"]) for r in rows], [
        (1, "sale", "applied", 1), (2, "sale", "applied", 1)]


def want_changes(st, rows):
    return [(r["before"] or "", r["after"], r["event"]) for r in rows][:1], [
        ("", "supporter", 1)]


def want_buyers(st, rows):
    want = {}
    for s in st.counted():
        if s.product == "pencil" and not s.refunded:
            times, last = want.get(s.email, (0, 0))
            want[s.email] = (times + 1, max(last, s.sold))
    return [list(r.values()) for r in rows], [
        [email, times, text(last)] for email, (times, last) in sorted(
            want.items(), key=lambda f: -f[1][1])]


def want_unmatched(st, rows):
    return [list(r.values()) for r in rows], [
        ["gumroad", "c-course", "C for Curious People", None, 1]]


def want_kept(st, rows):
    return [(r["platform"], r["kind"], r["reason"]) for r in rows], [
        ("gumroad", "sale", "repeated_key")]


def want_kinds(st, rows):
    got = {(r["platform"], r["kind"], r["status"]): r["deliveries"]
           for r in rows}
    want = {("gumroad", "sale", "applied"): len(st.sales),
            ("gumroad", "refund", "applied"): 4,
            ("gumroad", "dispute", "applied"): 2,
            ("gumroad", "cancellation", "applied"): 1,
            ("gumroad", "subscription_ended", "applied"): 1,
            ("gumroad", "sale", "kept"): 1,
            ("gank", "membership", "applied"): 1,
            ("gank", "goods", "applied"): 1}
    return {k: v for k, v in got.items() if k in want or
            k[0] == "gank"}, want


def want_body(st, rows):
    return [list(r.values()) for r in rows], [[st.sales[11].body().decode()]]


def questions():
    """Each question of the page, as sqlite3 answers it."""
    p = Place(accept_test=True)
    p.run()
    st = Story(p)
    shown = examples()
    wants = {name[5:]: f for name, f in globals().items()
             if name.startswith("want_")}
    asked = {n for n, sql in shown.items() if not sql.startswith("$ ")}
    same(sorted(asked), sorted(wants), "each question has its answer here")
    for name in sorted(asked & set(wants)):
        a = subprocess.run(["sqlite3", "-readonly", "-json", str(p.db),
                            shown[name]], capture_output=True, timeout=LIMIT)
        rows = json.loads(a.stdout or b"[]") if a.returncode == 0 else None
        if rows is None:
            ok(False, name, a.stderr.decode())
            continue
        got, want = wants[name](st, rows)
        same(got, want, name)
        ok(rows, name + ": not empty")
    empty(shown["churn"])
    commands(p, st, {n: s for n, s in shown.items() if n not in asked})


def empty(churn):
    """A shop that nobody was a member of yet."""
    p = Place()
    a = subprocess.run(["sqlite3", "-readonly", str(p.db), churn],
                       capture_output=True, timeout=LIMIT)
    same(a.stdout, b"0|0|nobody was there\n", "churn of an empty shop")


def commands(p, st, shown):
    """The page's command lines, by a shell."""
    bin_dir = p.dir / "bin"
    bin_dir.mkdir()
    (bin_dir / "gatepost").symlink_to(CTL_PROGRAM)
    env = {"PATH": "%s:%s" % (bin_dir, os.environ["PATH"]),
           "HOME": str(p.dir), "GATEPOST_CONFIG": str(p.conf)}

    def shell(name, more=""):
        script = re.sub(r"^\$ ", "", shown.pop(name), flags=re.M)
        a = subprocess.run(["sh", "-ec", script + more], cwd=p.dir, env=env,
                           capture_output=True, timeout=LIMIT)
        ok(a.returncode == 0 and not a.stderr, name + ": runs", a)
        return a.stdout.decode()
    out = shell("argument")
    same(len(out.splitlines()), p.one("SELECT count(*) FROM purchases"),
         "a line for each purchase")
    shell("csv")
    with open(p.dir / "members.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    same(sorted(r["email"] for r in rows),
         sorted(e or "" for e, in p.rows("SELECT email FROM members")),
         "the file for spreadsheets")
    same(sorted(str(r["user_ref"]) for r in json.loads(shell("json"))),
         sorted(str(u) for u, in p.rows("SELECT user_ref FROM members")),
         "JSON")
    same(shell("script", 'echo "$n"'), "1\n", "a number for a script")
    same(shown, {}, "no other command lines")


# ---- gatepost sql ------------------------------------------------------------

def command():
    lib.needs_file("sqlite3")
    p = Place()
    p.run()
    p.cli("trigger", "gumroad.sale", "--set", "url_params[user_id]=42")
    before = p.dump()

    def run(*words, data=b"", code=0, **options):
        a = p.cli("sql", *words, data=data, **options)
        same(a.returncode, code, "exit %d: sql %s" % (code, " ".join(words)))
        return a.stdout.decode(), a.stderr.decode()
    ask = "SELECT id, kind FROM events"
    same(run(ask), ("1|sale\n", ""), "plain lines where no terminal is")
    same(json.loads(run("--json", ask)[0]), [{"id": 1, "kind": "sale"}],
         "--json")
    same(run("--", "-csv", "-header", ask)[0].split(), ["id,kind", "1,sale"],
         "options of sqlite3")
    same(run(ask, "SELECT 7")[0], "1|sale\n7\n", "two at once")
    same(run(data=b"SELECT 5;\n")[0], "5\n", "from standard input")
    quoted = "$(touch %s/no); `touch %s/no`" % (p.dir, p.dir)
    same(run("SELECT '%s'" % quoted)[0], quoted + "\n", "no shell reads it")
    ok(not (p.dir / "no").exists(), "nor runs it")
    ok("syntax error" in run("nonsense", code=1)[1], "sqlite3 says why")
    for sql in ("DELETE FROM events", "DROP TABLE meta",
                "CREATE TABLE x (y)", "PRAGMA user_version = 7"):
        ok("readonly" in run(sql, code=8)[1], "refused: " + sql)
    same(p.dump(), before, "nothing was changed")
    (p.dir / ".sqliterc").write_text(".timer on\n.mode line\n")
    same(run(ask, env={**os.environ, "HOME": str(p.dir)})[0], "1|sale\n",
         "whatever ~/.sqliterc says")
    with_terminal(p, ask)
    same(run(code=3, env={"PATH": "/nowhere"})[1],
         "gatepost: sqlite3 is not installed: apt-get install sqlite3\n",
         "without sqlite3")
    run(*["SELECT 1"] * 64, code=2)


def with_terminal(p, ask):
    """A table on a terminal; a prompt that says what the columns hold."""
    for words, data, wanted in (
            ([ask], b"", ["┌", "│ 1  │ sale │"]),
            ([], b"SELECT 6 AS six;\n.quit\n",
             ["unix seconds", "gatepost-sql(7)", "│ 6   │"])):
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(LC_ALL="C.UTF-8", HOME=str(p.dir / "none"))
            os.execv(CTL_PROGRAM, [str(CTL_PROGRAM), "-c", str(p.conf),
                                   "sql", *words])
        os.write(fd, data)
        out = b""
        while True:
            try:
                piece = os.read(fd, 4096)
            except OSError:
                break
            if not piece:
                break
            out += piece
        same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0,
             "on a terminal: exit 0")
        os.close(fd)
        for word in wanted:
            ok(word in out.decode(errors="replace"),
               "on a terminal: " + word, out)


def refusals():
    p = Place()
    for database, code, text in (
            # without psql(1) that is said; with it, it finds no such host
            ("postgresql://me:hunter2@db.invalid/gatepost",
             2 if shutil.which("psql") else 3, "psql"),
            ("absent.db", 3, "no database there")):
        p.configure(database=database)
        a = p.cli("sql", "SELECT 1")
        out = a.stderr.decode()
        ok(a.returncode == code and text in out and "hunter2" not in out,
           "database = '%s'" % database.split(":")[0], a)
    ok(not (p.dir / "absent.db").exists(), "asking makes no database")


def owners():
    """Whoever reads, the owner's program can still write."""
    lib.needs_file("sqlite3")
    if os.getuid() != 0:
        skip("owners", "not root")
        return
    p = Place()
    # the build may stand where others cannot go
    program = p.dir / "gatepost"
    shutil.copy(CTL_PROGRAM, program)
    program.chmod(0o755)
    owner, other = (pwd.getpwnam(n) for n in ("daemon", "nobody"))

    def own(mode):
        os.chown(p.dir, owner.pw_uid, other.pw_gid)
        p.dir.chmod(mode)
        for f in p.dir.iterdir():
            if f.is_file() and f != program:
                os.chown(f, owner.pw_uid, other.pw_gid)
                f.chmod(0o660)
        p.conf.chmod(0o640)

    def run_as(who, *words):
        return subprocess.run(
            [str(program), "-c", str(p.conf), *words], cwd="/",
            user=who.pw_uid, group=who.pw_gid, extra_groups=[],
            capture_output=True, timeout=LIMIT)
    own(0o770)
    files = [p.dir / ("gatepost.db" + end) for end in ("-wal", "-shm")]
    for f in files:
        f.unlink(missing_ok=True)
    a = p.cli("sql", "SELECT count(*) FROM events")
    same(a.stdout, b"0\n", "root reads what nobody has open")
    same([f.stat().st_uid for f in files], [owner.pw_uid] * 2,
         "what that makes is the owner's")
    a = run_as(owner, "trigger", "gumroad.sale")
    same(a.returncode, 0, "who can write")
    for f in files:
        f.unlink(missing_ok=True)
    a = run_as(other, "sql", "SELECT count(*) FROM events")
    ok(a.returncode == 3 and b"run this as its owner" in a.stderr,
       "another user who could make them is told", a)
    same([f.exists() for f in files], [False] * 2, "and makes none")
    same(run_as(owner, "trigger", "gumroad.sale").returncode, 0,
         "the owner writes on")
    same(run_as(owner, "sql", "SELECT count(*) FROM events").stdout, b"2\n",
         "and reads")


main(questions, command, refusals, owners)
