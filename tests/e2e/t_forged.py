#!/usr/bin/env python3
"""Whoever knows the ping's address posts what he likes: it gives nothing, and
takes nothing, for longer than it takes to ask Gumroad. COUNT: of a flood;
tests/bench/forged takes more."""

import sys
sys.dont_write_bytecode = True
import json
import os
import threading
import time

from asked import (DAY, an_hour_later, forged, iso, one, place, post, shop,
                   unasked)
from lib import LIMIT, SLOW, main, note, ok, same, stop, until

COUNT = int(os.environ.get("COUNT", 150))
DELAY = float(os.environ.get("DELAY", 0))  # of each answer of the API
REAL = 8  # sales while it floods, and after it
BRAKE, SINGLES = 50, 8000  # as src/truth has them
LONG = max(LIMIT, COUNT)

SOON = 60 if SLOW else 15  # seconds
AT_ONCE = int(os.environ.get("AT_ONCE", 40))  # 1: to see which it was
PEOPLE = ("ada", "mia", "gil", "bob")
TIERS = """
tier 'supporter' {
    rank = 10
    grants = { 'gumroad/club/Supporter', 'gumroad/pencil' }
}
tier 'influencer' {
    rank = 20
    grants = { 'gumroad/club/Influencer' }
}
"""


def access(p, user, by="user"):
    return json.loads(p.cli("access", "--" + by, user, "--json").stdout)


def standing(p):
    """What everybody real has, and the forger."""
    found = {}
    for who in PEOPLE:
        mail = access(p, who + "@example.com", "email")
        found[who] = (mail["tier"], access(p, who)["tier"], [
            (g["sale"], g["until"]) for g in mail["grants"]])
    return found


def eve(p):
    return (access(p, "eve")["tier"],
            access(p, "eve@example.com", "email")["tier"])


def customers(confirm, accept_test="false"):
    """ada bought, mia is a member, gil was given something, bob was there
    before all this."""
    f = shop()
    p = place(f, "confirm = '%s'" % confirm, tiers=TIERS)
    p.conf.write_text(p.conf.read_text().replace(
        "accept_test = true", "accept_test = %s" % accept_test))
    p.sold = {"bob": f.buy(email="bob@example.com")["sale"]}
    same(p.cli("import", "gumroad").returncode, 0, "an import")
    p.run()
    p.nginx()
    f.do("register", ping_url="http://127.0.0.1:%d/hooks/gumroad/%s" % (
        p.port, p.tokens[0]))
    for who, product, rest in (
            ("ada", "pencil", {}), ("mia", "club", {"tier": "Supporter"}),
            ("gil", "pencil", {"gift_to": "gil@example.com"})):
        made = f.buy(product, email="giver@example.com" if "gift_to" in rest
                     else who + "@example.com",
                     url_params={"user_id": who}, **rest)
        p.sold[who] = made["told_as"]
        if who == "mia":
            p.subscription = made["subscription"]
    p.failed = f.do("fail_purchase", product="pencil",
                    email="eve@example.com")["sale"]
    f.do("add_product", name="Other", price=500, custom_permalink="other",
         other=True)
    p.elsewhere = f.buy("other", "eve@example.com", other=True)["sale"]
    f.do("advance", seconds=10)
    until(lambda: p.one("SELECT count(*) FROM events WHERE kind = 'sale'") ==
          4 and scanned(p) and unasked(p) == 0, "all to be confirmed")
    return p


def cases(p):
    """Name, what is posted. What it gives at first, with 'after', is told by
    who has to have nothing in the end."""
    member = dict(recurrence="monthly", permalink="club",
                  subscription_id=p.subscription)
    yield "one of his own", dict(sale="Forged001==")
    yield "dated back", dict(sale="Forged002==",
                             sale_timestamp=iso(time.time() - 400 * DAY))
    yield "dated ahead", dict(sale="Forged003==",
                              sale_timestamp=iso(time.time() + 300 * DAY))
    yield "as if sent again", dict(sale="Forged004==", retry_count=3)
    yield "a gift", dict(sale="Forged005==", gifter_email="g@example.com",
                         gift_price=1000, price=0)
    yield "an authorisation", dict(sale="Forged006==",
                                   is_preorder_authorization="true")
    yield "a test", dict(sale="Forged007==", test="true")
    yield "no seller", dict(sale="Forged008==", seller_id=None)
    yield "another seller", dict(sale="Forged009==", seller_id="other==")
    yield "a sale of mia's membership", dict(
        sale="Forged010==", **dict(member, **{
            "variants[Tier]": "Influencer"}))
    yield "one of it dated back", dict(
        sale="Forged011==", sale_timestamp=iso(time.time() - 100 * DAY),
        **dict(member, recurrence="yearly"))
    yield "a membership of his own", dict(
        sale="Forged012==", subscription_id="ForgedS==", recurrence="yearly",
        permalink="club", **{"variants[Tier]": "Influencer"})
    for n, sale in enumerate(("<script>'", "../user", "x" * 255, "\u00e9=",
                              p.subscription, p.fake.about["seller_id"],
                              p.failed, p.elsewhere)):
        yield "a number that is none, %d" % n, dict(sale=sale)
    for who in ("ada", "mia", "gil"):
        # a sale without a user takes the first that a ping of it names
        sale = {"sale": p.sold[who]}
        if who == "gil":
            sale["url_params[user_id]"] = None
        yield "%s's sale" % who, sale
        yield "%s's with another tier" % who, dict(
            sale, permalink="club", **{"variants[Tier]": "Influencer"})
        yield "%s's, dated back" % who, dict(
            sale, sale_timestamp=iso(time.time() - 400 * DAY))
        yield "%s's, paid back" % who, dict(sale, refunded="true")
        yield "%s's, disputed" % who, dict(sale, disputed="true")
        yield "%s's, a test" % who, dict(sale, test="true")
        yield "%s's in another membership" % who, dict(
            sale, subscription_id="ForgedS==", recurrence="monthly")
        yield "%s's refund" % who, dict(sale, resource_name="refund",
                                        refunded="true")
        yield "%s's dispute" % who, dict(
            sale, resource_name="dispute", disputed="true")
    yield "bob's, paid back", dict(sale=p.sold["bob"], refunded="true",
                                   **{"url_params[user_id]": None})


def each(confirm, accept_test="false", only=""):
    p = customers(confirm, accept_test)
    real = standing(p)
    same([real[who][0] for who in PEOPLE], ["supporter"] * 4,
         "%s: who bought has it" % confirm)
    rest = [c for c in cases(p) if only in c[0]]
    while rest:
        some, rest = rest[:AT_ONCE], rest[AT_ONCE:]
        for name, fields in some:
            answer = forged(p, **fields)
            ok(answer.status == 200, "%s: %s is taken" % (confirm, name),
               answer)
            if confirm == "before":
                same(eve(p), (None, None), name + " gives nothing")
        name = "%s: %s, up to here" % (confirm, name)
        until(lambda: scanned(p) and unasked(p) == 0, name + ": a look")
        an_hour_later(p)
        until(lambda: p.one("SELECT count(*) FROM pinged") == 0,
              name + ": another", 2 * LIMIT)
        same(eve(p), (None, None), name + ": gives nothing in the end")
        same(standing(p), real, name + ": takes nothing")
    same(p.rows("SELECT DISTINCT sale FROM drift WHERE what = 'absent' AND "
                "sale NOT LIKE 'Forged%' AND sale NOT IN (?, ?, ?, ?, ?, ?, "
                "?, ?)", "<script>'", "../user", "x" * 255, "\u00e9=",
                p.subscription, p.fake.about["seller_id"], p.failed,
                p.elsewhere), [], confirm + ": no real sale was ever none")
    same(stop(p.program), 0, "exit 0")


def scanned(p):
    """Has the reader seen all that was delivered?"""
    at = p.one("SELECT value FROM meta WHERE name = 'pinged_to:gumroad'")
    return at is not None and p.one(
        "SELECT count(*) FROM events WHERE id > ? AND platform = 'gumroad' "
        "AND status = 'applied' AND kind NOT IN ('readback', 'subscriber', "
        "'absent')", int(at)) == 0


# ---- floods ----------------------------------------------------------------

def fields_of(n):
    """Every kind in turn."""
    kinds = (
        {}, {"sale_timestamp": iso(time.time() - n % 700 * DAY)},
        {"sale_timestamp": iso(time.time() + n % 700 * DAY)},
        {"sale_timestamp": iso(time.time() - n % 3600)},
        {"subscription_id": "FloodS%d==" % (n % 50), "recurrence": "yearly"},
        {"gifter_email": "g@example.com", "retry_count": n % 4})
    return dict(kinds[n % len(kinds)], email="eve%d@example.com" % n,
                **{"url_params[user_id]": "eve%d" % n})


def pour(p, first, count):
    for n in range(first, first + count):
        a = forged(p, "Flood%09d==" % n, **fields_of(n))
        if a.status != 200:
            return note("%d: %r" % (n, a))
    return None


def confirmed(p, sale):
    return p.one("SELECT confirmed_at FROM purchases WHERE sale = ?", sale)


def buy(p, n, **more):
    """Somebody real: how long it takes until it is confirmed."""
    email = "real%d@example.com" % n
    sale = p.fake.buy(email=email, url_params={"user_id": "r%d" % n},
                      **more)["told_as"]
    begun = time.monotonic()
    forged(p, sale, email=email, **{"url_params[user_id]": "r%d" % n})
    until(lambda: confirmed(p, sale), "a real sale", LONG)
    p.real.append(sale)
    return time.monotonic() - begun


def given(p):
    return p.one("SELECT count(*) FROM purchases WHERE since IS NOT NULL AND "
                 "sale LIKE 'Flood%'")


def flood(confirm):
    f = shop()
    p = place(f, "confirm = '%s'" % confirm)
    p.real = [f.buy(email="known@example.com")["sale"]]
    same(p.cli("import", "gumroad").returncode, 0, "an import")
    p.run()
    if DELAY:
        f.do("misbehave", kind="delay", path="/v2/", seconds=DELAY)
    name = "%s, %d forged" % (confirm, COUNT)
    pouring = threading.Thread(target=pour, args=(p, 0, COUNT))
    pouring.start()
    took = [buy(p, n) for n in range(REAL)]
    gift = f.buy(email="giver@example.com", gift_to="gil@example.com")
    forged(p, gift["told_as"], email="gil@example.com")
    pouring.join()
    took += [buy(p, REAL + n) for n in range(REAL)]
    note("confirmed after %.1f s at most, %.1f in the middle, of %d" % (
        max(took), sorted(took)[len(took) // 2], len(took)))
    ok(max(took) < SOON, name + ": real ones are confirmed within 15 s", took)
    # of one membership the later sale takes the place of the earlier
    at_first = given(p)
    ok(at_first > COUNT / 2 if confirm == "after" else at_first == 0,
       name + ": what they give at first", at_first)
    if DELAY:
        f.do("misbehave", clear=True)
    until(lambda: confirmed(p, gift["told_as"]), "the gift", LONG)
    until(lambda: unasked(p) == 0 or singles(p) >= SINGLES or
          confirm == "after" and asked(p) > 2 * BRAKE, "first looks", LONG)
    an_hour_later(p)
    begun = time.monotonic()
    until(lambda: given(p) == 0, "that all of it is void", LONG)
    note("void %.1f s after the hour, %d requests for single sales" % (
        time.monotonic() - begun, singles(p)))
    if COUNT < 1000:
        until(lambda: p.one("SELECT count(*) FROM pinged") == 0, "all asked",
              LONG)
    if confirm == "after":
        same(p.one("SELECT count(*) FROM events WHERE kind = 'confirm'"), 1,
             name + ": the brake, once")
    forged(p, "Flood_one_more==")
    same(given(p), 0, name + ": the next gives nothing")
    ok(buy(p, 99) < SOON, name + ": a real one is still confirmed")
    if COUNT > SINGLES:
        until(lambda: singles(p) >= SINGLES, "the day's share", LONG)
        ok(buy(p, 100) < SOON and buy(p, 101) < SOON,
           name + ": and where the day's share for single ones is spent")
        ok(singles(p) <= SINGLES + 10, name + ": it is not overdrawn")
    same(p.rows("SELECT sale FROM purchases WHERE since IS NULL AND sale NOT "
                "LIKE 'Flood%%' AND sale IN (%s)" % ",".join(
                    "'%s'" % s for s in p.real)), [],
         name + ": no real one is void")
    same(stop(p.program), 0, "exit 0")


def asked(p):
    return p.one("SELECT count(*) FROM pinged WHERE absent_at > 0")


def singles(p):
    text = p.one("SELECT value FROM meta WHERE name = 'asked:gumroad'") or "0"
    return int(text.split()[-1])


def flood_after():
    flood("after")


def flood_before():
    flood("before")


def after():
    each("after")


def before():
    each("before")


def tests_count():
    each("after", "true", "a test")


if __name__ == "__main__":
    # both settings, and both kinds of attack; LONG=1: each with each
    main(*((after, before, tests_count, flood_after, flood_before)
           if os.environ.get("LONG") else (after, flood_before)))
