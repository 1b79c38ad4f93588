"""The shop's products, where nobody gives others, and a history."""

import random

from clock import DAY
from membership import Refused

PRODUCTS = [
    {"name": "Field Notes Club", "kind": "membership",
     "custom_permalink": "club", "licensed": True,
     "about": "A letter each week. Supporters read along, influencers also "
              "get the workshop.",
     "tiers": {"Supporter": {"monthly": 900, "quarterly": 2500,
                             "yearly": 9000},
               "Influencer": {"monthly": 4900, "yearly": 49000}}},
    {"name": "Pencil Icon PSD", "price": 1000, "custom_permalink": "pencil",
     "about": "One pencil, drawn with care. Bought once, yours for ever."},
    {"name": "Tone Shaper", "price": 3900, "custom_permalink": "tone-shaper",
     "licensed": True, "category": "Version",
     "tiers": {"Standard": 0, "Pro (macOS + Windows)": 1000},
     "about": "A plug-in with a licence key."},
    {"name": "C for Curious People", "kind": "instalments", "price": 9900,
     "charges": 3, "custom_permalink": "c-course",
     "about": "A course, paid in three monthly parts."},
    {"name": "Night School", "kind": "membership", "trial_days": 7,
     "custom_permalink": "night-school",
     "tiers": {"Student": {"monthly": 1500}},
     "about": "A membership that is free for the first seven days."},
    {"name": "Free Sample Pack", "price": 0, "custom_permalink": "sample",
     "about": "Costs nothing; tells the seller your address."},
    {"name": "Starter Bundle", "kind": "bundle", "price": 4200,
     "custom_permalink": "starter", "items": ["pencil", "tone-shaper"],
     "about": "Pencil and Tone Shaper, together."},
]


def fill(shop, products=None):
    for product in products or PRODUCTS:
        shop.add_product(**product)


def live(shop, sales, until, seed=1):
    """Sales and all that can follow, spread over the time up to `until`."""
    chance = random.Random("history/%s" % seed)
    step = max(1, (until - shop.now) // max(1, sales))
    products = [p for p in shop.products.values()]
    for number in range(sales):
        shop.advance(chance.randint(step // 2, step))
        _buy(shop, chance, chance.choice(products), number)
        if chance.random() < 0.6:
            _happen(shop, chance)
    shop.run_to(until)


def _buy(shop, chance, product, number):
    tier = chance.choice(product.tiers) if product.tiers else None
    wanted = {"tier": tier.name if tier else None,
              "url_params": {"user_id": "u%d" % number},
              "account": chance.random() < 0.5,
              "country": chance.choice(["Germany", "India", None])}
    if tier and tier.prices:
        wanted["recurrence"] = chance.choice(list(tier.prices))
    odds = chance.random()
    if odds < 0.05:
        wanted["gift_to"] = "giftee%d@example.com" % number
    elif odds < 0.1:
        wanted["offer"] = "FREE100"
    elif odds < 0.15:
        wanted["debit_days"] = chance.randint(1, 6)
    shop.buy(product, "buyer%d@example.com" % number, **wanted)


SALE_OPERATIONS = ("refund", "dispute", "win_dispute", "revoke", "unrevoke",
                   "fail_refund")
OPERATIONS = ("cancel", "undo", "fail_card", "mend_card", "restart",
              "change_plan")


def _happen(shop, chance):
    """Something to somebody; what cannot happen does not."""
    try:
        if shop.subscriptions and chance.random() < 0.6:
            sub = chance.choice(list(shop.subscriptions.values()))
            act = chance.choice(OPERATIONS)
            more = {"tier": chance.choice(sub.product.tiers)} \
                if act == "change_plan" and sub.product.tiers else {}
            getattr(shop, act)(sub, **more)
        elif shop.sales:
            sale = chance.choice(list(shop.sales.values()))
            getattr(shop, chance.choice(SALE_OPERATIONS))(sale)
    except Refused:
        pass


def span(sales):
    """How long a history of so many sales takes: three a day at most."""
    return max(90, sales // 3) * DAY
