"""A shop at Gumroad, as a model with a clock of its own.

    shop = Shop(seed=1, now=1770000000)
    club = shop.add_product("Club", kind="membership",
                            tiers={"Supporter": {"monthly": 900}})
    sale = shop.buy(club, "mira@example.com", url_params={"user_id": "7"})
    shop.advance(40 * DAY)      # the renewals of these days happen
    shop.truth()                # who has access, by the model's own state

Nothing here knows of pings or of the API: what happens is told to `told`, a
list of functions that take a Notice at the time at which Gumroad builds the
ping. Each operation is a method: buy, cancel, undo, change_plan, fail_card,
mend_card, restart, refund, fail_refund, dispute, win_dispute, revoke, ...
"""

from dataclasses import dataclass, field

import truth
from agenda import Agenda
from checkout import Checkout
from ids import Ids
from membership import Membership, Refused
from money import Money
from records import (INSTALMENTS, MEMBERSHIP, Person, Product, Sale,
                     Subscription, Tier)


@dataclass
class Notice:
    """Something of which Gumroad sends a ping."""
    resource: str
    sale: Sale = None
    subscription: Subscription = None
    extras: dict = field(default_factory=dict)
    url_params: dict = field(default_factory=dict)
    at: int = 0  # when it happened; it is told some seconds later


class Shop(Checkout, Membership, Money):
    def __init__(self, seed=1, now=1767225600, name="fictshop",
                 same_ids=False):
        self.agenda = Agenda(now)
        self.ids = Ids("%s/%s" % (seed, name), same_ids)
        self.name = name
        self.id = self.ids.new("seller")
        self.seller = Person("seller@%s.example" % name,
                             self.ids.digits("seller"))
        self.products, self.people = {}, {}
        self.sales, self.subscriptions = {}, {}
        self.rows = {}  # of the sales, by order number
        self.told = []
        self.moment = None  # no ping waits longer; None: as Gumroad's do

    @property
    def now(self):
        return self.agenda.now

    def advance(self, seconds):
        self.agenda.run_to(self.now + seconds)

    def run_to(self, t):
        self.agenda.run_to(t)

    def announce(self, resource, delay, **more):
        notice = Notice(resource, at=self.now, **more)
        if self.moment is not None:
            delay = min(delay, self.moment)
        self.agenda.at(self.now + delay, self._tell, notice)

    def untold(self):
        """The (time, notice) of what will be told, if the clock goes on."""
        return [(when, args[0]) for when, args in
                self.agenda.waiting(self._tell)]

    def _tell(self, notice):
        for tell in self.told:
            tell(notice)

    def mark(self, thing):
        """Keeps what is true from now on, for truth(at)."""
        facts = thing.facts()
        if thing.history and thing.history[-1][0] == self.now:
            thing.history.pop()
        thing.history.append((self.now, facts))

    def truth(self, at=None):
        return truth.of(self, self.now if at is None else at)

    # ---- products and people ---------------------------------------------

    def add_product(self, name, kind="one_off", price=0, tiers=None,
                    items=(), custom_permalink=None, **more):
        """tiers of a membership: {name: {recurrence: price}}; versions of
        another product: {name: what it costs more}."""
        row = self.ids.row("product")
        if kind == INSTALMENTS and not more.get("charges"):
            raise Refused("an instalment plan needs its number of charges")
        product = Product(
            self.ids.of_row(row), name, self.ids.permalink(row), kind, price,
            custom_permalink=custom_permalink, created_at=self.now, **more)
        for tier, prices in (tiers or {}).items():
            recurring = kind == MEMBERSHIP
            product.tiers.append(Tier(self.ids.new("tier"), tier,
                                      prices if recurring else {},
                                      0 if recurring else prices))
        if kind == MEMBERSHIP and not product.tiers:
            raise Refused("a membership needs a tier")
        product.items = [self.product(item) for item in items]
        if any(item.recurring for item in product.items):
            raise Refused("a bundle has no memberships")
        self.products[product.id] = product
        return product

    def product(self, name):
        """By itself, its id, or one of its permalinks."""
        if isinstance(name, Product):
            return name
        for product in self.products.values():
            if name in (product.id, product.unique_permalink,
                        product.custom_permalink):
                return product
        raise Refused("there is no product '%s'" % name)

    def person(self, email, account=None, account_email=None, full_name=None,
               country=None):
        email = email.strip().lower()
        if "@" not in email:
            raise Refused("'%s' is no e-mail address" % email)
        person = self.people.setdefault(email, Person(email))
        if account:
            person.account = (self.ids.digits("account", email)
                              if account is True else str(account))
            person.account_email = account_email or person.account_email
        person.full_name = full_name or person.full_name
        person.country = country or person.country
        return person

    def rename_permalink(self, product, permalink):
        self.product(product).custom_permalink = permalink

    def rename_product(self, product, name):
        self.product(product).name = name

    def rename_tier(self, product, tier, name):
        """Old sales tell the new name, too."""
        self.product(product).tier(tier).name = name
        for thing in (*self.sales.values(), *self.subscriptions.values()):
            if thing.tier and thing.tier.name == name:
                self.mark(thing)

    def delete_product(self, product):
        product = self.product(product)
        product.deleted = True
        for sub in self.subscriptions.values():
            if sub.product is product:
                self.end_now(sub, "admin")
