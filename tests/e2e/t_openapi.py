#!/usr/bin/env python3
"""cgi/openapi.json: served, well made, and true: each status it has is provoked,
and a document that says something else is found out. lib.py holds the answers
of all other tests against it as well."""

import sys
sys.dont_write_bytecode = True
import json
import os
import re
import subprocess

import lib
import openapi
from lib import (BODY_MAX, SLOW, TOP, Place, jwt, main, npm_kept, ok, sale,
                 same, skip)

REDOCLY = "@redocly/cli@1.34.5"
EVENTS = {"Accept": "text/event-stream"}
ORIGIN = "https://app.example.org"
FILE = openapi.FILE
# not without a broken program
UNSEEN = {("GET", "/v1/openapi.json", "413")}
FOUND = {"looked_at": "2026-12-01T10:00:00Z", "findings": [
    {"id": "disk", "about": None, "level": "PROBLEM", "lines": None,
     "since": "2026-12-01T10:00:00Z", "text": "disk 1 MB free of 2 MB",
     "page": "gatepost-failures(7)"}]}


def served():
    p = Place()
    p.run()
    p.nginx()
    a = p.get("/v1/openapi.json")
    same((a.status, a.headers["content-type"], a.body == FILE.read_bytes()),
         (200, "application/json", True), "the file, without a key")
    ok("max-age" in a.headers["cache-control"], "may be kept a while", a)
    same(lib.http_request(p.port, "HEAD", "/v1/openapi.json").headers.get(
        "content-length"), str(len(a.body)), "HEAD")
    same(p.cli("-V").stdout.decode().split()[1],
         a.json()["info"]["version"], "its version is the program's")
    ok('"GET /v1/openapi.json" 200' in (
        p.dir / "nginx.access.log").read_text(), "the log has its path")


def routes():
    found = re.findall(r'^\t\{ (\w+), "(/(?:v1/.*|gate|live|healthz|metrics))"',
                       (TOP / "cgi/route.c").read_text(), re.M)
    there = {("GET" if m == "ANY" else m, path) for m, path in found}
    said = {(m.upper(), path) for path, methods in
            json.loads(FILE.read_text())["paths"].items() for m in methods}
    same((sorted(there - said), sorted(said - there)), ([], []),
         "routes that one of cgi/route.c and the document does not have")


def lint():
    if SLOW:
        skip("npm's linter", "it looks at a file")
        return
    modules = npm_kept(REDOCLY)
    if not modules:
        return
    done = subprocess.run(
        ["node", modules / "node_modules/@redocly/cli/bin/cli.js", "lint",
         "--config", TOP / "tests/e2e/redocly.yaml", FILE],
        capture_output=True, timeout=60, cwd=modules,
        env={**os.environ, "REDOCLY_TELEMETRY": "off",
             "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"})
    text = (done.stdout + done.stderr).decode()
    ok(done.returncode == 0 and "warning" not in text.lower(),
       REDOCLY + " finds no fault and warns of nothing", text)


class Asker:
    """Asks a place, directly, and keeps what was asked and answered."""

    def __init__(self, p):
        self.p, self.all = p, []

    def ask(self, method, uri, body=b"", headers=None, status=200,
            cgi=False):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        by = self.p.cgi if cgi else self.p.direct
        a = by(method, uri, body, headers or {})
        self.all.append((method, uri, body, a.status, a.headers, a.body))
        if a.status != status:
            same(a.status, status, "%s %s" % (method, uri))
        return a


def provoke(p):
    """Each answer that the document has."""
    q, key, big = Asker(p), p.bearer(), b"x" * (BODY_MAX + 1)
    token = {"Authorization": "Bearer " + jwt(p, "u1")}
    nobody = {"Authorization": "Bearer " + jwt(p, "u9")}
    q.ask("POST", "/v1/access", {"users": [{"user": "u1"}, {"buyer":
          "gumroad:7"}, {"email": "A@example.org"}, {"license": "x"}]}, key)
    for query in ("user=u1", "user=u9", "user=u1&tier=supporter",
                  "user=u1&allow=x", "email=a+b@example.org"):
        q.ask("GET", "/v1/access?" + query, headers=key)
    q.ask("HEAD", "/v1/access?user=u1", headers=key)
    for query in ("", "user=", "user=u1&tier=", "buyer=7"):
        q.ask("GET", "/v1/access?" + query, headers=key, status=400)
    for body in (b"", {"users": 1}, {"users": [{}]}):
        q.ask("POST", "/v1/access", body, key, status=400)
    ok(q.ask("GET", "/v1/changes", headers=key).json()["changes"],
       "there are changes")
    q.ask("GET", "/v1/changes?after=999", headers=key)
    for query in ("after=x", "wait=61"):
        q.ask("GET", "/v1/changes?" + query, headers=key, status=400)
    q.ask("POST", "/v1/passes", {"user": "1", "for": "3d"}, key)
    q.ask("POST", "/v1/passes", {"email": "a@example.org"}, key)
    q.ask("POST", "/v1/passes", {"for": "3d"}, key, status=400)
    sold = p.one("SELECT sale FROM purchases WHERE user_ref = 'u1'")
    q.ask("POST", "/v1/links", {"sale": sold, "user": "u1"}, key)
    q.ask("POST", "/v1/links", {"sale": "x", "user": "1"}, key, status=404)
    q.ask("POST", "/v1/links", {"sale": "x"}, key, status=400)
    for kind in (None, {"Accept": "text/plain"}):
        q.ask("GET", "/metrics", headers={**key, **(kind or {})})
    q.ask("GET", "/v1/openapi.json")
    q.ask("GET", "/v1/status", headers=key)
    p.execute("INSERT INTO meta (name, value) VALUES ('findings', ?)",
              json.dumps(FOUND))
    ok(q.ask("GET", "/v1/status", headers=key).json()["problems"],
       "status tells what was found")
    q.ask("GET", "/healthz")
    for method in ("GET", "POST", "DELETE"):
        q.ask(method, "/gate?tier=supporter", headers=token, status=204)
    q.ask("GET", "/gate?tier=supporter", status=401)
    q.ask("GET", "/gate?tier=supporter", headers=nobody, status=403)
    q.ask("GET", "/gate", headers=token, status=403)
    for who in (token, nobody):
        q.ask("GET", "/live", headers=who)
        q.ask("GET", "/live", headers={**who, **EVENTS}, cgi=True)
    q.ask("GET", "/live", headers={**token, "Origin": ORIGIN})
    q.ask("GET", "/live?quiet", status=204)
    q.ask("GET", "/live", status=401)
    q.ask("OPTIONS", "/live", headers={"Origin": ORIGIN}, status=204)
    q.ask("OPTIONS", "/live", headers={"Origin": "https://x"}, status=403)
    paths = json.loads(FILE.read_text())["paths"]
    asked = [(m.upper(), path) for path, methods in paths.items()
             for m in methods]
    for method, path in asked:
        if path.startswith("/v1/") and not path.endswith(".json") or \
                path == "/metrics":
            q.ask(method, path, status=401)
        if path != "/gate":
            q.ask(method, path, big, key, status=413)
            q.ask("PUT", path, headers=key, status=405)
    q.ask("HEAD", "/v1/links", headers=key, status=405)
    p.conf.write_text(p.conf.read_text() + "nonsense\n")
    for method, path in asked:
        q.ask(method, path, headers=key, cgi=True,
              status=403 if path == "/gate" else 503)
    return q.all


# What a document could say wrongly: (text, in its place, the first time)
LIES = (
    ('["integer", "null"],\n            "description": "Seats', '["string"'
     ', "null"],\n            "description": "Seats'),
    ('"test": { "type": "boolean"', '"test": { "type": "integer"'),
    ('["active", "grace", "none"]', '["active", "grace"]'),
    ('"rank": {', '"ranks": {'),
    ('"enum": ["identifier", "rule"]', '"enum": ["rule"]'),
    ('"const": "linked"', '"const": "done"'),
    ('["not_found"]', '["nothing"]'),
    ('"404": {', '"410": {'),
    ('"204": {', '"200": {'),
    ('"text/event-stream": {', '"text/plain": {'),
    ('"application/json": {', '"application/problem+json": {'),
    ('"/v1/changes": {', '"/v1/change": {'),
    ('"options": {', '"patch": {'),
    ('"X-Gatepost-By": {', '"X-Gatepost-Of": {'),
    ('"pattern": "^[a-z]+:.+$"', '"pattern": "^[0-9]+$"'),
    ('"maxItems": 1000', '"maxItems": 1'),
    ('[smhdw]?$"', '[hw]$"'),
    ('"description": "RFC 3339, UTC."', '"maxLength": 3'),
)


def true():
    if not ok(lib.document(), "python3-jsonschema can be loaded", sys.path):
        return
    p = Place()
    p.configure(more="allow_origin = { '%s' }" % ORIGIN)
    p.run()
    same(p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(1),
                  lib.FORM).word(), "recorded", "a sale")
    p.cli("grant", "--user", "u1", "--tier", "influencer", "--for", "3d")
    answers = provoke(p)
    faults = [f for a in answers for f in lib.document().faults(*a)]
    same(faults, [], "%d answers are as the document says" % len(answers))
    seen = {("GET" if path == "/gate" or method == "HEAD" else method, path,
             str(status)) for method, path, status in
            ((a[0], a[1].partition("?")[0], a[3]) for a in answers)}
    said = {(m.upper(), path, status) for path, methods in
            json.loads(FILE.read_text())["paths"].items()
            for m, how in methods.items() for status in how["responses"]}
    same(sorted(said - seen - UNSEEN), [], "each status was seen")
    text = FILE.read_text()
    for old, new in LIES:
        lie = openapi.Document(text.replace(old, new, 1))
        ok(old in text and any(lie.faults(*a) for a in answers),
           "found out: %s for %s" % (new, old))


if __name__ == "__main__":
    main(served, routes, lint, true)
