"""The rows of a shop: products, tiers, people, sales, subscriptions."""

from dataclasses import dataclass, field

# states of a sale
SUCCESSFUL = "successful"
IN_PROGRESS = "in_progress"  # a bank debit on its way
FAILED = "failed"
TRIAL = "not_charged_trial"
REPLACED = "not_charged"  # the inner row of a change of plan
AUTHORIZED = "preorder_authorized"
GIFTEE = "gift_receiver"
TEST = "test"

LISTED = (SUCCESSFUL, TRIAL)  # what /v2/sales shows
COUNTED = (SUCCESSFUL, TRIAL, GIFTEE)  # what can give access

ONE_OFF, MEMBERSHIP, BUNDLE = "one_off", "membership", "bundle"
INSTALMENTS = "instalments"

RATES = {"usd": 1.0, "eur": 1.09, "gbp": 1.27, "jpy": 0.67}  # to USD cents


@dataclass(eq=False)
class Tier:
    id: str
    name: str
    prices: dict  # recurrence: minor units of the listing currency
    plus: int = 0  # of a one-off product's version: added to its price


@dataclass(eq=False)
class Product:
    id: str
    name: str
    unique_permalink: str
    kind: str = ONE_OFF
    price: int = 0
    currency: str = "usd"
    custom_permalink: str = None
    licensed: bool = False
    tiers: list = field(default_factory=list)
    category: str = "Tier"  # the title over the tiers, or versions
    charges: int = None  # instalments, or a membership of fixed length
    trial_days: int = 0
    items: list = field(default_factory=list)  # products of a bundle
    custom_fields: list = field(default_factory=list)  # names
    released_at: int = None  # before it: pre-orders
    deleted: bool = False
    created_at: int = 0
    about: str = ""

    @property
    def permalink(self):
        return self.custom_permalink or self.unique_permalink

    @property
    def recurring(self):
        return self.kind in (MEMBERSHIP, INSTALMENTS)

    def tier(self, name):
        for tier in self.tiers:
            if name in (tier.name, tier.id):
                return tier
        return None


@dataclass(eq=False)
class Person:
    email: str
    account: str = None  # digits
    account_email: str = None
    full_name: str = None
    country: str = None

    @property
    def known_email(self):
        """The account's address, else the one that was typed."""
        return self.account_email or self.email


@dataclass(eq=False)
class License:
    id: str
    key: str
    disabled: bool = False
    uses: int = 0


@dataclass(eq=False)
class Sale:
    row: int
    id: str
    order: int
    product: Product
    buyer: Person
    email: str
    created_at: int
    state: str
    price: int = 0  # USD cents, of all units
    listing_price: int = 0  # minor units of the listing currency
    quantity: int = 1
    tier: Tier = None
    recurrence: str = None
    subscription: object = None
    original: bool = True
    upgrade: bool = False
    license: License = None
    offer_code: str = None
    offer_percent: int = 0
    custom_fields: dict = field(default_factory=dict)
    url_params: dict = field(default_factory=dict)
    referrer: str = "direct"
    paypal: bool = False
    gift: str = None  # sender, receiver
    partner: object = None  # the other side of a gift
    bundle: object = None  # the sale of the bundle, of an item's
    known_at: int = None  # when it first counted
    refunded: bool = False
    refunded_minor: int = 0  # in the listing currency
    disputed: bool = False
    dispute_won: bool = False
    revoked: bool = False
    preorder: bool = False
    preorder_cancelled: bool = False
    history: list = field(default_factory=list)

    @property
    def charged(self):
        """Did money go through a processor?"""
        return self.price > 0 and self.state == SUCCESSFUL

    @property
    def partially_refunded(self):
        return self.refunded_minor > 0 and not self.refunded

    @property
    def dispute_open(self):
        return self.disputed and not self.dispute_won

    @property
    def is_renewal(self):
        return self.subscription is not None and not self.original

    def facts(self):
        return {"state": self.state, "refunded": self.refunded,
                "partially_refunded": self.partially_refunded,
                "disputed": self.disputed, "dispute_won": self.dispute_won,
                "revoked": self.revoked,
                "confirmed": self.state in COUNTED,
                "tier": self.tier.name if self.tier else None}


@dataclass(eq=False)
class Subscription:
    id: str
    row: int
    product: Product
    buyer: Person
    email: str
    tier: Tier
    recurrence: str
    created_at: int
    quantity: int = 1
    charges: int = None
    trial_ends_at: int = None
    paid_from: int = None  # the last charge
    paid_until: int = None
    requested_at: int = None  # somebody pressed cancel
    cancelled_at: int = None  # the end of the paid period
    cancelled_by: str = None
    failed_at: int = None
    ended_at: int = None  # all charges made
    deactivated_at: int = None
    restarted_at: int = None
    pending: tuple = None  # (tier, recurrence) after a downgrade
    card_fails: bool = False
    failing_since: int = None
    unpaid: bool = False  # runs on without a charge
    disputed: object = None  # the sale whose chargeback ended it
    gift: bool = False
    test: bool = False
    sales: list = field(default_factory=list)
    turn: int = 0  # what the agenda holds for an earlier turn is void
    history: list = field(default_factory=list)

    @property
    def over(self):
        return self.deactivated_at is not None

    def price(self, tier=None, recurrence=None):
        """Of a period of all units, in the listing currency."""
        tier, recurrence = tier or self.tier, recurrence or self.recurrence
        if self.product.kind == INSTALMENTS:
            return self.product.price * self.quantity // self.charges
        return tier.prices[recurrence] * self.quantity

    @property
    def ended_reason(self):
        for when, reason in ((self.failed_at, "failed_payment"),
                             (self.ended_at,
                              "fixed_subscription_period_ended"),
                             (self.cancelled_at, "cancelled")):
            if when is not None:
                return reason
        return None

    def made(self):
        """The number of charges of the plan that were made."""
        return sum(s.state == SUCCESSFUL and not s.upgrade
                   for s in self.sales)

    def facts(self):
        names = ("paid_until requested_at cancelled_at failed_at ended_at "
                 "deactivated_at restarted_at failing_since recurrence")
        facts = {name: getattr(self, name) for name in names.split()}
        facts["tier"] = self.tier.name if self.tier else None
        return facts
