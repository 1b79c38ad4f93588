#!/usr/bin/env python3
"""/buy and who may read /live from elsewhere, through nginx as shipped."""

import sys
sys.dont_write_bytecode = True
import base64
import json
import re
import time
import urllib.parse

from lib import (STDIN, Fcgi, Place, fcgi_head, http_request, main, ok, sale,
                 same, stream)

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


def cookie_of(answer):
    """(pass, attributes) that an answer sets, or (None, None)."""
    head, _, rest = answer.headers.get("set-cookie", "").partition("; ")
    name, _, value = head.partition("=")
    return (value, rest) if name == "gatepost" else (None, None)


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
    same(cookie_of(a)[1], "Path=/; Max-Age=3600; HttpOnly; SameSite=Lax; "
         "Domain=example.org", "on http, for a domain")
    same(claims(cookie_of(a)[0])["aud"], "http://pay.example.org/gp",
         "a pass of that site")
    with Fcgi(p.sock) as c:
        c.send(fcgi_head([("REQUEST_METHOD", "GET"), ("SCRIPT_NAME", "/gp"),
                          ("REQUEST_URI", "/gp/buy/gank?x")]) +
               stream(STDIN, b""))
        a = c.answer()
    same((a.status, cookie_of(a)[1].split(";")[0]), (303, "Path=/"),
         "under a sub-path, for the pages beside it")
    a = p.cgi("GET", "/buy/gank")
    same((a.status, gate(p, cookie_of(a)[0])), (303, 403), "as plain CGI")

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


main(visit, sites, cors)
