#!/usr/bin/env python3
"""The gate: members-only paths behind the nginx configuration that is
shipped, and what else asks /gate."""

import sys
sys.dont_write_bytecode = True
import base64
import hashlib
import hmac
import json
import re
import threading
import time

from lib import (FORM, LIMIT, TOP, Fcgi, Place, cgi_params, documented,
                 fcgi_head, http_raw, http_request, main, ok, sale, same, start, stop,
                 stream, STDIN)
from members import members_app, preflight, preflight_recipe

HOST = "members.example.org"
SONG = bytes(range(256)) * 40


class Site(Place):
    def __init__(self, **options):
        super().__init__(**options)
        site = self.dir / "site"
        for name in ("supporter", "join", "protected", "bulk"):
            (site / name).mkdir(parents=True)
        (site / "supporter/song").write_bytes(SONG)
        (site / "supporter/index.html").write_text("the members' page")
        (site / "bulk/list").write_text("the bulk list")
        (site / "protected/song").write_bytes(SONG)
        for name in ("supporter", "influencer"):
            (site / ("join/%s.html" % name)).write_text("buy " + name)
        self.app = members_app({"X-Accel-Redirect": "/protected/song"})
        threading.Thread(target=self.app.serve_forever, daemon=True).start()

    def write_nginx(self):
        conf = super().write_nginx()
        site = (TOP / "nginx/members.conf").read_text()
        for old, new in (
                ("listen 80;", "listen 127.0.0.1:%d;" % self.port),
                ("listen [::]:80;", ""),
                ("/srv/members", "%s/site" % self.dir),
                ("127.0.0.1:8000",
                 "127.0.0.1:%d" % self.app.server_address[1]),
                ("include fastcgi_params",
                 "include /etc/nginx/fastcgi_params")):
            if old not in site:
                raise RuntimeError("nginx/members.conf: no '%s'" % old)
            site = site.replace(old, new)
        text = conf.read_text()
        conf.write_text(text[:text.rindex("}")] + site + "}\n")
        return conf

    def ask(self, method, path, token=None, headers=None, body=None):
        sent = {"Host": HOST, **(headers or {})}
        if token is not None:
            sent["Cookie"] = "theme=dark; gatepost=" + token
        return http_request(self.port, method, path, body, sent)

    def go(self, path, token=None, headers=None):
        return self.ask("GET", path, token, headers)

    def pass_of(self, user):
        return self.cli("pass", "--user", user).stdout.decode().strip()

    def forge(self, user, seconds, secret=None, **claims):
        """A pass made by other hands."""
        def part(value):
            raw = value if isinstance(value, bytes) else json.dumps(
                value).encode()
            return base64.urlsafe_b64encode(raw).rstrip(b"=")
        text = part({"alg": "HS256"}) + b"." + part({
            "sub": user, "aud": "https://example.org",
            "exp": int(time.time()) + seconds, **claims})
        mac = hmac.new((secret or self.pass_secret).encode(), text,
                       hashlib.sha256).digest()
        return (text + b"." + part(mac)).decode()

    def grant(self, user, tier="supporter"):
        done = self.cli("grant", "--user", user, "--tier", tier)
        if done.returncode != 0:
            raise RuntimeError("grant: %r" % done.stderr)


def members():
    """From nobody to a member, with what browsers do."""
    p = Site()
    p.run()
    p.nginx()
    token = p.pass_of("1")
    a = p.go("/supporter/song")
    same((a.status, a.body), (401, b"buy supporter"), "no pass: what to buy")
    a = p.go("/supporter/song", token)
    same((a.status, a.body), (403, b"buy supporter"), "no tier: what to buy")
    same(p.go("/bulk/list", token).body, b"buy influencer",
         "each path has its page")
    same(p.gumroad(sale(7)).word(), "recorded", "a purchase")
    p.grant("1")
    a = p.go("/supporter/song", token)
    same((a.status, a.body == SONG), (200, True), "a tier: at once")
    same(p.go("/supporter/", token).body, b"the members' page", "a folder")
    for path in ("/supporter", "/bulk"):
        a = p.go(path + "?a=1")
        same((a.status, a.headers.get("location")), (301, path + "/?a=1"),
             "without its slash: " + path)
    a = p.go("/supporter/song", headers={"Authorization": "Bearer " + token})
    same(a.status, 200, "as a Bearer token")
    a = p.go("/supporter/song", token, {"Authorization": "Basic YTpi"})
    same(a.status, 200, "with the app's own Authorization")
    a = p.go("/supporter/song", token, {"Range": "bytes=256-259"})
    same((a.status, a.body), (206, SONG[256:260]), "a range")
    a = p.go("/supporter/song", headers={"Range": "bytes=0-3"})
    same((a.status, a.body == SONG[:4]), (401, False), "a range, no pass")
    changed = p.go("/supporter/song", token).headers["last-modified"]
    a = p.go("/supporter/song", token, {"If-Modified-Since": changed})
    same(a.status, 304, "not modified")
    a = p.ask("HEAD", "/supporter/song", token)
    same((a.status, a.headers["content-length"]), (200, str(len(SONG))),
         "HEAD")
    same(p.ask("HEAD", "/supporter/song").status, 401, "HEAD, no pass")
    for path in ("//supporter/song", "/supporter/./song",
                 "/join/../supporter/song", "/%73upporter/song",
                 "/supporter/x.php", "/supporter/song?tier=influencer",
                 "/supporter/song?GATEPOST_GATE=tier=supporter"):
        same(p.go(path).status, 401, "no way round: " + path)
    for path in ("/_gatepost", "/_gatepost?tier=supporter", "/protected/song",
                 "/gate?tier=supporter", "/gate"):
        same(p.go(path, token).status, 404, "not from outside: " + path)
    same(p.go("/bulk/list", token).status, 403, "a higher tier's path")
    same(p.go("/supporter/song", p.forge("1", -61)).status, 401,
         "an expired pass")
    same(p.go("/supporter/song", p.forge("1", -30)).status, 200,
         "within the leeway")
    same(p.go("/supporter/song", p.forge("1", 99, "x" * 48)).status, 401,
         "another secret")
    same(p.go("/supporter/song", token[:-1]).status, 401, "a letter short")
    long = "x=" + "y" * 6000 + "; gatepost=" + token
    same(p.go("/supporter/song", headers={"Cookie": long}).status, 200,
         "among 6 kB of cookies")
    own_pages(p)
    p.check_logs(token)


def own_pages(p):
    """What gatepost(7) has pages load, and nothing else is looked for."""
    for name in ("gatepost.js", "gatepost.css", "gatepost.svg", "thanks.html",
                 "thanks.js"):
        a = p.get("/" + name)
        same((a.status, a.body), (200, (TOP / "nginx/site" / name)
                                  .read_bytes()), "beside Gatepost: /" + name)
    for path in ("/index.html", "/gatepost.js/x", "/site.js",
                 "/gumroad/" + p.tokens[0], "/" + p.tokens[0]):
        same(p.get(path).status, 404, "not there: " + path[:12])


class Pages(Site):
    """With pages of one's own, as a comment of nginx/gatepost-nginx.conf says."""

    def write_nginx(self):
        conf = super().write_nginx()
        (self.dir / "web").mkdir(exist_ok=True)
        (self.dir / "web/page.html").write_text("my page")
        text = conf.read_text()
        new = re.sub(r"return 404; +# CHANGE\n(\t\t)#(log_not_found off;\n)"
                     r"\t\t#root /var/www/html;",
                     r"\n\1\2\1root %s/web;" % self.dir, text)
        if new == text:
            raise RuntimeError("nginx/gatepost-nginx.conf: no pages of one's own")
        conf.write_text(new)
        return conf


def pages():
    p = Pages()
    p.run()
    p.nginx()
    same(p.get("/page.html").body, b"my page", "a page of one's own")
    for path in ("/hook/gumroad/", "/gumroad/", "/"):
        ok(p.post(path + p.tokens[0], sale(1), FORM).status in (404, 405) and
           p.get(path + p.tokens[0]).status == 404, "mistyped: " + path)
    same(p.gumroad(sale(1)).word(), "recorded", "and the right one")
    p.check_logs()


def posts():
    """What an app gets to see, and bodies of every size."""
    p = Site()
    p.run()
    p.nginx()
    p.grant("a b%\u00e9", "influencer")
    token = p.pass_of("a b%\u00e9")
    lies = {"X-Gatepost-User": "admin", "x-gatepost-tier": "influencer",
            "X-Gatepost-By": "email", "X-Gatepost-Until": "9999",
            "X_Gatepost_User": "admin"}
    truth = {"x-gatepost-user": "a%20b%25%C3%A9", "x-gatepost-by": "user",
             "x-gatepost-tier": "influencer"}
    for method, size in (("GET", 0), ("POST", 0), ("POST", 10),
                         ("PUT", 5000000), ("DELETE", 0)):
        body = b"b" * size
        a = p.ask(method, "/app/x", token, lies, body or None)
        same((a.status, a.json()), (200, dict(
            truth, body=size, method=method)),
            "%s of %d bytes: the app gets the truth" % (method, size))
        a = p.ask(method, "/app/x", None, lies, body or None)
        same(a.status, 401, "%s of %d bytes: no pass" % (method, size))

    # a proxy drops what Connection names (RFC 9110, 7.6.1)
    for name in ("User", "By", "Tier"):
        a = p.go("/app/x", token, {
            **lies, "Connection": "close, X-Gatepost-" + name})
        same(a.json(), dict(truth, body=0, method="GET"),
             "Connection names X-Gatepost-" + name)

    def pieces():
        for _ in range(30):
            yield b"c" * 65536
    a = p.ask("POST", "/app/x", token, lies, pieces())
    same((a.status, a.json().get("body")), (200, 30 * 65536), "chunked")
    a = p.go("/app/song", token)
    same((a.status, a.body == SONG), (200, True), "X-Accel-Redirect")
    a = p.go("/app/song", token, {"Range": "bytes=-2"})
    same((a.status, a.body), (206, SONG[-2:]), "a range of it")
    a = p.go("/app/song", headers={"X-Accel-Redirect": "/protected/song"})
    same(a.status, 401, "not without a pass")
    p.app.shutdown()
    same(p.logs()["nginx.error.log"].count(b"unexpected status"), 0,
         "the gate knows 204, 401 and 403")


def changes():
    """What changes is seen: at once when it opens, soon when it closes."""
    p = Site()
    p.run()
    p.nginx()
    token = p.pass_of("1")
    same(p.go("/bulk/list", token).status, 403, "before")
    p.grant("1", "supporter")
    same(p.go("/supporter/song", token).status, 200, "the lower tier")
    same(p.go("/bulk/list", token).status, 403, "not the higher")
    p.grant("1", "influencer")
    same(p.go("/bulk/list", token).status, 200, "an upgrade, at once")
    other = p.pass_of("2")
    same(p.go("/bulk/list", other).status, 403, "another visitor")
    same(p.cli("revoke", "--user", "1").returncode, 0, "revoked")
    same(p.go("/bulk/list", token).status, 403, "an end, at once")
    same(p.go("/supporter/song", token).status, 403, "for each path")
    # nothing that let somebody in lets in another
    p.grant("3")
    token = p.pass_of("3")
    same(p.go("/supporter/song", token).status, 200, "let in")
    same(p.go("/supporter/song").status, 401, "not without the cookie")
    same(p.go("/bulk/list", token).status, 403, "not by another rule")
    same(p.go("/supporter/song", headers={
        "Authorization": "Bearer x", "Cookie": "gatepost=" + token[:-2]}
        ).status, 401, "not with another cookie")
    bearer = {"Authorization": "Bearer " + token}
    same(p.go("/supporter/song", headers=bearer).status, 200, "by Bearer")
    same(p.go("/supporter/song").status, 401, "not without it")
    # all lines of a name count, and all are in the key
    def lines(*cookies):
        head = "".join("Cookie: %s\r\n" % c for c in cookies)
        return http_raw(p.port, (
            "GET /supporter/song HTTP/1.1\r\nHost: %s\r\n%s"
            "Connection: close\r\n\r\n" % (HOST, head)).encode())[9:12]
    same([lines("gatepost=" + token, "a=b"), lines("a=b", "gatepost=" + token),
          lines("a=b"), lines("a=b", "a=b"), lines("gatepost=x", "a=b"),
          lines("a=b", "gatepost=x"), lines("gatepost=x", "gatepost=" + token)],
         [b"200", b"200", b"401", b"401", b"401", b"401", b"200"],
         "two Cookie lines: kept for both of them")
    stop(p.program)
    same(p.go("/supporter/song", token).status, 500,
         "nobody to ask: closed")


def outages():
    """No database: closed, or open to a valid pass."""
    for mode in ("closed", "open"):
        p = Site(init=False)
        p.configure(more="gate_on_error = '%s'" % mode)
        p.db.write_bytes(b"this is no database, but long enough" * 99)
        p.run()
        p.nginx()
        token = p.pass_of("1")
        same(p.go("/supporter/song", token).status,
             200 if mode == "open" else 403, mode + ": a pass")
        buyer = p.pass_of("visitor-" + 32 * "0")
        same(p.go("/supporter/song", buyer).status, 403,
             mode + ": a pass that /buy gives to anybody")
        same(p.go("/supporter/song").status, 401, mode + ": no pass")
        same(p.go("/supporter/song", p.forge("1", -99)).status, 401,
             mode + ": an old pass")
        a = p.direct("GET", "/gate?allow=nothing",
                     headers={"Cookie": "gatepost=" + token})
        same(a.status, 403, mode + ": a rule nobody can meet")
        same(b"gate_on_error is 'open'" in p.cli("check").stdout,
             mode == "open", mode + ": check names it")
        p.configure(database="none/gatepost.db",
                    more="gate_on_error = '%s'" % mode)
        a = p.cgi("GET", "/gate?tier=supporter",
                  headers={"Cookie": "gatepost=" + token})
        same(a.status, 204 if mode == "open" else 403,
             mode + ": the database is missing")
    p.conf.write_text("database = ")
    for uri in ("/gate", "/gate?tier=supporter"):
        same(p.cgi("GET", uri, headers={"Cookie": "gatepost=" + token}
                   ).status, 403, "no configuration: " + uri)


def parameters():
    """Asked by hand, over FastCGI and CGI."""
    p = Site()
    p.grant("1")
    p.run()
    token = p.pass_of("1")
    cookie = {"Cookie": "gatepost=" + token}

    def ask(first, uri="/gate?tier=supporter", body=b"", more=()):
        params = first + cgi_params("POST", uri, body, cookie) + list(more)
        with Fcgi(p.sock) as c:
            c.send(fcgi_head(params) + stream(STDIN, body))
            return documented(c.answer(), "POST", uri, body).status
    same(ask([]), 204, "by the query")
    same(ask([("GATEPOST_GATE", "tier=influencer")]), 403, "by the parameter")
    same(ask([("GATEPOST_GATE", "")]), 403, "an empty parameter")
    same(ask([("GATEPOST_GATE", "tier=influencer"),
              ("GATEPOST_GATE", "tier=supporter")]), 403, "twice: the first")
    same(ask([("GATEPOST_GATE", "tier=supporter"),
              ("GATEPOST_GATE", "tier=influencer")]), 204, "and only it")
    same(ask([], "/gate?tier=influencer",
             more=[("QUERY_STRING", "tier=supporter")]), 403,
         "a doubled QUERY_STRING")
    same(ask([("PATH_INFO", "/gate"), ("GATEPOST_GATE", "tier=supporter")],
             "/supporter/song"), 204, "the path by PATH_INFO")
    same(ask([], body=b"x" * 3000000), 204, "a body of 3 MB")
    same(ask([("CONTENT_LENGTH", "9")]), 204, "a body that does not come")
    a = p.direct("GET", "/gate?tier=supporter", headers=cookie)
    same([a.headers.get("x-gatepost-" + k)
          for k in ("user", "by", "tier", "until")],
         ["1", "user", "supporter", ""], "headers")
    a = p.cgi("BREW", "/gate?allow=read", headers=cookie)
    same((a.status, a.body), (204, b""), "CGI")
    a = p.cgi("GET", "/gate?allow=read", headers={"Cookie": "gatepost=x"})
    same((a.status, a.headers.get("www-authenticate")), (401, "Bearer"),
         "CGI, no pass")


class Shared(Site):
    """With the manual's recipe for pages of another origin."""

    def write_nginx(self):
        conf = super().write_nginx()
        at_map, at_location = preflight_recipe("nginx")
        text = conf.read_text()
        new = re.sub(r"(location \^~ /app/ \{[^}]*?)\t+error_page .*\n",
                     lambda m: m[1] + at_location, text)
        if new == text:
            raise RuntimeError("nginx/members.conf: no app")
        conf.write_text(new.replace("map $uri $gatepost_disp",
                                    at_map + "map $uri $gatepost_disp"))
        return conf


def options():
    p = Shared()
    p.run()
    p.nginx()
    preflight(p)


def made():
    """The ways to a pass."""
    p = Site()
    p.run()
    p.nginx()
    p.grant("42")

    def post(body, headers=None):
        return p.post("/v1/passes", json.dumps(body).encode(),
                      headers or p.bearer())
    a = post({"user": "42"})
    same((a.status, list(a.json())), (200, ["pass"]), "over HTTP")
    same(p.go("/supporter/", a.json()["pass"]).status, 200, "it opens")
    same(post({"user": "42"}, FORM).status, 401, "not without a key")
    same(post({"user": "42", "until": "1"}).status, 400, "unknown keys")
    same(post({"user": "42", "for": "0s"}).status, 400, "no time")
    done = p.cli("pass", "--user", "42", "--for", "2w")
    lines = done.stdout.decode().split("\n")
    same((done.returncode, len(lines), done.stderr), (0, 2, b""), "alone")
    claims = json.loads(base64.urlsafe_b64decode(
        lines[0].split(".")[1] + "=="))
    same((claims["sub"], claims["aud"], claims["exp"] - claims["iat"],
          "by" in claims), ("42", "https://example.org", 14 * 86400, False),
         "claims")
    for args, code in ((["--for", "1d"], 2), (["--user", "1", "--for", "x"],
                       2), (["--user", "1", "--for", "0"], 2),
                       (["--user", "1", "--email", "a@b.c"], 2),
                       (["--user", "1", "--for", "99999999w"], 2)):
        done = p.cli("pass", *args)
        same((done.returncode, done.stdout), (code, b""), "pass " +
             " ".join(args))
    p.check_logs(a.json()["pass"], lines[0])


if __name__ == "__main__":
    main(members, pages, posts, changes, outages, parameters, options, made)
