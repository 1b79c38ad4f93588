#!/usr/bin/env python3
"""The Gumroad that the tests use sends what Gumroad sends: the pings of each
operation, their way, the truth behind them, the same for the same seed."""

import sys
sys.dont_write_bytecode = True
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE)]

import urllib.parse

import form
from client import Fake
from clock import DAY, HOUR, iso
from lib import FIXTURES, fixture, main, note, ok, same, stop
from membership import Refused
from story import (HOOK, MONTHLY, OPERATIONS, Story, decoded, ends,
                   instalments, paid, upgraded)


def operations():
    bodies, names = [], []
    for name, act, seconds, want in OPERATIONS:
        s = Story()
        act(s)
        got = s.pass_by(seconds)
        same(sorted(d.resource for d in got), sorted(want),
             name + ": what is told")
        bodies += [d.body for d in s.pings.log]
        names += ["%s: %s" % (name, d.resource) for d in s.pings.log]
    found = decoded(sorted(set(bodies)))
    bad = [facts for status, facts in found if status != "applied"]
    same(bad, [], "%d bodies are understood" % len(found))
    note("%d pings" % len(names))


def keys(body):
    return [pair.partition("=")[0] for pair in body.decode().split("&")]


def shapes():
    """Key by key as the recorded samples."""
    s = Story()
    dev = {"country": "India", "account": True}
    discord = {"custom_fields": {"Discord name": "supadm#0001"}}
    free = s.shop.add_product("F")
    gift = s.shop.add_product("G", kind="membership", tiers=MONTHLY)
    s.shop.person("giftee@example.com", account=True)
    course = s.shop.add_product("C", price=9900)
    plan = s.shop.add_product("P", kind="instalments", price=9900, charges=3)
    tee = s.shop.add_product("Tone", price=3900, licensed=True,
                             category="Version", tiers={"Pro": 0})

    def first(act):
        act()
        return s.pass_by()

    def buy(product, **more):
        buy.count += 1
        return s.shop.buy(product, "b%d@example.com" % buy.count, **more)
    buy.count = 0
    got = {"01": first(lambda: buy(s.pencil, country="United States"))}
    got["02"] = first(lambda: buy(free))
    got["03"] = first(lambda: buy(tee, full_name="Ada", offer="FLAT30",
                                  offer_percent=30, **dev))
    got["04"] = first(lambda: buy(s.club, **dev))
    got["10"] = first(lambda: buy(gift, gift_to="giftee@example.com"))
    got["15"] = first(lambda: buy(course, custom_fields={"[a]": "John"}))
    got["16"] = first(lambda: buy(course, custom_fields={
        "email": "typed@example.net", "price": "0"}))
    got["17"] = first(lambda: buy(s.pencil, url_params={
        "source_url": "https%3A%2F%2Fgumroad.com%2Fwidgets",
        "campaignid": "c123", "userid": "456", "version": "1.4.5"}))
    got["20"] = first(lambda: buy(s.pencil, url_params={
        "test": ["1234", "5678"], "ref": "abc"}))
    sale = buy(s.pencil, country="United States")
    s.pass_by()
    got["32"] = first(lambda: s.shop.refund(sale, 10))
    got["31"] = first(lambda: s.shop.refund(sale))
    sub = buy(s.club, **dev, **discord).subscription
    s.pass_by()
    got["06"] = [d for d in s.pass_by(ends())
                 if d.payload.get("subscription_id") == sub.id]
    got["38"] = first(lambda: s.shop.cancel(sub))
    got["46"] = [d for d in s.pass_by(31 * DAY)
                 if d.resource == "subscription_ended"]
    up = buy(s.club, **dev).subscription
    s.pass_by()
    got["43"] = first(lambda: s.shop.change_plan(up, s.club.tiers[1]))
    got["08"] = got["43"][1:]
    got["44"] = first(lambda: s.shop.change_plan(up, s.club.tiers[0]))
    part = buy(plan, country="Portugal", account=True).subscription
    s.pass_by()
    got["52"] = [d for d in s.pass_by(31 * DAY)
                 if d.payload.get("subscription_id") == part.id]
    s.pings.test_ping(HOOK)
    for number, deliveries in sorted(got.items()):
        file = next(FIXTURES.glob("gumroad/%s-*" % number))
        want = (file / "body").read_bytes()
        # how many payments there were is no matter of the shape
        same(plain(keys(deliveries[0].body)), plain(keys(want)), file.name)


def plain(names):
    """Without what a sample has by chance: names, countries, seats."""
    by_chance = ("name%20", "custom_fields%5Bname%20", "%255Ba",
                 "custom_fields%5B%255Ba")
    out = []
    for name in names:
        if name.startswith(by_chance):
            name = "[field]"
        if not (out and name == out[-1] == "purchase_ids%5B%5D"):
            out.append(name)
    return out


def encoding():
    """What was decoded is encoded to the same bytes."""
    for name in ("01-sale-onetime", "15-sale-custom-field-bracket-name",
                 "03-sale-version-variant-offer-license",
                 "38-cancellation-by-buyer-future",
                 "45-subscription-updated-recurrence-and-seats"):
        body = fixture("gumroad/" + name)
        same(form.encode(nested(body)), body, name + " is encoded as it was")
    same(form.encode({"a": {"deep": {"x": 1}, "plain": None}, "list": []}),
         b"a%5Bplain%5D=&a%5Bdeep%5D%5Bx%5D=1&list%5B%5D=",
         "plain members come before deeper ones")


def nested(body):
    """A body as the mapping that it was; for the few forms that there are."""
    found = {}
    for pair in body.decode().split("&"):
        key, value = map(urllib.parse.unquote, pair.split("=", 1))
        head, *rest = key.replace("]", "").split("[")
        name = [p.replace("%5B", "[").replace("%5D", "]")
                for p in [head, *rest]]
        at = found
        for inner, follows in zip(name, name[1:]):
            at = at.setdefault(inner, [] if follows == "" else {})
        if name[-1] == "":
            at.append(value)
        else:
            at[name[-1]] = value
    return found


# ---- the way of a ping ------------------------------------------------------

def schedule():
    s = Story()
    s.shop.buy(s.pencil, "a@example.com")
    s.shop.advance(9)
    same(s.pings.take(s.shop.now), [], "no ping before 10 s")
    s.shop.advance(1)
    delivery = s.pings.take(s.shop.now)[0]
    bodies, waits = [delivery.body], []
    for status in (503, "timeout", 499, 500):
        s.pings.answered(delivery, status)
        if delivery.state == "waiting":
            waits.append(delivery.due - s.shop.now)
            s.shop.run_to(delivery.due)
            s.pings.take(s.shop.now)
            bodies.append(delivery.body)
    same((waits, delivery.state), ([60, 180, 600], "gone"),
         "again after 1, 3 and 10 minutes, then never")
    same([b[len(bodies[0]):] for b in bodies[1:]],
         [b"&retry_count=%d" % n for n in (1, 2, 3)],
         "a retry is the first body and retry_count")
    for status in (400, 401, 404, 410, 429, 501, 302):
        paid(s)
        s.pings.answered(s.pings.log[-1], status)
        same(s.pings.log[-1].state, "gone", "%d is never tried again" % status)
    ruby, go = delivery.headers("ruby"), delivery.headers("go")
    same((dict(ruby)["User-Agent"], dict(go)["User-Agent"]),
         ("Ruby", "Go-http-client/1.1"), "both clients")
    same([h[0] for h in ruby if h[0] == "Authorization"] +
         [h[1] for h in ruby if h[0] == "Host"],
         ["Authorization", "127.0.0.1:9"], "user:pass@ becomes Basic")
    old = Story(old=True)
    paid(old)
    old.pings.answered(old.pings.log[-1], "timeout")
    same(old.pings.log[-1].state, "gone", "2025: no retry of lost connections")


def who_hears():
    s = Story(url=None)
    s.account.ping_url = "example.com/ping"
    upgraded(s)
    got = s.pass_by() + s.pings.log
    same({d.resource for d in got}, {"sale"}, "the ping URL hears of sales")
    same(got[0].url, "http://example.com/ping", "http:// is put before it")
    s.account.subscribe("sale", HOOK)
    s.account.subscribe("sale", HOOK)
    s.shop.buy(s.pencil, "x@example.com")
    same(s.told(), ["sale"] * 3, "two rows: every ping twice")
    s.account.revoke_token("t")
    s.shop.buy(s.pencil, "x@example.com")
    same(s.told(), ["sale"], "without a token the rows are dead")
    same(len([r for r in s.account.rows if not r.deleted]), 2,
         "... and listed as alive")


def on_the_way():
    s = Story()
    s.pings.rule("lose", "sale", count=1)
    s.pings.rule("double", "sale", count=1)
    s.pings.rule("hold", "refund")
    first, second = (s.shop.buy(s.pencil, "a@example.com") for _ in range(2))
    got = s.pass_by()
    same([d.subject for d in got], [second.id] * 2, "one lost, one doubled")
    same(got[0].body, got[1].body, "a double is the same body")
    s.shop.refund(first)
    s.shop.refund(second)
    same(s.told(), [], "held")
    numbers = [d.number for d in s.pings.log if d.state == "held"]
    s.pings.release(numbers[::-1])
    same(s.told(), ["refund"] * 2, "released")
    s.pings.rules.clear()
    s.pings.rule("later", "sale", count=1, seconds=HOUR)
    late = s.shop.buy(s.pencil, "late@example.com")
    same(s.told(HOUR // 2), [], "a job that waits")
    s.shop.change_email(late, "New@example.com")
    same([d.payload["email"] for d in s.pass_by()], ["new@example.com"],
         "... and tells what is then")
    s.pings.jitter = 600
    s.pings.rules.clear()
    many = [s.shop.buy(s.pencil, "a@example.com").id for _ in range(20)]
    got = [d.subject for d in s.pass_by()]
    ok(got != many and sorted(got) == sorted(many), "any order")


def calendar():
    s = Story()
    sub = s.member()
    s.shop.advance(70 * DAY)
    same([iso(x.created_at) for x in sub.sales], [
        "2026-01-31T09:00:00Z", "2026-02-28T09:01:45Z",
        "2026-03-28T09:03:30Z"], "periods are months of the calendar")
    s.pings.take(s.shop.now)
    s.shop.change_plan(sub, s.club.tiers[1])
    got = s.pass_by()[0]
    same(len(got.payload["purchase_ids"]), 5,
         "an upgrade's ping names its inner row, too")
    same([x.state for x in sub.sales[-2:]], ["not_charged", "successful"],
         "... which is no sale")


def raced():
    """What has changed between an event and its ping."""
    s = Story()
    sub = s.member()
    s.pass_by()
    s.shop.cancel(sub)
    s.shop.undo(sub)
    got = s.pass_by()
    same([d.resource for d in got], ["cancellation",
                                     "subscription_restarted"], "both told")
    ok(b"&cancelled=true" in got[0].body and
       b"cancelled_at" not in got[0].body,
       "a cancellation that is taken back has no date")
    s.shop.dispute(sub.sales[0])
    s.shop.win_dispute(sub.sales[0])
    same(sorted(s.told()), ["cancellation", "dispute", "dispute_won",
                            "subscription_restarted"],
         "an end that is none any more is not told")
    sale = paid(s, url_params={"user_id": "7", "email": "no", "code": "no"})
    ok(b"&url_params%5Buser_id%5D=7&" in s.pings.log[-1].body and
       b"url_params%5Bemail" not in s.pings.log[-1].body, "url_params")
    s.shop.refund(sale)
    s.shop.resend(sale)
    s.shop.rename_permalink("pencil", "pen")
    got = {d.resource: d.body for d in s.pass_by()}
    ok(b"refunded=true&resource_name=sale" in got["sale"] and
       b"url_params" not in got["sale"] and b"&permalink=pen&" in got["sale"],
       "a sale resent tells what is now, without url_params", got["sale"])


# ---- the truth --------------------------------------------------------------

def gives(s, email="mira@example.com", at=None):
    return [a["tier"] or a["product"]
            for a in s.shop.truth(at)["access"].get(email, [])]


def truths():
    s = Story()
    times, want = [], []

    def then(tiers, seconds=HOUR):
        s.shop.advance(seconds)
        same(gives(s), tiers, "%s: %s" % (iso(s.shop.now), tiers))
        times.append(s.shop.now)
        want.append(tiers)
    then([])
    sub = s.member(url_params={"user_id": "7"})
    then(["Supporter"])
    s.shop.change_plan(sub, s.club.tiers[1])
    then(["Influencer"])
    s.shop.change_plan(sub, s.club.tiers[0])
    then(["Influencer"], DAY)
    then(["Supporter"], 31 * DAY)
    s.shop.cancel(sub)
    then(["Supporter"])
    end = sub.cancelled_at
    then([], 31 * DAY)
    same([gives(s, at=end - 1), gives(s, at=end)], [["Supporter"], []],
         "over at its date, not when the worker comes")
    then([], 100 * DAY)
    s.member(tier="Influencer")
    then(["Influencer"])
    same(len(s.shop.subscriptions), 1, "the old subscription went on")
    s.shop.revoke(sub.sales[-1])
    then([])
    s.shop.unrevoke(sub.sales[-1])
    then(["Influencer"])
    s.shop.refund(sub.sales[-1])
    then([])
    s.shop.fail_refund(sub.sales[-1])
    then(["Influencer"])
    s.shop.dispute(sub.sales[-1])
    then([])
    s.shop.win_dispute(sub.sales[-1])
    then(["Influencer"])
    s.shop.rename_tier("club", "Influencer", "Star")
    then(["Star"])
    s.shop.fail_card(sub)
    then(["Star"], 31 * DAY)
    then([], 6 * DAY)
    same([gives(s, at=t - 1) for t in times], want,
         "each moment, afterwards")
    told = s.shop.truth()["sales"][sub.sales[0].id]
    same((told["url_params"], told["confirmed"]), ({"user_id": "7"}, True),
         "a sale's facts")
    debit = s.shop.buy(s.pencil, "late@example.com", debit_days=4)
    s.shop.advance(DAY)
    same(gives(s, "late@example.com"), [], "a bank debit gives nothing yet")
    s.shop.advance(4 * DAY)
    same(gives(s, "late@example.com"), ["pencil"], "... and then it does")
    same(iso(debit.known_at), iso(debit.created_at + 4 * DAY), "known later")
    instalments(s)
    s.shop.advance(120 * DAY)
    same(len(gives(s, "inst@example.com")), 1, "paid up: for good")
    try:
        s.member(email="twice@example.com")
        s.member(email="twice@example.com")
        ok(False, "a second membership is refused")
    except Refused as why:
        ok(True, "a second membership is refused: %s" % why)


# ---- the same again ---------------------------------------------------------

def seeds():
    def bodies(seed):
        found = []
        for _, act, seconds, _ in OPERATIONS:
            s = Story(seed)
            act(s)
            s.pass_by(seconds)
            found += [(d.due, d.body) for d in s.pings.log]
        return found
    one = bodies(1)
    ok(one == bodies(1), "the same seed: the same %d pings" % len(one))
    ok(not set(one) & set(bodies(2)), "another seed: others")
    seen = []
    for seed in ("5", "5", "6"):
        f = Fake("--history", "60", "--seed", seed)
        seen.append((f.walk(), f.do("truth")))
        stop(f.child)
    ok(seen[0] == seen[1] and seen[0][0] != seen[2][0],
       "a history, too: %d sales" % len(seen[0][0]))
    s = Story()
    sub = s.member()
    for thing in (sub.id, sub.sales[0].id, s.shop.id, s.club.id):
        ok(len(thing) == 24 and thing.endswith("=="), "an id: " + thing)
    ok(0 <= sub.sales[0].order < 2 ** 30, "an order number of 30 bits")
    alike = Story(same_ids=True)
    sub = alike.member()
    same(sub.id, sub.sales[0].id, "--same-ids: an id is one of its kind only")


main(operations, shapes, encoding, schedule, who_hears, on_the_way, calendar,
     raced, truths, seeds)
