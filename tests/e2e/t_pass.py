#!/usr/bin/env python3
"""Passes and npm's jose: what one makes, the other takes."""

import sys
sys.dont_write_bytecode = True
import json
import subprocess

from lib import Place, folder, main, npm_install, ok, same

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


main(exchange)
