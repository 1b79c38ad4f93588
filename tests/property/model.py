"""Random lives of customers of Gumroad and Gank, and the deliveries the two
would send of them: late, twice, in no order, or never.

Gumroad: app/modules/purchase/ping_notification.rb, app/modules/subscription/
ping_notification.rb, app/sidekiq/post_to_individual_ping_endpoint_worker.rb.
Gank: docs.ganknow.com, essentials, payment webhooks."""

import calendar
import hashlib
import json
from datetime import datetime, timezone
from urllib.parse import quote

DAY = 86400
RECURRENCES = {"monthly": 1, "quarterly": 3, "biannually": 6, "yearly": 12,
               "every_two_years": 24}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# month ends, leap days and the days around them, ends of years, the end of
# signed 32-bit time, a century without a leap day
DATES = ["2023-12-31", "2024-01-31", "2024-02-28", "2024-02-29", "2024-03-31",
         "2025-01-29", "2025-01-30", "2025-01-31", "2025-02-28", "2025-08-31",
         "2025-12-31", "2026-01-01", "2026-10-31", "2027-11-30", "2028-01-31",
         "2028-02-29", "2028-12-31", "2036-02-29", "2037-12-31", "2038-01-18",
         "2038-01-19", "2038-02-28", "2099-12-31", "2100-01-31", "2100-02-28"]


def seconds(text):
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int((at.replace(tzinfo=timezone.utc) - EPOCH).total_seconds())


def text_of(t):
    return datetime.fromtimestamp(t, timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


def add_months(t, months):
    at = datetime.fromtimestamp(t, timezone.utc)
    n = at.year * 12 + at.month - 1 + months
    year, month = n // 12, n % 12 + 1
    day = min(at.day, calendar.monthrange(year, month)[1])
    return int((at.replace(year=year, month=month, day=day) -
                EPOCH).total_seconds())


class Arrival:
    """One request at the door. facts is what it says, for the oracle; key
    tells deliveries apart, two requests of one key are repeats."""

    def __init__(self, platform, facts, body, key, received_at, t=None):
        self.platform, self.facts, self.body = platform, facts, body
        self.key, self.received_at, self.t = key, received_at, t

    def __str__(self):
        said = ", ".join(
            f"{k}={text_of(v) if k.endswith('_at') or k == 'trial' else v}"
            for k, v in self.facts.items()
            if v not in (None, False, "", []) and k not in ("kind", "names"))
        signed = "" if self.t is None else f" t={text_of(self.t)}"
        return (f"{text_of(self.received_at)}{signed} {self.platform} "
                f"{self.facts['kind']}: {said}")


def gumroad_key(pairs):
    h = hashlib.sha256()
    for pair in pairs:
        for text in pair:
            raw = text.encode()
            h.update(len(raw).to_bytes(4, "big") + raw)
    return h.hexdigest()


def form(pairs):
    return "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}"
                    for k, v in pairs).encode()


def truth(v):
    return "true" if v else "false"


class World:
    """What one set of deliveries is made of: people, times, and the wire."""

    def __init__(self, rng):
        self.rng = rng
        self.arrivals = []
        self.serial = 0
        self.features = set()
        self.people = [self.person(i) for i in range(rng.randint(1, 3))]

    def person(self, i):
        r = self.rng
        return {"email": r.choice([f"p{i}@example.org", f"P{i}@Example.org"]),
                "buyer": str(3443250 + i) if r.random() < .6 else "",
                "payer": f"0000000{i}-0000-4000-8000-000000000000",
                "user": r.choice([str(40 + i), str(40 + i), "40"])}

    def chance(self, p):
        return self.rng.random() < p

    def seen(self, feature):
        self.features.add(feature)

    def id(self, prefix):
        self.serial += 1
        # the order of ids is not the order of time
        return f"{prefix}{self.rng.randint(0, 9)}{self.serial}"

    def start(self):
        r = self.rng
        day = (r.choice(DATES) if self.chance(.8) else
               f"20{r.randint(23, 39)}-{r.randint(1, 12):02}-"
               f"{r.randint(1, 28):02}")
        clock = r.choice(["00:00:00", "23:59:59", "10:00:00",
                          f"{r.randint(0, 23):02}:{r.randint(0, 59):02}:07"])
        return seconds(f"{day}T{clock}Z")

    # ---- the wire

    def post(self, platform, facts, body, key, at, t=None):
        self.arrivals.append(Arrival(platform, facts, body, key, at, t))

    def send_gumroad(self, facts, pairs, at):
        r = self.rng
        self.seen(facts["kind"])
        key = gumroad_key(pairs)
        at += r.choice([5, 5, 10, 10, 11, 40])
        if self.chance(.06):
            self.seen("lost")
            return
        if self.chance(.03):
            self.seen("late")
            at += r.randint(1, 20) * DAY
        copies = 1
        if self.chance(.08):
            self.seen("registered twice")
            copies = 2
        for _ in range(copies):
            tries, when = 0, at + r.randint(0, 2)
            self.post("gumroad", facts, form(pairs), key, when)
            while tries < 3 and self.chance(.1):
                # the answer was lost, or came too late
                tries += 1
                when += (60, 180, 600)[tries - 1]
                self.seen("retry")
                self.post("gumroad", facts,
                          form(pairs + [("retry_count", str(tries))]), key,
                          when)

    def send_gank(self, facts, body, t):
        r = self.rng
        self.seen(facts["kind"])
        if self.chance(.05):
            self.seen("lost")
            return
        raw = json.dumps(body).encode()
        key = hashlib.sha256(raw).hexdigest()
        for _ in range(1 + (self.chance(.2)) + (self.chance(.1))):
            self.post("gank", facts, raw, key, t + r.randint(0, 90), t)
            # sent again, signed anew
            t += r.choice([0, 1, 60, 3600, 3 * DAY])

    # ---- Gumroad's two kinds of body

    def sale_ping(self, resource, sale, at, **over):
        """sale: the charge as Gumroad knows it now."""
        s = {**sale, **over}
        first = resource == "sale" and not over.get("resent")
        names = [s["product"], s["product"] + "x", "Prod-" + s["product"],
                 "The " + s["product"]]
        f = {"kind": resource, "sale": s["sale"], "subscription": s.get("sub"),
             "sold_at": s["sold_at"], "product": s["product"], "names": names,
             "variant": s.get("tier"), "email": s["person"]["email"],
             "buyer": s["person"]["buyer"], "license": s.get("license"),
             "months": s.get("months", 0),
             "user": s.get("user") if first else None,
             "test": s.get("test"), "preorder": s.get("preorder"),
             "refunded": s.get("refunded"), "disputed": s.get("disputed"),
             "won": s.get("won")}
        pairs = [("seller_id", "Seller=="), ("product_id", names[2]),
                 ("product_name", names[3]), ("permalink", names[0]),
                 ("short_product_id", names[1]), ("email", f["email"]),
                 ("price", str(s.get("price", 4900))), ("quantity", "1"),
                 ("sale_id", f["sale"]),
                 ("sale_timestamp", text_of(f["sold_at"]))]
        if f["buyer"]:
            pairs.append(("purchaser_id", f["buyer"]))
        if f["subscription"]:
            pairs.append(("subscription_id", f["subscription"]))
        if f["user"]:
            pairs.append(("url_params[user_id]", f["user"]))
        if f["variant"]:
            pairs.append(("variants[Tier]", f["variant"]))
        if f["test"]:
            pairs.append(("test", "true"))
        if s.get("recurring"):
            pairs.append(("is_recurring_charge", "true"))
        if f["preorder"]:
            pairs.append(("is_preorder_authorization", "true"))
        if f["license"]:
            pairs.append(("license_key", f["license"]))
        if s.get("recurrence"):
            pairs.append(("recurrence", s["recurrence"]))
        pairs += [("is_gift_receiver_purchase", truth(s.get("gift"))),
                  ("refunded", truth(f["refunded"])),
                  ("resource_name", resource),
                  ("disputed", truth(f["disputed"])),
                  ("dispute_won", truth(f["won"]))]
        self.send_gumroad(f, pairs, at)

    def test_ping(self, sale, at):
        """The newest sale, whatever it is, with flags as they are now."""
        facts = {"kind": "test_ping", "sale": sale["sale"]}
        pairs = [("seller_id", "Seller=="), ("permalink", sale["product"]),
                 ("email", sale["person"]["email"]),
                 ("sale_id", sale["sale"]),
                 ("sale_timestamp", text_of(sale["sold_at"])),
                 ("refunded", truth(self.chance(.5))),
                 ("disputed", truth(self.chance(.5))),
                 ("dispute_won", "false"), ("test", "true")]
        self.send_gumroad(facts, pairs, at)

    def subscription_ping(self, resource, sub, at, more=(), **said):
        f = {"kind": resource, "subscription": sub["sub"],
             "months": sub["months"] if sub["recurrence"] else 0,
             "trial": sub.get("trial"), **said}
        pairs = [("subscription_id", sub["sub"]),
                 ("product_id", "Prod-" + sub["product"]),
                 ("product_name", "The " + sub["product"]), ("user_id", ""),
                 ("user_email", "someone.else@example.org"),
                 ("purchase_ids[]", "X"), ("created_at", text_of(sub["start"])),
                 ("charge_occurrence_count", str(sub.get("charges") or "")),
                 ("recurrence", sub["recurrence"] or ""),
                 ("free_trial_ends_at",
                  text_of(f["trial"]) if f["trial"] else ""),
                 ("resource_name", resource), *more]
        self.send_gumroad(f, pairs, at)

    def cancellation(self, sub, at, cancelled_at, why="buyer"):
        word = ("cancelled_due_to_payment_failures" if why == "payment" else
                "cancelled_by_" + why)
        if cancelled_at is None:
            self.seen("cancelled without a time")
            self.subscription_ping("cancellation", sub, at,
                                   [("cancelled", "true")])
            return
        self.subscription_ping(
            "cancellation", sub, at,
            [("cancelled", "true"), ("cancelled_at", text_of(cancelled_at)),
             (word, "true")], cancelled_at=cancelled_at)

    def ended(self, sub, at, ended_at, reason):
        self.seen("ended " + reason)
        self.subscription_ping(
            "subscription_ended", sub, at,
            [("ended_at", text_of(ended_at)), ("ended_reason", reason)],
            ended_at=ended_at, reason=reason)

    def restarted(self, sub, at, restarted_at):
        self.subscription_ping("subscription_restarted", sub, at,
                               [("restarted_at", text_of(restarted_at))],
                               restarted_at=restarted_at)

    def updated(self, sub, at, way, effective_at, tier):
        self.seen(way)
        blank = effective_at is None
        self.subscription_ping(
            "subscription_updated", sub, at,
            [("type", way),
             ("effective_as_of", "" if blank else text_of(effective_at)),
             ("new_plan[recurrence]", sub["recurrence"] or ""),
             ("new_plan[price_cents]", "100"),
             ("new_plan[tier][name]", tier)],
            way=way, effective_at=effective_at, new_tier=tier)


APP = ["Starter", "Pro", "Agency", "Twin"]
PRODUCTS = {"app": APP, "club": ["Gold", "Silver"], "letter": [None]}


def charge(w, sub, at, tier, **more):
    """A sale of the subscription, sent as it is made."""
    person = sub["person"]
    if w.chance(.05):
        w.seen("another address")
        person = {**person, "email": f"new{w.rng.randint(0, 1)}@example.org"}
    sale = {"sale": w.id("S"), "sub": sub["sub"], "sold_at": at,
            "product": sub["product"], "tier": tier, "person": person,
            "months": sub["months"], "recurrence": sub["recurrence"],
            "license": sub["license"], "recurring": bool(sub["sales"]),
            "user": None if sub["sales"] else sub["user"],
            "test": sub.get("test"), "gift": sub.get("gift"), **more}
    sub["sales"].append(sale)
    w.sale_ping("sale", sale, at)
    return sale


def new_subscription(w):
    r = w.rng
    person = r.choice(w.people)
    product = r.choice(["app", "app", "app", "club", "letter"])
    recurrence = r.choice(["monthly"] * 5 + list(RECURRENCES))
    start = w.start()
    w.seen(recurrence)
    return {"sub": w.id("M"), "product": product, "recurrence": recurrence,
            "months": RECURRENCES[recurrence], "start": start,
            "person": person, "sales": [], "license": w.id("L-"),
            "user": person["user"] if w.chance(.6) else None}


def dispute(w, sub, sale, at):
    """Told once per sale; the membership is usually ended with it."""
    won = w.chance(.5)
    sale["disputed"] = True
    w.sale_ping("dispute", sale, at)
    harsh = w.chance(.6)
    if harsh:
        w.ended(sub, at, at, "cancelled")
        w.cancellation(sub, at, at)
    if not won:
        return not harsh
    later = at + w.rng.randint(1, 60) * DAY
    sale["won"] = True
    w.sale_ping("dispute_won", sale, later)
    if harsh:
        w.restarted(sub, later, later)
    return True


def refund(w, sale, at):
    if w.chance(.4):
        w.seen("partial refund")
        w.sale_ping("refund", sale, at)
        if w.chance(.5):
            w.sale_ping("refund", sale, at + DAY)
        if w.chance(.5):
            return False
        at += 2 * DAY
    w.seen("full refund")
    sale["refunded"] = True
    w.sale_ping("refund", sale, at)
    return True


def membership(w):
    """From the first sale on, period by period, as Gumroad lets it go."""
    r = w.rng
    sub = new_subscription(w)
    tiers = PRODUCTS[sub["product"]]
    tier = r.choice(tiers)
    at = sub["start"]
    if w.chance(.08):
        sub["test"] = True
        w.seen("test purchase")
    if w.chance(.1):
        sub["gift"] = True
        w.seen("gift")
    end = add_months(at, sub["months"])
    if w.chance(.15):
        w.seen("trial")
        sub["trial"] = end = at + r.choice([7, 14, 30, 45]) * DAY
    charge(w, sub, at, tier)
    if sub.get("gift") and w.chance(.3):
        w.seen("dispute of an unknown sale")
        w.sale_ping("dispute", {
            "sale": w.id("G"), "sold_at": at, "product": sub["product"],
            "person": {"email": "giver@example.org", "buyer": ""},
            "sub": sub["sub"] if w.chance(.5) else None,
            "months": sub["months"], "recurrence": sub["recurrence"],
            "disputed": True}, at + 3 * DAY)
    pending = None
    for _ in range(r.randint(0, 7)):
        span = max(end - at, 2)
        now = at + r.randint(1, span)
        what = r.choice(["renew"] * 6 + ["cancel", "cancel", "upgrade",
                        "downgrade", "fail", "refund", "dispute", "resend",
                        "test_ping", "reuse"])
        if what == "renew":
            at = end + r.choice([0, 0, 1, 59, 119, 3 * DAY])
            tier, pending = pending or tier, None
            charge(w, sub, at, tier)
            end = add_months(end if w.chance(.7) else at, sub["months"])
        elif what == "cancel":
            w.cancellation(sub, now, end, r.choice(["buyer", "seller"]))
            if w.chance(.4):
                w.seen("undo")
                back = r.randint(now, end)
                w.restarted(sub, back, back)
                if w.chance(.3):
                    w.seen("cancelled again")
                    w.cancellation(sub, r.randint(back, end), end)
                    w.ended(sub, end, end + r.randint(0, 60), "cancelled")
                    break
                continue
            if w.chance(.3):
                w.seen("refund while a cancellation waits")
                soon = r.randint(now, end)
                sub["sales"][-1]["refunded"] = True
                w.sale_ping("refund", sub["sales"][-1], soon)
                w.ended(sub, soon, soon, "cancelled")
            else:
                w.ended(sub, end, end + r.randint(0, 60), "cancelled")
            if w.chance(.5):
                break
            at = end + r.randint(1, 40) * DAY
            w.restarted(sub, at, at)
            charge(w, sub, at + r.choice([-1, 0, 1]), tier)
            end = add_months(at, sub["months"])
        elif what == "upgrade" and tiers[0]:
            tier = r.choice(tiers)
            w.updated(sub, now, "upgrade",
                      None if w.chance(.1) else now, tier)
            if w.chance(.7):
                charge(w, sub, now + r.choice([-2, -1, 0, 1, 2]), tier)
                at, end = now, add_months(now, sub["months"])
        elif what == "downgrade" and tiers[0]:
            pending = r.choice(tiers)
            w.updated(sub, now, "downgrade", r.choice([end, end, now]),
                      pending)
        elif what == "fail":
            at = end + 5 * DAY
            w.ended(sub, at, at, "failed_payment")
            w.cancellation(sub, at, at, "payment")
            if w.chance(.5):
                break
            at += r.randint(0, 40) * DAY
            w.restarted(sub, at, at)
            charge(w, sub, at, tier)
            end = add_months(at, sub["months"])
        elif what == "refund":
            refund(w, r.choice(sub["sales"]), now)
        elif what == "dispute":
            if not dispute(w, sub, r.choice(sub["sales"]), now):
                break
        elif what == "resend":
            w.seen("resend")
            again = dict(r.choice(sub["sales"]))
            if w.chance(.2):
                again["person"] = {**again["person"],
                                   "email": "moved@example.org"}
            w.sale_ping("sale", again, now, resent=True)
        elif what == "test_ping":
            w.test_ping(sub["sales"][-1], now)
        elif what == "reuse":
            w.seen("an old id bought anew")
            w.ended(sub, end, end, "cancelled")
            at = end + r.randint(0, 90) * DAY
            charge(w, sub, at, tier, user=r.choice([None, "40", "41"]))
            end = add_months(at, sub["months"])


def instalments(w):
    r = w.rng
    sub = new_subscription(w)
    sub["product"] = r.choice(["course", "app"])
    tier = "Pro" if sub["product"] == "app" else None
    sub["charges"] = r.randint(2, 4)
    w.seen("fixed length")
    if w.chance(.6):
        # a plan's product has no price by the month
        sub["recurrence"], sub["months"] = None, 1
    at = sub["start"]
    done = r.randint(1, sub["charges"])
    for i in range(done):
        charge(w, sub, add_months(at, i * sub["months"]), tier)
    end = add_months(at, done * sub["months"])
    if done == sub["charges"]:
        w.ended(sub, end, end + r.randint(0, 60),
                "fixed_subscription_period_ended")
    else:
        w.ended(sub, end, end + 5 * DAY, "failed_payment")
        w.cancellation(sub, end, end + 5 * DAY, "payment")
    if w.chance(.3):
        refund(w, r.choice(sub["sales"]), r.randint(at, end + 30 * DAY))


def one_off(w):
    r = w.rng
    at = w.start()
    person = r.choice(w.people)
    sale = {"sale": w.id("S"), "sold_at": at, "person": person,
            "product": r.choice(["zine", "course", "app"]),
            "license": w.id("L-") if w.chance(.5) else None,
            "price": r.choice([0, 500]), "user": person["user"]}
    if sale["product"] == "app":
        sale["tier"] = r.choice(APP)
    if w.chance(.15):
        w.seen("pre-order")
        w.sale_ping("sale", {**sale, "preorder": True}, at)
        sale.update(sale=w.id("S"), sold_at=add_months(at, 2), user=None)
        at = sale["sold_at"]
    sale["test"] = w.chance(.1)
    sale["gift"] = w.chance(.1)
    w.sale_ping("sale", sale, at)
    for _ in range(r.choice([0, 0, 1, 2])):
        at += r.randint(0, 40) * DAY
        what = r.choice(["refund", "dispute", "won", "resend", "test_ping"])
        if what == "refund":
            refund(w, sale, at)
        elif what == "dispute":
            sale["disputed"] = True
            w.sale_ping("dispute", sale, at)
        elif what == "won" and sale.get("disputed"):
            sale["won"] = True
            w.sale_ping("dispute_won", sale, at)
        elif what == "resend":
            w.seen("resend")
            w.sale_ping("sale", sale, at, resent=True)
        elif what == "test_ping":
            w.test_ping(sale, at)


def collisions(w):
    """Nothing Gumroad would think of: all times from a handful of instants,
    so that every comparison of the rules is met from both sides."""
    r = w.rng
    sub = new_subscription(w)
    if w.chance(.3):
        sub["recurrence"], sub["months"] = None, 1
    if w.chance(.3):
        sub["trial"] = sub["start"] + r.choice([0, 7, 40]) * DAY
    w.seen("collisions")
    base = [add_months(sub["start"], i * sub["months"]) for i in range(4)]
    grid = [t + r.choice([0, 0, 0, -1, 1, 7 * DAY, -DAY]) for t in base]
    grid += r.choices(base, k=2)
    tiers = PRODUCTS[sub["product"]]
    for _ in range(r.randint(1, 3)):
        charge(w, sub, r.choice(grid), r.choice(tiers),
               preorder=w.chance(.05), user=r.choice([None, "40", "41"]))
    for _ in range(r.randint(1, 6)):
        at, t = r.choice(grid), r.choice(grid)
        sale = r.choice(sub["sales"])
        what = r.randint(0, 8)
        if what <= 1:
            other = dict(sub)
            if w.chance(.3):
                other["recurrence"] = r.choice(["yearly", "quarterly", None])
                other["months"] = RECURRENCES.get(other["recurrence"], 0)
            w.cancellation(other, at, None if w.chance(.1) else t)
        elif what == 2:
            w.ended(sub, at, t, r.choice([
                "cancelled", "failed_payment",
                "fixed_subscription_period_ended"]))
        elif what == 3:
            w.restarted(sub, at, t)
        elif what <= 5 and tiers[0]:
            w.updated(sub, at, r.choice(["upgrade", "upgrade", "downgrade"]),
                      r.choice([t, t, None]), r.choice(tiers))
        elif what == 6:
            sale["refunded"] = True
            w.sale_ping("refund", sale, at)
        elif what == 7:
            sale["disputed"] = True
            sale["won"] = sale.get("won") or w.chance(.5)
            w.sale_ping("dispute_won" if sale["won"] else "dispute", sale, at)
        else:
            w.seen("resend")
            w.sale_ping("sale", sale, at, resent=True)


def gank_body(w, facts, goods, status="SUCCEED", nick="fan"):
    data = {"creator_user_id": "c1", "custom_reference_id": facts["user"]}
    if goods:
        data.update(catalog_id=facts["names"][1], catalog_title=facts["title"],
                    buyer_user_id=facts["buyer"], buyer_user_nickname=nick,
                    buyer_user_email=facts["email"])
    else:
        data.update(billing_period=facts["months"], price_event_id="pe1",
                    membership_title=facts["title"],
                    subscriber_user_id=facts["buyer"],
                    subscriber_user_nickname=nick,
                    subscriber_user_email=facts["email"])
    return {"event": ("DIGITAL_GOODS" if goods else "USER_MEMBERSHIP") +
            ".TX_SUCCEED",
            "data": {"human_id": facts["sale"], "payment_status": status,
                     "usecase_data": {"usecase": "X", "data": data}}}


def pay_gank(w, person, title, months, t, goods=False):
    r = w.rng
    test = w.chance(.06)
    sale = ("DG-" if goods else "UM-") + ("TEST-" if test else "250925-")
    f = {"kind": "goods" if goods else "membership", "sale": sale + w.id("N"),
         "title": title, "names": [title, "cat1" if goods else "pe1"],
         "months": 0 if goods else months, "email": person["email"],
         "buyer": person["payer"], "test": test,
         "user": person["user"] if w.chance(.6) else None}
    if test:
        w.seen("gank test")
    if w.chance(.15):
        w.seen("pending")
        pending = {**f, "kind": "pending"}
        w.send_gank(pending, gank_body(w, f, goods, "PENDING"),
                    t - r.randint(0, 600))
    w.send_gank(f, gank_body(w, f, goods), t)
    if w.chance(.1):
        # another body under one human_id: the first received counts
        w.seen("one payment in two bodies")
        other = {**f, "user": r.choice([None, "40", f["user"]])}
        if not goods:
            other["months"] = r.choice([months, 1, 12])
        w.send_gank(other, gank_body(w, other, goods, nick="fan2"),
                    t + r.choice([-3600, 0, 5, DAY]))


def gank_membership(w):
    r = w.rng
    person = r.choice(w.people)
    title = r.choice(["FanClub", "ProCircle", "Backers"])
    t = end = w.start()
    for _ in range(r.randint(1, 6)):
        months = r.choice([1, 1, 1, 3, 6, 12])
        when = r.choice(["early", "late", "gap", "now", "same"])
        if when == "early":
            t = r.randint(min(t, end), max(t, end))
        elif when == "late":
            t = end + r.choice([0, 1, DAY, 7 * DAY, 8 * DAY])
        elif when == "gap":
            t = end + r.randint(8, 200) * DAY
        elif when == "now":
            t = end
        w.seen("gank " + when)
        pay_gank(w, person, title, months, t)
        end = add_months(max(t, end), months)


def gank_goods(w):
    pay_gank(w, w.rng.choice(w.people), "Brushes", 0, w.start(), True)


STORIES = [(membership, 8), (collisions, 7), (one_off, 3), (instalments, 2),
           (gank_membership, 4), (gank_goods, 1)]


def make_set(rng):
    """A random set: its arrivals and which features were in it."""
    while True:
        w = World(rng)
        stories, weights = zip(*STORIES)
        for story in rng.choices(stories, weights, k=rng.choice([1, 1, 2])):
            story(w)
        if w.arrivals:
            return w.arrivals, w.features


# what a long enough run has to have met
FEATURES = {
    "sale", "refund", "dispute", "dispute_won", "cancellation",
    "subscription_updated", "subscription_ended", "subscription_restarted",
    "test_ping", "membership", "goods", "pending", "lost", "late", "retry",
    "registered twice", "resend", "another address", "test purchase", "gift",
    "dispute of an unknown sale", "trial", "undo", "cancelled again",
    "refund while a cancellation waits", "upgrade", "downgrade",
    "partial refund", "full refund", "an old id bought anew", "fixed length",
    "pre-order", "collisions", "cancelled without a time", "gank test",
    "one payment in two bodies", "gank early", "gank late", "gank gap",
    "gank now", "gank same", "ended cancelled", "ended failed_payment",
    "ended fixed_subscription_period_ended", *RECURRENCES}
