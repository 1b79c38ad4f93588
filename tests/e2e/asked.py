"""A fake shop and a place that asks it: for the tests of what Gumroad knows."""

import json
import sys
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fake"))
from client import Fake
from lib import FORM, Place, ok

DAY = 86400


def shop(*more, speed=1):
    """A shop whose clock goes with ours."""
    return Fake("--seed", 7, *more, clock=time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", time.gmtime()), speed=speed)


def place(f, more="", token="fake-token", tiers=""):
    p = Place(tiers="")
    text = p.conf.read_text()
    text = text.replace("gumroad {\n", "gumroad {\n  api_token = '%s'\n"
                        "  api = 'http://127.0.0.1:%d'\n  %s\n" % (
                            token, f.port, more))
    p.conf.write_text(text + tiers)
    p.fake = f
    return p


def purchases(p):
    return {row[0]: row[1:] for row in p.rows(
        "SELECT sale, refunded_at IS NOT NULL, disputed_at IS NOT NULL, "
        "revoked_at IS NOT NULL, until IS NULL OR until > %d, since IS NOT "
        "NULL, confirmed_at IS NOT NULL FROM purchases" % time.time())}


def agrees(p, name):
    """Each sale that is listed or was given is here, and stands as there."""
    here = purchases(p)
    truth = p.fake.do("truth")
    wrong = []
    for s in truth["sales"].values():
        # the giftee's side is never listed
        if s["known_at"] is None or s["gift"] or s["test"] or \
                s["state"] not in ("successful", "not_charged"):
            continue
        mine = here.get(s["id"])
        if mine is None:
            wrong.append((s["id"], "missing"))
            continue
        refunded, disputed, revoked, _, since, confirmed = mine
        told = (bool(s["refunded"]), bool(s["disputed"]), bool(s["revoked"]))
        if (bool(refunded), bool(disputed), bool(revoked)) != told:
            wrong.append((s["id"], mine, told))
    ok(len(truth["sales"]) > 0 and not wrong, name + ": sales", wrong[:5])
    wrong = []
    for who, access in truth["access"].items():
        mine = json.loads(p.cli("access", "--email", who, "--json").stdout)
        if bool(mine["tier"]) != bool(access):
            wrong.append((who, mine["tier"], access))
    ok(not wrong, name + ": access", wrong[:5])


def one(p, email):
    return json.loads(
        p.cli("access", "--email", email, "--json").stdout)["tier"]


def iso(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def post(p, fields):
    """A ping of whoever knows its address."""
    return p.direct("POST", "/hooks/gumroad/" + p.tokens[0],
                    encoded(fields), FORM)


def encoded(fields):
    return urllib.parse.urlencode([(k, v) for k, v in fields.items()
                                   if v is not None]).encode()


def sale_ping(p, sale, **more):
    """What a sale's ping says; keys are chosen by more, None: left out."""
    fields = {"seller_id": p.fake.about["seller_id"], "product_id": "x==",
              "product_name": "Pencil", "permalink": "pencil",
              "email": "eve@example.com", "price": 1000, "currency": "usd",
              "quantity": 1, "sale_id": sale, "resource_name": "sale",
              "sale_timestamp": iso(time.time()), "refunded": "false",
              "disputed": "false", "dispute_won": "false",
              "url_params[user_id]": "eve"}
    fields.update(more)
    return fields


def forged(p, sale, **more):
    return post(p, sale_ping(p, sale, **more))


def an_hour_later(p):
    """For what was asked for once."""
    p.execute("UPDATE pinged SET due_at = due_at - 3700, absent_at = "
              "absent_at - 3700 WHERE absent_at IS NOT NULL")


def unasked(p):
    """How many sales are to be looked for, or asked for by id, now."""
    return p.one("SELECT count(*) FROM pinged WHERE absent_at IS NULL")
