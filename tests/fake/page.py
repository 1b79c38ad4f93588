"""The shop as people see it: products, a checkout, and the way on from it."""

import urllib.parse

from counter import Counter
from markup import e, hidden, own, pings, price, query, quick
from membership import Refused
from objects import A_PERIOD, SYMBOLS, money
from records import BUNDLE, MEMBERSHIP
from request import Reply
from words import BEHIND, HEAD, INTRO, NAV

LOOK = '<script src="counter.js" defer></script>'


class Page:
    def __init__(self, world, control, beside=None, site=None):
        self.world, self.site = world, site
        self.counter = Counter(world, control, beside)

    def handle(self, request):
        with self.world.lock:
            self.world.catch_up()
        parts = request.path.strip("/").split("/")
        if request.method == "POST":
            return self.act(request, parts[-1])
        with self.world.lock:
            if request.path == "/":
                return self.front(request.params)
            if request.path == "/counter":
                return self.sent("Behind the counter", self.counter.text(
                    request.params), more=LOOK, nav=NAV)
            if parts[0] == "l" and len(parts) == 2:
                try:
                    product = self.world.shop.product(
                        urllib.parse.unquote(parts[1]))
                except Refused:
                    return Reply(404, b"no such product\n", "text/plain")
                return self.checkout(product, request.params)
        return Reply(404, b"not found\n", "text/plain")

    def sent(self, title, text, depth="", more="", params=None, nav=""):
        head = HEAD % (e(title), depth, depth, more, depth or "./",
                       e(query(params or {})), e(self.world.shop.name), nav)
        return Reply(200, (head + text + "</main></body></html>\n").encode())

    # ---- what the buttons do ---------------------------------------------

    def act(self, request, name):
        params = request.params
        back = "../" if request.path.startswith("/l/") else "./"
        back += "" if name == "buy" else "counter"
        try:
            told = self.buy(params) if name == "buy" else {
                "said": self.counter.do(params)}
        except (Refused, KeyError, ValueError, AttributeError) as why:
            told = {"said": "That was not done: %s." % why}
        return Reply(303, headers=[("Location", back + query(
            dict(own(params), **told)))])

    def buy(self, params):
        tier, _, recurrence = params.get("plan", "").rpartition("|")
        with self.world.lock:
            sale = self.world.shop.buy(
                params["product"], params["email"], tier=tier or None,
                recurrence=recurrence or None, url_params=own(params),
                gift_to=params.get("gift_to") or None)
        return {"bought": sale.id}

    # ---- pages -----------------------------------------------------------

    def checkout(self, product, params):
        carried = own(params)
        self.counter.visitor = carried.get("user_id")
        rows = "".join("<li><b>%s</b> = %s</li>" % (e(k), e(v))
                       for k, v in carried.items())
        text = '<form class="card" method="post" action="buy">'
        text += "<h1>%s</h1>" % e(product.name)
        if product.about:
            text += "<p>%s</p>" % e(product.about)
        text += self.plans(product, params)
        # another one each time: who is a member cannot buy again
        email = params.get("email") or "reader%d@example.com" % (
            len(self.world.shop.sales) + 1)
        text += ('<label>E-mail<input name="email" type="email" required '
                 'autocomplete="email" value="%s"></label>' % e(email))
        text += hidden(dict(carried, product=product.id))
        text += '<button class="buy">%s</button>' % (
            "Buy for nothing" if product.price == 0 and
            product.kind != MEMBERSHIP else "Pay")
        if self.counter.beside is None:
            text += ('<label>For somebody else? Their e-mail<input '
                     'name="gift_to" type="email"></label>')
        if rows:
            text += ("<p class=note>The link carries this to the seller, as "
                     "<code>url_params</code> of the first ping:</p>"
                     "<ul class=note>%s</ul>" % rows)
        else:
            text += ("<p class=note>The link has no <code>user_id</code>: "
                     "the seller will know the buyer by the e-mail only.</p>")
        return self.sent(product.name, text + "</form>", "../",
                         params=carried)

    def plans(self, product, params):
        sign, found = SYMBOLS[product.currency], []
        wanted = product.tier(params.get("tier") or params.get("variant"))
        wanted = wanted or next(iter(product.tiers), None)
        for tier in product.tiers:
            for recurrence, cents in (tier.prices or {"": None}).items():
                cost = product.price + tier.plus if cents is None else cents
                label = "%s, %s%s%s" % (
                    tier.name, sign, money(cost, product.currency),
                    A_PERIOD[recurrence or None])
                checked = tier is wanted and recurrence in (
                    "", next(iter(tier.prices), ""))
                found.append(
                    '<label class="plan"><input type="radio" name="plan" '
                    'value="%s|%s"%s> %s</label>' % (
                        e(tier.name), e(recurrence),
                        " checked" if checked else "", e(label)))
        if found:
            return "<fieldset>%s</fieldset>" % "".join(found)
        return "<p class=price>%s</p>" % e(price(product))

    def front(self, params):
        bought = self.world.shop.sales.get(params.get("bought"))
        if bought:
            return self.thanks(bought, own(params))
        text = ""
        if params.get("said"):
            text += '<p class="said">%s</p>' % e(params["said"])
        text += INTRO + '<section class="products">%s</section>' % "".join(
            self.product_card(p, own(params))
            for p in self.world.shop.products.values() if not p.deleted)
        return self.sent("%s at Gumroad (pretend)" % self.world.shop.name,
                         text + BEHIND, params=own(params))

    def thanks(self, sale, carried):
        text = ('<section class="card thanks"><h1>Thank you</h1><p>%s for %s.'
                "</p>%s%s" % (e(sale.product.name), e(sale.email),
                              pings(self.world, sale),
                              quick(self.world.shop)))
        if self.site:
            text += ('<p><a class="buy" target="_top" href="%s">Back to the '
                     "site</a></p>" % e(self.site))
        more = '<meta http-equiv="refresh" content="1">' \
            if self.counter.is_told(sale.partner or sale) else ""
        return self.sent("Thank you", text + BEHIND + "</section>", more=more,
                         params=carried)

    def product_card(self, product, carried):
        extra = ""
        if product.kind == BUNDLE:
            extra = "<p class=note>With %s.</p>" % e(
                " and ".join(i.name for i in product.items))
        return ('<article class="card"><h2>%s</h2><p>%s</p>%s'
                '<p class="price">%s</p><a class="buy" href="l/%s%s">'
                "I want this!</a></article>" % (
                    e(product.name), e(product.about), extra,
                    e(price(product)),
                    urllib.parse.quote(product.permalink, safe=""),
                    e(query(carried))))
