#!/usr/bin/env python3
"""Passes and npm's jose: what one makes, the other takes."""

import sys
sys.dont_write_bytecode = True
import base64
import hmac
import json
import shutil
import subprocess
import time

from lib import Place, folder, main, ok, same, skip

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


def install():
    """A folder with jose in it, or None."""
    if not shutil.which("npm") or not shutil.which("node"):
        return None
    place = folder()
    (place / "package.json").write_text('{"private":true,"type":"module"}')
    (place / "try.js").write_text(SCRIPT)
    try:
        done = subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund",
             "--ignore-scripts", "--cache", place / "cache", JOSE],
            cwd=place, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=120)
    except subprocess.TimeoutExpired:
        return None
    return place if done.returncode == 0 else None


def exchange():
    place = install()
    if place is None:
        skip("passes and " + JOSE, "npm is not there, or cannot install it")
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
    over = signed(p, claims("1772000000"))
    same(ask(gate, "opaque", over), (401, said % ("/gate", "", "expired")),
         "two: one line, of the cookie")
    same(ask(gate, over, good), (204, ""), "one of two is good: no line")
    same(ask(gate, good, over), (204, ""), "the other: no line")
    same(ask(gate), (401, ""), "none: no line")
    p.check_logs("ada@example.org", over, good, *over.split("."))


main(exchange, refused)
