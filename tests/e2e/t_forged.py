#!/usr/bin/env python3
"""Whoever knows the ping's address posts what he likes: it gives nothing, and
takes nothing, for longer than it takes to ask Gumroad. COUNT: of a flood;
tests/bench/forged takes more."""

import sys
sys.dont_write_bytecode = True
import http.client
import json
import os
import threading
import time

from asked import (DAY, an_hour_later, forged, iso, one, place, post, shop,
                   unasked)
from lib import LIMIT, main, note, ok, same, stop, until

COUNT = int(os.environ.get("COUNT", 300))
DELAY = float(os.environ.get("DELAY", 0))  # of each answer of the API
LONG = max(LIMIT, COUNT)

AT_ONCE = int(os.environ.get("AT_ONCE", 9))  # 1: to see which it was
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


def each(confirm, accept_test="false"):
    p = customers(confirm, accept_test)
    real = standing(p)
    same([real[who][0] for who in PEOPLE], ["supporter"] * 4,
         "%s: who bought has it" % confirm)
    rest = list(cases(p))
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
              name + ": another")
        same(eve(p), (None, None), name + ": gives nothing in the end")
        same(standing(p), real, name + ": takes nothing")
    same(p.rows("SELECT DISTINCT sale FROM drift WHERE what = 'absent' AND "
                "sale NOT LIKE 'Forged%' AND sale NOT IN (?, ?, ?, ?, ?, ?, "
                "?, ?)", "<script>'", "../user", "x" * 255, "\u00e9=",
                p.subscription, p.fake.about["seller_id"], p.failed,
                p.elsewhere), [], confirm + ": no real sale was ever none")
    same(stop(p.program), 0, "exit 0")


def scanned(p):
    return p.one("SELECT value FROM meta WHERE name = 'pinged_to:gumroad'") \
        == str(p.one("SELECT max(id) FROM events"))


def after():
    each("after")


def before():
    each("before")


def tests_count():
    each("after", "true")


if __name__ == "__main__":
    main(after, before, tests_count)
