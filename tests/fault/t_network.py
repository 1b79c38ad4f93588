#!/usr/bin/env python3
"""What lies between a program and its server: TLS, a pooler that lends each
connection for one transaction, hosts that are gone, a cable that is pulled."""

import sys
sys.dont_write_bytecode = True
import os
import secrets
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
os.environ["DATABASE"] = "postgresql"

import lib
import postgres
from lib import (FORM, SLOW, Place, free_port, main, note, ok, sale, same, skip,
                 start, stop, until)

PATIENCE = 8 if SLOW else 4  # seconds; Gumroad gives up after 5


def server_at(address, more=""):
    """A server of this test's own that has a port; the one that places make
    theirs in."""
    server = postgres.Cluster(port=free_port())
    lib._cluster[:] = [server]
    lib._cleanups.append(lib._cluster.clear)
    lib._cleanups.append(server.end)
    server.init("listen_addresses = '%s'\n" % address + more)
    return server


def place(url):
    """url: of a database's name. The database goes with the server."""
    p = Place()
    lib._cleanups.pop()
    p.conf.write_text(p.conf.read_text().replace(
        lib.cluster().url(p.name), url(p.name)))
    return p


def deliver(p, n):
    return p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(n), FORM)


def access(p, n):
    return p.direct("GET", "/v1/access?user=u%d" % n, b"", p.bearer())


# ---- TLS ---------------------------------------------------------------------

def openssl(folder, *args):
    subprocess.run(["openssl", *args], cwd=folder, check=True,
                   capture_output=True)


def certificates(folder):
    """ca.pem, other.pem, and of the first a certificate for localhost."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "other"):
        openssl(folder, "req", "-x509", *key, "-days", "2", "-subj",
                "/CN=" + name, "-keyout", name + ".key", "-out", name + ".pem")
    openssl(folder, "req", *key, "-subj", "/CN=localhost", "-keyout",
            "server.key", "-out", "server.csr")
    openssl(folder, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem",
            "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out",
            "server.pem")


def tls():
    place_ = lib.folder()
    certificates(place_)
    server = server_at("localhost")
    for name in ("server.key", "server.pem"):
        shutil.copy(place_ / name, server.dir / name)
        (server.dir / name).chmod(0o600)
        if os.getuid() == 0:
            os.chown(server.dir / name, postgres.NOBODY, postgres.NOBODY)
    server.configure("ssl = on\nssl_cert_file = '%s/server.pem'\n"
                     "ssl_key_file = '%s/server.key'\n" % (
                         server.dir, server.dir))
    (server.data / "pg_hba.conf").write_text(
        "local all all trust\nhostssl all all localhost trust\n")
    server.start()

    def url(name, host="localhost", ca="ca.pem"):
        return ("postgresql://gatepost@%s:%d/%s?sslmode=verify-full&"
                "sslrootcert=%s/%s" % (host, server.port, name, place_, ca))
    p = place(url)
    p.run()
    same([deliver(p, n).status for n in range(3)], [200] * 3, "over TLS")
    same(access(p, 1).json().get("tier"), "supporter", "lookups, too")
    same(p.rows("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity "
                "USING (pid) WHERE application_name = 'gatepost'"), [(True,)],
         "each connection")
    right = p.conf.read_text()
    for what, wrong in (("another CA", url(p.name, ca="other.pem")),
                        ("another name", url(p.name, "127.0.0.1"))):
        p.conf.write_text(right.replace(url(p.name), wrong))
        done = p.cli("check")
        ok(done.returncode == 3 and b"certificate" in done.stderr,
           what + " is refused, and said", done)
        a = p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(9), FORM)
        same(a.status, 503, what + ": nothing is sent there")
    same(p.events(), 3, "and nothing came")


# ---- a pooler ----------------------------------------------------------------

# tests/packages.sh unpacks it
BOUNCER = shutil.which("pgbouncer") or str(
    lib.TOP / "build/servers/usr/sbin/pgbouncer")


def bouncer(server):
    """PgBouncer with two connections for all; its folder."""
    folder = lib.folder()
    folder.chmod(0o755)
    ini = folder / "ini"
    ini.write_text("""[databases]
* = host=%s port=%d user=gatepost
[pgbouncer]
listen_addr =
unix_socket_dir = %s
listen_port = %d
auth_type = any
pool_mode = transaction
default_pool_size = 2
admin_users = gatepost
""" % (server.dir, server.port, folder, server.port))
    if os.getuid() == 0:
        os.chown(folder, postgres.NOBODY, postgres.NOBODY)
    # who runs it may not see the folder it was unpacked to
    program = shutil.copy2(BOUNCER, folder / "pgbouncer")
    with open(folder / "log", "wb") as log:
        start([program, ini], stdout=log, stderr=log,
              **postgres.Cluster.as_nobody())
    path = str(folder / (".s.PGSQL.%d" % server.port))
    until(lambda: os.path.exists(path) and lib.connects(path), "pgbouncer")
    return folder


def pooler():
    if not os.access(BOUNCER, os.X_OK):
        skip("a pooler", "no pgbouncer")
        return
    server = server_at("").start()
    folder = bouncer(server)
    p = place(lambda name: "postgresql://gatepost@/%s?host=%s&port=%d" % (
        name, folder, server.port))
    same(p.cli("check").returncode, 0, "gatepost check")
    q = p.beside()
    answers = []
    for host in (p, q):
        host.run()

    def send(host, first):
        for n in range(first, first + 40):
            answers.append(deliver(host, n).status)
            answers.append(access(host, n).status)
            # a repeat, and what begins a transaction and gives it up
            answers.append(deliver(host, n).status)
    threads = [threading.Thread(target=send, args=(host, 100 * k))
               for k, host in enumerate((p, q, p, q))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    same(set(answers), {200}, "two hosts over two connections of a pooler")
    same((p.events(), p.one("SELECT count(*) FROM purchases")), (160, 160),
         "all is there, once")
    same(p.cli("rebuild", "--diff").returncode, 0, "as the log says")
    ok("prepared" not in p.log_text() + q.log_text(),
       "nothing was left in a session", p.log_text()[-600:])
    own = [line.split("|") for line in server.psql(
        p.name, "SELECT count(*), count(DISTINCT pid) FROM pg_stat_activity "
        "WHERE application_name = 'gatepost'").splitlines()]
    ok(int(own[0][0]) <= 2, "over two connections", own)


# ---- hosts that are gone -----------------------------------------------------

class Silent:
    """A host that takes connections and says nothing, as one whose answers are
    lost."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self.socket.getsockname()[1]
        lib._cleanups.append(self.socket.close)


def gone():
    server = server_at("127.0.0.1").start()
    dead = [Silent() for _ in range(4)]

    def url(name, ports):
        return "postgresql://gatepost@%s/%s?sslmode=disable&" \
            "gssencmode=disable" % (",".join(
                "127.0.0.1:%d" % port for port in ports), name)

    def ports(*more):
        return [d.port for d in dead[:3]] + list(more)
    p = place(lambda name: url(name, ports(server.port)))
    p.run()
    a = deliver(p, 1)
    ok(a.status == 200 and a.seconds < PATIENCE - 1,
       "three of four hosts say nothing", a)
    note("three of four hosts say nothing: %.2f s" % a.seconds)
    a = access(p, 1)
    ok(a.status == 200 and a.seconds < PATIENCE - 1, "a lookup", a)
    right = p.conf.read_text()
    # one that refuses takes no time
    closed = free_port()
    p.conf.write_text(right.replace(
        url(p.name, ports(server.port)),
        url(p.name, [closed] * 3 + [server.port])))
    begun = time.monotonic()
    same(p.cli("check").returncode, 0, "three that refuse")
    ok(time.monotonic() - begun < (3 if SLOW else 1), "are passed at once")
    p.conf.write_text(right.replace(
        url(p.name, ports(server.port)), url(p.name, ports(dead[3].port))))
    stop(p.program)
    p.run()
    for what, a in (("delivery", deliver(p, 2)), ("lookup", access(p, 1))):
        ok(a.status == 503 and a.seconds < PATIENCE,
           "all say nothing: a %s is told in time" % what, (a.seconds, a))


# ---- a cable that is pulled --------------------------------------------------

def ip(*args, inside=()):
    return subprocess.run([*inside, "ip", *args],
                          capture_output=True).returncode == 0


class Island:
    """A network of its own, with one cable. Both end with the process that
    holds it."""

    def __init__(self):
        self.cable = "gp" + secrets.token_hex(4)
        near = 4 * secrets.randbelow(2 ** 15)
        # of the network for such tests (RFC 2544)
        self.here, self.there = ("198.%d.%d.%d" % (
            18 + (n >> 16), n >> 8 & 255, n & 255) for n in (near + 1, near + 2))
        self.is_there = os.getuid() == 0
        if not self.is_there:
            return
        holder = start(["unshare", "--net", "sh", "-c", "echo; exec cat"],
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL)
        self.is_there = holder.stdout.readline() != b""
        self.enter = ["nsenter", "--net", "--target", str(holder.pid)]
        far = self.cable + "f"
        self.is_there = self.is_there and all((
            ip("link", "add", self.cable, "type", "veth", "peer", "name", far,
               "netns", str(holder.pid)),
            ip("addr", "add", self.here + "/30", "dev", self.cable),
            ip("link", "set", self.cable, "up"),
            ip("addr", "add", self.there + "/30", "dev", far,
               inside=self.enter),
            ip("link", "set", far, "up", inside=self.enter)))

    def pull(self):
        ip("link", "set", self.cable, "down")

    def plug(self):
        ip("link", "set", self.cable, "up")


def cable():
    """What was under way when the network went is decided by what is there when
    it is back."""
    island = Island()
    if not island.is_there:
        skip("a cable", "needs root, and network namespaces")
        return
    server = server_at(island.here)
    (server.data / "pg_hba.conf").write_text(
        "local all all trust\nhost all all samenet trust\n")
    server.start()
    p = place(lambda name: "postgresql://gatepost@%s:%d/%s?sslmode=disable&"
              "gssencmode=disable" % (island.here, server.port, name))
    p.run([*island.enter, lib.FCGI_PROGRAM, "-c", p.conf, "--listen",
           "unix:" + p.sock])
    answers, done = {}, threading.Event()

    def send(n):
        while not done.is_set():
            answers[n] = deliver(p, n)
            n += 4
    threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    until(lambda: len(answers) > 40, "some deliveries")
    island.pull()
    time.sleep(4)
    looked = access(p, 1)
    ok(looked.status == 503 and looked.seconds < PATIENCE,
       "a lookup is told in time", looked)
    island.plug()
    back = time.monotonic()
    before = max(answers)
    until(lambda: any(a.status == 200 for n, a in list(answers.items())
                      if n > before), "the program to go on")
    note("back %.2f s after the cable" % (time.monotonic() - back))
    done.set()
    for t in threads:
        t.join()
    late = [(n, a.status, a.seconds) for n, a in answers.items()
            if a.seconds > PATIENCE]
    note("the slowest answer took %.2f s" % max(
        a.seconds for a in answers.values()))
    ok(not late, "each answer within %d s" % PATIENCE, late)
    same({a.status for a in answers.values()}, {200, 503}, "200 or 503")
    kept = {n for n, a in answers.items() if a.status == 200}
    stored = {r[0] for r in p.rows("SELECT sale FROM purchases")}
    missing = [n for n in kept if "E2Esale%08d==" % n not in stored]
    ok(not missing, "acknowledged = stored", missing)
    for n in set(answers) - kept:
        if deliver(p, n).status != 200:
            ok(False, "what was refused is taken now", n)
    same(p.events(), len(answers), "all is there, once")


main(tls, pooler, gone, cable)
