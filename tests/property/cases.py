"""The cases of cases.txt, and the sequences in tests/fixtures/trials: what is
delivered, and what is asked then."""

import json
import os
import shlex

from oracle import Rules, Tier
from wire import (DAY, Arrival, by_hand, custom_field, entry, flat_json,
                  form, gank_body, gumroad, nested_json, notice_pairs,
                  purchase_pairs, read_gank, reading, seconds, text_of)

HERE = os.path.dirname(os.path.abspath(__file__))
TRIALS = os.path.join(HERE, "..", "fixtures", "trials")
TIERS = [
    Tier("starter", 5, ["gumroad/app/Starter"]),
    Tier("pro", 10, ["gumroad/app/Pro", "gumroad/P-stable/Gold"]),
    Tier("agency", 20, ["gumroad/app/Agency"]),
    Tier("course", 1, ["gumroad/course"], "forever"),
    Tier("plan", 1, ["gumroad/plan"], "forever", 3),
    Tier("keep", 2, ["gumroad/keep", "gumroad/app/Keep"], "always"),
    Tier("fan", 1, ["gank/membership/Fan*", "gank/goods/cat1"]),
]
GRACE = 7 * DAY
NOTICES = {"ended": "subscription_ended",
           "restarted": "subscription_restarted",
           "upgrade": "subscription_updated",
           "downgrade": "subscription_updated"}
READ = {"read": "readback", "subscriber": "subscriber", "absent": "absent"}
READ_FLAGS = ("refunded", "part", "disputed", "won", "revoked", "sender",
              "gift", "preorder", "test")
BY_HAND = ("link", "unlink", "revoke", "restore", "void", "unvoid")


class Case:
    """asks: (how many deliveries came before, what is asked)."""

    def __init__(self, name, rules):
        self.name, self.rules = name, rules
        self.arrivals, self.asks = [], []


def moment(word):
    return seconds(word if "T" in word else word + "T10:00:00")


def purchase(kind, sale, at, said):
    product = said.get("product", "app")
    sold = said.get("sold")
    f = {"kind": kind, "sale": sale, "subscription": said.get("sub"),
         "sold_at": None if sold == "none" else moment(sold) if sold else at,
         "names": [product, product + "-short",
                   said.get("id", "P-" + product), "The " + product],
         "tier": said.get("tier", "Pro"), "user": said.get("user"),
         "email": said.get("email", "ada@example.org"),
         "license": said.get("license"), "recurrence": said.get(
             "every", "monthly" if "sub" in said else None)}
    for flag in ("test", "preorder", "refunded"):
        f[flag] = flag in said
    f["disputed"] = "disputed" in said or kind.startswith("dispute")
    f["won"] = kind == "dispute_won"
    pairs = purchase_pairs(f, recurring="recurring" in said)
    return pairs + [("referrer", "again")] * ("again" in said)


def notice(kind, sub, at, said):
    f = {"kind": NOTICES.get(kind, kind), "subscription": sub,
         "recurrence": said.get("every", "monthly"),
         "charges": said.get("charges"),
         "trial": moment(said["trial"]) if "trial" in said else None}
    end = moment(said["end"]) if "end" in said else None
    if kind == "cancellation":
        f["cancelled_at"] = end
    elif kind == "ended":
        f.update(ended_at=end or at, reason=said["reason"])
    elif kind == "restarted":
        f["restarted_at"] = at
    else:
        f.update(way=kind, new_tier=said["tier"],
                 effective_at=moment(said["as"]) if "as" in said else None)
    return notice_pairs(f)


def was_read(kind, name, at, said):
    """What the API said: of a sale (sold=), of a membership (name is its
    id, status=), or that there is no such sale."""
    f = {"kind": READ[kind], "sale": name}
    product = said.get("product", "app")
    if kind == "read":
        f.update({flag: flag in said for flag in READ_FLAGS},
                 subscription=said.get("sub"), buyer="", price=4900,
                 sold_at=moment(said["sold"]) if "sold" in said else at,
                 names=[product, product + "-short", said.get(
                     "id", "P-" + product), "The " + product],
                 tier=said.get("tier", "Pro"), listed="unlisted" not in said,
                 email=said.get("email", "ada@example.org"),
                 giftee=said.get("giftee"), license=said.get("license"),
                 recurrence=said.get(
                     "every", "monthly" if "sub" in said else None))
        f["refunded_amount"] = 4900 if f["refunded"] else None
    elif kind == "subscriber":
        f = {"kind": kind, "subscription": name, "status": said["status"],
             "charges": int(said["charges"]) if "charges" in said else None,
             "recurrence": said.get("every", "monthly")}
        for fact, word in (("cancelled_at", "cancel"), ("failed_at", "fail"),
                           ("ended_at", "end"), ("trial", "trial")):
            f[fact] = moment(said[word]) if word in said else None
    return reading(f, at, moment(said["seen"]) if "seen" in said else at)


def owner(case, kind, subject, at, said):
    told = {k: said[k] for k in ("user", "email", "sale") if k in said}
    if "of" in said:
        told["deliveries"] = [case.arrivals[int(said["of"]) - 1].key]
    return by_hand(kind, ("subscription", subject), at,
                   f"{len(case.arrivals):032}", **told)


def arrival(case, line):
    time, kind, name, *rest = shlex.split(line)
    at = moment(time)
    said = dict(w.split("=", 1) if "=" in w else (w, "") for w in rest)
    said = {k: v or None if k in ("tier", "every", "license") else v
            for k, v in said.items()}
    if kind == "listed":
        f = {"buyer": name, "setting": said.get("setting", "s1"),
             "start": moment(said["start"]) if "start" in said else None,
             "end": moment(said["end"]) if "end" in said else None}
        return entry(f, at, moment(said["seen"]) if "seen" in said else at)
    if kind in READ:
        return was_read(kind, name, at, said)
    if kind == "confirm":
        return by_hand(kind, (kind,), at, f"{len(case.arrivals):032}",
                       begin=moment(name),
                       end=moment(said["end"]) if "end" in said else None)
    if kind in BY_HAND:
        return owner(case, kind, name, at, said)
    if kind in ("gank", "goods"):
        title = said.get("title", "FanClub")
        f = {"kind": "goods" if kind == "goods" else "membership",
             "sale": name, "title": title, "buyer": "payer",
             "names": [title, "cat1" if kind == "goods" else "pe1"],
             "months": int(said.get("months", 1)),
             "email": "ada@example.org", "user": said.get("user")}
        body = gank_body(f, "PENDING" if "pending" in said else "SUCCEED")
        return Arrival("gank", read_gank(body), body, at, at)
    pairs = (notice if kind in ("cancellation", *NOTICES) else
             purchase)(kind, name, at, said)
    if "retry" in said:
        pairs.append(("retry_count", said["retry"]))
    if "field" in said:
        pairs = custom_field(pairs, *said["field"].split(":"))
    encode = (flat_json if "json" in said else
              nested_json if "nested" in said else form)
    body = encode(pairs)
    return gumroad(body, at)


def first(words, of, otherwise):
    return next((w for w in words if w in of), otherwise)


def load_text():
    cases = []
    with open(os.path.join(HERE, "cases.txt")) as f:
        for line in f:
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if words[0] == "case":
                cases.append(Case(words[1], Rules(
                    TIERS, {"gumroad": GRACE, "gank": GRACE},
                    "accept_test" in words,
                    first(words[2:], ("before", "after"), "off"))))
            elif words[0] in ("ask", "status"):
                cases[-1].asks.append((len(cases[-1].arrivals), words))
            else:
                cases[-1].arrivals.append(arrival(cases[-1], line))
    return cases


def load_trials():
    cases = []
    for name in sorted(os.listdir(TRIALS)):
        with open(os.path.join(TRIALS, name)) as f:
            t = json.load(f)
        tiers = [Tier(x["name"], x["rank"], x["grants"], x.get("lasts"),
                      x.get("payments")) for x in t["config"]["tiers"]]
        case = Case(t["name"], Rules(tiers, {"gumroad": GRACE, "gank": GRACE},
                                     False))
        for d in t["deliveries"]:
            body = d["body"].encode()
            case.arrivals.append(gumroad(body, seconds(d["received"])))
        ask, _, tier = t["ask"].partition("&tier=")
        want = t["expect"]
        until = want.get("until", "-") or "ever"
        words = ["ask", ask, t["asked_at"].rstrip("Z"),
                 want.get("tier", tier), "active"]
        case.asks.append((len(case.arrivals), words + (
            [until.rstrip("Z")] if until != "-" else [])))
        cases.append(case)
    return cases


def load():
    return load_text() + load_trials()


def expect_access(oracle, words):
    """What is wrong with the oracle's answer, or None."""
    by, value = words[1].split("=", 1)
    now, tier, status = moment(words[2]), words[3], words[4]
    rows = list(oracle.rows_of(by, value))
    got = oracle.answers(rows, now)
    if got != {(None if tier == "-" else tier, status)}:
        return f"got {got}"
    if len(words) > 5:
        until = oracle.until(rows, now, tier)
        if until != (None if words[5] == "ever" else moment(words[5])):
            return f"got until {until and text_of(until)}"
    return None


def expect_status(oracle, words):
    got = oracle.subscriptions.get(words[1], {})
    want = {"status": words[2],
            "next_tier": words[3] if len(words) > 3 else None}
    got = {k: got.get(k) for k in want}
    return None if got == want else f"got {got}"


def check(case, make):
    """What is not as expected, a line each."""
    wrong = []
    for n, words in case.asks:
        oracle = make(case.rules, case.arrivals[:n])
        found = (expect_access if words[0] == "ask" else
                 expect_status)(oracle, words)
        if found:
            wrong.append(" ".join(words) + ": " + found)
    return wrong
