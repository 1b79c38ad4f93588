"""Times. Seconds since 1970, UTC; Gumroad writes them without a fraction."""

import calendar
import datetime
import time

MINUTE, HOUR, DAY = 60, 3600, 86400
MONTHS = {"monthly": 1, "quarterly": 3, "biannually": 6, "yearly": 12,
          "every_two_years": 24}
UTC = datetime.timezone.utc


def utc(t):
    return datetime.datetime.fromtimestamp(t, UTC)


def iso(t):
    """2026-03-04T09:12:33Z; None stays None."""
    return None if t is None else utc(t).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text):
    """A number, an ISO date or an ISO time in UTC, as seconds."""
    if isinstance(text, (int, float)):
        return int(text)
    if text.isdigit():
        return int(text)
    form = "%Y-%m-%dT%H:%M:%SZ" if "T" in text else "%Y-%m-%d"
    return calendar.timegm(time.strptime(text, form))


def add_months(t, months):
    """The same day of a later month, or that month's last day."""
    at = utc(t)
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return int(at.replace(year=year, month=month + 1, day=day).timestamp())


class Clock:
    """A clock that can be set and that runs at any speed; 0 stops it."""

    def __init__(self, now=None, speed=1.0):
        self.base = float(time.time() if now is None else now)
        self.speed = speed
        self.since = time.monotonic()

    def now(self):
        gone = time.monotonic() - self.since
        return int(self.base + gone * self.speed)

    def set(self, t):
        self.base, self.since = float(t), time.monotonic()

    def run(self, speed):
        self.set(self.now())
        self.speed = float(speed)
