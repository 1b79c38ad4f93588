"""Random lives of customers of Gumroad and Gank, and the deliveries the two
would send of them: late, twice, in no order, or never. wire.py has the
bodies."""

from wire import (DAY, MONTHS, Arrival, add_months, by_hand, custom_field,
                  entry, flat_json, form, gank_body, gumroad, nested_json,
                  notice_pairs, purchase_pairs, read_gank, reading, seconds)

# month ends, leap days and the days around them, ends of years, the end of
# signed 32-bit time, a century without a leap day
DATES = ["2023-12-31", "2024-01-31", "2024-02-28", "2024-02-29", "2024-03-31",
         "2025-01-29", "2025-01-30", "2025-01-31", "2025-02-28", "2025-08-31",
         "2025-12-31", "2026-01-01", "2026-10-31", "2027-11-30", "2028-01-31",
         "2028-02-29", "2028-12-31", "2036-02-29", "2037-12-31", "2038-01-18",
         "2038-01-19", "2038-02-28", "2099-12-31", "2100-01-31", "2100-02-28"]
APP = ["Starter", "Pro", "Agency", "Twin"]
PRODUCTS = {"app": APP, "shop": ["Gold", "Silver"], "club": ["Gold", "Silver"],
            "letter": [None], "keep": [None], "course": [None],
            "plan": [None], "zine": [None]}
MINUTES = [60, 180, 600]  # Gumroad's pauses between attempts
OWNER = "hand"


class World:
    """What one set of deliveries is made of: people, times, and the wire."""

    def __init__(self, rng):
        self.rng = rng
        self.arrivals = []
        self.serial = 0
        self.features = set()
        self.slow = 0  # seconds that the clock here is behind
        if self.chance(.1):
            self.seen("a slow clock here")
            self.slow = rng.choice([20, 120, 300])
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

    def post(self, platform, facts, body, at, t=None):
        self.arrivals.append(Arrival(platform, facts, body, at, t))

    def attempts(self, at):
        """When the attempts of one ping arrive, with their numbers: again
        after one that failed, or whose answer was lost."""
        number = 0
        while True:
            fails = self.chance(.1)
            if not fails or self.chance(.5):
                yield number, at
            if not fails or number == 3:
                return
            at += MINUTES[number]
            number += 1

    def send_gumroad(self, pairs, at):
        r = self.rng
        self.seen(dict(pairs).get("resource_name", "test_ping"))
        at += r.choice([5, 5, 10, 10, 11, 40]) - self.slow
        if self.chance(.05):
            self.seen("lost")
            return
        if self.chance(.03):
            self.seen("late")
            at += r.randint(1, 20) * DAY
        copies = 1
        if self.chance(.08):
            self.seen("registered twice")
            copies = 2
        encode = form
        if self.chance(.08):
            encode = self.rng.choice([flat_json, nested_json])
            self.seen(encode.__name__)
        for _ in range(copies):
            for number, when in self.attempts(at + r.randint(0, 2)):
                if number:
                    self.seen("retry")
                said = pairs + [("retry_count", str(number))] * bool(number)
                self.arrivals.append(gumroad(encode(said), when, said))

    def send_gank(self, body, t):
        facts = read_gank(body)
        self.seen(facts["kind"])
        if self.chance(.05):
            self.seen("lost")
            return
        for _ in range(1 + (self.chance(.2)) + (self.chance(.1))):
            self.post("gank", facts, body, t + self.rng.randint(0, 90), t)
            # sent again, signed anew
            t += self.rng.choice([0, 1, 60, 3600, 3 * DAY])

    # ---- Gumroad's two kinds of body

    def sale_ping(self, kind, sale, at):
        """sale: the charge as Gumroad knows it now. Where the visitor came
        from is told by the first ping alone."""
        product, person = sale["product"], sale["person"]
        f = {"kind": kind, "sale": sale["sale"],
             "subscription": sale.get("sub"), "sold_at": sale["sold_at"],
             "names": [product["permalink"], product["key"] + "x",
                       "P-" + product["key"], "The " + product["key"]],
             "tier": product["renamed"].get(sale.get("tier"),
                                            sale.get("tier")),
             "email": person["email"], "buyer": person["buyer"],
             "license": sale.get("license"),
             "recurrence": sale.get("recurrence"),
             "user": sale.pop("user", None) if kind == "sale" else None}
        for flag in ("test", "preorder", "refunded", "disputed", "won"):
            f[flag] = sale.get(flag)
        if self.chance(.01):
            self.seen("no sale_timestamp")
            f["sold_at"] = None
        pairs = purchase_pairs(f, sale.get("price", 4900),
                               sale.get("recurring"), sale.get("gift"))
        if self.chance(.03):
            name, typed = self.rng.choice([
                ("email", "typed@example.org"), ("purchaser_id", "77"),
                ("license_key", "typed"), ("test", "true"),
                ("recurrence", "yearly"), ("permalink", "app")])
            self.seen("custom field: " + name)
            pairs = custom_field(pairs, name, typed)
        self.send_gumroad(pairs, at)

    def test_ping(self, sale, at):
        """The newest sale, whatever it is, with flags as they are now."""
        pairs = [("seller_id", "Seller=="),
                 ("permalink", sale["product"]["permalink"]),
                 ("email", sale["person"]["email"]),
                 ("sale_id", sale["sale"]),
                 ("sale_timestamp", "2026-01-01T00:00:00Z"),
                 ("refunded", "true"), ("disputed", "true"),
                 ("dispute_won", "false"), ("test", "true")]
        self.send_gumroad(pairs, at)

    def notice(self, kind, sub, at, why="cancelled_by_buyer", **said):
        f = {"kind": kind, "subscription": sub["sub"],
             "recurrence": sub["recurrence"], "trial": sub.get("trial"),
             "charges": sub.get("charges"), **said}
        self.send_gumroad(notice_pairs(f, why), at)

    def cancellation(self, sub, at, end, why="cancelled_by_buyer"):
        if end is None:
            self.seen("cancelled without a time")
        self.notice("cancellation", sub, at, why, cancelled_at=end)

    def ended(self, sub, at, ended_at, reason):
        self.seen("ended " + reason)
        self.notice("subscription_ended", sub, at, ended_at=ended_at,
                    reason=reason)

    def restarted(self, sub, at):
        self.notice("subscription_restarted", sub, at, restarted_at=at)

    def updated(self, sub, at, way, effective_at, tier):
        renamed = sub["product"]["renamed"]
        self.notice("subscription_updated", sub, at, way=way,
                    effective_at=effective_at,
                    new_tier=renamed.get(tier, tier))

    # ---- what is read

    def read_sale(self, sale, at, seen, **odd):
        """The charge as the API shows it: as it is, but for what is odd."""
        product, person = sale["product"], sale["person"]
        price = sale.get("price", 4900)
        tier = sale.get("tier")
        f = {"kind": "readback", "sale": sale["sale"],
             "subscription": sale.get("sub"), "sold_at": sale["sold_at"],
             "names": [product["permalink"], product["key"] + "x",
                       "P-" + product["key"], "The " + product["key"]],
             "tier": product["renamed"].get(tier, tier),
             "email": person["email"], "buyer": person["buyer"],
             "license": sale.get("license"), "price": price, "part": False,
             "recurrence": sale.get("recurrence") if sale.get("sub") else None,
             "giftee": None, "sender": False, "revoked": False,
             "listed": not (sale.get("test") or sale.get("gift") or
                            sale.get("preorder")), **odd}
        for flag in ("test", "preorder", "refunded", "disputed", "won",
                     "gift"):
            f.setdefault(flag, bool(sale.get(flag)))
        f["refunded_amount"] = (price if f["refunded"] else
                                self.rng.randint(0, price) if f["part"]
                                else None)
        self.arrivals.append(reading(f, at, seen))

    def read_absent(self, sale, at, seen):
        self.seen("absent")
        self.arrivals.append(reading({"kind": "absent", "sale": sale["sale"]},
                                     at, seen))

    def read_subscriber(self, sub, at, seen, status, **said):
        self.seen("subscriber " + status)
        f = {"kind": "subscriber", "subscription": sub["sub"],
             "status": status, "recurrence": sub["recurrence"],
             "charges": sub.get("charges"), "trial": sub.get("trial"),
             "cancelled_at": None, "failed_at": None, "ended_at": None, **said}
        self.arrivals.append(reading(f, at, seen))

    def moments(self, about, n):
        """When one thing is read: n times, each after the one before was
        last seen; often in the second of something that was sent."""
        r = self.rng
        times = [a.received_at for a in self.arrivals] + [about]
        grid = times + [t + d for t in times for d in (-1, 0, 1, DAY)]
        picked = sorted(r.choice(grid) for _ in range(2 * n))
        return [(picked[2 * i], picked[2 * i + r.randint(0, 1)])
                for i in range(n)]

    # ---- by hand

    def by_hand(self, kind, subject, at, **said):
        """What the owner does is about one subject, and never lost."""
        self.seen("by hand: " + kind)
        self.serial += 1
        self.arrivals.append(by_hand(kind, subject, at,
                                     f"{self.serial:032}", **said))


# ---- what is read of all that


ODD = [{}, {}, {}, {"refunded": True}, {"refunded": False},
       {"disputed": True, "won": False}, {"disputed": True, "won": True},
       {"disputed": False, "won": False}, {"revoked": True}, {"part": True},
       {"listed": False}, {"listed": True}, {"test": True, "listed": False},
       {"email": "moved@example.org"}, {"tier": "Agency"}, {"tier": "Keep"},
       {"tier": None}, {"license": None}]
STATUSES = ["alive", "alive", "pending_failure", "pending_cancellation",
            "cancelled", "failed_payment", "fixed_subscription_period_ended"]


def read_one(w, sale, n):
    """A, B, A of one sale: readings that differ, and are the same again."""
    r = w.rng
    odd = [r.choice(ODD) for _ in range(2)]
    if w.chance(.1):
        w.seen("the gifter's side")
        odd = [{"sender": True, "giftee": r.choice(
            ["giftee@example.org", "P0@example.org"]), **o} for o in odd]
    if w.chance(.05):
        w.seen("moved by a reading")
        odd[0] = {**odd[0], "subscription": r.choice(
            [None, (sale.get("sub") or "M") + "b"])}
    if n > 2:
        w.seen("A, B, A")
    for i, (at, seen) in enumerate(w.moments(sale["sold_at"], n)):
        if w.chance(.15):
            w.read_absent(sale, at, seen)
        else:
            w.seen("readback")
            for flag in odd[i % 2]:
                w.seen("read " + flag)
            w.read_sale(sale, at, seen, **odd[i % 2])


def read_membership(w, sub):
    r = w.rng
    moments = w.moments(sub["start"], r.randint(1, 3))
    times = [t for at, seen in moments for t in (at, seen)]
    times += [s["sold_at"] for s in sub["sales"]]
    near = [t + d for t in times for d in (-DAY, -1, 0, 1, 20 * DAY)]
    for at, seen in moments:
        status = r.choice(STATUSES)
        said = {}
        if "cancel" in status or w.chance(.1):
            said["cancelled_at"] = r.choice(near)
        if status == "failed_payment":
            said["failed_at"] = r.choice(near)
        if status.startswith("fixed"):
            said["ended_at"] = r.choice(near)
        if w.chance(.1):
            said["trial"] = r.choice([None, *near])
        if w.chance(.25):
            said["charges"] = r.randint(1, 3)
        w.read_subscriber(sub, at, seen, status, **said)


def readings(w, sub, sales):
    """Some of it is read at some time; sub None: no membership."""
    r = w.rng
    if not sales or not w.chance(.5):
        return
    for sale in r.sample(sales, r.randint(1, len(sales))):
        if w.chance(.2):
            w.seen("read and never pinged")
            w.arrivals = [a for a in w.arrivals
                          if a.facts.get("sale") != sale["sale"]]
        read_one(w, sale, r.choice([1, 1, 2, 3]))
    if sub and w.chance(.6):
        read_membership(w, sub)
    if w.chance(.5):
        confirm(w, r.choice(sales)["sold_at"])


def confirm(w, near):
    """From when on sales have to be confirmed; or for how long."""
    r = w.rng
    begin = near + r.choice([-DAY, 0, 1, DAY])
    end = None
    if w.chance(.4):
        w.seen("a flood")
        end = begin + r.choice([1, 3600, 40 * DAY])
    w.serial += 1
    w.seen("by hand: confirm")
    w.arrivals.append(by_hand("confirm", ("confirm",), begin + w.serial,
                              f"{w.serial:032}", begin=begin, end=end))


# ---- Gumroad


def new_product(w, key):
    return {"key": key, "permalink": key, "renamed": {}}


def charge(w, sub, at, tier, **more):
    """A sale of the subscription, sent as it is made."""
    person = sub["person"]
    if w.chance(.05):
        w.seen("another address")
        person = {**person, "email": f"new{w.rng.randint(0, 1)}@example.org"}
    sale = {"sale": w.id("S"), "sub": sub["sub"], "sold_at": at,
            "product": sub["product"], "tier": tier, "person": person,
            "recurrence": sub["recurrence"], "license": sub["license"],
            "recurring": bool(sub["sales"]),
            "user": None if sub["sales"] else sub["user"],
            "test": sub.get("test"), "gift": sub.get("gift"), **more}
    sub["sales"].append(sale)
    w.sale_ping("sale", sale, at)
    return sale


def new_subscription(w, keys=("app", "app", "app", "app", "shop", "club",
                              "letter", "keep")):
    r = w.rng
    person = r.choice(w.people)
    recurrence = r.choice(["monthly"] * 5 + list(MONTHS))
    w.seen(recurrence)
    return {"sub": w.id("M"), "product": new_product(w, r.choice(keys)),
            "recurrence": recurrence, "months": MONTHS[recurrence],
            "start": w.start(), "person": person, "sales": [],
            "license": r.choice([w.id("L-"), w.id("l-") + " ", None]),
            "user": person["user"] if w.chance(.6) else None}


def refund(w, sale, at):
    if w.chance(.4):
        w.seen("partial refund")
        w.sale_ping("refund", sale, at)
        if w.chance(.5):
            w.sale_ping("refund", sale, at + DAY)
        if w.chance(.5):
            return
        at += 2 * DAY
    w.seen("full refund")
    sale["refunded"] = True
    w.sale_ping("refund", sale, at)


def dispute(w, sub, sale, at):
    """Told once per sale; the membership is usually ended with it. True: the
    money is back and the membership goes on."""
    sale["disputed"] = True
    if w.chance(.1):
        w.seen("dispute told by a resent sale alone")
        w.sale_ping("sale", sale, at)
    else:
        w.sale_ping("dispute", sale, at)
    harsh = w.chance(.6)
    if harsh:
        w.ended(sub, at, at, "cancelled")
        w.cancellation(sub, at, at)
    if w.chance(.4):
        w.seen("dispute won")
        later = at + w.rng.randint(1, 60) * DAY
        sale["won"] = True
        w.sale_ping("dispute_won", sale, later)
        if harsh:
            w.restarted(sub, later)
        return True
    w.seen("dispute lost")
    return not harsh


def restart_at_checkout(w, sub, at, tier):
    """Who buys the same again gets the old subscription: a renewal by its
    look, and the restart is told some seconds later."""
    w.seen("restart at checkout")
    user = w.rng.choice([None, None, "40", "41"])
    if user:
        w.seen("restart at checkout with url_params")
    charge(w, sub, at, tier, user=user)
    if w.chance(.8):
        w.restarted(sub, at + w.rng.randint(1, 30))
    return add_months(at, sub["months"])


def correct(w, sub, sale, at):
    """The seller mends something, or presses the button for no reason."""
    r = w.rng
    w.seen("resend")
    what = r.choice(["address", "tier", "product", "subscription", "nothing",
                     "nothing"])
    if what == "address":
        sale["person"] = {**sale["person"], "email": "moved@example.org"}
    elif what == "tier":
        sale["tier"] = r.choice(PRODUCTS[sale["product"]["key"]])
    elif what == "product" and w.chance(.4):
        sale["product"] = new_product(w, r.choice(["app", "shop", "zine"]))
    elif what == "subscription" and w.chance(.4):
        sale["sub"] = r.choice([(sub["sub"] or "M") + "b", sub["sub"]])
    else:
        what = "nothing"
    w.seen("resent, corrected: " + what)
    w.sale_ping("sale", sale, at)


def rename(w, sub):
    product = sub["product"]
    if w.chance(.5):
        w.seen("renamed permalink")
        product["permalink"] += "-new"
    elif product["key"] in ("app", "shop"):
        w.seen("renamed tier")
        tier = w.rng.choice(PRODUCTS[product["key"]])
        product["renamed"][tier] = product["renamed"].get(tier, tier) + " II"


def cancel(w, sub, now, end):
    """What Gumroad sends of a cancellation; True when the membership goes on
    as if nothing had been."""
    r = w.rng
    w.cancellation(sub, now, end, "cancelled_by_" +
                   r.choice(["buyer", "seller", "admin"]))
    if w.chance(.4):
        w.seen("undo")
        back = r.randint(now, end)
        if w.chance(.5):
            w.seen("undo before the retries are over")
            back = min(end, now + r.randint(1, 840))
        w.restarted(sub, back)
        if not w.chance(.4):
            return True
        w.seen("cancelled again")
        w.cancellation(sub, r.randint(back, end), r.choice([end, end + 1]))
    if w.chance(.3):
        w.seen("refund while a cancellation waits")
        now = r.randint(now, end)
        sub["sales"][-1]["refunded"] = True
        w.sale_ping("refund", sub["sales"][-1], now)
        w.ended(sub, now, now, "cancelled")
    elif w.chance(.8):
        w.ended(sub, end, end + r.randint(0, 60), "cancelled")
    return False


def upgrade(w, sub, now, end, tier):
    """Returns the end of what is paid."""
    r = w.rng
    as_of = None if w.chance(.1) else now
    w.updated(sub, now, "upgrade", as_of, tier)
    what = r.choice(["charged", "charged", "refunded", "free"])
    w.seen("upgrade " + what)
    if what == "free":
        return end
    sale = charge(w, sub, now + r.choice([-2, -1, 0, 1, 2, 2 * DAY]), tier)
    if what == "refunded":
        sale["refunded"] = True
        w.sale_ping("refund", sale, now + r.randint(5, 5 * DAY))
        if w.chance(.5):
            w.updated(sub, now + 6 * DAY, "downgrade", None, "Starter")
        return end
    return add_months(now, sub["months"])


def membership(w):
    """From the first sale on, period by period, as Gumroad lets it go."""
    r = w.rng
    sub = new_subscription(w)
    tiers = PRODUCTS[sub["product"]["key"]]
    if sub["product"]["key"] == "app" and w.chance(.1):
        tiers = tiers + ["Keep"]
    tier, at = r.choice(tiers), sub["start"]
    for flag, p, feature in (("test", .08, "test purchase"),
                             ("gift", .1, "gift")):
        if w.chance(p):
            sub[flag] = True
            w.seen(feature)
    end = add_months(at, sub["months"])
    if w.chance(.15):
        w.seen("trial")
        sub["trial"] = end = at + r.choice([7, 14, 30, 45]) * DAY
    charge(w, sub, at, tier)
    if sub.get("gift") and w.chance(.3):
        w.seen("dispute of an unknown sale")
        giver = {"email": "giver@example.org", "buyer": ""}
        w.sale_ping("dispute", {
            **sub["sales"][0], "sale": w.id("G"), "person": giver,
            "sub": sub["sub"] if w.chance(.5) else None, "disputed": True},
            at + 3 * DAY)
    pending = None
    for _ in range(r.randint(0, 8)):
        now = at + r.randint(1, max(end - at, 2))
        what = r.choice(["renew"] * 7 + ["cancel"] * 2 + ["upgrade"] * 2 + [
            "downgrade", "fail", "refund", "dispute", "correct", "test_ping",
            "rename", "reuse"])
        if what == "renew":
            at = end + r.choice([0, 0, 1, 59, 119, 3 * DAY])
            tier, pending = pending or tier, None
            charge(w, sub, at, tier)
            end = add_months(end if w.chance(.7) else at, sub["months"])
        elif what == "cancel" and not cancel(w, sub, now, end):
            if w.chance(.4):
                break
            at = end + r.choice([1, 40, 300]) * DAY
            end = restart_at_checkout(w, sub, at, tier)
        elif what == "upgrade" and tiers[0]:
            tier = r.choice(tiers)
            at, end = now, upgrade(w, sub, now, end, tier)
        elif what == "downgrade" and tiers[0]:
            w.seen("downgrade")
            pending = r.choice(tiers)
            w.updated(sub, now, "downgrade", r.choice([end, end, now]),
                      pending)
        elif what == "fail":
            at = end + 5 * DAY
            w.ended(sub, at, at, "failed_payment")
            w.cancellation(sub, at, at, "cancelled_due_to_payment_failures")
            if w.chance(.5):
                break
            at += r.randint(0, 40) * DAY
            end = restart_at_checkout(w, sub, at, tier)
        elif what == "refund":
            refund(w, r.choice(sub["sales"]), now)
        elif what == "dispute":
            w.seen("dispute of an older month" if len(sub["sales"]) > 1 else
                   "dispute")
            if not dispute(w, sub, r.choice(sub["sales"]), now):
                if w.chance(.3):
                    break
                w.seen("paid again after a dispute")
                at = now + r.randint(1, 300) * DAY
                end = restart_at_checkout(w, sub, at, tier)
        elif what == "correct":
            correct(w, sub, r.choice(sub["sales"]), now)
        elif what == "test_ping":
            w.test_ping(sub["sales"][-1], now)
        elif what == "rename":
            rename(w, sub)
        elif what == "reuse":
            w.ended(sub, end, end, "cancelled")
            at = end + r.randint(0, 90) * DAY
            end = restart_at_checkout(w, sub, at, tier)
    readings(w, sub, sub["sales"])
    by_owner(w, ("subscription", sub["sub"]), sub["sales"], at)


def has_moved(w, sale, voided=False):
    """Do deliveries of the sale name several subjects? The command line looks
    up where a sale stands by then; this does not. What is absent stays where
    the others are, unless they are void."""
    return sale is not None and len(
        {subject_of(a) for a in w.arrivals
         if a.facts.get("sale") == sale and a.platform != OWNER and
         (voided or a.facts["kind"] != "absent")}) > 1


def by_owner(w, subject, sales, at):
    """Now and then the owner helps: one thing of each kind, in seconds of
    their own."""
    r = w.rng
    if not w.chance(.15):
        return
    at += r.randint(-20, 20) * DAY + 1
    first, undo = r.choice([("link", "unlink"), ("revoke", "restore"),
                            ("void", "unvoid")])
    said = {}
    if first == "link":
        said = r.choice([{"user": "49"}, {"user": "40"}])
    elif first == "revoke" and w.chance(.5):
        sale = r.choice(sales)
        if has_moved(w, sale["sale"]):
            return
        said = {"sale": sale["sale"]}
    elif first == "void":
        mine = [a for a in w.arrivals if subject_of(a) == subject and
                not has_moved(w, a.facts.get("sale"), True)]
        if not mine:
            return
        said = {"deliveries": [r.choice(mine).key]}
    w.by_hand(first, subject, at, **said)
    if w.chance(.4):
        if first == "link":
            said = {}
        w.by_hand(undo, subject, at + r.randint(1, 20) * DAY, **said)


def subject_of(a):
    """What a delivery's own words are about."""
    f = a.facts
    if a.platform == "gank":
        return ("goods", f["sale"]) if f["kind"] == "goods" else (
            "membership", f["buyer"], f.get("title", ""))
    if f.get("subscription"):
        return "subscription", f["subscription"]
    return "sale", f.get("sale")


def instalments(w):
    r = w.rng
    sub = new_subscription(w, ["course", "plan", "plan", "app", "letter"])
    tier = "Pro" if sub["product"]["key"] == "app" else None
    planned = 3 if sub["product"]["key"] == "plan" else r.randint(1, 4)
    if w.chance(.6):
        w.seen("charges told")
        sub["charges"] = planned
    told = {**sub}
    if w.chance(.5):
        # a plan's product has no price by the month
        w.seen("blank plan")
        told["recurrence"] = None
        if w.chance(.3):
            sub["recurrence"] = None
    at = sub["start"]
    if w.chance(.1):
        told["trial"] = sub["trial"] = at + 7 * DAY
        charge(w, sub, at, tier)
        at += 7 * DAY
    done = r.choice([planned, planned, r.randint(1, planned)])
    for i in range(done):
        charge(w, sub, add_months(at, i * sub["months"]), tier)
    end = add_months(at, done * sub["months"])
    if done < planned:
        w.ended(told, end, end + 5 * DAY, "failed_payment")
        w.cancellation(told, end, end + 5 * DAY,
                       "cancelled_due_to_payment_failures")
    elif w.chance(.6):
        w.ended(told, end, end + r.randint(0, 60),
                "fixed_subscription_period_ended")
    else:
        w.seen("paid off, and no end is sent")
    if w.chance(.3):
        w.seen("an instalment paid back")
        refund(w, r.choice(sub["sales"]), r.randint(at, end + 30 * DAY))
    if w.chance(.2):
        w.seen("an instalment disputed")
        dispute(w, told, r.choice(sub["sales"]), r.randint(at, end))
    if w.chance(.25):
        w.seen("restarted by mistake")
        again = end + r.randint(1, 100) * DAY
        sale = charge(w, sub, again, tier)
        w.restarted(told, again + 5)
        if w.chance(.7):
            sale["refunded"] = True
            w.sale_ping("refund", sale, again + DAY)
            w.ended(told, again + DAY, again + DAY, "cancelled")
    readings(w, sub, sub["sales"])
    by_owner(w, ("subscription", sub["sub"]), sub["sales"], at)


def one_off(w):
    r = w.rng
    at = w.start()
    person = r.choice(w.people)
    product = new_product(w, r.choice(["zine", "course", "app", "keep",
                                       "shop"]))
    sale = {"sale": w.id("S"), "sold_at": at, "person": person,
            "product": product, "license": r.choice([None, w.id("L-")]),
            "price": r.choice([0, 500]), "user": person["user"],
            "tier": r.choice(PRODUCTS[product["key"]])}
    if w.chance(.1):
        w.seen("recurrence without a subscription")
        sale["recurrence"] = r.choice(list(MONTHS))
    if w.chance(.15):
        w.seen("pre-order")
        w.sale_ping("sale", {**sale, "preorder": True}, at)
        sale.update(sale=w.id("S"), sold_at=add_months(at, 2))
        at = sale["sold_at"]
    sale["test"] = w.chance(.1)
    sale["gift"] = w.chance(.1)
    w.sale_ping("sale", sale, at)
    for _ in range(r.choice([0, 0, 1, 2])):
        at += r.randint(0, 40) * DAY
        what = r.choice(["refund", "dispute", "won", "resend", "test_ping",
                         "forged"])
        if what == "refund":
            refund(w, sale, at)
        elif what == "dispute":
            sale["disputed"] = True
            w.sale_ping("dispute", sale, at)
        elif what == "won" and sale.get("disputed"):
            sale["won"] = True
            w.sale_ping("dispute_won", sale, at)
        elif what == "resend":
            correct(w, {"sub": None}, sale, at) if w.chance(
                .5) else w.sale_ping("sale", sale, at)
        elif what == "test_ping":
            w.test_ping(sale, at)
        elif what == "forged":
            w.seen("one ping of a sale says test")
            w.sale_ping("sale", {**sale, "test": True}, at)
    readings(w, None, [sale])
    by_owner(w, ("sale", sale["sale"]), [sale], at)


def bundle(w):
    """A sale of the bundle and one of each item, which nothing ties to it."""
    w.seen("bundle")
    at = w.start()
    sales = [{"sale": w.id("S"), "sold_at": at, "person": w.people[0],
              "product": new_product(w, key), "price": price,
              "tier": PRODUCTS[key][0], "user": w.people[0]["user"]}
             for key, price in (("zine", 900), ("app", 0), ("course", 0))]
    for sale in sales:
        w.sale_ping("sale", sale, at)
    if w.chance(.5):
        refund(w, sales[0], at + DAY)


def collisions(w):
    """Nothing Gumroad would think of: all times from a handful of instants,
    so that every comparison of the rules is met from both sides."""
    r = w.rng
    sub = new_subscription(w, ["app", "app", "course", "plan", "keep", "shop"])
    if w.chance(.3):
        sub["recurrence"], sub["months"] = None, 1
    if w.chance(.3):
        sub["trial"] = sub["start"] + r.choice([0, 7, 40]) * DAY
    if w.chance(.2):
        sub["charges"] = r.randint(1, 3)
    w.seen("collisions")
    base = [add_months(sub["start"], i * sub["months"]) for i in range(4)]
    grid = [t + r.choice([0, 0, 0, -1, 1, 7 * DAY, -DAY]) for t in base]
    grid += r.choices(base, k=2)
    tiers = PRODUCTS[sub["product"]["key"]]
    for _ in range(r.randint(1, 4)):
        charge(w, sub, r.choice(grid), r.choice(tiers),
               user=r.choice([None, "40", "41"]))
    for _ in range(r.randint(1, 7)):
        at, t = r.choice(grid), r.choice(grid)
        sale = r.choice(sub["sales"])
        what = r.randint(0, 10)
        other = dict(sub)
        if w.chance(.2):
            other["recurrence"] = r.choice(["yearly", "quarterly", None])
        if w.chance(.15):
            other["charges"] = r.randint(1, 3)
        if what <= 1:
            w.cancellation(other, at, None if w.chance(.1) else t)
        elif what <= 3:
            w.ended(other, at, t, r.choice([
                "cancelled", "failed_payment",
                "fixed_subscription_period_ended"]))
        elif what == 4:
            w.notice("subscription_restarted", other, at, restarted_at=t)
        elif what <= 6 and tiers[0]:
            w.updated(other, at, r.choice(["upgrade", "upgrade", "downgrade"]),
                      r.choice([t, t, None]), r.choice(tiers + ["Keep"]))
        elif what == 7:
            sale["refunded"] = True
            w.sale_ping("refund", sale, at)
        elif what == 8:
            sale["disputed"] = True
            sale["won"] = sale.get("won") or w.chance(.4)
            w.sale_ping("dispute_won" if sale["won"] else "dispute", sale, at)
        else:
            correct(w, sub, sale, at)
    readings(w, sub, sub["sales"])


# ---- Gank


def pay_gank(w, person, title, months, t, goods=False, user=None):
    r = w.rng
    test = w.chance(.06)
    sale = ("DG-" if goods else "UM-") + ("TEST-" if test else "250925-")
    f = {"kind": "goods" if goods else "membership", "sale": sale + w.id("N"),
         "title": title, "names": [title, "cat1" if goods else "pe1"],
         "months": months, "email": person["email"], "buyer": person["payer"],
         "user": user}
    if test:
        w.seen("gank test")
    if w.chance(.15):
        w.seen("pending, then succeeded")
        w.send_gank(gank_body(f, "PENDING"), t - r.randint(0, 600))
    w.send_gank(gank_body(f), t)
    if w.chance(.1):
        # another body under one human_id: the first sent counts
        w.seen("one payment in two bodies")
        other = {**f, "user": r.choice([None, "40", f["user"]])}
        if not goods:
            other["months"] = r.choice([months, 1, 12])
            if w.chance(.2):
                w.seen("one payment of two memberships")
                other["title"] = r.choice(["FanClub", "Backers"])
                other["names"] = [other["title"], "pe1"]
        w.send_gank(gank_body(other, nick="fan2"),
                    t + r.choice([-3600, 0, 5, DAY]))
    return f


def gank_membership(w):
    r = w.rng
    person = r.choice(w.people)
    titles = r.sample(["FanClub", "ProCircle", "Backers", "Legends"],
                      r.choice([1, 1, 1, 2, 3]))
    paid = [t for title in titles for t in gank_payments(w, person, title)]
    if w.chance(.5):
        gank_list(w, person, paid)


def gank_payments(w, person, title):
    """When they are made, and when they end."""
    r = w.rng
    user = person["user"] if w.chance(.6) else None
    t = end = w.start()
    times = []
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
        if w.chance(.2):
            w.seen("gank another reference")
            user = r.choice(["40", "41", "42", None])
        paid = pay_gank(w, person, title, months, t, user=user)
        end = add_months(max(t, end), months)
        times.append((t, end))
    by_owner(w, ("membership", person["payer"], title), [paid], t)
    return times


def gank_list(w, person, paid):
    """Some entries of the list of members, each read a few times."""
    r = w.rng
    if w.chance(.1):
        w.seen("listed and never paid")
        w.arrivals = [a for a in w.arrivals
                      if a.platform != "gank" or w.chance(.2)]
    begins = [t for t, _ in paid]
    begins += [(a + b) // 2 for a in begins for b in begins]
    ends = [t + d for _, t in paid for d in (-DAY, -1, 0, 5, DAY, 40 * DAY)]
    for _ in range(r.choice([1, 1, 2, 3])):
        w.seen("listed")
        f = {"buyer": person["payer"], "setting": r.choice(["s1", "s2"]),
             "start": r.choice(begins) + r.choice([0, 0, 1, -DAY])}
        if w.chance(.05):
            w.seen("listed without a begin")
            f["start"] = None
        for at, seen in w.moments(begins[0], r.choice([1, 1, 2, 3])):
            f["end"] = r.choice(ends)
            if w.chance(.05):
                w.seen("listed without an end")
                f["end"] = None
            w.arrivals.append(entry(dict(f), at, seen))
            if w.chance(.05):
                w.seen("an entry voided")
                w.by_hand("void", ("membership", person["payer"], ""),
                          at + DAY, deliveries=[w.arrivals[-1].key])


def gank_goods(w):
    person = w.rng.choice(w.people)
    pay_gank(w, person, "Brushes", 0, w.start(), True, person["user"])


STORIES = [(membership, 9), (collisions, 7), (one_off, 3), (instalments, 4),
           (bundle, 1), (gank_membership, 4), (gank_goods, 1)]


def make_set(rng):
    """A random set: its arrivals and which features were in it."""
    while True:
        w = World(rng)
        stories, weights = zip(*STORIES)
        for story in rng.choices(stories, weights, k=rng.choice([1, 1, 2])):
            story(w)
        if any(a.platform != OWNER for a in w.arrivals):
            return w.arrivals, w.features


# what a long enough run has to have met
FEATURES = {
    "sale", "refund", "dispute", "dispute_won", "cancellation",
    "subscription_updated", "subscription_ended", "subscription_restarted",
    "test_ping", "membership", "goods", "pending", "lost", "late", "retry",
    "registered twice", "flat_json", "nested_json", "bundle",
    "custom field: email", "custom field: purchaser_id",
    "custom field: license_key", "custom field: test",
    "custom field: recurrence", "custom field: permalink", "a slow clock here", "no sale_timestamp",
    "resend", "another address", "test purchase", "gift",
    "dispute of an unknown sale", "dispute of an older month", "dispute won",
    "dispute lost", "dispute told by a resent sale alone",
    "paid again after a dispute", "trial", "undo",
    "undo before the retries are over", "cancelled again",
    "refund while a cancellation waits", "restart at checkout",
    "restart at checkout with url_params", "upgrade charged",
    "upgrade refunded", "upgrade free", "downgrade", "partial refund",
    "full refund", "renamed permalink", "renamed tier",
    "resent, corrected: address", "resent, corrected: tier",
    "resent, corrected: product", "resent, corrected: subscription",
    "resent, corrected: nothing", "charges told", "blank plan",
    "paid off, and no end is sent", "an instalment paid back",
    "an instalment disputed", "restarted by mistake", "pre-order",
    "recurrence without a subscription", "one ping of a sale says test",
    "collisions", "cancelled without a time", "gank test",
    "pending, then succeeded", "one payment in two bodies",
    "one payment of two memberships", "gank another reference", "gank early",
    "gank late", "gank gap", "gank now", "gank same", "ended cancelled",
    "ended failed_payment", "ended fixed_subscription_period_ended",
    "by hand: link", "by hand: unlink", "by hand: revoke", "by hand: restore",
    "by hand: void", "by hand: unvoid", "by hand: confirm", "a flood",
    "readback", "absent", "A, B, A", "the gifter's side",
    "moved by a reading", "read and never pinged", "listed",
    "listed and never paid", "listed without a begin",
    "listed without an end", "an entry voided",
    *("subscriber " + status for status in STATUSES),
    *("read " + flag for odd in ODD for flag in odd), *MONTHS}
