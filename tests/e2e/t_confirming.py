#!/usr/bin/env python3
"""An open page hears that its sale is being confirmed."""

import sys
sys.dont_write_bytecode = True
import time

from asked import an_hour_later, encoded, forged, place, sale_ping, shop
from lib import FORM, SLOW, jwt, main, ok, same, stop, until
from t_live import Stream


def user(name):
    return {"url_params[user_id]": name}


def waiting():
    """An open page hears that its sale is being confirmed."""
    f = shop()
    # no pass of its own finds the sale before its ping
    p = place(f, "confirm = 'before'\n  reconcile = '0'")
    p.run()
    p.nginx()
    cookie = {"Cookie": "gatepost=" + jwt(p, "u1")}
    s, other = Stream(p, jwt(p, "u1")), Stream(p, jwt(p, "u3"))
    same(["confirming" in o for _, o in s.wait(1) + other.wait(1)],
         [False, False], "waiting: nothing came")
    # the page is told before the shop has answered
    f.do("misbehave", kind="delay", path="/v2/sales", seconds=2)
    real = f.buy(email="ada@example.com", url_params={"user_id": "u1"})["sale"]
    same(forged(p, real, email="ada@example.com", **user("u1")).word(),
         "recorded", "waiting: its ping")
    begun = time.monotonic()
    got = s.wait(2)
    ok(len(got) == 2 and got[1][1].get("confirming") is True and
       got[1][1]["tier"] is None and got[1][0] == got[0][0] and
       time.monotonic() - begun < (5 if SLOW else 1),
       "waiting: the stream tells it at once", got)
    a = p.cgi("GET", "/live?quiet", headers=cookie).json()
    same((a["tier"], a.get("confirming")), (None, True), "waiting: as CGI")
    same(p.get("/live?quiet", cookie).json(), a, "waiting: the object once")
    a = p.access("user=u1").json()
    ok("confirming" not in a and a["tier"] is None,
       "waiting: apps get what they always get", a)
    same(p.one("SELECT count(*) FROM changes"), 0, "waiting: no change")
    got = s.wait(3)
    ok(len(got) == 3 and got[2][1]["tier"] == "pencil" and
       "confirming" not in got[2][1], "waiting: confirmed, it opens", got)
    f.do("misbehave", clear=True)
    t = Stream(p, jwt(p, "u2"))
    t.wait(1)
    p.cgi("POST", "/hooks/gumroad/" + p.tokens[0],
          encoded(sale_ping(p, "Forged==", **user("u2"))), FORM)
    ok(t.wait(2)[-1][1].get("confirming"),
       "waiting: a forged one at first, taken by another process")
    until(lambda: p.one("SELECT count(*) FROM pinged WHERE absent_at IS "
                        "NOT NULL") == 1, "the first look")
    an_hour_later(p)
    same((len(s.events()), len(other.events())), (3, 1),
         "waiting: nobody else is told")
    same(stop(p.program), 0, "exit 0")
    f.do("misbehave", kind="delay", path="/v2/sales", seconds=2)
    p.run()
    t = Stream(p, jwt(p, "u2"))
    got = t.wait(2)
    ok(len(got) == 2 and got[0][1].get("confirming") and
       "confirming" not in got[1][1] and got[1][1]["tier"] is None,
       "waiting: the shop knows no such sale", got)
    same(stop(p.program), 0, "exit 0 again")


main(waiting)
