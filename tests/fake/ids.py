"""Ids in the forms of Gumroad's, made from a seed and the row's number.

Gumroad's own are the encrypted number of a row, so two tables can give the
same text. Here the tables begin apart; with same=True they begin together.
"""

import base64
import hashlib
import re

FIRST = {"sale": 500000001, "subscription": 20000001, "product": 3000001,
         "seller": 4000001, "tier": 5000001, "license": 6000001,
         "resource_subscription": 7000001}
ID = re.compile(r"[A-Za-z0-9_-]{22}==")


class Ids:
    def __init__(self, seed, same=False):
        self.seed = str(seed)
        self.same = same
        self.used = {}

    def digest(self, *what):
        text = ":".join([self.seed, *map(str, what)])
        return hashlib.sha256(text.encode()).digest()

    def row(self, table):
        """The number of a new row."""
        self.used[table] = self.used.get(table, 0) + 1
        first = 1000001 if self.same else FIRST[table]
        return first + self.used[table] - 1

    def of_row(self, row):
        """24 characters that end in ==."""
        digest = self.digest(row)[:16]
        return base64.urlsafe_b64encode(digest).decode()

    def new(self, table):
        return self.of_row(self.row(table))

    def order(self, row):
        """30 bits, another for each row below 2^30."""
        add = int.from_bytes(self.digest("order")[:4], "big")
        return (row * 740702509 + add) % 2 ** 30

    def digits(self, *what):
        """The other kind of id, that of a user: 13 digits."""
        number = int.from_bytes(self.digest(*what)[:8], "big")
        return str(10 ** 12 + number % (9 * 10 ** 12))

    def license_key(self, row):
        digest = self.digest("key", row).hex().upper()
        return "-".join(digest[i:i + 8] for i in range(0, 32, 8))

    def permalink(self, row):
        """Five letters, as the unique permalink of a product."""
        digest = self.digest("permalink", row)
        return "".join(chr(97 + b % 26) for b in digest[:5])
