"""Stories of a shop without a server: what happens, and what is told of it.
"""

import json
import subprocess

from account import Account
from clock import DAY, HOUR, parse
from lib import CTL_PROGRAM, folder

BEGIN = parse("2026-01-31T09:00:00Z")
HOOK = "http://gumroad:secret@127.0.0.1:9/hooks/gumroad/x"
MONTHLY = {"Supporter": {"monthly": 900, "yearly": 9000},
           "Influencer": {"monthly": 4900}}


class Story:
    """A shop, what it sells, and who hears of it."""

    def __init__(self, seed=1, url=HOOK, **more):
        self.account = Account(seed, now=BEGIN, **more)
        self.account.add_token("t", ["view_sales"])
        if url:
            self.account.subscribe_all(url)
        self.shop, self.pings = self.account.shop, self.account.pings
        add = self.shop.add_product
        self.club = add("Club", kind="membership", licensed=True,
                        custom_permalink="club", tiers=MONTHLY)
        self.pencil = add("Pencil", price=1000, custom_permalink="pencil")

    def member(self, email="mira@example.com", **more):
        return self.shop.buy(self.club, email, **more).subscription

    def pass_by(self, seconds=HOUR):
        """Lets time go by; the pings of it, oldest first."""
        self.shop.advance(seconds)
        return self.pings.take(self.shop.now)

    def told(self, seconds=HOUR):
        return [d.resource for d in self.pass_by(seconds)]


def ends(days=28):
    return days * DAY + HOUR


def decoded(bodies):
    """What the program makes of them: (status, facts) each."""
    place, found = folder(), []
    for number, body in enumerate(bodies):
        file = place / str(number)
        file.write_bytes(body)
        done = subprocess.run([CTL_PROGRAM, "decode", "gumroad", file],
                              capture_output=True, timeout=20)
        answer = json.loads(done.stdout or "{}")
        found.append((answer.get("status"), answer.get("facts")))
    return found


def upgraded(s):
    sub = s.member()
    s.pass_by(10 * DAY)
    s.shop.change_plan(sub, s.club.tiers[1])


def downgraded(s):
    sub = s.member(tier="Influencer")
    s.pass_by()
    s.shop.change_plan(sub, s.club.tiers[0])


def cancelled(s):
    sub = s.member()
    s.pass_by()
    s.shop.cancel(sub)
    return sub


def undone(s):
    sub = cancelled(s)
    s.pass_by()
    s.shop.undo(sub)


def failed(s):
    sub = s.member()
    s.shop.fail_card(sub)
    s.pass_by(ends() - 2 * HOUR)
    return sub


def restarted(s):
    failed(s)
    s.pass_by(200 * DAY)
    s.member()


def refunded_while_cancelled(s):
    sub = cancelled(s)
    s.pass_by()
    s.shop.refund(sub.sales[0])


def paid(s, **more):
    sale = s.shop.buy(s.pencil, "calvin@example.com", **more)
    s.pass_by()
    return sale


def given(s):
    return s.shop.buy(s.pencil, "boss@example.org", gift_to="g@example.com")


def gift_refunded(s):
    sale = given(s)
    s.pass_by()
    s.shop.refund(sale)


def gift_disputed(s):
    sale = given(s)
    s.pass_by()
    s.shop.dispute(sale)


def disputed(s):
    sub = s.member()
    s.pass_by()
    s.shop.dispute(sub.sales[0])
    return sub


def won(s):
    sub = disputed(s)
    s.pass_by()
    s.shop.win_dispute(sub.sales[0])


def refund_fails(s):
    sale = paid(s)
    s.shop.refund(sale)
    s.pass_by()
    s.shop.fail_refund(sale)


def preordered(s):
    book = s.shop.add_product("Book", price=2000,
                              released_at=s.shop.now + 3 * DAY)
    s.shop.buy(book, "pre@example.com")


def bundled(s):
    s.shop.add_product("Ink", price=700, custom_permalink="ink",
                       licensed=True)
    both = s.shop.add_product("Both", kind="bundle", price=1500,
                              items=["pencil", "ink"])
    s.shop.buy(both, "b@example.com")


def tried(s):
    trial = s.shop.add_product("Trial", kind="membership", trial_days=7,
                               tiers=MONTHLY)
    s.shop.buy(trial, "t@example.com")


def instalments(s):
    course = s.shop.add_product("Course", kind="instalments", price=9900,
                                charges=3)
    s.shop.buy(course, "inst@example.com")


def instalment_disputed(s):
    instalments(s)
    s.pass_by()
    s.shop.dispute(next(iter(s.shop.sales.values())))


def unpaid(s):
    sub = s.member()
    s.pass_by()
    s.shop.run_unpaid(sub)


def preorder_cancelled(s):
    book = s.shop.add_product("Book", price=2000,
                              released_at=s.shop.now + 3 * DAY)
    s.shop.cancel_preorder(s.shop.buy(book, "pre@example.com"))


BOTH = ["cancellation", "subscription_ended"]
# what happens, for how long, and what is told of the last step, sorted
OPERATIONS = (
    ("a sale", lambda s: s.shop.buy(s.pencil, "a@example.com"), HOUR,
     ["sale"]),
    ("a free sale", lambda s: s.shop.buy(
        s.pencil, "a@example.com", offer="ALL"), HOUR, ["sale"]),
    ("a membership and its renewals", lambda s: s.member(), 60 * DAY,
     ["sale"] * 3),
    ("a yearly one", lambda s: s.member(recurrence="yearly"), 60 * DAY,
     ["sale"]),
    ("an upgrade", upgraded, HOUR, ["sale", "subscription_updated"]),
    ("a downgrade, applied at the renewal", downgraded, ends(),
     ["sale", "subscription_updated"]),
    ("a cancellation", cancelled, HOUR, ["cancellation"]),
    ("a cancellation and the end", cancelled, 40 * DAY, BOTH),
    ("an undone cancellation", undone, HOUR, ["subscription_restarted"]),
    ("failed payments", failed, 6 * DAY, BOTH),
    ("a restart at the checkout", restarted, HOUR,
     ["sale", "subscription_restarted"]),
    ("a full refund", lambda s: s.shop.refund(paid(s)), HOUR, ["refund"]),
    ("a partial refund", lambda s: s.shop.refund(paid(s), 300), HOUR,
     ["refund"]),
    ("a refund while cancelled", refunded_while_cancelled, HOUR,
     ["refund", "subscription_ended"]),
    ("a refund that fails at the bank", refund_fails, HOUR, []),
    ("a dispute of a sale", lambda s: s.shop.dispute(paid(s)), HOUR,
     ["dispute"]),
    ("a dispute of a membership", disputed, HOUR, sorted(BOTH + ["dispute"])),
    ("a dispute won", won, HOUR, ["dispute_won", "subscription_restarted"]),
    ("access revoked", lambda s: s.shop.revoke(paid(s)), HOUR, []),
    ("a gift", given, HOUR, ["sale"]),
    ("a gift's refund", gift_refunded, HOUR, []),
    ("a gift's dispute", gift_disputed, HOUR, ["dispute"]),
    ("a bundle and its items", bundled, HOUR, ["sale"] * 3),
    ("a pre-order and its release", preordered, 4 * DAY, ["sale"] * 2),
    ("a pre-order that is cancelled", preorder_cancelled, 4 * DAY, ["sale"]),
    ("a bank debit before it is there", lambda s: paid(s, debit_days=4),
     DAY, []),
    ("a bank debit", lambda s: paid(s, debit_days=4), 5 * DAY, ["sale"]),
    ("a bank debit that fails", lambda s: paid(
        s, debit_days=4, debit_fails=True), 5 * DAY, []),
    ("a trial and its first charge", tried, 8 * DAY, ["sale"] * 2),
    ("a plan of three instalments", instalments, 100 * DAY,
     ["sale"] * 3 + ["subscription_ended"]),
    ("a dispute of an instalment: the plan goes on", instalment_disputed,
     100 * DAY, ["dispute"] + ["sale"] * 2 + ["subscription_ended"]),
    ("a test purchase of a membership", lambda s: s.member(test=True),
     90 * DAY, ["sale"]),
    ("a membership that runs on unpaid", unpaid, 90 * DAY, []),
    ("a product that is gone", lambda s: (
        s.member(), s.pass_by(), s.shop.delete_product("club")), HOUR, BOTH),
    ("a sale resent", lambda s: s.shop.resend(paid(s)), HOUR, ["sale"]),
)
