"""Who has access, by the model's own state: what a receiver should find.

Two views. `sales` and `subscriptions` are the plain facts. `access` is the
shop's own answer, without any grace: a one-off sale that is not taken back;
a subscription that is alive or paid up, whose newest payment is not taken
back. An account that seems to fail (pending_failure) still has access.
"""

from bisect import bisect_right

from clock import iso
from records import COUNTED, TEST


def past(thing, at):
    """The facts that held at that time, or None before it was there."""
    index = bisect_right([t for t, _ in thing.history], at)
    return thing.history[index - 1][1] if index else None


def entitles(facts):
    return facts["state"] in COUNTED and not (
        facts["refunded"] or facts["revoked"] or
        (facts["disputed"] and not facts["dispute_won"]))


def alive(facts, at):
    over = facts["deactivated_at"] is not None
    cancelled = facts["cancelled_at"]
    return not over and (cancelled is None or cancelled > at)


def completed(facts):
    return facts["ended_at"] is not None


def of_sale(sale, facts):
    sub = sale.subscription
    return dict(facts, id=sale.id, order=sale.order, email=sale.email,
                product=sale.product.permalink, product_id=sale.product.id,
                subscription=sub.id if sub else None,
                created_at=iso(sale.created_at), known_at=iso(sale.known_at),
                price=sale.price, gift=sale.gift, test=sale.state == TEST,
                renewal=sale.is_renewal, upgrade=sale.upgrade,
                url_params=sale.url_params, entitles=entitles(facts) and
                sale.gift != "sender")


def of_subscription(sub, facts, at):
    told = {k: iso(v) if k.endswith(("_at", "_until", "_since")) else v
            for k, v in facts.items()}
    return dict(told, id=sub.id, email=sub.email,
                product=sub.product.permalink, product_id=sub.product.id,
                alive=alive(facts, at), completed=completed(facts),
                pending_failure=facts["failing_since"] is not None and
                alive(facts, at), gift=sub.gift, test=sub.test,
                sales=[s.id for s in sub.sales if s.created_at <= at])


def newest(sub, at):
    """The payment for the period that runs: (sale, facts)."""
    for sale in reversed(sub.sales):
        facts = past(sale, at)
        if facts and sale.gift != "sender" and \
                facts["state"] in COUNTED + (TEST,):
            return sale, facts
    return None, None


def of_access(shop, at):
    found = []

    def gives(sale, tier, until):
        found.append((sale.email, {
            "product": sale.product.permalink, "product_id": sale.product.id,
            "tier": tier, "sale": sale.id, "until": iso(until),
            "subscription": sale.subscription.id if sale.subscription
            else None}))
    for sale in shop.sales.values():
        facts = past(sale, at)
        if facts and sale.subscription is None and entitles(facts) and \
                sale.gift != "sender":
            gives(sale, facts["tier"], None)
    for sub in shop.subscriptions.values():
        sale, facts = newest(sub, at)
        state = past(sub, at)
        if sale and state and entitles(facts) and (
                alive(state, at) or completed(state)):
            gives(sale, state["tier"],
                  None if completed(state) else state["paid_until"])
    return found


def of(shop, at):
    sales, subscriptions, access = {}, {}, {}
    for sale in shop.sales.values():
        facts = past(sale, at)
        if facts:
            sales[sale.id] = of_sale(sale, facts)
    for sub in shop.subscriptions.values():
        facts = past(sub, at)
        if facts:
            subscriptions[sub.id] = of_subscription(sub, facts, at)
    for email, entry in of_access(shop, at):
        access.setdefault(email, []).append(entry)
    return {"at": iso(at), "access": access, "sales": sales,
            "subscriptions": subscriptions}
