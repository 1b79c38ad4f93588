"""Pieces of the pages for people: escaping, links, forms, prices."""

import html
import urllib.parse

import form
from checkout import NOT_PARAMS
from clock import iso, utc
from objects import A_PERIOD, SYMBOLS, money
from records import INSTALMENTS, MEMBERSHIP
from words import QUICK

# names of these pages' own forms; all others belong to the link
FORMS = set("bought said tier plan gift_to do sale seconds for_user".split())
STATES = {"sent": "was taken", "gone": "is lost for good",
          "lost": "got lost on the way", "held": "is held back",
          "on its way": "is on its way"}


def e(value):
    return html.escape("" if value is None else str(value))


def query(params):
    return "?" + urllib.parse.urlencode(params) if params else ""


def own(params):
    """What a product's link carries to the seller."""
    return {k: v for k, v in params.items()
            if k not in NOT_PARAMS and k not in FORMS}


def hidden(params):
    return "".join('<input type="hidden" name="%s" value="%s">' % (e(k), e(v))
                   for k, v in params.items())


def clock(t):
    return utc(t).strftime("%Y-%m-%d %H:%M:%S")


def buttons(acts, **params):
    """A form with a button for each (value, label) of `do`."""
    return ('<form method="post" action="do" class="buttons">%s%s</form>' % (
        hidden(params), "".join(
            '<button name="do" value="%s">%s</button>' % act
            for act in acts)))


def price(product):
    sign = SYMBOLS[product.currency]
    if product.kind == MEMBERSHIP:
        recurrence, least = min(product.tiers[0].prices.items(),
                                key=lambda pair: pair[1])
        return "from %s%s%s" % (sign, money(least, product.currency),
                                A_PERIOD[recurrence])
    text = sign + money(product.price, product.currency)
    if product.kind == INSTALMENTS:
        text += " in %d parts" % product.charges
    return text


def quick(shop):
    """A word about a shop whose pings do not wait as long as Gumroad's."""
    return "" if shop.moment is None else QUICK % shop.moment


def delivery(d, now):
    """A ping as an item of a list: what became of it, and its body."""
    words = STATES.get(d.state) or "goes out in %d s" % max(0, d.due - now)
    for t, status in d.attempts[-1:]:
        words += " (answer %s at %s)" % (status, iso(t)[11:19])
    if d.retry:
        words += ", retry %d" % d.retry
    lines = "\n".join(k + " = " + v for key, value in d.payload.items()
                      for k, v in form.pairs(form.name(key), value))
    return ("<li><details><summary><code>%s</code> %s</summary>"
            "<pre>%s</pre></details></li>" % (
                e(d.resource), e(words), e(lines)))


def pings(world, sale):
    """What Gumroad sends about a sale and its subscription, and when."""
    ids = {sale.id}
    if sale.subscription:
        ids.add(sale.subscription.id)
    now = world.shop.now
    items = ["<li><code>%s</code> goes out in %d s</li>" % (
        e(notice.resource), when - now)
        for when, notice in world.shop.untold()
        if (notice.sale or notice.subscription).id in ids]
    items += [delivery(d, now) for d in world.pings.log if d.subject in ids]
    if not items:
        return ("<p class=note>No ping goes out: nobody registered an "
                "address for it, or Gumroad sends none for this.</p>")
    return '<ul class="pings">%s</ul>' % "".join(items[-8:])
