"""All of it together: accounts, the clock, what goes out, what came in.

The clock decides when things happen. While it runs, a thread lets the shop
live and posts what is due; advance() does the same step by step, so that a
retry falls into its place between the events of a month.
"""

import threading
import time
from collections import Counter, deque

import pings
from account import Account
from api import Api
from clock import Clock
from misbehave import Switches, instead, twist

TICK = 0.05  # seconds


class Counts:
    """Requests to the API, by path and status, and how dense they were."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.by, self.total, self.most = Counter(), 0, 0
        self.times, self.last = deque(), None

    def add(self, request, status):
        self.by["%s %s %s" % (request.method, request.path, status)] += 1
        self.total += 1
        self.last = request.target
        now = time.monotonic()
        self.times.append(now)
        while self.times[0] <= now - 1:
            self.times.popleft()
        self.most = max(self.most, len(self.times))

    def told(self):
        return {"total": self.total, "most_in_a_second": self.most,
                "by": dict(sorted(self.by.items()))}


class World:
    def __init__(self, seed=1, now=None, speed=1, account="fictshop",
                 token="fake-token", old=False, client="ruby",
                 same_ids=False, strict_urls=False):
        self.clock = Clock(now, speed)
        self.lock = threading.RLock()
        self.going_out = threading.Lock()  # one that lets time pass
        options = {"now": self.clock.now(), "old": old, "client": client,
                   "same_ids": same_ids}
        self.account = Account(seed, account, **options)
        self.other = Account(seed, "other" + account, **options)
        self.account.add_token(token)
        self.other.add_token("other-" + token)
        self.token = token
        self.api = Api([self.account, self.other], old, strict_urls)
        self.switches, self.counts = Switches(), Counts()
        self.ended = threading.Event()
        self.keep = lambda: None  # called when something was done

    @property
    def shop(self):
        return self.account.shop

    @property
    def pings(self):
        return self.account.pings

    # ---- time ------------------------------------------------------------

    def catch_up(self):
        """The shop lives up to now; the caller holds the lock."""
        now = self.clock.now()
        for account in (self.account, self.other):
            account.shop.run_to(now)

    def _next(self, target, post):
        """The next moment at which something happens, target at most."""
        times = [target]
        for account in (self.account, self.other):
            times.append(account.shop.agenda.next())
            if post:
                times.append(account.pings.next())
        return min(t for t in times if t is not None)

    def run_to(self, target, post=True):
        """Lets everything up to target happen; posts what is due."""
        with self.going_out:
            while True:
                with self.lock:
                    now = max(self.shop.now, self._next(target, post))
                    for account in (self.account, self.other):
                        account.shop.run_to(now)
                    due = self._due(now) if post else []
                for account, delivery in due:
                    status = pings.post(delivery, account.pings.client)
                    with self.lock:
                        account.pings.answered(delivery, status)
                if due:
                    self.keep()
                with self.lock:
                    if now >= target and (not post or self._idle(now)):
                        return

    def _due(self, now):
        return [(account, delivery) for account in (self.account, self.other)
                for delivery in account.pings.take(now)]

    def _idle(self, now):
        nexts = [a.pings.next() for a in (self.account, self.other)]
        return all(t is None or t > now for t in nexts)

    def advance(self, seconds, post=True):
        """At once; the clock then stands there and runs on as before."""
        with self.lock:
            speed = self.clock.speed
            self.clock.run(0)
            target = max(self.clock.now(), self.shop.now) + int(seconds)
        try:
            self.run_to(target, post)
        finally:
            with self.lock:
                self.clock.set(target)
                self.clock.run(speed)

    def live(self):
        """The thread: until the end."""
        while not self.ended.wait(TICK):
            if self.clock.speed > 0:
                self.run_to(self.clock.now())

    # ---- the API ---------------------------------------------------------

    def serve_api(self, request):
        with self.lock:
            self.catch_up()
            rule = self.switches.take(request)
            reply = instead(rule) if rule else None
            if reply is None:
                reply = self.api.handle(request)
                if rule:
                    reply = twist(rule, request, reply, self.other)
            self.counts.add(request, "cut" if reply.cut else reply.status)
        if rule and rule["kind"] == "delay":
            time.sleep(float(rule.get("seconds", 5)))
        return reply
