"""The Debian that tests/deb setup has booted: its names, its certificates, its
shop, and what is asked of Gatepost there. All is started by systemd."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "e2e"), str(TESTS / "fake")]
import front
import lib
from client import Fake

HOST, ADDRESS, ELSEWHERE = "pay.example.org", "203.0.113.10", "203.0.113.99"
LIVE = Path("/etc/letsencrypt/live") / HOST
CA = Path("/srv/ca")
PORT = 8085
AS_GATEPOST = ["runuser", "-u", "gatepost", "--"]


def run(*argv, **options):
    return subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=300, **options)


def sh(text):
    done = run("sh", "-ec", text)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (text, done.stdout))
    return done.stdout


def service(name, *argv):
    """One that outlives a test."""
    run("systemctl", "stop", name)
    sh("systemd-run -q --collect --unit=%s %s" % (
        name, " ".join(str(a) for a in argv)))


# ---- names and certificates ---------------------------------------------------

def names(address):
    """The name server says that the host is there."""
    service("names", "/usr/sbin/dnsmasq", "--keep-in-foreground",
            "--conf-file=/dev/null", "--no-hosts", "--no-resolv",
            "--listen-address=127.0.0.1", "--bind-interfaces",
            "--address=/%s/%s" % (HOST, address))

    def says():
        try:
            return socket.gethostbyname(HOST) == address
        except OSError:
            return False
    lib.until(says, "the name server")


def certify(**how):
    """A certificate where certbot puts it."""
    cert, key = front.Authority.sign(AUTHORITY, "host", **{
        "host": HOST, **how})
    LIVE.mkdir(parents=True, exist_ok=True)
    shutil.copy(cert, LIVE / "fullchain.pem")
    shutil.copy(key, LIVE / "privkey.pem")


def prepare():
    """What a newcomer has: a name that leads here, a certificate, a shop."""
    global AUTHORITY
    sh("ip addr add %s/32 dev lo" % ADDRESS)
    Path("/etc/resolv.conf").unlink(missing_ok=True)
    Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
    names(ADDRESS)
    CA.mkdir()
    AUTHORITY = front.Authority(CA)
    shutil.copy(AUTHORITY.file, "/usr/local/share/ca-certificates/tests.crt")
    sh("update-ca-certificates")
    certify()


# ---- the shop -----------------------------------------------------------------

class Shop(Fake):
    """The fake Gumroad, with a few sales of before."""

    def __init__(self):
        service("shop", TESTS / "fake/gumroad", "--port", PORT, "--moment", 0,
                "--history", 5)
        self.port = PORT
        lib.until(lambda: lib.connects(("127.0.0.1", PORT)), "the shop")

    @classmethod
    def there(cls):
        """The one that runs already."""
        shop = cls.__new__(cls)
        shop.port = PORT
        return shop

    def registered(self):
        return sorted(
            (name, r["post_url"]) for name in
            ("refund", "dispute", "cancellation", "subscription_ended")
            for r in self.get("/v2/resource_subscriptions?resource_name=" +
                              name).json()["resource_subscriptions"])


# ---- Gatepost -------------------------------------------------------------------

def gatepost(*argv):
    return run(*AS_GATEPOST, "gatepost", *argv)


def setup(*argv):
    return run("gatepost", "setup", *argv)


def doctor():
    """The exit code, and what is no "ok": {id: text}."""
    done = gatepost("doctor", "--json")
    said = json.loads(done.stdout)["findings"]
    return done.returncode, {f["id"]: f["level"] + " " + f["text"]
                             for f in said if f["level"] != "ok"}


def purchases():
    return gatepost("purchases", "--json").stdout


def files(*folders):
    return {str(p): p.read_bytes() for folder in folders
            for p in Path(folder).rglob("*")
            if p.is_file() and not p.is_symlink()}


class Page:
    """A page that is open at /live, with a pass of that user."""

    def __init__(self, user):
        token = gatepost("pass", "--user", user).stdout.strip()
        s = socket.create_connection((HOST, 443), lib.LIMIT)
        self.s = ssl.create_default_context().wrap_socket(
            s, server_hostname=HOST)
        self.s.sendall(("GET /live HTTP/1.1\r\nHost: %s\r\nAccept: text/event-"
                        "stream\r\nCookie: gatepost=%s\r\n\r\n" % (
                            HOST, token)).encode())
        self.text = ""

    def wait(self, pattern):
        end = time.monotonic() + lib.LIMIT
        while not re.search(pattern, self.text):
            if time.monotonic() > end:
                raise RuntimeError("waited for %s in %s" % (pattern,
                                                            self.text))
            self.s.settimeout(lib.LIMIT)
            self.text += self.s.recv(65536).decode()

    def end(self):
        self.s.close()
