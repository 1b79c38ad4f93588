#!/usr/bin/env python3
"""What a reading settles: pings that were forged, follow-ups that wait, names
that were changed; one case each that was wrong once."""

import sys
sys.dont_write_bytecode = True
import time
from urllib.parse import urlencode

from asked import DAY, Fake, an_hour_later, iso, one, place, shop
from lib import FORM, free_port, main, ok, same, until

TIERS = """
tier 'a' { rank = 1
  grants = { 'gumroad/club/Supporter', 'gumroad/pencil', 'gumroad/heft' } }
tier 'top' { rank = 9
  grants = { 'gumroad/club/Influencer' } }
"""
EXEC = "on '%s' { exec 'run' { argv = { '/bin/true' } } }\n"


def ping(p, sale, kind="sale", **more):
    """As a forger would write it, who knows the URL and what is public."""
    fields = {"seller_id": p.fake.about["seller_id"], "sale_id": sale,
              "product_name": "Pencil", "permalink": "pencil",
              "email": "eve@example.com", "price": "1000",
              "sale_timestamp": iso(time.time()), "refunded": "false",
              **{k.replace("__", "["): v for k, v in more.items()},
              "resource_name": kind}
    return p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], urlencode({
        k: v for k, v in fields.items() if v is not None}).encode(),
        FORM).word()


def past(p, seconds):
    """All that was sent here was sent so much earlier."""
    for column in ("received_at", "sent_at", "last_seen_at"):
        p.execute("UPDATE events SET %s = %s - %d WHERE platform <> 'manual'"
                  % (column, column, seconds))


def member(f, p, **more):
    """One who joined, and was imported."""
    s = f.buy(product="club", tier="Supporter", recurrence="monthly",
              email="ada@example.com", **more)
    same(p.cli("import", "gumroad").returncode, 0, "an import")
    past(p, 60)
    return s


def forged_end():
    f = shop()
    p = place(f, tiers=TIERS)
    s = member(f, p)
    ping(p, None, "subscription_ended", email=None, price=None,
         refunded=None, permalink=None, subscription_id=s["subscription"],
         ended_at=iso(time.time() + 2), ended_reason="cancelled")
    until(lambda: one(p, "ada@example.com") is None,
          "a forged end to close, at first")
    past(p, 5)
    done = p.cli("reconcile", "--json")
    ok(done.returncode == 1 and b'"open":0' in done.stdout,
       "the next reading repairs it", done)
    same(one(p, "ada@example.com"), "a", "so that access goes on")
    same(p.cli("reconcile").returncode, 0, "once")


def forged_refund():
    f = shop()
    p = place(f, tiers=TIERS)
    s = f.buy(email="ada@example.com")["sale"]
    p.cli("import", "gumroad")
    past(p, 60)
    ping(p, s, "refund", email="ada@example.com", refunded="true")
    same(one(p, "ada@example.com"), None, "a forged refund closes, at first")
    past(p, 5)
    done = p.cli("reconcile", "--json")
    ok(done.returncode == 1 and b'"repaired":1,"open":0' in done.stdout,
       "the next reading repairs it, and says so", done)
    same(one(p, "ada@example.com"), "a", "access is back")


def waiting():
    """An import confirms as any reading does."""
    f = shop()
    p = place(f, "confirm = 'after'", tiers=TIERS + EXEC % "purchase")
    s = f.buy(email="ada@example.com")["sale"]
    ping(p, s, email="ada@example.com")
    ok(p.one("SELECT awaits FROM outbox") is not None, "it waits")
    past(p, 5)
    p.cli("import", "gumroad")
    same(p.rows("SELECT awaits FROM outbox"), [(None,)],
         "an import lets go what waits for it")
    f = shop()
    p = place(f, "confirm = 'before'", tiers=TIERS + EXEC % "purchase")
    p.cli("work", "--once")
    s = f.buy(email="bob@example.com")["sale"]
    ping(p, s, email="bob@example.com")
    same(p.one("SELECT count(*) FROM outbox"), 0, "before: nothing yet")
    past(p, 5)
    p.cli("import", "gumroad")
    same((one(p, "bob@example.com"), p.one("SELECT count(*) FROM outbox")), ("a", 1),
         "before: what was posted is followed up, though an import found it")


def changed():
    """The tier of somebody with a confirmed sale, raised by a forged one."""
    f = shop()
    p = place(f, tiers=TIERS + EXEC % "tier_changed")
    s = member(f, p, account="123")
    buyer, key = p.rows("SELECT buyer, license FROM purchases")[0]
    ping(p, "Forged0001==", email="ada@example.com", permalink="club",
         subscription_id=s["subscription"], purchaser_id=buyer,
         license_key=key, recurrence="monthly",
         sale_timestamp=iso(time.time() + 5), **{
             "variants[Tier]": "Influencer"})
    same(one(p, "ada@example.com"), "top", "believed, at first")
    same(p.rows("SELECT awaits FROM outbox"), [("gumroad/Forged0001==",)],
         "but what follows waits for the sale that raised it")


def renamed():
    f = shop()
    p = place(f, tiers=TIERS + "alert_mail = 'me@example.org'\n")
    member(f, p)
    f.do("rename_tier", product="club", tier="Supporter", name="Friend")
    p.cli("reconcile")
    same(one(p, "ada@example.com"), "a", "a renamed tier stays")
    told = p.rows("SELECT payload FROM outbox")
    ok(len(told) == 1 and "by an old name only" in told[0][0] and
       "Friend" in told[0][0], "and the owner is told", told)
    past(p, 60)
    p.cli("reconcile")
    same(p.one("SELECT count(*) FROM outbox"), 1, "once")
    p.conf.write_text(p.conf.read_text().replace(
        "'gumroad/heft'", "'gumroad/gone', 'gumroad/*'"))
    told = [l for l in p.cli("check").stdout.decode().splitlines()
            if l.startswith("note     grant")]
    same([("club/Supporter" in l, "Friend" in l, "gumroad/gone" in l)
          for l in told], [(True, True, False), (False, False, True)],
         "check tells both grants that fit nothing sold there now")


def compared():
    f = shop()
    p = place(f, tiers=TIERS)
    f.do("add_product", name="Heft", price=1000, currency="eur",
         custom_permalink="heft")
    s = f.buy(product="heft", email="ada@example.com")["sale"]
    count = "SELECT count(*) FROM events WHERE kind = '%s'"
    p.cli("reconcile")
    for amount in (200, 300):
        f.do("refund", sale=s, minor=amount)
        past(p, 60)
        p.cli("reconcile")
    same(p.one(count % "readback"), 3, "each part of a refund is news")


def failing():
    f = Fake("--seed", 7, clock=iso(time.time() - 5 * DAY), speed=1)
    p = place(f, tiers=TIERS)
    s = member(f, p)
    f.do("fail_card", subscription=s["subscription"])
    f.do("clock", set=iso(time.time() + 26.2 * DAY))
    past(p, 60)
    p.cli("reconcile")
    done = p.cli("explain", "--email", "ada@example.com").stdout
    ok(b"though a payment failed" in done, "a failing renewal is told", done)


def unasked():
    """A day without any answer lets go what waits; answers keep it."""
    for answers in (False, True):
        f = shop()
        p = place(f, tiers=TIERS + EXEC % "purchase")
        if not answers:
            f.do("misbehave", kind="bad_gateway", path="/v2/")
        ping(p, "Forged0001==")
        p.execute("UPDATE outbox SET added_at = added_at - %d" % (DAY + 60))
        p.cli("work", "--once")
        row = p.rows("SELECT state, awaits FROM outbox WHERE kind = 'exec'")
        same(row, [("waiting", "gumroad/Forged0001==")] if answers else
             [("done", None)], "a day later, %s" % (
                 "and it answers" if answers else "and it never answered"))


def ahead():
    """What was read while the clock was days ahead hides nothing."""
    f = shop()
    p = place(f, tiers=TIERS)
    s = f.buy(email="ada@example.com")["sale"]
    p.cli("reconcile")
    past(p, -10 * DAY)
    f.do("revoke", sale=s)
    done = p.cli("reconcile")
    ok(done.returncode == 1 and b"revoked" in done.stdout,
       "a reading of the future does not hide those of now", done)
    f.do("unrevoke", sale=s)
    same([p.cli("reconcile").returncode for _ in range(2)], [1, 0],
         "nor the next one")


def doubted():
    """No sale here was ever confirmed: nothing is concluded, and it is told."""
    f = shop()
    p = place(f, tiers=TIERS + "alert_mail = 'me@example.org'\n")
    ping(p, "Forged0001==")
    for _ in range(3):
        p.cli("work", "--once")
        an_hour_later(p)
    same(one(p, "eve@example.com"), "a", "nothing is concluded")
    told = p.rows("SELECT payload FROM outbox")
    ok(len(told) == 1 and "nothing is concluded" in told[0][0],
       "the owner is told, once", told)


def unreached():
    """A host from which nothing goes out: cron's run says so, and check."""
    f = shop()
    p = place(f)
    p.conf.write_text(p.conf.read_text().replace(
        ":%d'" % f.port, ":%d'" % free_port()))
    done = p.cli("work", "--once")
    ok(b"no answer" in done.stderr, "work tells it", done)
    done = p.cli("check").stdout.decode()
    ok("PROBLEM  gumroad could not be asked: " in done, "and check", done)


if __name__ == "__main__":
    main(ahead, doubted, unreached, forged_end, forged_refund, waiting, changed, renamed, compared,
         failing, unasked)
