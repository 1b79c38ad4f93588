#!/usr/bin/env python3
"""What Gank's list of members says is known here, whole or not at all: it
lengthens the membership that it is about, and never ends one."""

import sys
sys.dont_write_bytecode = True
from pathlib import Path
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fake"))
import json
import time

import gank
from lib import Place, main, ok, same, stop, until
import lib

DAY = 86400
CREATOR = "fba1aaba-ffb5-42ae-8571-6ec0eb337802"


def text(t):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


def now():
    return int(time.time())


def place(more="", token=gank.TOKEN):
    p = Place(accept_test=False, tiers="")
    p.fake = gank.Gank()
    lib._cleanups.append(p.fake.end)
    p.conf.write_text(p.conf.read_text().replace(
        "gank {\n", "gank {\n  creator_token = '%s'\n  tolerance = '9999d'\n"
        "  api = 'http://127.0.0.1:%d'\n  %s\n" % (
            token, p.fake.port, more)))
    return p


def pay(p, human_id, payer, t, title="Fan Club", user=None, creator=CREATOR,
        months=1):
    """A payment's webhook, signed at that time."""
    body = json.dumps({"event": "USER_MEMBERSHIP.TX_SUCCEED", "data": {
        "human_id": human_id, "payment_status": "SUCCEED",
        "usecase_data": {"usecase": "USER_MEMBERSHIP_RECURRING", "data": {
            "billing_period": months, "creator_user_id": creator,
            "membership_title": title, "subscriber_user_id": payer,
            "subscriber_user_email": payer + "@example.com",
            "custom_reference_id": user}}}}).encode()
    answer = p.cgi("POST", "/hooks/gank", body,
                   lib.gank_headers(body, p.secrets[0], t))
    same(answer.word(), "recorded", human_id + " is taken")


def access(p, payer):
    return json.loads(p.cli("access", "--buyer", "gank:" + payer,
                            "--json").stdout)


def until_of(p, payer):
    return access(p, payer)["until"]


def sound(p, name):
    """The rows follow from the log alone."""
    done = p.cli("rebuild", "--diff")
    same(done.returncode, 0, name + ": a rebuild gives the same rows")


def state(p):
    d = p.dump()
    return [d["purchases"], d["events"], p.rows("SELECT * FROM drift")]


def lost():
    """A renewal's webhook never came; the list knows."""
    p = place()
    t = now() - 50 * DAY
    pay(p, "UM-1", "ada", t)
    same(access(p, "ada")["tier"], None, "its time is over")
    end = now() + 12 * DAY
    p.fake.add("ada", text(t), text(end))
    done = p.cli("reconcile", "gank", "--dry-run", "--json")
    told = json.loads(done.stdout)
    same((done.returncode, told["read"], told["found"], told["repaired"],
          [(d["sale"], d["what"], d["has"]) for d in told["drift"]]),
         (1, 1, 1, 0, [("UM-1", "alive", text(end))]), "a dry run tells it")
    same((p.events(), access(p, "ada")["tier"]), (1, None),
         "and changes nothing")
    done = p.cli("reconcile", "gank")
    ok(done.returncode == 1 and b"alive" in done.stdout, "told", done)
    mine = access(p, "ada")
    same((mine["tier"], mine["status"], mine["until"],
          mine["grants"][0]["paid_until"]),
         ("Fan Club", "active", text(end), text(end)),
         "access lasts until the list's end, without grace")
    same(p.cli("reconcile", "gank").returncode, 0, "then nothing differs")
    same(p.events(), 2, "the same again stores nothing")
    same(p.rows("SELECT kind, read, found, repaired, error FROM readings "
                "ORDER BY id"),
         [("members", 1, 1, 1, None), ("members", 1, 0, 0, None)],
         "the passes' rows")
    same(p.rows("SELECT d.sale, d.subscription, d.what, e.kind FROM drift d "
                "JOIN events e ON e.id = d.event"),
         [("UM-1", "ada", "alive", "subscriber")], "the drift's row")
    body = p.one("SELECT body FROM events WHERE kind = 'subscriber'")
    body = body if isinstance(body, str) else bytes(body).decode()
    ok("nick" not in body and "img" not in body and CREATOR in body,
       "no nickname, no picture; the creator's id", body)
    done = p.cli("explain", "--buyer", "gank:ada").stdout.decode()
    ok("Gank was asked on" in done and "member until" in done and
       "access lasts until then" in done and
       "the end that the list of members tells" in done, "explain says it",
       done)
    sound(p, "lost")
    p.fake.members.clear()
    p.fake.add("bob", text(now()), text(end))
    p.cli("reconcile", "gank")
    same(until_of(p, "ada"), text(end), "who is not listed keeps it")
    ok(b"fake-creator" not in p.log.read_bytes() if p.log.exists() else True,
       "no token in the log")


def healthy():
    """What is paid here lasts as long as the list says: nothing differs."""
    p = place()
    t = now() - 3 * DAY
    pay(p, "UM-1", "ada", t)
    before = access(p, "ada")
    p.fake.add("ada", text(t), before["grants"][0]["paid_until"])
    done = p.cli("reconcile", "gank")
    same((done.returncode, p.one("SELECT count(*) FROM drift")), (0, 0),
         "nothing differs")
    after = access(p, "ada")
    del before["change"], after["change"]
    same(after, before, "and nothing changed")
    p.fake.members[0]["subscription_end"] = text(now())
    same(p.cli("reconcile", "gank").returncode, 0,
         "an earlier end shortens nothing")
    same(until_of(p, "ada"), before["until"], "it lasts as long")
    done = p.cli("explain", "--buyer", "gank:ada").stdout.decode()
    ok("what was paid here lasts as long" in done, "explain says so", done)
    sound(p, "healthy")


def renewed():
    """The next payment begins where the one before ended, and the list's end
    is about the newest."""
    p = place()
    t = now() - 40 * DAY
    pay(p, "UM-1", "ada", t)
    p.fake.add("ada", text(t), text(now() + 5 * DAY))
    p.cli("reconcile", "gank")
    pay(p, "UM-2", "ada", now() - 60)
    rows = dict(p.rows("SELECT sale, until FROM purchases"))
    ok(rows["UM-2"] > now() + 34 * DAY, "a renewal lasts its own time", rows)
    sound(p, "renewed")
    # a renewal that the list knew before its webhook came is not added twice
    end = now() + 31 * DAY
    pay(p, "UM-3", "eve", now() - 30 * DAY)
    p.fake.members[:] = []
    p.fake.add("eve", text(now() - 30 * DAY), text(end))
    p.cli("reconcile", "gank")
    pay(p, "UM-4", "eve", now() - 30)
    row = p.one("SELECT until FROM purchases WHERE sale = 'UM-4'")
    ok(row < now() + 40 * DAY, "a late webhook adds no month twice",
       (row - now()) / DAY)
    sound(p, "renewed, late")


def missing():
    """A member nobody ever heard of: no title, so nothing is given; it is
    told."""
    p = place("creator_id = '%s'" % CREATOR)
    end = now() + 20 * DAY
    p.fake.add("zoe", text(now()), text(end))
    done = p.cli("reconcile", "gank", "--json")
    told = json.loads(done.stdout)
    same((done.returncode, told["found"], told["repaired"], told["open"],
          told["drift"][0]["what"], told["drift"][0]["subscription"],
          told["drift"][0]["has"]),
         (1, 1, 0, 1, "missing", "zoe", text(end)), "it is told")
    same((access(p, "zoe")["tier"], p.rows("SELECT 1 FROM purchases")),
         (None, []), "and gives nothing")
    same(p.cli("reconcile", "gank").returncode, 0, "once")
    pay(p, "UM-1", "zoe", now() - 50 * DAY)
    same(until_of(p, "zoe"), text(end), "an old payment, and it is hers")
    sound(p, "missing")


def which():
    """Of two memberships the one whose newest payment lies nearest."""
    p = place()
    t = now()
    pay(p, "UM-1", "ada", t - 100 * DAY, "Bronze")
    pay(p, "UM-2", "ada", t - 50 * DAY, "Silver")
    p.fake.add("ada", text(t - 52 * DAY), text(t + 9 * DAY))
    same(p.cli("reconcile", "gank").returncode, 1, "one differs")
    same(access(p, "ada")["tier"], "Silver", "it is the nearest")
    sound(p, "which")
    # then a payment makes the other the nearest
    pay(p, "UM-3", "ada", t - 51 * DAY, "Bronze")
    mine = access(p, "ada")
    same((mine["tier"], mine["until"]), ("Bronze", text(t + 9 * DAY)),
         "a payment makes the other one nearer")
    sound(p, "which: moved")
    p.cli("void", p.one("SELECT id FROM events WHERE body LIKE '%UM-3%'")
          if not p.name else p.one(
              "SELECT id FROM events WHERE convert_from(body, 'UTF8') LIKE "
              "'%UM-3%'"))
    same(access(p, "ada")["tier"], "Silver", "voided, it goes back")
    sound(p, "which: voided")
    pay(p, "UM-4", "ada", t - 54 * DAY, "Bronze")
    same(access(p, "ada")["tier"], None, "as near: it is not clear")
    sound(p, "which: a tie")


def creators():
    p = place()
    pay(p, "UM-1", "ada", now() - 50 * DAY)
    pay(p, "UM-2", "bob", now() - 50 * DAY, creator="other")
    p.fake.add("ada", text(now() - 50 * DAY), text(now() + DAY))
    done = p.cli("reconcile", "gank")
    ok(done.returncode == 3 and b"several accounts" in done.stderr and
       b"creator_id" in done.stderr, "two creators: whose list is it?", done)
    same((p.events(), access(p, "ada")["tier"]), (2, None), "nothing is taken")
    p.conf.write_text(p.conf.read_text().replace(
        "gank {\n", "gank {\n  creator_id = '%s'\n" % CREATOR))
    same(p.cli("reconcile", "gank").returncode, 1, "told, it is read")
    same(access(p, "ada")["tier"], "Fan Club", "and is hers")
    sound(p, "creators")


def faults():
    p = place()
    t = now() - 50 * DAY
    pay(p, "UM-1", "m7", t)
    for n in range(130):
        p.fake.add("m%d" % n, text(t), text(now() + 12 * DAY))
    before = state(p)
    for fault, words in gank.FAULTS:
        p.fake.fault = fault
        done = p.cli("reconcile", "gank")
        name = fault.__name__
        same(done.returncode, 3, name + ": exit 3")
        ok(words in done.stderr.decode() and
           gank.TOKEN.encode() not in done.stderr, name +
           ": says what is wrong", done.stderr)
        same(state(p), before, name + ": changes nothing")
    done = p.cli("check").stdout.decode()
    ok("PROBLEM  gank could not be asked: " in done, "check tells it", done)
    p.fake.fault = None
    same(p.cli("reconcile", "gank").returncode, 1, "afterwards it is read")
    same((p.events(), access(p, "m7")["tier"]), (131, "Fan Club"),
         "all 130, on two pages")
    pages = [a for a in p.fake.asked if "page=2" in a]
    ok("active=true" in pages[-1] and "per_page=100" in pages[-1],
       "what is asked", pages[-1])
    done = p.cli("check").stdout.decode()
    ok("could not be asked" not in done and "ok       gank last asked on"
       in done, "and that it is over", done)
    wrong = place(token="another-token")
    done = wrong.cli("reconcile", "gank")
    ok(done.returncode == 3 and b"creator_token" in done.stderr,
       "a wrong token", done)


def commands():
    p = place()
    pay(p, "UM-1", "ada", now() - 50 * DAY)
    p.fake.add("ada", text(now() - 50 * DAY), text(now() + DAY))
    done = p.cli("import", "gank")
    ok(done.returncode == 0 and b"lists no past sales" in done.stdout,
       "import says what there is", done)
    same(access(p, "ada")["tier"], "Fan Club", "and reads the members")
    done = p.cli("register", "gank")
    ok(done.returncode == 3 and b"by hand" in done.stderr, "register", done)
    ok(b"creator_token" in p.cli("urls").stdout, "urls name the token")


def worker():
    """The program does it by itself, and cron's slice as well."""
    p = place("reconcile = '2s'")
    t = now() - 50 * DAY
    pay(p, "UM-1", "ada", t)
    p.fake.add("ada", text(t), text(now() + 12 * DAY))
    p.run()
    until(lambda: access(p, "ada")["tier"] == "Fan Club", "the worker")
    p.fake.members[0]["subscription_end"] = text(now() + 40 * DAY)
    end = text(now() + 40 * DAY)
    p.fake.members[0]["subscription_end"] = end
    until(lambda: until_of(p, "ada") == end, "the next reading")
    same(stop(p.program), 0, "exit 0")
    end = text(now() + 70 * DAY)
    p.fake.members[0]["subscription_end"] = end
    time.sleep(2.1)  # until it is due
    same(p.cli("work", "--once").returncode, 0, "cron")
    same(until_of(p, "ada"), end, "cron's slice reads it")
    sound(p, "worker")


def erased():
    p = place()
    t = now() - 50 * DAY
    pay(p, "UM-1", "adalovelace", t, user="42")
    pay(p, "UM-2", "bob", t, user="43")
    p.fake.add("adalovelace", text(t), text(now() + 12 * DAY))
    p.fake.add("zoe", text(t), text(now() + 12 * DAY))
    p.cli("reconcile", "gank")
    done = p.cli("erase", "--user", "42")
    same(done.returncode, 0, "erase")
    p.fake.members[0]["subscription_end"] = text(now() + 40 * DAY)
    p.cli("reconcile", "gank")
    left = [row for table in ("events", "purchases", "drift", "changes")
            for row in p.rows("SELECT * FROM " + table)
            if any("adalovelace" in str(v if not isinstance(v, (bytes, memoryview))
                                else bytes(v)) for v in row)]
    same(left, [], "nothing names her, read again")
    same(p.one("SELECT count(*) FROM drift WHERE subscription = 'zoe'"), 1,
         "others stay")
    sound(p, "erased")


if __name__ == "__main__":
    main(lost, healthy, renewed, missing, which, creators, faults, commands,
         worker, erased)
