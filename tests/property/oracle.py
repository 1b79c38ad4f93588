"""Who has access at an instant, straight from what was delivered: the rules of
gatepost(7) read as questions about one moment. No windows, no rows, no order
of arrival; slow, and written without a look at the fold."""

from fnmatch import fnmatchcase

from model import add_months

DISPUTES = ("dispute", "dispute_won")
SALES = ("sale", "refund", "dispute", "dispute_won")


class Rules:
    """tiers: (name, rank, grants, lasts for ever) in the file's order."""

    def __init__(self, tiers, grace, accept_test):
        self.tiers, self.grace, self.accept_test = tiers, grace, accept_test
        self.place = {t[0]: (-t[1], i) for i, t in enumerate(tiers)}
        self.for_ever = {t[0] for t in tiers if t[3]}

    def grant(self, platform, product, names, variant):
        fitting = []
        for name, _, grants, _ in self.tiers:
            for line in grants:
                p, item, *kind = line.casefold().split("/")
                item_fits = any(fnmatchcase(n.casefold(), item)
                                for n in [product, *names])
                kinds = [variant] if variant else names
                if p == platform and item_fits and (
                        not kind or any(fnmatchcase(k.casefold(), kind[0])
                                        for k in kinds)):
                    fitting.append(name)
        return min(fitting, key=self.place.get) if fitting else None


def known(arrivals):
    """Each delivery once, with the smallest times it came with, by arrival."""
    seen = {}
    for a in arrivals:
        d = seen.setdefault((a.platform, a.key), {**a.facts, "key": a.key,
                            "platform": a.platform, "came": a.received_at,
                            "t": a.t})
        d["came"] = min(d["came"], a.received_at)
        if a.t is not None:
            d["t"] = min(d["t"], a.t)
    return sorted(seen.values(), key=lambda d: (d["came"], d["key"]))


def subject_of(d):
    if d["platform"] == "gank":
        return ("goods", d["sale"]) if d["kind"] == "goods" else (
            "gank", d["buyer"], d["title"])
    if d.get("subscription"):
        return ("sub", d["subscription"])
    return ("sale", d["sale"])


def first(values, empty=None):
    return next((v for v in values if v), empty)


def sales_of(said):
    """The sales a subject's deliveries tell of, in order of (time, id)."""
    sales = {}
    for rank in SALES:
        for d in said:
            if d["kind"] == rank:
                sales.setdefault(d["sale"], []).append(d)
    out = []
    for name, told in sales.items():
        s = {k: first(d.get(k) for d in told)
             for k in ("email", "buyer", "license", "user", "variant",
                       "subscription", "months")}
        s.update(id=name, product=told[0]["product"], names=told[0]["names"],
                 sold=told[0]["sold_at"], test=told[0]["test"],
                 preorder=told[0]["preorder"],
                 phantom=all(d["kind"] in DISPUTES for d in told),
                 refunded=min((d["came"] for d in told if d["refunded"]),
                              default=None),
                 disputed=min((d["came"] for d in told if d["disputed"]),
                              default=None),
                 won=any(d["won"] for d in told))
        out.append(s)
    return sorted(out, key=lambda s: (s["sold"], s["id"]))


def cancelled_at(said, counted):
    """The end of the paid period, where a cancellation holds."""
    told = [d for d in said if d.get("cancelled_at")]
    if not told:
        return None
    d = max(told, key=lambda d: d["cancelled_at"])  # the first of equals
    end = d["cancelled_at"]
    begin = add_months(end, -(d["months"] or 1))
    if any(s["sold"] >= end for s in counted) or any(
            r["restarted_at"] > begin for r in said if r.get("restarted_at")):
        return None
    return end


def end_of(said, counted):
    told = [d for d in said if d.get("ended_at")]
    if not told:
        return None
    d = max(told, key=lambda d: d["ended_at"])
    life = [s["sold"] for s in counted]
    life += [r["restarted_at"] for r in said if r.get("restarted_at")]
    return d if all(t < d["ended_at"] for t in life) else None


def tier_of(rules, sale, said, is_newest):
    if is_newest:
        ups = [(d.get("effective_at") or d["came"], i, d["new_tier"])
               for i, d in enumerate(said) if d.get("way") == "upgrade"]
        ups = [u for u in ups if u[0] > sale["sold"]]
        if ups:
            name = max(ups)[2]
            return rules.grant("gumroad", sale["product"], sale["names"],
                               name) or name
    return rules.grant("gumroad", sale["product"], sale["names"],
                       sale["variant"]) or sale["variant"] or sale["product"]


def gumroad_at(rules, said, now):
    """What a subject gives now: (sale, tier, is it paid for)."""
    sales = sales_of(said)
    grace = rules.grace["gumroad"]
    real = [s for s in sales if not s["phantom"] and not s["preorder"] and
            (rules.accept_test or not s["test"])]
    counted = [s for s in real if s["refunded"] is None]
    newest = counted[-1] if counted else None
    # an open dispute on any sale suspends them all, from its arrival on
    if any(s["disputed"] is not None and not s["won"] and s["disputed"] <= now
           for s in sales):
        return
    begun = [s for s in counted if s["sold"] <= now]
    speaking = begun[-1:]  # the newest one ends those before it
    speaking += [s for s in real if s["refunded"] is not None and
                 s["sold"] <= now < s["refunded"]]
    stop = end_of(said, counted)
    cancelled = cancelled_at(said, counted)
    trial = first(d.get("trial") for d in said)
    for s in speaking:
        tier = tier_of(rules, s, said, s is newest)
        if not any(d.get("subscription") for d in said):
            yield s, tier, True
            continue
        paid_up = (stop and s is newest and
                   stop["reason"] == "fixed_subscription_period_ended" and
                   (not stop["months"] or tier in rules.for_ever))
        if paid_up:
            yield s, tier, True
            continue
        if stop and stop["ended_at"] <= now:
            continue
        if s is newest and cancelled:
            if now < cancelled:
                yield s, tier, True
            continue
        paid = add_months(s["sold"], s["months"] or 1)
        if s is sales[0] and trial and trial > s["sold"]:
            paid = trial
        if now < paid + grace:
            yield s, tier, now < paid


def gank_at(rules, said, now):
    said = [d for d in said if d["kind"] != "pending"]
    payments = {}
    for d in said:
        p = payments.setdefault(d["sale"], {**d, "id": d["sale"]})
        p["t"] = min(p["t"], d["t"])
        p["user"] = p["user"] or d["user"]
    chain = sorted(payments.values(), key=lambda p: (p["t"], p["id"]))
    chain = [p for p in chain if rules.accept_test or not p["test"]]
    end, begun = None, None
    for p in chain:
        tier = rules.grant("gank", p["kind"], p["names"], None) or p["title"]
        if p["kind"] == "goods":
            if p["t"] <= now:
                yield p, tier, True
            continue
        begin = p["t"] if end is None else max(p["t"], end)
        end = add_months(begin, p["months"])
        if begin <= now:
            begun = p, tier, now < end, end + rules.grace["gank"]
    if begun and now < begun[3]:
        yield begun[:3]


def user_of(said):
    """The subject's user id: of the smallest (time, sale) that has one."""
    if said[0]["platform"] == "gumroad":
        return first(s["user"] for s in sales_of(said))
    told = {}
    for d in said:
        if d["kind"] != "pending":
            p = told.setdefault(d["sale"], [d["t"], d["sale"], None])
            p[0] = min(p[0], d["t"])
            p[2] = p[2] or d["user"]
    return first(p[2] for p in sorted(told.values(), key=lambda p: p[:2]))


class Oracle:
    def __init__(self, rules, arrivals):
        self.rules = rules
        self.subjects = {}
        for d in known(arrivals):
            if d["kind"] != "test_ping":
                self.subjects.setdefault(subject_of(d), []).append(d)
        self.users = {k: user_of(v) for k, v in self.subjects.items()}

    def identifiers(self):
        """All that anybody could ask for, also in vain."""
        out = set()
        for subject, said in self.subjects.items():
            out.add(("user", self.users[subject]))
            for d in said:
                out.add(("user", d.get("user")))
                out.add(("email", d.get("email")))
                out.add(("license", d.get("license")))
                if d.get("buyer"):
                    out.add(("buyer", d["platform"] + ":" + d["buyer"]))
        return sorted(i for i in out if i[1])

    def given(self, now):
        """Everything open now: (identifiers, tier, is it paid for)."""
        for subject, said in self.subjects.items():
            platform = said[0]["platform"]
            at = gumroad_at if platform == "gumroad" else gank_at
            for sale, tier, paid in at(self.rules, said, now):
                yield {("user", self.users[subject]),
                       ("email", (sale["email"] or "").lower()),
                       ("license", sale.get("license")),
                       ("buyer", f"{platform}:{sale['buyer']}")}, tier, paid

    def answers(self, given, by, value):
        """The answers that are right: one, or one per tier where none of
        those held has a rank."""
        if by == "email":
            value = value.lower()
        held = {}
        for who, tier, paid in given:
            if (by, value) in who:
                held[tier] = held.get(tier, False) or paid
        ranked = [t for t in held if t in self.rules.place]
        best = [min(ranked, key=self.rules.place.get)] if ranked else held
        return {f"{t}:{'active' if held[t] else 'grace'}"
                for t in best} or {":none"}

    def instants(self):
        """Where something may begin or end, by any reading of the rules."""
        out = set()
        for said in self.subjects.values():
            for d in said:
                months = d.get("months") or 1
                marks = {d["came"]}
                marks |= {d[k] for k in d
                          if k.endswith("_at") or k in ("t", "trial")}
                marks -= {None}
                for t in list(marks):
                    marks.add(add_months(t, months))
                    marks.add(add_months(t, -months))
                out |= marks
                out |= {t + g for t in marks
                        for g in self.rules.grace.values()}
        return out
