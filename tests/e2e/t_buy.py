#!/usr/bin/env python3
"""/buy and who may read /live from elsewhere, through nginx as shipped."""

import sys
sys.dont_write_bytecode = True
import base64
import json
import re
import socket
import time
import urllib.parse

from lib import (LIMIT, STDIN, Fcgi, Place, fcgi_head, http_request, main, ok,
                 sale, same, stream, until)

SHOP = "https://creator.gumroad.com/l/superdms"
BUY = """buy 'superdms' { url = '%s?variant=A%%20B&user_id=9#top' }
buy 'gank' { url = 'https://ganknow.com/creator' for = '1h' }""" % SHOP
APP = "https://app.example.org"
ORIGINS = "allow_origin = { 'http://localhost:5173', '%s' }\n" % APP


def started(more="", url="https://example.org"):
    p = Place()
    p.configure(more="threads = 4\n%s\n%s" % (more, BUY))
    p.conf.write_text(p.conf.read_text().replace(
        "'https://example.org'", "'%s'" % url))
    p.run()
    p.nginx()
    return p


def cookie_of(answer, name="__Host-gatepost_visitor"):
    """(pass, attributes) that an answer sets, or (None, None)."""
    head, _, rest = answer.headers.get("set-cookie", "").partition("; ")
    got, _, value = head.partition("=")
    return (value, rest) if got == name else (None, None)


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def reference(answer, parameter="user_id"):
    """What the shop is told, of an address that says it once."""
    url = urllib.parse.urlsplit(answer.headers["location"])
    found = urllib.parse.parse_qs(url.query)[parameter]
    return found[0] if len(found) == 1 else found


def bought(p, n, user):
    """Gumroad's ping after a purchase by that link."""
    body = re.sub(rb"url_params%5Buser_id%5D=u\d+",
                  b"url_params%5Buser_id%5D=" + user.encode(), sale(n))
    same(p.gumroad(body).word(), "recorded", "bought by " + user)


def gate(p, token):
    with_cookie = {"Cookie": "gatepost=" + token}
    return p.direct("GET", "/gate?tier=supporter", headers=with_cookie).status


def visit():
    """From a stranger's click to a member, without a login."""
    p = started()
    begun = int(time.time())
    a = p.get("/buy/superdms")
    token, rest = cookie_of(a)
    same((a.status, a.body, a.headers.get("cache-control")),
         (303, b"", "no-store"), "303")
    same(rest, "Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure",
         "the cookie on https")
    user = reference(a)
    same(a.headers["location"],
         SHOP + "?variant=A%20B&user_id=" + user + "#top", "Location")
    ok(re.fullmatch("visitor-[0-9a-f]{32}", user), "a random user", user)
    got = claims(token)
    ok(got["sub"] == user and "by" not in got and
       got["aud"] == "https://example.org" and
       0 <= got["exp"] - begun - 2592000 < 60, "the pass is for that user", got)
    mine = {"Cookie": "theme=dark; gatepost=" + token}
    same(p.get("/live", mine).json()["key"], {"user": user}, "/live knows it")
    same(gate(p, token), 403, "nothing bought: the gate is shut")
    bought(p, 1, user)
    same(gate(p, token), 204, "bought: the gate opens")
    same(p.get("/live", mine).json()["tier"], "supporter", "/live tells it")

    a = p.get("/buy/superdms", mine)
    same((a.status, cookie_of(a)[0], reference(a)), (303, None, user),
         "who has a pass keeps it")
    a = p.get("/buy/gank", mine)
    same(a.headers["location"],
         "https://ganknow.com/creator?custom_reference_id=" + user, "at Gank")
    a = http_request(p.port, "HEAD", "/buy/gank/")
    token, rest = cookie_of(a)
    same((a.status, rest.split("; ")[1]), (303, "Max-Age=3600"),
         "HEAD, a slash at the end, for")
    ok(reference(a, "custom_reference_id") == claims(token)["sub"] != user,
       "each stranger is another")

    def made(*key):
        return p.cli("pass", *key).stdout.decode().strip()
    named = made("--user", "a b&c=\u00e9")
    a = p.get("/buy/superdms",
              {"Cookie": "gatepost=x; gatepost=%s; gatepost=%s" % (
                  made("--email", "me@example.org"), named)})
    same((cookie_of(a)[0], reference(a)), (None, "a b&c=\u00e9"),
         "of several passes the one of a user")
    ok("user_id=a%20b%26c%3D%C3%A9#" in a.headers["location"], "encoded",
       a.headers["location"])
    a = p.get("/buy/superdms", {"Authorization": "Bearer " + named})
    same(reference(a), "a b&c=\u00e9", "a pass as Bearer")
    a = p.get("/buy/superdms", {"Cookie": "gatepost=" + made(
        "--email", "me@example.org")})
    ok(reference(a) == claims(cookie_of(a)[0])["sub"],
       "an address is told to no shop", a)

    theirs = "affiliate_id=77&utm_source=a+b&wanted=true&email=x%40y.z"
    a = p.get("/buy/superdms?%s&user_id=victim&user_id[]=victim&user%%5Fid=v"
              "&variant=C&%%55SER_ID%%5B%%5D=victim" % theirs, mine)
    same(a.headers["location"], SHOP + "?variant=A%20B&affiliate_id=77&"
         "utm_source=a%20b&wanted=true&email=x%40y.z&user_id=" + user + "#top",
         "the visitor's parameters go to the shop, but the reference")
    a = p.get("/buy/gank?fbclid=%s&utm_source=ig&custom_reference_id=victim"
              % ("x" * 3000))
    same((a.status, a.headers["location"]),
         (303, "https://ganknow.com/creator?utm_source=ig&"
          "custom_reference_id=" + claims(cookie_of(a)[0])["sub"]),
         "one that is too long is left out")
    for headers in ({"Sec-Purpose": "prefetch"},
                    {"Sec-Purpose": "prefetch;prerender"},
                    {"Purpose": "prefetch"}):
        a = p.get("/buy/superdms", headers)
        same((a.status, a.word(), "set-cookie" in a.headers,
              "location" in a.headers), (403, "prefetch", False, False),
             "a prefetch gets no pass")
    for path in ("/buy/other", "/buy/SUPERDMS", "/buy/superdms/x", "/buy/"):
        a = p.get(path)
        same((a.status, "set-cookie" in a.headers), (404, False), path)
    a = p.post("/buy/superdms", b"")
    same((a.status, a.headers.get("allow")), (405, "GET, HEAD"), "POST: 405")
    p.check_logs(user)


def sites():
    """http, a sub-path, a cookie for a whole domain, plain CGI."""
    p = started("cookie_domain = 'example.org'",
                "http://pay.example.org/gp/")
    a = p.get("/buy/gank")
    token, rest = cookie_of(a, "gatepost_visitor")
    same(rest, "Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; "
         "Domain=example.org", "on http, for a domain")
    same(claims(token)["aud"], "http://pay.example.org/gp",
         "a pass of that site")
    with Fcgi(p.sock) as c:
        c.send(fcgi_head([("REQUEST_METHOD", "GET"), ("SCRIPT_NAME", "/gp"),
                          ("REQUEST_URI", "/gp/buy/gank?x")]) +
               stream(STDIN, b""))
        a = c.answer()
    same((a.status, cookie_of(a, "gatepost_visitor")[1].split(";")[0]),
         (303, "Path=/"), "under a sub-path, for the pages beside it")
    a = p.cgi("GET", "/buy/gank")
    same((a.status, gate(p, cookie_of(a, "gatepost_visitor")[0])), (303, 403),
         "as plain CGI")
    for more, url, name in (
            ("", "https://example.org", "__Host-gatepost_visitor"),
            ("", "https://example.org:8443", "__Host-gatepost_visitor"),
            ("", "https://example.org/gp", "gatepost_visitor"),
            ("", "http://example.org", "gatepost_visitor"),
            ("cookie_domain = 'example.org'", "https://pay.example.org",
             "gatepost_visitor")):
        p = Place(init=False)
        p.configure(more="%s\n%s" % (more, BUY))
        p.conf.write_text(p.conf.read_text().replace(
            "'https://example.org'", "'%s'" % url))
        a = p.cgi("GET", "/buy/gank")
        ok(cookie_of(a, name)[0], "%s of %s %s" % (name, url, more), a)

    for key in ("public_url", "pass_secret"):
        p = Place()
        p.configure(more=BUY)
        p.conf.write_text(re.sub(key + " = .*", "", p.conf.read_text()))
        done = p.cli("check")
        ok(b"/buy needs public_url" in done.stdout, "check: no " + key, done)
        a = p.cgi("GET", "/buy/gank")
        same((a.status, a.word(), "set-cookie" in a.headers),
             (503, "not_configured", False), "no " + key)
        ok(key in a.json()["detail"] and "retry-after" in a.headers,
           "says that it is missing", a)


def beside():
    """Buying signs nobody out: a visitor's pass has a cookie of its own."""
    p = started()

    def made(*key):
        return p.cli("pass", *key).stdout.decode().strip()

    def who(cookie, rule="tier=supporter"):
        a = p.direct("GET", "/gate?" + rule, headers={"Cookie": cookie})
        return a.headers.get("x-gatepost-user", a.status)
    address = "hobbes@example.com"
    mail = "__Host-gatepost=" + made("--email", address)
    a = p.get("/buy/superdms", {"Cookie": mail})
    token, _ = cookie_of(a)
    user = claims(token)["sub"]
    same(reference(a), user, "who signed in by mail is a visitor at the shop")
    visitor = "__Host-gatepost_visitor=" + token
    a = p.get("/buy/superdms", {"Cookie": visitor + "; " + mail})
    same((reference(a), "set-cookie" in a.headers), (user, False),
         "and the same one the next time")
    a = p.get("/buy/superdms", {"Cookie": visitor + "; gatepost=" + made(
        "--user", "42")})
    same((reference(a), "set-cookie" in a.headers), ("42", False),
         "a user of an app is that user")

    both = visitor + "; " + mail
    live = Live(p, both)
    same(live.tiers(1), [None], "nothing bought")
    bought(p, 1, user)
    same(live.tiers(2), [None, "supporter"],
         "a stream is for both: what is bought opens at once")
    same(p.get("/live", {"Cookie": both}).json()["key"], {"user": user},
         "and says whose it is")
    same(who(both), user, "the pass that opened says who it is")
    p.cli("grant", "--email", address, "--tier", "influencer")
    same(live.tiers(3), [None, "supporter", "influencer"], "of the best")
    same(p.get("/live", {"Cookie": both}).json()["key"], {"email": address},
         "which is the other one's")
    same((who(both), who(both, "allow=dm.bulk")), (address, address),
         "where both open, who signed in comes before a visitor")
    p.cli("pass", "--revoke", "--email", address)
    same(live.tiers(4)[3:], ["supporter"], "one of two is taken back")
    same(who(both), user, "the other goes on")
    p.cli("pass", "--revoke", "--user", user)
    until(live.ended, "the stream to end with the last")

    # what another host of the domain can plant
    p.cli("grant", "--user", "42", "--tier", "supporter")
    p.cli("grant", "--email", "other@example.com", "--tier", "supporter")
    p.cli("grant", "--user", "visitor-1", "--tier", "supporter")
    p.cli("grant", "--email", "me@example.com", "--tier", "supporter")
    mail = "__Host-gatepost=" + made("--email", "me@example.com")
    planted = "gatepost=" + made("--email", "other@example.com")
    free = "gatepost=%s; " % made("--user", "visitor-1") * 20
    app = "gatepost=" + made("--user", "42")
    same([who(c) for c in (planted + "; " + mail, free + mail, free + planted,
                           planted + "; " + mail + "; " + app)],
         ["me@example.com", "me@example.com", "other@example.com", "42"],
         "by kind, and then a cookie that only this host can set")


class Live:
    """A browser's stream, near enough."""

    def __init__(self, p, cookies):
        self.s = socket.create_connection(("127.0.0.1", p.port), LIMIT)
        self.s.sendall(("GET /live HTTP/1.1\r\nHost: x\r\nAccept: text/event-"
                        "stream\r\nCookie: %s\r\n\r\n" % cookies).encode())
        self.text = b""

    def read(self):
        self.s.settimeout(0.05)
        try:
            self.text += self.s.recv(65536)
        except socket.timeout:
            pass

    def tiers(self, n):
        def found():
            self.read()
            return [json.loads(d)["tier"] for d in re.findall(
                rb"event: access\ndata: (.*)\n\n", self.text)]
        until(lambda: len(found()) >= n, "event %d" % n)
        return found()

    def ended(self):
        self.read()
        return self.text.endswith(b"\r\n0\r\n\r\n")


def cors_of(answer):
    return {k[len("access-control-"):]: v for k, v in answer.headers.items()
            if k.startswith("access-control-")}


def cors():
    """A page of another origin reads /live where the settings say so."""
    p = started(ORIGINS)
    mine = {"Authorization": "Bearer " + p.cli(
        "pass", "--user", "u1").stdout.decode().strip()}
    events = {"Accept": "text/event-stream"}
    let = {"allow-credentials": "true"}
    for origin, listed in ((APP, True), ("http://localhost:5173", True),
                           (None, False), ("null", False),
                           ("https://example.org", False),
                           (APP + ".evil.example", False),
                           (APP + ":8443", False), (APP + "/", False),
                           ("http://app.example.org", False),
                           ("https://APP.example.org", False)):
        sent = {} if origin is None else {"Origin": origin}
        want = {**let, "allow-origin": origin} if listed else {}
        for status, headers in ((200, mine), (401, {}), (401, events)):
            a = p.get("/live", {**sent, **headers})
            same((a.status, cors_of(a), a.headers.get("vary")),
                 (status, want, "Origin"), "GET from %s" % origin)
        a = http_request(p.port, "OPTIONS", "/live", None, {
            **sent, "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization"})
        if listed:
            want.update({"allow-methods": "GET", "max-age": "7200",
                         "allow-headers": "authorization, last-event-id"})
        same((a.status, cors_of(a), a.headers.get("vary")),
             (204 if listed else 403, want, "Origin"),
             "OPTIONS from %s" % origin)
    a = http_request(p.port, "HEAD", "/live", None,
                     {**mine, **events, "Origin": APP})
    same((a.status, a.headers["content-type"], cors_of(a)),
         (200, "text/event-stream", {**let, "allow-origin": APP}), "a stream")
    for path in ("/v1/access?user=u1", "/healthz", "/buy/gank"):
        a = p.get(path, {**p.bearer(), "Origin": APP})
        same(cors_of(a), {}, "not for " + path)
    same(http_request(p.port, "OPTIONS", "/v1/access", None,
                      {"Origin": APP}).status, 405, "nor asked about")
    token = mine["Authorization"].split()[1]
    a = p.get("/live", {"Cookie": "gatepost=x; " * 99 + "gatepost=" + token})
    same(a.status, 200, "a pass after 99 that are none")
    p.db.rename(p.dir / "away")
    p.db.mkdir()
    a = p.cgi("GET", "/live", headers={**mine, "Origin": APP})
    same((a.status, cors_of(a), a.headers.get("vary")),
         (503, {**let, "allow-origin": APP}, "Origin"),
         "no database: the page can read that")


main(visit, sites, beside, cors)
