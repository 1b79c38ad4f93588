#!/usr/bin/env python3
"""PostgreSQL servers for tests: in a folder of their own, on a Unix socket and
never a port, as a user without rights.

	tests/e2e/postgres.py COMMAND ...

runs a command with one server for all tests in it (TEST_CLUSTER is its
folder), and ends the server after it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

USER = "gatepost"
NOBODY = 65534
BYTES = "bytes:"  # before hex digits
# Nothing here outlives the machine, and kill -9 takes nothing that the kernel
# already has.
FAST = """
listen_addresses = ''
fsync = off
full_page_writes = off
shared_buffers = 32MB
max_connections = 120
logging_collector = off
autovacuum_naptime = 5s
"""


def tools():
    """The folder of initdb and postgres, or None."""
    found = [Path(p) for p in sorted(
        map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")))]
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


class Cluster:
    """One server. dir holds its socket, data and log."""

    def __init__(self, folder=None, port=5432):
        self.own = folder is None
        self.dir = Path(folder or tempfile.mkdtemp(prefix="gp.pg.",
                                                   dir="/tmp"))
        self.data = self.dir / "data"
        self.port = port
        self.child = None

    def tool(self, name, *args, check=True, **options):
        argv = [tools() / name, *args]
        return subprocess.run([str(a) for a in argv], check=check, cwd="/",
                              stdout=options.pop("stdout", subprocess.DEVNULL),
                              stderr=options.pop("stderr", subprocess.PIPE),
                              **self.as_nobody(), **options)

    @staticmethod
    def as_nobody():
        if os.getuid() != 0:
            return {}
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    def init(self, more=""):
        if os.getuid() == 0:
            os.chown(self.dir, NOBODY, NOBODY)
            # a web server's user comes to the socket as well
            self.dir.chmod(0o711)
        self.tool("initdb", "-D", self.data, "-U", USER, "-A", "trust",
                  "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.configure(FAST + more)
        return self

    def configure(self, text):
        with open(self.data / "postgresql.conf", "a") as f:
            f.write(text)

    def start(self, wait=True):
        with open(self.dir / "log", "ab") as log:
            self.child = subprocess.Popen(
                [str(tools() / "postgres"), "-D", str(self.data), "-k",
                 str(self.dir), "-p", str(self.port)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, cwd="/", start_new_session=True,
                **self.as_nobody())
        if wait:
            self.wait()
        return self

    def wait(self, limit=30):
        end = time.monotonic() + limit
        while self.tool("pg_isready", "-q", "-h", self.dir, "-p", self.port,
                        "-d", "postgres", check=False).returncode != 0:
            if self.child.poll() is not None or time.monotonic() > end:
                raise RuntimeError("PostgreSQL: " +
                                   (self.dir / "log").read_text()[-2000:])
            time.sleep(0.02)

    def stop(self, with_signal=signal.SIGINT):
        if self.child is None:
            return
        if self.child.poll() is None:
            self.child.send_signal(with_signal)
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.send_signal(signal.SIGQUIT)
            self.child.wait()
        self.child = None

    def kill(self):
        """All of its processes at once, as when its machine dies."""
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.child = None

    def signal_all(self, number):
        """Each process of it is the leader of a group of its own."""
        child = self.child.pid
        with open("/proc/%d/task/%d/children" % (child, child)) as f:
            pids = [child, *map(int, f.read().split())]
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass  # one of its children has ended meanwhile

    def standby(self, folder, port):
        """A copy that follows this one; its folder has to be there."""
        other = Cluster(folder, port)
        if os.getuid() == 0:
            os.chown(other.dir, NOBODY, NOBODY)
        self.tool("pg_basebackup", "-D", other.data, "-h", self.dir, "-p",
                  self.port, "-U", USER, "-R", "-X", "stream", "-c", "fast")
        return other

    def promote(self):
        self.tool("pg_ctl", "promote", "-D", self.data, "-w")

    def end(self):
        self.stop(signal.SIGQUIT)
        if self.own:
            shutil.rmtree(self.dir, ignore_errors=True)

    def url(self, database):
        return "postgresql://%s@/%s?host=%s&port=%d" % (
            USER, database, self.dir, self.port)

    def psql(self, database, sql):
        done = subprocess.run(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.url(database)],
            input=sql.encode(), capture_output=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError("psql: %s\n%s" % (done.stderr.decode(), sql))
        return done.stdout.decode()

    def create(self, database):
        self.psql("postgres", "CREATE DATABASE %s TEMPLATE template0 "
                  "ENCODING 'UTF8' STRATEGY file_copy" % database)

    def drop(self, database):
        self.psql("postgres", "DROP DATABASE IF EXISTS %s WITH (FORCE)" %
                  database)

    def execute(self, database, sql, args=()):
        self.psql(database, filled(sql, args))

    def rows(self, database, sql, args=()):
        """As sqlite3 would give them: bodies are text where they are that."""
        sql = sql.replace("length(CAST(body AS BLOB))", "length(body)")
        sql = sql.replace("CAST(body AS BLOB)",
                          "'%s' || encode(body, 'hex')" % BYTES)
        sql = filled(sql, args)
        out = self.psql(database, "WITH q AS (%s) SELECT coalesce(json_agg("
                        "row_to_json(q)), '[]') FROM q" % sql)
        return [tuple(value(v) for _, v in row) for row in json.loads(
            out, object_pairs_hook=list)]


def filled(sql, args):
    parts = sql.split("?")
    if len(parts) != len(args) + 1:
        return sql
    return parts[0] + "".join(
        literal(a) + part for a, part in zip(args, parts[1:]))


def literal(v):
    if v is None:
        return "NULL"
    if isinstance(v, int):
        return str(v)
    return "'%s'" % str(v).replace("'", "''")


def value(v):
    if isinstance(v, str) and v.startswith(BYTES):
        return bytes.fromhex(v[len(BYTES):])
    if not isinstance(v, str) or not v.startswith("\\x"):
        return v
    raw = bytes.fromhex(v[2:])
    try:
        return raw if b"\0" in raw else raw.decode()
    except UnicodeDecodeError:
        return raw


def main():
    cluster = Cluster()
    try:
        cluster.init().start()
        return subprocess.call(sys.argv[1:], env=dict(
            os.environ, TEST_CLUSTER=str(cluster.dir)))
    finally:
        cluster.end()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
