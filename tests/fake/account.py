"""A seller's account: the shop, tokens, applications, and where pings go."""

from dataclasses import dataclass, field

from ids import Ids
from pings import RESOURCES, Pings
from shop import Shop

PUBLIC = {
    True: ("edit_products view_sales mark_sales_as_shipped refund_sales "
           "revenue_share ifttt view_profile").split(),
    False: ("edit_products edit_emails view_sales mark_sales_as_shipped "
            "edit_sales revenue_share ifttt view_profile edit_profile "
            "view_payouts view_tax_data account").split()}


@dataclass
class Token:
    text: str
    scopes: list
    application: str = "app"
    revoked: bool = False

    def may(self, *scopes):
        """account stands in for every scope."""
        return "account" in self.scopes or any(
            s in self.scopes for s in scopes)


@dataclass
class Row:
    """A resource subscription."""
    id: str
    resource: str
    url: str
    application: str
    deleted: bool = False

    def told(self):
        return {"id": self.id, "resource_name": self.resource,
                "post_url": self.url}


@dataclass
class Account:
    seed: object = 1
    name: str = "fictshop"
    now: int = 1767225600
    ping_url: str = None
    old: bool = False
    client: str = "ruby"
    same_ids: bool = False
    tokens: dict = field(default_factory=dict)
    rows: list = field(default_factory=list)

    def __post_init__(self):
        self.shop = Shop(self.seed, self.now, self.name, self.same_ids)
        self.ids = Ids("rows/%s/%s" % (self.seed, self.name), self.same_ids)
        self.pings = Pings(self.shop, self.targets, self.seed, self.client,
                           self.old)

    def add_token(self, text, scopes=None, application="app"):
        if scopes is None:
            scopes = PUBLIC[self.old]
        self.tokens[text] = Token(text, list(scopes), application)
        return self.tokens[text]

    def revoke_token(self, text):
        """Its application's rows stay listed; nothing is sent any more."""
        self.tokens[text].revoked = True

    def delete_application(self, application):
        """Takes the rows along, for good."""
        for token in self.tokens.values():
            if token.application == application:
                token.revoked = True
        for row in self.rows:
            if row.application == application:
                row.deleted = True

    def subscribe(self, resource, url, application="app"):
        row = Row(self.ids.new("resource_subscription"), resource, url,
                  application)
        self.rows.append(row)
        return row

    def subscribe_all(self, url, application="app"):
        return [self.subscribe(r, url, application) for r in RESOURCES]

    def delivers(self, application):
        return any(t.application == application and not t.revoked and
                   t.may("view_sales") for t in self.tokens.values())

    def targets(self, resource):
        urls = [row.url for row in self.rows
                if row.resource == resource and not row.deleted and
                self.delivers(row.application)]
        if resource == "sale" and self.ping_url:
            url = self.ping_url
            urls.append(url if url.startswith("http") else "http://" + url)
        return urls
