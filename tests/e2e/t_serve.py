#!/usr/bin/env python3
"""nginx/serve: the first thing a newcomer runs. It sells, loses pings, and finds
out."""

import sys
sys.dont_write_bytecode = True
import html
import json
import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import urllib.parse

from lib import (FORM, LIMIT, SLOW, TOP, fixture, folder, free_port,
                 gank_headers, http_request, main, ok, same, skip, until)
from served import BUILDING, SERVE, Served

CTL = TOP / "build/serve/gatepost"
PROGRAMS = ["gatepost.fcgi", "nginx", "python3"]


def gone(pids):
    return not [p for p in pids if os.path.exists("/proc/%d" % p)]


def serve():
    if SLOW:
        skip("nginx/serve", "it has a build of its own")
        return
    data, port = folder() / "data", free_port()
    s = Served("--port", str(port), "--data", str(data))
    if not ok(s.ready(), "it starts", s.text):
        return
    url = "http://127.0.0.1:%d" % port
    ok(url in s.text, "it names its address", s.text)
    same([n for n in PROGRAMS if n in s.children().values()], PROGRAMS,
         "all three run")
    same(http_request(port, "GET", "/healthz").body, b"ok", "healthz")
    conf, text = data / "gatepost.conf", (data / "gatepost.conf").read_text()
    same(oct(conf.stat().st_mode & 0o777), "0o600", "the config is 0600")
    gumroad = re.search(r"http://gatepost:([0-9a-f]+)@127", s.text)
    ok(gumroad and gumroad.group(1) in text, "it prints the ping URL's token")
    secret = re.search(r"^\s*secrets = \{ '([0-9a-f]+)' \}", text, re.M)
    body = fixture("gank/um-documented")
    a = http_request(port, "POST", "/hooks/gank", body,
                     gank_headers(body, secret.group(1) if secret else ""))
    same((a.status, a.word()), (200, "recorded"), "Gank's secret works")
    user = sells(port, conf)
    printed(s.text)
    loses(port, conf, user)
    busy(port, data)
    pids = list(s.children())
    same(s.end(), 0, "Ctrl-C: exit 0")
    ok(until(lambda: gone(pids), "the end of all"), "all are gone")
    rows = sqlite3.connect(data / "gatepost.db").execute(
        "SELECT count(*) FROM purchases WHERE platform = 'gumroad'"
        ).fetchone()[0]
    same(rows, 3, "the data stay")
    again(data, user, text)


def said(*words):
    """What a command said, once nobody else is reading the shop."""
    def run():
        done.append(subprocess.run(words, capture_output=True, text=True,
                                   timeout=LIMIT))
        return "another program is reading" not in done[-1].stderr
    done = []
    until(run, "the other reader")
    return done[-1]


def access(conf, *who):
    """The tier, or None."""
    a = said(CTL, "-c", conf, "access", "--json", *who)
    return json.loads(a.stdout)["tier"]


def press(port, what, **more):
    """A button behind the counter."""
    a = http_request(port, "POST", "/shop/do", urllib.parse.urlencode(
        dict(more, do=what)), FORM)
    ok(a.status == 303 and "not+done" not in a.headers["location"],
       "the button: " + what, a)


def counter(port):
    return http_request(port, "GET", "/shop/counter").body.decode()


def buys(port):
    """From the site's button to the shop, and pays: user and sale."""
    a = http_request(port, "GET", "/buy/supporter")
    checkout = urllib.parse.urlsplit(a.headers["location"])
    user = urllib.parse.parse_qs(checkout.query)["user_id"][0]
    page = http_request(port, "GET", "%s?%s" % (
        checkout.path, checkout.query)).body.decode()
    form = {name: html.unescape(value) for name, value in
            re.findall(r'name="(\w+)"[^>]* value="([^"]*)"', page)}
    same(form.get("user_id"), user, "the checkout knows the user")
    a = http_request(port, "POST", "/shop/l/buy",
                     urllib.parse.urlencode(form), FORM)
    bought = urllib.parse.urlsplit(a.headers["location"]).query
    return user, urllib.parse.parse_qs(bought)["bought"][0], form["email"]


def sells(port, conf):
    user, _, _ = buys(port)
    until(lambda: access(conf, "--user", user) == "supporter", "the purchase")
    return user


def loses(port, conf, user):
    """Lost pings are found, a forged one gives nothing."""
    sale = re.search(r'<article[^>]* id="([^"]*)"', counter(port)).group(1)
    press(port, "lose_all")
    press(port, "refund", sale=sale)
    _, lost, email = buys(port)
    until(lambda: counter(port).count("got lost on the way") == 2, "the loss")
    until(lambda: [press(port, "reconcile"), access(conf, "--user", user)][1]
          is None, "the lost refund")
    until(lambda: access(conf, "--email", email) == "supporter",
          "the lost sale")
    until(lambda: ">differs<" not in counter(port), "both to know the same")
    press(port, "link", sale=lost, for_user=user)
    same(access(conf, "--user", user), "supporter", "the owner says whose")
    press(port, "lose_none")
    press(port, "forge", product="gatepost-demo", email="eve@example.com",
          for_user="eve")
    until(lambda: "gives nothing before the shop has confirmed it" in
          counter(port), "the forged sale")
    same(access(conf, "--user", "eve"), None, "a forged sale gives nothing")
    for path in ("v2/user", "fake/", "api/v2/user"):
        same(http_request(port, "GET", "/shop/" + path).status, 404,
             "not for browsers: " + path)


def printed(text):
    """The lines it prints to try do what they say."""
    lines = text.partition("In another terminal:")[2].splitlines()
    for name, want in ((" purchases", "Ink and Tide"),
                       (" reconcile", " 0 differed"),
                       (" explain ", "has tier"),
                       (" import ", " read, "),
                       (" curl -H", '"tier":"supporter"'),
                       (" sqlite3 ", "gumroad"), ("/metrics", "gatepost_")):
        line = next((l for l in lines if name in l), "")
        a = said(*shlex.split(line) or ["false"])
        ok(a.returncode == 0 and want in a.stdout,
           "the printed line works: " + name.strip(), (line, a))


def busy(port, data):
    a = subprocess.run([SERVE, "--port", str(port), "--data", data],
                       capture_output=True, text=True, timeout=BUILDING)
    ok(a.returncode == 1 and "port %d is taken" % port in a.stderr,
       "a busy port: said so", a)
    for args, code, text in ((["--port"], 1, "takes a number"),
                             (["--port", "x"], 1, "takes a number"),
                             (["--port", "70000"], 1, "65535"),
                             (["--nonsense"], 2, "usage"),
                             (["--help"], 0, "usage")):
        a = subprocess.run([SERVE, *args], capture_output=True, text=True,
                           timeout=LIMIT)
        ok(a.returncode == code and text in a.stdout + a.stderr,
           "%s: exit %d" % (" ".join(args), code), a)


def again(data, user, text):
    """The second start finds the first one's data, secrets and shop."""
    port = free_port()
    s = Served("--port", str(port), "--data", str(data))
    if not ok(s.ready(), "it starts again", s.text):
        return
    now = (data / "gatepost.conf").read_text()
    same([l for l in now.splitlines() if "http://127" not in l],
         [l for l in text.splitlines() if "http://127" not in l],
         "with the same secrets")
    ok("http://127.0.0.1:%d" % port in now, "and the new port in public_url")
    same(access(data / "gatepost.conf", "--user", user), "supporter",
         "who bought still has access")
    a = said(CTL, "-c", data / "gatepost.conf", "reconcile")
    ok(a.returncode == 0 and "4 read" in a.stdout, "the shop is the same", a)
    user, _, _ = buys(port)
    until(lambda: access(data / "gatepost.conf", "--user", user) ==
          "supporter", "a purchase at the new address")
    with socket.create_connection(("127.0.0.1", port)):
        pids = list(s.children())
        same(s.end(signal.SIGTERM), 0, "SIGTERM: exit 0")
    ok(until(lambda: gone(pids), "the end of all"), "all are gone again")


main(serve)
