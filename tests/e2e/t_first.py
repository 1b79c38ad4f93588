#!/usr/bin/env python3
"""Shared hosting from the upload to "Ready", as its owner does it: a form, a
file to save, a test delivery through the front door, and what cron does then.
A real Apache, and a client that reads forms as browsers do."""

import sys
sys.dont_write_bytecode = True
import html.parser
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.parse

from apache import ApachePlace
from asked import agrees, shop
from lib import (CTL_PROGRAM, FORM, LIMIT, SLOW, TOP, basic, http_request,
                 main, npm_kept, ok, same, skip, start, stop, until)
from t_browser import PLAYWRIGHT

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
           "User-Agent": "Mozilla/5.0"}
NASTY = "\"><script>alert(1)</script>'\\"


class Page(html.parser.HTMLParser):
    """What a browser makes of an answer: headline, text, forms, textarea."""

    def __init__(self, answer, path):
        super().__init__()
        self.status, self.path = answer.status, path
        self.headers, self.raw = answer.headers, answer.body.decode()
        self.tags, self.text, self.areas = [], "", []
        self.forms, self.into, self.headline = [], None, None
        self.feed(self.raw)
        self.secrets = set(re.findall(r"[0-9a-f]{48}", self.file or self.raw))

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.tags.append(tag)
        self.into = tag
        if tag == "form":
            self.forms.append({"to": a.get("action", self.path),
                               "fields": {}, "method": a["method"]})
        elif tag == "input":
            self.forms[-1]["fields"][a["name"]] = a.get("value", "")
        elif tag == "textarea":
            self.areas.append("")

    def handle_endtag(self, tag):
        self.into = None

    def handle_data(self, data):
        if self.into == "textarea":
            # the line end behind the tag is not of the text
            self.areas[-1] += data[1:] if not self.areas[-1] else data
        elif self.into == "h1":
            self.headline = data
        elif self.into != "style":
            self.text += data

    @property
    def file(self):
        return self.areas[0] if self.areas else None

    def says(self, words):
        return words in re.sub(r"\s+", " ", self.text)


class Owner:
    """Somebody with a folder of a web root, a browser, and no shell."""

    def __init__(self):
        self.p = ApachePlace(init=False, server=False)
        self.p.conf.unlink()
        folder = self.p.cgi_site()
        ht = folder / ".htaccess"
        ht.write_text(ht.read_text() +
                      "\nSetEnvIf X-Test-Https on HTTPS=on\n")
        self.p.apache('CustomLog %s/access.log "%%r"' % self.p.dir)
        self.https = {"X-Test-Https": "on"}

    def open(self, path="/pay/", method="GET", body=None, **more):
        a = http_request(self.p.port, method, path, body,
                         {**BROWSER, **self.https, **more})
        return Page(a, path)

    def press(self, page, which=-1, **typed):
        """Sends a form as a browser does, with some fields typed anew."""
        form = page.forms[which]
        fields = {**form["fields"], **{
            k.replace("__", "."): v for k, v in typed.items()}}
        path = urllib.parse.urlsplit(form["to"]).path
        return self.open(path, "POST", urllib.parse.urlencode(fields), **FORM)

    def site(self, scheme="https"):
        return "%s://127.0.0.1:%d/pay" % (scheme, self.p.port)

    def save(self, page, text=None):
        self.p.conf.write_text(text or page.file)
        self.p.conf.chmod(0o600)
        self.p.own()

    def key(self, page, name):
        return re.search(r"^\t?%s = (?:\{ )?'(.*?)'(?: \})?$" % name,
                         page.file, re.M)[1]

    def made(self, **typed):
        return self.press(self.open(), **typed)

    def log(self):
        return (self.p.apache_log("apache.error.log") +
                self.p.apache_log("access.log"))


def flow():
    o = Owner()
    p = o.p
    f = p.fake = shop("--history", 40)
    page = o.open()
    same((page.status, page.headline, page.file),
         (200, "Gatepost runs. One file is missing", None), "first a form")
    fields = page.forms[0]["fields"]
    same(fields["public_url"], o.site(), "the address is filled in")
    same(sorted(fields), ["alert_mail", "gank.creator_token", "gank.secrets",
                          "gumroad.api_token", "kofi.tokens", "public_url"],
         "the fields")
    ok(not page.secrets and "script" not in page.tags, "no secret yet")
    before = sorted(p.dir.rglob("*"))
    token, gank = "fake-token-of-16", "it's \\ a secret"
    f.do("add_token", token=token)
    saved = o.press(page, gumroad__api_token="  %s " % token,
                    gank__secrets=gank, alert_mail="me@example.org")
    same((saved.status, saved.headline), (200, "Save this file"), "the file")
    same((o.key(saved, "public_url"), o.key(saved, "api_token"),
          o.key(saved, "alert_mail")), (o.site(), token, "me@example.org"),
         "holds what was typed")
    ok("\tsecrets = { 'it\\'s \\\\ a secret' }\n" in saved.file,
       "quoted as the settings want it", saved.file)
    same(len(saved.file.splitlines()),
         len((TOP / "src/ctl/gatepost.conf.in").read_text().splitlines()),
         "with all comments, line by line")
    href = re.search(r'href="data:application/octet-stream,([^"]*)"',
                     saved.raw)[1]
    same(urllib.parse.unquote(href), saved.file, "the link saves the same")
    same([name for name in saved.headers if "cookie" in name], [],
         "no cookie")
    same(saved.headers.get("cache-control"), "no-store", "kept nowhere")
    ok("form-action 'self' https://127.0.0.1:%d;" % p.port in
       saved.headers["content-security-policy"], "the form may be sent",
       saved.headers)
    same(saved.forms[-1]["to"], o.site() + "/hooks/gumroad",
         "to the hook's own address")
    other = o.made()
    ok(len(saved.secrets) == 3 and not saved.secrets & other.secrets,
       "each time other secrets", (saved.secrets, other.secrets))
    same([x for x in sorted(p.dir.rglob("*")) if x not in before and
          x.suffix != ".log"], [], "nothing was stored")

    early = o.press(saved)
    same((early.status, early.headline), (503, "Not ready yet"), "too early")
    ok(early.says("not there yet") and str(p.dir) not in early.raw,
       "says so", early.text)
    o.save(saved, "nonsense\n")
    bad = o.press(early)
    ok(bad.status == 503 and bad.says("cannot be used") and
       str(p.dir) not in bad.raw, "a bad file: where the reason is", bad.text)
    o.save(other)
    wrong = o.press(saved)
    ok(wrong.status == 404 and wrong.says("another token") and
       not wrong.secrets & other.secrets and str(p.dir) not in wrong.raw,
       "the file of another visit", wrong.text)
    o.save(saved)
    plain = http_request(p.port, "POST", "/pay/hooks/gumroad", "",
                         {**BROWSER, **FORM})
    same((plain.status, plain.word()), (404, "not_found"),
         "without a token a browser is told as ever")
    strangers(o, saved)

    a = http_request(p.port, "POST", "/pay/hooks/gumroad",
                     urllib.parse.urlencode({
                         **saved.forms[-1]["fields"], "price": "901"}),
                     {**BROWSER, **FORM, **basic(o.key(saved, "tokens"))})
    same((a.status, a.word(), p.one("SELECT body LIKE '%proof=%' FROM events")),
         (200, "test", 1), "what is not our form is stored as it came")
    p.execute("DELETE FROM events")
    ready = o.press(saved)
    same((ready.status, ready.headline), (200, "Ready"), "ready")
    ok(ready.says("ok: it came over https") and ready.says("Seen so far: 1"),
       "says what it saw", ready.text)
    hook = o.key(saved, "tokens")
    for address in (o.site() + "/hooks/gumroad/" + hook,
                    "https://gatepost:%s@127.0.0.1:%d/pay/hooks/gumroad" %
                    (hook, p.port)):
        ok(address in ready.raw, "what to paste", ready.text)
    ok("/hooks/gank" in ready.text and gank not in ready.text and
       "Ko-fi" not in ready.text, "and at the other shop that was named",
       ready.text)
    ok(ready.says("It has not run yet") and
       ready.says("are ordered when cron runs") and
       ready.says("comes in when cron runs"), "what waits for cron")
    ok(ready.says("Without cron:") and
       ready.says("refunds, disputes and cancellations never arrive"),
       "and what will not be")
    ok("cd %s && ./gatepost work --once" % p.dir in ready.text, "cron's line")
    same(p.rows("SELECT kind, status, seen FROM events"),
         [("probe", "test", 1)], "one row, a test")
    same(p.one("SELECT count(*) FROM purchases"), 0, "that counts for nothing")
    again = o.press(ready)
    ok(again.headline == "Ready" and again.says("Seen so far: 2"), "again",
       again.text)
    same(p.events(), 1, "it stays one row")
    a = p.post("/pay/hooks/gumroad", own_test(p), {
        **FORM, **basic(hook), "Accept": "*/*", "User-Agent": "Ruby"})
    same((a.status, a.word()), (200, "test"), "the shop's own test")
    ok(o.press(again).says("A test came from there"), "is seen on the page")
    http(o, saved)
    nothing_leaks(o, token, gank, hook)
    cron(o, f, saved, token)


def own_test(p):
    return p.cli("trigger", "gumroad.test_ping", "--print").stdout.strip()


def strangers(o, saved):
    """What somebody without the token gets, once there is a file."""
    secret = set(saved.secrets)
    trial = saved.forms[-1]["fields"]
    for name, answer in (
            ("the folder", o.open()),
            ("the folder, posted", o.open("/pay/", "POST", "public_url=x",
                                          **FORM)),
            ("the program", o.open("/pay/gatepost.cgi")),
            ("a wrong token", o.open(
                "/pay/hooks/gumroad", "POST", urllib.parse.urlencode(
                    {**trial, "proof": "0" * 48}), **FORM)),
            ("an empty one", o.open("/pay/hooks/gumroad", "POST", "proof=",
                                    **FORM)),
            ("a huge one", o.open("/pay/hooks/gumroad", "POST", "proof=" +
                                  "a" * 100000, **FORM)),
            ("another hook", o.open("/pay/hooks/gank", "POST", "proof=" +
                                    "0" * 48, **FORM)),
            ("markup", o.open("/pay/hooks/gumroad", "POST",
                              urllib.parse.urlencode(
                                  {**trial, "proof": NASTY}), **FORM))):
        ok(answer.status in (401, 404, 405) and
           not secret & answer.secrets and "script" not in answer.tags and
           str(o.p.dir) not in answer.raw and "work --once" not in answer.raw,
           name + ": nothing is told", (answer.status, answer.raw))
    same(o.p.dir.joinpath("gatepost.db").exists(), False,
         "nothing is stored for them")


def http(o, saved):
    o.https = {}
    page = o.press(saved)
    ok(page.headline == "Not ready yet" and page.says("it came over http"),
       "http: not ready", page.text)
    o.https = {"X-Forwarded-Proto": "https"}
    same(o.press(saved).headline, "Ready", "a server before it says https")
    o.https = {"X-Test-Https": "on"}
    page = o.open("/pay/gatepost.cgi/hooks/gumroad", "POST",
                  urllib.parse.urlencode(saved.forms[-1]["fields"]), **FORM)
    ok(page.headline == "Not ready yet" and
       page.says("another address than public_url"), "another address",
       page.text)


def nothing_leaks(o, *typed):
    log = o.log()
    ok("POST /pay/hooks/gumroad" in log, "the access log is there", log)
    for word in typed:
        ok(word not in log and urllib.parse.quote(word) not in log and
           urllib.parse.quote_plus(word) not in log, "no log holds it", word)


def cron(o, f, saved, token):
    """`work --once` does what needs a shell elsewhere."""
    p = o.p
    p.conf.write_text(saved.file.replace(
        "\t#api = 'https://api.gumroad.com'",
        "\tapi = 'http://127.0.0.1:%d'" % f.port).replace(
        "secrets = { 'it", "#secrets = { 'it"))

    def registered(kind):
        rows = f.get("/v2/resource_subscriptions?resource_name=" + kind)
        return [r["post_url"] for r in rows.json()["resource_subscriptions"]]

    same(registered("refund"), [], "nothing is ordered before")
    f.do("misbehave", kind="unauthorized")
    done = p.cli("work", "--once")
    ok(b"refuses the token" in done.stderr, "a bad token is told", done)
    f.do("misbehave", clear=True)
    p.own()
    ok(o.press(saved).says("are ordered when cron runs"), "and it still waits")
    done = p.cli("work", "--once")
    same((done.returncode, done.stderr), (0, b""), "work --once")
    address = "https://gatepost:%s@127.0.0.1:%d/pay/hooks/gumroad" % (
        o.key(saved, "tokens"), p.port)
    same([registered(kind) for kind in ("sale", "refund", "cancellation")],
         [[address]] * 3, "orders all notices")
    agrees(p, "imported")
    same(p.one("SELECT count(*) FROM drift"), 0, "none of it is drift")
    p.own()
    page = o.press(saved)
    read = p.one("SELECT read FROM readings WHERE kind = 'import'")
    ok(page.says("ok: the other notices") and page.says("It has run here") and
       page.says("ok: what was sold before is in. Read: %d" % read) and
       read > 20, "the page tells it", page.text)
    p.cli("register", "--remove")
    p.cli("work", "--once")
    same((registered("refund"), p.one("SELECT count(*) FROM readings WHERE "
                                      "kind = 'import'")), ([], 1),
         "the wish is fulfilled once")
    same(p.cli("check").stdout.count(b"PROBLEM  gumroad"), 0, "check agrees")


def slices():
    """An import that does not fit into one run goes on in the next."""
    o = Owner()
    p = o.p
    f = p.fake = shop("--history", 120)
    saved = o.made(gumroad__api_token="fake-token-of-16")
    f.do("add_token", token="fake-token-of-16")
    o.save(saved, saved.file.replace(
        "\t#api = 'https://api.gumroad.com'",
        "\tapi = 'http://127.0.0.1:%d'" % f.port))
    same(o.press(saved).headline, "Ready", "slices: ready")
    f.do("misbehave", kind="delay", path="/v2/sales", seconds=0.3)
    child = start([CTL_PROGRAM, "-c", p.conf, "work", "--once"])
    sql = "SELECT max(read) FROM readings WHERE kind = 'import'"
    until(lambda: (p.one(sql) or 0) > 10, "slices: some sales")
    stop(child, signal.SIGKILL)
    p.execute("UPDATE meta SET value = '000000000001' || substr(value, 13) "
              "WHERE name = 'lease gumroad' AND value <> ''")
    p.own()
    page, part = o.press(saved), p.one(sql)
    ok(page.says("comes in when cron runs") and
       page.says("Read so far: %d." % part), "slices: not yet all", page.text)
    f.do("misbehave", clear=True)
    same(p.cli("work", "--once").returncode, 0, "slices: the next run")
    agrees(p, "slices")
    rows = p.rows("SELECT read, ended_at IS NULL FROM readings WHERE kind = "
                  "'import'")
    ok(len(rows) == 1 and rows[0][0] > part and not rows[0][1],
       "slices: one reading, which went on", (part, rows))


BAD = (
    ("public_url", "", "begins with https"),
    ("public_url", "example.org", "begins with https"),
    ("public_url", "ftp://example.org", "begins with https"),
    ("public_url", "https://", "not the address of a site"),
    ("public_url", "https://exa mple.org", "not the address of a site"),
    ("public_url", "https://you:pw@example.org", "not the address of a site"),
    ("public_url", "https://example.org;form-action *", "not the address"),
    ("public_url", "https://example.org;x", "no host has"),
    ("public_url", "https://" + "a" * 2000, "too long"),
    ("gumroad.api_token", "short", "too short: it has 5 characters"),
    ("gumroad.api_token", "xxxxxxxxxxxxxxxxxxxx", "a placeholder"),
    ("gumroad.api_token", "abcdefgh\nijklmnopqrst", "a line end"),
    ("gumroad.api_token", "abcdefgh${HOME}ijklmnopq", "holds ${"),
    ("gumroad.api_token", "Bearer abcdefghijklmnop", "copy the token alone"),
    ("gumroad.api_token", "abcdefghijklmnopü", "copy the token alone"),
    ("gank.secrets", "your-secret", "a placeholder"),
    ("gank.secrets", "a\x00b", "a line end"),
    ("gank.secrets", NASTY + "\x7f", "a line end"),
    ("kofi.tokens", "short", "too short"),
    ("alert_mail", "nobody", "not one e-mail address"),
    ("alert_mail", NASTY, "not one e-mail address"),
    ("alert_mail", "a@example.org, b@example.org", "not one e-mail address"),
)


def values():
    o = Owner()
    page = o.open()
    for name, value, words in BAD:
        a = o.press(page, **{name.replace(".", "__"): value,
                             "alert_mail" if name != "alert_mail" else
                             "gank__secrets": "kept@example.org"})
        ok(a.headline == "Gatepost runs. One file is missing" and not a.file
           and a.says("This ") and a.says(words) and
           len(re.findall('<b class="bad">This ', a.raw)) == 1,
           "%s %r: %s" % (name, value[:20], words), a.text)
        same((a.forms[0]["fields"][name], "script" in a.tags,
              "kept@example.org" in a.forms[0]["fields"].values()),
             (value.strip(), False, True),
             "%s %r is there to be mended" % (name, value[:20]))
    a = o.press(page, gank__secrets=NASTY, public_url="https://Ex.org/a'b/")
    ok(not a.file, "a quote in the address", a.text)
    a = o.press(page, gank__secrets=NASTY + "€ü", public_url=o.site() + "///")
    same((a.headline, "script" in a.tags), ("Save this file", False),
         "markup in a secret")
    o.save(a)
    same(o.press(a).headline, "Ready", "leads to Ready")
    o.p.conf.unlink()
    for name, more, body in (
            ("of another site", {"Sec-Fetch-Site": "cross-site"},
             "public_url=https://evil.example"),
            ("with bad escapes", {}, "public_url=%zz"),
            ("of JSON", {}, "{}")):
        a = o.open("/pay/", "POST", body, **{**FORM, **more})
        ok(not a.file and a.forms[0]["fields"]["public_url"] in
           (o.site(), ""), "a post " + name + " is no form", a.raw)
    a = o.open("/pay/", "POST", "public_url=" + urllib.parse.quote(o.site()) +
               "&gank.secrets=" + "x" * 1100000, **FORM)
    ok(not a.file, "a huge post", a.status)
    a = o.open(Host="x\"><script>")
    ok("script" not in a.tags, "nothing of a visitor's in it", a.raw)
    o.https = {}
    ok(o.open().says("came over http"), "and that http is no way")


def exposed():
    """Who may write the database may have written the test delivery."""
    o = Owner()
    saved = o.made()
    o.save(saved)
    same(o.press(saved).headline, "Ready", "exposed: ready")
    db = o.p.dir / "gatepost.db"
    db.chmod(0o606)
    page = o.press(saved)
    ok(page.headline == "Not ready yet" and page.says("may write the database")
       and not page.says("Seen"), "exposed: not ready", page.text)
    db.chmod(0o600)
    same(o.press(saved).headline, "Ready", "exposed: mended")
    same(o.p.one("SELECT count(*) FROM meta WHERE name LIKE 'wish%'"), 2,
         "exposed: the wishes")
    ok(o.press(saved).says("No api_token is in gumroad { }"),
       "without a token it says what does not come")
    # somewhere else there is one
    f = shop()
    o.p.conf.write_text(saved.file.replace(
        "\t#api_token = '…'", "\tapi_token = 'fake-token'").replace(
        "\t#api = 'https://api.gumroad.com'",
        "\tapi = 'http://127.0.0.1:%d'" % f.port).replace(
        "public_url = 'https", "public_url = 'http"))
    same(o.p.cli("work", "--once").returncode, 0, "a copy elsewhere")
    same((f.get("/v2/resource_subscriptions?resource_name=refund").json()
          ["resource_subscriptions"],
          o.p.one("SELECT count(*) FROM readings WHERE kind = 'import'")),
         ([], 0), "has no wishes")


def browsed():
    """The same in Chromium, without scripts."""
    if SLOW:
        skip("in a browser", "it has a build of its own")
        return
    program = shutil.which("chromium")
    if not ok(program and shutil.which("node") and shutil.which("npm"),
              "chromium, node and npm are there"):
        return
    modules = npm_kept(PLAYWRIGHT)
    if not modules:
        return
    o = Owner()
    child = start(["timeout", "120", "node", TOP / "tests/e2e/first.mjs"],
                  text=True, bufsize=1, stdin=subprocess.PIPE,
                  stdout=subprocess.PIPE)

    def step(line):
        child.stdin.write(line + "\n")
        return json.loads(child.stdout.readline())

    first = step(json.dumps({
        "url": o.site("http") + "/", "chromium": program,
        "modules": str(modules), "root": os.getuid() == 0}))
    same(first, {"headline": "Gatepost runs. One file is missing",
                 "wide": False}, "browser: the form")
    page = json.loads(child.stdout.readline())
    same((page["headline"], page["wide"], page["name"]),
         ("Save this file", False, "gatepost.conf"), "browser: the file")
    same(page["download"], page["file"], "browser: the link saves it")
    ok("alert_mail = 'me@example.org'" in page["file"],
       "browser: with what was typed")
    early = step("It is saved")
    ok("not there yet" in early["text"], "browser: too early", early)
    o.p.conf.write_text(page["download"])
    o.p.conf.chmod(0o600)
    o.p.own()
    for button, seen in (("Try again", 1), ("Look again", 2)):
        last = step(button)
        ok("Seen so far: %d" % seen in last["text"] and
           last["text"].count("PROBLEM") == 1 and "came over http" in
           last["text"], "browser: %s: http alone is wrong" % button, last)
    same((last["url"], last["wide"]), (o.site("http") + "/hooks/gumroad",
                                       False), "browser: at the hook")
    ok(all("503" in line for line in last["noise"]),
       "browser: nothing is complained of", last["noise"])
    child.stdin.close()
    same(child.wait(LIMIT), 0, "browser: ends")


if __name__ == "__main__":
    main(flow, slices, values, exposed, browsed)
