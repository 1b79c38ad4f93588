"""What happens at the checkout: every way to buy."""

from clock import DAY
from membership import Refused
from records import (AUTHORIZED, BUNDLE, FAILED, GIFTEE, IN_PROGRESS,
                     INSTALMENTS, RATES, SUCCESSFUL, TEST, License,
                     Sale)

# what the checkout keeps for itself, and what the server drops
NOT_PARAMS = set(
    "product option recurrence quantity price recommended_by affiliate_id "
    "referrer rent recommender_model_name call_start_time "
    "pay_in_installments code wanted email as_modal as_embed debug".split())


class Checkout:
    """A part of Shop."""

    def buy(self, product, email, tier=None, recurrence=None, url_params=None,
            account=None, account_email=None, full_name=None, country=None,
            gift_to=None, test=False, offer=None, offer_percent=100,
            quantity=1, custom_fields=None, referrer="direct", paypal=False,
            debit_days=0, debit_fails=False):
        """Returns the sale; of a gift, the gifter's side.

        account: True for a buyer with an account, or its digits. offer: the
        code of a discount. debit_days: the bank takes that long.
        """
        product = self.product(product)
        if product.deleted:
            raise Refused("the product is gone")
        if test:
            buyer = self.seller
        else:
            buyer = self.person(email, account, account_email, full_name,
                                country)
        tier, recurrence = self._choice(product, tier, recurrence)
        wanted = {"tier": tier, "recurrence": recurrence,
                  "quantity": quantity}
        if product.recurring and not (test or gift_to):
            old = self.restartable(product, buyer)
            if old:
                return self.restart(old, **wanted)
        params = {k: v for k, v in (url_params or {}).items()
                  if k not in NOT_PARAMS}
        wanted.update(
            url_params=params, offer_code=offer,
            offer_percent=offer_percent if offer else 0,
            custom_fields=dict(custom_fields or {}), referrer=referrer,
            paypal=paypal)
        price = self._price(product, tier, recurrence, quantity)
        price -= price * wanted["offer_percent"] // 100
        if gift_to:
            return self._give(product, buyer, gift_to, price, wanted)
        if product.released_at and self.now < product.released_at:
            return self._authorize(product, buyer, price, wanted)
        state = TEST if test else IN_PROGRESS if debit_days else SUCCESSFUL
        return self._sell(product, buyer, state, price, wanted, debit_days,
                          debit_fails)

    def _choice(self, product, tier, recurrence):
        chosen = product.tier(tier) if tier else None
        if tier and chosen is None:
            raise Refused("%s has no tier '%s'" % (product.name, tier))
        if product.tiers and chosen is None:
            chosen = product.tiers[0]
        if product.kind == INSTALMENTS:
            return chosen, "monthly"
        if not product.recurring:
            return chosen, None
        recurrence = recurrence or next(iter(chosen.prices))
        if recurrence not in chosen.prices:
            raise Refused("%s is not sold %s" % (product.name, recurrence))
        return chosen, recurrence

    def _price(self, product, tier, recurrence, quantity):
        if product.kind == INSTALMENTS:
            return product.price * quantity // product.charges
        if product.recurring:
            return tier.prices[recurrence] * quantity
        return (product.price + (tier.plus if tier else 0)) * quantity

    def new_sale(self, product, buyer, email, state, listing_price, **more):
        """A row of the table of purchases; nobody is told of it yet."""
        row = self.ids.row("sale")
        sale = Sale(row=row, id=self.ids.of_row(row),
                    order=self.ids.order(row), product=product, buyer=buyer,
                    email=email, created_at=self.now, state=state,
                    listing_price=listing_price,
                    price=round(listing_price * RATES[product.currency]),
                    **more)
        self.sales[sale.id] = sale
        self.rows[sale.order] = row
        self.mark(sale)
        return sale

    def new_license(self, sale):
        if sale.product.licensed and sale.license is None:
            row = self.ids.row("license")
            sale.license = License(self.ids.of_row(row),
                                   self.ids.license_key(row))

    def _sell(self, product, buyer, state, price, wanted, debit_days,
              debit_fails):
        sale = self.new_sale(product, buyer, buyer.email, state, price,
                             **wanted)
        self.new_license(sale)
        if product.recurring:
            sub = self.new_subscription(sale)
            self.mark(sub)
        self.mark(sale)
        if sale.state == IN_PROGRESS:
            self.agenda.at(self.now + debit_days * DAY,
                           self._debit_fails if debit_fails else
                           self.succeed, sale)
        else:
            self.succeed(sale)
        return sale

    def _debit_fails(self, sale):
        sale.state = FAILED
        self.mark(sale)
        if sale.subscription:
            sale.subscription.failed_at = self.now
            sale.subscription.deactivated_at = self.now
            self.mark(sale.subscription)

    def succeed(self, sale):
        """The money is there, or none was asked."""
        if sale.state == IN_PROGRESS:
            sale.state = SUCCESSFUL
        sale.known_at = self.now
        self.mark(sale)
        self.announce("sale", 10, sale=sale, url_params=sale.url_params)
        if sale.subscription:
            self.plan_next(sale.subscription)
        if sale.product.kind == BUNDLE:
            for item in sale.product.items:
                self._sell_item(sale, item)

    def _sell_item(self, bundle, product):
        """Each product of a bundle is a sale of its own, of nothing. A gift's
        has two sides, as the bundle has."""
        rows = []
        for side in filter(None, (bundle.partner, bundle)):
            sale = self.new_sale(
                product, side.buyer, side.email, side.state, 0,
                quantity=bundle.quantity, bundle=side, gift=side.gift,
                tier=product.tiers[0] if product.tiers else None)
            sale.known_at = self.now
            rows.append(sale)
        if len(rows) > 1:
            rows[0].partner, rows[1].partner = rows[1], rows[0]
        self.new_license(rows[-1])
        for sale in rows:
            self.mark(sale)
        self.announce("sale", 10, sale=rows[-1])

    def _give(self, product, buyer, gift_to, price, wanted):
        """Two rows: the gifter's is listed, the giftee's is told."""
        giftee = self.person(gift_to)
        paid = self.new_sale(product, buyer, buyer.email, SUCCESSFUL, price,
                             gift="sender", **wanted)
        wanted.update(url_params={}, offer_code=None, offer_percent=0)
        given = self.new_sale(product, giftee, gift_to, GIFTEE, 0,
                              gift="receiver", **wanted)
        paid.partner, given.partner = given, paid
        self.new_license(given)
        paid.known_at = given.known_at = self.now
        if product.recurring:
            sub = self.new_subscription(paid, trial=False)
            given.subscription = sub
            sub.sales.append(given)
            sub.buyer, sub.email = giftee, gift_to
            self.mark(sub)
        self.mark(paid)
        self.succeed(given)
        return paid

    def _authorize(self, product, buyer, price, wanted):
        """A pre-order: no money before the release."""
        sale = self.new_sale(product, buyer, buyer.email, AUTHORIZED, price,
                             preorder=True, **wanted)
        self.announce("sale", 10, sale=sale, url_params=sale.url_params)
        wanted = dict(wanted, url_params={})
        self.agenda.at(product.released_at, self._release, sale, wanted)
        return sale

    def _release(self, sale, wanted):
        if not (sale.product.deleted or sale.preorder_cancelled):
            self._sell(sale.product, sale.buyer, SUCCESSFUL,
                       sale.listing_price, wanted, 0, False)

    def cancel_preorder(self, sale):
        """Nothing is charged at the release, and nothing is told."""
        if not sale.preorder:
            raise Refused("it is no pre-order")
        sale.preorder_cancelled = True

    def fail_purchase(self, product, email, **wanted):
        """A declined card: a row that only its id finds."""
        product = self.product(product)
        buyer = self.person(email)
        tier, recurrence = self._choice(product, wanted.get("tier"),
                                        wanted.get("recurrence"))
        return self.new_sale(
            product, buyer, email, FAILED,
            self._price(product, tier, recurrence, 1), tier=tier,
            recurrence=recurrence)
