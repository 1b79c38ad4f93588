"""What happens to a sale afterwards: refunds, disputes, access."""

from membership import Refused
from records import BUNDLE, COUNTED, INSTALMENTS


class Money:
    """A part of Shop."""

    def refund(self, sale, minor=None):
        """In full, or minor units of the listing currency."""
        if not sale.charged:
            raise Refused("nothing was paid")
        left = sale.listing_price - sale.refunded_minor
        minor = left if minor is None else min(int(minor), left)
        if minor <= 0:
            raise Refused("nothing is left to pay back")
        sale.refunded_minor += minor
        if sale.refunded_minor == sale.listing_price:
            self._flag_refund(sale, True)
        self.mark(sale)
        if sale.gift is None:  # those of gifts are never told
            self.announce("refund", 5, sale=sale)
        if sale.refunded and sale.subscription:
            self.end_after_refund(sale.subscription)

    def _flag_refund(self, sale, refunded):
        for row in self._with(sale):
            row.refunded = refunded
            if row.license:
                row.license.disabled = refunded
            self.mark(row)

    def fail_refund(self, sale):
        """The bank sends the refund back. No ping tells of it."""
        if not sale.refunded_minor:
            raise Refused("nothing was paid back")
        sale.refunded_minor = 0
        self._flag_refund(sale, False)

    def dispute(self, sale):
        """A chargeback; it ends a membership, not a plan of instalments."""
        if not sale.charged or sale.disputed:
            raise Refused("this sale cannot be disputed")
        sale.disputed = True
        self._same_for_others(sale)
        self.announce("dispute", 5, sale=sale)
        sub = sale.subscription
        if sub and not sub.over and sub.product.kind != INSTALMENTS:
            sub.disputed = sale
            self.end_now(sub, "buyer")

    def win_dispute(self, sale):
        if not sale.dispute_open:
            raise Refused("there is no open dispute")
        sale.dispute_won = True
        self._same_for_others(sale)
        if not sale.refunded:
            self.announce("dispute_won", 5, sale=sale)
        sub = sale.subscription
        if sub and sub.over and sub.disputed is sale:
            sub.disputed = None
            self._go_on(sub)
            self._tell_restart(sub)

    def lose_dispute(self, sale):
        """Nothing changes, and nothing is sent."""
        if not sale.dispute_open:
            raise Refused("there is no open dispute")

    def _same_for_others(self, sale):
        for row in self._with(sale):
            row.disputed = sale.disputed
            row.dispute_won = sale.dispute_won
            self.mark(row)

    def _with(self, sale):
        """Both sides of a gift, and a bundle with its items."""
        sides = [sale] + [sale.partner] * (sale.partner is not None)
        items = [] if sale.product.kind != BUNDLE else [
            s for s in self.sales.values() if s.bundle in sides]
        return sides + items

    def revoke(self, sale):
        """The seller takes the access away. No ping tells of it."""
        if sale.state not in COUNTED:
            raise Refused("it gives no access")
        sale.revoked = True
        self.mark(sale)

    def unrevoke(self, sale):
        sale.revoked = False
        self.mark(sale)

    def change_email(self, sale, email):
        """The seller corrects the address. It is told with a later ping."""
        sale.email = email.strip().lower()
        if sale.subscription and sale.original:
            sale.subscription.email = sale.email
        self.mark(sale)

    def resend(self, sale):
        """The button that sends a sale's ping again, as the sale is now."""
        self.announce("sale", 10, sale=sale)
