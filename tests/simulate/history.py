"""What both sides know of a sale or a subscription, for who looks for the
cause of a difference."""

import json
import urllib.parse

from clock import iso

DULL = ("seller_id product_id product_name product_permalink price currency "
        "purchase_email short_product_id permalink email gumroad_fee quantity "
        "discover_fee_charged can_contact referrer card license_key user_id "
        "order_number purchase_ids[] created_at user_email purchaser_id "
        "is_gift_receiver_purchase is_gift_sender_purchase resource_name "
        "ip_country is_multiseat_license custom_permalink").split()


def _dates(facts):
    return {k: iso(v) if isinstance(v, int) and v > 10 ** 9 else v
            for k, v in facts.items() if v not in (None, False)}


def _short(body):
    """What a delivery says, without what is of no interest here."""
    text = body if isinstance(body, str) else body.decode()
    told = json.loads(text) if text.startswith("{") else dict(
        urllib.parse.parse_qsl(text))
    return {k: v for k, v in told.items() if k not in DULL and
            not k.startswith("card[") and v not in ("", False, None, "false")}


def _shop(shop, id):
    sub = shop.subscriptions.get(id)
    sales = sub.sales if sub else [s for s in shop.sales.values() if
                                   id in (s.id, s.partner and s.partner.id)]
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
    """Also "outages"."""
    for o in channel.outages:
        print("#   outage", iso(o.begin), iso(o.end), o.kind, o.fault)
    forged = any(s.id == id for s in channel.forged)
    ids = [] if forged or id == "outages" else _shop(channel.shop, id)
    ids.append(id)
    for delivery in channel.pings.log:
        if delivery.subject in ids:
            print("#   ping", delivery.resource, delivery.subject,
                  iso(delivery.due), delivery.state,
                  [(iso(t), s) for t, s in delivery.attempts])
    for row in db.execute("SELECT * FROM events ORDER BY id"):
        if any(row["subject"].endswith(i) for i in ids):
            print("#   event", row["id"], row["kind"], iso(row["sent_at"]),
                  iso(row["received_at"]), iso(row["last_seen_at"]),
                  row["status"], _short(row["body"]))
    for row in db.execute("SELECT * FROM outbox"):
        if any(i in str(row["payload"]) for i in ids):
            print("#   follow-up", _dates(dict(row)))
    for table in ("purchases", "subscriptions"):
        for row in db.execute("SELECT * FROM " + table):
            if row["subject"].endswith(id) or row["subscription"] == id:
                print("#  ", table, {
                    k: v for k, v in _dates(dict(row)).items()
                    if k not in DULL + ["platform", "product", "subject"]})
