#!/usr/bin/env python3
"""The command line."""

import sys
sys.dont_write_bytecode = True
import base64
import fcntl
import json
import os
import pty
import pwd
import re
import shutil
import sqlite3
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl

import lib
from lib import (CTL_PROGRAM, FIXTURES, FORM, Place, fixture, folder,
                 gank_headers, main, ok, sale, same, skip, start, stop)

BARE = {"PATH": os.environ["PATH"]}
WORKERS = ThreadPoolExecutor(2)


def bare(*args, data=b"", env=None):
    """gatepost with no configuration to be found."""
    return subprocess.run([CTL_PROGRAM, *map(str, args)], input=data,
                          capture_output=True, cwd="/", timeout=60,
                          env={**BARE, **(env or {})})


def exits(a, code, text, name):
    out = (a.stdout + a.stderr).decode(errors="replace")
    ok(a.returncode == code and text in out, "%s: exit %d%s" % (
        name, code, ", '%s'" % text if text else ""), a)


def codes():
    p = Place()
    p.cli("trigger", "gumroad.sale", "--set", "url_params[user_id]=42")
    for words, code, text in (
            ([], 2, "usage: gatepost"),
            (["help"], 0, "Exit: 0 yes"),
            (["--help"], 0, "usage: gatepost"),
            (["-V"], 0, "gatepost 0"),
            (["--version"], 0, "gatepost 0"),
            (["nonsense"], 2, "no such command"),
            (["--nonsense"], 2, "no such option"),
            (["-x", "events"], 2, "no such option"),
            (["events", "--nonsense"], 2, "has no option --nonsense"),
            (["events", "more"], 2, "usage: gatepost events"),
            (["events", "--limit"], 2, "--limit takes a value"),
            (["events", "--limit", "0"], 2, "--limit takes a whole number"),
            (["events", "--limit", "x"], 2, "--limit takes a whole number"),
            (["events", "--json=1"], 2, ""),
            (["events"], 0, "SUBJECT"),
            (["events", "--limit=1"], 0, "sale"),
            (["events", "--status", "kept"], 0, ""),
            (["event"], 2, "usage: gatepost event ID"),
            (["event", "1"], 0, "decoded"),
            (["event", "99"], 1, ""),
            (["event", "x"], 2, "named by its number"),
            (["event", "1", "2"], 2, "usage: gatepost event ID"),
            (["purchases"], 0, "SALE"),
            (["purchases", "--user", "42"], 0, "Gatepost test"),
            (["purchases", "--user", "1", "--email", "a@b"], 2, "give one"),
            (["access"], 2, "give one of --user"),
            (["access", "--user", "42"], 0, "has tier"),
            (["access", "--user", "43"], 1, "has no tier"),
            (["access", "--user", "42", "--tier", "nope"], 1, "not allowed"),
            (["access", "--user", "42", "--allow", "nope"], 1, "not allowed"),
            (["access", "--user", "42", "--user", "43", "--email", "a@b"], 2,
             "give one of --user"),
            (["access", "--user", ""], 2, ""),
            (["access", "--buyer", "nobody"], 2, ""),
            (["decode"], 2, "usage: gatepost decode"),
            (["decode", "nowhere"], 2, "nowhere is no platform"),
            (["decode", "gank", "/no/such/file"], 3, "/no/such/file"),
            (["decode", "gank", "/"], 3, ""),
            (["sign"], 2, "give one secret"),
            (["sign", "--secret", ""], 2, "give one secret"),
            (["sign", "--secret", "a", "--secret", "b"], 2, "one secret"),
            (["sign", "--secret-file", "/no/such"], 3, "/no/such"),
            (["verify", "--secret", "x"], 2, "--header is missing"),
            (["verify", "--secret", "x", "--header", "t=1,v1=0", "--now",
              "x"], 2, "--now takes"),
            (["verify", "--secret", "x", "--header", "t=1,v1=0",
              "--tolerance", "x"], 2, "--tolerance takes"),
            (["trigger"], 2, "usage: gatepost trigger"),
            (["trigger", "list"], 0, "gank.membership"),
            (["trigger", "gumroad.nonsense"], 2, "is no event"),
            (["trigger", "gumroad.sale", "--set", "x"], 2, "KEY=VALUE"),
            (["trigger", "gumroad.sale", "--print"], 0, "sale_id="),
            (["trigger", "gumroad.sale", "--to", "http://127.0.0.1:1"], 3,
             ""),
            (["urls"], 0, "https://gatepost:%s@example.org/hooks/gumroad"
             % p.tokens[0]),
            (["check"], 0, "database"),
            (["migrate"], 0, "is ready"),
            (["backup"], 2, "usage: gatepost backup FILE"),
            (["backup", p.dir / "no/such/b.db"], 3, ""),
            (["init", p.dir], 3, "stays as it is")):
        exits(p.cli(*words), code, text, "gatepost " +
              " ".join(str(w) for w in words).replace(str(p.dir), "DIR")
              .replace(p.tokens[0], "T"))
    for name in ("init", "urls", "check", "events", "event", "purchases",
                 "access", "decode", "sign", "verify", "trigger", "migrate",
                 "backup"):
        exits(bare(name, "--help"), 0, "usage: gatepost", name + " --help")
        ok(("  %s " % name).encode() in bare("help").stdout,
           name + " is in the help")
    for words in (["events"], ["access", "--user", "1"], ["check"], ["urls"],
                  ["purchases"], ["event", "1"], ["trigger", "gumroad.sale"],
                  ["migrate"], ["backup", "copy.db"]):
        exits(bare(*words), 3, "gatepost.conf",
              "no config: " + " ".join(words))
        exits(bare("-c", "/no/such.conf", *words), 3, "/no/such.conf",
              "a config that is not there: " + " ".join(words))
    p.db.unlink()
    for words in (["events"], ["access", "--user", "1"], ["check"],
                  ["purchases"], ["event", "1"]):
        exits(p.cli(*words), 3, "no database there",
              "no database: " + " ".join(words))
    ok(not p.db.exists(), "asking makes no database")


def found():
    """Where the configuration comes from."""
    p = Place()
    exits(bare("check", env={"GATEPOST_CONFIG": str(p.conf)}), 0, "database",
          "GATEPOST_CONFIG")
    exits(p.cli("check", config=False, env=BARE), 0, "database",
          "./gatepost.conf")
    exits(bare("-c", p.conf, "check", env={"GATEPOST_CONFIG": "/no/such"}),
          0, "database", "-c comes before GATEPOST_CONFIG")
    exits(bare("check", "-c", p.conf), 0, "database", "-c after the command")


def wrong_file():
    """A file of another program in the current folder: named in full."""
    d = folder()
    shutil.copy(lib.TOP / "nginx/gatepost-nginx.conf", d / "gatepost.conf")
    for words in (["check"], ["-c", "gatepost.conf", "check"]):
        a = subprocess.run([CTL_PROGRAM, *words], cwd=d, env=BARE,
                           capture_output=True)
        exits(a, 3, "gatepost: %s/gatepost.conf:" % d, " ".join(words))


def as_json():
    p = Place()
    p.cli("trigger", "gumroad.sale", "--set", "url_params[user_id]=42")
    p.cli("trigger", "gank.membership")
    for words, key in ((["events"], "delivery"), (["purchases"], "sale"),
                       (["event", "1"], "body"),
                       (["access", "--user", "42"], "grants"),
                       (["trigger", "gank.goods"], "event")):
        a = p.cli(*words, "--json")
        try:
            data = json.loads(a.stdout)
        except ValueError:
            data = None
        row = data[0] if isinstance(data, list) and data else data
        ok(a.returncode == 0 and row and key in row,
           " ".join(words) + " --json", a)
    a = p.cli("decode", "gank", "--json", data=fixture("gank/um-documented"))
    same(json.loads(a.stdout)["status"], "applied", "decode --json")
    same(json.loads(p.cli("events", "--json", "--status", "kept").stdout),
         [], "an empty list")


def decode_one(platform, d):
    body = d / "body"
    want = json.loads((d / "expect.json").read_text()) if (
        d / "expect.json").exists() else None
    a = bare("decode", platform, body)
    try:
        got = json.loads(a.stdout)
    except ValueError:
        got = {}
    if platform == "gank":
        status, reason = want["status"], want["reason"]
        facts = want.get("facts", got.get("facts"))
    else:
        status = (d / "status").read_text().strip()
        reason = ((d / "reason").read_text().strip()
                  if (d / "reason").exists() else got.get("reason"))
        # made-up cases say only what they are about
        facts = got.get("facts")
        if want is not None:
            facts = want if d.name[0].isdigit() else {**facts, **want}
    mine = (got.get("status"), got.get("understood"), got.get("reason"),
            got.get("facts"))
    return a.returncode == 0 and mine == (
        status, status != "kept", reason, facts) and list(got) == [
        "status", "understood", "reason", "facts"], d.name, (
        mine, (status, reason, facts), a.stderr)


def decode():
    """No config, no database, the same facts as the samples say."""
    jobs = [(platform, d) for platform in ("gumroad", "gank")
            for d in sorted((FIXTURES / platform).iterdir())
            if (d / "body").exists()]
    for passed, name, why in WORKERS.map(lambda j: decode_one(*j), jobs):
        ok(passed, "decode " + name, why)
    body = fixture("gumroad/01-sale-onetime")
    same(bare("decode", "gumroad", data=body).stdout,
         bare("decode", "gumroad", "-", data=body).stdout, "from stdin")
    big = body + b"&x=" + b"y" * (1024 * 1024 - len(body) - 3)
    exits(bare("decode", "gumroad", data=big), 0, "pencil", "decode 1 MiB")
    exits(bare("decode", "gumroad", data=big + b"y"), 3, "more than",
          "decode 1 MiB and one byte")
    a = bare("decode", "gank", data=fixture("gank/status-pending"))
    ok(a.returncode == 0 and json.loads(a.stdout)["status"] == "kept" and
       b"payment_status is not SUCCEED" in a.stderr,
       "warnings on stderr only", a)


def verify_one(v):
    body = base64.b64decode(v["body_b64"]) if "body_b64" in v else v[
        "body"].encode()
    words = ["--secret=" + v["secret"], "--header=" + (v["header"] or ""),
             "--now", v["now"]]
    if v["tolerance"] is not None:
        words += ["--tolerance=%d" % v["tolerance"]]
    a = bare("verify", *words, data=body)
    want = v["hardened"]
    return (a.stdout.decode() == want + "\n" and
            a.returncode == (0 if want == "valid" else 1)), v["name"], (v, a)


def verify():
    vectors = json.loads((FIXTURES / "signature_vectors.json").read_text())
    for passed, name, why in WORKERS.map(verify_one, vectors):
        ok(passed, "verify " + name, why)
    p = Place()
    secret = p.dir / "secret"
    secret.write_text(p.secrets[0] + "\n")
    for name, body in (("text", b"{}"), ("nothing", b""),
                       ("bytes", bytes(range(256)) * 4000)):
        header = bare("sign", "--secret-file", secret, data=body).stdout
        header = header.decode().strip()
        for tolerance in ([], ["--tolerance", "300"], ["--tolerance", "5m"]):
            exits(bare("verify", "--secret", p.secrets[0], "--header", header,
                       *tolerance, data=body), 0, "valid",
                  "sign | verify %s %s" % (name, " ".join(tolerance)))
        exits(bare("verify", "--secret", p.secrets[0], "--header", header,
                   data=body + b" "), 1, "mismatch", "changed " + name)
    header = bare("sign", "--secret", "s", "--time", "1700000000",
                  data=b"{}").stdout.decode().strip()
    same(header, gank_headers(b"{}", "s", 1700000000)["Gank-Signature"],
         "sign as Gank does")
    exits(bare("verify", "--secret", "s", "--header", header, "--now",
               "1700000301", "--tolerance", "300", data=b"{}"), 1, "too_old",
          "301 s later")
    exits(bare("verify", "--secret", "other", "--secret", "s", "--header",
               header, data=b"{}"), 0, "valid", "the second secret")
    exits(bare("verify", "--header", header, data=b"{}"), 1, "config_error",
          "no secret")
    exits(bare("verify", "--secret", "s", "--header", "v1=" + "0" * 16000,
               data=b"{}"), 1, "bad_header", "a header of 16 kB")


EVENTS = ("gumroad.sale gumroad.renewal gumroad.refund "
          "gumroad.partial_refund gumroad.dispute gumroad.dispute_won "
          "gumroad.cancellation gumroad.subscription_updated "
          "gumroad.subscription_ended gumroad.subscription_restarted "
          "gumroad.test_ping gank.membership gank.goods "
          "USER_MEMBERSHIP.TX_SUCCEED").split()


def trigger():
    p = Place()
    p.run()
    p.nginx()
    url = "http://127.0.0.1:%d" % p.port
    listed = p.cli("trigger", "list").stdout.decode()
    for n, event in enumerate(EVENTS):
        if event.startswith("g"):
            ok(event in listed, "trigger list: " + event, listed)
        word = "test" if event == "gumroad.test_ping" else "recorded"
        field = "url_params[user_id]" if event.startswith("gumroad") else (
            "custom_reference_id")
        ping = event == "gumroad.test_ping" or "subscription_" in event or (
            event == "gumroad.cancellation")
        for way, to in (("straight in", []), ("over HTTP", ["--to", url])):
            user = "%s-%d" % ("h" if to else "s", n)
            more = []
            if "membership" in event.lower():  # a member of their own
                more = ["--set", "subscriber_user_id=payer-" + user]
            a = p.cli("trigger", event, *to, *more, "--set",
                      "%s=%s" % (field, user))
            exits(a, 0, '"status":"%s"' % word, "%s %s" % (event, way))
            if to:
                ok(a.stdout.startswith(b"200 "), event + ": HTTP 200", a)
            if not ping and event in ("gumroad.sale", "gumroad.renewal",
                                      "gank.membership", "gank.goods"):
                exits(p.cli("access", "--user", user), 0, "has tier",
                      "%s %s: --set is heard" % (event, way))
    same(p.one("SELECT count(*) FROM purchases WHERE test = 0"), 0,
         "all are marked as tests")
    same(p.one("SELECT count(*) FROM events WHERE status = 'kept'"), 0,
         "none is kept")
    life(p, url)
    p.configure(accept_test=False)
    exits(p.cli("trigger", "gumroad.sale", "--set",
                "url_params[user_id]=nt"), 0, "accept_test",
          "without accept_test: said so")
    exits(p.cli("access", "--user", "nt"), 1, "no tier", "and no access")
    p.tokens = ["0123456789abcdef" * 3]
    p.configure()
    exits(p.cli("trigger", "gumroad.sale", "--to", url), 1, "404",
          "a wrong token over HTTP")
    p.check_logs()


FILLED = """
tier 'basic' { rank = 5 grants = { 'gank/goods/none',
    'gumroad/pMDAvC-WBqyL9S6m2peVfQ==/Starter', 'gumroad/pencil' } }
tier 'pro' { rank = 20 grants = { 'gumroad/superdms/Pro*',
    'gank/membership/Influencer*' } }
tier 'shop' { rank = 1 grants = { 'gank/goods/4ae9d5c2-*' } }
tier 'one' { rank = 1
    grants = { 'gank/goods/77777777-959f-42d6-a463-6c0003c95c8c' } }
tier 'named' { rank = 1 grants = { 'gumroad/Tone Pack/A%2FB ?' } }
tier 'any' { grants = { 'gumroad/*/Member' } }
tier 'below' { rank = 1 grants = { 'gumroad/superdms/Pro' } }
tier 'empty' { rank = 2 }
"""


def trigger_tier():
    """--tier fills in what that tier's grant needs."""
    p = Place(tiers=FILLED)
    for n, (event, name, fields) in enumerate((
            ("gumroad.sale", "basic", {
                "product_id": "pMDAvC-WBqyL9S6m2peVfQ==",
                "variants[Tier]": "Starter"}),
            ("gumroad.sale", "pro", {
                "permalink": "superdms", "variants[Tier]": "Pro"}),
            ("gumroad.renewal", "named", {
                "product_name": "Tone Pack", "variants[Tier]": "A/B x"}),
            ("gumroad.sale", "any", {
                "permalink": "gatepost-test", "variants[Tier]": "Member"}),
            ("gank.membership", "pro", {"membership_title": "Influencer"}),
            ("gank.goods", "shop", {"catalog_title": "4ae9d5c2-"}),
            ("gank.goods", "one", {
                "catalog_id": "77777777-959f-42d6-a463-6c0003c95c8c"}))):
        user = "t%d" % n
        field = "custom_reference_id" if event[:4] == "gank" else (
            "url_params[user_id]")
        words = ("trigger", event, "--tier", name, "--set", field + "=" + user)
        exits(p.cli(*words), 0, '"recorded"', "%s for %s" % (event, name))
        a = p.cli("access", "--json", "--user", user)
        same(json.loads(a.stdout)["tier"], name, "gives it")
        body = p.cli(*words, "--print").stdout
        got = dict(parse_qsl(body.decode())) if event[1] == "u" else (
            json.loads(body)["data"]["usecase_data"]["data"])
        same({k: got.get(k) for k in fields}, fields, "by these fields")
    body = p.cli("trigger", "gumroad.sale", "--tier", "pro", "--set",
                 "variants[Tier]=Other", "--print").stdout
    ok(b"variants%5BTier%5D=Other" in body, "--set is stronger", body)
    for event, name, texts in (
            ("gumroad.sale", "nobody", ("no tier nobody", "basic, pro, shop")),
            ("gumroad.sale", "shop", (
                "no grant of tier shop fits gumroad.sale",
                "it has 'gank/goods/4ae9d5c2-*'", "gumroad/PRODUCT")),
            ("gank.membership", "shop", ("no grant of tier shop fits",)),
            ("gumroad.sale", "empty", ("it has none",)),
            ("gumroad.sale", "below", ("gives tier pro, of a higher rank",)),
            ("gumroad.cancellation", "pro", (
                "--tier has nothing to fill in", "subscription_id"))):
        exits(p.cli("trigger", event, "--tier", name), 2, texts[0],
              "%s for %s" % (event, name))
        said = p.cli("trigger", event, "--tier", name).stderr.decode()
        ok(all(t in said for t in texts), "says what to do", said)


def trigger_follow():
    """What speaks of a sale takes product and tier from the database."""
    p = Place(tiers=FILLED)

    def posted(name):
        body = fixture("gumroad/" + name)
        same(p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], body,
                   FORM).status, 200, name)
        return dict(parse_qsl(body.decode()))
    first = posted("04-sale-membership-tier-monthly")
    once = posted("03-sale-version-variant-offer-license")
    sub = "subscription_id=" + first["subscription_id"]
    exits(p.cli("trigger", "gumroad.renewal", "--set", sub), 0, "recorded",
          "a renewal")
    columns = "product, product_name, variant, email, recurrence, tier"
    rows = p.rows("SELECT %s, test FROM purchases WHERE subscription = ? "
                  "ORDER BY test" % columns, first["subscription_id"])
    same(len(rows), 2, "another sale of that subscription")
    same(rows[0][:-1], rows[-1][:-1], "of the same product and tier")
    body = p.cli("trigger", "gumroad.renewal", "--set", sub, "--tier", "basic",
                 "--print").stdout.decode()
    ok("variants%5BTier%5D=Starter" in body and "Influencer" not in body,
       "--tier is stronger", body)
    for event in ("cancellation", "subscription_ended",
                  "subscription_updated", "subscription_restarted"):
        got = dict(parse_qsl(p.cli("trigger", "gumroad." + event, "--set", sub,
                                   "--print").stdout.decode()))
        same((got["product_id"], got["purchase_ids[]"],
              got.get("old_plan[tier][name]", "Influencer")),
             (first["product_id"], rows_sale(p, first), "Influencer"), event)
    exits(p.cli("trigger", "gumroad.refund", "--set",
                "sale_id=" + once["sale_id"]), 0, "recorded", "a refund")
    same(p.rows("SELECT count(*), count(refunded_at), count(subscription) "
                "FROM purchases WHERE product = ?", once["permalink"]),
         [(1, 1, 0)], "is that sale's")
    exits(p.cli("trigger", "gumroad.renewal", "--set", "subscription_id=X"), 0,
          "recorded", "one that is not known")
    same(p.one("SELECT product FROM purchases WHERE subscription = 'X'"),
         "gatepost-test", "is as ever")
    done = subprocess.run([CTL_PROGRAM, "trigger", "gumroad.renewal",
                           "--set", sub, "--print"], cwd=folder(), env=BARE,
                          capture_output=True)
    ok(done.returncode == 0 and b"gatepost-test" in done.stdout,
       "--print needs no database", done)


def rows_sale(p, first):
    return p.one("SELECT sale FROM purchases WHERE subscription = ? "
                 "ORDER BY sold_at DESC LIMIT 1", first["subscription_id"])


def life(p, url):
    """A sale, its refund: the access goes."""
    a = p.cli("trigger", "gumroad.sale", "--to", url, "--set",
              "url_params[user_id]=life", "--set", "sale_id=LifeSale0001==")
    ok(a.returncode == 0, "a sale with its own id", a)
    exits(p.cli("access", "--user", "life"), 0, "has tier", "gives access")
    a = p.cli("trigger", "gumroad.refund", "--to", url, "--set",
              "sale_id=LifeSale0001==")
    ok(a.returncode == 0, "its refund", a)
    same(p.one("SELECT refunded_at IS NOT NULL FROM purchases WHERE sale = "
               "'LifeSale0001=='"), 1, "is one with it")
    exits(p.cli("access", "--user", "life"), 1, "has no tier", "takes it")
    exits(p.cli("purchases", "--user", "life"), 0, "refunded",
          "and is listed")


def made():
    d = folder() / "new"
    a = bare("init", d)
    exits(a, 0, "written, with fresh secrets", "init")
    conf, db = d / "gatepost.conf", d / "gatepost.db"
    for path in (conf, db):
        same(oct(path.stat().st_mode & 0o777), "0o600", path.name + ": 0600")
    text = conf.read_text()
    ok("@" not in text.replace("@example", "").split("tokens")[0],
       "no placeholder is left")
    exits(bare("init", d), 3, "stays as it is", "init twice")
    same(conf.read_text(), text, "nothing was changed")
    exits(bare("-c", conf, "check"), 0, "database", "check after init")
    other = folder() / "other"
    bare("init", other)
    ok((other / "gatepost.conf").read_text() != text, "secrets are fresh")
    before = db.read_bytes()
    for _ in range(2):
        exits(bare("-c", conf, "migrate"), 0, "is ready", "migrate again")
    same(sqlite3.connect(db).execute("SELECT count(*) FROM meta").fetchone()
         [0] > 0, True, "meta is there")
    ok(len(db.read_bytes()) == len(before), "and nothing more than before")
    exits(bare("init", "/proc/no/such"), 3, "/proc/no/such", "init nowhere")
    data = folder() / "data's"
    words = ("init", "--database", data / "own.db", "--public-url",
             "https://example.org/sub", folder())
    exits(bare(*words), 3, "own.db", "init, no folder for the database")
    data.mkdir()
    exits(bare(*words), 0, "own.db created", "init, a database elsewhere")
    ok((data / "own.db").exists(), "the database is there")
    exits(bare("-c", words[-1] / "gatepost.conf", "urls"), 0,
          "https://example.org/sub/hooks", "and the settings can be read")


def closed_folder():
    """sudo -u gatepost, in a folder that user may not enter: it looks on."""
    if os.getuid() != 0 or not shutil.which("setpriv"):
        skip("a folder one may not enter", "needs root and setpriv")
        return
    d = folder()
    d.chmod(0o755)
    program = shutil.copy2(CTL_PROGRAM, d)
    a = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534",
                        "--clear-groups", program, "check"], cwd=folder(),
                       capture_output=True, stdin=subprocess.DEVNULL)
    exits(a, 3, "no configuration: looked at /", "a folder one may not enter")


def other_user():
    """Closed to who asks: he is told as whom to ask."""
    if os.getuid() != 0 or not shutil.which("setpriv"):
        skip("files of another user", "needs root and setpriv")
        return
    lib.needs_file("its owner")
    p = Place()
    p.dir.chmod(0o755)
    data = p.dir / "data"
    data.mkdir()
    p.conf = p.conf.rename(data / "gatepost.conf")
    for name in p.dir.glob("gatepost.db*"):
        name.rename(data / name.name)
    program = shutil.copy2(CTL_PROGRAM, p.dir / "gatepost")
    for path in (data, *data.iterdir()):
        os.chown(path, 1, 1)
    owner = pwd.getpwuid(1).pw_name

    def ask(*args, closed=None, **options):
        return subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
             program, *args], capture_output=True, stdin=subprocess.DEVNULL,
            **options)
    conf = ["-c", p.conf]
    as_owner = "sudo -u %s %s -c %s " % (owner, program, p.conf)
    exits(ask(*conf, "check"), 3, as_owner + "check\n", "a closed folder")
    data.chmod(0o700)
    exits(ask(*conf, "access", "--user", "1"), 3, as_owner + "access …\n",
          "and an argument")
    data.chmod(0o711)
    exits(ask("check", env={"GATEPOST_CONFIG": str(p.conf)}), 3,
          as_owner + "check\n", "a closed configuration")
    data.chmod(0o755)
    exits(ask("check", cwd=data), 3, "sudo -u %s %s check\n" % (
        owner, program), "in the folder itself")
    os.chown(p.conf, 65534, 65534)
    for words in (["check"], ["sql", "SELECT 1"], ["events"],
                  ["work", "--once"], ["backup", "/dev/null/x"],
                  ["grant", "--user", "1", "--tier", "supporter"]):
        a = ask(*conf, *words)
        exits(a, 3, as_owner + words[0], "a closed database: " + words[0])
    (data / "gatepost.db").chmod(0o644)
    exits(ask(*conf, "grant", "--user", "1", "--tier", "x"), 3,
          as_owner + "grant …", "a database to read only")
    a = ask(*conf, "decode", "gumroad", "/etc/shadow")
    ok(b"sudo" not in a.stderr, "no other file", a)
    os.chown(p.conf, 0, 65534)
    p.conf.chmod(0o600)
    os.chown(data, 0, 0)
    exits(ask(*conf, "check"), 3, "sudo -u gatepost ", "all is root's")


def migrate():
    p = Place()
    p.cli("trigger", "gumroad.sale")
    before = p.dump()
    for _ in range(3):
        p.cli("migrate")
    same(p.dump(), before, "migrate changes nothing that is there")


def backup():
    lib.needs_file("a copy of it")
    p = Place()
    p.run()
    p.nginx()
    done, posted = threading.Event(), []

    def burst():
        n = 0
        while not done.is_set():
            posted.append(p.gumroad(sale(n)).status)
            n += 1
    threads = [threading.Thread(target=burst)]
    for t in threads:
        t.start()
    for n in range(5):
        copy = p.dir / ("copy%d.db" % n)
        least = len(posted)
        exits(p.cli("backup", copy), 0, "written", "backup while writing")
        db = sqlite3.connect(copy)
        ok(db.execute("PRAGMA integrity_check").fetchone()[0] == "ok",
           "the copy is sound")
        events = db.execute("SELECT count(*) FROM events").fetchone()[0]
        purchases = db.execute("SELECT count(*) FROM purchases").fetchone()[0]
        db.close()
        ok(events == purchases and events >= least,
           "and whole: %d events" % events, (events, purchases, least))
        same(oct(copy.stat().st_mode & 0o077), "0o0", "and its owner's alone")
    done.set()
    for t in threads:
        t.join()
    same(set(posted), {200}, "no sender noticed")
    before = (p.dir / "copy0.db").read_bytes()
    exits(p.cli("backup", p.dir / "copy0.db"), 3, "", "no copy over a file")
    same((p.dir / "copy0.db").read_bytes(), before, "which stays as it is")


def backups():
    """A folder of them, as the timer makes it."""
    lib.needs_file("a copy of it")
    p = Place()
    ok(b"backup" not in p.cli("check").stdout, "never made: nothing to say")
    kept = p.dir / "backups"
    kept.mkdir()
    old = ["gatepost-202601%02dT040506Z.db" % n for n in range(1, 10)]
    others = ["gatepost-20260101T040506Z.db.part", "notes.txt",
              "gatepost-20260101.db", "shop-20260101T040506Z.db"]
    for name in old + others:
        (kept / name).write_text("")
    unit = (lib.TOP / "src/ctl/gatepost-backup.service.in").read_text()
    line = re.search(r"^ExecStart=@bindir@/gatepost -c @sysconfdir@/gatepost/"
                     r"gatepost.conf (.*)$", unit, re.M).group(1)
    words = line.replace("${STATE_DIRECTORY}", str(kept)).split()
    p.cli("trigger", "gumroad.sale")
    exits(p.cli(*words), 0, str(kept / "gatepost-20"), "what the unit runs")
    left = sorted(f.name for f in kept.iterdir())
    new = [name for name in left if name not in old + others]
    same((len(new), sorted(set(left) - set(new))),
         (1, sorted(others + old[-6:])), "seven are kept, and what is not one")
    copy = kept / new[0]
    same(oct(copy.stat().st_mode & 0o777), "0o600", "its owner's alone")
    db = sqlite3.connect(copy)
    same(db.execute("SELECT count(*) FROM events").fetchone(), (1,), "whole")
    db.close()
    exits(p.cli("check"), 0, "backup last made on 20", "check: when")
    p.execute("UPDATE meta SET value = '1767225600' WHERE name = 'backup_at'")
    exits(p.cli("check"), 0, "more than a week ago", "check: too long ago")
    exits(p.cli("backup", "--keep", "7", p.dir / "x.db"), 2, "for a folder",
          "--keep and a file")
    exits(p.cli("backup", "--keep", "0", kept), 2, "whole number", "--keep 0")
    same(len(list(kept.iterdir())), len(left), "nothing was removed")


def restore():
    """A backup comes back, and what was there is not lost."""
    lib.needs_file("a copy of it")
    p = Place()
    p.run()
    p.nginx()
    copy = p.dir / "copy.db"

    def events(path):
        db = sqlite3.connect(path)
        n = db.execute("SELECT count(*) FROM events").fetchone()[0]
        sound = db.execute("PRAGMA integrity_check").fetchone()[0]
        db.close()
        return n, sound

    def folder_is(*more):
        return sorted(f.name for f in p.dir.glob("gatepost.db.*")
                      if f.name not in more)
    p.gumroad(sale(1))
    p.cli("backup", copy)
    p.gumroad(sale(2))
    before = copy.read_bytes()
    exits(p.cli("restore", copy, "--yes"), 3, "systemctl stop gatepost.socket",
          "while the program runs")
    same(p.gumroad(sale(3)).word(), "recorded", "which goes on")
    lib.stop(p.program)
    exits(p.cli("restore", copy), 2, "1 deliveries, the last on 20",
          "nobody to ask")
    for answer, code, text in (("n", 1, "nothing was changed"),
                               ("", 1, "nothing was changed")):
        exits(asked(p, answer, "restore", copy), code, text,
              "asked, and answered '%s'" % answer)
    for name, data in (("none.db", None), ("empty.db", b""),
                       ("text.db", b"no database, but long enough" * 99),
                       ("half.db", before[:len(before) // 2])):
        if data is not None:
            (p.dir / name).write_bytes(data)
        exits(p.cli("restore", p.dir / name, "--yes"), 3, name, "not " + name)
    other = sqlite3.connect(p.dir / "other.db")
    other.execute("CREATE TABLE a (b)")
    other.commit()
    other.close()
    exits(p.cli("restore", p.dir / "other.db", "--yes"), 3, "no deliveries",
          "a database of something else")
    same((events(p.db)[0], folder_is()), (3, []), "all is as it was")
    a = asked(p, "y", "restore", copy)
    exits(a, 0, "copy.db is checked, and in place: 1 deliveries",
          "asked, and answered 'y'")
    ok(b"after=0" in a.stdout and b"newest number is 1 " in a.stdout,
       "it says what to do about cursors", a.stdout.decode())
    kept = p.dir / folder_is()[0]
    same((events(p.db), events(kept), copy.read_bytes() == before),
         ((1, "ok"), (3, "ok"), True), "in place; kept; the backup itself")
    same(oct(p.db.stat().st_mode & 0o777), "0o600", "its owner's alone")
    p.run()
    same([p.gumroad(sale(n)).word() for n in (1, 2)],
         ["duplicate", "recorded"], "the program goes on with it")
    same(p.access("user=u2").json()["tier"], "supporter", "and answers")
    lib.stop(p.program)
    exits(p.cli("restore", kept, "--yes"), 0, "3 deliveries", "and back")
    same(events(p.db), (3, "ok"), "all is there")
    p.db.write_bytes(b"this is no database, but long enough" * 99)
    exits(p.cli("restore", copy, "--yes"), 0, "kept as", "over a broken one")
    p.db.unlink()
    exits(p.cli("restore", copy, "--yes"), 0, "1 deliveries", "where none is")
    same(events(p.db), (1, "ok"), "there it is")


def asked(p, answer, *words):
    """On a terminal."""
    master, slave = pty.openpty()
    os.write(master, answer.encode() + b"\n")
    try:
        return subprocess.run([CTL_PROGRAM, "-c", p.conf, *words],
                              stdin=slave, capture_output=True, timeout=60)
    finally:
        os.close(master)
        os.close(slave)


def has_open(pid, ending):
    for fd in Path("/proc/%d/fd" % pid).glob("*"):
        try:
            if os.readlink(fd).endswith(ending):
                return True
        except OSError:
            pass
    return False


def restore_cgi():
    """While deliveries come by plain CGI: each is in what was there, or in
    what is there now."""
    lib.needs_file("a copy of it")
    p = Place()
    p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), lib.FORM)
    p.cli("backup", p.dir / "copy.db")
    done, posted = threading.Event(), []

    def post(first):
        n = first
        while not done.is_set():
            a = p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(n),
                      lib.FORM)
            posted.append((n, a.status, a.word()))
            n += 1
    threads = [threading.Thread(target=post, args=(1000 * k,))
               for k in (1, 2, 3)]
    for t in threads:
        t.start()
    lib.until(lambda: len(posted) > 9, "deliveries")
    said = []
    for _ in range(20):
        a = p.cli("restore", p.dir / "copy.db", "--yes")
        said.append(a.returncode)
        if a.returncode == 0:
            break
    n = len(posted)
    lib.until(lambda: len(posted) > n + 9, "more of them")
    done.set()
    for t in threads:
        t.join()
    ok(said[-1] == 0, "restored, while they come", (said, a))
    with open(str(p.db) + "-turn") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        child = lib.start([CTL_PROGRAM, "-c", p.conf, "restore",
                           p.dir / "copy.db", "--yes"],
                          stdout=subprocess.DEVNULL)
        lib.until(lambda: child.poll() is not None or has_open(
            child.pid, "-turn"), "it to ask for its turn")
        same(child.poll(), None, "one that is being written is waited for")
        fcntl.flock(turn, fcntl.LOCK_UN)
        same(child.wait(lib.LIMIT), 0, "then it goes on")
    there = set()
    for path in (p.db, *p.dir.glob("gatepost.db.before-*Z")):
        db = sqlite3.connect(path)
        there |= {r[0] for r in db.execute("SELECT sale FROM purchases")}
        db.close()
    lost = [n for n, status, word in posted if status == 200 and
            "E2Esale%08d==" % n not in there]
    same((lost, {s for _, s, _ in posted} <= {200, 503}), ([], True),
         "%d of %d answered 200, none is lost" % (
             len([1 for _, s, _ in posted if s == 200]), len(posted)))


def escapes():
    """A buyer can type what moves a terminal."""
    p = Place()
    p.run()
    p.nginx()
    turns = "\u061c\u200e\u200f\u202a\u202e\u2066\u2069"
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f%s\r\nEVIL" % turns
    quoted = "".join("\\u%04x" % ord(c) for c in evil)
    body = fixture("gank/um-documented").replace(b"Test Membership! <>&...",
                                                 quoted.encode())
    a = p.gank(body)
    same(a.status, 200, "gank with escapes in the title")
    form = "".join("%%%02X" % b for b in evil.encode())
    body = fixture("gumroad/01-sale-onetime").replace(
        b"Pencil%20Icon%20PSD", form.encode()).replace(
        b"permalink=pencil", b"permalink=" + form.encode(), 1)
    body += b"&variants%5BTier%5D=" + form.encode()
    body += b"&url_params%5Buser_id%5D=" + form.encode()
    a = p.gumroad(body)
    same(a.status, 200, "gumroad with escapes everywhere")
    raw = b"{\"event\":\"" + evil.encode() + b"\"}"
    p.gank(raw)
    # no control character: an identifier
    user = "u" + turns
    body = sale(1).replace(b"=u1", b"=" + "".join(
        "%%%02X" % b for b in user.encode()).encode())
    same(p.gumroad(body).status, 200, "a user who turns the text")
    p.cli("revoke", "--user", user)
    for words in (["events"], ["purchases"], ["check"], ["event", "1"],
                  ["event", "2"], ["event", "3"],
                  ["access", "--email", "calvin@example.com"],
                  ["access", "--user", evil], ["decode", "gank", "-"],
                  [evil], ["events", "--" + evil], ["event", evil],
                  ["events", "--json"], ["purchases", "--json"],
                  ["event", "1", "--json"], ["event", "2", "--json"],
                  ["event", "3", "--json"], ["event", "4", "--json"],
                  ["decode", evil], ["decode", "gank", "--json"],
                  ["members"], ["members", "--json"], ["subscriptions"],
                  ["subscriptions", "--json"], ["outbox"], ["outbox", "--json"],
                  ["access", "--user", user], ["explain", "--user", user],
                  ["access", "--user", user, "--json"],
                  ["explain", "--user", user, "--json"],
                  ["export", "purchases", "--format", "jsonl"]):
        a = p.cli(*words, data=raw)
        for what, out in (("output", a.stdout), ("errors", a.stderr)):
            moves(out, turns, "%s: %s" % (ascii(" ".join(words))[1:30], what))
    for kind in ("events", "purchases", "subscriptions"):
        moves(on_terminal(p, "export", kind).replace(b"\r\n", b"\n"), turns,
              "export %s to a terminal" % kind)
    a = p.cli("export", "purchases")
    ok(user.encode() in a.stdout, "export to a file keeps it", a.stdout)
    moves(p.log_text().encode(), turns, "the log")


def moves(out, turns, name):
    """Nothing in it is obeyed by a terminal instead of shown."""
    text = out.decode("utf-8", "replace")
    bad = [c for c in text if (ord(c) < 32 and c != "\n") or
           127 <= ord(c) < 160 or c in turns]
    ok(not bad and "\ufffd" not in text,
       name + ": nothing moves the terminal", (bad, out[:300]))


def on_terminal(p, *args):
    """What the command writes to a terminal."""
    ours, its = pty.openpty()
    child = start([CTL_PROGRAM, "-c", p.conf, *args], stdout=its,
                  stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(its)
    out = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # EIO: the other side is closed
            break
        if not piece:
            break
        out += piece
    os.close(ours)
    same(stop(child), 0, "%s on a terminal" % args[0])
    return out


def wrong_config():
    """Each fixture names file and line."""
    p = Place()
    text = p.conf.read_text().splitlines()
    for name, line, new in (
            ("unknown key", 3, "api_key = { 'x' }"),
            ("empty secret", 6, "  tokens = { '' }"),
            ("short token", 6, "  tokens = { 'short' }"),
            ("placeholder", 6, "  tokens = { 'CHANGE-ME-CHANGE-ME' }"),
            ("missing brace", 6, "  tokens = { '%s'" % p.tokens[0]),
            ("not a number", 5, "threads = many"),
            ("unset variable", 3, "api_keys = { '${NO_SUCH_VARIABLE}' }")):
        lines = list(text)
        if line == 5:
            lines.insert(4, new)
        else:
            at = [i for i, l in enumerate(text) if l.split("=")[0].strip() ==
                  new.split("=")[0].strip().replace("api_key", "api_keys")
                  .replace("keyss", "keys")][0]
            lines[at] = new
            line = at + 1
        p.conf.write_text("\n".join(lines) + "\n")
        a = p.cli("check")
        where = "%s:" % p.conf
        ok(a.returncode == 3 and where in a.stderr.decode(),
           "%s: the file is named" % name, a)
        number = a.stderr.decode().split(where)[-1].split(":")[0]
        # a brace that is missing shows further down
        ok(number == str(line) or name == "missing brace",
           "%s: line %d" % (name, line), a)
    p.conf.write_text("\n".join(text) + "\n")
    p.conf.chmod(0o644)
    exits(p.cli("check"), 3, "chmod", "readable by others")
    p.conf.chmod(0o600)
    exits(p.cli("check"), 0, "database", "put right")


main(codes, found, wrong_file, as_json, decode, verify, trigger, trigger_tier,
     trigger_follow, made, closed_folder, other_user, migrate, backup, backups,
     restore, restore_cgi, escapes, wrong_config)
