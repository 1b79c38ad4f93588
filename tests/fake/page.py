"""The shop as people see it: products, a checkout, and what happened."""

import html
import urllib.parse

import form
from checkout import NOT_PARAMS
from clock import iso, utc
from membership import Refused
from objects import A_PERIOD, SYMBOLS, money
from records import BUNDLE, INSTALMENTS, LISTED, MEMBERSHIP, SUCCESSFUL
from request import Reply
from words import EXPLAINED, HEAD, INTRO, NAV, SAID

SHOWN = 40
# names of this page's own forms; all others belong to the link
FORMS = set("bought said tier plan gift_to do sale seconds for_user".split())


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


class Page:
    def __init__(self, world, control, site=None):
        self.world, self.control, self.site = world, control, site

    def handle(self, request):
        with self.world.lock:
            self.world.catch_up()
        parts = request.path.strip("/").split("/")
        if request.method == "POST":
            return self.act(request, parts[-1])
        with self.world.lock:
            if request.path == "/":
                return self.front(request.params)
            if parts[0] == "l" and len(parts) == 2:
                try:
                    product = self.world.shop.product(
                        urllib.parse.unquote(parts[1]))
                except Refused:
                    return Reply(404, b"no such product\n", "text/plain")
                return self.checkout(product, request.params)
        return Reply(404, b"not found\n", "text/plain")

    def sent(self, title, text, depth="", more="", params=None):
        head = HEAD % (e(title), depth, more, depth or "./",
                       e(query(params or {})), e(self.world.shop.name),
                       "" if depth else NAV)
        return Reply(200, (head + text + "</main></body></html>\n").encode())

    # ---- what the buttons do ---------------------------------------------

    def act(self, request, name):
        params = request.params
        try:
            told = self.buy(params) if name == "buy" else self.do(params)
        except (Refused, KeyError, ValueError) as why:
            told = {"said": "That was not done: %s." % why}
        back = "../" if request.path.startswith("/l/") else "./"
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

    def do(self, params):
        what, subject = params["do"], params.get("sale")
        if what == "advance":
            self.control.do(what, {"seconds": int(params["seconds"])})
        elif what == "forge":
            who = params.get("for_user")
            self.control.do(what, {
                "product": params["product"], "email": params["email"],
                "url_params": {"user_id": who} if who else None})
        elif what in ("cancel", "undo"):
            sub = self.world.shop.sales[subject].subscription
            self.control.do(what, {"subscription": sub.id})
        elif what == "lose":
            self.control.do("lose", {"subject": subject})
        elif what in ("refund", "dispute", "win_dispute", "revoke",
                      "unrevoke", "resend"):
            self.control.do(what, {"sale": subject})
        return {"said": SAID[what]}

    # ---- pages -----------------------------------------------------------

    def checkout(self, product, params):
        carried = own(params)
        rows = "".join("<li><b>%s</b> = %s</li>" % (e(k), e(v))
                       for k, v in carried.items())
        text = '<form class="card" method="post" action="buy">'
        text += "<h1>%s</h1><p>%s</p>" % (e(product.name), e(product.about))
        text += self.plans(product, params)
        text += ('<label>E-mail<input name="email" type="email" required '
                 'autocomplete="email" value="%s" placeholder="you@example'
                 '.com"></label>' % e(params.get("email")))
        text += ('<label>For somebody else? Their e-mail<input '
                 'name="gift_to" type="email"></label>')
        text += hidden(dict(carried, product=product.id))
        text += '<button class="buy">%s</button>' % (
            "Buy for nothing" if product.price == 0 and
            product.kind != MEMBERSHIP else "Pay")
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
        carried = own(params)
        text = INTRO
        if params.get("said"):
            text += '<p class="said">%s</p>' % e(params["said"])
        if params.get("bought") in self.world.shop.sales:
            text += self.bought(self.world.shop.sales[params["bought"]])
        text += '<section class="products">%s</section>' % "".join(
            self.product_card(p, carried)
            for p in self.world.shop.products.values() if not p.deleted)
        text += self.sales(carried) + self.time(carried)
        text += self.forge(carried) + EXPLAINED
        more = ""
        if params.get("bought") and self.waits(params["bought"]):
            more = '<meta http-equiv="refresh" content="2">'
        return self.sent("%s at Gumroad (pretend)" % self.world.shop.name,
                         text, more=more, params=carried)

    def waits(self, sale_id):
        found = self.world.shop.sales.get(sale_id)
        subject = (found.partner or found).id if found else None
        return any(n.sale and n.sale.id == subject
                   for _, n in self.world.shop.untold())

    def bought(self, sale):
        text = "<h2>Thank you</h2><p>%s for %s.</p>" % (
            e(sale.product.name), e(sale.email))
        text += self.told(sale)
        if self.site:
            text += '<p><a class="buy" href="%s">Back to the site</a></p>' % (
                e(self.site))
        return '<section class="card thanks">%s</section>' % text

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

    # ---- the sales and their pings ---------------------------------------

    def sales(self, carried):
        rows = list(self.world.shop.sales.values())[::-1]
        rows = [s for s in rows if s.state in LISTED or s.gift or s.preorder
                or s.state in ("in_progress", "test")]
        text = '<h2 id="sales">Sales</h2>'
        if not rows:
            return text + "<p>None yet: buy something.</p>"
        if len(rows) > SHOWN:
            text += "<p class=note>The newest %d of %d.</p>" % (SHOWN,
                                                                len(rows))
        return text + "".join(self.sale(s, carried) for s in rows[:SHOWN])

    def sale(self, sale, carried):
        words = [sale.product.name]
        if sale.tier:
            words.append(sale.tier.name)
        sign = SYMBOLS[sale.product.currency]
        words.append(sign + money(sale.listing_price, sale.product.currency))
        text = '<article class="card sale" id="%s"><h3>%s</h3>' % (
            e(sale.id), e(", ".join(words)))
        text += "<p>%s, %s%s</p>" % (
            e(sale.email), e(clock(sale.created_at)),
            "".join(' <span class="mark">%s</span>' % e(w)
                    for w in self.marks(sale)))
        text += self.told(sale) + self.buttons(sale, carried)
        return text + "</article>"

    def marks(self, sale):
        found = [word for word, holds in (
            ("refunded", sale.refunded), ("part refunded",
                                          sale.partially_refunded),
            ("disputed", sale.dispute_open), ("access revoked", sale.revoked),
            ("renewal", sale.is_renewal and not sale.upgrade),
            ("upgrade", sale.upgrade), ("gift", sale.gift),
            ("of a bundle", sale.bundle), ("pre-order", sale.preorder),
            ("bank debit on its way", sale.state == "in_progress"),
            ("test", sale.state == "test"), ("free trial", sale.state ==
                                             "not_charged_trial")) if holds]
        sub = sale.subscription
        if sub and sub.over:
            found.append("membership over")
        elif sub and sub.cancelled_at:
            found.append("cancelled, paid until %s" % iso(
                sub.cancelled_at)[:10])
        return found

    def told(self, sale):
        """What Gumroad sends about it and its subscription, and when."""
        ids = {sale.id}
        if sale.subscription:
            ids.add(sale.subscription.id)
        items, now = [], self.world.shop.now
        for when, notice in self.world.shop.untold():
            if (notice.sale or notice.subscription).id in ids:
                items.append("<li><code>%s</code> goes out in %d s</li>" % (
                    e(notice.resource), when - now))
        for d in self.world.pings.log:
            if d.subject in ids:
                items.append(self.delivery(d, now))
        if not items:
            return ("<p class=note>No ping goes out: nobody registered an "
                    "address for it, or Gumroad sends none for this.</p>")
        return '<ul class="pings">%s</ul>' % "".join(items[-8:])

    def delivery(self, d, now):
        words = {"sent": "was taken", "gone": "is lost for good",
                 "lost": "got lost on the way", "held": "is held back",
                 "on its way": "is on its way"}.get(d.state)
        if words is None:
            words = "goes out in %d s" % max(0, d.due - now)
        for t, status in d.attempts[-1:]:
            words += " (answer %s at %s)" % (status, iso(t)[11:19])
        if d.retry:
            words += ", retry %d" % d.retry
        lines = "\n".join(k + " = " + v for key, value in d.payload.items()
                          for k, v in form.pairs(form.name(key), value))
        return ("<li><details><summary><code>%s</code> %s</summary>"
                "<pre>%s</pre></details></li>" % (
                    e(d.resource), e(words), e(lines)))

    def buttons(self, sale, carried):
        sub = sale.subscription
        acts = [("lose", "Lose its next ping")]
        if sale.state == SUCCESSFUL and sale.price and not sale.refunded:
            acts.append(("refund", "Refund"))
        if sub and not sub.over:
            acts.append(("undo", "Undo the cancellation")
                        if sub.cancelled_at else ("cancel", "Cancel"))
        if sale.state == SUCCESSFUL and sale.price and not sale.disputed:
            acts.append(("dispute", "Dispute"))
        if sale.dispute_open:
            acts.append(("win_dispute", "Dispute won"))
        if sale.state in LISTED or sale.gift == "receiver":
            acts.append(("unrevoke", "Give access back") if sale.revoked
                        else ("revoke", "Revoke access"))
        acts.append(("resend", "Resend ping"))
        return ('<form method="post" action="do" class="buttons">%s%s</form>'
                % (hidden(dict(carried, sale=sale.id)), "".join(
                    '<button name="do" value="%s">%s</button>' % act
                    for act in acts)))

    def time(self, carried):
        now = clock(self.world.clock.now())
        return (
            '<section class="card" id="time"><h2>Time</h2><p>It is %s here. '
            "Renewals, ends and retries happen by this clock.</p>"
            '<form method="post" action="do" class="buttons">%s'
            '<input type="hidden" name="do" value="advance">%s</form>'
            "</section>" % (e(now), hidden(carried), "".join(
                '<button name="seconds" value="%d">%s later</button>' % pair
                for pair in ((15, "15 seconds"), (3600, "an hour"),
                             (86400, "a day"), (31 * 86400, "a month")))))

    def forge(self, carried):
        sent = "".join(self.delivery(d, self.world.shop.now)
                       for d in self.world.pings.log
                       if d.subject in self.control.forged)
        if sent:
            sent = '<ul class="pings">%s</ul>' % sent
        options = "".join('<option value="%s">%s</option>' % (
            e(p.id), e(p.name)) for p in self.world.shop.products.values())
        return (
            '<form class="card" id="forge" method="post" action="do">'
            "<h2>Forge</h2><p>Posts a sale that never was to the right "
            "address, as somebody could who learned the address. Gumroad's "
            "pings are not signed: only reading the sale back tells.</p>"
            "<label>Product<select name=product>%s</select></label>"
            '<label>E-mail<input name="email" type="email" required '
            'value="forger@example.com"></label><label>user_id<input '
            'name="for_user" value="%s"></label>%s%s'
            '<button name="do" value="forge">Forge a sale</button></form>'
            % (options, e(carried.get("user_id")), hidden(carried), sent))
