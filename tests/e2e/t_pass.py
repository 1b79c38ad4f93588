#!/usr/bin/env python3
"""Passes: npm's jose takes them and makes them, and they are taken back."""

import sys
sys.dont_write_bytecode = True
import base64
import hmac
import json
import shutil
import socket
import subprocess
import time

from lib import (FORM, LIMIT, ON_SERVER, Place, folder, jwt, main,
                 npm_install, ok, sale, same, stop, until)

JOSE = "jose@5.9.6"
SCRIPT = """
import * as jose from 'jose'
let text = ''
for await (const piece of process.stdin) text += piece
const order = JSON.parse(text)
const key = new TextEncoder().encode(order.secret)
const audience = 'https://example.org'
const out = { read: [], made: {} }
for (const pass of order.passes) {
	const r = await jose.jwtVerify(pass, key,
		{ audience, algorithms: ['HS256'] })
	out.read.push({ header: r.protectedHeader, claims: r.payload })
}
const sign = (claims, header, span, secret) => new jose.SignJWT(claims)
	.setProtectedHeader(header).setIssuedAt().setExpirationTime(span)
	.sign(secret ?? key)
const good = { sub: '42', aud: audience }
const hs256 = { alg: 'HS256' }
const m = out.made
m.plain = await sign(good, hs256, '1h')
m.typed = await sign(good, { ...hs256, typ: 'JWT', kid: '1' }, '1h')
m.list = await sign({ ...good, aud: ['x', audience] }, hs256, '1h')
m.email = await sign({ ...good, sub: 'Me@Example.org', by: 'email' }, hs256, '1h')
m.not_over = await sign(good, hs256, '30 seconds ago')
m.no_over = await sign(good, hs256, '2 minutes ago')
m.no_hs384 = await sign(good, { alg: 'HS384' }, '1h')
m.no_hs512 = await sign(good, { alg: 'HS512' }, '1h')
m.no_audience = await sign({ sub: '42' }, hs256, '1h')
m.no_other = await sign({ ...good, aud: 'https://example.com' }, hs256, '1h')
m.no_end = await new jose.SignJWT(good).setProtectedHeader(hs256).sign(key)
m.no_none = new jose.UnsecuredJWT(good).setExpirationTime('1h').encode()
const pair = await jose.generateKeyPair('RS256')
m.no_rsa = await sign(good, { alg: 'RS256' }, '1h', pair.privateKey)
m.no_key = await sign(good, hs256, '1h', new Uint8Array(48))
console.log(JSON.stringify(out))
"""


def exchange():
    place = folder()
    (place / "try.js").write_text(SCRIPT)
    if not npm_install(place, JOSE):
        return
    p = Place()
    p.run()
    for key in (("--user", "42"), ("--email", "me@example.org")):
        done = p.cli("grant", *key, "--tier", "supporter")
        same(done.returncode, 0, "granted to " + key[1])
    keys = (("--user", "42"), ("--email", "Me@example.org"),
            ("--buyer", "gumroad:7"), ("--license", "A-B \u00e9\"\\"))
    passes = [p.cli("pass", *key).stdout.decode().strip() for key in keys]
    done = subprocess.run(
        ["node", "try.js"], cwd=place, capture_output=True, timeout=60,
        input=json.dumps({"secret": p.pass_secret,
                          "passes": passes}).encode())
    if not ok(done.returncode == 0, "jose takes what gatepost makes",
              done.stderr.decode(errors="replace")):
        return
    out = json.loads(done.stdout)
    for got, (option, who) in zip(out["read"], keys):
        claims = got["claims"]
        same((got["header"], claims["sub"], claims.get("by")),
             ({"alg": "HS256", "typ": "JWT"}, who.lower()
              if option == "--email" else who,
              None if option == "--user" else option[2:]), "by " + option)
    for name, token in out["made"].items():
        a = p.direct("GET", "/gate?tier=supporter",
                     headers={"Authorization": "Bearer " + token})
        same(a.status, 401 if name.startswith("no_") else 204,
             "made by jose: " + name)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(p, claims, secret=None):
    text = encode(b'{"alg":"HS256"}') + "." + encode(claims.encode())
    mac = hmac.digest((secret or p.pass_secret).encode(), text.encode(),
                      "sha256")
    return text + "." + encode(mac)


def claims(exp, sub='"ada@example.org"', aud="https://example.org"):
    return '{"sub":%s,"aud":"%s","exp":%s,"iat":1.5}' % (sub, aud, exp)


def refused():
    """The log says what is wrong with a pass, and no word of it."""
    p = Place()
    p.run()
    p.cli("grant", "--user", "ada@example.org", "--tier", "supporter")
    soon = "%d" % (time.time() + 3600)
    good = signed(p, claims(soon + ".25"))
    bearer = "Bearer %s"

    def ask(path, token=None, cookie=None):
        """The status, and what was logged meanwhile."""
        before = p.log.read_text()
        headers = {"Authorization": bearer % token} if token else {}
        if cookie:
            headers["Cookie"] = "gatepost=" + cookie
        a = p.direct("GET", path, headers=headers)
        return a.status, p.log.read_text()[len(before):]

    gate = "/gate?tier=supporter"
    for token in (good, signed(p, claims(soon + ".0"))):
        same(ask(gate, token), (204, ""), "a fraction in exp")
    said = "gatepost.fcgi: warning: GET %s: 401%s, pass refused: %s\n"
    for why, token in (
            ("expired", signed(p, claims("1772000000.5"))),
            ("exp is not a time", signed(p, claims('"%s"' % soon))),
            ("sub is not a text", signed(p, claims(soon, "42"))),
            ("aud is not public_url",
             signed(p, claims(soon, aud="https://example.com"))),
            ("not signed with HS256 and a pass_secret",
             signed(p, claims(soon), "x" * 32)),
            ("not a JWT", "ada@example.org")):
        same(ask(gate, token), (401, said % ("/gate", "", why)), why)
        same(ask("/live", token), (401, said % ("/live", " pass", why)),
             "a stream: " + why)
    stop(p.program) # equal lines of a second are counted, not repeated
    p.run()
    until(lambda: p.log.read_text().count(": started, ") == 2, "its start")
    over = signed(p, claims("1772000000"))
    same(ask(gate, "opaque", over), (401, said % ("/gate", "", "expired")),
         "two: one line, of the cookie")
    same(ask(gate, over, good), (204, ""), "one of two is good: no line")
    same(ask(gate, good, over), (204, ""), "the other: no line")
    same(ask(gate), (401, ""), "none: no line")
    p.check_logs("ada@example.org", over, good, *over.split("."))


def made(p, by, who):
    return p.cli("pass", "--" + by, who).stdout.decode().strip()


def statuses(p, token):
    """At the gate, of a file, as JSON of /live, and on /me."""
    mine = {"Cookie": "gatepost=" + token}
    a = p.direct("GET", "/me", headers=mine)
    return (p.direct("GET", "/gate?tier=supporter", headers=mine).status,
            p.direct("GET", "/files/g/x", headers=mine).status,
            p.direct("GET", "/live", headers=mine).status,
            b"Sign out" in a.body)


GOOD, BAD = (204, 200, 200, True), (401, 401, 401, False)


def next_second():
    """A pass of the second in which they are taken back is taken back."""
    now = int(time.time())
    until(lambda: int(time.time()) > now, "the next second")


def with_file():
    p = Place()
    (p.dir / "g").mkdir()
    (p.dir / "g/x").write_bytes(b"x")
    p.configure(more="threads = 4\nfiles '/g' { root = 'g'\n"
                "tier = 'supporter' }")
    p.run()
    p.nginx()
    return p


class Live:
    """A stream; ended: whether its end has come."""

    def __init__(self, p, *tokens):
        cookies = "; ".join("gatepost=" + t for t in tokens)
        self.s = socket.create_connection(("127.0.0.1", p.port), LIMIT)
        self.s.sendall(("GET /live HTTP/1.1\r\nHost: x\r\nAccept: text/event-"
                        "stream\r\nCookie: %s\r\n\r\n" % cookies).encode())
        self.text = b""
        until(lambda: self.read() and b"event: access" in self.text,
              "the first event")

    def read(self):
        self.s.settimeout(0.05)
        try:
            self.text += self.s.recv(65536)
        except socket.timeout:
            pass
        return True

    def ended(self):
        return self.read() and self.text.endswith(b"\r\n0\r\n\r\n")


def taken_back():
    """All passes of a person, by every identifier."""
    p = with_file()
    keys = {"user": "u1", "email": "calvin1@example.com",
            "license": "A-B \u00e9", "buyer": "gumroad:7"}
    for by, who in keys.items():
        p.cli("grant", "--" + by, who, "--tier", "supporter")
        p.cli("grant", "--" + by, who + "x", "--tier", "supporter")
    old = {by: made(p, by, who) for by, who in keys.items()}
    other = {by: made(p, by, who + "x") for by, who in keys.items()}
    for by, who in keys.items():
        same(statuses(p, old[by]), GOOD, "a pass by %s" % by)
        stream, beside = Live(p, old[by]), Live(p, other[by])
        done = p.cli("pass", "--revoke", "--" + by, who)
        same((done.returncode, b"taken back" in done.stdout), (0, True),
             "taken back")
        same(statuses(p, old[by]), BAD, "it is good for nothing")
        until(stream.ended, "the stream to end")
        same((statuses(p, other[by]), beside.ended()), (GOOD, False),
             "another person's is good, and the stream goes on")
    next_second()
    for by, who in keys.items():
        same(statuses(p, made(p, by, who)), GOOD, "a new one by %s" % by)
    token = old["user"]
    good = made(p, "user", "u1")
    mine = {"Cookie": "gatepost=%s; gatepost=%s" % (token, good)}
    same(p.direct("GET", "/gate?tier=supporter", headers=mine).status, 204,
         "a good one beside it")
    same(statuses(p, jwt(p, "u1")), BAD,
         "one that does not say when it was made is taken for old")
    done = p.cli("pass", "--revoke", "--user", "u2", "--json")
    ok("valid_from" in json.loads(done.stdout), "as JSON", done)
    same(p.cli("pass", "--revoke").returncode, 2, "whose?")
    same(p.cli("pass", "--revoke", "--user", "u1", "--for", "1d").returncode,
         2, "nothing is made")

    # what rebuilds and copies the tables
    same(p.cli("rebuild").returncode, 0, "rebuilt")
    same((statuses(p, token), statuses(p, good)), (BAD, GOOD),
         "it survives a rebuild")
    if not ON_SERVER:
        copied = p.dir / "copy.db"
        same(p.cli("copy", "--to", copied).returncode, 0, "copied")
        q = Place(init=False, server=False)
        q.tokens, q.pass_secret = p.tokens, p.pass_secret
        q.configure()
        shutil.copy(copied, q.db)
        same(q.cgi("GET", "/gate?tier=supporter",
                   headers={"Cookie": "gatepost=" + token}).status, 401,
             "and a copy")
    same(p.cli("erase", "--email", keys["email"]).returncode, 0,
         "erased")
    same([r[0].split(":")[0] for r in p.rows("SELECT who FROM passes "
                                             "ORDER BY id")],
         ["user", "erased", "license", "buyer", "user"],
         "an address that is erased is nowhere")


def everywhere():
    """Signing out on /me, in this browser and in all."""
    p = with_file()
    p.cli("grant", "--user", "u1", "--tier", "supporter")
    token = made(p, "user", "u1")
    mine = {"Cookie": "gatepost=" + token}
    here, there = Live(p, token), Live(p, made(p, "user", "u1"))
    ok(b"Sign out everywhere" in p.get("/me", mine).body, "the button")
    a = p.post("/me", b"out=1", {**FORM, **mine})
    same((a.status, a.headers["location"]), (303, "./me"), "signed out here")
    ok(a.headers["set-cookie"].startswith("gatepost=; ") and
       "Max-Age=0" in a.headers["set-cookie"], "the cookie goes", a.headers)
    same((statuses(p, token), there.ended()), (GOOD, False),
         "other browsers are not")
    a = p.post("/me", b"out=everywhere", {
        **FORM, **mine, "Sec-Fetch-Site": "cross-site"})
    same((a.status, statuses(p, token)), (403, GOOD), "not by another site")
    a = p.post("/me", b"out=everywhere", {**FORM, **mine})
    same((a.status, a.headers["location"]), (303, "./me"), "everywhere")
    same(statuses(p, token), BAD, "the pass is good for nothing")
    until(lambda: here.ended() and there.ended(), "both streams to end")
    hold = p.hold()
    a = p.post("/me", b"out=everywhere", {
        **FORM, "Cookie": "gatepost=" + made(p, "user", "u2")})
    hold.let_go()
    same((a.status, "set-cookie" in a.headers), (503, False),
         "what cannot be noted is not claimed")
    a = p.cgi("POST", "/me", b"out=everywhere", {
        **FORM, "Cookie": "gatepost=" + made(p, "user", "u3")})
    same((a.status, p.one("SELECT count(*) FROM passes WHERE who = 'user:u3'")),
         (303, 1), "as plain CGI")
    p.check_logs(token)


main(exchange, refused, taken_back, everywhere)
