"""The life of a subscription: what the clock does and what people do."""

from clock import DAY, MONTHS, add_months
from records import (FAILED, MEMBERSHIP, REPLACED, SUCCESSFUL, TEST, TRIAL,
                     Subscription)

RENEW_DELAY = 105  # seconds from the end of a period to its next charge
END_DELAY = 51  # from the end of a cancelled period to its end ping
FAILED_TRIES = 2 * DAY
GIVES_UP = 5 * DAY
RESTART_TOLD = 3  # seconds from a restart's charge to its restarted_at


class Refused(Exception):
    """The shop does not do that."""


class Membership:
    """A part of Shop."""

    def new_subscription(self, sale, trial=True):
        product = sale.product
        row = self.ids.row("subscription")
        sub = Subscription(
            id=self.ids.of_row(row), row=row, product=product,
            buyer=sale.buyer, email=sale.email, tier=sale.tier,
            recurrence=sale.recurrence, created_at=self.now,
            quantity=sale.quantity, charges=product.charges,
            test=sale.state == TEST, gift=sale.gift is not None)
        sale.subscription = sub
        sub.sales.append(sale)
        self.subscriptions[sub.id] = sub
        if trial and product.trial_days and sale.state != TEST:
            sale.state = TRIAL
            sub.trial_ends_at = self.now + product.trial_days * DAY
        sub.paid_from = self.now
        sub.paid_until = sub.trial_ends_at or self.period_end(sub, self.now)
        return sub

    def period_end(self, sub, since):
        return add_months(since, MONTHS[sub.recurrence])

    def plan_next(self, sub):
        """What the clock will do to it next."""
        sub.turn += 1
        if sub.over or sub.test:
            return
        if sub.cancelled_at is not None:
            when = max(sub.cancelled_at, self.now) + END_DELAY
            self.agenda.at(when, self._on_turn, sub, sub.turn,
                           self._deactivate)
        else:
            when = max(sub.paid_until, self.now) + RENEW_DELAY
            self.agenda.at(when, self._on_turn, sub, sub.turn, self._renew)

    def _on_turn(self, sub, turn, act):
        if turn == sub.turn and not sub.over:
            act(sub)

    def _renew(self, sub):
        if sub.charges and sub.made() >= sub.charges:
            sub.ended_at = self.now
            self._deactivate(sub)
        elif sub.gift:
            self._give_up(sub)  # nobody's card is known
        elif sub.unpaid:
            sub.paid_from = sub.paid_until
            sub.paid_until = self.period_end(sub, sub.paid_until)
            self.mark(sub)
            self.plan_next(sub)
        elif sub.card_fails:
            self._try_fails(sub)
        else:
            if sub.pending:
                sub.tier, sub.recurrence = sub.pending
                sub.pending = None
            self.charge(sub, sub.price())

    def _try_fails(self, sub):
        sub.failing_since = sub.failing_since or self.now
        left = sub.failing_since + GIVES_UP - self.now
        if left <= 0:
            self._give_up(sub)
            return
        self.new_charge(sub, sub.price(), state=FAILED)
        self.mark(sub)
        sub.turn += 1
        self.agenda.at(self.now + min(FAILED_TRIES, left), self._on_turn,
                       sub, sub.turn, self._renew)

    def _give_up(self, sub):
        sub.failed_at = self.now
        self._deactivate(sub)
        self.announce("cancellation", 5, subscription=sub)

    def _deactivate(self, sub):
        sub.deactivated_at = self.now
        sub.turn += 1
        self.mark(sub)
        self.announce("subscription_ended", 5, subscription=sub)

    def new_charge(self, sub, price, state=SUCCESSFUL, upgrade=False):
        """A row of a later payment; the first one's data go on."""
        first = sub.sales[0]
        if first.gift == "sender":
            first = first.partner
        sale = self.new_sale(
            sub.product, sub.buyer, first.email, state, price,
            tier=sub.tier, recurrence=sub.recurrence, subscription=sub,
            quantity=sub.quantity, original=False, upgrade=upgrade,
            license=first.license, custom_fields=first.custom_fields,
            referrer=first.referrer, paypal=first.paypal)
        sub.sales.append(sale)
        return sale

    def charge(self, sub, price, upgrade=False):
        sale = self.new_charge(sub, price, upgrade=upgrade)
        sub.failing_since, sub.paid_from = None, sale.created_at
        sub.paid_until = self.period_end(sub, sale.created_at)
        self.mark(sub)
        self.succeed(sale)
        return sale

    # ---- what people do --------------------------------------------------

    def cancel(self, sub, by="buyer"):
        """To the end of the paid period."""
        if sub.over or sub.cancelled_at is not None:
            raise Refused("it is cancelled already")
        sub.requested_at, sub.cancelled_by = self.now, by
        sub.cancelled_at = max(sub.paid_until, self.now)
        self.mark(sub)
        self.plan_next(sub)
        self.announce("cancellation", 5, subscription=sub)

    def undo(self, sub):
        """The cancellation is taken back before it took effect."""
        if sub.over or sub.cancelled_at is None:
            raise Refused("there is no cancellation to take back")
        self._go_on(sub)
        self._tell_restart(sub)

    def _go_on(self, sub):
        sub.requested_at = sub.cancelled_at = sub.cancelled_by = None
        sub.failed_at = sub.ended_at = sub.deactivated_at = None
        self.mark(sub)
        self.plan_next(sub)

    def _tell_restart(self, sub):
        if sub.over:
            return
        sub.restarted_at = self.now
        self.mark(sub)
        self.announce("subscription_restarted", 5, subscription=sub,
                      extras={"restarted_at": self.now})

    def restart(self, sub, tier=None, recurrence=None, quantity=None):
        """At the checkout: the same id goes on with a charge of today."""
        if not sub.over or sub.test or sub.gift:
            raise Refused("there is nothing to restart")
        self._go_on(sub)
        sub.card_fails, sub.failing_since, sub.pending = False, None, None
        sub.tier = tier or sub.tier
        sub.recurrence = recurrence or sub.recurrence
        sub.quantity = quantity or sub.quantity
        sale = self.charge(sub, sub.price())
        self.agenda.at(self.now + RESTART_TOLD, self._tell_restart, sub)
        return sale

    def restartable(self, product, buyer):
        """The buyer's old subscription of this product, if it is over."""
        found = [s for s in self.subscriptions.values()
                 if s.product is product and not (s.test or s.gift) and
                 (s.buyer is buyer or s.email == buyer.email)]
        if any(not s.over for s in found):
            raise Refused("this buyer has the membership already")
        return found[-1] if found else None

    def fail_card(self, sub):
        sub.card_fails = True

    def mend_card(self, sub):
        """The next try succeeds."""
        sub.card_fails = False

    def run_unpaid(self, sub):
        """Gumroad lets it run on without charges and without pings."""
        sub.unpaid = True

    def change_plan(self, sub, tier=None, recurrence=None):
        """Dearer or as dear: at once. Cheaper: with the next payment."""
        if sub.over or sub.product.kind != MEMBERSHIP:
            raise Refused("its plan cannot change")
        tier, recurrence = tier or sub.tier, recurrence or sub.recurrence
        if recurrence not in tier.prices:
            raise Refused("%s is not sold %s" % (tier.name, recurrence))
        old, new = sub.price(), sub.price(tier, recurrence)
        if new >= old:
            return self._upgrade(sub, tier, recurrence, old, new)
        in_trial = sub.trial_ends_at and self.now < sub.trial_ends_at
        plans = self._plans(sub, tier, recurrence)
        if in_trial or new == 0:
            sub.tier, sub.recurrence = tier, recurrence
            when = self.now
        else:
            sub.pending, when = (tier, recurrence), sub.paid_until
        self._tell_update(sub, "downgrade", when, plans)
        return None

    def _upgrade(self, sub, tier, recurrence, old, new):
        plans = self._plans(sub, tier, recurrence)
        left = max(0, sub.paid_until - self.now)
        whole = max(1, sub.paid_until - sub.paid_from)
        in_trial = sub.trial_ends_at and self.now < sub.trial_ends_at
        due = 0 if in_trial else max(0, new - old * min(left, whole) // whole)
        sub.tier, sub.recurrence, sub.pending = tier, recurrence, None
        self._tell_update(sub, "upgrade", self.now, plans)
        self.new_charge(sub, new, state=REPLACED)
        if due and new > old:
            return self.charge(sub, due, upgrade=True)
        return None

    def _plans(self, sub, tier, recurrence):
        def plan(tier, recurrence):
            return {"recurrence": recurrence,
                    "price_cents": sub.price(tier, recurrence),
                    "quantity": sub.quantity,
                    "tier": {"id": tier.id, "name": tier.name}}
        return plan(sub.tier, sub.recurrence), plan(tier, recurrence)

    def _tell_update(self, sub, kind, when, plans):
        self.mark(sub)
        self.announce("subscription_updated", 5, subscription=sub, extras={
            "type": kind, "effective_as_of": when,
            "old_plan": plans[0], "new_plan": plans[1]})

    def end_now(self, sub, by):
        """A chargeback, or the product is gone."""
        if sub.over:
            return
        if sub.cancelled_at is None:
            sub.requested_at, sub.cancelled_by = self.now, by
        sub.cancelled_at = self.now
        self._deactivate(sub)
        self.announce("cancellation", 5, subscription=sub)

    def end_after_refund(self, sub):
        """A refund ends at once what was cancelled already."""
        if not sub.over and sub.cancelled_at is not None:
            sub.cancelled_at = self.now
            self._deactivate(sub)
