"""The pings: to whom, when, how often again, and what goes wrong on the way.

A simulation takes the deliveries itself: take(now) gives those that are due,
answered(delivery, status) says what came of one. post() really posts one.
"""

import base64
import fnmatch
import heapq
import http.client
import random
import urllib.parse

import form
import payload
from clock import iso

RESOURCES = ("sale", "refund", "dispute", "dispute_won", "cancellation",
             "subscription_updated", "subscription_ended",
             "subscription_restarted")
RETRIES = (60, 180, 600)
RETRIED = (499, 500, 502, 503, 504)
TIMEOUT = 5
REDIRECTS = 3
RULES = ("lose", "double", "hold", "late", "later")


class Delivery:
    def __init__(self, number, due, url, resource, payload, subject):
        self.number, self.due, self.url = number, due, url
        self.resource, self.payload, self.subject = resource, payload, subject
        self.retry = 0
        self.state = "waiting"  # held, lost, sent, gone (given up)
        self.attempts = []  # (time, status or the error's word)

    @property
    def body(self):
        """A retry is the first body and one key more."""
        told = dict(self.payload)
        if self.retry:
            told["retry_count"] = self.retry
        if self.is_json:
            return form.encode_json(told)
        return form.encode(told)

    @property
    def is_json(self):
        host = urllib.parse.urlsplit(self.url).hostname or ""
        return host.endswith("zapier.com")

    def headers(self, client="ruby"):
        """In the order in which that client sends them."""
        url = urllib.parse.urlsplit(self.url)
        kind = ("application/json" if self.is_json
                else "application/x-www-form-urlencoded")
        length = str(len(self.body))
        host = url.netloc.rpartition("@")[2]
        who = []
        if url.username is not None:
            pair = "%s:%s" % (urllib.parse.unquote(url.username),
                              urllib.parse.unquote(url.password or ""))
            who = [("Authorization", "Basic " + base64.b64encode(
                pair.encode()).decode())]
        if client == "go":
            return [("Host", host), ("User-Agent", "Go-http-client/1.1"),
                    ("Content-Length", length), *who, ("Content-Type", kind),
                    ("Accept-Encoding", "gzip"), ("Connection", "close")]
        return [("Content-Type", kind), *who, (
            "Accept-Encoding", "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"),
            ("Accept", "*/*"), ("User-Agent", "Ruby"), ("Host", host),
            ("Content-Length", length), ("Connection", "close")]

    def told(self):
        """For the log and the page; the URL is a secret."""
        host = urllib.parse.urlsplit(self.url).netloc.rpartition("@")[2]
        return {"number": self.number, "due": iso(self.due),
                "resource": self.resource, "subject": self.subject,
                "host": host, "state": self.state, "retry": self.retry,
                "attempts": [{"at": iso(t), "status": s}
                             for t, s in self.attempts]}


def is_about(rule, subject):
    wanted = rule["subject"]
    return wanted is None or subject in (
        wanted if isinstance(wanted, list) else [wanted])


class Pings:
    def __init__(self, shop, targets, seed=1, client="ruby", old=False):
        """targets(resource) lists the URLs that want it; one that stands
        there twice gets each ping twice. old: lost connections are not tried
        again, as before August 2026."""
        self.shop, self.targets = shop, targets
        self.client, self.old = client, old
        self.rules, self.log, self.queue = [], [], []
        self.jitter = 0  # seconds by which a ping may be late: any order
        self.random = random.Random(str(seed))
        shop.told.append(self.hear)

    def hear(self, notice):
        subject = (notice.sale or notice.subscription).id
        rule = self._rule(notice.resource, subject, ("later",))
        if rule:
            self.shop.agenda.at(self.shop.now + int(rule["seconds"]),
                                self._build, notice, subject)
        else:
            self._build(notice, subject)

    def _build(self, notice, subject):
        told = payload.build(self.shop, notice)
        if told is not None:
            self.fan_out(notice.resource, told, subject)

    def fan_out(self, resource, told, subject):
        return [self.add(url, resource, told, subject)
                for url in self.targets(resource)]

    def add(self, url, resource, told, subject):
        due = self.shop.now + self.random.randint(0, self.jitter)
        delivery = Delivery(len(self.log) + 1, due, url, resource, told,
                            subject)
        self.log.append(delivery)
        rule = self._rule(resource, subject, RULES[:4])
        if rule and rule["do"] == "late":
            delivery.due += int(rule.get("seconds", 3600))
        if rule and rule["do"] in ("lose", "hold"):
            delivery.state = {"lose": "lost", "hold": "held"}[rule["do"]]
        else:
            self._queue(delivery)
        if rule and rule["do"] == "double":
            self.again(delivery)
        return delivery

    def again(self, delivery):
        """The same body once more, as a job that ran twice."""
        twin = Delivery(len(self.log) + 1, self.shop.now, delivery.url,
                        delivery.resource, delivery.payload, delivery.subject)
        self.log.append(twin)
        self._queue(twin)

    def rule(self, do, resource="*", subject=None, count=None, **more):
        """The next count pings (all: None) of a resource or a subject, or
        of one of several, are lost, doubled, held or late by seconds; later:
        built then, too."""
        if do not in RULES:
            raise ValueError("do is one of: " + " ".join(RULES))
        self.rules.append(dict(more, do=do, resource=resource,
                               subject=subject, count=count))

    def _rule(self, resource, subject, kinds):
        for rule in self.rules:
            if rule["do"] in kinds and rule["count"] != 0 and \
                    fnmatch.fnmatch(resource, rule["resource"]) and \
                    is_about(rule, subject):
                if rule["count"] is not None:
                    rule["count"] -= 1
                return rule
        return None

    def release(self, numbers=None):
        """What is held goes out now, in the order of the numbers."""
        held = [d for d in self.log if d.state == "held"]
        if numbers is not None:
            by_number = {d.number: d for d in held}
            held = [by_number[n] for n in numbers if n in by_number]
        for delivery in held:
            delivery.due, delivery.state = self.shop.now, "waiting"
            self._queue(delivery)
        return held

    def lose(self, *subjects):
        """What waits about one of them; else its next ping."""
        waiting = [d for d in self.log
                   if d.subject in subjects and d.state in ("waiting", "held")]
        for delivery in waiting:
            delivery.state = "lost"
        if not waiting:
            self.rule("lose", subject=list(subjects), count=1)

    # ---- out -------------------------------------------------------------

    def _queue(self, delivery):
        heapq.heappush(self.queue, (delivery.due, len(delivery.attempts),
                                    delivery.number, delivery))

    def next(self):
        while self.queue and self.queue[0][3].state != "waiting":
            heapq.heappop(self.queue)
        return self.queue[0][0] if self.queue else None

    def take(self, now):
        """The deliveries that are due, first come first."""
        found = []
        while self.next() is not None and self.next() <= now:
            delivery = heapq.heappop(self.queue)[3]
            delivery.state = "on its way"
            found.append(delivery)
        return found

    def answered(self, delivery, status, now=None):
        """status: a number, or the word of a network error."""
        now = self.shop.now if now is None else now
        delivery.attempts.append((now, status))
        good = isinstance(status, int) and 200 <= status <= 299
        again = status in RETRIED or (isinstance(status, str) and
                                      not self.old)
        if good:
            delivery.state = "sent"
        elif again and delivery.retry < len(RETRIES) and delivery.resource:
            delivery.due = now + RETRIES[delivery.retry]
            delivery.retry += 1
            delivery.state = "waiting"
            self._queue(delivery)
        else:
            delivery.state = "gone"

    def resume(self):
        """After a restart: what was on its way goes out once more."""
        for delivery in self.log:
            if delivery.state == "on its way":
                delivery.state = "waiting"
                self._queue(delivery)

    def test_ping(self, url):
        """The settings page's button. It is never tried again."""
        told = payload.test_ping(self.shop)
        return told and self.add(url, "", told, None)


def post(delivery, client="ruby", timeout=TIMEOUT):
    """One POST; returns its status, or the word of an error. A redirect gets
    the same body, three times at most (as since August 2026)."""
    url = delivery.url
    for _ in range(1 + REDIRECTS):
        try:
            answer = _request(delivery, url, client, timeout)
        except (OSError, http.client.HTTPException) as e:
            return type(e).__name__
        where = answer.getheader("Location")
        if answer.status not in (301, 302, 303, 307, 308) or not where:
            break
        url = urllib.parse.urljoin(url, where)
    return answer.status


def _request(delivery, url, client, timeout):
    url = urllib.parse.urlsplit(url)
    if url.scheme == "https":
        c = http.client.HTTPSConnection(url.hostname, url.port,
                                        timeout=timeout)
    else:
        c = http.client.HTTPConnection(url.hostname, url.port,
                                       timeout=timeout)
    path = (url.path or "/") + ("?" + url.query if url.query else "")
    try:
        c.putrequest("POST", path, skip_host=True, skip_accept_encoding=True)
        for header in delivery.headers(client):
            c.putheader(*header)
        c.endheaders(delivery.body)
        return c.getresponse()
    finally:
        c.close()
