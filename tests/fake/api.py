"""Gumroad's HTTP API v2: routes, tokens, pages, errors of five shapes."""

import ipaddress
import re
import time
import urllib.parse
from bisect import bisect_left

import objects
import payload
from clock import iso, parse, utc
from ids import ID
from membership import Refused
from pings import RESOURCES
from records import LISTED
from request import Reply, as_json, bad_parameter, refused

PER_PAGE = 10
SUBSCRIBERS_PER_PAGE = 100
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
KEY = re.compile(r"(\d{14})\d{6}-(\d+)")
ANY = ("view_public",)
PRODUCT_ID_SINCE = parse("2023-01-09")


class Api:
    """accounts: those whose tokens this server knows."""

    def __init__(self, accounts, old=False, strict_urls=False):
        self.accounts, self.old, self.strict_urls = accounts, old, strict_urls
        self.deep = []  # times of requests for a page above 10

    def handle(self, request):
        """The answer to a request; its path begins /v2 or /api/v2."""
        try:
            return self._handle(request)
        except Reply as reply:
            return reply

    def _handle(self, request):
        if request.broken():
            wants = "application/json" in request.headers.get("accept", "")
            raise as_json({"success": False}, 400) if wants else Reply(400)
        path = re.sub(r"^(/api)?/v2", "", request.path)
        path = re.sub(r"\.json$", "", path)
        for method, pattern, act, scopes in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                names = map(urllib.parse.unquote, found.groups())
                if scopes is None:
                    return act(self, request, *names)
                account, token = self._who(request, scopes)
                return act(self, request, account, token, *names)
        return as_json({"success": False, "error": "Not found"}, 404)

    def _who(self, request, scopes):
        text = request.token
        for account in self.accounts:
            token = account.tokens.get(text)
            if token and not token.revoked:
                if scopes is ANY or token.may(*scopes):
                    return account, token
                raise Reply(403, headers=[("WWW-Authenticate", _why(
                    "invalid_scope" if self.old else "insufficient_scope",
                    "Access to this resource requires scope \"%s\"."
                    % scopes[0]))])
        gone = any(text in a.tokens for a in self.accounts)
        raise Reply(401, headers=[("WWW-Authenticate", _why(
            "invalid_token", "The access token %s" % (
                "was revoked" if gone else "is invalid")))])

    # ---- sales -----------------------------------------------------------

    def sales(self, request, account, _token):
        shop, params = account.shop, request.params
        found = self._days(list(shop.sales.values()), params)
        found = [s for s in reversed(found) if s.state in LISTED]
        for accept in self._filters(shop, params):
            found = [s for s in found if accept(s)]
        if "page" in params and "page_key" not in params:
            return self._old_page(shop, request, found)
        return self._page(request, found, PER_PAGE, "sales",
                          lambda s: objects.sale(shop, s, not self.old),
                          shop.rows.get)

    def _days(self, sales, params):
        """They stand in the order in which they were made."""
        ends = [bisect_left(sales, _date(name, params[name]),
                            key=lambda s: s.created_at)
                if name in params else None for name in ("after", "before")]
        return sales[ends[0]:ends[1]]

    def _filters(self, shop, params):
        accepted = []
        if params.get("email"):
            email = params["email"].strip().lower()
            accepted.append(lambda s: s.email.lower() == email)
        if params.get("product_id"):
            wanted = params["product_id"]
            if not ID.fullmatch(wanted):
                raise bad_parameter("Invalid product ID.")
            accepted.append(lambda s: s.product.id == wanted)
        if params.get("order_id"):
            if not str(params["order_id"]).isdigit():
                raise bad_parameter("Invalid order ID.")
            accepted.append(lambda s: s.order == int(params["order_id"]))
        if not self.old and params.get("name"):
            accepted.append(lambda s: params["name"] in
                            (s.buyer.full_name or ""))
        if not self.old and params.get("license_key"):
            key = params["license_key"].upper()
            accepted.append(lambda s: s.license and s.license.key == key)
        return accepted

    def _old_page(self, shop, request, found):
        page = request.params["page"]
        if not page.isdigit() or int(page) < 1:
            raise bad_parameter(
                "Invalid page number. Page numbers start at 1.")
        if int(page) > 10:
            self._slow_down()
        rest = found[(int(page) - 1) * PER_PAGE:]
        return self._answer(request, rest, PER_PAGE, "sales",
                            lambda s: objects.sale(shop, s, not self.old))

    def _slow_down(self):
        """The one limit that is in Gumroad's code: ten a second."""
        now = time.monotonic()
        self.deep = [t for t in self.deep if t > now - 1] + [now]
        if len(self.deep) > 10:
            raise Reply(429, b"Retry later\n", "text/plain")

    def _page(self, request, rows, size, name, show, number):
        """Newest first; the key names the last one shown."""
        key = request.params.get("page_key")
        if key is not None:
            found = KEY.fullmatch(key)
            row = found and number(int(found.group(2)))
            if not row:
                raise bad_parameter("Invalid page_key.")
            at = parse("%s-%s-%sT%s:%s:%sZ" % re.fullmatch(
                r"(....)(..)(..)(..)(..)(..)", found.group(1)).groups())
            rows = [r for r in rows if r.created_at <= at and r.row < row]
        return self._answer(request, rows, size, name, show)

    def _answer(self, request, rows, size, name, show):
        answer = {"success": True, name: [show(r) for r in rows[:size]]}
        if len(rows) > size:
            last = rows[size - 1]
            key = "%s000000-%d" % (utc(last.created_at).strftime(
                "%Y%m%d%H%M%S"), getattr(last, "order", last.row))
            kept = [(k, v) for k, v in request.params.items() if k not in
                    ("access_token", "bearer_token", "page", "page_key")]
            answer["next_page_key"] = key
            answer["next_page_url"] = "%s?%s" % (
                request.path, urllib.parse.urlencode(
                    kept + [("page_key", key)]))
        return as_json(answer)

    def sale(self, _request, account, _token, sale_id):
        """Any state, also failed ones: nothing in it says so."""
        sale = account.shop.sales.get(sale_id)
        if not sale:
            return refused("The sale was not found.")
        return as_json({"success": True, "sale": objects.sale(
            account.shop, sale, not self.old)})

    # ---- subscribers -----------------------------------------------------

    def subscribers(self, request, account, _token, product_id):
        shop, params = account.shop, request.params
        product = _product(shop, product_id)
        if not product:
            return refused("The product was not found.")
        found = [s for s in shop.subscriptions.values()
                 if s.product is product and objects.is_active(s, shop.now)]
        if params.get("email"):
            if "page_key" in params:
                return Reply(500)
            email = params["email"].strip().lower()
            found = [s for s in found
                     if any(x.email == email for x in s.sales)]
        found.sort(key=lambda s: (s.created_at, s.row), reverse=True)
        paged = params.get("paginated") in ("true", "1", True) or \
            "page_key" in params
        size = SUBSCRIBERS_PER_PAGE if paged else max(1, len(found))
        return self._page(request, found, size, "subscribers",
                          lambda s: objects.subscriber(shop, s),
                          _same_number)

    def subscriber(self, _request, account, _token, subscription_id):
        sub = account.shop.subscriptions.get(subscription_id)
        if not sub:
            return refused("The subscriber was not found.")
        return as_json({"success": True, "subscriber": objects.subscriber(
            account.shop, sub)})

    # ---- resource subscriptions ------------------------------------------

    def subscribe(self, request, account, token):
        """Each makes another row."""
        url = request.params.get("post_url") or ""
        if not self._good_url(url):
            return refused("Invalid post URL '%s'" % url)
        name = request.params.get("resource_name")
        if name not in RESOURCES:
            return refused("Unable to subscribe to ''.")
        row = account.subscribe(name, url, token.application)
        return as_json({"success": True, "resource_subscription": row.told()})

    def _good_url(self, url):
        """Tests post to 127.0.0.1: only strict_urls refuses what Gumroad
        refuses."""
        try:
            parts = urllib.parse.urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            return False
        if parts.scheme not in ("http", "https") or not host:
            return False
        if not self.strict_urls:
            return True
        if host == "localhost":
            return False
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return True
        if self.old:
            return host not in ("127.0.0.1", "0.0.0.0")
        return address.is_global and not address.is_multicast

    def subscriptions(self, request, account, token):
        name = request.params.get("resource_name")
        if name not in RESOURCES:
            return refused("Valid resource_name parameter required")
        own = not self.old and request.params.get(
            "current_oauth_application_only") in ("true", "1", True)
        rows = [r.told() for r in account.rows
                if r.resource == name and not r.deleted and
                (not own or r.application == token.application)]
        return as_json({"success": True, "resource_subscriptions": rows})

    def unsubscribe(self, _request, account, token, row_id):
        """Again: the same answer."""
        for row in account.rows:
            if row.id == row_id and row.application == token.application:
                row.deleted = True
                return as_json({"success": True, "message": "The "
                                "resource_subscription was deleted "
                                "successfully."})
        return refused("The resource_subscription was not found.")

    # ---- products, user, licences ----------------------------------------

    def products(self, request, account, token):
        shop = account.shop
        rows = sorted((_Numbered(p, i) for i, p in enumerate(
            shop.products.values(), 1)), key=lambda r: r.row, reverse=True)
        size = max(1, len(rows)) if self.old else PER_PAGE
        return self._page(request, rows, size, "products",
                          lambda r: self._product(shop, r.thing, token),
                          _same_number)

    def product(self, _request, account, token, product_id):
        product = _product(account.shop, product_id)
        if not product:
            return refused("The product was not found.")
        return as_json({"success": True, "product": self._product(
            account.shop, product, token)})

    def _product(self, shop, product, token):
        return objects.product(shop, product, token.may("view_sales"),
                               not self.old)

    def payouts(self, _request, _account, _token):
        return as_json({"success": True, "payouts": []})

    def user(self, _request, account, token):
        return as_json({"success": True,
                        "user": objects.user(account.shop, token)})

    def verify(self, request):
        """No token is needed."""
        params = request.params
        key = params.get("license_key", "")
        if not isinstance(key, str):
            return bad_parameter("The 'license_key' parameter must be a "
                                 "string.")
        account, sale = self._licensed(key)
        wanted = params.get("product_id")
        if sale and not wanted:
            if sale.product.created_at >= PRODUCT_ID_SINCE:
                return as_json({"success": False, "message": (
                    "The 'product_id' parameter is required to verify the "
                    "license for this product. Please set 'product_id' to "
                    "'%s' in the request." % sale.product.id)}, 500)
            wanted = sale.product.id
        if not sale or sale.product.id != wanted:
            return _not_verified("That license does not exist for the "
                                 "provided product.")
        if sale.license.disabled:
            return _not_verified("This license key has been disabled.")
        if sale.revoked:
            return _not_verified("Access to the purchase associated with "
                                 "this license has expired.")
        if str(params.get("increment_uses_count", "true")).lower() != "false":
            sale.license.uses += 1
        return as_json({"success": True, "uses": sale.license.uses,
                        "purchase": _verified(account.shop, sale)})

    def _licensed(self, key):
        for account in self.accounts:
            for sale in account.shop.sales.values():
                if sale.license and sale.license.key == key and sale.original:
                    return account, sale
        return None, None


class _Numbered:
    """A product as a row that pages can count."""

    def __init__(self, thing, row):
        self.thing, self.row = thing, row
        self.created_at = thing.created_at


def _why(error, description):
    return 'Bearer realm="Doorkeeper", error="%s", error_description="%s"' % (
        error, description)


def _date(name, text):
    found = DATE.match(text)
    try:
        return parse(found.group(0))
    except (AttributeError, ValueError):
        raise bad_parameter(
            "Invalid date format provided in field '%s'. Dates must be in "
            "the format YYYY-MM-DD." % name) from None


def _same_number(number):
    return number


def _product(shop, name):
    """By its id or its unique permalink."""
    try:
        product = shop.product(name)
    except Refused:
        return None
    return product if name != product.custom_permalink else None


def _not_verified(message):
    return as_json({"success": False, "message": message}, 404)


def _verified(shop, sale):
    """The ping's members; some mean something else here."""
    p = payload.purchase(shop, sale)
    sub = sale.subscription
    p.update(id=sale.id, created_at=iso(sale.created_at),
             variants="(%s)" % sale.tier.name if sale.tier else "",
             custom_fields=["%s: %s" % pair
                            for pair in sale.custom_fields.items()])
    if sub:
        p.update(subscription_ended_at=iso(sub.ended_at),
                 subscription_cancelled_at=iso(sub.cancelled_at),
                 subscription_failed_at=iso(sub.failed_at))
    else:
        p.update(refunded=sale.refunded, chargebacked=sale.dispute_open)
    return p


SALES = ("view_sales",)
ROUTES = (
    ("GET", "/sales", Api.sales, SALES),
    ("GET", "/sales/([^/]+)", Api.sale, SALES),
    ("GET", "/products/([^/]+)/subscribers", Api.subscribers, SALES),
    ("GET", "/subscribers/([^/]+)", Api.subscriber, SALES),
    ("PUT", "/resource_subscriptions", Api.subscribe, SALES),
    ("GET", "/resource_subscriptions", Api.subscriptions, SALES),
    ("DELETE", "/resource_subscriptions/([^/]+)", Api.unsubscribe, SALES),
    ("GET", "/products", Api.products, ANY),
    ("GET", "/products/([^/]+)", Api.product, ANY),
    ("GET", "/user", Api.user, ANY),
    ("GET", "/payouts", Api.payouts, ("view_payouts",)),
    ("POST", "/licenses/verify", Api.verify, None),
)
