#!/usr/bin/env python3
"""The Gumroad that the tests use answers as Gumroad does: the traps of its
API, what it can do wrong, its control, and its page."""

import sys
sys.dont_write_bytecode = True
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE)]

import http.client
import http.server
import json
import signal
import threading
import urllib.parse

from client import Fake
from clock import DAY
from lib import folder, http_request, main, ok, same, stop, until
from story import HOOK, decoded


def sales():
    f = Fake()
    bought = [f.buy(email="c%d@example.com" % n)["sale"] for n in range(25)]
    first = f.sales("?after=2026-03-01")
    same(len(first["sales"]), 10, "10 a page")
    ok(first["next_page_url"].startswith("/v2/sales?after=2026-03-01&page_ke"),
       "the next page's URL is a path with the filters")
    same(f.walk(), bought[::-1], "all pages: newest first, each once")
    last = f.sales("?page=3")
    same((len(last["sales"]), sorted(last)), (5, ["sales", "success"]),
         "no keys on the last page")
    same(len(f.ids("?after=2026-03-10")), 10, "after is inclusive")
    same(f.ids("?before=2026-03-10"), [], "before is exclusive")
    same(f.ids("?email=C7%40example.com"), [bought[7]], "by e-mail")
    order = f.sales()["sales"][0]["order_id"]
    same(f.ids("?order_id=%d" % order), bought[-1:], "by order")
    for query, message in (
            ("after=", "Invalid date format provided in field 'after'. Dates "
             "must be in the format YYYY-MM-DD."),
            ("product_id=x", "Invalid product ID."),
            ("order_id=x", "Invalid order ID."), ("page_key=x", "Invalid "
                                                  "page_key."),
            ("page=0", "Invalid page number. Page numbers start at 1.")):
        a = f.get("/v2/sales?" + query)
        same((a.status, a.json()), (400, {"status": 400, "error": message}),
             query + " is a bad parameter")
    for path in ("/api/v2/sales", "/v2/sales.json", "/api/v2/sales.json"):
        same(f.get(path).json()["next_page_url"].partition("?")[0], path,
             path)
    a = f.get("/v2/sales?email=%zz", Accept="application/json")
    same((a.status, a.json()), (400, {"success": False}), "a bad escape")
    a = f.ask("GET", "/v2/sales", token=None,
              body="access_token=fake-token&after=2026-03-11")
    same(a.json().get("sales"), [], "a GET with a form as its body")
    until(lambda: f.get("/v2/sales?page=11").status == 429,
          "the eleventh in a second of the pages above ten")
    ok(True, "ten a second of the pages above ten")


def hidden_sales():
    """What the list shows, and what only its id finds."""
    f = Fake()
    up = f.buy("club", "up@example.com", tier="Supporter")["subscription"]
    f.do("change_plan", subscription=up, tier="Influencer")
    same([s["is_upgrade_purchase"] for s in f.sales()["sales"]],
         [True, False], "an upgrade's inner row is not listed")
    same(len(f.get("/v2/subscribers/" + up).json()["subscriber"][
        "purchase_ids"]), 2, "... nor named by the subscriber")
    f = Fake()
    f.do("add_product", name="Dear", price=123450, custom_permalink="dear")
    f.do("add_product", name="Soon", price=100, custom_permalink="soon",
         released_at="2026-04-01")
    free = f.buy(offer="ALL")
    dear = f.buy("dear")
    gift = f.buy(gift_to="g@example.com")
    trial = f.buy("night-school")
    debit = f.buy(debit_days=4, email="late@example.com")
    others = {"giftee": gift["told_as"],
              "pre-order": f.buy("soon", email="p@example.com")["sale"],
              "test": f.buy(test=True)["sale"],
              "failed": f.do("fail_purchase", product="pencil",
                             email="f@example.com")["sale"],
              "debit": debit["sale"]}
    listed = f.ids()
    same(listed, [x["sale"] for x in (trial, gift, dear, free)], "listed")
    for name, sale_id in others.items():
        a = f.get("/v2/sales/" + sale_id.replace("=", "%3D")).json()
        ok(a["success"] and a["sale"]["paid"] is (name != "giftee"),
           "a %s sale is found by id only" % name, a)
    by_id = {s["id"]: s for s in f.sales()["sales"]}
    same([by_id[x["sale"]].get("refunded") for x in (free, dear)],
         [None, False], "refunded is absent on free sales")
    same(by_id[dear["sale"]]["amount_refundable_in_currency"], "1,234.50",
         "commas between thousands")
    f.do("refund", sale=dear["sale"], minor=100)
    sale = f.get("/v2/sales/" + dear["sale"]).json()["sale"]
    same((sale["amount_refundable_in_currency"], sale["partially_refunded"],
          sale["refunded"]), ("1,233.50", True, False), "a part paid back")
    same(sale["card"]["bin"], None, "null that is kept")
    ok("full_name" not in sale, "null that is dropped")
    f.do("advance", seconds=4 * DAY)
    late = [s for s in f.sales("?after=2026-03-10&before=2026-03-11")["sales"]
            if s["id"] == debit["sale"]]
    same([s["created_at"][:10] for s in late], ["2026-03-10"],
         "a late bank debit stands in its old day")
    a = f.get("/v2/sales/" + "x" * 22 + "==")
    same((a.status, a.json()), (200, {
        "success": False, "message": "The sale was not found."}),
        "not found is 200")
    seller = f.get("/v2/user").json()["user"]
    test = f.get("/v2/sales/" + others["test"]).json()["sale"]
    same(test["purchaser_id"], seller["id"], "a test: the seller bought")
    same(seller["user_id"], test["seller_id"], "user_id is the seller_id")


def subscribers():
    f = Fake()
    member = f.buy("club", "mira@example.com", tier="Supporter")
    sub, path = member["subscription"], "/v2/subscribers/"
    f.do("advance", seconds=32 * DAY)
    same([s["subscription_id"] for s in f.sales()["sales"]], [sub] * 2,
         "a renewal has the same subscription_id")
    f.do("cancel", subscription=sub)
    sale = f.sales()["sales"][0]
    same((sale["cancelled"], sale["dead"]), (True, False),
         "cancelled, and not dead")
    one = f.get(path + sub).json()["subscriber"]
    same((one["status"], one["ended_at"], one["user_id"]),
         ("pending_cancellation", None, None), "nulls stay")
    short = f.get("/v2/products").json()["products"][-1]["short_url"]
    product = one["product_id"]
    many = "/v2/products/%s/subscribers" % product
    same(len(f.get(many).json()["subscribers"]), 1, "active: listed")
    f.do("advance", seconds=32 * DAY)
    same(f.get(many).json(), {"success": True, "subscribers": []},
         "over: not listed")
    one = f.get(path + sub).json()["subscriber"]
    same((one["status"], one["ended_at"]), ("cancelled", None), "found by id")
    sale = f.sales()["sales"][0]
    same((sale["dead"], sale["ended"]), (True, False), "dead, and not ended")
    f.buy("club", test=True)
    f.do("advance", seconds=400 * DAY)
    same(f.get(many).json()["subscribers"], [], "a test is never listed")
    for n in range(105):
        f.buy("club", "m%d@example.com" % n)
    same(len(f.get(many).json()["subscribers"]), 105, "all at once")
    a = f.get(many + "?paginated=true").json()
    same(len(a["subscribers"]), 100, "100 a page")
    a = f.get(many + "?page_key=" + a["next_page_key"]).json()
    same((len(a["subscribers"]), "next_page_key" in a), (5, False), "the rest")
    same(f.get("/v2/products/nope/subscribers").json()["message"],
         "The product was not found.", "no such product")
    failing = f.buy("club", "broke@example.com")["subscription"]
    f.do("fail_card", subscription=failing)
    words = []
    for days in (32, 6):
        f.do("advance", seconds=days * DAY)
        words.append(f.get(path + failing).json()["subscriber"]["status"])
    same(words, ["pending_failure", "failed_payment"], "a card that fails")
    ok(short.endswith("/l/club"), "the oldest product is the last", short)


def subscriptions():
    f = Fake()
    path = "/v2/resource_subscriptions"

    def put(name, url):
        return f.ask("PUT", path, body=urllib.parse.urlencode(
            {"resource_name": name, "post_url": url})).json()
    rows = [put("sale", HOOK)["resource_subscription"] for _ in range(2)]
    ok(rows[0]["id"] != rows[1]["id"], "PUT twice makes two rows")
    same(f.get(path + "?resource_name=sale").json()[
        "resource_subscriptions"], rows, "both are listed, the URL in clear")
    same(put("sale", "ftp://x"), {"success": False, "message":
                                  "Invalid post URL 'ftp://x'"}, "bad URL")
    same(put("sold", HOOK), {"success": False, "message":
                             "Unable to subscribe to ''."}, "bad name")
    a = f.get(path)
    same((a.status, a.json()), (200, {
        "success": False, "message": "Valid resource_name parameter required"
    }), "GET without a name")
    f.do("add_token", token="second", application="another")
    a = f.ask("DELETE", path + "/" + rows[0]["id"], token="second").json()
    same(a["message"], "The resource_subscription was not found.",
         "another application's row")
    for _ in range(2):
        a = f.ask("DELETE", path + "/" + rows[0]["id"]).json()
        ok(a["success"], "deleted, and again", a)
    f.do("delete_application", application="app")
    same(f.get(path + "?resource_name=sale", token="second").json()[
        "resource_subscriptions"], [], "an application takes its rows along")
    f.do("settings", strict_urls=True)
    f.do("add_token", token="fake-token")
    ok(not put("sale", "http://10.0.0.1/x")["success"],
       "strict: no private address")


def tokens():
    f = Fake()
    for token, why in ((None, "no"), ("wrong", "a wrong")):
        a = f.get("/v2/sales", token=token)
        same((a.status, a.body), (401, b""), why + " token: 401, empty")
        ok("is invalid" in a.headers["www-authenticate"], "... and why")
    f.do("add_token", token="narrow", scopes=["view_profile"])
    a = f.get("/v2/sales", token="narrow")
    same((a.status, a.body), (403, b""), "without the scope: 403, empty")
    ok("insufficient_scope" in a.headers["www-authenticate"], "... and why")
    same(f.get("/v2/user", token="narrow").status, 200, "any scope: the user")
    f.do("add_token", token="reads", scopes=["view_sales"])
    same(f.get("/v2/payouts", token="reads").status, 403, "no payouts")
    same(f.get("/v2/payouts").json()["payouts"], [], "a scope of their own")
    f.do("add_token", token="public", scopes=["view_public"])
    a = f.get("/v2/user", token="public").json()["user"]
    ok("email" not in a and "bio" not in a, "view_public: no nulls", a)
    f.do("revoke_token", token="narrow")
    a = f.get("/v2/user", token="narrow")
    ok("was revoked" in a.headers["www-authenticate"], "revoked")
    sale = f.buy()["sale"]
    other = f.about["other_token"]
    same(f.get("/v2/sales/" + sale, token=other).json()["success"], False,
         "another account does not find it")
    same(f.sales(token=other)["sales"], [], "... nor list it")
    same(f.get("/v2/sales?bearer_token=fake-token", token=None).status, 200,
         "a token as a parameter")
    same(f.get("/v2/nothing").status, 404, "an unknown path")


def periods():
    """The API of 2025 and that of 2026."""
    for old in (False, True):
        f = Fake(*["--old-shapes"] * old)
        for n in range(5):
            f.do("add_product", name="P%d" % n, price=100)
        f.buy("club")
        sale = f.sales()["sales"][0]
        new = ("access_revoked", "currency", "license_uses", "tip_cents")
        same([k in sale for k in new], [not old] * 4,
             "%s: the newer keys" % ("old" if old else "new"))
        a = f.get("/v2/products").json()
        same(len(a["products"]), 12 if old else 10, "... products a page")
        same("next_page_key" in a, not old, "... the next page")
        if not old:
            a = f.get("/v2/products?page_key=" + a["next_page_key"]).json()
            same(len(a["products"]), 2, "... the rest")
            club = a["products"][-1]
            same([o["name"] for o in club["variants"][0]["options"]],
                 ["Supporter", "Influencer"], "... tiers by name")


def licences():
    f = Fake()
    bought = f.buy("club")
    product = f.sales()["sales"][0]["product_id"]

    def verify(**given):
        a = f.ask("POST", "/v2/licenses/verify", token=None,
                  body=urllib.parse.urlencode(given))
        return a.status, a.json()
    key = {"license_key": bought["license_key"]}
    status, a = verify(product_id=product, increment_uses_count="false",
                       **key)
    same((status, a["uses"], a["purchase"]["variants"]),
         (200, 0, "(Supporter)"), "fine")
    same(verify(product_id=product, **key)[1]["uses"], 1, "counted")
    same(verify(product_id=product, license_key="x")[0], 404, "unknown")
    same(verify(**key)[0], 500, "without product_id")
    f.do("revoke", sale=bought["sale"])
    ok("expired" in verify(product_id=product, **key)[1]["message"],
       "revoked")
    f.do("refund", sale=bought["sale"])
    ok("disabled" in verify(product_id=product, **key)[1]["message"],
       "refunded")


def misbehaves():
    f = Fake()
    for n in range(12):
        f.buy(email="c%d@example.com" % n)

    def wrong(kind, path="/v2/sales", **more):
        f.do("misbehave", clear=True, kind=kind, path="/v2/", count=1, **more)
        return f.get(path)
    for kind, status, begin in (
            ("unauthorized", 401, b""), ("forbidden", 403, b""),
            ("timed_out", 400, b'{"status":400,"error":"Query timed out.'),
            ("throttled", 429, b"Retry later\n"),
            ("bad_gateway", 502, b"<!DOCTYPE"), ("html", 200, b"<!DOCTYPE"),
            ("refused", 200, b'{"success":false,')):
        a = wrong(kind)
        ok(a.status == status and a.body.startswith(begin), kind, a)
        ok(f.get("/v2/sales").json().get("success"), "... once")
    same(wrong("throttled", seconds=7).headers.get("retry-after"), "7",
         "Retry-After")
    a = wrong("half")
    ok(a.status == 200 and not a.json(), "half a JSON")
    same(len(wrong("huge").body) > 10 * 1024 * 1024, True, "10 MiB")
    ok(wrong("delay", seconds=0.3).seconds >= 0.3, "a delay")
    for kind in ("closed", "short"):
        try:
            wrong(kind)
            ok(False, kind)
        except (OSError, http.client.HTTPException):
            ok(True, kind)
    ok(isinstance(wrong("wrong_types").json()["sales"][0]["price"], str),
       "wrong types")
    a = wrong("other_ids").json()["sales"][0]
    same(a["id"], f.about["seller_id"], "an id of another kind")
    ok(wrong("other_user", "/v2/user").json()["user"]["user_id"] !=
       f.about["seller_id"], "another account's user")
    f.do("misbehave", clear=True, kind="same_page", path="/v2/sales")
    pages, key = [], ""
    for _ in range(3):
        a = f.sales(key)
        key = "?page_key=" + a["next_page_key"]
        pages.append([s["id"] for s in a["sales"]])
    same(pages[1:], [pages[0]] * 2, "a page for ever")
    f.do("misbehave", clear=True, kind="long_window", days=7)
    same([f.get("/v2/sales?after=2026-03-01&before=2026-03-" + day).status
          for day in ("08", "09")], [200, 400], "a window that is too long")
    same(f.get("/v2/user").status, 200, "... of sales")
    f.do("misbehave", clear=True)
    f.do("counts", clear=True)
    for _ in range(3):
        f.get("/v2/user")
    a = f.do("counts")
    same(a["by"], {"GET /v2/user 200": 3}, "requests are counted")
    ok(2 <= a["most_in_a_second"] <= 3, "... and how dense they were", a)


class Receiver(http.server.BaseHTTPRequestHandler):
    got, statuses = [], []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, self.headers.items(), body))
        status = self.statuses.pop(0) if self.statuses else 200
        self.send_response(status)
        if status == 301:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def posts():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "http://u:p@127.0.0.1:%d/hooks/x?key=1" % server.server_address[1]
    f = Fake("--hooks", url)
    got, Receiver.statuses = Receiver.got, [503]
    f.buy("club", "mira@example.com", url_params={"user_id": "7"})
    f.do("advance", seconds=9)
    same(len(got), 0, "nothing after 9 s")
    f.do("advance", seconds=1)
    f.do("advance", seconds=40 * DAY)
    same([b.endswith(b"&retry_count=1") for _, _, b in got],
         [False, True, False], "posted, again, and the renewal")
    path, headers = got[0][0], dict(got[0][1])
    same((path, headers["Authorization"], headers["User-Agent"]),
         ("/hooks/x?key=1", "Basic dTpw", "Ruby"), "the request")
    due = [p["attempts"][-1]["at"] for p in f.do("pings")["pings"]]
    same(due[0], "2026-03-10T12:01:10Z", "the retry came in its minute")
    made = f.do("forge", product="club", email="forger@example.com",
                url_params={"user_id": "9"})
    f.do("deliver")
    ok(made["sale"].encode()[:-2] in got[-1][2] and
       not f.get("/v2/sales/" + made["sale"]).json()["success"],
       "a forged sale is posted, and the API knows nothing")
    Receiver.statuses = [301]
    f.do("forge")
    f.do("deliver")
    same((got[-1][0], got[-1][2]), ("/elsewhere", got[-2][2]),
         "a redirect gets the same body")
    f.do("test_ping", url=url)
    f.do("deliver")
    ok(got[-1][2].endswith(b"&test=true") and
       b"resource_name" not in got[-1][2], "the test ping")
    f.do("register", url=url, other=True)
    f.do("add_product", other=True, name="Theirs", price=500,
         custom_permalink="theirs")
    theirs = f.buy("theirs", other=True)["sale"]
    f.do("advance", seconds=10)
    ok(theirs.encode()[:-2] in got[-1][2] and
       f.about["seller_id"].encode()[:-2] not in got[-1][2] and
       not f.get("/v2/sales/" + theirs).json()["success"],
       "another seller's sale at our address")
    f.do("settings", client="go")
    f.do("clock", speed=1000)
    before = len(got)
    f.buy()
    until(lambda: len(got) > before, "the thread to post")
    same(dict(got[-1][1])["User-Agent"], "Go-http-client/1.1",
         "a clock that runs posts by itself")
    found = decoded([b for _, _, b in got])
    same([status for status, _ in found].count("applied"), len(got) - 1,
         "all but the test ping are applied")
    server.shutdown()
    server.server_close()


def control():
    f = Fake()
    told = http_request(f.port, "GET", "/fake/").json()
    ok(told["operations"]["buy"].startswith("product, email, tier=None") and
       "half" in told["misbehave"], "GET /fake/ says what there is", told)
    for name, given, status in (("cancel", {"subscription": "x"}, 400),
                                ("nothing", {}, 400), ("buy", [], 400),
                                ("buy", {"product": "x", "email": "y@z"}, 409),
                                ("refund", {"sale": f.buy(offer="A")["sale"]},
                                 409)):
        a = http_request(f.port, "POST", "/fake/" + name, json.dumps(given))
        same(a.status, status, "%s %s" % (name, a.body.decode()[:60]))
    f.do("clock", set="2026-05-01")
    same(f.do("clock")["iso"], "2026-05-01T00:00:00Z", "the clock is set")
    a = http_request(f.port, "POST", "/fake/clock", b'{"set":"2026-04-01"}')
    same(a.status, 409, "... forward only")
    f.do("clock", speed=86400)
    until(lambda: f.do("clock")["now"] > 1777593600 + 7200, "a fast clock")


def take():
    """A test that delivers by itself, through the server."""
    f = Fake("--hooks", HOOK)
    f.buy()
    f.do("advance", seconds=60, post=False)
    due = f.do("take")["deliveries"]
    same([d["url"] for d in due], [HOOK], "taken")
    f.do("answered", number=due[0]["number"], status=500)
    f.do("advance", seconds=60, post=False)
    again = f.do("take")["deliveries"]
    same(again[0]["body"], due[0]["body"] + "&retry_count=1", "taken again")


def page():
    f = Fake()
    a = http_request(f.port, "GET", "/?user_id=%3Cb%3E7")
    ok(b'href="l/club?user_id=%3Cb%3E7"' in a.body and b"<b>7" not in a.body,
       "the front page carries the user on, and escapes")
    a = http_request(f.port, "GET", "/l/club?user_id=7&tier=Influencer")
    ok(b'value="Influencer|monthly" checked' in a.body and
       b'name="user_id" value="7"' in a.body and b"<script" not in a.body,
       "the checkout", a.body)
    form_of = {"product": "club", "email": "mira@example.com",
               "user_id": "7", "plan": "Influencer|monthly"}
    a = f.ask("POST", "/l/buy", token=None,
              body=urllib.parse.urlencode(form_of))
    ok(a.status == 303 and "bought=" in a.headers["location"], "bought", a)
    sale = f.sales()["sales"][0]
    same((sale["variants"], sale["purchase_email"]),
         ({"Tier": "Influencer"}, "mira@example.com"), "the API has it")
    told = f.do("truth")["sales"][sale["id"]]
    same(told["url_params"], {"user_id": "7"}, "for the user of the link")
    a = http_request(f.port, "GET", "/?bought=" + sale["id"])
    ok(b"goes out in 10 s" in a.body, "it says what is sent, and when")
    for act, key in (("refund_half", "partially_refunded"),
                     ("revoke", "access_revoked"), ("refund", "refunded"),
                     ("cancel", "cancelled")):
        f.ask("POST", "/do", token=None, body=urllib.parse.urlencode(
            {"do": act, "sale": sale["id"]}))
        ok(f.sales()["sales"][0][key], "the button: " + act)
    a = http_request(f.port, "GET", "/counter")
    same([a.status, b"cancelled, paid until" in a.body,
          b"Gatepost" in a.body], [200, True, False],
         "behind the counter, with no Gatepost beside it")
    for act in ("forge", "lose", "lose_all", "lose_none", "fail_refund",
                "advance", "resend"):
        a = f.ask("POST", "/do", token=None, body=urllib.parse.urlencode(
            {"do": act, "sale": sale["id"], "product": "club",
             "email": "x@example.com", "seconds": 60}))
        ok("said=" in a.headers["location"] and
           "not+done" not in a.headers["location"], "the button: " + act, a)
    a = f.ask("POST", "/l/buy", token=None, body="product=club&email=x")
    ok("That+was+not+done" in a.headers["location"], "no such address", a)
    same(http_request(f.port, "GET", "/shop.css").status, 200, "its style")


def kept():
    """A shop that ends goes on where it was; a ping of then goes out now."""
    state, more = folder() / "state", ("--moment", "3")
    for how in (signal.SIGTERM, signal.SIGINT):
        f = Fake("--state", state, *more)
        f.do("register", ping_url="http://127.0.0.1:1/x", url=HOOK)
        sale = f.buy()["sale"]
        f.do("forge")
        was = f.walk(), f.do("truth"), f.about["seller_id"]
        same(stop(f.child, how), 0, "exit 0: %s" % how)
        f = Fake("--state", state, "--seed", "other", *more)
        same((f.walk(), f.do("truth"), f.about["seller_id"]), was,
             "the same shop, whatever the seed")
        told = f.get("/v2/resource_subscriptions?resource_name=sale").json()
        same(told["resource_subscriptions"], [], "nobody is registered")
        f.do("advance", seconds=3, post=False)
        same([p["resource"] for p in f.do("pings")["pings"]
              if p["subject"] == sale], ["sale"], "3 s later the ping")
        same(stop(f.child), 0, "exit 0")
        same(oct(state.stat().st_mode & 0o777), "0o600", "its mode")


def late_rows():
    """A late debit has an older id than what the list showed before it."""
    f = Fake()
    debits = [f.buy(email="d%d@example.com" % n, debit_days=1)["sale"]
              for n in range(3)]
    f.do("advance", seconds=DAY, post=False)
    more = [f.buy(email="e%d@example.com" % n)["sale"] for n in range(8)]
    same(f.walk(), (debits + more)[::-1], "late debits in their place")


main(sales, hidden_sales, late_rows, subscribers, subscriptions, tokens,
     periods, licences, misbehaves, posts, control, take, page, kept)
