"""What both sides know of a sale or a subscription, for who looks for the
cause of a difference."""

import truth
from clock import iso


def _dates(facts):
    return {k: iso(v) if isinstance(v, int) and v > 10 ** 9 else v
            for k, v in facts.items() if v not in (None, False)}


def _shop(shop, id):
    sub = shop.subscriptions.get(id)
    sales = sub.sales if sub else [shop.sales[id]]
    if sub:
        print("#  ", id, sub.product.name, sub.recurrence, sub.email)
        for t, facts in sub.history:
            print("#     ", iso(t), _dates(facts))
    for sale in sales:
        print("#  ", sale.id, sale.product.name, iso(sale.created_at),
              sale.email, sale.gift or "", "upgrade" if sale.upgrade else "")
        for t, facts in sale.history:
            print("#     ", iso(t), _dates(facts))
    return [s.id for s in sales]


def tell_all(channel, db, id):
    ids = _shop(channel.shop, id) + [id]
    for delivery in channel.pings.log:
        if delivery.subject in ids:
            print("#   ping", delivery.resource, delivery.subject,
                  iso(delivery.due), delivery.state,
                  [(iso(t), s) for t, s in delivery.attempts])
    for row in db.execute("SELECT * FROM events ORDER BY id"):
        if any(i in row["subject"] or i in str(row["body"]) for i in ids):
            print("#   event", row["id"], row["kind"], iso(row["sent_at"]),
                  iso(row["received_at"]), iso(row["last_seen_at"]),
                  row["status"], row["body"][:900])
    for table in ("purchases", "subscriptions"):
        for row in db.execute("SELECT * FROM " + table):
            if row["subject"].endswith(id) or row["subscription"] == id:
                print("#  ", table, _dates(dict(row)))
