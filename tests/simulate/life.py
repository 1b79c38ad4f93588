"""The people of a shop: what they buy, and what they do to it afterwards."""

import random

from clock import DAY
from membership import Refused
from records import INSTALMENTS

MONTHLY, YEARLY = {"monthly": 900, "yearly": 9000}, {"yearly": 30000}
PRODUCTS = (
    {"name": "Club", "kind": "membership", "licensed": True,
     "custom_permalink": "club", "tiers": {
         "Supporter": {"monthly": 900, "quarterly": 2500, "biannually": 4800,
                       "yearly": 9000, "every_two_years": 17000},
         "Patron": {"monthly": 900, "yearly": 9500},
         "Influencer": {"monthly": 4900, "quarterly": 14000,
                        "yearly": 49000}}},
    {"name": "Night School", "kind": "membership", "trial_days": 7,
     "custom_permalink": "night-school", "currency": "eur",
     "tiers": {"Student": {"monthly": 1500}, "Class": {"monthly": 2500}}},
    {"name": "Season", "kind": "membership", "charges": 4,
     "tiers": {"Seat": {"monthly": 700}}},
    {"name": "Course", "kind": "instalments", "price": 9900, "charges": 3,
     "custom_permalink": "course"},
    {"name": "Pencil", "price": 1000, "custom_permalink": "pencil"},
    {"name": "Shaper", "price": 123450, "licensed": True,
     "category": "Version", "custom_permalink": "shaper",
     "tiers": {"Standard": 0, "Pro (macOS + Windows)": 1000}},
    {"name": "Sample", "price": 0, "custom_permalink": "sample"},
    {"name": "Starter", "kind": "bundle", "price": 4200,
     "items": ["pencil", "shaper"], "custom_permalink": "starter"},
)
# what a person can do, and how often
ON_SUBSCRIPTION = {"cancel": 8, "undo": 8, "fail_card": 7, "mend_card": 5,
                   "change_plan": 14, "run_unpaid": 1}
ON_SALE = {"refund": 5, "part": 4, "fail_refund": 5, "dispute": 4,
           "win_dispute": 6, "lose_dispute": 1, "revoke": 3, "unrevoke": 4,
           "change_email": 2, "resend": 3}
OFTEN = 45 * DAY  # between two things that somebody does
LATE = 180 * DAY  # a sale is refunded or disputed until then


class Life:
    """calm(t): the end of the time in which nothing new happens, or None.
    old: as in April 2025."""

    def __init__(self, shop, seed, customers, end, calm, old):
        self.shop, self.calm = shop, calm
        # nobody could revoke when the API had its old shape
        self.on_sale = {what: n for what, n in ON_SALE.items()
                        if not (old and "revoke" in what)}
        self.chance = random.Random("life/%s" % seed)
        self.bought, self.refused = {}, 0  # sales, by person
        for product in PRODUCTS:
            shop.add_product(**product)
        self.book = shop.add_product(
            "Book", price=2000, custom_permalink="book",
            released_at=shop.now + self.chance.randint(30, 300) * DAY)
        begin = shop.now
        for number in range(customers):
            shop.agenda.at(self.chance.randint(begin, begin + (end - begin) *
                           3 // 4), self._act, number)
        for what in (self._rename_tier, self._rename_permalink,
                     self._delete):
            if self.chance.random() < 0.6:
                shop.agenda.at(self.chance.randint(begin, end), self._once,
                               what)

    def _wait(self, act, *args):
        """Later, if it is calm now."""
        end = self.calm(self.shop.now)
        if end is not None:
            self.shop.agenda.at(end + self.chance.randint(0, DAY), act, *args)
        return end is not None

    def _once(self, what):
        if not self._wait(self._once, what):
            what()

    def _rename_tier(self):
        self.shop.rename_tier("club", "Supporter", "Friend")

    def _rename_permalink(self):
        for product in self.shop.products.values():
            if product.custom_permalink in ("pencil", "night-school"):
                self.shop.rename_permalink(
                    product, product.custom_permalink + "-2")

    def _delete(self):
        if self.chance.random() < 0.3:
            self.shop.delete_product(next(
                p for p in self.shop.products.values()
                if p.name == "Season"))

    # ---- one person ------------------------------------------------------

    def email(self, number):
        return "buyer%d@example.com" % number

    def _act(self, number):
        if self._wait(self._act, number):
            return
        gap = int(self.chance.expovariate(1 / OFTEN)) + 60
        self.shop.agenda.at(self.shop.now + gap, self._act, number)
        mine = self.bought.setdefault(number, [])
        try:
            if not mine or self.chance.random() < 0.3:
                self._buy(number, mine)
            else:
                self._do(mine, number)
        except Refused:
            self.refused += 1

    def _pick(self, weights):
        return self.chance.choices(list(weights), weights.values())[0]

    def _buy(self, number, mine):
        chance, shop = self.chance, self.shop
        product = chance.choice([p for p in shop.products.values()
                                 if not p.deleted] +
                                [shop.product("club")] * 4)
        tier = chance.choice(product.tiers) if product.tiers else None
        wanted = {"tier": tier and tier.name,
                  "url_params": {"user_id": "u%d" % number}
                  if chance.random() < 0.9 else {},
                  "account": number % 2 == 0,
                  "country": chance.choice(["Germany", None]),
                  "quantity": chance.choice([1, 1, 1, 3])}
        if tier and tier.prices:
            wanted["recurrence"] = chance.choice(
                list(tier.prices) + ["monthly"] * 3)
        odds = chance.random()
        if odds < 0.07:
            wanted["gift_to"] = "giftee%d@example.com" % number
        elif odds < 0.12:
            wanted.update(offer="OFF", offer_percent=chance.choice(
                [100, 30]))
        elif odds < 0.18:
            wanted.update(debit_days=chance.randint(1, 8),
                          debit_fails=chance.random() < 0.3)
        elif odds < 0.2 and not product.released_at:
            wanted["test"] = True
        elif odds < 0.22:
            shop.fail_purchase(product, self.email(number),
                               tier=wanted["tier"])
            return
        mine.append(shop.buy(product, self.email(number), **wanted))

    def _do(self, mine, number):
        """To one of what somebody bought."""
        sale = self.chance.choice(mine)
        sub = sale.subscription
        if sub and sub.test:
            raise Refused("nothing happens to it")
        if sub and self.chance.random() < 0.6:
            self._to_subscription(sub, number, mine)
            return
        if sub:
            sale = self.chance.choice(sub.sales[-4:])
        if self.shop.now - sale.created_at < LATE:
            self._to_sale(sale)

    def _to_subscription(self, sub, number, mine):
        if sub.over and self.chance.random() < 0.5:
            mine.append(self.shop.buy(sub.product, self.email(number),
                                      tier=sub.tier and sub.tier.name))
            return
        what = self._pick(ON_SUBSCRIPTION)
        more = {}
        if what == "cancel":
            more["by"] = self.chance.choice(["buyer", "seller"])
        if what == "change_plan" and sub.product.kind != INSTALMENTS:
            more["tier"] = self.chance.choice(sub.product.tiers)
            more["recurrence"] = self.chance.choice(
                list(more["tier"].prices))
        getattr(self.shop, what)(sub, **more)

    def _to_sale(self, sale):
        what = self._pick(self.on_sale)
        if what == "part":
            self.shop.refund(sale, max(1, sale.listing_price // 3))
        elif sale.gift and what in ("change_email", "revoke", "unrevoke"):
            raise Refused("of which of the two sides is not known")
        elif what == "change_email":
            self.shop.change_email(sale, "new-" + sale.email)
        elif what == "resend" and (sale.known_at is None or
                                   sale.gift == "sender"):
            raise Refused("it is never sent")
        else:
            getattr(self.shop, what)(sale)


# ---- the tiers of gatepost.conf ------------------------------------------

NAMES = {"Supporter": ("Supporter", "Friend"), "Friend": ("Supporter",
                                                         "Friend")}


def config_tier(shop, product, tier):
    """The name of the section that grants it."""
    if product.kind in ("membership",) or product.category == "Version":
        tier = NAMES.get(tier, (tier,))[0]
        return "%s %s" % (product.name, tier)
    return product.name


def tier_lines(shop, forgetful):
    """A section for each. forgetful: nobody adds the names that come."""
    lines = []

    def section(name, grants, *more):
        lines.extend(["tier '%s' {" % name, "    rank = %d" % len(lines),
                      "    grants = { %s }" % ", ".join(
                          "'%s'" % g for g in grants), *more, "}"])
    for product in shop.products.values():
        if not product.tiers:
            grants = ["gumroad/" + product.id]
            if product.custom_permalink == "pencil":
                grants = ["gumroad/pencil"] + (
                    [] if forgetful else ["gumroad/pencil-2"])
            section(product.name, grants, *(
                ["    lasts = 'forever'"] if product.kind == INSTALMENTS
                else []))
        for tier in product.tiers:
            names = NAMES.get(tier.name, (tier.name,))
            names = names[:1] if forgetful else names
            section(config_tier(shop, product, tier.name),
                    ["gumroad/%s/%s" % (product.id, name)
                     for name in names])
    return "\n".join(lines) + "\n"
