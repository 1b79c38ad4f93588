"""What followed from each sale: once, where something had to follow."""

from collections import Counter

from clock import DAY
from records import LISTED

NEWS = 10 * DAY  # a reading of an older sale has no consequence
LAPSED = 7 * DAY  # a follow-up that old is dropped: it is no news any more
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

    def _first(self):
        """By sale: (when it was first told, whether by a ping)."""
        found = {}
        for row in self.comparison.db.execute(
                "SELECT kind, subject, received_at, body FROM events WHERE "
                "kind IN ('sale', 'readback') ORDER BY id"):
            pass
        return found

    def _sold(self, done):
        for sale in self.channel.shop.sales.values():
            told = {t: done[(t, "sold", sale.id)] for t in
                    ("welcome", "tell")}
            if sale.id in self.channel.reached and sale.state in LISTED:
                pass
