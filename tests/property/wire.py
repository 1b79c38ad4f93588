"""The bodies that the two platforms send, and what they say: written from
facts, and read back into facts.

Gumroad: app/modules/purchase/ping_notification.rb, app/modules/subscription/
ping_notification.rb, app/sidekiq/post_to_individual_ping_endpoint_worker.rb.
Gank: docs.ganknow.com, essentials, payment webhooks."""

import calendar
import functools
import hashlib
import json
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote

DAY = 86400
MONTHS = {"monthly": 1, "quarterly": 3, "biannually": 6, "yearly": 12,
          "every_two_years": 24}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
READING = ("readback", "subscriber", "absent")
PURCHASE = ("sale", "refund", "dispute", "dispute_won")
NOTICE = ("cancellation", "subscription_updated", "subscription_ended",
          "subscription_restarted")


@functools.lru_cache(65536)
def seconds(text):
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int((at.replace(tzinfo=timezone.utc) - EPOCH).total_seconds())


def text_of(t):
    return datetime.fromtimestamp(t, timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


@functools.lru_cache(65536)
def add_months(t, months):
    at = datetime.fromtimestamp(t, timezone.utc)
    n = at.year * 12 + at.month - 1 + months
    year, month = n // 12, n % 12 + 1
    day = min(at.day, calendar.monthrange(year, month)[1])
    return int((at.replace(year=year, month=month, day=day) -
                EPOCH).total_seconds())


class Arrival:
    """One request at the door. facts is what its body says; key tells
    deliveries apart, two requests of one key are repeats. t is the signed
    time, None where nothing is signed. What is done by hand is one, too, and
    what was read: asked for at t, and the same until seen."""

    def __init__(self, platform, facts, body, received_at, t=None, key=None,
                 seen=None):
        self.platform, self.facts, self.body = platform, facts, body
        self.received_at, self.t, self.seen = received_at, t, seen
        self.key = key or digest(body)

    def __str__(self):
        said = {k: text_of(v) if k.endswith("_at") or k == "trial" else v
                for k, v in self.facts.items()
                if k != "kind" and v not in (None, False, "", [], 0)}
        if "names" in said:
            said["names"] = " ".join(n or "-" for n in said["names"])
        signed = "" if self.t is None else f" t={text_of(self.t)}"
        if self.seen is not None:
            signed += f" seen={text_of(self.seen)}"
        return (f"{text_of(self.received_at)}{signed} {self.platform} "
                f"{self.facts['kind']}: " +
                ", ".join(f"{k}={v}" for k, v in said.items()))


# ---- Gumroad's dedupe key and the form


def digest(body):
    return hashlib.sha256(body).hexdigest()


def flat(tree, into="{}"):
    for key, v in tree.items():
        name = into.format(key)
        if isinstance(v, dict):
            yield from flat(v, name + "[{}]")
        else:
            yield name, truth(v) if isinstance(v, bool) else str(v)


def pairs_of(body):
    if body.startswith(b"{"):
        return list(flat(json.loads(body)))
    return parse_qsl(body.decode(), keep_blank_values=True)


def gumroad_key(body, pairs):
    if body.startswith(b"{"):
        return digest(body)
    return digest(b"".join(measured(text) for pair in pairs
                           if pair[0] != "retry_count" for text in pair))


@functools.lru_cache(4096)
def measured(text):
    raw = text.encode()
    return len(raw).to_bytes(4, "big") + raw


@functools.lru_cache(4096)
def encode(text):
    return quote(text, safe="-_.~")


def form(pairs):
    return "&".join(f"{encode(k)}={encode(v)}" for k, v in pairs).encode()


def flat_json(pairs):
    """As a relay sends a form on: keys as they are, "variants[Tier]"."""
    return json.dumps(dict(pairs)).encode()


def nested_json(pairs):
    """As Gumroad sends JSON: maps in maps, booleans and numbers."""
    words = {"true": True, "false": False}
    out = {}
    for key, v in pairs:
        path = key.replace("]", "").split("[")
        if v.isdigit() and path[-1] in ("price", "quantity", "retry_count",
                                        "charge_occurrence_count"):
            v = int(v)
        at = out
        for step in path[:-1]:
            at = at.setdefault(step, {})
        at[path[-1]] = words.get(v, v) if len(path) == 1 else v
    if "purchase_ids" in out:
        out["purchase_ids"] = list(out["purchase_ids"].values())
    return json.dumps(out).encode()


def truth(v):
    return "true" if v else "false"


def custom_field(pairs, name, typed):
    """A seller's field: the buyer's answer hides Gumroad's own value of that
    name."""
    late = [k for k, _ in pairs].index("is_gift_receiver_purchase")
    first = [(k, v) for k, v in pairs[:late] if k != name]
    return first + [(name, typed), (f"custom_fields[{name}]", typed)] + \
        pairs[late:]


# Without one of these a purchase cannot be told from the buyer's own words.
VITAL = {"sale_id", "subscription_id", "sale_timestamp", "product_id",
         "permalink", "variants", "test", "is_preorder_authorization",
         "recurrence"}
SET_LATE = {"custom_fields", "is_gift_receiver_purchase", "refunded",
            "resource_name", "disputed", "dispute_won"}


def shadowed(said):
    return {k for k in said if k not in SET_LATE and
            said.get(f"custom_fields[{k}]") == said[k]}


def purchase_pairs(f, price=4900, recurring=False, gift=False):
    permalink, short, product_id, name = f["names"]
    pairs = [("seller_id", "Seller=="), ("product_id", product_id),
             ("product_name", name), ("permalink", permalink),
             ("short_product_id", short), ("email", f.get("email") or ""),
             ("price", str(price)), ("quantity", "1"),
             ("sale_id", f["sale"])]
    if f.get("sold_at") is not None:
        pairs.append(("sale_timestamp", text_of(f["sold_at"])))
    pairs += [(key, f[fact]) for key, fact in (
        ("purchaser_id", "buyer"), ("subscription_id", "subscription"),
        ("url_params[user_id]", "user"), ("variants[Tier]", "tier"),
        ("license_key", "license"), ("recurrence", "recurrence"))
        if f.get(fact)]
    if f.get("test"):
        pairs.append(("test", "true"))
    if recurring:
        pairs.append(("is_recurring_charge", "true"))
    if f.get("preorder"):
        pairs.append(("is_preorder_authorization", "true"))
    return pairs + [("is_gift_receiver_purchase", truth(gift)),
                    ("refunded", truth(f.get("refunded"))),
                    ("resource_name", f["kind"]),
                    ("disputed", truth(f.get("disputed"))),
                    ("dispute_won", truth(f.get("won")))]


def notice_pairs(f, why="cancelled_by_buyer"):
    def time(key):
        return text_of(f[key]) if f.get(key) is not None else ""
    kind = f["kind"]
    pairs = [("subscription_id", f["subscription"]), ("user_id", ""),
             ("user_email", "someone.else@example.org"),
             ("purchase_ids[]", "X"),
             ("charge_occurrence_count", str(f.get("charges") or "")),
             ("recurrence", f.get("recurrence") or ""),
             ("free_trial_ends_at", time("trial")), ("resource_name", kind)]
    if kind == "cancellation":
        pairs.append(("cancelled", "true"))
        if f.get("cancelled_at") is not None:
            pairs += [("cancelled_at", time("cancelled_at")), (why, "true")]
    elif kind == "subscription_ended":
        pairs += [("ended_at", time("ended_at")),
                  ("ended_reason", f["reason"])]
    elif kind == "subscription_restarted":
        pairs.append(("restarted_at", time("restarted_at")))
    else:
        pairs += [("type", f["way"]),
                  ("effective_as_of", time("effective_at")),
                  ("new_plan[price_cents]", "100"),
                  ("new_plan[tier][name]", f["new_tier"])]
    return pairs


def gank_body(f, status="SUCCEED", nick="fan"):
    goods = f["kind"] == "goods"
    who = "buyer" if goods else "subscriber"
    data = {"creator_user_id": "c1", "custom_reference_id": f["user"],
            f"{who}_user_id": f["buyer"], f"{who}_user_nickname": nick,
            f"{who}_user_email": f["email"]}
    if goods:
        data.update(catalog_id=f["names"][1], catalog_title=f["title"])
    else:
        data.update(billing_period=f["months"], price_event_id=f["names"][1],
                    membership_title=f["title"])
    return json.dumps(
        {"event": ("DIGITAL_GOODS" if goods else "USER_MEMBERSHIP") +
         ".TX_SUCCEED",
         "data": {"human_id": f["sale"], "payment_status": status,
                  "usecase_data": {"usecase": "X", "data": data}}}).encode()


# ---- what the API says, as it is stored: app/models/concerns/purchase/json.rb,
# app/models/subscription.rb


def money(cents):
    return f"{cents // 100:,}" + (f".{cents % 100:02}" if cents % 100 else "")


def readback_body(f):
    permalink, short, product_id, name = f["names"]
    left = f["price"] - (f["refunded_amount"] or 0)
    body = {"id": f["sale"], "seller_id": "Seller==",
            "created_at": text_of(f["sold_at"]), "product_id": product_id,
            "product_name": name, "product_permalink": short,
            "custom_permalink": permalink if permalink != short else None,
            "price": f["price"], "currency": "usd",
            "refunded": f["refunded"], "partially_refunded": f["part"],
            "amount_refundable_in_currency": money(left),
            "disputed": f["disputed"], "dispute_won": f["won"],
            "chargedback": f["disputed"] and not f["won"],
            "access_revoked": f["revoked"],
            "purchase_email": f["email"], "giftee_email": f["giftee"],
            "is_gift_sender_purchase": f["sender"],
            "is_gift_receiver_purchase": f["gift"],
            "license_key": f["license"], "subscription_id": f["subscription"],
            "subscription_duration": f["recurrence"], "quantity": 1,
            "purchaser_id": f["buyer"] or None,
            "is_preorder_authorization": f["preorder"],
            "listed": f["listed"], "test": f["test"]}
    if f["tier"]:
        body["variants"] = {"Tier": f["tier"]}
    # absent, null and false read the same
    return {k: v for k, v in body.items()
            if v is not None and v is not False}


def subscriber_body(f):
    def time(key):
        return None if f[key] is None else text_of(f[key])
    return {"id": f["subscription"], "status": f["status"],
            "charge_occurrence_count": f["charges"],
            "recurrence": f["recurrence"],
            "cancelled_at": time("cancelled_at"),
            "failed_at": time("failed_at"), "ended_at": time("ended_at"),
            "free_trial_ends_at": time("trial")}


def reading(f, sent, seen):
    """An arrival of what was read, which says these facts."""
    make = {"readback": readback_body, "subscriber": subscriber_body,
            "absent": lambda f: {"id": f["sale"]}}
    body = json.dumps(make[f["kind"]](f)).encode()
    return Arrival("gumroad", f, body, sent, sent,
                   digest(b"%s %d" % (body, sent)), seen)


def entry(f, sent, seen):
    """The same of an entry of Gank's list of members, which names a buyer."""
    def time(key):
        return f[key] and text_of(f[key])
    body = json.dumps({
        "event": "subscriber", "supporter_user_id": f["buyer"],
        "creator_user_id": "c1", "membership_setting_id": f["setting"],
        "subscription_start": time("start"),
        "subscription_end": time("end")}).encode()
    return Arrival("gank", {"kind": "subscriber", **f}, body, sent, sent,
                   digest(b"%s %d" % (body, sent)), seen)


# ---- from a body to facts


def gumroad(body, received_at, pairs=None):
    """An arrival of this body, which says these pairs."""
    pairs = pairs or pairs_of(body)
    return Arrival("gumroad", read_pairs(pairs), body, received_at,
                   key=gumroad_key(body, pairs))


def by_hand(kind, subject, at, key, **said):
    """What the owner does, as an arrival: an event of platform manual."""
    body = {"do": kind, **{k: text_of(v) if k in ("begin", "end") else v
                           for k, v in said.items() if v}}
    return Arrival("hand", {"kind": kind, "subject": subject, **said},
                   json.dumps(body).encode(), at, key=key)


def read_pairs(pairs):
    said = {k: v for k, v in pairs if v not in ("", None)}

    def time(key):
        return seconds(said[key]) if key in said else None

    def is_true(key):
        return said.get(key) == "true"

    f = {"kind": said.get("resource_name", "test_ping"),
         "subscription": said.get("subscription_id"),
         "recurrence": said.get("recurrence"),
         "retry": int(said.get("retry_count", 0))}
    if f["kind"] in PURCHASE or f["kind"] == "test_ping":
        hidden = shadowed(said)
        if hidden & VITAL:
            return {"kind": "kept"}
        for key in hidden:
            del said[key]
        f.update(sale=said["sale_id"], sold_at=time("sale_timestamp"),
                 names=[said.get(k) for k in (
                     "permalink", "short_product_id", "product_id",
                     "product_name")],
                 tier=said.get("variants[Tier]"), email=said.get("email"),
                 buyer=said.get("purchaser_id"),
                 license=said.get("license_key"),
                 user=said.get("url_params[user_id]"), test=is_true("test"),
                 preorder=is_true("is_preorder_authorization"),
                 refunded=is_true("refunded"), disputed=is_true("disputed"),
                 won=is_true("dispute_won"))
        return f
    count = said.get("charge_occurrence_count")
    f.update(charges=int(count) if count else None,
             trial=time("free_trial_ends_at"))
    for kind, key, fact in (
            ("cancellation", "cancelled_at", "cancelled_at"),
            ("subscription_ended", "ended_at", "ended_at"),
            ("subscription_restarted", "restarted_at", "restarted_at"),
            ("subscription_updated", "effective_as_of", "effective_at")):
        if f["kind"] == kind:
            f[fact] = time(key)
    if f["kind"] == "subscription_ended":
        f["reason"] = said.get("ended_reason")
    if f["kind"] == "subscription_updated":
        f.update(way=said["type"], new_tier=said["new_plan[tier][name]"])
    return f


def read_gank(body):
    b = json.loads(body)
    goods = b["event"].startswith("DIGITAL")
    who = "buyer" if goods else "subscriber"
    data = b["data"]["usecase_data"]["data"]
    kind = "goods" if goods else "membership"
    title = data["catalog_title" if goods else "membership_title"]
    if b["data"]["payment_status"] != "SUCCEED":
        kind = "pending"
    return {"kind": kind, "sale": b["data"]["human_id"], "title": title,
            "names": [title, data["catalog_id" if goods else
                                  "price_event_id"]],
            "months": data.get("billing_period", 0),
            "email": data[f"{who}_user_email"],
            "buyer": data[f"{who}_user_id"],
            "user": data["custom_reference_id"],
            "test": "-TEST-" in b["data"]["human_id"]}
