"""Behind the counter: what the seller sees and does, and what a Gatepost that
is beside the shop has of it."""

import receiver
from clock import iso
from markup import buttons, clock, delivery, e, pings, price, quick
from objects import SYMBOLS, money
from records import LISTED, SUCCESSFUL
from words import ASKS, EXPLAINED, FORGE, LOSING, SAID, UNLINKED

SHOWN = 40
ON_SALE = ("refund", "fail_refund", "dispute", "win_dispute", "revoke",
           "unrevoke", "resend")


def flags(sale):
    """What became of it since it was paid."""
    found = [word for word, holds in (
        ("refunded", sale.refunded),
        ("part refunded", sale.partially_refunded),
        ("disputed", sale.dispute_open),
        ("access revoked", sale.revoked)) if holds]
    sub = sale.subscription
    if sub and sub.over:
        found.append("membership over")
    elif sub and sub.cancelled_at:
        found.append("cancelled")
    return found


def marks(sale):
    """What kind of sale it is."""
    return [word for word, holds in (
        ("renewal", sale.is_renewal and not sale.upgrade),
        ("upgrade", sale.upgrade), ("gift", sale.gift),
        ("of a bundle", sale.bundle), ("pre-order", sale.preorder),
        ("bank debit on its way", sale.state == "in_progress"),
        ("test", sale.state == "test"),
        ("free trial", sale.state == "not_charged_trial")) if holds]


class Counter:
    def __init__(self, world, control, beside=None):
        """beside: a Receiver."""
        self.world, self.control, self.beside = world, control, beside
        self.report = None  # what Gatepost said: (title, class, text)
        self.visitor = None  # the user_id of the last one at a checkout

    # ---- what the buttons do ---------------------------------------------

    def do(self, params):
        """Does it; returns a word about it."""
        what = params["do"]
        if what in ("reconcile", "explain", "link"):
            return self.ask(what, params)
        sale = self.world.shop.sales.get(params.get("sale"))
        sub = sale.subscription if sale else None
        if what == "advance":
            self.control.do(what, {"seconds": int(params["seconds"])})
        elif what == "forge":
            who = params.get("for_user")
            self.control.do(what, {
                "product": params["product"], "email": params["email"],
                "url_params": {"user_id": who} if who else None})
        elif what == "lose_all":
            self.control.do("rule", {"do": "lose"})
        elif what == "lose_none":
            self.control.do("rules_clear", {})
        elif what in ("cancel", "undo"):
            self.control.do(what, {"subscription": sub.id})
        elif what == "lose":
            with self.world.lock:
                self.world.pings.lose(sale.id, *([sub.id] if sub else []))
        elif what == "refund_half":
            self.control.do("refund", {"sale": sale.id, "minor":
                                       sale.listing_price // 2})
        elif what in ON_SALE:
            self.control.do(what, {"sale": sale.id})
        return SAID[what]

    def ask(self, what, params):
        """A command of Gatepost's, which asks this shop: without the lock."""
        words = {"reconcile": ("reconcile", "gumroad"),
                 "explain": ("explain", "--email", params.get("email", "")),
                 "link": ("link", params.get("sale", ""), "--user",
                          params.get("for_user", ""))}[what]
        said = self.beside.run(*words)
        self.report = ("gatepost " + " ".join(words), what, said)
        return SAID[what]

    # ---- the page --------------------------------------------------------

    def text(self, params):
        text = "<h1>Behind the counter</h1>"
        if params.get("said"):
            text += '<p class="said" role="status">%s</p>' % e(params["said"])
        text += self.state()
        if self.beside and self.report:
            text += ('<section class="card" id="report"><h2>%s</h2>'
                     '<pre class="%s">%s</pre></section>' % tuple(
                         map(e, self.report)))
        text += self.sales() + self.forge()
        if not self.beside:
            text += self.time()
        return text + EXPLAINED % quick(self.world.shop)

    def state(self):
        """Do pings arrive? When did Gatepost ask?"""
        lost = any(r["do"] == "lose" and r["subject"] is None
                   for r in self.world.pings.rules)
        acts = [("lose_none", "Let pings arrive again") if lost else
                ("lose_all", "Lose all pings from now on")]
        text = "<p>%s</p>" % LOSING[lost]
        if self.beside:
            acts.append(("reconcile", "Reconcile now"))
            text += self.asked()
        return '<section class="card">%s%s</section>' % (text, buttons(acts))

    def asked(self):
        at = self.beside.asked_at()
        return ('<p id="asked" data-live>%s Last: %s.</p>' % (
            ASKS % e(self.beside.every()), clock(at) if at else "never"))

    def sales(self):
        rows = [s for s in self.world.shop.sales.values()
                if s.state in LISTED or s.gift or s.preorder
                or s.state in ("in_progress", "test")][::-1]
        had = self.beside.purchases() if self.beside else None
        text = '<h2 id="sales">Sales</h2>'
        if len(rows) > SHOWN:
            text += "<p class=note>The newest %d of %d.</p>" % (SHOWN,
                                                                len(rows))
        return text + '<div id="list">%s<p class=none>None yet: buy ' \
            "something.</p></div>" % "".join(self.sale(s, had)
                                             for s in rows[:SHOWN])

    def sale(self, sale, had):
        words = [sale.product.name]
        if sale.tier:
            words.append(sale.tier.name)
        sign = SYMBOLS[sale.product.currency]
        words.append(sign + money(sale.listing_price, sale.product.currency))
        text = '<article class="card sale" id="%s" data-live><h3>%s</h3>' % (
            e(sale.id), e(", ".join(words)))
        text += "<p>%s, %s%s</p>" % (
            e(sale.email), e(clock(sale.created_at)),
            "".join(' <span class="mark">%s</span>' % e(w)
                    for w in marks(sale)))
        known = flags(sale)
        sub = sale.subscription
        if sub and sub.cancelled_at and not sub.over:
            known[-1] += ", paid until " + iso(sub.cancelled_at)[:10]
        text += self.both(", ".join(known) or "paid", *self.compare(
            flags(sale), sale, had))
        text += pings(self.world, sale) + self.buttons(sale)
        if had is not None:
            text += self.beside_buttons(sale, had.get(sale.id))
        return text + "</article>"

    def both(self, shop, theirs, hint):
        """What the shop knows, and what Gatepost has, if there is one."""
        if theirs is None:
            theirs = ""
        else:
            theirs = "<dt>Gatepost has</dt><dd>%s%s</dd>" % (
                e(theirs), ' <span class="mark">differs</span> <span '
                'class=note>%s</span>' % e(hint) if hint else "")
        return ('<dl class="both"><dt>The shop knows</dt><dd>%s</dd>%s</dl>'
                % (e(shop), theirs))

    def compare(self, known, sale, had):
        """What Gatepost has, and if that differs, what will become of it."""
        if had is None:
            return None, None
        row = had.get(sale.id)
        theirs = "nothing: it never heard of this sale"
        if row is not None:
            theirs = ", ".join([receiver.gives(row)] + receiver.marks(row))
            if row["confirmed_at"] and known == receiver.marks(row):
                return theirs, None
        if self.is_told(sale):
            return theirs, "A ping is on its way."
        if row is not None and not row["confirmed_at"]:
            return theirs, "Gatepost asks the shop about it."
        return theirs, ("No ping comes: Gatepost finds it when it asks "
                        "again.")

    def is_told(self, sale):
        """Is a ping about it, or its membership, on its way?"""
        ids = (sale.id, sale.subscription and sale.subscription.id)
        return any(d.subject in ids and d.state in ("waiting", "on its way")
                   for d in self.world.pings.log) or any(
            (n.sale or n.subscription).id in ids
            for _, n in self.world.shop.untold())

    def buttons(self, sale):
        sub, acts = sale.subscription, [("lose", "Lose its next ping")]
        paid = sale.state == SUCCESSFUL and sale.price
        if paid and not sale.refunded:
            acts.append(("refund", "Refund"))
            if not sale.refunded_minor:
                acts.append(("refund_half", "Refund half"))
        if sale.refunded_minor:
            acts.append(("fail_refund", "The refund fails"))
        if sub and not sub.over:
            acts.append(("undo", "Undo the cancellation")
                        if sub.cancelled_at else ("cancel", "Cancel"))
        if paid and not sale.disputed:
            acts.append(("dispute", "Dispute"))
        if sale.dispute_open:
            acts.append(("win_dispute", "Dispute won"))
        if sale.state in LISTED or sale.gift == "receiver":
            acts.append(("unrevoke", "Give access back") if sale.revoked
                        else ("revoke", "Revoke access"))
        acts.append(("resend", "Resend ping"))
        return buttons(acts, sale=sale.id)

    def beside_buttons(self, sale, row):
        """What Gatepost can be asked and told about it."""
        user, text = sale.url_params.get("user_id"), ""
        if row is not None and row["user_ref"] is None and user:
            text = "<p class=note>%s</p>%s" % (UNLINKED, buttons(
                [("link", "Link it to the user")], sale=sale.id,
                for_user=user))
        return text + buttons([("explain", "Explain")], email=sale.email)

    def time(self):
        now = clock(self.world.clock.now())
        return (
            '<section class="card" id="time"><h2>Time</h2><p>It is %s here. '
            "Renewals, ends and retries happen by this clock.</p>"
            '<form method="post" action="do" class="buttons">'
            '<input type="hidden" name="do" value="advance">%s</form>'
            "</section>" % (e(now), "".join(
                '<button name="seconds" value="%d">%s later</button>' % pair
                for pair in ((15, "15 seconds"), (3600, "an hour"),
                             (86400, "a day"), (31 * 86400, "a month")))))

    def forge(self):
        options = "".join('<option value="%s">%s, %s</option>' % (
            e(p.id), e(p.name), e(price(p)))
            for p in self.world.shop.products.values())
        return (
            '<form class="card" id="forge" method="post" action="do">'
            "<h2>Forge</h2><p>%s</p>"
            "<label>Product<select name=product>%s</select></label>"
            '<label>E-mail<input name="email" type="email" required '
            'value="forger@example.com"></label><label>user_id<input '
            'name="for_user" value="%s"></label>'
            '<button name="do" value="forge">Forge a sale</button></form>'
            '<div id="forged">%s</div>'
            % (FORGE, options, e(self.visitor), self.forged()))

    def forged(self):
        """The forged sales, newest first."""
        had = self.beside.purchases() if self.beside else {}
        text = ""
        for d in self.world.pings.log[::-1]:
            if d.subject not in self.control.forged or d.retry:
                continue
            row = had.get(d.subject)
            theirs = self.beside and (
                receiver.gives(row) if row else "nothing yet")
            text += (
                '<article class="card sale" id="%s" data-live><h3>Forged: %s'
                '</h3>%s<ul class="pings">%s</ul></article>' % (
                    e(d.subject), e(d.payload["email"]),
                    self.both("no such sale", theirs, None),
                    delivery(d, self.world.shop.now)))
        return text


