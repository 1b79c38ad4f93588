#!/usr/bin/env python3
"""Buy first, sign up later: links in mails, /me, links to files."""

import sys
sys.dont_write_bytecode = True
import base64
import email
import email.policy
import hashlib
import hmac
import http.client
import json
import os
import re
import shutil
import subprocess
import time
import urllib.parse

from lib import (FCGI_PROGRAM, FIXTURES, FORM, LIMIT, SLOW, STDIN, Fcgi, Place,
                 b64, cgi_params, fcgi_head, folder, http_request, main, ok,
                 parse_cgi, sale, same, skip, stream, until)

ASKED = "If something was bought with that address"
CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; "
       "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
MORE = """threads = 4
mail { from = 'shop@example.org'
  sendmail = '%s'
  templates = 'texts' }
files '/g' { root = 'g'
  tier = 'supporter'
  link_for = '1h' }
files '/pro' { root = 'pro'
  allow = 'dm.bulk' }
files '/page' { root = 'page'
  tier = 'supporter' }
%s"""


def link(p, purpose, *fields, lasts=60, url="https://example.org", secret=None):
    """A token of a link, as the program makes it."""
    text = "\n".join([str(int(time.time()) + lasts), *fields]).encode()
    label = "gatepost link 1 %s %s" % (purpose, url)
    key = hmac.new((secret or p.pass_secret).encode(), label.encode(),
                   hashlib.sha256).digest()
    return (b64(text) + b"." + b64(
        hmac.new(key, text, hashlib.sha256).digest())).decode()


def started(more="", run=True, mailer=True):
    p = Place(init=False)
    for name in ("g", "pro", "page"):
        (p.dir / name).mkdir()
        (p.dir / name / "p\u00e9n <1>.txt").write_bytes(b"of " + name.encode())
    (p.dir / "texts").mkdir()
    (p.dir / "texts/w.txt").write_text("Subject: Yours\n\n{download}\n{link}\n")
    (p.dir / "g/.hidden").write_bytes(b"")
    (p.dir / "page/index.html").write_bytes(b"<p>page")
    shutil.copy(FIXTURES / "mail/sendmail", p.dir / "sendmail")
    p.configure(more=MORE % (p.dir / "sendmail", more))
    if not mailer:
        p.conf.write_text(re.sub(r"mail \{[^}]*\}\n", "",
                                 p.conf.read_text()))
    done = p.cli("migrate")
    if done.returncode != 0:
        raise RuntimeError("migrate: %r" % done.stderr)
    if run:
        p.run()
        p.nginx()
    return p


def bought(p, n):
    """A sale; its address and its id."""
    if p.port:
        same(p.gumroad(sale(n)).word(), "recorded", "sale %d" % n)
    else:
        a = p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(n),
                  {"Content-Type": FORM["Content-Type"]})
        same(a.word(), "recorded", "sale %d" % n)
    return p.rows("SELECT email, sale FROM purchases WHERE user_ref = ?",
                  "u%d" % n)[0]


def form(p, path, headers=None, **fields):
    return p.post(path, urllib.parse.urlencode(fields).encode(),
                  {**FORM, **(headers or {})})


def mails(p):
    return [email.message_from_bytes(f.read_bytes(),
                                     policy=email.policy.default)
            for f in sorted((p.dir / "mails").glob("*.eml"))]


def cookie_of(a):
    head, _, rest = a.headers.get("set-cookie", "").partition("; ")
    return head, rest


def signed_in(p, address):
    cookie, rest = cookie_of(form(p, "/me", token=link(p, "signin", address)))
    return {"Cookie": cookie}


def gate(p, headers):
    return p.direct("GET", "/gate?tier=supporter", headers=headers).status


def flow():
    """A purchase, a mail asked for, its link, the page, a download."""
    p = started()
    address, _ = bought(p, 1)
    a = p.get("/me")
    same((a.status, a.headers["cache-control"], a.headers["referrer-policy"],
          a.headers["content-security-policy"]),
         (200, "no-store", "same-origin", CSP), "the page")
    ok(b"<script>" not in a.body and b"style=" not in a.body and
       b' onclick' not in a.body, "nothing inline")
    for name, kind in (("me.css", "text/css"), ("me.js", "text/javascript")):
        a = p.get("/me/" + name)
        ok(a.status == 200 and a.headers["content-type"].startswith(kind) and
           a.headers["x-content-type-options"] == "nosniff", name, a)
    same(p.get("/me/x").status, 404, "no other part")

    a = form(p, "/me/link", email=" " + address.upper())
    ok(a.status == 200 and ASKED in a.body.decode(), "asked for a link", a)
    other = form(p, "/me/link", email="nobody@example.org")
    same((other.status, other.body, sorted(other.headers)),
         (a.status, a.body, sorted(a.headers)), "nobody is told the same")
    until(lambda: mails(p), "a mail")
    until(lambda: p.one("SELECT count(*) FROM signins WHERE email IS NOT NULL")
          == 0, "both settled")
    time.sleep(0.2)
    same([m["To"] for m in mails(p)], [address], "one mail, to who bought")
    text = mails(p)[0].get_content()
    token = re.search(r"^https://example\.org/me#(\S+)$", text, re.M)[1]
    dump = repr(p.dump()) + repr(p.rows("SELECT * FROM signins"))
    ok(token not in dump and "nobody@" not in dump, "the database holds "
       "neither the link nor who never bought")

    a = form(p, "/me", token="https://example.org/me#" + token + "\n")
    cookie, rest = cookie_of(a)
    same((a.status, a.headers["location"], rest),
         (303, "./me", "Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; "
          "Secure"), "signed in, by the whole link pasted")
    claims = json.loads(base64.urlsafe_b64decode(
        cookie.split("=", 1)[1].split(".")[1] + "=="))
    same((claims["sub"], claims["by"]), (address, "email"),
         "the pass is for that address alone")
    mine = {"Cookie": cookie}
    a = p.get("/me", mine)
    page = a.body.decode()
    ok(address in page and "supporter, for ever" in page, "what is owned",
       page)
    ok("p\u00e9n &lt;1&gt;.txt" in page and "/page/" in page and
       "pro" not in page and "hidden" not in page, "and what it opens", page)
    same((a.headers["cache-control"], a.headers["content-security-policy"]),
         ("no-store", CSP), "as strict as before")
    href = re.search(r'href="([^"]*/g/[^"]*)"', page)[1]
    a = p.get(urllib.parse.urljoin("/me", href), mine)
    same((a.status, a.body), (200, b"of g"), "a download of the page")
    same(gate(p, mine), 204, "and the gate opens")
    a = form(p, "/me", mine, out="1")
    ok(a.status == 303 and cookie_of(a)[0] == "__Host-gatepost=" and
       "Max-Age=0" in cookie_of(a)[1], "signed out", a)
    p.check_logs(token, address)


def links():
    """What signs in, and what does not."""
    p = started()
    address, number = bought(p, 2)
    good = link(p, "signin", address)
    passed = p.cli("pass", "--email", address).stdout.decode().strip()
    for name, token in (
            ("over", link(p, "signin", address, lasts=-1)),
            ("of a file", link(p, "file", "/g/x", "gumroad", number)),
            ("of another site", link(p, "signin", address,
                                     url="https://example.com")),
            ("of another secret", link(p, "signin", address, secret="x" * 40)),
            ("a pass", passed), ("cut", good[:-1]), ("none", ""),
            ("too long", "x" * 5000),
            ("no address", link(p, "signin", "x\0y"))):
        a = form(p, "/me", token=token)
        ok(a.status == 403 and "set-cookie" not in a.headers and
           b"ask for a new one" in a.body, "not: " + name, a)
    same(gate(p, {"Cookie": "gatepost=" + good}), 401, "a link is no pass")
    same(p.post("/me", b"token=" + good.encode(),
                {"Content-Type": "text/plain"}).status, 403, "only a form")
    same(p.post("/me", b"x" * 17000, FORM).status, 413, "a large body")
    a = form(p, "/me", token=link(p, "signin", "<b>\"&@example.org"))
    page = p.get("/me", {"Cookie": cookie_of(a)[0]}).body
    ok(b"<b>&lt;b&gt;&quot;&amp;@" in page, "what it shows is escaped", page)

    for n, (headers, status) in enumerate((
            ({"Sec-Fetch-Site": "same-origin"}, 303),
            ({"Sec-Fetch-Site": "none"}, 303),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, 403),
            ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
            ({"Origin": "null"}, 403),
            ({}, 303),
            ({"Origin": "https://example.org"}, 303),
            ({"Origin": "http://127.0.0.1:%d" % p.port}, 303),
            ({"Origin": "https://example.or"}, 403),
            ({"Origin": "https://example.org.evil.example"}, 403),
            ({"Origin": "https://"}, 403),
            ({"Origin": "https://evil.example"}, 403))):
        a = form(p, "/me", headers,
                 token=link(p, "signin", address, lasts=100 + n))
        same((a.status, "set-cookie" in a.headers), (status, status == 303),
             "from %r" % headers)
    same(form(p, "/me/link", {"Sec-Fetch-Site": "cross-site"},
              email=address).status, 403, "nor is a link asked for")
    same(p.one("SELECT count(*) FROM signins"), 0, "nothing noted")

    # two passes in one browser: the address shows, nothing is merged
    user = p.cli("pass", "--user", "u2").stdout.decode().strip()
    both = {"Cookie": "gatepost=%s; gatepost=%s" % (user, passed)}
    ok(address.encode() in p.get("/me", both).body, "the address first")
    page = p.get("/me", {"Cookie": "gatepost=" + user}).body
    ok(b"user u2" in page and b"supporter" in page, "another pass", page)
    page = p.get("/me", signed_in(p, "nobody@example.org")).body
    ok(b"Nothing is open for you now" in page, "nothing bought", page)
    ok(b"<details open>" in page, "the way to sign in stands open", page)
    p.check_logs(good, passed)


def uses():
    """A link is good until its first use, and ten minutes after, for three."""
    p = started()
    address, _ = bought(p, 9)
    token = link(p, "signin", address, lasts=3600)

    def use(token):
        a = form(p, "/me", token=token)
        return a.status, "set-cookie" in a.headers
    for path in ("/me", "/me?x", "/me/"):
        for _ in range(5):
            p.get(path)
            http_request(p.port, "HEAD", path)
    form(p, "/me", {"Sec-Fetch-Site": "cross-site"}, token=token)
    form(p, "/me", token=token[:-1])
    same(p.one("SELECT count(*) FROM links"), 0,
         "what opens the page, or another site, uses nothing up")
    same(use(token), (303, True), "used")
    same(use("https://example.org/me#%s " % token), (303, True),
         "pasted on another device")
    same((use(token), use(token), use(token)),
         ((303, True), (403, False), (403, False)), "three times in all")
    a = p.cgi("POST", "/me", b"token=" + token.encode(), FORM)
    same(a.status, 403, "as plain CGI as well")
    other = link(p, "signin", address, lasts=3601)
    same(use(other), (303, True), "another link")
    p.execute("UPDATE links SET used_at = used_at - 601")
    same(use(other), (403, False), "after ten minutes")
    p.execute("UPDATE links SET ends_at = ends_at - 7200")
    same(use(link(p, "signin", address, lasts=3602)), (303, True), "a third")
    same(p.one("SELECT count(*) FROM links"), 1, "those that are over go")
    ok(address not in repr(p.rows("SELECT * FROM links")),
       "nobody's address is noted")
    hold = p.hold()
    same(use(link(p, "signin", address, lasts=3603)), (503, False),
         "what cannot be noted signs nobody in")
    hold.let_go()

    fresh = link(p, "signin", address, lasts=86400 + 3600)
    same(p.cli("pass", "--revoke", "--email", address).returncode, 0,
         "all passes are taken back")
    same(use(link(p, "signin", address, lasts=3604)), (403, False),
         "links that were made before are, too")
    same(use(fresh), (303, True), "one made later is good")
    p.check_logs(token, other)


def ask_from(p, address, peer="192.0.2.1", json_too=False):
    """Asks for a link, as the web server hands it on for that peer."""
    with_type = {"Content-Type": "application/json" if json_too
                 else FORM["Content-Type"]}
    body = (json.dumps({"email": address}) if json_too
            else urllib.parse.urlencode({"email": address})).encode()
    params = [x if x[0] != "REMOTE_ADDR" else ("REMOTE_ADDR", peer)
              for x in cgi_params("POST", "/me/link", body, with_type)]
    with Fcgi(p.sock) as c:
        c.send(fcgi_head(params) + stream(STDIN, body))
        return c.answer()


def settled(p):
    until(lambda: p.one("SELECT count(*) FROM signins WHERE email IS NOT NULL")
          == 0, "all to be looked up")


def limits():
    """Three an hour for an address, twenty for a network address."""
    p = started()
    address, _ = bought(p, 3)

    def ask(*args, **options):
        return ask_from(p, *args, **options)
    answers = [ask(address, "192.0.2.%d" % i) for i in range(5)]
    same({(a.status, a.body) for a in answers},
         {(200, answers[0].body)}, "five questions, one answer")
    until(lambda: len(mails(p)) == 3, "three mails")
    a = ask("x@example.org", json_too=True)
    same((a.status, a.json()), (200, {"status": "asked"}), "as JSON")
    for bad in ("", "x", "a b@c d\n"):
        a = ask(bad, json_too=True)
        same((a.status, a.word()), (400, "email"), "no address: %r" % bad)
    same(ask("y@example.org", "198.51.100.1").status, 200, "another address")
    got = [ask("n%d@example.org" % i, "2001:db8:1:2::%x" % i).status
           for i in range(21)]
    same(got, [200] * 20 + [429], "twenty from one network")
    a = ask("n@example.org", "2001:db8:1:2:ffff::1", json_too=True)
    same((a.status, a.word(), a.headers["retry-after"]),
         (429, "too_often", "3600"), "and no more")
    same(ask("n@example.org", "2001:db8:1:3::1").status, 200, "of the next")
    # it is in the database: a restart forgets nothing
    before = p.one("SELECT count(*) FROM signins")
    a = p.cgi("POST", "/me/link", b"email=" + address.encode(),
              {"Content-Type": FORM["Content-Type"]})
    same((a.status, p.one("SELECT count(*) FROM signins")),
         (200, before + 1), "plain CGI counts in the same table")
    settled(p)
    same(p.one("SELECT count(*) FROM signins WHERE person IS NOT NULL"), 3,
         "an address is noted up to its limit, one nobody bought with is not")
    same(len(mails(p)), 3, "still three mails")
    ok(address not in repr(p.rows("SELECT * FROM signins")),
       "no address stays")

    # an hour later
    p.execute("UPDATE signins SET at = at - 3601")
    same(ask(address).status, 200, "an hour later")
    until(lambda: len(mails(p)) == 4, "a fourth mail")
    same(p.one("SELECT count(*) FROM signins"), 1, "the old ones are gone")
    p.check_logs(address)

    q = started(mailer=False)
    a = form(q, "/me/link", email="x@example.org")
    same(a.status, 503, "no mail can be sent")
    ok(b"Send me a link" not in q.get("/me").body, "and none is offered")


def add_rows(p, n, peer):
    """Questions of networks that begin so, for addresses nobody knows."""
    p.execute("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c "
              "WHERE x < %d) INSERT INTO signins (at, peer) "
              "SELECT %d, '%s' || x FROM c" % (n, time.time(), peer))


def flood():
    """Questions for unknown addresses shut the door for nobody else."""
    p = started()
    address, _ = bought(p, 8)
    # as many as all together may ask, from networks that keep to their limits
    add_rows(p, 10000, "x")
    a = ask_from(p, address)
    same((a.status, a.word()), (200, None), "a buyer is still answered")
    until(lambda: mails(p), "the mail")
    other = ask_from(p, "nobody@example.org", "192.0.2.2")
    same((other.status, other.body, sorted(other.headers)),
         (a.status, a.body, sorted(a.headers)), "and anybody alike")

    # an attacker with a network of 56 bits, then of 48
    for i in range(5):
        got = {ask_from(p, "n%d@example.org" % k,
                        "2001:db8:1:%x::%x" % (i, k)).status
               for k in range(20)}
        same(got, {200}, "twenty from network %d of 64 bits" % i)
    same([ask_from(p, address, peer).status for peer in (
        "2001:db8:1:5::1", "2001:db8:1:ff::1", "2001:db8:1:100::1")],
         [429, 429, 200], "a hundred from one of 56 bits")
    wide = p.one("SELECT max(peer) FROM signins "
                 "WHERE length(peer) = 96")[:32]
    add_rows(p, 500 - p.one("SELECT count(*) FROM signins "
                            "WHERE peer LIKE '%s%%'" % wide), wide)
    same([ask_from(p, address, peer).status for peer in (
        "2001:db8:1:ffff::1", "2001:db8:2::1", "::ffff:192.0.2.9")],
         [429, 200, 200], "five hundred from one of 48 bits")

    settled(p)
    add_rows(p, 100000, "y")
    same(ask_from(p, "n@example.org", "192.0.2.3").status, 200, "one more")
    settled(p)
    ok(p.one("SELECT count(*) FROM signins") <= 100000 + 10,
       "what is kept to count has an end",
       p.one("SELECT count(*) FROM signins"))
    same(p.one("SELECT count(*) FROM signins WHERE person IS NOT NULL"), 3,
         "and what was mailed still counts")

    # those who did buy have a limit for all together
    p.execute("UPDATE signins SET person = peer WHERE id IN "
              "(SELECT id FROM signins ORDER BY id DESC LIMIT 10000)")
    known, unknown = (ask_from(p, who, "192.0.2.4")
                      for who in (address, "x@example.org"))
    same((known.status, unknown.status, known.body == unknown.body),
         (503, 503, True), "ten thousand mails in an hour")


def files():
    """A personal link in a welcome mail, and what ends it."""
    p = started("""on 'purchase' { mail 'welcome' { template = 'w'
  download = '/g/p\u00e9n <1>.txt' } }""")
    address, number = bought(p, 4)
    until(lambda: mails(p), "the welcome mail")
    text = mails(p)[0].get_content()
    url = re.search(r"^https://example\.org(/files/g/\S+)$", text, re.M)[1]
    token = re.search(r"^https://example\.org/me#(\S+)$", text, re.M)[1]
    same(form(p, "/me", token=token).status, 303, "its link signs in")
    a = p.get(url)
    same((a.status, a.body, a.headers.get("referrer-policy")),
         (200, b"of g", "no-referrer"), "its file, with no pass at all")
    same(p.get(url, {"Range": "bytes=3-"}).body, b"g", "a range of it")
    same(http_request(p.port, "HEAD", url).status, 200, "HEAD")
    token = url.split("link=")[1]
    name = "/g/p\u00e9n <1>.txt"
    for other in ("/files/page/p%C3%A9n%20%3C1%3E.txt", "/files/g/none",
                  "/files/g/", "/files/page/"):
        same(p.get(other + "?link=" + token).status, 401, "not " + other)
    for why, bad in (
            ("over", link(p, "file", name, "gumroad", number, lasts=-1)),
            ("to sign in", link(p, "signin", address)),
            ("of no sale", link(p, "file", name, "gumroad", "none"))):
        path = url.split("?")[0] + "?link=" + bad
        ok(p.get(path).status in (401, 403), "not: " + why)
    a = p.get(path, {"Accept": "text/html"})
    same((a.status, a.headers["location"]), (303, "https://example.org/me"),
         "a browser is shown where to sign in")
    same(p.get(url.split("?")[0]).status, 401, "not without it")

    # the same buyer's other sale does not keep it open
    bought(p, 5)
    same(p.gumroad(sale(4).replace(
        b"refunded=false", b"refunded=true").replace(
        b"resource_name=sale", b"resource_name=refund")).word(),
         "recorded", "a refund")
    a = p.get(url)
    ok(a.status == 403 and b"this link does not open it" in a.body,
       "refunded: the link is dead", a.body)
    same(p.get(url, {"Authorization": "Bearer " + p.cli(
        "pass", "--user", "u5").stdout.decode().strip()}).status, 200,
        "a pass opens it all the same")

    _, number = bought(p, 6)
    path = url.split("?")[0] + "?link=" + link(p, "file", name, "gumroad",
                                               number)
    same(p.get(path).status, 200, "another sale")
    event = p.one("SELECT max(id) FROM events WHERE kind = 'sale'")
    done = p.cli("void", event)
    same((done.returncode, p.get(path).status), (0, 403), "taken out: dead")
    for bad, word in (("download = '/none/x'", b"download is a file"),
                      ("to = 'me@example.org'\n template = 'w'\n download = '/g/x'", b"{link}"),
                      ("template = 'w'", b"{download}")):
        p.conf.write_text(re.sub(r"mail 'welcome' \{[^}]*\}",
                                 "mail 'welcome' { %s }" % bad,
                                 p.conf.read_text()))
        done = p.cli("check")
        ok(done.returncode != 0 and word in done.stderr + done.stdout,
           "refused: " + bad, done)
    p.check_logs(token)


def places():
    """Plain CGI, and below a path of its own."""
    p = started(run=False)
    address, _ = bought(p, 7)
    below = [("SCRIPT_NAME", "/pay"), ("PATH_INFO", "/me/")]
    a = p.cgi("GET", "/pay/me/", more=below)
    ok(a.status == 200 and b'action="../me"' in a.body and
       b'src="../me/me.js"' in a.body, "relative, with a slash", a.body)
    body = b"token=" + link(p, "signin", address).encode()
    kind = {"Content-Type": FORM["Content-Type"]}
    a = p.cgi("POST", "/pay/me", body, kind, more=[
        ("SCRIPT_NAME", "/pay"), ("PATH_INFO", "/me")])
    same((a.status, a.headers["location"]), (303, "./me"), "signed in")
    a = p.cgi("GET", "/pay/me", headers={"Cookie": cookie_of(a)[0]}, more=[
        ("SCRIPT_NAME", "/pay"), ("PATH_INFO", "/me")])
    ok(b'href="./files/g/' in a.body, "its files lie beside it", a.body)
    asked = b"email=" + address.encode()
    env = dict(cgi_params("POST", "/pay/me/link", asked, kind),
               SCRIPT_NAME="/pay", PATH_INFO="/me/link",
               GATEPOST_CONFIG=str(p.conf))
    (p.dir / "then").write_text("sleep 3\n")
    begun = time.monotonic()
    # until both are closed, as a web server waits
    out = subprocess.run([FCGI_PROGRAM], env=env, input=asked, cwd="/",
                         capture_output=True, timeout=LIMIT).stdout
    a = parse_cgi(out, time.monotonic() - begun)
    ok(a.status == 200 and b'action="../me"' in a.body, "a link asked for", a)
    ok(a.seconds < 2.5 or SLOW, "the answer waits for no mailer", a.seconds)
    (p.dir / "then").unlink()
    until(lambda: mails(p), "the mail, by what the answer leaves behind")
    until(lambda: p.rows("SELECT state FROM outbox") == [("done",)],
          "its mark")
    a = p.cgi("POST", "/me/link", b"email=nobody@example.org", kind)
    same(a.status, 200, "an address nobody has bought with")
    until(lambda: p.one("SELECT count(*) FROM signins WHERE email IS NOT NULL")
          == 0, "it to be looked up")
    # a host that leaves nothing running
    # by a user who may not see the folder of the build
    elsewhere = folder()
    program = shutil.copy2(FCGI_PROGRAM, elsewhere / "program")
    limit = ["prlimit", "--nproc=0", str(program)]
    user = [] if os.getuid() else ["setpriv", "--reuid=65534", "--clear-groups"]
    if user:
        for path in [elsewhere, p.dir, *p.dir.rglob("*")]:
            os.chown(path, 65534, 65534)
    a = p.cgi("POST", "/me/link", b"email=" + address.encode(), kind,
              program=[*user, *limit][0], argv=[*user, *limit][1:])
    ok(a.status == 200 and ASKED in a.body.decode(), "no room for it", a)
    same(len(mails(p)), 1, "no mail")
    done = p.cli("work", "--once")
    same((done.returncode, [m["To"] for m in mails(p)]), (0, [address] * 2),
         "work --once sends it")
    p.conf.write_text(p.conf.read_text().replace("public_url", "#public_url"))
    same(p.cgi("POST", "/me", body, kind).status, 503, "no public_url")


def script():
    """The page's script, in a browser and under the page's own policy."""
    program = shutil.which("chromium")
    if SLOW or not program:
        skip("the script of the page", "no chromium, or a slow build")
        return
    p = started()
    for fragment, ready in (("#a.b", True), ("", False)):
        done = subprocess.run(
            [program, "--headless", "--no-sandbox", "--disable-gpu",
             "--user-data-dir=%s" % (p.dir / "chromium"), "--dump-dom",
             "http://127.0.0.1:%d/me%s" % (p.port, fragment)],
            capture_output=True, timeout=60)
        ok((b'class="ready"' in done.stdout) == ready and
           b"The link from the mail" in done.stdout,
           "with '%s' the form is %sfilled" % (
               fragment[1:], "" if ready else "not "), done)


main(flow, links, uses, limits, flood, files, places, script)
