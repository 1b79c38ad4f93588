"""What the tests with faults share: the end-to-end tests' places, and a
program whose faults are set from here, while it runs, through preload.so."""

import sys
sys.dont_write_bytecode = True
import mmap
import os
import struct
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import lib
from lib import FORM, Place, gank_headers, sale

# what these tests kill leaves its files to the kernel: no disk is needed
if os.access("/dev/shm", os.W_OK) and "TMPDIR" not in os.environ:
    tempfile.tempdir = "/dev/shm"

PRELOAD = lib.BUILD / "tests/fault/preload.so"

# enum op and enum when of preload.c
OPS = {"any": 0, "sync": 1, "pwrite": 2, "write": 3, "truncate": 4,
       "unlink": 5, "open": 6, "create": 7}
WHENS = {"before": 0, "after": 1, "middle": 2}


class Faults:
    """The numbers that preload.c reads: struct control."""

    NAMES = ("kill_at", "kill_op", "kill_when", "memory_at", "wall", "calls",
             "allocations", "refuse", "refuse_errno")

    def __init__(self, folder):
        self.path = Path(folder) / "faults"
        self.path.write_bytes(b"\0" * 4096)
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 4096)

    def set(self, **numbers):
        for name, value in numbers.items():
            struct.pack_into("q", self.map, 8 * self.NAMES.index(name), value)

    def get(self, name):
        return struct.unpack_from("q", self.map,
                                  8 * self.NAMES.index(name))[0]

    def clear(self):
        self.set(**{name: 0 for name in self.NAMES})

    def kill_at(self, n, op="any", when="before"):
        self.set(kill_at=0)
        self.set(kill_op=OPS[op], kill_when=WHENS[when], calls=0)
        self.set(kill_at=n)

    def refuse(self, number, *ops):
        """Calls of these kinds fail with that errno until clear()."""
        self.set(refuse_errno=number)
        self.set(refuse=sum(1 << OPS[op] for op in ops))

    def env(self):
        return {"LD_PRELOAD": str(PRELOAD), "FAULT_CONTROL": str(self.path)}


def faulty_place(**options):
    p = Place(**options)
    p.faults = Faults(p.dir)
    return p


def run_faulty(p, **options):
    return p.run(env={**os.environ, **p.faults.env()}, **options)


# ---- deliveries that can be told apart ---------------------------------------

class Delivery:
    """The n-th of a kind: a sale, its refund, or a payment of Gank."""

    def __init__(self, p, n):
        self.n = n
        if n % 5 == 4:
            self.path = "/hooks/gank"
            self.key = "UM-%d" % n
            self.body = lib.fixture("gank/um-documented").replace(
                b"UM-250925-NWKBIKATC", self.key.encode()).replace(
                b"4758a84f-c541", b"%08d-c541" % n)
            self.headers = gank_headers(self.body, p.secrets[0])
        else:
            self.path = "/hooks/gumroad/" + p.tokens[0]
            # the refund of the sale before it
            self.key = "sale %d" % (n - (n % 5 == 3))
            self.body = sale(n - (n % 5 == 3))
            if n % 5 == 3:
                self.body = self.body.replace(
                    b"refunded=false&resource_name=sale",
                    b"refunded=true&resource_name=refund")
            self.headers = FORM
        self.answers = []  # (status, word, event), as they came

    def note(self, answer):
        self.answers.append(None if answer is None or answer.status is None
                            else (answer.status, answer.word(),
                                  answer.event()))

    def acknowledged(self):
        """The event it was told, or None."""
        for answer in self.answers:
            if answer is not None and answer[0] == 200:
                return answer[2]
        return None


def wrongs(p, deliveries, refused=()):
    """What is not as it has to be after a fault; empty: all is well. refused:
    the statuses by which a sender may be told to come again."""
    bad = []
    if not p.is_sound():
        bad.append("integrity_check: not ok")
    rows = {event: (bytes(body), seen) for event, body, seen in p.rows(
        "SELECT id, CAST(body AS BLOB), seen FROM events")}
    for d in deliveries:
        events = {a[2] for a in d.answers if a is not None and a[0] == 200}
        others = [a for a in d.answers if a is not None and
                  a[0] not in (200, *refused)]
        if others:
            bad.append("%s: answered %s" % (d.key, others))
        if len(events) > 1:
            bad.append("%s: two events %s" % (d.key, events))
        for event in events:
            if rows.get(event, (None, 0))[0] != d.body:
                bad.append("%s: acknowledged as %d and lost" % (d.key, event))
    bodies = [body for body, _ in rows.values()]
    if len(set(bodies)) != len(bodies):
        bad.append("a delivery is stored twice")
    twice = p.rows("SELECT event FROM changes WHERE event IS NOT NULL"
                   " GROUP BY event, user_ref, email, buyer HAVING count(*) > 1")
    if twice:
        bad.append("counted twice: events %s" % twice)
    done = p.cli("rebuild", "--diff")
    if done.returncode != 0:
        bad.append("rebuild --diff: %r %r" % (done.stdout, done.stderr))
    return bad
