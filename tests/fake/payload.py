"""What a ping says, in the order in which Gumroad says it."""

from clock import iso
from records import GIFTEE, INSTALMENTS, TEST

CARD = "**** **** **** 4242"


def fee(price):
    """10 % and 50 cents, and the card's 2.9 % and 30 cents."""
    return round(price * 0.129) + 80 if price else 0


def card(sale):
    shown = {"visual": None, "type": None, "bin": None, "expiry_month": None,
             "expiry_year": None}
    if sale.paypal:
        shown.update(visual=sale.email, type="paypal")
    elif sale.price:
        shown.update(visual=CARD, type="visa")
    return shown


def purchaser_id(shop, sale):
    return shop.seller.account if sale.state == TEST else sale.buyer.account


def product_url(shop, product):
    return "https://%s.gumroad.com/l/%s" % (shop.name, product.permalink)


def purchase(shop, sale, resource=None, url_params=None):
    """A sale, refund, dispute or dispute_won, as the sale is now."""
    product, sub = sale.product, sale.subscription
    p = {"seller_id": shop.id, "product_id": product.id,
         "product_name": product.name, "permalink": product.permalink,
         "product_permalink": product_url(shop, product),
         "short_product_id": product.unique_permalink, "email": sale.email,
         "price": sale.price, "gumroad_fee": fee(sale.price),
         "currency": product.currency, "quantity": sale.quantity,
         "discover_fee_charged": False, "can_contact": True,
         "referrer": sale.referrer, "card": card(sale),
         "order_number": sale.order, "sale_id": sale.id,
         "sale_timestamp": iso(sale.created_at)}
    if sale.buyer.full_name:
        p["full_name"] = sale.buyer.full_name
    if purchaser_id(shop, sale):
        p["purchaser_id"] = purchaser_id(shop, sale)
    if sub:
        p["subscription_id"] = sub.id
    if url_params:
        p["url_params"] = url_params
    if sale.tier:
        p["variants"] = {product.category: sale.tier.name}
    if sale.offer_code:
        p["offer_code"] = sale.offer_code
    if sale.state == TEST:
        p["test"] = True
    if sale.is_renewal and sale.state != GIFTEE:
        p["is_recurring_charge"] = True
    if sale.preorder:
        p["is_preorder_authorization"] = True
    _more(p, sale)
    p.update(refunded=sale.refunded)
    if resource:
        p["resource_name"] = resource
    p.update(disputed=sale.disputed, dispute_won=sale.dispute_won)
    return p


def _more(p, sale):
    """The middle part: a field of the seller's can take another's place."""
    if sale.original:
        p.update(sale.custom_fields)
    if sale.custom_fields:
        p["custom_fields"] = dict(sale.custom_fields)
    if sale.license:
        p["license_key"] = sale.license.key
        if sale.subscription:
            p["is_multiseat_license"] = False
    if sale.buyer.country:
        p["ip_country"] = sale.buyer.country
    if sale.recurrence:
        p["recurrence"] = sale.recurrence
    p["is_gift_receiver_purchase"] = sale.gift == "receiver"
    if sale.gift == "receiver":
        p["gift_price"] = sale.partner.price
        p["gifter_email"] = sale.partner.email


def subscription(sub, resource, extras=None):
    """None if Gumroad finds, on sending, that it holds no more."""
    if resource == "subscription_ended" and not sub.over:
        return None
    if resource == "subscription_restarted" and (
            sub.ended_reason is not None or sub.over):
        return None
    p = {"subscription_id": sub.id, "product_id": sub.product.id,
         "product_name": sub.product.name, "user_id": sub.buyer.account,
         "user_email": sub.buyer.account_email or sub.email,
         "purchase_ids": [sale.id for sale in sub.sales],
         "created_at": iso(sub.created_at),
         "charge_occurrence_count": sub.charges,
         "recurrence": None if sub.product.kind == INSTALMENTS
         else sub.recurrence,
         "free_trial_ends_at": iso(sub.trial_ends_at),
         "resource_name": resource}
    for key, value in (extras or {}).items():
        p[key] = iso(value) if key in TIMES else value
    first = sub.sales[0].partner or sub.sales[0]
    if first.custom_fields:
        p["custom_fields"] = dict(first.custom_fields)
    if first.license:
        p["license_key"] = first.license.key
    if resource == "cancellation":
        p.update(_cancellation(sub))
    if resource == "subscription_ended":
        p.update(ended_at=iso(sub.deactivated_at),
                 ended_reason=sub.ended_reason)
    return p


TIMES = ("effective_as_of", "restarted_at")


def _cancellation(sub):
    """Who restarted within the five seconds has nothing but the word."""
    p = {"cancelled": True}
    if sub.cancelled_at is not None:
        p["cancelled_at"] = iso(sub.cancelled_at)
        p["cancelled_by_" + (sub.cancelled_by or "buyer")] = True
    elif sub.failed_at is not None:
        p["cancelled_at"] = iso(sub.failed_at)
        p["cancelled_due_to_payment_failures"] = True
    return p


def build(shop, notice):
    if notice.subscription:
        return subscription(notice.subscription, notice.resource,
                            notice.extras)
    return purchase(shop, notice.sale, notice.resource, notice.url_params)


def test_ping(shop):
    """The button "Send test ping": the newest row of any state."""
    if not shop.sales:
        return None
    p = purchase(shop, list(shop.sales.values())[-1])
    p.setdefault("test", True)
    return p
