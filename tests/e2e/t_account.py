#!/usr/bin/env python3
"""Once a token tells the account, a ping of another seller's is kept."""

import sys
sys.dont_write_bytecode = True
from urllib.parse import urlencode

from lib import FORM, main, ok, same
from t_truth import place, shop


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


if __name__ == "__main__":
    main(others)
