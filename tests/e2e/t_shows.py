#!/usr/bin/env python3
"""The recipe "A sale, from end to end" of the manual, as it stands there: with
its few lines a sale sends a mail with a download link, tells Discord, and makes
the account in the app; a network that is away for a while only delays it."""

import sys
sys.dont_write_bytecode = True
import base64
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import re
import shutil
import threading
import urllib.parse

from lib import (FIXTURES, FORM, TOP, Place, _cleanups, free_port, main, ok,
                 sale, same, until)

PAGE = TOP / "src/action/gatepost-recipes.7"
TITLE = "The \"Guide\" @everyone <b>"


def recipe():
    """Its settings, and the text of its mail."""
    text = PAGE.read_text()
    text = text[text.index(".Sh A SALE, FROM END TO END"):]
    blocks = re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", text, re.M)
    return blocks[0], blocks[1]


class App:
    """Makes an account for each purchase that is signed, once. And Discord."""

    def __init__(self, port, secret):
        self.accounts, self.chat, self.bad, ids = [], [], [], set()
        key = base64.b64decode(secret[6:])
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path.startswith("/api/webhooks/"):
                    outer.chat.append(json.loads(body))
                    self.send_response(204)
                    self.end_headers()
                    return
                h = self.headers
                signed = "%s.%s." % (h["webhook-id"], h["webhook-timestamp"])
                mac = hmac.new(key, signed.encode() + body, hashlib.sha256)
                want = "v1," + base64.b64encode(mac.digest()).decode()
                data = json.loads(body)["data"]
                if want not in h["webhook-signature"].split():
                    outer.bad.append(body)
                elif h["webhook-id"] not in ids:
                    ids.add(h["webhook-id"])
                    outer.accounts.append((data["person"]["email"],
                                           data["access"]["tier"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port),
                                                      Handler)
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        _cleanups.append(self.close)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def mails(p):
    return [email.message_from_bytes(f.read_bytes(),
                                     policy=email.policy.default)
            for f in sorted((p.dir / "mails").glob("*.eml"))]


def buys(p, n):
    body = sale(n)
    for key, value in (("permalink", "guide"), ("product_name", TITLE)):
        body = re.sub(rb"(^|&)%s=[^&]*" % key.encode(), lambda m: m[1] + (
            "%s=%s" % (key, urllib.parse.quote(value))).encode(), body)
    same(p.gumroad(body).word(), "recorded", "a sale")
    return body, p.one("SELECT email FROM purchases WHERE user_ref = ?",
                       "u%d" % n)


def local(p, url):
    """The path of a link, which leads to public_url."""
    ok(url.startswith("https://example.org/"), "a link to the site", url)
    return url[len("https://example.org"):]


def shows():
    settings, text = recipe()
    port = free_port()
    settings = re.sub(r"https://[^/']*", "http://127.0.0.1:%d" % port,
                      settings)
    p = Place(init=False)
    (p.dir / "members/guide").mkdir(parents=True)
    (p.dir / "members/guide/guide.pdf").write_bytes(b"%PDF of the guide")
    (p.dir / "mails").mkdir()
    (p.dir / "mails/guide.txt").write_text(text)
    shutil.copy(FIXTURES / "mail/sendmail", p.dir / "sendmail")
    p.configure(tiers=settings.replace(
        "mail {\n", "mail {\n    sendmail = '%s'\n" % (p.dir / "sendmail"), 1))
    same(p.cli("migrate").returncode, 0, "migrate")
    same(p.cli("check").returncode, 0, "check")
    p.run()
    p.nginx()

    # the network is away: nobody is there, and the mailer cannot send
    away = p.dir / "then"
    away.write_text('rm "$here/mails/$n.eml"; exit 75\n')
    body, address = buys(p, 1)
    until(lambda: p.rows("SELECT state, attempts FROM outbox") ==
          [("waiting", 1)] * 3, "three attempts in vain")
    same(mails(p), [], "nothing has arrived")
    away.unlink()
    app = App(port, re.search(r"whsec_[^']*", settings)[0])
    until(lambda: p.rows("SELECT state, attempts FROM outbox") ==
          [("done", 2)] * 3, "all three")
    same((app.accounts, app.bad), ([(address, "guide")], []),
         "one account, with its tier")
    same([c["allowed_mentions"] for c in app.chat], [{"parse": []}],
         "Discord has one post")
    ok("@everyone" not in app.chat[0]["content"] and
       "The \"Guide\"" in app.chat[0]["content"], "which calls nobody",
       app.chat)

    same([(m["To"], m["Subject"]) for m in mails(p)],
         [(address, TITLE + " is yours")], "one mail")
    text = mails(p)[0].get_content()
    links = re.findall(r"^https://\S+$", text, re.M)
    same(len(links), 2, "with two links")
    download, me = local(p, links[0]), local(p, links[1])
    a = p.get(download)
    same((a.status, a.body), (200, b"%PDF of the guide"), "the download")
    page, _, token = me.partition("#")
    same((page, p.get(page).status), ("/me", 200), "the page to sign in")
    a = p.post("/me", urllib.parse.urlencode({"token": token}).encode(), FORM)
    cookie = {"Cookie": a.headers["set-cookie"].split(";")[0]}
    a = p.get("/me", cookie)
    shown = a.body.decode()
    ok(address in shown and "guide.pdf" in shown, "what was bought", shown)
    href = re.search(r'href="([^"]*guide\.pdf)"', shown)[1]
    same(p.get(urllib.parse.urljoin("/me", href), cookie).body,
         b"%PDF of the guide", "and again from there")
    same(p.gumroad(body).word(), "duplicate", "the same sale once more")
    same(p.gumroad(body.replace(b"refunded=false", b"refunded=true").replace(
        b"resource_name=sale", b"resource_name=refund")).word(), "recorded",
         "a refund")
    same((p.get(download).status, len(p.rows("SELECT 1 FROM outbox"))),
         (403, 3), "ends the link, and sends nothing")
    p.check_logs(token, download.split("link=")[1])


if __name__ == "__main__":
    main(shows)
