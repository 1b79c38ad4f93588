"""Who has access when, straight from what was delivered: gatepost(7)'s rules
read one by one, each in a function of its own. Slow, and written without a
look at the fold.

A subject's sales are asked one at a time: when does the window open, and at
which moments does a rule close it? The earliest of those is its end."""

from collections import namedtuple
from fnmatch import fnmatchcase

from wire import DAY, MONTHS, NOTICE, PURCHASE, READING, add_months

RETRIES = {1: 60, 2: 240, 3: 840}  # seconds after the first attempt
FIXED = "fixed_subscription_period_ended"

Tier = namedtuple("Tier", "name rank grants lasts payments",
                  defaults=(None, None))
Window = namedtuple("Window", "tier since paid_until until")
NOTHING = Window(None, None, None, None)


class Rules:
    """The settings that the fold reads. tiers: in the file's order; lasts is
    'forever', 'always' or None. grace: seconds, by platform. confirm: 'off',
    'after' or 'before'."""

    def __init__(self, tiers, grace, accept_test, confirm="off"):
        self.tiers, self.grace, self.accept_test = tiers, grace, accept_test
        self.confirm = confirm
        self.place = {t.name: (-t.rank, i) for i, t in enumerate(tiers)}
        self.by_name = {t.name: t for t in tiers}
        self.lines = [(t.name, *g.casefold().split("/"))
                      for t in tiers for g in t.grants]
        self.known = {}

    def lasts(self, name):
        return self.by_name[name].lasts if name in self.by_name else None

    def payments(self, name):
        return self.by_name[name].payments if name in self.by_name else None

    def grant(self, platform, names, variants):
        """The highest tier that these names earn, or None. A part for the
        variant meets the names where a sale has no variants."""
        key = platform, tuple(names), tuple(variants)
        if key not in self.known:
            self.known[key] = self.look_up(*key)
        return self.known[key]

    def look_up(self, platform, names, variants):
        names = [n.casefold() for n in names]
        kinds = [v.casefold() for v in variants] or names
        fitting = [tier for tier, p, item, *kind in self.lines
                   if p == platform and
                   any(fnmatchcase(n, item) for n in names) and
                   (not kind or any(fnmatchcase(k, kind[0]) for k in kinds))]
        return min(fitting, key=self.place.get) if fitting else None


class Delivery:
    """Each once, with the smallest times it came with."""

    def __init__(self, arrival):
        self.platform, self.key = arrival.platform, arrival.key
        self.facts = arrival.facts
        self.kind = self.facts["kind"]
        self.is_read = self.kind in READING
        self.time = self.sent(arrival)
        self.seen = arrival.seen

    @staticmethod
    def sent(arrival):
        if arrival.t is not None:
            return arrival.t
        return arrival.received_at - RETRIES.get(arrival.facts.get("retry"), 0)

    def get(self, fact):
        return self.facts.get(fact)

    @property
    def order(self):
        """As sent; of one second what was read stands first."""
        return self.time, not self.is_read, self.seen or 0, self.key

    @property
    def said(self):
        """In the order of what is known when: a reading as it was last seen,
        and after it a ping of that second."""
        return ((self.seen, 0) if self.is_read else (self.time, 1)) + \
            self.order

    def is_before(self, reading):
        """Is it older knowledge than the reading (or None)?"""
        if reading is None:
            return False
        if self.is_read:
            return self.order < reading.order
        return self.time < reading.seen


def deliveries(arrivals):
    """In the order sent; a repeat lowers the time."""
    seen = {}
    for a in arrivals:
        key = a.platform, a.key
        if key in seen:
            seen[key].time = min(seen[key].time, Delivery.sent(a))
            if a.seen is not None:
                seen[key].seen = max(seen[key].seen, a.seen)
        else:
            seen[key] = Delivery(a)
    return sorted(seen.values(), key=lambda d: d.order)


def without_void(all_of_them):
    """What was taken out by hand does not count; the later word wins."""
    void = {}
    for d in all_of_them:
        if d.kind in ("void", "unvoid"):
            void.update(dict.fromkeys(d.get("deliveries"), d.kind == "void"))
    return [d for d in all_of_them if not void.get(d.key)]


class Marks:
    """From when on what is told has to be confirmed before it counts."""

    def __init__(self, rules, said):
        told = [d for d in said if d.kind == "confirm"]
        self.rules = rules
        self.spans = [(d.get("begin"), d.get("end")) for d in told
                      if d.get("end") is not None]
        self.begin = first(d.get("begin") for d in reversed(told)
                           if d.get("end") is None)

    def wait(self, t):
        """Has what is of this time to wait?"""
        if self.rules.confirm == "off":
            return False
        return any(a <= t < b for a, b in self.spans) or (
            self.rules.confirm == "before" and self.begin is not None and
            self.begin <= t)


def first(values):
    return next((v for v in values if v not in (None, "")), None)


def clean_email(text):
    return text.strip().lower() if text else None


def clean_license(text):
    return text.strip().upper() if text else None


class Sale:
    """A purchase of Gumroad: all that its deliveries, in the order sent,
    tell of it."""

    def __init__(self, name, told, rules, marks):
        self.id, self.told, self.platform = name, told, "gumroad"
        self.read = [d for d in told if d.kind == "readback"]
        self.reading = self.read[-1] if self.read else None
        self.pings = [d for d in told if d.kind in PURCHASE]
        # who speaks: the newest reading; else the sale sent last, then what
        # is next
        speaking = self.read[-1:] or [
            d for kind in PURCHASE for d in reversed(self.pings)
            if d.kind == kind]

        def field(fact):
            return first(d.get(fact) for d in speaking)

        self.first_time = told[0].time
        self.subscription = field("subscription")
        sold = field("sold_at")
        self.sold_at = self.first_time if sold is None else sold
        self.since = min(self.sold_at, self.first_time)
        named = [d.get("names") for d in speaking]
        self.product_id = first(n[2] for n in named)
        self.names = [n for i in range(4) if (n := first(n[i] for n in named))]
        self.teller = self.reading or next(
            (d for d in speaking if d.get("tier")), None)
        self.variant = self.teller and self.teller.get("tier")
        self.email = clean_email(field("email"))
        self.buyer = field("buyer")
        self.license = clean_license(field("license"))
        # what the first of them told
        self.own_user = first(d.get("user") for d in told)
        self.recurrence = first(d.get("recurrence") for d in told)
        if self.reading and not (self.reading.get("subscription") or
                                 self.reading.get("recurrence")):
            self.recurrence = None  # bought once, whatever a ping says
        self.months = self.recurrence and MONTHS.get(self.recurrence, 1)
        self.sender = bool(self.reading and self.reading.get("sender"))
        if self.sender:
            # the gifter's side, for the giftee's address alone
            self.email = clean_email(field("giftee"))
            self.buyer = self.license = self.own_user = None
        self.read_flags()
        self.preorder = speaking and speaking[0].get("preorder")
        self.judge(rules, marks)

    def raised(self, flag, kind=None):
        """When it was first said, since the last reading that said not."""
        no = first(d for d in reversed(self.read) if not d.get(flag))
        return first(d.time for d in self.told
                     if d.get(flag) and not d.is_before(no) and
                     kind in (None, d.kind))

    def read_flags(self):
        self.refunded_at = self.raised("refunded")
        self.disputed_at = self.raised("disputed")
        self.won_at = self.raised("won")
        self.revoked_at = self.raised("revoked")
        self.is_open = self.disputed_at is not None and self.won_at is None
        # told by a dispute delivery, which closes the whole subject
        self.dispute_sent = self.raised("disputed", "dispute")
        self.refunded_amount = None
        if self.reading and (self.reading.get("refunded") or
                             self.reading.get("part")):
            self.refunded_amount = self.reading.get("refunded_amount") or 0

    def judge(self, rules, marks):
        sales = [d for d in self.pings if d.kind == "sale"]
        if sales or not self.reading:
            said = sales or self.pings
            self.is_test = bool(said) and all(d.get("test") for d in said)
        else:
            self.is_test = bool(self.reading.get("test"))
        absent = first(d for d in reversed(self.told) if d.kind == "absent")
        proofs = [d for d in self.read if not d.is_before(absent) and any(
            d.get(k) for k in ("listed", "gift", "test", "preorder"))]
        self.confirmed_at = proofs[0].time if proofs else None
        unknown = absent is not None and not proofs
        waits = not proofs and marks.wait(self.first_time)
        # not counted, and lends nothing to others
        self.ignored = (unknown or waits or
                        (self.is_test and not rules.accept_test))
        # a gifter's: known from disputes alone
        self.phantom = not self.read and all(
            d.kind in ("dispute", "dispute_won") for d in self.pings)
        self.gives = not (self.ignored or self.phantom or self.preorder)
        self.counted = (self.gives and self.refunded_at is None and
                        self.revoked_at is None)
        self.cuts = self.counted and not self.sender

    @property
    def order(self):
        return self.sold_at, not self.sender, self.id


class Payment:
    """A purchase of Gank."""

    def __init__(self, d, rules):
        self.platform, self.id, self.sold_at = "gank", d.get("sale"), d.time
        self.kind, self.title = d.kind, d.get("title")
        self.names, self.months = d.get("names"), d.get("months")
        self.email = clean_email(d.get("email"))
        self.buyer, self.own_user = d.get("buyer"), d.get("user") or None
        self.subscription = self.license = None
        self.refunded_at = self.disputed_at = self.won_at = None
        self.refunded_amount = self.revoked_at = self.confirmed_at = None
        self.sender = False
        self.ignored = d.get("test") and not rules.accept_test

    @property
    def order(self):
        return self.sold_at, self.id


class Subject:
    """What both platforms' have in common: who, and what was done by hand."""

    def __init__(self, name, rules):
        self.name, self.rules = name, rules
        self.sales, self.notices, self.hand = [], [], []
        self.lives = []  # readings of the membership
        self.listed = []  # ends that the list of members tells

    def ready(self):
        self.sales.sort(key=lambda s: s.order)
        self.lending = [s for s in self.sales if not s.ignored]
        self.counted = [s for s in self.lending
                        if getattr(s, "counted", True)]

    # ---- user_ref

    def by_hand(self, do, undo, fact=None):
        """The newest word of these two, where it is the first."""
        said = [d for d in self.hand if d.kind in (do, undo) and
                (fact is None or d.kind == undo or d.get(fact))]
        return said[-1] if said and said[-1].kind == do else None

    def user(self, sale):
        link = self.by_hand("link", "unlink", "user")
        if link:
            return link.get("user")
        if sale.sender:
            return None
        if sale.own_user:
            return sale.own_user
        earlier = [s.own_user for s in self.lending if s.order < sale.order]
        later = [s.own_user for s in self.lending if s.order > sale.order]
        return first(earlier[::-1] + later)

    def email(self, sale):
        link = self.by_hand("link", "unlink", "email")
        return clean_email(link.get("email")) if link else sale.email

    def revoked(self, sale):
        """By hand: when, of this sale or of the subject; not a sale that is
        later."""
        for about in (None, sale.id):
            said = [d for d in self.hand if d.kind in ("revoke", "restore") and
                    d.get("sale") == about]
            if said and said[-1].kind == "revoke" and \
                    sale.sold_at <= said[-1].time:
                yield said[-1].time

    def window(self, sale):
        raise NotImplementedError

    def rows(self):
        return [{"platform": s.platform, "sale": s.id,
                 "subscription": s.subscription, "user_ref": self.user(s),
                 "email": self.email(s), "buyer": s.buyer,
                 "license": s.license, "sold_at": s.sold_at,
                 "refunded_at": s.refunded_at, "disputed_at": s.disputed_at,
                 "dispute_won_at": s.won_at,
                 "refunded_amount": s.refunded_amount,
                 "revoked_at": s.revoked_at,
                 "confirmed_at": s.confirmed_at, **self.window(s)._asdict()}
                for s in self.sales]

    @staticmethod
    def trim(tier, since, paid_until, until, closes):
        """The window, closed at the earliest of these moments. None is for
        ever."""
        ends = [t for t in (until, *closes) if t is not None]
        if not ends:
            return Window(tier, since, None, None)
        until = min(ends)
        if until <= since:
            return NOTHING
        paid_until = until if paid_until is None else min(paid_until, until)
        return Window(tier, since, paid_until, until)


class Gumroad(Subject):
    def ready(self):
        super().ready()
        self.is_subscription = self.name[0] == "subscription"
        self.newest = self.counted[-1] if self.counted else None
        # a reading of the membership takes the place of what came before
        self.life = self.lives[-1] if self.lives else None
        self.fresh = [d for d in self.notices if not d.is_before(self.life)]
        self.restarts = [d.get("restarted_at") for d in self.fresh
                         if d.get("restarted_at") is not None]
        self.own_tiers = {s.id: self.own_tier(s) for s in self.sales}
        self.trial_end = first(d.get("trial") for d in [
            *reversed(self.fresh), *self.lives[-1:]])
        self.trial = self.trial_sale()
        self.cancellation = self.find_cancellation()
        self.end = self.find_end()
        self.upgrades = self.free_upgrades()
        self.paid_up = self.find_paid_up()

    def before(self, sales, t):
        """The newest of these sold before t, or None."""
        return next((s for s in reversed(sales) if s.sold_at < t), None)

    # ---- names

    def told_names(self, sale):
        """The product's names, each as one delivery tells them: this sale's
        own first, then what it and others of the same product id told,
        newest first. A delivery that names another product lends nothing."""
        yield sale.names
        told = [d for s in self.lending + [sale] for d in s.told
                if (s is sale or s.product_id) and self.lends_names(s, d)]
        for d in sorted(told, key=lambda d: d.order, reverse=True):
            names = d.get("names")
            if names[2] == sale.product_id or (
                    d in sale.told and not (names[2] and sale.product_id)):
                yield [n for n in names if n]

    def lends_names(self, sale, d):
        """Beside a reading only what was sent before the first one."""
        if not sale.read or d.kind == "readback":
            return d.kind != "absent"
        return (d.kind != "absent" and self.rules.confirm != "before" and
                d.time < sale.read[0].time)

    def plan_tier(self, sale, variant):
        """The tier that a grant gives to this variant of the sale's product,
        or None."""
        for names in self.told_names(sale):
            tier = self.rules.grant("gumroad", names,
                                    [variant] if variant else [])
            if tier:
                return tier
        return None

    def own_tier(self, sale):
        """By the product's names; else by old names of the tier, which
        earlier deliveries of this sale told."""
        variants = [sale.variant]
        if sale.teller:
            variants += [d.get("tier") for d in reversed(sale.told)
                         if d.get("tier") and d.order < sale.teller.order and
                         self.lends_names(sale, d) and
                         d.get("names")[2] in (None, sale.product_id)]
        return (first(self.plan_tier(sale, v) for v in variants) or
                sale.variant or first(sale.names))

    def tier(self, sale):
        return self.upgrades.get(sale.id) or self.own_tiers[sale.id]

    # ---- updated

    def free_upgrades(self):
        """Of each sale the tier of an upgrade that nobody was charged for."""
        def effective(d):
            at = d.get("effective_at")
            return d.time if at is None else at

        updates = sorted((d for d in self.notices if d.get("way")),
                         key=lambda d: (effective(d), *d.order))
        out, before = {}, None
        for d in updates:
            at = effective(d)
            charged = any(
                abs(s.sold_at - at) <= DAY and
                (before is None or s.sold_at > before) and
                (d.get("new_tier") in [x.get("tier") for x in s.told] or
                 self.own_tiers[s.id] == (
                     self.plan_tier(s, d.get("new_tier")) or
                     d.get("new_tier")))
                for s in self.lending)
            before = at
            sale = self.before(self.counted, at)
            if d.get("way") != "upgrade" or charged or not sale or \
                    self.marks.wait(d.time):
                continue
            tier = (self.plan_tier(sale, d.get("new_tier")) or
                    d.get("new_tier"))
            if "always" not in (self.rules.lasts(tier),
                                self.rules.lasts(self.own_tiers[sale.id])):
                out[sale.id] = tier
        return out

    def next_tier(self):
        updates = [d for d in self.notices if d.get("way")]
        if not self.newest or not updates or \
                updates[-1].get("way") != "downgrade":
            return None
        at = updates[-1].get("effective_at")
        at = updates[-1].time if at is None else at
        name = updates[-1].get("new_tier")
        if self.newest.sold_at > updates[-1].time or \
                self.newest.sold_at >= at or not name:
            return None
        return self.plan_tier(self.newest, name) or name

    # ---- trial, cancelled, ended

    def trial_sale(self):
        """The first sale, where it was sold before the trial's end."""
        sales = [s for s in self.sales if s.gives]
        if sales and self.trial_end is not None and \
                sales[0].sold_at < self.trial_end:
            return sales[0]
        return None

    @staticmethod
    def end_of(d):
        """When the membership ended, as a delivery or a reading tells it."""
        if not d.is_read:
            return d.get("ended_at")
        due = d.get("cancelled_at")
        if d.get("status") in ("cancelled", "failed_payment", FIXED):
            return min(t for t in (due, d.get("failed_at"), d.get("ended_at"),
                                   d.time) if t is not None)
        return due if due is not None and due <= d.seen else None

    def find_cancellation(self):
        """The one sent last of those that hold, or None."""
        def holds(d):
            end, told = d.get("cancelled_at"), d.said[0]
            return not (any(s.sold_at >= end or s.sold_at > told
                            for s in self.counted) or
                        any(t > told for t in self.restarts))
        told = [d for d in self.lives[-1:] if self.end_of(d) is None]
        told = [d for d in told + self.fresh
                if d.get("cancelled_at") is not None and holds(d)]
        return told[-1] if told else None

    def find_end(self):
        told = [d for d in self.lives[-1:] + self.fresh
                if self.end_of(d) is not None]
        if not told:
            return None
        last = max(told, key=lambda d: (self.end_of(d), *d.order))
        life = self.restarts + [s.sold_at for s in self.counted]
        return last if all(t < self.end_of(last) for t in life) else None

    def lasts_at_least(self, sale):
        """A membership that was read as alive goes on some days more."""
        newest = [s for s in self.sales if s.gives][-1:]
        if not self.life or [sale] != newest or not sale.counted or \
                sale.is_open or self.life.get("cancelled_at") is not None or \
                self.life.get("status") not in ("alive", "pending_failure"):
            return 0
        return self.life.seen + max(self.rules.grace["gumroad"], 2 * DAY)

    # ---- paid up

    def find_paid_up(self):
        """The sale that lasts for ever because a plan is paid off."""
        if not self.is_subscription:
            return None
        read = [s for s in self.lending if s.reading]
        if self.notices:
            is_blank = not self.notices[-1].get("recurrence")
        else:
            is_blank = read and not read[-1].reading.get("recurrence")

        def may_last(sale):
            return is_blank or self.rules.lasts(self.tier(sale)) == "forever"

        told = first(d.get("charges") for d in sorted(
            self.notices + self.lives, key=lambda d: d.said, reverse=True))
        charges = [s for s in self.counted
                   if s is not self.trial and not s.sender]
        for i, s in enumerate(charges):
            if i + 1 == (told or self.rules.payments(self.tier(s))):
                if may_last(s) and not any(c.is_open for c in charges[:i + 1]):
                    return s
                break
        # once read it stays; one only told is replaced by a later reading
        ends = [d for d in self.fresh if d.get("reason") == FIXED]
        ends += [d for d in self.lives if d.get("status") == FIXED]
        for d in sorted(ends, key=lambda d: (self.end_of(d), *d.order)):
            sale = self.before(self.counted, self.end_of(d))
            undone = any(s.is_open or s.refunded_at is not None or
                         s.revoked_at is not None
                         for s in self.lending
                         if (s is not self.trial or s is sale) and
                         s.sold_at < self.end_of(d))
            if sale and not undone and may_last(sale):
                return sale
        return None

    # ---- disputed

    def disputes_of(self, sale):
        """When open disputes close this sale's window."""
        return [t for x in self.lending if x.is_open
                for t in self.closes(x, sale)]

    def closes(self, x, sale):
        """When the open dispute of x closes the sale's window, if it does."""
        by_delivery = x.dispute_sent is not None
        at = x.dispute_sent if by_delivery else x.disputed_at
        if x is sale:
            yield at
        elif not self.lasts_always(sale) and sale.sold_at < (
                at if by_delivery else x.sold_at):
            yield at

    # ---- windows

    def lasts_always(self, sale):
        return (self.rules.lasts(self.own_tiers[sale.id]) == "always" and
                sale is not self.trial)

    def period(self, sale):
        """paid_until and until, as money alone would have it."""
        if sale is self.trial:
            paid = self.trial_end
        else:
            paid = add_months(sale.sold_at, sale.months or 1)
        if self.cancellation:
            end = self.cancellation.get("cancelled_at")
            about = self.before(self.lending, end)
            if about is sale and sale.counted:
                return end, end
            if about and not about.counted and sale is self.newest:
                return min(paid, end), min(paid, end)
        return paid, max(paid + self.rules.grace["gumroad"],
                         self.lasts_at_least(sale))

    def window(self, sale):
        if not sale.gives:
            return NOTHING
        closes = [sale.refunded_at, sale.revoked_at, *self.revoked(sale)]
        paid_until = until = None
        if sale is not self.paid_up:
            closes += self.disputes_of(sale)
        if sale is not self.paid_up and not self.lasts_always(sale):
            if self.is_subscription and sale.counted:
                closes += [s.since for s in self.counted
                           if s.cuts and s.order > sale.order][:1]
            closes += [s.revoked_at for s in self.lending
                       if s.gives and not s.sender and s.order > sale.order]
            if self.end:
                closes.append(self.end_of(self.end))
            if self.is_subscription or sale.months:
                paid_until, until = self.period(sale)
        return self.trim(self.tier(sale), sale.since, paid_until, until,
                         closes)

    # ---- the subscription

    def status(self):
        if self.end or self.paid_up:
            return "ended"
        if any(x.is_open for x in self.lending) and (
                self.newest is None or self.disputes_of(self.newest)):
            return "suspended"
        return "cancelled" if self.cancellation else "active"

    def subscription(self):
        return {"status": self.status(), "next_tier": self.next_tier(),
                "ended_at": self.end and self.end_of(self.end),
                "cancelled_at": self.cancellation and
                self.cancellation.get("cancelled_at")}


class Gank(Subject):
    def tier(self, p):
        return self.rules.grant("gank", [p.kind, *p.names], []) or p.title

    def ready(self):
        """Payments add up: each begins where the one before ends."""
        super().ready()
        self.windows = {}
        grace, end, before = self.rules.grace["gank"], None, None
        for p in self.lending:
            begin = p.sold_at if end is None else max(p.sold_at, end)
            since = begin
            if p.kind == "goods":
                self.windows[p.id] = [since, None, None]
                continue
            end = add_months(begin, p.months)
            if before:
                if self.user(before) != self.user(p):
                    since = p.sold_at
                window = self.windows[before.id]
                if window[2] is not None:
                    window[2] = min(window[2], begin)
            self.windows[p.id] = [since, end, end + grace]
            if self.rules.lasts(self.tier(p)) == "always":
                self.windows[p.id] = [since, None, None]
            before = p
        if before and self.windows[before.id][2] is not None:
            since, *ends = self.windows[before.id]
            self.windows[before.id] = [
                since, *(max([t, *self.listed]) for t in ends)]

    def window(self, p):
        if p.ignored:
            return NOTHING
        return self.trim(self.tier(p), *self.windows[p.id], self.revoked(p))


class Oracle:
    def __init__(self, rules, arrivals):
        self.rules = rules
        self.all = deliveries(arrivals)
        self.subjects = {}
        said = without_void(self.all)
        self.marks = Marks(rules, said)
        self.fill(said)
        self.read_list(said)
        for s in self.subjects.values():
            s.ready()
        self.rows = [row for s in self.subjects.values() for row in s.rows()]
        self.subscriptions = {
            name[1]: s.subscription() for name, s in self.subjects.items()
            if name[0] == "subscription"}

    def subject(self, kind, *name):
        make = Gank if kind in ("membership", "goods") else Gumroad
        key = kind, *name
        if key not in self.subjects:
            self.subjects[key] = make(key, self.rules)
            self.subjects[key].marks = self.marks
        return self.subjects[key]

    def fill(self, said):
        told, paid = {}, {}
        for d in said:
            if d.platform == "gank" and d.kind in ("membership", "goods"):
                # one human_id is one purchase: the first sent counts
                paid.setdefault(d.get("sale"), d)
            elif d.kind in PURCHASE + ("readback", "absent"):
                told.setdefault(d.get("sale"), []).append(d)
            elif d.kind in NOTICE:
                self.subject("subscription",
                             d.get("subscription")).notices.append(d)
            elif d.kind == "subscriber" and d.platform != "gank":
                self.subject("subscription",
                             d.get("subscription")).lives.append(d)
        for name, deliveries_of_it in told.items():
            sale = Sale(name, deliveries_of_it, self.rules, self.marks)
            subject = (("subscription", sale.subscription)
                       if sale.subscription else ("sale", name))
            self.subject(*subject).sales.append(sale)
        for name, d in paid.items():
            subject = (("goods", name) if d.kind == "goods" else
                       ("membership", d.get("buyer"), d.get("title")))
            self.subject(*subject).sales.append(Payment(d, self.rules))
        for d in said:
            if d.platform == "hand" and d.get("subject") in self.subjects:
                self.subjects[d.get("subject")].hand.append(d)

    def read_list(self, said):
        """An entry of Gank's list of members is about the payer's only
        membership, or the one whose newest payment is nearest its begin; or
        about none. What was read of it last counts."""
        entries = {(d.get("buyer"), d.get("setting"), d.get("start")): d
                   for d in said
                   if d.platform == "gank" and d.kind == "subscriber"}
        for (buyer, _, start), d in entries.items():
            paid = {}
            for name, s in self.subjects.items():
                times = [p.sold_at for p in s.sales if not p.ignored]
                if name[:2] == ("membership", buyer) and times:
                    paid[name] = max(times)
            if len(paid) > 1 and start is None:
                continue
            gaps = {name: abs(t - (start or 0)) for name, t in paid.items()}
            nearest = [name for name, gap in gaps.items()
                       if gap == min(gaps.values())]
            if len(nearest) == 1 and d.get("end") is not None:
                self.subjects[nearest[0]].listed.append(d.get("end"))

    # ---- questions

    def identifiers(self):
        """All that anybody could ask for, also in vain."""
        out = {("user", row["user_ref"]) for row in self.rows}
        for d in self.all:
            out |= {("user", d.get("user")),
                    ("email", clean_email(d.get("email"))),
                    ("email", clean_email(d.get("giftee"))),
                    ("license", clean_license(d.get("license")))}
            if d.get("buyer"):
                out.add(("buyer", d.platform + ":" + d.get("buyer")))
        return sorted(i for i in out if i[1])

    def rows_of(self, by, value):
        if by == "email":
            value = clean_email(value)
        if by == "license":
            value = clean_license(value)
        for row in self.rows:
            has = {"user": row["user_ref"], "email": row["email"],
                   "license": row["license"],
                   "buyer": f"{row['platform']}:{row['buyer']}"}
            if has[by] == value:
                yield row

    @staticmethod
    def held(rows, now):
        """Of each tier open now: is it paid for?"""
        out = {}
        for row in rows:
            if row["tier"] is not None and row["since"] <= now and (
                    row["until"] is None or now < row["until"]):
                paid = row["paid_until"] is None or now < row["paid_until"]
                out[row["tier"]] = out.get(row["tier"], False) or paid
        return out

    def answers(self, rows, now):
        """The answers that are right, as {(tier, status)}: one, or one per
        tier where none of those held has a rank."""
        held = self.held(rows, now)
        ranked = [t for t in held if t in self.rules.place]
        best = [min(ranked, key=self.rules.place.get)] if ranked else held
        return {(t, "active" if held[t] else "grace") for t in best} or {
            (None, "none")}

    def until(self, rows, now, tier):
        """When the tier, held now, is held no more; None: never."""
        moments = sorted({row["until"] for row in rows
                          if row["until"] is not None and row["until"] > now})
        return next((t for t in moments if tier not in self.held(rows, t)),
                    None)
