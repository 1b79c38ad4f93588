#!/usr/bin/env python3
"""nginx/serve: the first thing a newcomer runs."""

import sys
sys.dont_write_bytecode = True
import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess

from lib import (LIMIT, SLOW, fixture, folder, free_port, gank_headers,
                 http_request, main, ok, same, skip, until)
from served import BUILDING, SERVE, Served


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
    names = sorted(set(s.children().values()))
    ok("gatepost.fcgi" in names and "nginx" in names, "both run", names)
    same(http_request(port, "GET", "/healthz").body, b"ok", "healthz")
    user = printed(s.text)
    conf, text = data / "gatepost.conf", (data / "gatepost.conf").read_text()
    same(oct(conf.stat().st_mode & 0o777), "0o600", "the config is 0600")
    gumroad = re.search(r"http://gatepost:([0-9a-f]+)@127", s.text)
    ok(gumroad and gumroad.group(1) in text, "it prints the ping URL's token")
    secret = re.search(r"^\s*secrets = \{ '([0-9a-f]+)' \}", text, re.M)
    body = fixture("gank/um-documented")
    a = http_request(port, "POST", "/hooks/gank", body,
                     gank_headers(body, secret.group(1) if secret else ""))
    same((a.status, a.word()), (200, "recorded"), "Gank's secret works")
    busy(port, data)
    pids = list(s.children())
    same(s.end(), 0, "Ctrl-C: exit 0")
    ok(until(lambda: gone(pids), "the end of both"), "both are gone")
    rows = sqlite3.connect(data / "gatepost.db").execute(
        "SELECT count(*) FROM events").fetchone()[0]
    same(rows, 2, "the data stay")
    again(data, user, text)


def printed(text):
    """The lines it prints to try do what they say."""
    lines = [l.strip() for l in text.splitlines()]
    trigger = next((l for l in lines if " trigger " in l), "")
    access = next((l for l in lines if " access " in l), "")
    query = next((l for l in lines if l.startswith("sqlite3 ")), "")
    for name, line, want in (("trigger", trigger, "200 "),
                             ("access", access, "has tier"),
                             ("sqlite3", query, "gumroad")):
        if name == "sqlite3" and not line:
            continue
        a = subprocess.run(shlex.split(line) or ["false"],
                           capture_output=True, text=True, timeout=LIMIT)
        ok(a.returncode == 0 and want in a.stdout,
           "the printed line works: " + name, (line, a))
    return shlex.split(access)


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


def again(data, access, text):
    """The second start finds the first one's data and secrets."""
    port = free_port()
    s = Served("--port", str(port), "--data", str(data))
    if not ok(s.ready(), "it starts again", s.text):
        return
    now = (data / "gatepost.conf").read_text()
    same([l for l in now.splitlines() if "http://127" not in l],
         [l for l in text.splitlines() if "http://127" not in l],
         "with the same secrets")
    ok("http://127.0.0.1:%d" % port in now, "and the new port in public_url")
    a = subprocess.run(access, capture_output=True, text=True, timeout=LIMIT)
    ok("has tier" in a.stdout, "who bought still has access", a)
    with socket.create_connection(("127.0.0.1", port)):
        pids = list(s.children())
        same(s.end(signal.SIGTERM), 0, "SIGTERM: exit 0")
    ok(until(lambda: gone(pids), "the end of both"), "both are gone again")


main(serve)
