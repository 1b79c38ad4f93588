"""What followed from each sale: once, where something had to follow."""

import json
from collections import Counter

from clock import DAY
from records import COUNTED

NEWS = 10 * DAY  # a reading of an older sale has no consequence
SOLD = ("purchase", "renewal")


class FollowUps:
    def __init__(self, channel, traits, comparison):
        self.channel, self.traits = channel, traits
        self.comparison = comparison
        self.imports = []
        self.count = 0
        self.done = {}

    def importing(self, t):
        self.imports.append([t, None])

    def imported(self, t):
        self.imports[-1][1] = t

    def compare(self, log):
        """The lines "did TARGET ID TYPE SALE" of the driver."""
        ids, done = Counter(), Counter()
        for line in log.read_text().splitlines():
            if line.startswith("did "):
                _, target, id, kind, sale = line.split(" ")
                ids[id + target] += 1
                done[(target, "sold" if kind in SOLD else kind, sale)] += 1
        self.count = sum(ids.values())
        for id, n in ids.items():
            if n > 1:
                self.comparison.differs("follow-up twice", id, n)
        for what, n in done.items():
            if n > 1:
                self.comparison.differs("follow-up of a sale twice", *what)
        self._sold(done)

    def _read(self):
        """By sale: when it was first read, and whether by an import."""
        found = {}
        for at, body in self.comparison.db.execute(
                "SELECT received_at, body FROM events WHERE kind = "
                "'readback' ORDER BY id"):
            found.setdefault(json.loads(body)["id"], (at, any(
                a <= at <= b for a, b in self.imports)))
        return found

    def _sold(self, done):
        read = self._read()
        for sale in self.channel.shop.sales.values():
            want = self._wanted(sale, *read.get(sale.id, (None, False)))
            for target in ("welcome", "tell"):
                n = done[(target, "sold", sale.id)]
                if want is not None and n != want and \
                        sale.id not in self._expired():
                    self.comparison.differs("follow-ups", sale.id, target, n,
                                            want)

    def _wanted(self, sale, read_at, imported):
        """1, 0, or None: it may be either."""
        if sale.gift == "sender" or sale.state not in COUNTED:
            return 0
        news = read_at is not None and not imported and \
            read_at <= sale.created_at + NEWS
        pinged = self.channel.reached.get(sale.id, {}).get("sale")
        if not pinged and not news:
            return 0
        # what was taken back before it was known welcomes nobody
        if any(f["refunded"] or f["disputed"] or f["revoked"]
               for _, f in sale.history):
            return None
        # 'before': it counts when it is read, and that may be old news
        if self.traits.confirm == "before" and not news and not (
                pinged and read_at and pinged > read_at):
            return None
        return 1

    def _expired(self):
        """Those that a machine that was off for a week has not done."""
        return {json.loads(payload)["data"]["purchase"]["sale"]
                for payload, in self.comparison.db.execute(
                    "SELECT payload FROM outbox WHERE state = 'dead' AND "
                    "last_error LIKE 'expired%'")}
