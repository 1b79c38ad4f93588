#!/usr/bin/env python3
"""gatepost doctor looks through public_url: behind nginx with the shipped
settings all is well; and each thing that can be wrong there is named, with
what to do. STATIC=FOLDER: the same by curl(1), in short."""

import sys
sys.dont_write_bytecode = True
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

from front import (Authority, Front, answers, environment, longer_than, moved,
                   swallows)
from lib import (CTL_PROGRAM, LIMIT, TOP, Place, main, needs_file, ok, same,
                 skip, stop)

STATIC = Path(os.environ.get("STATIC", TOP / "build/static")).resolve()
FRONT = ("name_server", "reach", "certificate", "redirect", "delivery",
         "authorization", "stream", "headers", "gate", "large_body")
FILES = """
files '/guides' {
    root = '%s'
    tier = 'supporter'
}
"""


class Behind(Place):
    """A place behind nginx, and what `doctor` finds at a front door of it."""

    cleared = True  # as the shipped file clears X-Gatepost-*
    more = ""

    def __init__(self, run=True, **options):
        super().__init__(**options)
        (self.dir / "guides").mkdir()
        (self.dir / "guides/a.txt").write_text("for members")
        self.ca = Authority(self.dir)
        self.env = environment(self.ca.file)
        self.settings = self.conf.read_text() + FILES % (self.dir / "guides")
        if run:
            self.at("https://localhost")
            self.run()
            self.nginx()

    def write_nginx(self, **options):
        conf = super().write_nginx(**options)
        if not self.cleared:
            conf.write_text("".join(
                line + "\n" for line in conf.read_text().splitlines()
                if "HTTP_X_GATEPOST" not in line))
        return conf

    def at(self, url, old=None, new=None):
        """With that public_url; the program goes on with what it read."""
        text = self.settings.replace("https://example.org", url)
        if old:
            assert old in text
            text = text.replace(old, new)
        self.conf.write_text(text)

    def restart(self):
        stop(self.program)
        self.run()

    def start_doctor(self, *args, env=None):
        return subprocess.Popen(
            [str(CTL_PROGRAM), "-c", str(self.conf), "doctor", "--json",
             *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=env or self.env)

    def found(self, child):
        out, err = child.communicate(timeout=3 * LIMIT)
        if child.returncode not in (0, 1):
            raise RuntimeError("doctor: %d %r %r" % (child.returncode, out,
                                                     err))
        said = {}
        for f in json.loads(out)["findings"]:
            if f["id"] in FRONT or f["about"] == "public_url":
                said[f["id"]] = f
            for secret in (*self.tokens, *self.secrets, self.api_key,
                           self.pass_secret):
                if secret in f["text"]:
                    ok(False, "no secret in a finding", f)
        return said

    def doctor(self, *args, env=None):
        return self.found(self.start_doctor(*args, env=env))


def levels(said, *names):
    return {n: said[n]["level"] for n in names if n in said}


def named(said, name, level, *words):
    """That finding, in such words."""
    f = said.get(name, {"level": None, "text": None})
    ok(f["level"] == level and
       all(w in (f["text"] or "") for w in words),
       "%s: %s: %s" % (name, level, words[0]), json.dumps(said, indent=1))


def others_fine(said, *names):
    same([n for n, f in said.items()
          if f["level"] == "PROBLEM" and n not in names], [],
         "and nothing else is a PROBLEM")


def placed():
    p = Behind()
    p.good = p.ca.sign("good")
    return p


# ---- all is well -------------------------------------------------------------

def good():
    p = placed()
    with Front(p.port, cert=p.good) as front:
        p.at(front.url)
        p.restart()
        said = p.doctor("--deep")
        want = dict.fromkeys(("reach", "certificate", "redirect", "delivery",
                              "authorization", "stream", "headers", "gate",
                              "clock", "large_body"), "ok")
        same(levels(said, *want), want, "all is well")
        named(said, "name_server", "note", "not public")
        named(said, "certificate", "ok", "good for")
        named(said, "reach", "ok", "did not leave the machine")
        named(said, "delivery", "ok", "seen 1 time")
        p.doctor("--deep")
        rows = p.rows("SELECT kind, status, reason, seen, length(body) > "
                      "200000 FROM events ORDER BY id")
        same([tuple(r) for r in rows],
             [("probe", "test", "probe", 4, False),
              ("probe", "test", "probe", 2, True)],
             "two rows for ever, and tests")
        hooks = [h for m, path, h in front.asked
                 if path.startswith("/hooks/")]
        same({h["User-Agent"] for h in hooks}, {"Ruby"}, "as a platform asks")
    p.check_logs()


def no_trace():
    """A doctor's delivery is none: for nobody who counts or is told."""
    p = Behind(run=False)
    p.at("http://localhost")
    p.settings = p.conf.read_text() + """
on 'delivery' {
    test = true
    http 'spy' { url = 'http://127.0.0.1:1/' }
}
"""
    p.run()
    p.nginx()
    p.at("http://localhost", "http://localhost",
         "http://localhost:%d" % p.port)
    p.restart()
    named(p.doctor(), "delivery", "ok", "arrived")
    same(p.one("SELECT count(*) FROM outbox"), 0, "no follow-up")
    same(p.one("SELECT count(*) FROM purchases"), 0, "no purchase")
    text = p.get("/metrics").body.decode()
    ok('deliveries_total{platform="gumroad",kind="unknown",outcome="test"} 1'
       in text, "/metrics counts it as a test", text[:3000])
    ok(not [line for line in text.splitlines()
            if "last_delivery" in line and not line.startswith("#") and
            'gumroad' in line and not line.endswith(" 0")],
       "/metrics: nothing was heard", text[:3000])
    ok(b"last heard" not in p.cli("check").stdout, "nor for check")
    out = p.cli("events").stdout.decode()
    ok("probe" in out and "test" in out, "events shows it as a test", out)


def other_platforms():
    """The proof is a signature, or stands in the body."""
    for name, secrets in (("gank", "secrets"), ("kofi", "tokens")):
        p = Behind(run=False, tiers="")
        head, gumroad, _ = p.settings.partition("gumroad {")
        p.settings = head + "%s { %s = { 'a-secret-of-24-letters--' } }\n" % (
            name, secrets)
        p.at("http://localhost")
        p.run()
        p.nginx()
        p.at("http://localhost:%d" % p.port)
        p.restart()
        for times in ("seen 1 time", "seen 2 times"):
            named(p.doctor("--deep"), "delivery", "ok", "of " + name, times)
        same(p.one("SELECT count(*) FROM events WHERE status = 'test'"), 2,
             name + ": one row, and one that is large")


# ---- who comes in between ----------------------------------------------------

def faults():
    p = placed()
    p.at("http://localhost")

    def at(*words, finding, level="PROBLEM", more=(), args=(), also=(),
           **options):
        with Front(p.port, cert=p.good, **options) as front:
            p.at(front.url)
            said = p.doctor(*args)
            named(said, finding, level, *words)
            others_fine(said, finding, *also)
            return said

    # passes are for the public_url that the program read
    passes = ("stream",)
    at("301", "https://www.example.org…", "public_url", finding="redirect",
       also=("delivery", *passes),
       rules=[("/hooks/", moved(301, "https://www.example.org"))])
    at("308", finding="redirect", also=("delivery", *passes),
       rules=[("/hooks/", moved(308, "/elsewhere"))])
    at("leads elsewhere (302)", "https://www.example.org/healthz",
       finding="reach",
       also=("redirect", "delivery", "authorization", *passes),
       rules=[("/", moved(302, "https://www.example.org"))])
    at("answered 403, as text/html", "firewall", "Let /hooks/",
       finding="delivery", also=passes,
       rules=[("/hooks/", answers(403, Server="cloudflare"))])
    at("asks for a password", finding="delivery", also=passes,
       rules=[("/hooks/", answers(401))])
    at("locations are missing", finding="delivery", also=passes,
       rules=[("/hooks/", answers(404))])
    at("locations are missing", finding="reach",
       also=("delivery", "authorization", *passes),
       rules=[("/", answers(404))])
    for status, words in ((502, "does not reach Gatepost"),
                          (503, "has no room"), (504, "waited in vain"),
                          (429, "do not limit requests")):
        at(words, finding="delivery", also=passes,
           rules=[("/hooks/", answers(status))])
    at("does not reach Gatepost", "systemctl status gatepost",
       finding="reach", also=("delivery", "authorization", *passes),
       rules=[("/", answers(502))])
    at("another page or program", finding="reach",
       also=("delivery", "authorization", "gate", *passes),
       rules=[("/", answers(200))])
    at("in this database", "another Gatepost", finding="delivery",
       also=passes, rules=[("/hooks/", answers(
           200, b'{"status":"test","event":1}', "application/json"))])
    at("CGIPassAuth", finding="authorization", also=passes,
       stripped=["Authorization"])
    at("ahead of", "timedatectl", finding="clock", also=passes, shift=-3600)
    at("behind", finding="clock", also=passes, shift=3600)
    at("client_max_body_size", finding="large_body", also=passes,
       args=["--deep"],
       rules=[("/hooks/", longer_than(65536, answers(413)))])
    at("opened without a pass", finding="gate", also=passes,
       rules=[("/files/", answers(200))])


def streams():
    p = placed()
    with Front(p.port, cert=p.good) as front:
        p.at(front.url)
        p.restart()
        named(p.doctor(), "stream", "ok", "first event")
        front.buffers = True
        said = p.doctor()
        named(said, "stream", "PROBLEM", "holds it back", "proxy_buffering")
        others_fine(said, "stream")
        front.buffers = False
        front.rules = [("/live", swallows)]
        named(p.doctor(), "stream", "PROBLEM", "holds it back")
        front.rules = [("/live", answers(404))]
        named(p.doctor(), "stream", "PROBLEM", "locations are missing")
        front.rules = []
        front.stripped = {"cookie"}
        named(p.doctor(), "stream", "PROBLEM", "401", "other settings")


def client_headers():
    p = Behind(run=False)
    p.cleared = False
    p.at("http://localhost")
    p.run()
    p.nginx()
    p.at("http://localhost:%d" % p.port)
    p.restart()
    said = p.doctor()
    named(said, "headers", "note", "X-Gatepost-User", "shipped files")
    others_fine(said)
    for user, value in (("gatepost-doctor", "user"), ("42", None)):
        a = p.get("/live", {"Cookie": "gatepost=" + p.cli(
            "pass", "--user", user).stdout.decode().strip(),
            "X-Gatepost-User": "43"})
        same(a.headers.get("x-gatepost-client"), value,
             "told to nobody else: " + user)


def other_settings():
    p = placed()
    with Front(p.port, cert=p.good) as front:
        p.at(front.url)
        p.restart()
        p.at(front.url, p.tokens[0], "another-token-of-24-letters")
        named(p.doctor(), "delivery", "PROBLEM", "Gatepost answered 404",
              "systemctl restart gatepost")
        p.at(front.url, p.pass_secret, "another-secret-of-24-letters-or-so")
        named(p.doctor(), "stream", "PROBLEM", "other settings")
        p.at(front.url, p.api_key, "another-key-of-24-letters-or-so")
        named(p.doctor(), "authorization", "PROBLEM", "API key",
              "the settings differ")
        p.at(front.url, "api_keys = { '%s' }" % p.api_key, "")
        p.restart()
        named(p.doctor(), "authorization", "ok", "arrives")
        front.stripped = {"authorization"}
        named(p.doctor(), "authorization", "PROBLEM", "HTTP Basic")
        front.stripped = set()
        p.at(front.url, "public_url = '%s'" % front.url, "")
        named(p.doctor(), "reach", "note", "public_url is not set")


# ---- no answer ---------------------------------------------------------------

def certificates():
    p = placed()
    other = Authority(p.dir, "other")
    for cert, words in (
            (p.ca.sign("own", own=True), ("signed by itself", "certbot")),
            (p.ca.sign("late", days=-1), ("has expired", "certbot renew")),
            (p.ca.sign("name", host="www.example.net"),
             ("another name", "server block")),
            (other.sign("unknown"), ("fullchain.pem",)),
            (p.ca.sign("soon", days=9), ("ends in", "certbot"))):
        with Front(p.port, cert=cert) as front:
            p.at(front.url)
            said = p.doctor()
            named(said, "certificate", "PROBLEM", *words)
            others_fine(said, "certificate", "stream")
    with Front(p.port) as front:
        p.at(front.url.replace("http:", "https:"))
        named(p.doctor(), "certificate", "PROBLEM", "no TLS")
        p.at(front.url)
        named(p.doctor(), "certificate", "note", "only this machine")


def unreached():
    p = Behind(run=False)
    p.at("https://nobody.invalid")
    named(p.doctor(), "name_server", "PROBLEM", "no address", "A record")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        p.at("https://localhost:%d" % port)
        said = p.doctor()
        named(said, "reach", "PROBLEM", "nobody listens at port %d" % port)
        others_fine(said, "reach")
    # a connection that is swallowed: a queue that is full; and one that is
    # taken, and never answered
    with socket.socket() as full, socket.socket() as one, Front(
            0, [("/", swallows)]) as front:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        one.connect(full.getsockname())
        p.at("http://localhost:%d" % full.getsockname()[1])
        first = p.start_doctor()
        while first.poll() is None and not said.get("done"):
            said["done"] = reads_settings(first)
        p.at(front.url)
        second = p.start_doctor()
        named(p.found(first), "reach", "PROBLEM", "swallows it", "firewall")
        named(p.found(second), "reach", "PROBLEM", "no answer within 10 s")


def reads_settings(child):
    """Is it past that, at its connection?"""
    links = []
    try:
        for fd in Path("/proc/%d/fd" % child.pid).iterdir():
            links.append(os.readlink(fd))
    except OSError:
        pass
    return any(link.startswith("socket:") for link in links)


ADDRESS = "203.0.113.7"  # counts as public, RFC 5737


def public_address():
    """In a network of its own, where such an address is this machine's."""
    if os.getuid() != 0 or not shutil.which("ip"):
        skip("a public address", "needs root and ip(8)")
        return
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", "ip link set lo up && ip addr add "
         "%s/32 dev lo && exec %s %s at_public_address" % (
             ADDRESS, sys.executable, __file__)],
        capture_output=True, timeout=6 * LIMIT)
    ok(done.returncode == 0, "at a public address", done.stdout[-3000:] +
       done.stderr[-1000:])


def at_public_address():
    if "at_public_address" not in sys.argv:
        return
    p = Behind(server=False)
    with Front(p.port, at=ADDRESS) as front:
        p.at(front.url)
        p.restart()
        said = p.doctor()
        named(said, "name_server", "ok", "%s, this machine" % ADDRESS)
        named(said, "reach", "ok", "did not leave the machine")
        named(said, "certificate", "PROBLEM", "public_url is http", "certbot")
        others_fine(said, "certificate")
    p.at("https://192.0.2.1")
    said = p.doctor()
    named(said, "name_server", "note", "no interface of this machine")
    named(said, "reach", "PROBLEM", "no way leads there")


def static():
    """By curl(1), where there is no libcurl."""
    global CTL_PROGRAM
    needs_file("the static program knows no server")
    if not (STATIC / "gatepost").exists():
        skip("the static program", "tests/run e2e makes it")
        return
    CTL_PROGRAM = STATIC / "gatepost"
    good()
    certificates()
    streams()
    unreached()


main(good, no_trace, other_platforms, faults, streams, client_headers,
     other_settings, certificates, unreached, public_address,
     at_public_address, static)
