"""The API's objects: sale, subscriber, product, user.

new: the shape since summer 2026; without it, that of April 2025.
"""

from clock import iso, utc
from payload import card, fee, purchaser_id
from records import (AUTHORIZED, BUNDLE, INSTALMENTS, LISTED, MEMBERSHIP,
                     TEST)

SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
A_PERIOD = {"monthly": " a month", "quarterly": " every 3 months",
            "biannually": " every 6 months", "yearly": " a year",
            "every_two_years": " every 2 years", None: ""}
ISO2 = {"Germany": "DE", "India": "IN", "Spain": "ES", "United States": "US"}


def money(minor, currency):
    """Major units with commas, no cents if whole: 1,234.50."""
    if currency == "jpy":
        return "{:,}".format(minor)
    if minor % 100:
        return "{:,.2f}".format(minor / 100)
    return "{:,}".format(minor // 100)


def ago(now, t):
    days = max(0, now - t) // 86400
    if days < 1:
        return "about %d hours ago" % (max(0, now - t) // 3600)
    if days < 30:
        return "%d days ago" % days
    return "about %d months ago" % (days // 30)


def dropped(members, keep=()):
    return {k: v for k, v in members.items() if v is not None or k in keep}


def refundable(sale):
    if not sale.charged:
        return "0"
    return money(sale.listing_price - sale.refunded_minor,
                 sale.product.currency)


def variants_and_quantity(sale):
    words = [sale.tier.name] if sale.tier else []
    if sale.quantity > 1:
        words.append("Qty: %d" % sale.quantity)
    return "(%s)" % ", ".join(words) if words else ""


def is_dead(sub, now):
    """What the sale calls dead: access is over."""
    return sub.over or (sub.cancelled_at is not None and
                        sub.cancelled_at <= now)


def sale(shop, s, new=True):
    product, buyer, sub = s.product, s.buyer, s.subscription
    symbol = SYMBOLS[product.currency]
    total = symbol + money(s.listing_price, product.currency)
    o = {"id": s.id, "email": shop.seller.email if s.state == TEST
         else buyer.account_email or s.email, "seller_id": shop.id,
         "timestamp": ago(shop.now, s.created_at),
         "daystamp": utc(s.created_at).strftime("%e %b %Y %I:%M %p"),
         "created_at": iso(s.created_at), "product_name": product.name,
         "product_has_variants": bool(product.tiers), "price": s.price,
         "gumroad_fee": fee(s.price),
         "is_bundle_purchase": product.kind == BUNDLE,
         "is_bundle_product_purchase": s.bundle is not None,
         "subscription_duration": s.recurrence,
         "formatted_display_price": total + A_PERIOD[s.recurrence],
         "formatted_total_price": total + A_PERIOD[s.recurrence],
         "currency_symbol": symbol,
         "currency": product.currency if new else None,
         "amount_refundable_in_currency": refundable(s),
         "product_id": product.id,
         "product_permalink": product.unique_permalink,
         "refunded": s.refunded or (False if s.charged else None),
         "partially_refunded": s.partially_refunded,
         "chargedback": s.dispute_open, "purchase_email": s.email}
    if s.gift == "sender":
        o["giftee_email"] = s.partner.email
    if s.gift == "receiver":
        o["gifter_email"] = s.partner.email
    o.update(full_name=buyer.full_name, country=buyer.country,
             country_iso2=ISO2.get(buyer.country), paid=s.price != 0,
             has_variants=s.tier is not None)
    if s.tier:
        o["variants"] = {product.category: s.tier.name}
    o.update(_middle(shop, s))
    if s.preorder:
        o.update(preorder_cancelled=s.preorder_cancelled,
                 is_preorder_authorization=True,
                 is_in_preorder_state=shop.now < product.released_at)
    if sub:
        o.update(_of_subscription(shop, s, sub))
    if s.offer_code:
        o["offer_code"] = {"code": s.offer_code, "name": "",
                           "displayed_amount_off": "%d%%" % s.offer_percent}
    if s.license:
        o.update(_of_license(s, new))
    if new:
        o.update(_newer(s, sub))
    o["quantity"] = s.quantity
    return dropped(o, keep=("product_rating", "free_trial_ends_on"))


def _middle(shop, s):
    product = s.product
    return {
        "variants_and_quantity": variants_and_quantity(s),
        "has_custom_fields": bool(s.custom_fields),
        "custom_fields": dict(s.custom_fields), "order_id": s.order,
        "is_product_physical": False,
        "purchaser_id": purchaser_id(shop, s),
        "is_recurring_billing": product.kind == MEMBERSHIP,
        "can_contact": True, "is_following": False,
        "disputed": s.disputed, "dispute_won": s.dispute_won,
        "is_additional_contribution": False, "discover_fee_charged": False,
        "is_upgrade_purchase": s.upgrade,
        "is_more_like_this_recommended": False,
        "is_gift_sender_purchase": s.gift == "sender",
        "is_gift_receiver_purchase": s.gift == "receiver",
        "referrer": s.referrer, "paypal_refund_expired": False,
        "card": card(s), "product_rating": None, "reviews_count": 0,
        "average_rating": 0}


def _of_subscription(shop, s, sub):
    ends = sub.trial_ends_at
    return {
        "subscription_id": sub.id,
        "cancelled": (sub.cancelled_at is not None or
                      sub.failed_at is not None),
        "dead": is_dead(sub, shop.now), "ended": sub.ended_at is not None,
        "free_trial_ended": ends is not None and ends <= shop.now,
        "free_trial_ends_on": ends and utc(ends).strftime("%b %-d, %Y"),
        "recurring_charge": not s.original}


def _of_license(s, new):
    return {"license_key": s.license.key, "license_id": s.license.id,
            "license_disabled": s.license.disabled,
            "license_uses": s.license.uses if new else None,
            "is_multiseat_license": False}


def _newer(s, sub):
    o = {"tip_cents": 0, "tax_cents": 0, "shipping_cents": 0,
         "variants_price_cents": 0, "tax_included_in_price": False,
         "access_revoked": s.revoked}
    if s.charged:
        o["invoice_url"] = "https://gumroad.com/purchases/%s/invoice" % s.id
    if sub:
        o["cancellation_date"] = iso(sub.requested_at)
        over = next((t for t in (sub.ended_at, sub.cancelled_at,
                                 sub.failed_at, sub.deactivated_at)
                     if t is not None), None)
        o["subscription_end_date"] = (iso(over) or "")[:10] or None
    if s.state == AUTHORIZED:
        o["preorder_authorization_time"] = iso(s.created_at)
    return o


# ---- subscriber ----------------------------------------------------------

def status(sub, now):
    """Deactivated? Else the newest purchase failed? Else a cancel date in
    the future? Between that date and the worker it is alive again."""
    if sub.over and not sub.test:
        return sub.ended_reason or "cancelled"
    if sub.failing_since is not None:
        return "pending_failure"
    if sub.cancelled_at is not None and sub.cancelled_at > now:
        return "pending_cancellation"
    return "alive"


def is_active(sub, now):
    """What the list of a product's subscribers shows."""
    return not (sub.test or sub.failed_at is not None or
                sub.ended_at is not None or is_dead(sub, now))


def subscriber(shop, sub):
    """Nulls stay."""
    o = {"id": sub.id, "email": sub.buyer.account_email or sub.email,
         "product_id": sub.product.id, "product_name": sub.product.name,
         "user_id": sub.buyer.account,
         "user_email": sub.buyer.known_email if sub.buyer.account else None,
         "purchase_ids": [s.id for s in sub.sales if s.state in LISTED],
         "created_at": iso(sub.created_at),
         "user_requested_cancellation_at": iso(sub.requested_at),
         "charge_occurrence_count": sub.charges,
         "recurrence": None if sub.product.kind == INSTALMENTS
         else sub.recurrence,
         "cancelled_at": iso(sub.cancelled_at),
         "ended_at": iso(sub.ended_at), "failed_at": iso(sub.failed_at),
         "free_trial_ends_at": iso(sub.trial_ends_at),
         "status": status(sub, shop.now)}
    licensed = sub.sales[0].partner or sub.sales[0]
    if licensed.license:
        o["license_key"] = licensed.license.key
    return o


# ---- product and user ----------------------------------------------------

def variants(product):
    def option(tier):
        prices = {r: {"price_cents": cents, "suggested_price_cents": None}
                  for r, cents in tier.prices.items()}
        return {"name": tier.name, "price_difference": tier.plus,
                "is_pay_what_you_want": False,
                "recurrence_prices": prices or None, "url": None}
    if not product.tiers:
        return []
    return [{"title": product.category,
             "options": [option(tier) for tier in product.tiers]}]


def product(shop, p, with_sales, new=True):
    recurrences = sorted({r for t in p.tiers for r in t.prices}) or None
    price = p.price or (min(t for x in p.tiers for t in x.prices.values())
                        if recurrences else 0)
    o = {"id": p.id, "name": p.name, "description": p.about, "price": price,
         "currency": p.currency,
         "short_url": "https://%s.gumroad.com/l/%s" % (shop.name,
                                                       p.permalink),
         "custom_permalink": p.custom_permalink,
         "formatted_price": SYMBOLS[p.currency] + money(price, p.currency),
         "published": True, "deleted": p.deleted,
         "is_tiered_membership": p.kind == MEMBERSHIP,
         "recurrences": recurrences,
         "subscription_duration": recurrences[0] if recurrences else None,
         "custom_fields": [{"name": n, "required": False}
                           for n in p.custom_fields],
         "variants": variants(p)}
    if with_sales:
        sold = [s for s in shop.sales.values()
                if s.product is p and s.state in LISTED]
        o.update(sales_count=len(sold),
                 sales_usd_cents=sum(s.price for s in sold))
    if new and p.items:
        o["bundle_products"] = [{"product_id": i.id, "quantity": 1}
                                for i in p.items]
    return o


def user(shop, token):
    live = [p.permalink for p in shop.products.values() if not p.deleted]
    o = {"user_id": shop.id, "id": shop.seller.account, "name": shop.name,
         "bio": None, "twitter_handle": None,
         "url": "https://%s.gumroad.com" % shop.name,
         "links": live if shop.products else None}
    if token.scopes == ["view_public"]:
        return dropped(o, keep=("links",))
    o.update(currency_type="usd", email=shop.seller.email,
             profile_url="https://example.com/avatar.png")
    if token.may("view_profile"):
        o["display_name"] = shop.name
    return o
