#!/usr/bin/env python3
"""Ko-fi, from its post to the answer: the token in the body proves it and is
not kept, e-mail is who it is, access ends by the clock."""

import sys
sys.dont_write_bytecode = True
import json
import time
from urllib.parse import parse_qs, quote, urlencode

from lib import FORM, Place, main, ok, same, until

TOKEN = "6c1f0b52-6d0c-4a35-9f5e-3f0a3f1c2b1d"
OTHER = "0a9b8c7d-1111-4222-8333-444455556666"
DAY = 86400
GRACE = 7 * DAY
TIERS = """
tier 'gold' { rank = 10
    grants = { 'kofi/membership/Gold*' } }
tier 'book' { rank = 5
    grants = { 'kofi/shop/1a2b3c4d5e' } }
"""


def place():
    p = Place(tiers="kofi { tokens = { '%s', '%s' } }\n%s" % (
        TOKEN, OTHER, TIERS))
    p.run()
    p.nginx()
    return p


def moment(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def body(n, token=TOKEN, ago=0, **fields):
    """What Ko-fi posts, as its page on webhooks shows it."""
    said = {
        "verification_token": token, "message_id": "message-%d" % n,
        "timestamp": moment(time.time() - ago), "type": "Subscription",
        "is_public": False, "from_name": "Mira Moss",
        "message": "for you alone", "amount": "5.00",
        "url": "https://ko-fi.com/Home/CoffeeShop?txid=t-%d" % n,
        "email": "mira@example.com", "currency": "EUR",
        "is_subscription_payment": True,
        "is_first_subscription_payment": True,
        "kofi_transaction_id": "t-%d" % n, "shop_items": None,
        "tier_name": "Gold", "shipping": None}
    said.update(fields)
    if token is None:
        del said["verification_token"]
    return urlencode({"data": json.dumps(said)}).encode()


def post(p, data, headers=FORM):
    return p.post("/hooks/kofi", data, headers)


def access(p, email="mira@example.com"):
    return p.access("email=" + quote(email)).json()


def proof():
    p = place()
    for name, data, detail in (
            ("another token", body(1, "7c1f0b52-6d0c-4a35-9f5e-3f0a3f1c2b1d"),
             "mismatch"),
            ("no token", body(1, None), "no_signature"),
            ("an empty one", body(1, ""), "no_signature"),
            ("a list", body(1, [TOKEN]), "no_signature"),
            ("the token beside", b"verification_token=" + TOKEN.encode() +
             b"&" + body(1, None), "no_signature"),
            ("no form", b"{}", "no_signature"), ("nothing", b"",
                                                 "no_signature")):
        a = post(p, data)
        same((a.status, a.json().get("error"), a.json().get("detail")),
             (401, "signature", detail), name + ": 401")
    same(post(p, body(1, "x" * 40), {**FORM, "Authorization": "Basic "
                                     "Z2F0ZXBvc3Q6" + TOKEN}).status, 401,
         "no other way")
    same(p.post("/hooks/kofi/" + TOKEN, body(1, None), FORM).status, 404,
         "nor the URL")
    same(p.events(), 0, "no trace of them")
    for n, token in ((1, TOKEN), (2, OTHER)):
        a = post(p, body(n, token))
        same((a.status, a.word()), (200, "recorded"), "token %d" % n)
    same(post(p, body(1)).word(), "duplicate", "the same message again")
    same(post(p, body(1, OTHER, amount="6.00")).word(), "duplicate",
         "told by its id")
    dump = str(p.dump())
    ok("t-1" in dump and TOKEN not in dump and OTHER not in dump and TOKEN[:8] not in dump,
       "no token in the database")
    stored = json.loads(parse_qs(
        p.one("SELECT body FROM events WHERE id = 1"))["data"][0])
    same((stored["verification_token"], stored["message"], stored["amount"]),
         (None, "for you alone", "5.00"), "all the rest is")
    p.check_logs(TOKEN, OTHER, "mira@example.com")


def membership():
    p = place()
    first = int(time.time()) - 25 * DAY
    post(p, body(1, ago=25 * DAY))
    a = access(p)
    same((a["tier"], a["status"]), ("gold", "active"), "a member")
    near = abs(p.one("SELECT paid_until FROM purchases") -
               (first + 31 * DAY)) <= 2
    ok(near, "for 31 days")
    same(p.one("SELECT until - paid_until FROM purchases"), GRACE, "and grace")
    post(p, body(2, ago=0, is_first_subscription_payment=False))
    ok(abs(p.one("SELECT max(until) FROM purchases") -
           (time.time() + 31 * DAY + GRACE)) <= 3, "a renewal extends it")
    same(p.rows("SELECT count(*), count(DISTINCT subject) FROM purchases"),
         [(2, 1)], "two payments of one membership")
    for days, tier in ((37, "gold"), (39, None)):
        email = "m%d@example.com" % days
        post(p, body(days, ago=days * DAY, email=email))
        same(access(p, email)["tier"], tier, "%d days later" % days)
    post(p, body(90, ago=0, email="big@example.com", tier_name="Gold Plus"))
    same(access(p, "BIG@example.com")["tier"], "gold", "a longer name")
    post(p, body(91, email="none@example.com", tier_name=None))
    same(access(p, "none@example.com")["tier"], "membership",
         "no tier of Ko-fi's: the product's name")


def shop():
    p = place()
    items = [{"direct_link_code": "zzz", "variation_name": "Blue",
              "quantity": 1}, {"direct_link_code": "1a2b3c4d5e"}]
    post(p, body(1, type="Shop Order", shop_items=items, tier_name=None,
                 amount="1200", currency="JPY"))
    a = access(p)
    same((a["tier"], a["until"]), ("book", None), "bought for ever")
    same(p.one("SELECT price FROM recent_purchases"), "1200 JPY",
         "yen have no hundredths")
    for n, kind in ((2, "Donation"), (3, "Commission")):
        email = "d%d@example.com" % n
        same(post(p, body(n, type=kind, email=email, tier_name=None)).word(),
             "recorded", kind)
        same(access(p, email)["tier"], None, kind + " gives no tier")
    same(p.one("SELECT count(*) FROM purchases WHERE since IS NULL AND "
               "until IS NULL AND tier IS NULL"), 2, "but is there")
    same(post(p, body(4, type="Refund")).word(), "kept", "an unknown word")
    same(post(p, body(5, kofi_transaction_id=None)).word(), "kept",
         "no transaction")


def sends_test():
    """The buttons of Ko-fi's page: fixed ids, the real token."""
    p = Place(accept_test=False, tiers="kofi { tokens = { '%s' } }\n%s" % (
        TOKEN, TIERS))
    p.run()
    p.nginx()
    data = body(1, kofi_transaction_id="00000000-1111-2222-3333-444444444444",
                email="jo.example@example.com")
    same(post(p, data).word(), "recorded", "taken")
    same(access(p, "jo.example@example.com")["tier"], None, "gives nothing")
    same(p.one("SELECT test FROM purchases"), 1, "a test")


def commands():
    p = place()
    to = "http://127.0.0.1:%d" % p.port
    done = p.cli("trigger", "kofi.membership", "--set", "tier_name=Gold",
                 "--to", to)
    ok(done.stdout.startswith(b"200 "), "trigger sends the token",
       (done.stdout, done.stderr))
    done = p.cli("trigger", "kofi.membership", "--to", to, "--set",
                 "verification_token=wrong")
    ok(done.stdout.startswith(b"401 "), "or what it is told", done.stdout)
    done = p.cli("trigger", "kofi.shop", "--tier", "gold")
    ok(done.returncode == 2 and b"kofi.shop names no tier" in done.stderr,
       "a tier that the event cannot give", done.stderr)
    done = p.cli("check").stdout.decode()
    ok("kofi tells of no cancellation" in done, "check says what is not told",
       done)
    done = p.cli("urls").stdout.decode()
    ok("https://example.org/hooks/kofi" in done and TOKEN not in done,
       "urls", done)
    done = p.cli("decode", "kofi", data=body(7))
    ok(b'"status": "applied"' in done.stdout and b"Mira" not in done.stdout
       and TOKEN.encode() not in done.stdout, "decode", done.stdout)
    done = p.cli("rebuild")
    same(done.returncode, 0, "rebuild")
    done = p.cli("check").stdout.decode()
    ok("PROBLEM" not in done.replace("PROBLEM  no backup", ""), "no problem",
       done)


def erased():
    p = place()
    post(p, body(1, ago=20 * DAY))
    post(p, body(2))
    post(p, body(3, email="other@example.com", from_name="Otto",
                 message="hello"))
    done = p.cli("erase", "--email", "mira@example.com")
    same(done.returncode, 0, "erase")
    dump = str(p.dump())
    for word in ("mira", "Mira", "for%20you", "for you"):
        ok(word not in dump, "no %s left" % word, dump)
    same(access(p)["tier"], None, "no access by the address")
    same(access(p, "other@example.com")["tier"], "gold", "others keep theirs")
    same(p.rows("SELECT count(*), count(DISTINCT subject), "
                "count(DISTINCT tier) FROM purchases WHERE email IS NULL"),
         [(2, 1, 1)], "what was bought stays, of one person")
    until(lambda: p.cli("rebuild").returncode == 0, "a rebuild")
    same(access(p)["tier"], None, "nor after a rebuild")


def link():
    p = place()
    post(p, body(1))
    done = p.cli("link", "t-1", "--user", "42")
    same(done.returncode, 0, "link")
    same(p.access("user=42").json()["tier"], "gold", "by an id of the app's")


if __name__ == "__main__":
    main(proof, membership, shop, sends_test, commands, erased, link)
