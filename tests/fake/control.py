"""/fake/: everything a test wants to do, JSON in and JSON out.

GET /fake/ lists the names below. POST /fake/NAME takes a JSON object; what is
a time may be seconds since 1970 or ISO text. Ids are those of the API.

  the shop: every method of Shop (see shop.py, checkout.py, membership.py,
  money.py). A sale, a subscription, a product is named by its id (or
  permalink) in "sale", "subscription", "product"; a tier by its name. With
  "other": true it happens at the shop of another account.
"""

import json
from inspect import signature

import misbehave
import payload
from clock import iso, parse
from ids import Ids
from membership import Refused
from records import SUCCESSFUL, Person, Sale, Subscription
from request import as_json

ON_SALE = ("refund fail_refund dispute win_dispute lose_dispute revoke "
           "unrevoke resend change_email cancel_preorder").split()
ON_SUBSCRIPTION = ("cancel undo restart change_plan fail_card mend_card "
                   "run_unpaid").split()
ON_PRODUCT = ("buy fail_purchase rename_permalink rename_product rename_tier "
              "delete_product").split()


class Control:
    def __init__(self, world):
        self.world = world
        self.ids = Ids("forged/%s" % world.shop.id)
        self.forged = set()  # ids of sales

    def handle(self, request):
        name = request.path[len("/fake/"):].rstrip("/")
        try:
            given = json.loads(request.body or b"{}")
            if not isinstance(given, dict):
                raise ValueError("a JSON object is asked for")
            if not name:
                return as_json({"operations": self.operations(),
                                "misbehave": misbehave.KINDS})
            return as_json(self.do(name, given))
        except Refused as why:
            return as_json({"refused": str(why)}, 409)
        except (KeyError, TypeError, ValueError, AttributeError) as why:
            return as_json({"error": "%s: %s" % (type(why).__name__, why)},
                           400)

    def operations(self):
        """The names, and what each takes."""
        found = {n[3:]: takes(getattr(self, n)) for n in dir(self)
                 if n.startswith("do_")}
        for subject, names in (("sale", ON_SALE), ("product", ON_PRODUCT),
                               ("subscription", ON_SUBSCRIPTION)):
            for name in names:
                _, *more = takes(getattr(self.world.shop, name))
                found[name] = [subject, *more]
        found["add_product"] += takes(self.world.shop.add_product)[1:]
        return {name: ", ".join(found[name]) for name in sorted(found)}

    def do(self, name, given):
        if name in ("advance", "deliver"):  # these post: no lock
            return getattr(self, "do_" + name)(**given)
        with self.world.lock:
            self.world.catch_up()
            own = getattr(self, "do_" + name, None)
            if own:
                return own(**given)
            return self.on_shop(name, dict(given))

    # ---- the shop --------------------------------------------------------

    def account(self, other):
        return self.world.other if other else self.world.account

    def on_shop(self, name, given):
        shop = self.account(given.pop("other", False)).shop
        if name in ON_SALE:
            thing = shop.sales[given.pop("sale")]
        elif name in ON_SUBSCRIPTION:
            thing = shop.subscriptions[given.pop("subscription")]
            if given.get("tier") and name != "rename_tier":
                given["tier"] = thing.product.tier(given["tier"])
        elif name in ON_PRODUCT:
            thing = shop.product(given.pop("product"))
        else:
            raise ValueError("GET /fake/ lists the operations")
        result = getattr(shop, name)(thing, **given)
        return self.shown(result if result is not None else thing)

    def shown(self, thing):
        if isinstance(thing, Sale):
            sub = thing.subscription
            return {"sale": thing.id, "order": thing.order,
                    "subscription": sub.id if sub else None,
                    "told_as": (thing.partner or thing).id
                    if thing.gift == "sender" else thing.id,
                    "license_key": thing.license.key if thing.license
                    else None}
        if isinstance(thing, Subscription):
            return {"subscription": thing.id}
        return {"product": thing.id, "permalink": thing.permalink}

    def do_add_product(self, name, released_at=None, other=False, **more):
        if released_at is not None:
            more["released_at"] = parse(released_at)
        shop = self.account(other).shop
        return self.shown(shop.add_product(name, **more))

    def do_truth(self, at=None):
        return self.world.shop.truth(None if at is None else parse(at))

    # ---- time and pings --------------------------------------------------

    def do_clock(self, set=None, speed=None):
        """Reads it, sets it (forward), or runs it at another speed."""
        clock = self.world.clock
        if set is not None:
            if parse(set) < self.world.shop.now:
                raise Refused("the shop does not go back in time")
            clock.set(parse(set))
            self.world.catch_up()
        if speed is not None:
            clock.run(speed)
        return {"now": clock.now(), "iso": iso(clock.now()),
                "speed": clock.speed}

    def do_advance(self, seconds=0, post=True):
        """Lets seconds pass now, and posts what falls due, retries too."""
        self.world.advance(seconds, post)
        return self.do("clock", {})

    def do_deliver(self):
        """Posts what is due now."""
        return self.do_advance(0)

    def do_pings(self, since=0):
        """The log, and what happens next."""
        return {"pings": [d.told() for d in self.world.pings.log
                          if d.number > since],
                "next": iso(self.world.pings.next()),
                "agenda": iso(self.world.shop.agenda.next())}

    def do_take(self):
        """What is due, for a test that posts it itself: bodies and all.
        Tell what came of each with `answered`."""
        world = self.world
        return {"deliveries": [
            {"number": d.number, "due": iso(d.due), "url": d.url,
             "resource": d.resource, "body": d.body.decode(),
             "headers": d.headers(world.pings.client)}
            for d in world.pings.take(world.shop.now)]}

    def do_answered(self, number, status):
        self.world.pings.answered(self.world.pings.log[number - 1], status)
        return {}

    def do_rule(self, **rule):
        """do (lose double hold late), resource, subject, count, seconds."""
        self.world.pings.rule(**rule)
        return {"rules": self.world.pings.rules}

    def do_rules_clear(self):
        self.world.pings.rules.clear()
        return {}

    def do_release(self, numbers=None):
        return {"released": [d.number for d in
                             self.world.pings.release(numbers)]}

    def do_lose(self, subject):
        self.world.pings.lose(subject)
        return {}

    def do_jitter(self, seconds):
        """Pings come up to so many seconds late, so in any order."""
        self.world.pings.jitter = int(seconds)
        return {}

    def do_test_ping(self, url):
        found = self.world.pings.test_ping(url)
        return {"sent": found is not None}

    def do_forge(self, resource="sale", fields=None, product=None, tier=None,
                 email="forger@example.com", url_params=None):
        """A ping at the right address that no sale stands behind."""
        world = self.world
        sale = forged(world.shop, self.ids, product, tier, email)
        told = payload.purchase(world.shop, sale, resource, url_params)
        told.update(fields or {})
        self.forged.add(told["sale_id"])
        sent = world.pings.fan_out(resource, told, told["sale_id"])
        return {"sale": told["sale_id"], "pings": [d.number for d in sent]}

    # ---- the account and the API -----------------------------------------

    def do_register(self, url=None, ping_url=None, resources=None,
                    application="app", other=False):
        """url: for all eight resources or those that are named. ping_url:
        the address in the settings; it gets sales only."""
        account = self.account(other)
        if ping_url is not None:
            account.ping_url = ping_url
        rows = []
        if url is not None:
            rows = [account.subscribe(r, url, application) for r in resources
                    ] if resources else account.subscribe_all(url,
                                                              application)
        return {"rows": [row.told() for row in rows]}

    def do_add_token(self, token, scopes=None, application="app",
                     other=False):
        made = self.account(other).add_token(token, scopes, application)
        return {"token": made.text, "scopes": made.scopes}

    def do_revoke_token(self, token):
        self.world.account.revoke_token(token)
        return {}

    def do_delete_application(self, application="app"):
        self.world.account.delete_application(application)
        return {}

    def do_misbehave(self, clear=False, **rule):
        """kind, path, method, count and what that kind takes; or clear."""
        if clear:
            self.world.switches.clear()
        if rule:
            self.world.switches.add(**rule)
        return {"rules": self.world.switches.rules}

    def do_settings(self, old_shapes=None, strict_urls=None, client=None):
        world = self.world
        if old_shapes is not None:
            world.api.old = bool(old_shapes)
        if strict_urls is not None:
            world.api.strict_urls = bool(strict_urls)
        if client is not None:
            world.pings.client = client
        return {"old_shapes": world.api.old, "client": world.pings.client,
                "strict_urls": world.api.strict_urls}

    def do_counts(self, clear=False):
        told = self.world.counts.told()
        if clear:
            self.world.counts.clear()
        return told


def takes(act):
    return [str(p) for p in signature(act).parameters.values()]


def forged(shop, ids, product, tier, email):
    """A purchase as good as it gets, of which the shop knows nothing."""
    product = shop.product(product or next(iter(shop.products)))
    chosen = product.tier(tier) if tier else next(iter(product.tiers), None)
    recurrence = next(iter(chosen.prices), None) if chosen else None
    price = chosen.prices[recurrence] if recurrence else product.price
    row = ids.row("sale")
    sale = Sale(row=row, id=ids.of_row(row), order=ids.order(row),
                product=product, buyer=Person(email), email=email,
                created_at=shop.now, state=SUCCESSFUL, price=price,
                tier=chosen, recurrence=recurrence)
    if product.recurring:
        row = ids.row("subscription")
        sale.subscription = Subscription(
            ids.of_row(row), row, product, sale.buyer, email, chosen,
            recurrence, shop.now, sales=[sale])
    return sale
