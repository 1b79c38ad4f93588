"""What the end-to-end tests share. Standard library only.

A test script is a list of functions given to main(); each makes a Place: a
temporary folder with a configuration, a database, logs, and the programs that
run there. Whatever a script started is ended, by pid, when it ends.
"""

import atexit
import base64
import copy
import hashlib
import hmac
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import openapi
import postgres

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", TOP / "build/gcc")).resolve()
FIXTURES = TOP / "tests/fixtures"
SLOW = bool(os.environ.get("SLOW"))  # sanitizers: right, but late
LIMIT = 60 if SLOW else 20  # seconds; to wait for what has to happen
FCGI_PROGRAM = BUILD / "gatepost.fcgi"
CTL_PROGRAM = BUILD / "gatepost"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
BODY_MAX = 1024 * 1024
DEFAULT = object()
# DATABASE=postgresql tests/e2e/t_x.py: each place has a database of a server
# in place of a file
ON_SERVER = os.environ.get("DATABASE", "sqlite") == "postgresql"


# ---- TAP -------------------------------------------------------------------

_counts = {"run": 0, "bad": 0}


def note(text):
    for line in str(text).splitlines():
        print("#   " + line, flush=True)


def ok(passed, name, detail=None):
    """One test; detail is shown when it fails."""
    _counts["run"] += 1
    if not passed:
        _counts["bad"] += 1
    print("%s %d - %s" % ("ok" if passed else "not ok", _counts["run"],
                          str(name).replace("#", "").replace("\n", " ")),
          flush=True)
    if not passed and detail is not None:
        note(detail)
    return bool(passed)


def same(got, want, name):
    return ok(got == want, name,
              "got  %.600s\nwant %.600s" % (repr(got), repr(want)))


def skip(name, why):
    _counts["run"] += 1
    print("ok %d - %s # SKIP %s" % (_counts["run"], name, why), flush=True)


def main(*tests):
    """Runs them, or those named by the arguments, and ends the script."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # a shell ignores it for what it starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = sys.argv[1:]
    try:
        for test in tests:
            if wanted and test.__name__ not in wanted:
                continue
            try:
                test()
            except NeedsFile as why:
                skip(test.__name__ + " from here on",
                     "a database that is a file: %s" % why)
            except Exception:
                ok(False, test.__name__ + " ran to its end",
                   traceback.format_exc())
            finally:
                end_all()
        if _document and _document[0] and _document[0].looked:
            note("%d answers are held against cgi/openapi.json" %
                 _document[0].looked)
        print("1..%d" % _counts["run"], flush=True)
    finally:
        end_all()
    sys.exit(1 if _counts["bad"] else 0)


class NeedsFile(Exception):
    """The test asks for what only a file has."""


def needs_file(what):
    if ON_SERVER:
        raise NeedsFile(what)


def until(condition, what, limit=LIMIT):
    """Waits for condition() to be true and returns what it returned."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise RuntimeError("waited %d s for %s" % (limit, what))
        time.sleep(0.01)


def npm_install(place, *packages):
    """A test of its own: packages of npm, into that folder."""
    (place / "package.json").write_text('{"private":true,"type":"module"}')
    done = subprocess.run(
        ["npm", "install", "--loglevel=error", "--no-audit", "--no-fund",
         "--ignore-scripts", "--cache", place / "cache", *packages],
        cwd=place, stdin=subprocess.DEVNULL, capture_output=True, timeout=480)
    shutil.rmtree(place / "cache", ignore_errors=True)
    return ok(done.returncode == 0, "npm install " + " ".join(packages),
              done.stderr.decode(errors="replace")[-2000:])


def npm_kept(package):
    """The folder of that package, kept beside the build; None without."""
    place = BUILD / "npm" / package
    if (place / "node_modules").is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    # made aside and then put there: two tests may run at once
    new = Path(tempfile.mkdtemp(prefix="new.", dir=place.parent))
    try:
        if not npm_install(new, package):
            return None
        try:
            new.rename(place)
        except OSError:
            pass  # the other one was first
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return place


# ---- processes and folders -------------------------------------------------

_children = []
_cleanups = []


def start(argv, **options):
    child = subprocess.Popen([str(a) for a in argv], **options)
    _children.append(child)
    return child


def stop(child, with_signal=signal.SIGTERM, limit=LIMIT):
    """Ends a child and returns its exit status."""
    if child.poll() is None:
        child.send_signal(with_signal)
    try:
        return child.wait(limit)
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        if child in _children:
            _children.remove(child)


def end_all():
    while _children:
        child = _children.pop()
        # nginx ends its workers only when it is asked to end
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
        child.wait()
    while _cleanups:
        _cleanups.pop()()


# ---- databases on a server -------------------------------------------------

_cluster = []


def cluster():
    """That of the whole run, or one of this script alone."""
    if not _cluster:
        given = os.environ.get("TEST_CLUSTER")
        _cluster.append(postgres.Cluster(given))
        if not given:
            atexit.register(_cluster[0].end)
            _cluster[0].init().start()
    return _cluster[0]


def new_database():
    name = "gp_" + secrets.token_hex(6)
    cluster().create(name)
    _cleanups.append(lambda: cluster().drop(name))
    return name


def folder():
    """A new temporary folder. Its path has to fit a socket's address."""
    path = tempfile.mkdtemp(prefix="gp.")
    if len(path) > 60:
        os.rmdir(path)
        path = tempfile.mkdtemp(prefix="gp.", dir="/tmp")
    _cleanups.append(lambda: shutil.rmtree(path, ignore_errors=True))
    return Path(path)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def freeze(child):
    """Stops all its threads, as if it hung; SIGCONT lets it go on."""
    child.send_signal(signal.SIGSTOP)

    def is_frozen():
        tasks = Path("/proc/%d/task" % child.pid).glob("*/stat")
        return all(t.read_text().rpartition(")")[2].split()[0] == "T"
                   for t in tasks)
    until(is_frozen, "all threads to stop")


def connects(address):
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family) as s:
        s.settimeout(LIMIT)
        try:
            s.connect(address)
        except OSError:
            return False
        return True


# ---- answers ---------------------------------------------------------------

class Answer:
    def __init__(self, status, headers, body, seconds=0.0):
        self.status = status
        self.headers = {k.lower(): v for k, v in headers}
        self.body = body
        self.seconds = seconds

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    def word(self):
        """The status of a delivery's answer, or the word of an error."""
        answer = self.json()
        return answer.get("status", answer.get("error"))

    def event(self):
        return self.json().get("event")

    def __repr__(self):
        return "<%s %s %r>" % (self.status, self.headers, self.body[:300])


_document = []
_told = set()


def document():
    """cgi/openapi.json; None where python3-jsonschema cannot be loaded, which
    t_openapi.py tells."""
    if not _document:
        try:
            _document.append(openapi.Document(openapi.FILE.read_text()))
        except ImportError:
            _document.append(None)
    return _document[0]


def documented(answer, method, uri, sent=b""):
    """A test that fails where cgi/openapi.json says something else, once for
    each kind of answer. Returns the answer."""
    if answer is not None and answer.status and document():
        faults = document().faults(method, uri, sent, answer.status,
                                   answer.headers, answer.body)
        what = "%s %s: %s" % (method, uri.partition("?")[0], answer.status)
        if faults and what not in _told:
            _told.add(what)
            ok(False, what + " is as cgi/openapi.json says",
               "\n".join([*faults, repr(answer)]))
    return answer


def parse_cgi(out, seconds=0.0):
    """The answer of a CGI program (RFC 3875, 6)."""
    head, empty, body = out.partition(b"\r\n\r\n")
    if not empty:
        return Answer(None, [], out, seconds)
    headers = [tuple(line.split(": ", 1))
               for line in head.decode("latin-1").split("\r\n")]
    answer = Answer(200, headers, body, seconds)
    if "status" in answer.headers:
        answer.status = int(answer.headers["status"].split()[0])
    return answer


def http_request(port, method, path, body=None, headers=None, limit=LIMIT,
                 connection=None):
    begun = time.monotonic()
    c = connection or http.client.HTTPConnection("127.0.0.1", port,
                                                 timeout=limit)
    try:
        c.request(method, path, body, headers or {})
        r = c.getresponse()
        a = Answer(r.status, r.getheaders(), r.read(),
                   time.monotonic() - begun)
        # a web server's own answers do not have it
        if "x-content-type-options" in a.headers:
            documented(a, method, path, body)
        return a
    finally:
        if connection is None:
            c.close()


def http_raw(port, data, close=False, limit=LIMIT):
    """Sends bytes as they are, returns all that comes back."""
    with socket.create_connection(("127.0.0.1", port), limit) as s:
        s.sendall(data)
        if close:
            return b""
        return read_all(s)


def read_all(s):
    out = b""
    while True:
        try:
            piece = s.recv(65536)
        except ConnectionResetError:
            return out
        if not piece:
            return out
        out += piece


# ---- senders ---------------------------------------------------------------

def gank_headers(body, secret, t=None):
    """Signs as Gank does: HMAC-SHA256 over the time, a dot and the body."""
    t = int(time.time()) if t is None else t
    mac = hmac.new(secret.encode(), b"%d." % t + body, hashlib.sha256)
    return {"Content-Type": "application/json",
            "Gank-Signature": "t=%d,v1=%s" % (t, mac.hexdigest())}


def basic(password, user="gatepost"):
    pair = ("%s:%s" % (user, password)).encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def jwt(p, sub, by=None, lasts=3600, secret=None):
    """A pass, as an app could make it."""
    claims = {"sub": sub, "aud": "https://example.org",
              "exp": int(time.time()) + lasts}
    if by:
        claims["by"] = by
    text = b64(b'{"alg":"HS256","typ":"JWT"}') + b"." + b64(
        json.dumps(claims).encode())
    mac = hmac.new((secret or p.pass_secret).encode(), text, hashlib.sha256)
    return (text + b"." + b64(mac.digest())).decode()


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def fixture(name):
    return (FIXTURES / name / "body").read_bytes()


def sale(n, extra=b""):
    """A sale like no other, with a buyer and a user of its own."""
    body = fixture("gumroad/01-sale-onetime")
    body = body.replace(b"YsQco6u3QkxrBvCxPpAfWg", b"E2Esale%08d" % n)
    body = body.replace(b"calvin%40", b"calvin%d%%40" % n)
    return body + b"&url_params%%5Buser_id%%5D=u%d" % n + extra


def sale_of_size(n, size):
    body = sale(n) + b"&filler="
    return body + b"x" * (size - len(body))


# ---- FastCGI ---------------------------------------------------------------

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7


def record(kind, content=b"", request=1, padding=0, version=1, length=None):
    return struct.pack(">BBHHBx", version, kind, request,
                       len(content) if length is None else length,
                       padding) + content + b"\0" * padding


def pairs(params):
    out = b""
    for name, value in params:
        name, value = name.encode(), value.encode()
        for part in (name, value):
            n = len(part)
            out += struct.pack(">B", n) if n < 128 else struct.pack(
                ">L", n | 0x80000000)
        out += name + value
    return out


def stream(kind, content, request=1, size=65528):
    out = b""
    for at in range(0, len(content), size):
        out += record(kind, content[at:at + size], request)
    return out + record(kind, b"", request)


def fcgi_head(params, keep=False, request=1):
    begin = record(BEGIN, struct.pack(">HB5x", 1, 1 if keep else 0), request)
    return begin + stream(PARAMS, pairs(params), request)


def cgi_params(method, uri, body=b"", headers=None, length=DEFAULT,
               peer="127.0.0.1"):
    """What nginx sends as parameters."""
    path, _, query = uri.partition("?")
    params = [("REQUEST_METHOD", method), ("REQUEST_URI", uri),
              ("SCRIPT_NAME", path), ("QUERY_STRING", query),
              ("REMOTE_ADDR", peer), ("SERVER_PROTOCOL", "HTTP/1.1"),
              ("GATEWAY_INTERFACE", "CGI/1.1")]
    if length is DEFAULT:
        length = str(len(body)) if body or method == "POST" else None
    if length is not None:
        params.append(("CONTENT_LENGTH", length))
    for name, value in (headers or {}).items():
        name = name.upper().replace("-", "_")
        params.append((name if name == "CONTENT_TYPE" else "HTTP_" + name,
                       value))
    return params


class Fcgi:
    """One connection to the program's socket."""

    def __init__(self, address, limit=LIMIT):
        tcp = isinstance(address, tuple)
        self.s = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
        self.s.settimeout(limit)
        self.s.connect(address if tcp else str(address))
        self.left = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()

    def send(self, data):
        self.s.sendall(data)

    def take(self, n):
        while len(self.left) < n:
            try:
                piece = self.s.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                piece = b""
            if not piece:
                return None
            self.left += piece
        out, self.left = self.left[:n], self.left[n:]
        return out

    def answer(self, request=1):
        """The next answer; None: the connection ended before it did."""
        out = b""
        while True:
            header = self.take(8)
            if header is None:
                return None
            _, kind, got, n, padding = struct.unpack(">BBHHBx", header)
            content = self.take(n + padding)
            if content is None or got != request:
                return None
            if kind == STDOUT:
                out += content[:n]
            if kind == END:
                return parse_cgi(out)

    def closed(self):
        """Does the other side end it, with nothing more to say?"""
        try:
            return self.take(1) is None
        except socket.timeout:
            return False

    def ask(self, method, uri, body=b"", headers=None, keep=False, request=1,
            length=DEFAULT):
        begun = time.monotonic()
        params = cgi_params(method, uri, body, headers, length)
        try:
            self.send(fcgi_head(params, keep, request) +
                      stream(STDIN, body, request))
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = self.answer(request)
        if answer is not None:
            answer.seconds = time.monotonic() - begun
        return documented(answer, method, uri, body)


# ---- a place to run in -----------------------------------------------------

TIERS = """
tier 'supporter' {
    rank = 10
    allows = { 'read' }
    grants = { 'gumroad/pencil', 'gank/membership/Test*' }
}
tier 'influencer' {
    rank = 20
    allows = { 'dm.bulk', 'read' }
    grants = { 'gumroad/*/Influencer', 'gank/goods/*' }
}
"""


class FileHold:
    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None,
                                  check_same_thread=False)
        self.db.execute("BEGIN IMMEDIATE")

    def let_go(self):
        self.db.execute("ROLLBACK")
        self.db.close()


class ServerHold:
    def __init__(self, name):
        # the number is that of src/store/db_postgresql.c
        self.psql = start(["psql", "-XqAt", cluster().url(name)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.psql.stdin.write(b"BEGIN;\n SELECT pg_advisory_xact_lock("
                              b"7449363237674382196), 'held';\n")
        self.psql.stdin.flush()
        self.psql.stdout.readline()

    def let_go(self):
        self.psql.stdin.close()
        self.psql.wait(LIMIT)


class Place:
    def __init__(self, accept_test=True, database="gatepost.db", tiers=TIERS,
                 init=True, server=None):
        document()  # not while something is timed
        self.dir = folder()
        self.tokens = [secrets.token_hex(24), secrets.token_hex(24)]
        self.secrets = [secrets.token_hex(24), secrets.token_hex(24)]
        self.api_key = secrets.token_hex(24)
        self.pass_secret = secrets.token_hex(24)
        self.conf = self.dir / "gatepost.conf"
        self.file = self.dir / database
        self.name = None  # of its database on the server
        if ON_SERVER if server is None else server:
            if database != "gatepost.db":
                raise NeedsFile("another path")
            self.name = new_database()
        self.sock = str(self.dir / "s")
        self.log = self.dir / "gatepost.log"
        self.port = None
        self.program = None
        self.configure(accept_test, database, tiers)
        if init:
            done = self.cli("migrate")
            if done.returncode != 0:
                raise RuntimeError("migrate: %r" % done.stderr)

    @property
    def db(self):
        if self.name:
            raise NeedsFile("its path")
        return self.file

    def configure(self, accept_test=True, database="gatepost.db",
                  tiers=TIERS, more="", gank=True):
        if self.name:
            if database != "gatepost.db":
                raise NeedsFile("another path")
            database = cluster().url(self.name)
        test = "true" if accept_test else "false"

        def listed(values):
            return "{ %s }" % ", ".join("'%s'" % v for v in values)
        text = "database = '%s'\n" % database
        text += "public_url = 'https://example.org'\n"
        text += "api_keys = %s\n" % listed([self.api_key])
        text += "pass_secret = %s\n%s\n" % (listed([self.pass_secret]), more)
        text += "gumroad {\n  tokens = %s\n  accept_test = %s\n}\n" % (
            listed(self.tokens), test)
        if gank:
            text += "gank {\n  secrets = %s\n  accept_test = %s\n}\n" % (
                listed(self.secrets), test)
        self.conf.write_text(text + tiers)
        self.conf.chmod(0o600)

    def beside(self):
        """Another host: the same settings and database, its own program."""
        other = copy.copy(self)
        other.dir = folder()
        other.sock = str(other.dir / "s")
        other.log = other.dir / "gatepost.log"
        other.port = other.program = None
        return other

    # -- programs

    def run(self, argv=None, wait=True, more=(), **options):
        """gatepost.fcgi on this place's socket. more: "--unconfined" where
        the test looks into /proc/PID/fd, as others than root may not."""
        argv = argv or [FCGI_PROGRAM, "-c", self.conf,
                        "--listen", "unix:" + self.sock, *more]
        with open(self.log, "ab") as log:
            child = start(argv, stderr=log, stdin=options.pop(
                "stdin", subprocess.DEVNULL), **options)
        self.program = child
        if wait:
            self.wait_ready(child)
        return child

    def wait_ready(self, child):
        def ready():
            if child.poll() is not None:
                raise RuntimeError("gatepost.fcgi ended: " +
                                   self.log.read_text())
            return connects(self.sock)
        until(ready, "the socket")

    def nginx(self, **options):
        """The shipped configuration, changed as nginx/serve changes it."""
        for _ in range(5):
            self.port = free_port()
            conf = self.write_nginx(**options)
            child = start([NGINX, "-p", self.dir, "-c", conf,
                           "-e", self.dir / "nginx.error.log"],
                          stderr=subprocess.DEVNULL)

            def ready():
                return child.poll() is not None or (
                    (self.dir / "nginx.pid").exists() and
                    connects(("127.0.0.1", self.port)))
            until(ready, "nginx")
            if child.poll() is None:
                return child
        raise RuntimeError("nginx: " +
                           (self.dir / "nginx.error.log").read_text())

    def write_nginx(self, workers=2, connections=2048, more=""):
        site = (TOP / "nginx/gatepost-nginx.conf").read_text()
        for old, new in (
                ("unix:/run/gatepost/gatepost.sock", "unix:" + self.sock),
                ("listen 80;", "listen 127.0.0.1:%d;" % self.port),
                ("listen [::]:80;", ""),
                ("server_name example.org;", "server_name 127.0.0.1;"),
                ("/var/log/nginx/gatepost", "%s/nginx" % self.dir),
                ("/usr/share/gatepost/site", str(TOP / "nginx/site")),
                ("include fastcgi_params",
                 "include /etc/nginx/fastcgi_params")):
            if old not in site:
                raise RuntimeError("nginx/gatepost-nginx.conf: no '%s'" % old)
            site = site.replace(old, new)
        lines = ["daemon off;", "pid %s/nginx.pid;" % self.dir,
                 "worker_processes %d;" % workers,
                 "user root;" if os.getuid() == 0 else "",
                 "error_log %s/nginx.error.log;" % self.dir,
                 "events { worker_connections %d; }" % connections, "http {",
                 "access_log off;", "include /etc/nginx/mime.types;", more]
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
            lines.append("%s_temp_path %s/%s;" % (kind, self.dir, kind))
        conf = self.dir / "nginx.conf"
        conf.write_text("\n".join(lines) + "\n" + site + "}\n")
        return conf

    def cli(self, *args, data=None, env=None, cwd=None, config=True):
        argv = [str(CTL_PROGRAM)] + (["-c", str(self.conf)] if config else [])
        return subprocess.run(argv + [str(a) for a in args], input=data or b"",
                              capture_output=True, timeout=LIMIT, env=env,
                              cwd=cwd or self.dir)

    def cgi_start(self, method, uri, body=b"", headers=None, argv=(),
                  length=DEFAULT, program=FCGI_PROGRAM, config=True,
                  more=()):
        env = dict(cgi_params(method, uri, body, headers, length))
        env.update(more)
        if config:
            env["GATEPOST_CONFIG"] = str(self.conf)
        with open(self.log, "ab") as log:
            return start([program, *argv], env=env, cwd="/", stderr=log,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def cgi(self, method, uri, body=b"", headers=None, **options):
        """One request, the program run as a web server runs CGI programs:
        with nothing in the environment but what RFC 3875 names."""
        begun = time.monotonic()
        child = self.cgi_start(method, uri, body, headers, **options)
        out = child.communicate(body, LIMIT)[0]
        _children.remove(child)
        answer = parse_cgi(out, time.monotonic() - begun)
        answer.exit = child.returncode
        return documented(answer, method, uri, body)

    # -- requests through nginx

    def get(self, path, headers=None, **options):
        return http_request(self.port, "GET", path, None, headers, **options)

    def post(self, path, body, headers=None, **options):
        return http_request(self.port, "POST", path, body, headers, **options)

    def gumroad(self, body, token=None, headers=FORM, **options):
        path = "/hooks/gumroad/" + (token or self.tokens[0])
        return self.post(path, body, headers, **options)

    def gank(self, body, secret=None, t=None, **options):
        return self.post("/hooks/gank", body, gank_headers(
            body, secret or self.secrets[0], t), **options)

    def bearer(self):
        return {"Authorization": "Bearer " + self.api_key}

    def access(self, query):
        return self.get("/v1/access?" + query, self.bearer())

    def direct(self, method, uri, body=b"", headers=None, **options):
        with Fcgi(self.sock) as c:
            return c.ask(method, uri, body, headers, **options)

    # -- what is there afterwards

    def rows(self, sql, *args):
        if self.name:
            if "PRAGMA" in sql or "sqlite" in sql:
                raise NeedsFile("SQL of SQLite")
            return cluster().rows(self.name, sql, args)
        db = sqlite3.connect("file:%s?mode=ro" % self.db, uri=True,
                             timeout=LIMIT)
        try:
            return db.execute(sql, args).fetchall()
        finally:
            db.close()

    def one(self, sql, *args):
        found = self.rows(sql, *args)
        return found[0][0] if found else None

    def execute(self, sql, *args):
        """By hand, past the program."""
        if self.name:
            cluster().execute(self.name, sql, args)
            return
        db = sqlite3.connect(self.db, timeout=LIMIT)
        with db:
            db.execute(sql, args)
        db.close()

    def hold(self):
        """Somebody else writes, until it is let go."""
        return ServerHold(self.name) if self.name else FileHold(self.db)

    def events(self):
        return self.one("SELECT count(*) FROM events")

    def dump(self):
        """All rows of all tables but the marks of what runs by time."""
        found = {table: self.rows("SELECT * FROM %s ORDER BY 1, 2" % table)
                 for table in ("meta", "events", "changes", "outbox",
                               "purchases", "subscriptions", "tiers")}
        found["meta"] = [row for row in found["meta"]
                         if row[0] not in ("swept_to", "state_digest",
                                           "watched_at", "watched_whole_at")
                         and not row[0].startswith("rebuild_")]
        return found

    def is_sound(self):
        return bool(self.name) or self.one("PRAGMA integrity_check") == "ok"

    def logs(self):
        out = {}
        for name in ("gatepost.log", "nginx.access.log", "nginx.error.log"):
            path = self.dir / name
            out[name] = path.read_bytes() if path.exists() else b""
        return out

    def log_text(self):
        return self.log.read_text(errors="replace")

    def leaks(self, *more):
        """Where a log holds a token, secret, key or somebody's address."""
        words = [*self.tokens, *self.secrets, self.api_key, self.pass_secret]
        words += [r[0] for r in self.rows(
            "SELECT DISTINCT email FROM purchases WHERE email IS NOT NULL")]
        words += list(more)
        found = []
        for name, text in self.logs().items():
            text = text.lower()
            for word in words:
                for form in {word, word.replace("@", "%40")}:
                    if form.lower().encode() in text:
                        found.append("%s holds %s" % (name, form))
        return found

    def check_logs(self, *more):
        same(self.leaks(*more), [], "no log holds a secret or an address")
