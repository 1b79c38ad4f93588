#!/usr/bin/env python3
"""What Gumroad knows, Gatepost knows: the API is read and the database becomes
the same, whatever pings were lost, forged or corrected."""

import sys
sys.dont_write_bytecode = True
import json
import secrets
import time

from asked import agrees, one, place, shop
from lib import FORM, main, ok, same, stop, until

DAY = 86400


def imported():
    f = shop("--history", 60)
    p = place(f)
    done = p.cli("import", "gumroad", "--dry-run")
    same((done.returncode, p.events()), (0, 0), "a dry run stores nothing")
    done = p.cli("import", "gumroad")
    same(done.returncode, 0, "import")
    agrees(p, "import")
    ok(b"fake-token" not in done.stdout + done.stderr, "no token is printed")
    same(p.one("SELECT count(*) FROM outbox"), 0, "nothing follows from it")
    same(p.one("SELECT count(*) FROM drift"), 0, "none of it is drift")
    for _ in range(2):
        same(p.cli("reconcile").returncode, 0, "nothing differs")
    counts = f.do("counts")
    before = p.events()
    p.cli("import", "gumroad")
    same(p.events(), before, "the same again stores nothing")
    ok(counts is not None, "the shop counts")


def lost():
    f = shop()
    p = place(f)
    a = f.buy(email="ada@example.com")["sale"]
    b = f.buy(email="bob@example.com")["sale"]
    same(p.cli("reconcile").returncode, 1, "two lost sales")
    same((one(p, "ada@example.com"), one(p, "bob@example.com")),
         ("pencil", "pencil"), "are found")
    f.do("refund", sale=a)
    f.do("revoke", sale=b)
    done = p.cli("reconcile", "--dry-run", "--json")
    told = json.loads(done.stdout)
    same((done.returncode, sorted(d["what"] for d in told["drift"]),
          told["repaired"]), (1, ["refunded", "revoked"], 0),
         "a dry run tells what differs")
    same(one(p, "ada@example.com"), "pencil", "and changes nothing")
    done = p.cli("reconcile")
    ok(done.returncode == 1 and b"refunded" in done.stdout, "told", done)
    same((one(p, "ada@example.com"), one(p, "bob@example.com")),
         (None, None), "both have lost it")
    f.do("unrevoke", sale=b)
    same(p.cli("reconcile").returncode, 1, "given back there")
    same(one(p, "bob@example.com"), "pencil", "is given back here")
    same(sorted(p.rows("SELECT what FROM drift")),
         [("missing",), ("missing",), ("refunded",), ("revoked",),
          ("unrevoked",)], "the drift's rows")
    done = p.cli("explain", "--email", "ada@example.com").stdout.decode()
    ok("no ping of this sale ever came" in done and "refunded" in done, "explain tells it",
       done)
    same(p.cli("reconcile").returncode, 0, "then nothing differs")


def given():
    """Of the giftee's side only a ping tells, and nothing of its refund."""
    f = shop(speed=0)
    p = place(f)
    p.run()
    f.do("register", ping_url="http://127.0.0.1:1/")
    gift = f.buy(email="ada@example.com", gift_to="gus@example.com")
    f.do("advance", seconds=60, post=False)
    for d in f.do("take")["deliveries"]:
        p.direct("POST", "/hooks/gumroad/" + p.tokens[0],
                 d["body"].encode(), FORM)
    until(lambda: p.rows("SELECT 1 FROM purchases WHERE sale = ? AND "
                         "confirmed_at IS NOT NULL", gift["told_as"]),
          "the giftee's side")
    same(stop(p.program), 0, "given: exit 0")
    same(p.cli("import", "gumroad").returncode, 0, "given: import")
    same(one(p, "gus@example.com"), "pencil", "given: the giftee has it")
    f.do("refund", sale=gift["sale"])
    same(p.cli("import", "gumroad").returncode, 0, "given: once more")
    same(one(p, "gus@example.com"), None, "given: a refund takes it back")
    f.do("fail_refund", sale=gift["sale"])
    same(p.cli("import", "gumroad").returncode, 0, "given: and again")
    same(one(p, "gus@example.com"), "pencil", "given: one that fails not")


def registered():
    f = shop()
    p = place(f)
    same(p.cli("register", "--dry-run").returncode, 1, "dry: not there")
    done = p.cli("register")
    same((done.returncode, done.stdout.count(b"registered")), (0, 8), "all")
    ok(p.tokens[0].encode() not in done.stdout, "no token is printed",
       done.stdout)
    done = p.cli("register")
    same((done.returncode, done.stdout.count(b"stands")), (0, 8), "they stand")
    rows = f.get("/v2/resource_subscriptions?resource_name=refund").json()
    same([r["post_url"] for r in rows["resource_subscriptions"]],
         ["https://gatepost:%s@example.org/hooks/gumroad" % p.tokens[0]],
         "once, and with the token")
    f.ask("PUT", "/v2/resource_subscriptions", body="resource_name=refund&"
          "post_url=https%3A%2F%2Fgatepost%3A" + p.tokens[0] +
          "%40example.org%2Fhooks%2Fgumroad")
    f.ask("PUT", "/v2/resource_subscriptions", body="resource_name=refund&"
          "post_url=https%3A%2F%2Fother.example%2Fsecret-path")
    done = p.cli("register")
    ok(b"stood twice" in done.stdout and b"let alone" in done.stdout and
       b"secret-path" not in done.stdout, "doubles go, others stay",
       done.stdout)
    rows = f.get("/v2/resource_subscriptions?resource_name=refund").json()
    same(len(rows["resource_subscriptions"]), 2, "ours once, and the other")
    p.tokens.insert(0, secrets.token_hex(24))
    text = p.conf.read_text()
    p.conf.write_text(text.replace("tokens = { ", "tokens = { '%s', " %
                                   p.tokens[0]))
    p.cli("register")
    rows = f.get("/v2/resource_subscriptions?resource_name=sale").json()
    same([p.tokens[0] in r["post_url"] for r in
          rows["resource_subscriptions"]], [True], "a new token takes over")
    p.cli("register", "--remove")
    rows = f.get("/v2/resource_subscriptions?resource_name=refund").json()
    same(len(rows["resource_subscriptions"]), 1, "only the other is left")


FAULTS = (
    ("unauthorized", "refuses the token"), ("forbidden", "may not do that"),
    ("bad_gateway", "502"), ("html", "no JSON"), ("half", "no JSON"),
    ("refused", "refuses the question"), ("closed", "no answer"),
    ("same_page", "again"), ("wrong_types", "Gumroad sent"),
    ("huge", "bytes"),
)


def faults():
    f = shop("--history", 20)
    p = place(f)
    same(p.cli("reconcile").returncode, 1, "a first pass")
    p.cli("import", "gumroad")
    before = p.dump()
    for kind, words in FAULTS:
        f.do("misbehave", kind=kind, path="/v2/sales")
        done = p.cli("reconcile", "--since", "2026-01-01")
        same(done.returncode, 3, kind + ": exit 3")
        ok(words in done.stderr.decode() and
           b"fake-token" not in done.stderr, kind + ": says what is wrong",
           done.stderr)
        after = p.dump()
        same([after["purchases"], after["subscriptions"],
              len(after["events"])],
             [before["purchases"], before["subscriptions"],
              len(before["events"])], kind + ": changes nothing")
        f.do("misbehave", clear=True)
    done = p.cli("check").stdout.decode()
    ok("PROBLEM  gumroad could not be asked: " in done, "check tells it", done)
    same(p.cli("reconcile").returncode, 0, "and afterwards all is well")
    f.do("misbehave", kind="half", path="/v2/sales", count=2)
    same(p.cli("reconcile").returncode, 0, "what is broken is asked again")
    done = p.cli("check").stdout.decode()
    ok("could not be asked" not in done and "ok       gumroad last asked on"
       in done, "and that it is over", done)
    f.do("misbehave", kind="long_window", path="/v2/sales", days=3)
    same(p.cli("reconcile", "--since", time.strftime(
        "%Y-%m-%d", time.gmtime(time.time() - 20 * DAY))).returncode, 0,
         "windows are halved")
    f.do("misbehave", clear=True)
    p = place(f, token="other-fake-token")
    text = p.conf.read_text()
    p.conf.write_text(text.replace("gumroad {\n", "gumroad {\n  seller_id = "
                                   "'%s'\n" % f.about["seller_id"]))
    done = p.cli("reconcile")
    ok(done.returncode == 3 and b"another account" in done.stderr,
       "a token of another account", done)


if __name__ == "__main__":
    main(imported, lost, given, registered, faults)
