#!/usr/bin/env python3
"""Other versions: what an older one left behind is taken over whole, what a
newer one made is left alone."""

import sys
sys.dont_write_bytecode = True
import re
import sqlite3

from lib import (FIXTURES, FORM, TOP, Place, fixture, main, ok, sale, same,
                 stop, until)

# As in the settings the database was made with: they are part of the rules.
TIERS = """
tier 'supporter' {
    rank = 10
    allows = { 'read' }
    grants = { 'gumroad/pencil', 'gank/membership/Test*' }
}
tier 'influencer' {
    rank = 20
    allows = { 'dm.bulk', 'read' }
    grants = { 'gumroad/*/Influencer', 'gank/goods/*' }
}
"""
COLUMNS = {
    "events": """id platform kind delivery subject sent_at received_at seen
        last_seen_at content_type body verified_by peer status reason""",
    "changes": "id at user_ref email buyer license before after event",
    "purchases": """platform sale subscription product product_name variant
        user_ref email buyer license price currency quantity recurrence test
        sold_at refunded_at disputed_at dispute_won_at tier since paid_until
        until""",
    "subscriptions": """platform subscription product tier status since
        paid_until cancelled_at ended_at ended_reason next_tier
        next_tier_at""",
    "tiers": "name rank allows",
}
# What no clock changes.
ANSWERS = (("user=linked", "supporter"), ("user=helper", "supporter"),
           ("user=u1", None), ("email=calvin@example.com", None),
           ("email=hobbes@example.org", "frsmp"),
           ("email=edgar@example.com", "gmtee"),
           ("email=friend@example.com", None),
           ("email=superdmsapp@example.com", None))


COURSE = """
tier 'course' {
    rank = 5
    lasts = 'forever'
    grants = { 'gumroad/course' }
}
"""


def version(n, tiers=TIERS):
    """A place with the database that an earlier version left."""
    p = Place(tiers=tiers, init=False)
    db = sqlite3.connect(p.db)
    db.executescript((FIXTURES / ("database/version-%d.sql" % n)).read_text())
    db.close()
    p.db.chmod(0o600)
    return p


def content(p):
    """The rows, by the columns that the first version had. What ends by time
    adds changes."""
    found = {table: p.rows("SELECT %s FROM %s ORDER BY 1, 2" % (
        ", ".join(columns.split()), table))
        for table, columns in COLUMNS.items()}
    found["changes"] = found["changes"][:CHANGES]
    # of two deliveries of one sale the one sent last names the product now
    found["purchases"] = [tuple("Pencil\ufffd( PSD" if v == "P\ufffdncil PSD"
                                else v for v in row)
                          for row in found["purchases"]]
    return found


CHANGES = 16


def change(p, sql, *args):
    db = sqlite3.connect(p.db)
    db.execute(sql, args)
    db.commit()
    db.close()


def settled(p):
    """Filled from the log: a rebuild that was due is done."""
    until(lambda: p.one("SELECT value FROM meta WHERE name = 'state_digest'"),
          "the rebuild")


def compare(p, before, name):
    after = content(p)
    for table in COLUMNS:
        same(after[table], before[table], "%s: %s" % (name, table))


def answers(p, name):
    for query, tier in ANSWERS:
        a = p.access(query)
        same((a.status, a.json().get("tier")), (200, tier),
             "%s: %s" % (name, query))


def taken_over():
    p = version(1)
    before = content(p)
    same((len(before["events"]), len(before["changes"])), (31, CHANGES),
         "version 1: as it was saved")
    p.run()
    p.nginx()
    settled(p)
    answers(p, "version 1")
    compare(p, before, "version 1, served")
    a = p.gumroad(fixture("gumroad/01-sale-onetime"))
    same((a.word(), a.event()), ("duplicate", 1), "version 1: a repeat")
    a = p.gank(fixture("gank/dg-documented"))
    same((a.word(), a.event()), ("duplicate", 23), "version 1: and of Gank")
    a = p.gumroad(sale(3))
    same((a.word(), a.event()), ("recorded", 32), "version 1: goes on")
    a = p.get("/v1/changes?after=%d" % CHANGES, p.bearer()).json()
    ok(a["after"] > CHANGES and a["changes"][-1]["after"] == "supporter",
       "version 1: so do changes", a)
    same(stop(p.program), 0, "version 1: exit 0")
    ok(p.is_sound(), "version 1: the database is sound")
    a = p.cli("rebuild", "--diff")
    same(a.returncode, 0, "version 1: nothing would be rebuilt otherwise")


def rebuilt():
    """State tables that another version filled are filled again."""
    for name, value in (("state_version", "0"), ("state_version", "99"),
                        ("state_digest", "other decoders")):
        p = version(1)
        before = content(p)
        change(p, "UPDATE purchases SET tier = 'wrong', until = 1")
        change(p, "DELETE FROM subscriptions")
        change(p, "UPDATE meta SET value = ? WHERE name = ?", value, name)
        name = "%s '%s'" % (name, value)
        if "version" in name:
            a = p.cli("access", "--user", "linked")
            ok(a.returncode == 3 and b"gatepost migrate" in a.stderr,
               name + ": a reader says what to do", a)
        p.run()
        p.nginx()
        until(lambda: p.one("SELECT count(*) FROM purchases WHERE tier = "
                            "'supporter'"), "the first rows")
        until(lambda: len(p.one("SELECT value FROM meta WHERE name = "
                                "'state_digest'")) == 64, "the rebuild")
        answers(p, name)
        before["changes"] = content(p)["changes"]
        compare(p, before, name)
        stop(p.program)


def rules_changed():
    """A plan that was paid up, then restarted by mistake: the version before
    shut its buyer out. The new rules let him in again by themselves, and say
    so in `changes`."""
    p = version(2, COURSE)
    same(p.one("SELECT count(*) FROM changes"), 0, "version 2: as it was left")
    p.run()
    p.nginx()
    settled(p)
    until(lambda: p.one("SELECT count(*) FROM changes"), "the change")
    a = p.access("email=ada@example.com").json()
    same((a["tier"], a["until"]), ("course", None), "version 2: access is back")
    same(p.rows("SELECT email, before, after, event FROM changes"),
         [("ada@example.com", None, "course", None)],
         "version 2: changes tell whose access the rules changed")
    same(p.one("SELECT count(*) FROM outbox"), 0, "version 2: nothing is mailed")
    stop(p.program)


def commands():
    """Those of the command line, as they are called at least."""
    head = (TOP / "src/ctl/ctl.h").read_text()
    names = re.findall(r"^\s+X\((\w+)\)", head, re.M)
    more = {"access": ["--user", "1"], "explain": ["--user", "1"],
            "event": ["1"], "trigger": ["gumroad.sale"],
            "replay": ["1"], "void": ["1"], "backup": ["copy.db"],
            "copy": ["--to", "copy.db"],
            "export": ["events"],
            "grant": ["--user", "1", "--tier", "supporter"],
            "revoke": ["--user", "1"], "link": ["x", "--user", "1"],
            "unlink": ["x"], "work": ["--once"], "erase": ["--user", "1"]}
    # these ask no database, and sql hands it to sqlite3, to be read only
    rest = {"sql", "init", "urls", "decode", "sign", "verify", "pass",
            "restore", "register", "import", "reconcile"}
    return [[name, *more.get(name, [])] for name in names
            if name not in rest]


def newer():
    """A downgrade: refused at every door, and nothing is touched."""
    p = version(1)
    change(p, "UPDATE meta SET value = '6' WHERE name = 'log_version'")
    before = p.dump()
    words = commands()
    ok(len(words) > 15, "newer: the commands", words)
    for argv in words:
        a = p.cli(*argv)
        # setup has three ends of its own
        ok(a.returncode == (1 if argv == ["setup"] else 3) and b"made by a newer gatepost" in a.stderr and
           b"restore a backup" in a.stderr,
           "newer: gatepost %s" % argv[0], (argv, a))
    ok(not (p.dir / "copy.db").exists(), "newer: no backup was begun")
    p.run()
    p.nginx()
    for name, a in (("gumroad", p.gumroad(sale(1))),
                    ("gank", p.gank(fixture("gank/um-documented"))),
                    ("access", p.access("user=linked")),
                    ("healthz", p.get("/healthz"))):
        same((a.status, "retry-after" in a.headers or name == "healthz"),
             (503, True), "newer: %s is answered 503" % name)
    a = p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
    same(a.status, 503, "newer: as plain CGI, too")
    ok("made by a newer gatepost (tables 6, this program knows 5)"
       in p.log_text() and "restore a backup" in p.log_text(),
       "newer: the log says why", p.log_text())
    same(stop(p.program), 0, "newer: exit 0")
    same(p.dump(), before, "newer: all is as it was")


main(taken_over, rebuilt, rules_changed, newer)
