#!/usr/bin/env python3
"""gatepost setup as root, on the system's own files: /etc, /var/lib, /run and
the network are this test's alone, and systemctl is a script."""

import sys
sys.dont_write_bytecode = True
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

from asked import shop
from lib import (CTL_PROGRAM, FCGI_PROGRAM, LIMIT, connects, main, ok,
                 same, skip, until)
from terminal import Terminal

CONF = Path("/etc/gatepost/gatepost.conf")
DATA = Path("/var/lib/gatepost")
LIVE = Path("/etc/letsencrypt/live")
SYSTEMCTL = """#!/bin/sh
echo "$*" >>/run/calls
[ ! -e /run/refuses ] || { echo "Job for $2 failed" >&2; exit 1; }
case $1 in
enable) exit 0 ;;
restart)
	[ ! -e /run/fcgi.pid ] || kill "$(cat /run/fcgi.pid)"
	rm -f /run/gatepost/gatepost.sock
	setpriv --reuid=gatepost --regid=gatepost --init-groups \\
		/run/bin/gatepost.fcgi -c /etc/gatepost/gatepost.conf \\
		--listen unix:/run/gatepost/gatepost.sock >/run/log 2>&1 </dev/null &
	echo $! >/run/fcgi.pid
	for i in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -S /run/gatepost/gatepost.sock ] || break
		sleep 0.2
	done
	chmod 666 /run/gatepost/gatepost.sock ;;
reload-or-restart)
	case $2 in
	nginx.service)
		if [ -s /run/nginx.pid ]; then nginx -s reload; else nginx; fi ;;
	apache2.service)
		if [ -s /run/apache2/apache2.pid ]; then apache2ctl graceful
		else apache2ctl start; fi ;;
	esac ;;
esac
"""


def sh(text):
    done = subprocess.run(["sh", "-ec", text], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=LIMIT)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (text, done.stdout))
    return done.stdout


def certify(*hosts):
    """A CA that this machine trusts, and a certificate where certbot puts
    it."""
    for host in hosts:
        to = LIVE / host
        to.mkdir(parents=True, exist_ok=True)
        sh("""cd %s
        openssl req -newkey rsa:2048 -nodes -keyout privkey.pem -subj /CN=%s \\
            -out request.pem 2>/dev/null
        printf 'subjectAltName=DNS:%s' >names
        openssl x509 -req -in request.pem -days 90 -CA /run/ca.pem \\
            -CAkey /run/ca.key -CAcreateserial -extfile names \\
            -out fullchain.pem 2>/dev/null
        """ % (to, host, host))
    with open("/etc/hosts", "a") as f:
        f.write("127.0.0.1 %s\n" % " ".join(hosts))


def machine():
    """As the package leaves it: a user, settings, a database; nginx and
    Apache as Debian has them."""
    sh("""
    ip link set lo up
    mount --make-rprivate /
    mount -t tmpfs etc /mnt; cp -a /etc /mnt; mount --bind /mnt/etc /etc
    mount -t tmpfs run /run; mount -t tmpfs lib /var/lib
    mount -t tmpfs log /var/log
    mkdir -p /run/systemd/system /run/bin /run/gatepost /run/lock/apache2 \\
        /run/apache2 /var/log/nginx /var/log/apache2 /var/lib/nginx \\
        /var/lib/apache2
    useradd --system --home-dir /var/lib/gatepost --shell /usr/sbin/nologin \\
        gatepost
    chown gatepost: /run/gatepost
    install -d -m 700 -o gatepost -g gatepost /var/lib/gatepost
    cp %(fcgi)s %(ctl)s /run/bin
    mkdir -p /etc/systemd/system /etc/gatepost
    touch /etc/systemd/system/gatepost.socket
    rm -f /etc/nginx/sites-enabled/* /etc/nginx/conf.d/*
    sed -i 's/worker_connections .*/worker_connections 4096;/' \\
        /etc/nginx/nginx.conf
    cd /run
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -days 90 \\
        -subj /CN=tests -out ca.pem 2>/dev/null
    cat ca.pem >>/etc/ssl/certs/ca-certificates.crt
    """ % {"fcgi": FCGI_PROGRAM, "ctl": CTL_PROGRAM})
    script = Path("/run/systemctl")
    script.write_text(SYSTEMCTL)
    script.chmod(0o755)
    sh("mount --bind %s %s" % (script, shutil.which("systemctl")))
    sh("""
    setpriv --reuid=gatepost --regid=gatepost --init-groups /run/bin/gatepost \\
        init --database /var/lib/gatepost/gatepost.db /var/lib/gatepost/new
    cp /var/lib/gatepost/new/gatepost.conf /etc/gatepost
    chown root:gatepost /etc/gatepost/gatepost.conf
    chmod 640 /etc/gatepost/gatepost.conf
    rm -r /var/lib/gatepost/new
    """)


class Shop:
    def __init__(self):
        self.fake = shop("--moment", 0, "--history", 5)
        self.token = Path("/run/token")
        self.token.write_text("fake-token\n")
        self.token.chmod(0o600)

    def argv(self, *more):
        return ["/run/bin/gatepost", "-c", CONF, "setup", "--gumroad-api",
                "http://127.0.0.1:%d" % self.fake.port, *more]

    def setup(self, *more):
        return subprocess.run(
            [str(a) for a in self.argv(*more)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=90)

    def sold(self, name):
        sale = self.fake.buy(email="first@example.com")["sale"]

        def here():
            return sale in sh("setpriv --reuid=gatepost --regid=gatepost "
                              "--init-groups /run/bin/gatepost -c %s "
                              "purchases --json" % CONF)
        until(here, name)
        ok(True, name)


def files(where="/etc/nginx"):
    return {str(p): p.read_bytes() for p in Path(where).rglob("*")
            if p.is_file() and not p.is_symlink()}


def owner(path):
    st = os.stat(path)
    import pwd
    return (pwd.getpwuid(st.st_uid).pw_name, stat.S_IMODE(st.st_mode))


# ---- nginx -----------------------------------------------------------------

def five_answers():
    """At a terminal: from nothing to ready."""
    certify("shop.test")
    w = Shop()
    t = Terminal(*w.argv())
    t.answer("Public address", "shop.test")
    t.answer("Web server", "nginx")
    t.answer("Gumroad's access token", "fake-token", hidden=True)
    t.answer("Gank's webhook secret", "", hidden=True)
    t.answer("mail address", "")
    t.answer("Write these tiers", "")
    t.answer("Run these lines now", "")
    hook = t.wait(r"\n  (https://gatepost:\S+@shop.test\S+)\n").group(1)
    t.wait("Enter goes on")
    w.fake.do("test_ping", url=hook)
    same(t.exit(), 0, "ready")
    ok(re.search(r"\nready: a test delivery through https://shop.test is in "
                 "the database.*; a delivery of Gumroad came in", t.text),
       "with its proof", t.text)
    ok("worker_connections 12600 in place of 4096" in t.text,
       "too few connections are told", t.text)
    main = Path("/etc/nginx/nginx.conf").read_text()
    ok("\tworker_connections 12600;\n" in main and
       "\nworker_rlimit_nofile 16384;\nevents {" in main and
       "worker_connections 4096" in
       Path("/etc/nginx/nginx.conf.bak").read_text(), "and made more", main)
    w.sold("a sale at the shop is in the database")
    same([owner(CONF), owner(str(CONF) + ".bak")],
         [("root", 0o640), ("root", 0o600)], "whose the settings are")
    same({owner(p)[0] for p in DATA.iterdir()}, {"gatepost"},
         "all beside the database is the user's")
    log = Path("/var/log/nginx/gatepost.access.log").read_text()
    ok("/hooks" not in log and "[path]" in log, "no token is in the log", log)
    before = files()
    done = w.setup()
    same(done.returncode, 0, "once more: ready")
    ok(files() == before and "written" not in done.stdout,
       "nothing is written then", done.stdout)


def no_consent():
    certify("second.test")
    w = Shop()
    Path("/run/calls").unlink(missing_ok=True)
    done = w.setup("--public-url", "https://second.test", "--server", "nginx")
    same(done.returncode, 1, "without consent")
    ok("\nwaiting: " in done.stdout and
       "systemctl reload-or-restart nginx.service" in done.stdout,
       "it says the lines to run", done.stdout)
    ok(not Path("/run/calls").exists(), "and runs none")
    for line in re.findall(r"^  (systemctl .*)$", done.stdout, re.M):
        sh(line)
    done = w.setup("--server", "nginx")
    ok(done.returncode == 0 and "https://second.test is in the database" in
       done.stdout, "and goes on from there", done.stdout)


def own_block():
    """The host name has a block already."""
    certify("third.test")
    block = Path("/etc/nginx/sites-enabled/mine")
    block.write_text("""server {
	listen 443 ssl;
	server_name www.third.test third.test;
	ssl_certificate %s/third.test/fullchain.pem;
	ssl_certificate_key %s/third.test/privkey.pem;
	location / { return 200 "mine"; }
	# here
}
""" % (LIVE, LIVE))
    w = Shop()
    done = w.setup("--public-url", "https://third.test", "--server", "nginx",
                   "--enable")
    line = re.search(r"^  (include \S+gatepost.conf;)$", done.stdout, re.M)
    ok(done.returncode == 1 and line and str(block) in done.stdout,
       "a line for it is told", done.stdout)
    ok(not list(Path("/etc/nginx").rglob("*third.test*")),
       "there is no second block")
    block.write_text(block.read_text().replace("# here", line.group(1)))
    done = w.setup("--server", "nginx", "--enable")
    same(done.returncode, 0, "ready")
    ok("third.test is in the database" in done.stdout, "by that block",
       done.stdout)
    same(sh("curl -s https://third.test/page"), "mine", "its pages stay")
    w.sold("a sale comes in there")
    log = Path("/var/log/nginx/access.log")
    ok("/hooks" not in log.read_text() if log.exists() else True,
       "no token is in the site's own log")


def by_hand():
    """A file that a person has changed."""
    path = Path("/etc/nginx/conf.d/00-gatepost.conf")
    text = path.read_text() + "# mine\n"
    path.write_text(text)
    w = Shop()
    done = w.setup("--public-url", "https://second.test", "--server", "nginx",
                   "--enable")
    ok("changed by hand" in done.stdout, "is told", done.stdout)
    same(path.read_text(), text, "and stays")


# ---- what goes wrong ---------------------------------------------------------

def broken_server():
    """nginx does not take its files; nginx does not start."""
    certify("fourth.test")
    w = Shop()
    bad = Path("/etc/nginx/conf.d/zz.conf")
    bad.write_text("no_such_word on;\n")
    before = files()
    done = w.setup("--public-url", "https://fourth.test", "--server", "nginx",
                   "--enable")
    ok(done.returncode == 1 and "no_such_word" in done.stdout and
       "taken back" in done.stdout, "nginx's own words", done.stdout)
    same(files(), before, "what was written is taken back")
    bad.unlink()
    before = files()
    Path("/run/refuses").touch()
    done = w.setup("--server", "nginx", "--enable")
    ok(done.returncode == 1 and "Job for" in done.stdout and "taken back" in
       done.stdout, "systemd's own words", done.stdout)
    same(files(), before, "what was written is taken back then, too")
    Path("/run/refuses").unlink()
    done = w.setup("--server", "nginx", "--enable")
    same(done.returncode, 0, "and afterwards it is ready")


def no_certificate():
    with open("/etc/hosts", "a") as f:
        f.write("127.0.0.1 fifth.test\n")
    w = Shop()
    done = w.setup("--public-url", "https://fifth.test", "--server", "nginx",
                   "--enable")
    ok(done.returncode == 1 and "certbot certonly --nginx -d fifth.test" in
       done.stdout and "\nwaiting: " in done.stdout,
       "without a certificate: how to get one", done.stdout)
    certify("fifth.test")
    done = w.setup("--server", "nginx", "--enable")
    same(done.returncode, 0, "and with one it is ready")
    same(sh("curl -s -o /dev/null -w '%{http_code}' http://fifth.test/me"),
         "301", "what comes without TLS is led there")


def self_signed():
    certify("sixth.test")
    sh("cd %s/sixth.test; openssl req -x509 -key privkey.pem -days 90 -subj "
       "/CN=sixth.test -out fullchain.pem 2>/dev/null" % LIVE)
    w = Shop()
    done = w.setup("--public-url", "https://sixth.test", "--server", "nginx",
                   "--enable", "--gumroad-token-file", w.token)
    ok(done.returncode == 1 and "signed" in done.stdout,
       "a self-signed certificate is named", done.stdout)
    urls = {r["post_url"] for r in w.fake.get(
        "/v2/resource_subscriptions?resource_name=refund").json()
        ["resource_subscriptions"]}
    same(urls, set(), "and nothing is registered with it")


def no_rights():
    """Not as root; and without room."""
    text = CONF.read_bytes()
    done = subprocess.run(
        ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
         "/run/bin/gatepost", "-c", CONF, "setup", "--server", "none"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    ok(done.returncode == 1 and "sudo gatepost setup" in done.stderr,
       "another user is told to use sudo", done.stderr)
    sh("mkdir -p /run/small; mount -t tmpfs -o size=16k small /run/small; "
       "cp -p %s /run/small; "
       "dd if=/dev/zero of=/run/small/fill bs=4k count=4 2>/dev/null || :" %
       CONF)
    small = Path("/run/small/gatepost.conf")
    done = subprocess.run(
        ["/run/bin/gatepost", "-c", small, "setup", "--server", "none",
         "--alert-mail", "me@example.org"], stdin=subprocess.DEVNULL,
        capture_output=True, text=True)
    ok(done.returncode == 1 and "No space left" in done.stderr,
       "no room is told", done.stderr)
    same(small.read_bytes(), text, "and the settings stay")
    same(sorted(p.name for p in small.parent.iterdir()),
         ["fill", "gatepost.conf"], "nothing else is there")


def from_nothing():
    """Without a package: settings where the program looks for them."""
    sh("mv /etc/gatepost /etc/gatepost.old; mv /var/lib/gatepost "
       "/var/lib/gatepost.old; mount -t tmpfs local /usr/local/etc")
    try:
        done = subprocess.run(
            ["/run/bin/gatepost", "setup", "--server", "none"], cwd="/",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL)
        made = re.search(r"^(\S+): made, with fresh secrets.$", done.stdout,
                         re.M)
        same([owner(made.group(1)), owner(DATA), owner(DATA / "gatepost.db")],
             [("root", 0o640), ("gatepost", 0o700), ("gatepost", 0o600)],
             "settings and database are made")
        ok("database = '/var/lib/gatepost/gatepost.db'" in
           Path(made.group(1)).read_text(), "and the one names the other")
    finally:
        sh("rm -rf /var/lib/gatepost /etc/gatepost; umount /usr/local/etc; "
           "mv /etc/gatepost.old /etc/gatepost; "
           "mv /var/lib/gatepost.old /var/lib/gatepost")


# ---- Apache ------------------------------------------------------------------

def apache():
    if shutil.which("a2enmod", path="/usr/sbin") is None:
        skip("Apache", "Debian's apache2 is not installed")
        return
    certify("seventh.test")
    sh("nginx -s stop; rm -f /etc/apache2/sites-enabled/*")
    until(lambda: not connects(("127.0.0.1", 443)), "nginx to end")
    w = Shop()
    done = w.setup("--public-url", "https://seventh.test", "--server",
                   "apache", "--enable")
    same(done.returncode, 0, "ready behind Apache")
    ok("seventh.test is in the database" in done.stdout, "with its proof",
       done.stdout)
    w.sold("a sale comes in there")
    before = files("/etc/apache2")
    bad = Path("/etc/apache2/conf-enabled/zz.conf")
    bad.write_text("NoSuchWord on\n")
    certify("eighth.test")
    done = w.setup("--public-url", "https://eighth.test", "--server",
                   "apache", "--enable")
    bad.unlink()
    ok(done.returncode == 1 and "NoSuchWord" in done.stdout,
       "Apache's own words", done.stdout)
    same(files("/etc/apache2"), before, "what was written is taken back")
    ok(not list(Path("/etc/apache2/sites-enabled").glob("*eighth*")),
       "and switched on no longer")


if __name__ == "__main__":
    if os.getuid() != 0:
        skip("setup as root", "not root")
        print("1..1")
        sys.exit(0)
    if "GATEPOST_MACHINE" not in os.environ:
        os.environ["GATEPOST_MACHINE"] = "own"
        os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--fork",
                              "--kill-child", "--mount-proc", sys.executable,
                              *sys.argv])
    machine()
    main(five_answers, no_consent, own_block, by_hand,
         broken_server, no_certificate, self_signed, no_rights,
         from_nothing, apache)
