"""The Gatepost beside this shop, in the demo: what it has, what it says."""

import contextlib
import pathlib
import re
import sqlite3
import subprocess
import time

LIMIT = 60  # seconds, of a command
PURCHASES = """SELECT p.sale, p.user_ref, p.tier, p.since, p.until,
	p.refunded_at, p.refunded_amount, p.disputed_at, p.dispute_won_at,
	p.revoked_at, p.confirmed_at, s.cancelled_at, s.ended_at
FROM purchases AS p LEFT JOIN subscriptions AS s
	ON s.platform = p.platform AND s.subscription = p.subscription
WHERE p.platform = 'gumroad'"""
ASKED = """SELECT max(ended_at) AS at FROM readings
WHERE platform = 'gumroad' AND kind = 'sales' AND error IS NULL"""


class Receiver:
    def __init__(self, program, conf):
        """conf: its settings, beside which its database lies."""
        self.program, self.conf = program, pathlib.Path(conf)

    def run(self, *words):
        """What a command of Gatepost prints."""
        done = subprocess.run(
            [self.program, "-c", self.conf, *words], text=True, timeout=LIMIT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.stdout

    def _rows(self, question):
        database = self.conf.resolve().parent / "gatepost.db"
        with contextlib.closing(sqlite3.connect(
                database.as_uri() + "?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            return db.execute(question).fetchall()

    def purchases(self):
        """The rows by sale."""
        return {row["sale"]: row for row in self._rows(PURCHASES)}

    def asked_at(self):
        """When it last asked for the newest sales, or None."""
        return self._rows(ASKED)[0]["at"]

    def every(self):
        """How often it asks by itself, as the settings have it."""
        found = re.search(r"^\s*reconcile = '([^']*)'",
                          self.conf.read_text(), re.M)
        return found.group(1) if found else "15m"


def marks(row):
    """What it knows of a sale, in the words that the shop has for it."""
    found = [word for word, holds in (
        ("refunded", row["refunded_at"]),
        ("part refunded", row["refunded_amount"] and not row["refunded_at"]),
        ("disputed", row["disputed_at"] and not row["dispute_won_at"]),
        ("access revoked", row["revoked_at"])) if holds]
    if row["ended_at"]:
        found.append("membership over")
    elif row["cancelled_at"]:
        found.append("cancelled")
    return found


def gives(row):
    """What the purchase opens, in words."""
    until = row["until"]
    if row["since"] is None:
        return "gives nothing" if row["confirmed_at"] else \
            "gives nothing before the shop has confirmed it"
    if until is None or until > time.time():
        return "open: %s" % row["tier"]
    return "closed"
