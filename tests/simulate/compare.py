"""Gatepost's rows and answers against the shop's own state.

Each tolerance names the rule of gatepost-lifecycle(7) that it follows; what
none of them covers is a difference.
"""

import sqlite3

import truth
from clock import DAY, MONTHS, add_months, iso, parse
from life import config_tier
from records import (AUTHORIZED, COUNTED, GIFTEE, INSTALMENTS, LISTED,
                     TEST, Subscription)

NEW_NAMES = {"Friend", "pencil-2"}
ALIVE = 2 * DAY  # what is alive lasts so long after it was read, at least


def subject_of(sale):
    """What stands for its access: a gift's two sides are one."""
    if sale.subscription:
        return sale.subscription
    return sale.partner if sale.gift == "sender" else sale


def disputed_at(sale):
    return next(t for t, facts in sale.history if facts["disputed"])


class Comparison:
    def __init__(self, channel, traits, database):
        self.channel, self.traits = channel, traits
        self.shop, self.program = channel.shop, channel.program
        self.db = sqlite3.connect("file:%s?mode=ro" % database, uri=True)
        self.db.row_factory = sqlite3.Row
        self.wrong = []
        self.excused = {}
        self.lag = 0  # seconds, until Gatepost may know

    def differs(self, what, thing, *more):
        """Things of the shop are told by their ids."""
        self.wrong.append((what, *(getattr(x, "id", x)
                                   for x in (thing, *more))))

    def excuse(self, why):
        self.excused[why] = self.excused.get(why, 0) + 1
        return True

    def is_new(self, thing):
        """Has it changed so lately that nothing need be known of it?"""
        return thing.history[-1][0] > self.channel.now - self.lag

    def rows(self, table, key):
        return {row[key]: row for row in
                self.db.execute("SELECT * FROM " + table)}

    # ---- purchases -------------------------------------------------------

    def purchases(self):
        rows = self.rows("purchases", "sale")
        for sale in self.shop.sales.values():
            row = rows.pop(sale.id, None)
            listed = sale.state in LISTED
            if self.is_new(sale):
                continue
            if row is None and (listed or (
                    sale.state == GIFTEE and
                    sale.id in self.channel.reached)):
                self.differs("purchase missing", sale.id, sale.state)
            elif row is not None and not listed and \
                    sale.id not in self.channel.reached:
                self.differs("purchase too much", sale.id, sale.state)
            elif row is not None:
                self._purchase(sale, row)
        for sale in self.channel.forged:
            row = rows.pop(sale.id, None)
            # confirm = 'off' asks for nothing
            if row is not None and row["since"] is not None and \
                    self.traits.confirm != "off":
                self.differs("forged sale counts", sale.id)
        for id in rows:
            self.differs("purchase of nobody", id)

    def _purchase(self, sale, row):
        told = {
            "product": sale.product.permalink,
            # "A gift's sender row in a reading counts for giftee_email only"
            "email": (sale.partner if sale.gift == "sender" else sale).email,
            "subscription": sale.subscription.id if sale.subscription
            else None, "sold_at": sale.created_at, "price": sale.price,
            "quantity": sale.quantity,
            "license": sale.license and sale.license.key
            if sale.gift != "sender" else None,
            "test": int(sale.state == TEST)}
        flags = {"refunded_at": sale.refunded, "disputed_at": sale.disputed,
                 "dispute_won_at": sale.dispute_won,
                 "revoked_at": sale.revoked}
        if sale.state not in LISTED:
            # the list never shows it, and of what happens to it later no ping
            # tells: "Unknowable from pings": gifts, tests, authorisations
            for key in ("product", "email"):
                told.pop(key)
            flags = {}
        for key, value in told.items():
            if row[key] != value:
                self.differs("purchase " + key, sale.id, value, row[key])
        for key, value in flags.items():
            if (row[key] is not None) != bool(value):
                self.differs("purchase " + key, sale.id, value, row[key])
        if sale.state in LISTED and row["confirmed_at"] is None and \
                self.traits.confirm != "off":
            self.differs("purchase unconfirmed", sale.id)
        # the old shape tells no currency, so no amount either
        if sale.state in LISTED and sale.product.currency == "usd" and \
                not self.traits.old and \
                (row["refunded_amount"] or 0) != sale.refunded_minor and \
                sale.charged:
            self.differs("purchase refunded_amount", sale.id,
                         sale.refunded_minor, row["refunded_amount"])
        if row["since"] is not None and sale.state in (TEST, AUTHORIZED):
            self.differs("purchase gives access", sale.id, sale.state)

    # ---- subscriptions ---------------------------------------------------

    def subscriptions(self):
        rows = self.rows("subscriptions", "subscription")
        forged = {s.subscription.id for s in self.channel.forged
                  if s.subscription}
        for sub in self.shop.subscriptions.values():
            row = rows.pop(sub.id, None)
            known = [s for s in sub.sales if s.state in LISTED]
            if self.is_new(sub):
                continue
            if row is None and known:
                self.differs("subscription missing", sub.id)
            elif row is not None and known:
                self._subscription(sub, row)
        for id in set(rows) - forged:
            if not id.startswith("delivery:"):
                self.differs("subscription of nobody", id)

    def _subscription(self, sub, row):
        newest = next((s for s in reversed(sub.sales) if s.state in COUNTED
                       and s.gift != "sender"), None)
        want = "active"
        if sub.over:
            want = "ended"
        elif newest is None or any(
                s.dispute_open and disputed_at(s) > newest.created_at
                for s in sub.sales):
            want = "suspended"
        elif sub.cancelled_at is not None:
            want = "cancelled"
        if row["status"] != want and not self._status(sub, row, want):
            self.differs("subscription status", sub.id, want, row["status"])
        if want == row["status"] == "cancelled" and \
                row["cancelled_at"] != sub.cancelled_at:
            self.differs("subscription cancelled_at", sub.id,
                         sub.cancelled_at, row["cancelled_at"])
        if want == row["status"] == "ended" and row["ended_reason"] not in (
                sub.ended_reason, None):
            self.differs("subscription ended_reason", sub.id,
                         sub.ended_reason, row["ended_reason"])
        # of a gift the newest row is the giftee's, which the list never shows
        if row["product"] != sub.product.permalink and not sub.gift:
            self.differs("subscription product", sub.id,
                         sub.product.permalink, row["product"])

    def _status(self, sub, row, want):
        if row["status"] == "ended" and sub.charges and \
                sub.made() >= sub.charges:
            return self.excuse("paid up: status ended (Paid up)")
        return False

    # ---- access ----------------------------------------------------------

    def _truth(self, at):
        """{(e-mail, subject): tiers} at that time."""
        found = {}
        for email, entry in truth.of_access(self.shop, at):
            sale = self.shop.sales[entry["sale"]]
            found[(email, subject_of(sale))] = (
                config_tier(self.shop, sale.product, entry["tier"]),
                entry["until"])
        return found

    def _answers(self, by, ids, times):
        """{(id, subject): tier} for each time."""
        found = [{} for _ in times]
        text = " ".join(str(t) for t in times)
        for id in sorted(ids):
            line = self.program.tell("access %s %s %s" % (by, id, text))
            for n, answer in enumerate(line.split("\t")[:len(times)]):
                tier, _, _, grants = answer.split(":", 3)
                for grant in grants.rstrip(",").split(","):
                    if not grant:
                        continue
                    sale, _, given = grant.partition(">")
                    sale = self.shop.sales.get(sale)
                    if sale is None and self.traits.confirm == "off":
                        continue
                    if sale is None:
                        self.differs("access by a forged sale", id, given)
                        continue
                    found[n].setdefault((id, subject_of(sale)), []).append(
                        given)
        return found

    def people(self):
        return {s.email for s in self.shop.sales.values()} | {
            s.email for s in self.channel.forged}

    def access(self, past):
        """Now and, with nothing new, some time ahead; and at times past."""
        now = self.channel.now
        ahead = [now + n * DAY for n in (1, 12, 45)]
        answers = self._answers("email", self.people(),
                                [now, *ahead, *past])
        self._now(answers[0], now)
        for at, found in zip(ahead, answers[1:]):
            self._ahead(found, now, at)
        for at, found in zip(past, answers[1 + len(ahead):]):
            self._past(found, at)
        self._users(answers[0], now)

    def _now(self, found, now):
        views = [self._truth(now - self.lag * n // 8) for n in range(9)]
        for key in set(found) | set().union(*views):
            tiers = {v[key][0] for v in views if key in v}
            have = set(found.get(key, ()))
            if not have and all(key in v for v in views):
                if not self._may_miss(key, now):
                    self.differs("access missing", *key, tiers)
            elif have and not tiers:
                if not self._may_have(key, now):
                    self.differs("access too much", *key, have)
            elif have - tiers and not self._may_differ(key, have, tiers):
                self.differs("access tier", *key, tiers, have)

    def _ahead(self, found, now, at):
        """What is paid for lasts; what is not, no longer than grace, or two
        days after it was read that it runs on."""
        read = max(self.traits.grace * DAY, ALIVE)
        truths = self._truth(now)
        for key, (_, until) in truths.items():
            ends = getattr(key[1], "cancelled_at", None)
            if ends is not None and ends <= at:
                continue
            if key not in found and (until is None or parse(until) > at) and \
                    not self.is_new(key[1]) and not self._may_miss(key, at):
                self.differs("access ends early", *key, iso(at))
        for key, tiers in found.items():
            until = truths[key][1] if key in truths else None
            if key not in truths or until is None:
                continue
            limit = max(parse(until) + self.traits.grace * DAY, now + read)
            if key[1].cancelled_at is not None:
                limit = key[1].cancelled_at
            if at > limit and not self.is_new(key[1]) and \
                    not self._may_have(key, at):
                self.differs("access ends late", *key, tiers, iso(at))

    def _past(self, found, at):
        """Who had access then, in the end has had it."""
        for key, (tier, _) in self._truth(at).items():
            if key not in found and not self._may_miss(key, at):
                self.differs("access missing in the past", *key, tier, at)

    def _users(self, by_email, now):
        known = {}
        for sale in self.shop.sales.values():
            first = self.channel.reached.get(sale.id)
            if first and first["user"]:
                known.setdefault(subject_of(sale), first["user"])
        users = set(known.values())
        found = self._answers("user", users, [now])[0]
        for (email, subject), tiers in by_email.items():
            user = known.get(subject)
            if user and (user, subject) not in found:
                self.differs("access by user missing", user, subject, tiers)
        subjects = {s for _, s in by_email}
        for user, subject in found:
            if subject not in subjects:
                self.differs("access by user too much", user, subject)
            if known.get(subject) != user:
                self.differs("access by another user", user, subject)

    # ---- tolerances ------------------------------------------------------

    def _may_miss(self, key, at):
        sub = key[1] if isinstance(key[1], Subscription) else None
        if sub and sub.product.kind == INSTALMENTS and any(
                s.refunded or s.revoked or s.dispute_open
                for s in sub.sales):
            return self.excuse("one of the N was taken back (Paid up)")
        if sub and sub.product.kind == INSTALMENTS and \
                any(s.email != key[0] for s in sub.sales):
            return self.excuse("what is paid up is for the Nth charge's "
                               "e-mail (user_ref)")
        if sub and sub.product.kind != INSTALMENTS and \
                (truth.past(sub, at) or {}).get("ended_at"):
            return self.excuse("paid up only where a tier lasts (Paid up)")
        if sub and sub.unpaid and at > self._paid_until(sub, at):
            return self.excuse("runs on unpaid: as long as it is read (Read "
                               "back, subscriber)")
        if sub and at < self.channel.now and \
                at >= self._paid_until(sub, at):
            return self.excuse("a failing renewal, after the grace (Windows)")
        return False

    def _paid_until(self, sub, at):
        """By what was charged up to then, grace included."""
        paid = [s for s in sub.sales if s.state in COUNTED and
                s.created_at <= at]
        last = max(s.created_at for s in paid)
        end = add_months(last, MONTHS[paid[-1].recurrence])
        if sub.trial_ends_at and len(paid) == 1:
            end = sub.trial_ends_at
        return end + self.traits.grace * DAY

    def _may_have(self, key, at):
        sub = key[1] if isinstance(key[1], Subscription) else None
        if sub and sub.product.kind == INSTALMENTS and \
                sub.made() >= sub.charges:
            return self.excuse("paid up with the Nth charge (Paid up)")
        return False

    def _may_differ(self, key, have, tiers):
        if self.traits.forgetful and have <= NEW_NAMES:
            return self.excuse("a new name that no grant has (Names)")
        return False
