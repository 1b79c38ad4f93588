#!/usr/bin/env python3
"""gatepost setup: at a terminal and by options, to the first sale."""

import sys
sys.dont_write_bytecode = True
import http.server
import os
import re
import sqlite3
import subprocess
import threading

from apache import APACHE, MODULES, STANDARD
from asked import shop
from lib import (CTL_PROGRAM, FCGI_PROGRAM, LIMIT, NGINX, connects, folder,
                 free_port, main, ok, same, start, until)
from terminal import Terminal

SECRET = "gank-secret-0123456789"


class Site:
    """A folder with the settings, and a web server that reads what setup
    writes."""

    def __init__(self, *history, scopes=None):
        self.dir = folder()
        self.dir.chmod(0o755)
        self.conf = self.dir / "gatepost.conf"
        self.port = free_port()
        self.url = "http://127.0.0.1:%d" % self.port
        more = ["--scopes", scopes] if scopes else []
        self.fake = shop("--moment", 0, *history, *more)
        self.api = "http://127.0.0.1:%d" % self.fake.port
        self.token = self.file("token", "fake-token")

    def file(self, name, text):
        path = self.dir / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        return path

    def argv(self, *more):
        return [CTL_PROGRAM, "-c", self.conf, "setup", *more]

    def setup(self, *more, limit=60):
        done = subprocess.run(
            [str(a) for a in self.argv(*more)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=limit)
        return done

    def options(self, server="none", *more):
        return self.setup("--public-url", self.url, "--server", server,
                          "--gumroad-api", self.api, "--gumroad-token-file",
                          self.token, *more)

    def terminal(self, *more):
        return Terminal(*self.argv(*more))

    def run(self):
        """The program, as setup says it is to be started."""
        self.sock = self.dir / "gatepost.sock"
        with open(self.dir / "log", "ab") as log:
            child = start([FCGI_PROGRAM, "-c", self.conf, "--listen",
                           "unix:%s" % self.sock], stderr=log,
                          stdin=subprocess.DEVNULL)
        until(lambda: child.poll() is not None or connects(str(self.sock)),
              "the program")
        return child

    def nginx(self, more=""):
        """The files of setup, in a server that is its own."""
        (self.dir / "fastcgi_params").write_text(
            open("/etc/nginx/fastcgi_params").read())
        user = "user root;" if os.getuid() == 0 else ""
        temp = "".join("%s_temp_path %s/%s;" % (kind, self.dir, kind) for kind
                       in ("client_body", "proxy", "fastcgi", "uwsgi",
                           "scgi"))
        conf = self.dir / "nginx.conf"
        conf.write_text(
            "daemon off; pid %s/nginx.pid; %s events {} error_log "
            "%s/nginx.log;\nhttp { access_log off; %s %s\n"
            "include %s/nginx/conf.d/*.conf; }\n" % (
                self.dir, user, self.dir, temp, more, self.dir))
        child = start([NGINX, "-p", self.dir, "-c", conf, "-e",
                       self.dir / "nginx.log"], stderr=subprocess.DEVNULL)
        until(lambda: child.poll() is not None or
              connects(("127.0.0.1", self.port)), "nginx")
        if child.poll() is not None:
            raise RuntimeError((self.dir / "nginx.log").read_text())
        return child

    def apache(self):
        modules = [*STANDARD, "proxy", "proxy_fcgi", "headers"]
        user = "User www-data\nGroup www-data\n" if os.getuid() == 0 else ""
        conf = self.dir / "apache.conf"
        conf.write_text(
            "ServerRoot %s\nDefaultRuntimeDir %s\nPidFile %s/apache.pid\n"
            "ServerName 127.0.0.1\nListen 127.0.0.1:%d\nErrorLog "
            "%s/apache.log\nTypesConfig /etc/mime.types\n%s%s"
            "Include %s/apache/sites-available/*.conf\n" % (
                self.dir, self.dir, self.dir, self.port, self.dir, user,
                "".join("LoadModule %s_module %s/mod_%s.so\n" % (
                    m, MODULES, m) for m in dict.fromkeys(modules)), self.dir))
        child = start([APACHE, "-f", conf, "-DFOREGROUND"], cwd="/",
                      env={"PATH": os.environ["PATH"],
                           "APACHE_LOG_DIR": str(self.dir)},
                      stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: child.poll() is not None or
              connects(("127.0.0.1", self.port)), "Apache")
        return child

    def rows(self, sql, *args):
        db = sqlite3.connect("file:%s?mode=ro" % (self.dir / "gatepost.db"),
                             uri=True, timeout=LIMIT)
        try:
            return db.execute(sql, args).fetchall()
        finally:
            db.close()

    def sold(self, name, email="first@example.com"):
        """A sale at the shop is here at once, and gives its tier."""
        sale = self.fake.buy(email=email)["sale"]
        until(lambda: self.rows(
            "SELECT 1 FROM purchases WHERE sale = ?", sale), name)
        ok(True, name)
        return sale


# ---- at a terminal ---------------------------------------------------------

def terminal():
    """Broken off and resumed; then the web server, and ready."""
    w = Site("--history", 10)
    t = w.terminal("--gumroad-api", w.api)
    t.answer("Public address", w.url)
    t.answer("Web server", "nginx")
    t.answer("Gumroad's access token", "no-such-token", hidden=True)
    t.wait("token")
    t.answer("Gumroad's access token", "fake-token", hidden=True)
    t.wait("Gank's webhook secret[^\n]*: ")
    until(lambda: not t.echoes(), "the echo to be off")
    t.press(b"\x03")
    same(t.exit(), 1, "broken off")
    ok("goes on from there" in t.text, "it says so", t.text)
    ok("fake-token" not in t.text and "no-such-token" not in t.text,
       "no token is echoed", t.text)
    text = w.conf.read_text()
    ok("api_token = 'fake-token'" in text and
       "public_url = '%s'" % w.url in text, "what was answered is kept", text)
    ok("# Tiers: what a purchase lets" in text, "comments stay")

    t = w.terminal()
    t.answer("Public address.*%s" % w.url, "")
    t.answer("Web server", "nginx")
    t.answer("Gumroad's access token.*the one that is set", "", hidden=True)
    t.answer("Gank's webhook secret", SECRET, hidden=True)
    t.answer("mail address", "me@example.org")
    t.answer("Write these tiers", "yes")
    same(t.exit(), 1, "waiting for the web server")
    ok("include %s/nginx/conf.d" % w.dir in t.text and
       "\nwaiting: " in t.text, "it says what to do", t.text)
    ok(SECRET not in t.text, "the secret is not echoed", t.text)
    text = w.conf.read_text()
    ok("secrets = { '%s' }" % SECRET in text and
       "alert_mail = 'me@example.org'" in text, "answers are kept", text)
    ranks = re.findall(r"^tier '(.*)' \{.*\n\trank = (\d+)\n\tgrants = "
                       r"\{ 'gumroad/[^/]*==(/.*)?' \}", text, re.M)
    ok(("supporter", "10", "/Supporter") in ranks and
       [int(r[1]) for r in ranks] == list(range(10, 10 * len(ranks) + 1, 10)),
       "tiers, cheapest first, by ids", ranks)

    w.run()
    w.nginx()
    t = w.terminal()
    t.answer("Public address", "")
    t.answer("Web server", "nginx")
    t.answer("Gumroad's access token", "", hidden=True)
    t.answer("Gank's webhook secret", "", hidden=True)
    t.answer("mail address", "")
    hook = t.wait(r"\n  (http://gatepost:\S+)\n").group(1)
    t.wait("Enter goes on")
    w.fake.do("test_ping", url=hook)
    t.wait("Gumroad: came in")
    t.wait("login token")
    t.wait("Enter goes on")
    t.type("")
    same(t.exit(), 0, "ready")
    ok(re.search(r"\nready: a test delivery through %s is in the database.*"
                 r"did not leave the machine; a delivery of Gumroad came in" %
                 w.url, t.text), "it says by which proof", t.text)
    ok(len(w.rows("SELECT 1 FROM purchases")) >= 10, "it was imported")
    w.sold("a sale at the shop is in the database")
    ok(not list(w.dir.glob("*.new")), "nothing is left over")


def end_of_input():
    w = Site()
    t = w.terminal()
    t.wait("Public address[^\n]*: ")
    t.press(b"\x04")
    same(t.exit(), 1, "the end of input breaks it off")
    ok("broken off" in t.text, "it says so", t.text)


# ---- by options ------------------------------------------------------------

def by_options():
    w = Site("--history", 5)
    secret = w.file("secret", SECRET)
    done = w.options("nginx", "--gank-secret-file", secret, "--owner",
                     "me@example.org", "--tiers", "auto")
    same(done.returncode, 1, "waits for the web server")
    ok("\nwaiting: " in done.stdout, "it says so", done.stdout)
    w.run()
    w.nginx()
    done = w.setup("--server", "nginx")
    same(done.returncode, 0, "ready")
    ok("\nready: " in done.stdout and "registered for" in done.stdout,
       "it says so", done.stdout)
    ok("fake-token" not in done.stdout and SECRET not in done.stdout,
       "no secret is printed")
    w.sold("a sale is in the database")
    before = w.conf.read_bytes()
    done = w.setup("--server", "nginx")
    ok(done.returncode == 0 and "imported already" in done.stdout and
       "(8 of them stood already)" in done.stdout,
       "once more: nothing is done twice", done.stdout)
    same(w.conf.read_bytes(), before, "the settings stay")


def on_apache():
    w = Site()
    w.options("apache")
    w.conf.write_text(w.conf.read_text() + "listen_group = 'www-data'\n"
                      if os.getuid() == 0 else w.conf.read_text())
    w.run()
    w.apache()
    done = w.setup("--server", "apache")
    ok(done.returncode == 0 and "\nready: " in done.stdout,
       "ready behind Apache", done.stdout)
    w.sold("a sale is in the database")


def nowhere_yet():
    """Without a public address."""
    w = Site()
    done = w.setup("--server", "none", "--gumroad-api", w.api,
                   "--gumroad-token-file", w.token)
    same(done.returncode, 1, "without an address and a server")
    ok("127.0.0.1" in done.stdout, "it looks at this machine", done.stdout)
    done = w.setup("--server", "cgi", "--no-import")
    ok("work --once" in done.stdout and str(w.conf) in done.stdout,
       "as CGI it tells the line for cron", done.stdout)
    same(w.fake.get("/v2/resource_subscriptions?resource_name=sale").json()
         ["resource_subscriptions"], [], "nothing is registered")


def dry():
    w = Site()
    w.setup("--server", "none", "--no-import")
    before = {p: p.read_bytes() for p in w.dir.iterdir() if p.is_file()}
    done = w.options("nginx", "--dry-run")
    ok("location /hooks/ {" in done.stdout and "server_name 127.0.0.1;" in
       done.stdout and "Nothing was written" in done.stdout,
       "a dry run shows the files", done.stdout)
    same({p: p.read_bytes() for p in w.dir.iterdir() if p.is_file()}, before,
         "and writes nothing")
    ok(not (w.dir / "nginx").exists(), "nor a folder")


# ---- what goes wrong -------------------------------------------------------

class Front:
    """A web server that gives one answer to everything."""

    def __init__(self, port, status, **headers):
        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()


def fronts():
    """What stands before Gatepost; nothing is registered then."""
    w = Site()
    done = w.options()
    ok(done.returncode == 1 and "nobody listens" in done.stdout,
       "nobody there", done.stdout)
    for status, headers, word in (
            (301, {"Location": "https://example.org/"}, "301"),
            (403, {"Content-Type": "text/html"}, "firewall"),
            (404, {}, "no such address"), (502, {}, "does not reach")):
        front = Front(w.port, status, **headers)
        done = w.setup("--server", "none")
        front.end()
        ok(done.returncode == 1 and word in done.stdout.splitlines()[-1],
           "answered %d" % status, done.stdout)
    same(w.fake.get("/v2/resource_subscriptions?resource_name=sale").json()
         ["resource_subscriptions"], [], "nothing is registered")


def addresses():
    w = Site()
    w.setup("--server", "none", "--public-url", w.url)
    before = w.conf.read_bytes()
    for url, word in (("http://example.org", "without TLS"),
                      ("http://203.0.113.9", "without TLS"),
                      ("ftp://example.org", "write it like"),
                      ("https://", "write it like"),
                      ("https://example.org/?x=1", "write it like"),
                      ("https://example.org/'x", "write it like")):
        done = w.setup("--server", "none", "--public-url", url)
        ok(done.returncode == 1 and word in done.stdout, "refused: " + url,
           done.stdout)
    same(w.conf.read_bytes(), before, "the settings stay")
    done = w.setup("--public-url", "https://example.org/pay", "--server",
                   "nginx")
    ok(done.returncode == 1 and "below a path" in done.stdout,
       "a path is told", done.stdout)


def tokens():
    """One that is no good is not written."""
    w = Site()
    w.options("none", "--no-import", "--no-register")
    before = w.conf.read_bytes()
    w.fake.do("add_token", token="poor-token", scopes=["view_profile"])
    w.fake.do("add_token", token="dead-token")
    w.fake.do("revoke_token", token="dead-token")
    for token, word in (("dead-token", "token"), ("poor-token", "view_sales"),
                        ("other-fake-token", "another account")):
        path = w.file("bad", token)
        done = w.setup("--server", "none", "--gumroad-token-file", path)
        ok(done.returncode == 1 and word in done.stdout and
           "--gumroad-token-file" in done.stdout, token, done.stdout)
        ok(token not in done.stdout, "it is not printed")
    same(w.conf.read_bytes(), before, "the settings stay")
    for path in (w.file("empty", ""), w.dir / "none", w.dir):
        done = w.setup("--server", "none", "--gank-secret-file", path)
        same(done.returncode, 1, "a secret in %s" % path.name)
    same(w.conf.read_bytes(), before, "the settings stay then, too")


def at_once():
    """Two at a time; an editor at work meanwhile."""
    w = Site()
    t = w.terminal()
    t.wait("Public address[^\n]*: ")
    done = w.setup("--server", "none")
    ok(done.returncode == 1 and "another gatepost setup" in done.stdout,
       "a second one", done.stdout)
    text = w.conf.read_text() + "# from an editor\n"
    w.conf.write_text(text)
    t.type(w.url)
    same(t.exit(), 1, "the first one ends")
    ok("changed by somebody else" in t.text, "and says why", t.text)
    same(w.conf.read_text(), text, "what the editor wrote stays")
    done = w.setup("--server", "none", "--public-url", w.url)
    ok("# from an editor" in w.conf.read_text() and
       "public_url = '%s'" % w.url in w.conf.read_text(), "and then both do",
       done.stdout)


def bad_settings():
    w = Site()
    w.setup("--server", "none")
    text = w.conf.read_text() + "no_such_key = 1\n"
    w.conf.write_text(text)
    done = w.setup("--server", "none", "--public-url", w.url)
    ok(done.returncode == 1 and "no_such_key" in done.stdout,
       "settings with a slip are told", done.stdout)
    same(w.conf.read_text(), text, "and stay")
    w.conf.write_text(text.replace("no_such_key = 1\n", ""))
    done = w.setup("--server", "none", "--alert-mail", "no address")
    ok(done.returncode == 1 and "nothing was changed" in done.stdout,
       "an answer that the settings do not take", done.stdout)
    ok("no address" not in w.conf.read_text(), "is not written")


if __name__ == "__main__":
    main(terminal, end_of_input, by_options, on_apache, nowhere_yet, dry,
         fronts, addresses, tokens, at_once, bad_settings)
