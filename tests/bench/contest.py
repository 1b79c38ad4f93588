"""What tests/bench/run drives: wrk, the web servers, the other receivers, and
databases that are filled without being asked to receive anything."""

import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from lib import (Place, connects, jwt, start, stop, until, free_port,
                 folder)

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
CONNECTIONS = 32
MARK = "n00000000"  # in all that is somebody's own
TIERS = """
tier 'supporter' {
    rank = 10
    allows = { 'read' }
    grants = { 'gumroad/pencil' }
}
"""
SALES = """
CREATE TABLE sales (sale TEXT PRIMARY KEY, email TEXT, received_at INTEGER,
    body TEXT);
"""


# ---- wrk -------------------------------------------------------------------

_runs = [0]


def wrk(url, script, arguments, seconds, connections):
    out = subprocess.run(
        ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds,
         "--timeout", "20s", "-s", HERE / script, url, "--", *arguments],
        capture_output=True, text=True)
    if out.returncode != 0:
        raise RuntimeError("wrk: " + out.stderr + out.stdout)
    found = json.loads(out.stdout.strip().splitlines()[-1])
    found["rate"] = found["requests"] / found["seconds"]
    found["taken"] = found["requests"] - found["refused"]
    return found


def post_sales(url, seconds, connections=CONNECTIONS, close=False):
    _runs[0] += 1
    return wrk(url, "sales.lua", ["r%04d" % _runs[0]] + ["close"] * close,
               seconds, connections)


def ask(url, questions, seconds, connections=CONNECTIONS):
    return wrk(url, "questions.lua", [questions], seconds, connections)


class Contest:
    """Lines that take turns: each round runs every line once."""

    def __init__(self):
        self.lines = []
        self.found = {}

    def add(self, name, run):
        self.lines.append((name, run))
        self.found[name] = []

    def play(self, rounds):
        for i in range(rounds):
            # not always after the same neighbour
            turn = self.lines[i:] + self.lines[:i]
            for name, run in turn:
                self.found[name].append(run())

    def median(self, name, key):
        return statistics.median(f[key] for f in self.found[name])

    def taken(self, name):
        return sum(f["taken"] for f in self.found[name])

    def broken(self, name):
        return sum(f["broken"] for f in self.found[name])


def fdatasync(path, times=200):
    """Milliseconds of 1 kB appended and synced: the median."""
    took = []
    with open(path, "ab", buffering=0) as f:
        for _ in range(times):
            begun = time.perf_counter()
            f.write(b"x" * 1024)
            os.fdatasync(f.fileno())
            took.append(1000 * (time.perf_counter() - begun))
    os.unlink(path)
    return {"p50": statistics.median(took), "taken": 0, "broken": 0}


# ---- gatepost --------------------------------------------------------------

GATE = """
	# the question of members.conf, asked from outside and not cached
	location = /gate {
		include /etc/nginx/fastcgi_params;
		fastcgi_param HTTP_PROXY "";
		fastcgi_pass gatepost;
		fastcgi_keep_conn on;
	}
"""


class Receiver(Place):
    """gatepost behind the shipped nginx configuration."""

    def __init__(self, peers=()):
        """peers: classes; what is made of them is in self.peers."""
        super().__init__(tiers=TIERS)
        self.peers = [make(self) for make in peers]
        self.run()
        self.nginx()

    def write_nginx(self):
        conf = super().write_nginx()
        text = conf.read_text()
        before = "	# Nothing else is here."
        if before not in text:
            raise RuntimeError("nginx/gatepost-nginx.conf is another one")
        text = text.replace(before, GATE + before)
        conf.write_text(text[:text.rindex("}")] + "".join(
            peer.nginx() for peer in self.peers) + "}\n")
        return conf

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def hook(self):
        return self.url("/hooks/gumroad/" + self.tokens[0])

    def fill(self, n, events=True):
        """n people: rows like those of the one sale that is received first."""
        a = self.gumroad(sale_of(MARK))
        if a.word() not in ("recorded", "duplicate"):
            raise RuntimeError("the first sale: %r" % a)
        stop(self.program)
        db = sqlite3.connect(self.db)
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA cache_size = -200000")
        tables = ["purchases", "subscriptions", "changes"]
        for table in tables + ["events"] * events:
            copy_rows(db, table, n)
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        self.run()

    def questions(self, n, of=2000):
        """Files for questions.lua: the gate's, and /v1/access's."""
        some = random.Random(1)
        people = ["un%08d" % some.randrange(n) for _ in range(of)]
        gate, access = self.dir / "gate", self.dir / "access"
        gate.write_text("".join(
            "/gate?tier=supporter Cookie gatepost=%s\n" % jwt(self, u)
            for u in people))
        access.write_text("".join(
            "/v1/access?user=%s Authorization Bearer %s\n" % (
                u, self.api_key) for u in people))
        return gate, access

    def resident(self):
        with open("/proc/%d/statm" % self.program.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def sale_of(mark):
    """The body of sales.lua with this for a name."""
    script = (HERE / "sales.lua").read_text()
    body = script[script.index('"seller_id'):script.rindex('false")') + 6]
    parts = [p.strip() for p in body.replace("\n", " ").split("..")]
    now = time.strftime("%Y-%m-%dT%H%%3A%M%%3A%SZ", time.gmtime())
    values = {"id": mark, "time": now}
    return "".join(values[p] if p in values else p.strip('"')
                   for p in parts).encode()


def copy_rows(db, table, n):
    """Rows like the first one, each with a number of its own in its texts."""
    columns = [c[1] for c in db.execute("PRAGMA table_info(%s)" % table)]
    row = db.execute("SELECT * FROM %s LIMIT 1" % table).fetchone()
    made = []
    for name, value in zip(columns, row):
        if name in ("id", "event"):
            made.append("n + %d" % value)
        elif name == "delivery":
            made.append("substr(%s, 1, 56) || printf('%%08x', n)" % name)
        elif isinstance(value, str) and MARK in value:
            made.append("replace(%s, '%s', printf('n%%08d', n))" % (
                name, MARK))
        else:
            made.append(name)
    db.execute("""
        INSERT INTO %s (%s) WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL
            SELECT n + 1 FROM numbers WHERE n < %d)
        SELECT %s FROM numbers, (SELECT * FROM %s LIMIT 1)""" % (
            table, ", ".join(columns), n - 1, ", ".join(made), table))


# ---- the other receivers ---------------------------------------------------

class Peer:
    """Another receiver behind the same nginx."""

    def __init__(self, place):
        self.place = place
        self.dir = folder()
        self.db = self.dir / "sales.db"
        self.port = free_port()
        self.child = None
        with sqlite3.connect(self.db) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(SALES)

    def url(self):
        return "http://127.0.0.1:%d/hooks/gumroad/%s" % (
            self.port, self.place.tokens[0])

    def rows(self):
        with sqlite3.connect(self.db) as db:
            return db.execute("SELECT count(*) FROM sales").fetchone()[0]

    def server(self, upstream, location):
        d = self.place.dir
        return """
upstream %(name)s { %(upstream)s }
server {
	listen 127.0.0.1:%(port)d;
	access_log %(dir)s/%(name)s.access.log gatepost;
	location /hooks/ {
		limit_conn gatepost_hooks 200;
		client_max_body_size 1m;
		client_body_buffer_size 64k;
		%(location)s
	}
}
""" % {"name": self.name, "port": self.port, "dir": d,
            "upstream": upstream, "location": location}

    def begin(self, argv, ready, **options):
        with open(self.dir / "log", "ab") as log:
            self.child = start(argv, stdout=log, stderr=log,
                               stdin=subprocess.DEVNULL, **options)

        def is_ready():
            if self.child.poll() is not None:
                raise RuntimeError(self.name + ": " +
                                   (self.dir / "log").read_text())
            return ready()
        until(is_ready, self.name)

    def end(self):
        stop(self.child)


class Php(Peer):
    name = "php"
    settings = (2, 4, 8, 16)  # children

    def nginx(self):
        return self.server("server unix:%s/s;" % self.dir, """
		include /etc/nginx/fastcgi_params;
		fastcgi_param SCRIPT_FILENAME %s;
		fastcgi_param BENCH_TOKEN %s;
		fastcgi_param BENCH_DATABASE %s;
		fastcgi_pass php;""" % (PEERS / "hook.php",
                                        self.place.tokens[0], self.db))

    def begin_with(self, children):
        conf = self.dir / "fpm.conf"
        conf.write_text("""[global]
error_log = %(d)s/log
[www]
%(user)slisten = %(d)s/s
listen.mode = 0666
pm = static
pm.max_children = %(n)d
php_admin_value[opcache.enable] = 1
php_admin_value[opcache.validate_timestamps] = 0
""" % {"d": self.dir, "n": children,
            "user": "user = root\n" if os.getuid() == 0 else ""})
        fpm = sorted(Path("/usr/sbin").glob("php-fpm*"))[-1]
        self.begin([fpm, "-F", "-R", "-y", conf],
                   lambda: connects(str(self.dir / "s")))


class Node(Peer):
    name = "node"
    settings = (1, 2)  # processes

    def nginx(self):
        return self.server(
            "server unix:%s/s; keepalive 32;" % self.dir, """
		proxy_http_version 1.1;
		proxy_set_header Connection "";
		proxy_pass http://node;""")

    def begin_with(self, processes):
        if (self.dir / "s").exists():
            (self.dir / "s").unlink()
        self.begin(
            ["node", PEERS / "hook.mjs", node_modules(), self.dir / "s",
             self.db, self.place.tokens[0], str(processes)],
            lambda: connects(str(self.dir / "s")),
            env=dict(os.environ, NODE_ENV="production"))


class Webhook(Peer):
    name = "webhook"
    settings = (1,)

    def nginx(self):
        self.listens = free_port()
        return self.server(
            "server 127.0.0.1:%d; keepalive 32;" % self.listens, """
		proxy_http_version 1.1;
		proxy_set_header Connection "";
		proxy_pass http://webhook;""")

    def begin_with(self, _):
        (self.dir / "hooks.json").write_text(json.dumps([{
            "id": "gumroad/" + self.place.tokens[0],
            "execute-command": str(PEERS / "hook.sh"),
            # without it the answer comes before the script has run
            "include-command-output-in-response": True,
            "pass-arguments-to-command": [
                {"source": "string", "name": str(self.db)},
                {"source": "payload", "name": "sale_id"},
                {"source": "payload", "name": "email"}],
        }]))
        self.begin(["webhook", "-hooks", self.dir / "hooks.json", "-ip",
                    "127.0.0.1", "-port", str(self.listens)],
                   lambda: connects(("127.0.0.1", self.listens)))


def node_modules():
    """fastify and better-sqlite3, which is compiled here."""
    where = Path(os.environ.get(
        "NODE_PEER", HERE.parents[1] / "build/bench-node"))
    if (where / "node_modules/better-sqlite3/build/Release/"
            "better_sqlite3.node").exists():
        return where
    print("installing fastify and better-sqlite3", flush=True)
    where.mkdir(parents=True, exist_ok=True)
    shutil.copy(PEERS / "package.json", where)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"],
                   cwd=where, check=True,
                   env=dict(os.environ, npm_config_nodedir="/usr"))
    return where


def best(peer):
    """Starts it with the setting that does most; that setting."""
    rates = {}
    for setting in peer.settings:
        if len(peer.settings) == 1:
            break
        peer.begin_with(setting)
        post_sales(peer.url(), 1)
        rates[setting] = post_sales(peer.url(), 1)["rate"]
        peer.end()
    setting = max(rates, key=rates.get) if rates else peer.settings[0]
    with sqlite3.connect(peer.db) as db:
        db.execute("DELETE FROM sales")
    peer.begin_with(setting)
    return setting
