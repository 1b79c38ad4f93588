"""Between a shop and Gatepost: the clock of both, the pings and what goes
wrong with them, the questions to the API and what goes wrong with those, and
outages of either."""

import random
import subprocess
from collections import Counter

import misbehave
import payload
from account import Account
from api import Api
from clock import DAY, HOUR, MINUTE
from control import forged
from ids import Ids
from request import Request

URL = "http://gatepost:secret@127.0.0.1:9/hooks/gumroad"
TOKEN = "fake-token"
RECEIVER, API, MACHINE, FLAKY = "receiver", "api", "machine", "flaky"
FAULTS = ("closed", "bad_gateway", "throttled", "unauthorized", "half",
          "html", "refused", "short")
PASSING = ("closed", "bad_gateway", "throttled", "half", "html", "short")


class Outage:
    def __init__(self, chance, begin, end):
        self.begin = chance.randint(begin, end)
        longest = max(HOUR, end - self.begin)
        # from ten minutes to months, each size as likely
        self.end = min(end, self.begin + int(10 * MINUTE * (
            longest / (10 * MINUTE)) ** chance.random()))
        self.kind = chance.choice((RECEIVER, API, MACHINE, FLAKY))
        self.fault = chance.choice(FAULTS)


class Program:
    """The driver: commands, and the questions it asks back."""

    def __init__(self, argv, log):
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)

    def send(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def line(self):
        text = self.process.stdout.readline()
        if not text:
            raise RuntimeError("the driver has died: exit %d" %
                               self.process.wait())
        return text.decode().rstrip("\n")

    def tell(self, command):
        self.send(command.encode() + b"\n")
        return self.line()

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


class Channel:
    """run_to() lets shop and Gatepost live; `step` is how often the worker
    looks, `eager`: also after each ping."""

    def __init__(self, seed, program, begin, traits):
        self.program, self.traits = program, traits
        self.chance = random.Random("channel/%s" % seed)
        self.account = Account(seed, now=begin, same_ids=traits.same_ids)
        self.account.add_token(TOKEN, ["view_sales"])
        self.account.subscribe_all(URL)
        self.shop, self.pings = self.account.shop, self.account.pings
        self.pings.jitter = traits.jitter
        self.api = Api([self.account], traits.old)
        self.outages, self.known = [], {}
        self.next_look = begin
        self.asked, self.words = Counter(), Counter()
        self.ids = Ids("forged/%s" % seed)
        self.forged, self.reached = [], {}  # by sale: what told of it first

    @property
    def now(self):
        return self.shop.now

    def plan_outages(self, count, begin, end):
        self.outages += [Outage(self.chance, begin, end)
                         for _ in range(count)]

    def down(self, *kinds):
        return next((o for o in self.outages if o.kind in kinds and
                     o.begin <= self.now < o.end), None)

    # ---- pings -----------------------------------------------------------

    def _post_due(self):
        for delivery in self.pings.take(self.now):
            self._post(delivery)

    def _post(self, delivery):
        if self.down(RECEIVER, MACHINE):
            self.pings.answered(delivery, "ConnectionRefusedError")
            return
        odds, t = self.chance.random(), self.traits
        if delivery.retry == 0 and odds < t.lose:
            delivery.state = "lost"
            return
        if delivery.retry == 0 and odds < t.lose + t.late:
            delivery.due = self.now + int(
                MINUTE * (7 * DAY / MINUTE) ** self.chance.random())
            delivery.state = "waiting"
            delivery.attempts.append((self.now, "late"))
            self.pings._queue(delivery)
            return
        self._deliver(delivery)
        if odds > 1 - t.double:
            self._deliver(delivery)
        # stored, but the answer was too slow: it is sent again
        slow = self.chance.random() < t.slow
        self.pings.answered(delivery, "Timeout" if slow else 200)

    def _deliver(self, delivery):
        word = self.program.tell("deliver " + delivery.body.hex())
        self.words[word] += 1
        told = delivery.payload
        if "sale_id" in told:
            first = self.reached.setdefault(told["sale_id"], {
                "at": self.now, "user": None, "sale": None})
            if told.get("resource_name") == "sale":
                first["sale"] = first["sale"] or self.now
                first["user"] = first["user"] or told.get(
                    "url_params", {}).get("user_id")
        if self.traits.eager:
            self.next_look = min(self.next_look, self.now + 10)

    def forge(self, product):
        """Somebody knows the URL."""
        sale = forged(self.shop, self.ids, product, None, "eve%d@example.com"
                      % len(self.forged))
        self.forged.append(sale)
        self.pings.fan_out("sale", payload.purchase(
            self.shop, sale, "sale", {"user_id": "eve"}), sale.id)

    # ---- the API ---------------------------------------------------------

    def _answer(self, question):
        _, ms, method, target = question.split(" ", 3)
        self._live_to(int(ms) // 1000, nested=True)
        status, body = self._reply(method, target)
        self.program.send(b"answer %d %d\n" % (status, len(body)) + body)

    def _reply(self, method, target):
        request = Request(method, target,
                          [("Authorization", "Bearer " + TOKEN)])
        outage = self.down(API, MACHINE, FLAKY)
        rule = None
        if outage and (outage.kind != FLAKY or self.chance.random() < 0.3):
            rule = {"kind": outage.fault}
        elif self.chance.random() < self.traits.hiccup:
            rule = {"kind": self.chance.choice(PASSING)}
        elif self.traits.long_window and "after=" in target and \
                misbehave.days(request.params) > self.traits.long_window:
            rule = {"kind": "timed_out"}
        reply = misbehave.instead(rule) if rule else None
        if reply is None and not rule and method == "GET" and \
                request.path in ("/v2/user", "/v2/products"):
            reply = self._same(request)
        elif reply is None:
            reply = self.api.handle(request)
            if rule:
                reply = misbehave.twist(rule, request, reply, None)
        path = request.path.split("/")
        self.asked["/".join(path[2:3] + path[4:])] += 1
        if reply.cut:
            return 0, b""
        return reply.status, reply.body

    def _same(self, request):
        """What is asked most, and tells the same but after a change."""
        key = (request.target, *(
            (p.name, p.permalink, p.deleted, *(t.name for t in p.tiers))
            for p in self.shop.products.values()))
        if key not in self.known:
            self.known[key] = self.api.handle(request)
        return self.known[key]

    def ask(self, command):
        """A command during which questions come."""
        self.program.send(command.encode() + b"\n")
        while True:
            line = self.program.line()
            if not line.startswith("ask "):
                return line
            self._answer(line)

    # ---- time ------------------------------------------------------------

    def _live_to(self, target, nested=False):
        """The shop and its pings; also while a question is on its way."""
        while True:
            limit = target if nested else min(
                target, max(self.now, self.next_look))
            times = [self.shop.agenda.next(), self.pings.next(), limit]
            t = max(self.now, min(t for t in times if t is not None))
            self.shop.run_to(t)
            if self.pings.next() is not None and self.pings.next() <= t:
                self.program.tell("clock %d" % (t * 1000))
                self._post_due()
            if t >= limit and not self._due(limit):
                return

    def _due(self, t):
        return any(n is not None and n <= t for n in
                   (self.shop.agenda.next(), self.pings.next()))

    def look(self):
        """What the worker does when it looks."""
        if self.down(MACHINE):
            return
        self.program.tell("clock %d" % (self.now * 1000))
        turned = self.ask("turn")
        self._live_to(int(turned.split()[1]) // 1000, nested=True)
        self.program.tell("look")

    def follow_up(self, later):
        """Nothing happens but what is to be tried again."""
        self.program.tell("clock %d" % ((self.now + later) * 1000))
        self.program.tell("look")

    def run_to(self, target):
        while self.now < target:
            self._live_to(target)
            if self.now >= self.next_look:
                self.next_look = self.now + self.traits.step
                self.look()
