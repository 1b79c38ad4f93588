#!/usr/bin/env python3
"""Once a token tells the account, a ping of another seller's is kept; and a
ping that was kept, for what a buyer may have typed, counts when its sale was
read."""

import sys
sys.dont_write_bytecode = True
from urllib.parse import urlencode

from asked import one, place, shop
from lib import FORM, main, ok, same


def ping(p, sale, seller, user, **more):
    fields = {"sale_id": sale, "product_id": "x==", "product_name": "Pencil",
              "permalink": "pencil", "email": user + "@example.com",
              "price": 1000, "currency": "usd", "quantity": 1,
              "sale_timestamp": "2026-11-20T10:00:00Z", "refunded": "false",
              "url_params[user_id]": user, **more, "resource_name": "sale"}
    if seller:
        fields["seller_id"] = seller
    return p.direct("POST", "/hooks/gumroad/" + p.tokens[0],
                    urlencode(fields).encode(), FORM).word()


def told(p, user):
    return p.cli("access", "--user", user).returncode


def others():
    f = shop()
    p = place(f)
    seller = f.about["seller_id"]
    f.do("misbehave", kind="unauthorized", path="/v2/user")
    p.run()
    same(ping(p, "S1==", "somebody==", "ann"), "recorded",
         "before the first reading nobody's account is known")
    f.do("misbehave", clear=True)
    f.buy(email="ada@example.com")
    p.cli("reconcile")
    same([ping(p, "S2==", "somebody==", "bob"), ping(p, "S3==", None, "cy"),
          ping(p, "S4==", seller, "dan")],
         ["kept", "kept", "recorded"], "then: another's, nobody's, ours")
    same(p.rows("SELECT DISTINCT reason FROM events WHERE status = 'kept'"),
         [("other_seller",)], "the reason")
    same([told(p, "bob"), told(p, "cy"), told(p, "dan")], [1, 1, 0], "access")
    done = p.cli("replay", "--status", "kept")
    ok(done.returncode == 1 and b"0 applied, 2 not" in done.stdout,
       "a replay decides the same", done)
    p.cli("rebuild")
    same([told(p, "bob"), told(p, "dan")], [1, 0], "so does a rebuild")
    done = p.cli("trigger", "gumroad.sale", "--set", "url_params[user_id]=eve")
    same(p.one("SELECT status FROM events ORDER BY id DESC LIMIT 1"),
         "applied", "trigger speaks for the account")
    ok(b"kept" not in done.stdout, "and says so", done)


def blurred():
    f = shop()
    p = place(f)
    seller = f.about["seller_id"]
    f.buy(email="zoe@example.com")
    p.cli("reconcile")
    p.run()
    sales = [f.buy(email="u%d@example.com" % n)["sale"] for n in range(4)]
    typed = {"custom_fields[recurrence]": "monthly", "recurrence": "monthly"}
    same(ping(p, sales[0], seller, "ann", **typed), "kept", "kept at first")
    same(ping(p, sales[1], "other==", "bob", **typed), "kept", "another's too")
    same(ping(p, "Forged==", seller, "mal", **typed), "kept", "and forged")
    p.cli("reconcile")
    same([told(p, "ann"), told(p, "bob"), told(p, "mal")], [0, 1, 1],
         "a reading makes it count, if it is of the account")
    same(one(p, "ann@example.com"), None, "what was typed does not count")
    same(one(p, "u0@example.com"), "pencil", "but what was read")
    same(ping(p, sales[2], seller, "dan", **typed), "recorded",
         "after its reading it counts at once")
    same([told(p, "dan"), one(p, "u2@example.com")], [0, "pencil"], "too")
    same(ping(p, sales[3], "other==", "eve", **typed), "kept",
         "but another's never")
    before = p.dump()["purchases"]
    p.cli("rebuild")
    same(p.dump()["purchases"], before, "a rebuild gives the same rows")
    done = p.cli("explain", "--user", "ann").stdout
    ok(b"not applied" not in done, "explain does not call it kept", done)


if __name__ == "__main__":
    main(others, blurred)
