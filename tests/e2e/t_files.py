#!/usr/bin/env python3
"""Files behind a tier, through the nginx configuration that is shipped."""

import sys
sys.dont_write_bytecode = True
import hashlib
import os
import random
import re
import shlex
import socket
import subprocess
import time
from urllib.parse import quote

from apache import APACHE, ApachePlace
from lib import (LIMIT, SLOW, TOP, Place, connects, http_request, main, note, ok,
                 sale, same, skip, start, stop, until)

SONG = bytes(range(256)) * 1000
MB = 1024 * 1024
SIZE = 200 * MB


class Site(Place):
    """Three folders: one for all ways to ask, one for nginx, one for Apache's
    module; the last for a tier that nobody has."""

    def __init__(self, more="", **options):
        super().__init__(init=False)
        self.root = self.dir / "members"
        (self.root / "guide/deep").mkdir(parents=True)
        (self.root / "empty").mkdir()
        self.put("song.mp3", SONG)
        self.put("a b\u00e9%.txt", b"odd")
        self.put("guide/index.html", b"<p>guide")
        self.put("guide/deep/x.svg", b"<svg/>")
        self.put("nothing", b"")
        self.put(".hidden", b"secret")
        self.put("guide/.htaccess", b"secret")
        outside = self.dir / "outside"
        outside.mkdir()
        (outside / "secret").write_bytes(b"secret")
        for link, to in (("out", "../outside/secret"), ("dir", "../outside"),
                         ("in", "song.mp3"), ("guide/deep/up", ".."),
                         ("top", "/")):
            (self.root / link).symlink_to(to)
        os.mkfifo(self.root / "fifo")
        text = """
files '/m' { root = 'members'
  tier = 'supporter' %s }
files '/m/guide/pro' { root = 'members/guide/pro'
  allow = 'dm.bulk' }
files '/save' { root = 'save'
  tier = 'supporter'
  attachment = true
  join = '/join.html' }
files '/nginx' { root = 'nginx-files'
  tier = 'supporter'
  serve = 'accel'
  accel = '/internal/a b'
  join = 'https://example.org/join' }
files '/apache' { root = 'nginx-files'
  tier = 'supporter'
  serve = 'sendfile' }
""" % more
        text = text.replace("root = 'nginx-files'\n  tier = 'supporter'\n"
                            "  serve = 'sendfile'",
                            "root = 'apache-files'\n  tier = 'supporter'\n"
                            "  serve = 'sendfile'")
        for name in ("save", "nginx-files", "apache-files",
                     "members/guide/pro"):
            (self.dir / name).mkdir()
            (self.dir / name / "song.mp3").write_bytes(SONG)
            (self.dir / name / "p\u00e9 %2F.html").write_bytes(b"<p>page")
        self.configure(more="threads = 2\n" + text)
        done = self.cli("migrate")
        if done.returncode != 0:
            raise RuntimeError("migrate: %r" % done.stderr)

    def put(self, name, data):
        """A file that was not changed just now."""
        path = self.root / name
        path.write_bytes(data)
        os.utime(path, (1700000000, 1700000000))

    def write_nginx(self):
        conf = super().write_nginx()
        text = conf.read_text()
        at = text.rindex("location = /healthz")
        text = text[:at] + '''location "/internal/a b/" {
            internal;
            alias "%s/nginx-files/";
            disable_symlinks on;
            add_header Content-Security-Policy
                $upstream_http_content_security_policy;
        }
        ''' % self.dir + text[at:]
        conf.write_text(text)
        return conf

    def member(self, user, tier="supporter"):
        if tier:
            done = self.cli("grant", "--user", user, "--tier", tier)
            if done.returncode != 0:
                raise RuntimeError("grant: %r" % done.stderr)
        return self.cli("pass", "--user", user).stdout.decode().strip()

    def ask(self, method, path, token=None, **headers):
        sent = {k.replace("_", "-"): v for k, v in headers.items()}
        if token:
            sent["Cookie"] = "gatepost=" + token
        return http_request(self.port, method, "/files" + path, None, sent)

    def go(self, path, token=None, **headers):
        return self.ask("GET", path, token, **headers)

    def memory(self):
        """Resident kilobytes, and the most so far."""
        text = open("/proc/%d/status" % self.program.pid).read()
        return [int(text.split(name)[1].split()[0])
                for name in ("VmRSS:", "VmHWM:")]


def who():
    """Nobody learns a name who may not see."""
    p = Site()
    p.run()
    p.nginx()
    nobody, fan = p.member("1", None), p.member("2")
    for path in ("/m/song.mp3", "/m/none", "/m/", "/m", "/m/.hidden",
                 "/none/x", "/m/guide/pro/song.mp3", "/m/%5C", "/x"):
        a = p.go(path)
        same((a.status, a.word()), (401, "pass"), "no pass: " + path)
    same(a.headers.get("www-authenticate"), "Bearer", "and how to ask")
    for path in ("/m/song.mp3", "/m/none", "/m/", "/m", "/m/out"):
        a = p.go(path, nobody)
        same((a.status, a.word()), (403, "tier"), "no tier: " + path)
    same(p.go("/m/guide/pro/song.mp3", fan).status, 403, "a folder within")
    same(p.go("/none/x", nobody).status, 404, "no such section")
    a = p.go("/m/song.mp3", fan)
    same((a.status, a.body == SONG), (200, True), "a tier")
    same(p.go("/m/song.mp3", Authorization="Bearer " + fan).status, 200,
         "as a Bearer token")
    a = http_request(p.port, "POST", "/files/m/song.mp3", b"x",
                     {"Cookie": "gatepost=" + fan})
    same((a.status, a.headers.get("allow")), (405, "GET, HEAD"), "POST")
    html = "text/html,*/*;q=0.8"
    for token, path in ((None, "/save/x"), (nobody, "/save/song.mp3")):
        a = p.go(path, token, Accept=html)
        same((a.status, a.headers.get("location")), (303, "/join.html"),
             "a browser is shown what to buy")
    same(p.go("/save/x", Accept="image/*").status, 401, "a picture is not")
    same(p.go("/nginx/x", nobody, Accept=html).headers["location"],
         "https://example.org/join", "another section, another page")
    same(p.go("/save/song.mp3", fan, Accept=html).status, 200, "a member")
    same(p.cli("revoke", "--user", "2").returncode, 0, "revoked")
    same(p.go("/m/song.mp3", fan).status, 403, "at once")
    p.db.rename(p.dir / "away")
    p.db.write_bytes(b"no database at all " * 99)
    stop(p.program)
    p.run()
    a = p.go("/m/song.mp3", fan)
    same((a.status, a.word(), "retry-after" in a.headers),
         (503, "unavailable", True), "no database")
    same(p.go("/save/x", fan, Accept=html).status, 503, "nobody is sent off")


def names():
    """No way out of the folder."""
    p = Site()
    p.run()
    p.nginx()
    fan = p.member("1")
    os.link(p.db, p.root / "db")
    os.link(p.conf, p.root / "conf")
    for path in ("/m/.hidden", "/m/guide/.htaccess", "/m/out", "/m/dir/secret",
                 "/m/in", "/m/guide/deep/up/index.html", "/m/top/etc/passwd",
                 "/m/fifo", "/m/db", "/m/conf", "/m/empty/", "/m/none",
                 "/m/%2e%2e/outside/secret", "/m/..%2foutside/secret",
                 "/m/guide%2findex.html", "/m/..%5coutside", "/m/song.mp3%0a", "/m/%ff", "/m/song.mp3/", "/m//song.mp3//",
                 "/m/guide/", "/m/guide/deep/", "/m/" + "x" * 300,
                 "/m/" + "x" * 513, "/m/" + "x" * 513 + "/",
                 "/m/" + "y/" * 14 + "y", "/m/%c3%a9"):
        want = 200 if path == "/m/guide/" else 404
        a = p.go(path, fan)
        same((a.status, b"secret" in a.body), (want, False), path[:40])
    raw = ("GET /files/m/../../outside/secret HTTP/1.0\r\n"
           "Cookie: gatepost=%s\r\n\r\n" % fan).encode()
    with socket.create_connection(("127.0.0.1", p.port), LIMIT) as s:
        s.sendall(raw)
        ok(b" 404 " in s.recv(100), "dots that nginx resolves")
    # past nginx, as another web server would hand them on
    for path in ("/files/m/../../gatepost.conf", "/files/m/./song.mp3",
                 "/files/m/..", "/files/../files/m/song.mp3",
                 "/files/m/song.mp3%00", "/files/m/%00", "/files/m/a%2"):
        a = p.direct("GET", path, headers={"Cookie": "gatepost=" + fan})
        same(a.status, 404, "past nginx: " + path)
    same(p.go("/m/a%20b%C3%A9%25.txt", fan).body, b"odd", "an odd name")
    a = p.go("/m/guide", fan)
    same((a.status, a.headers.get("location")), (301, "./guide/"),
         "a folder's slash")
    same(p.go("/m", fan).headers.get("location"), "./m/", "the root's")
    same(p.go("/m/guide/", fan).body, b"<p>guide", "its page")
    text = p.conf.read_text()
    for what, old, new in (
            ("the settings", "root = 'save'", "root = '.'"),
            ("the database", "database = 'gatepost.db'",
             "database = 'save/gatepost.db'"),
            ("a secret", "pass_secret =",
             "api_keys_file = 'save/song'\npass_secret =")):
        (p.dir / "save/song").write_text(p.tokens[0])
        p.conf.write_text(text.replace(old, new))
        done = p.cli("check")
        ok(done.returncode != 0 and b"root holds" in done.stderr,
           "a folder with %s in it is refused" % what, done)


def parts():
    """What browsers and players ask for."""
    p = Site(more="scripts = false")
    p.run()
    p.nginx()
    t = p.member("1")
    a = p.go("/m/song.mp3", t)
    tag, date = a.headers["etag"], a.headers["last-modified"]
    same([a.headers.get(k) for k in ("content-type", "content-length",
                                     "accept-ranges", "cache-control",
                                     "x-content-type-options",
                                     "content-disposition")],
         ["audio/mpeg", str(len(SONG)), "bytes", "private, no-cache",
          "nosniff", None], "headers")
    n = len(SONG)
    for value, status, body, said in (
            ("bytes=0-9", 206, SONG[:10], "bytes 0-9/%d" % n),
            ("bytes=%d-" % (n - 3), 206, SONG[-3:],
             "bytes %d-%d/%d" % (n - 3, n - 1, n)),
            ("bytes=-5", 206, SONG[-5:],
             "bytes %d-%d/%d" % (n - 5, n - 1, n)),
            ("bytes=%d-" % n, 416, None, "bytes */%d" % n),
            ("bytes=0-1,5-6", 200, SONG, None),
            ("bytes=5-1", 200, SONG, None)):
        a = p.go("/m/song.mp3", t, Range=value)
        same((a.status, body is None or a.body == body,
              a.headers.get("content-range")), (status, True, said), value)
    for headers, status in (
            ({"If_None_Match": tag}, 304), ({"If_None_Match": '"x"'}, 200),
            ({"If_None_Match": "W/" + tag}, 304),
            ({"If_None_Match": '"x"', "If_Modified_Since": date}, 200),
            ({"If_Modified_Since": date}, 304),
            ({"If_Modified_Since": "Tue, 14 Nov 2000 22:13:20 GMT"}, 200),
            ({"If_Match": '"x"'}, 412),
            ({"Range": "bytes=0-1", "If_Range": tag}, 206),
            ({"Range": "bytes=0-1", "If_Range": date}, 206),
            ({"Range": "bytes=0-1", "If_Range": '"x"'}, 200)):
        a = p.go("/m/song.mp3", t, **headers)
        same((a.status, a.body == b"" if status == 304 else True),
             (status, True), str(headers))
    same(p.go("/m/song.mp3", None, If_None_Match=tag).status, 401,
         "a tag is no pass")
    a = p.ask("HEAD", "/m/song.mp3", t)
    same((a.status, a.headers["content-length"], a.body),
         (200, str(n), b""), "HEAD")
    same(p.go("/m/nothing", t).headers["content-length"], "0", "nothing")
    os.utime(p.root / "song.mp3")
    a = p.go("/m/song.mp3", t)
    ok(a.headers["etag"].startswith("W/") and a.headers["etag"] != tag,
       "changed just now: another tag, a weak one")
    a = p.go("/m/guide/deep/x.svg", t)
    ok(a.headers["content-security-policy"].startswith("sandbox"),
       "no scripts in pictures", a)
    a = p.go("/save/p%C3%A9%20%252F.html", t)
    same((a.body, a.headers["content-disposition"]),
         (b"<p>page", 'attachment; filename="p_ _2F.html"; '
          "filename*=UTF-8''p%C3%A9%20%252F.html"), "to be saved")


def handed_over():
    """nginx sends the file; Apache's module would."""
    p = Site()
    p.run()
    p.nginx()
    t = p.member("1")
    a = p.go("/nginx/song.mp3", t)
    same((a.status, a.body == SONG, a.headers["content-type"],
          a.headers.get("x-accel-redirect")),
         (200, True, "audio/mpeg", None), "by nginx")
    a = p.go("/nginx/song.mp3", t, Range="bytes=5-9")
    same((a.status, a.body), (206, SONG[5:10]), "a range of it")
    a = p.go("/nginx/p%C3%A9%20%252F.html", t)
    same((a.status, a.body), (200, b"<p>page"), "an odd name")
    ok(a.headers.get("content-security-policy", "").startswith("sandbox"),
       "and no scripts", a)
    same(p.go("/nginx/song.mp3").status, 401, "no pass")
    same(p.get("/internal/a%20b/song.mp3").status, 404, "not from outside")
    os.symlink("song.mp3", p.dir / "nginx-files/link")
    for name in ("link", "none", "%2e%2e/gatepost.conf"):
        same(p.go("/nginx/" + name, t).status, 404, "not " + name)
    cookie = {"Cookie": "gatepost=" + t}
    a = p.direct("GET", "/files/nginx/p%C3%A9%20%252F.html", headers=cookie)
    same((a.headers["x-accel-redirect"], "x-sendfile" in a.headers),
         ("/internal/a%20b/p%C3%A9%20%252F.html", False), "encoded")
    a = p.direct("GET", "/files/apache/p%C3%A9%20%252F.html", headers=cookie)
    same((a.headers["x-sendfile"], "x-accel-redirect" in a.headers, a.body),
         ("%s/apache-files/p\xc3\xa9 %%2F.html" % p.dir, False, b""),
         "X-Sendfile")
    same(p.go("/apache/none", t).status, 404, "not what is not there")


def big():
    """200 MB: broken off, gone on with, in little memory."""
    p = Site()
    path = p.root / "big.bin"
    seen = hashlib.sha256()
    with open(path, "wb") as f:
        f.truncate(SIZE)
        for at in range(0, SIZE, 10 * MB):
            f.seek(at)
            f.write(random.randbytes(100000))
    os.utime(path, (1700000000, 1700000000))
    with open(path, "rb") as f:
        while piece := f.read(MB):
            seen.update(piece)
    p.run()
    p.nginx()
    t = p.member("1")
    same(p.go("/m/song.mp3", t).status, 200, "warm")
    before = p.memory()[0]
    out = p.dir / "out"
    url = "http://127.0.0.1:%d/files/m/big.bin" % p.port
    curl = ["curl", "-s", "-o", out, "-b", "gatepost=" + t, "-C", "-", url]
    for enough in (30 * MB, 80 * MB):
        child = start(curl + ["--limit-rate", "60M"])
        until(lambda: out.exists() and out.stat().st_size > enough, "some")
        child.kill()
        child.wait()
        have = out.stat().st_size
        ok(enough < have < SIZE, "broken off after %d MB" % (have // MB))
    same(subprocess.run(curl, timeout=LIMIT).returncode, 0, "gone on with")
    got = hashlib.sha256()
    with open(out, "rb") as f:
        while piece := f.read(MB):
            got.update(piece)
    same((out.stat().st_size, got.digest() == seen.digest()), (SIZE, True),
         "all of it, each byte in its place")
    with open(p.root / "huge.bin", "wb") as f:
        f.seek(5 * 1024 * MB - 1)
        f.write(b"!")
    a = p.ask("HEAD", "/m/huge.bin", t)
    same(a.headers["content-length"], str(5 * 1024 * MB), "5 GB")
    a = p.go("/m/huge.bin", t, Range="bytes=5368709118-")
    same((a.body, a.headers["content-range"]),
         (b"\0!", "bytes 5368709118-5368709119/5368709120"), "its end")
    after = p.memory()[1]
    note("resident: %d kB before, %d kB at the most" % (before, after))
    ok(SLOW or after - before < 4000, "in little memory", (before, after))


class Slow:
    """Takes a little, then nothing."""

    def __init__(self, p, token, path="/m/big.bin"):
        self.s = socket.socket()
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.s.settimeout(LIMIT)
        self.s.connect(("127.0.0.1", p.port))
        self.s.sendall(("GET /files%s HTTP/1.1\r\nHost: x\r\n"
                        "Cookie: gatepost=%s\r\n\r\n" % (path, token)
                        ).encode())
        self.head = self.s.recv(1000)

    def rest(self):
        n = len(self.head)
        while True:
            try:
                piece = self.s.recv(MB)
            except ConnectionResetError:
                return n
            if not piece:
                return n
            n += len(piece)


def files_open(p):
    """How often the program has the file open."""
    n, folder = 0, "/proc/%d/fd/" % p.program.pid
    for fd in os.listdir(folder):
        try:
            n += os.readlink(folder + fd).endswith("big.bin")
        except OSError:
            pass
    return n


def slow():
    """64 who take their time hold no thread; more wait for their turn."""
    p = Site()
    path = p.root / "big.bin"
    with open(path, "wb") as f:
        f.truncate(SIZE)
    p.run(more=["--unconfined"])
    p.nginx()
    tokens = [p.member("u%d" % i) for i in range(4)]
    before = p.memory()[0]
    taken = [Slow(p, tokens[i % 4]) for i in range(64)]
    same([s.head[9:12] for s in taken], [b"200"] * 64, "64 downloads")
    until(lambda: files_open(p) == 64, "all under way")
    a = p.get("/metrics", p.bearer())
    ok(b"\ngatepost_downloads 64\n" in a.body, "counted", a.body[:4000])
    a = p.go("/m/big.bin", tokens[0])
    same((a.status, a.word(), "retry-after" in a.headers),
         (503, "downloads", True), "a 17th of one person is too many")
    begun = time.monotonic()
    for i in range(20):
        same(p.gumroad(sale(i)).word(), "recorded", "a hook")
    took = time.monotonic() - begun
    ok(took < (20 if SLOW else 4), "20 hooks in %.2f s, 2 threads" % took)
    now = p.memory()[1]
    note("resident: %d kB before, %d kB with 64" % (before, now))
    ok(SLOW or now - before < 8000, "in little memory", (before, now))
    for s in taken[:60]:
        s.s.close()
    until(lambda: files_open(p) == 4, "the end of those who left")
    ok(True, "who leaves is let go")
    # a file that shrinks is not filled up
    os.truncate(path, 100 * MB)
    n = taken[60].rest()
    ok(n < 101 * MB, "cut short, not filled up: %d MB" % (n // MB))
    same(stop(p.program), 0, "the end does not wait for the slow")
    ok(taken[61].rest() < SIZE, "they are cut off")
    ok(not connects(p.sock), "and nobody listens")


def cgi():
    """As a plain CGI program."""
    p = Site()
    t = p.member("1")
    cookie = {"Cookie": "gatepost=" + t}
    a = p.cgi("GET", "/files/m/song.mp3", headers=cookie)
    same((a.status, a.body == SONG, a.exit), (200, True, 0), "a file")
    a = p.cgi("GET", "/files/m/song.mp3",
              headers={**cookie, "Range": "bytes=-7"})
    same((a.status, a.body), (206, SONG[-7:]), "a range")
    a = p.cgi("HEAD", "/files/m/song.mp3", headers=cookie)
    same((a.status, a.headers["content-length"], a.body),
         (200, str(len(SONG)), b""), "HEAD")
    same(p.cgi("GET", "/files/m/song.mp3").status, 401, "no pass")
    a = p.cgi("GET", "/members/guide", headers=cookie,
              more=[("PATH_INFO", "/files/m/guide")])
    same((a.status, a.headers["location"]), (301, "./guide/"), "a folder")


def apache_ways():
    """The other two configurations for Apache."""
    for way in ("proxy", "fcgid"):
        p = ApachePlace(init=False)
        (p.dir / "sent").mkdir()
        odd = "a b\u00e9%41#+&.txt"
        (p.dir / "sent" / odd).write_bytes(SONG)
        p.configure(more="files '/m' { root = 'sent'\n tier = 'supporter' }")
        same((p.cli("migrate").returncode, p.cli(
            "grant", "--user", "1", "--tier", "supporter").returncode),
            (0, 0), way + ": a member")
        t = p.cli("pass", "--user", "1").stdout.decode().strip()
        if way == "proxy":
            p.run()
            p.proxy_site()
        else:
            p.fcgid_site()
        p.apache()
        cookie = {"Cookie": "gatepost=" + t}
        a = p.get("/files/m/" + quote(odd), cookie)
        same((a.status, a.body == SONG), (200, True), way + ": a file")
        a = p.get("/files/m/" + quote(odd), {**cookie, "Range": "bytes=-4"})
        same((a.status, a.body), (206, SONG[-4:]), way + ": a range")
        same(p.get("/files/m/x").status, 401, way + ": nobody")


def hosting_page():
    """What gatepost-hosting(7) shows: the settings, and the commands."""
    text = (TOP / "cgi/gatepost-hosting.7").read_text()
    found = [re.search(r'^\.\\" %s: members\n\.Bd [^\n]*\n(.*?)^\.Ed$' % name,
                       text, re.M | re.S).group(1)
             for name in ("config", "example")]
    return found[0], found[1].splitlines()


def apache():
    """A folder of a shared host, by nothing but .htaccess; X-Sendfile."""
    p = ApachePlace(init=False)
    p.cgi_site("gatepost")
    p.modules.append("xsendfile")
    web = p.dir / "web/members"
    (web / "sub").mkdir(parents=True)
    odd = "a b\u00e9%41?x=1#+&.txt"
    (p.dir / "sent").mkdir()
    for name in ("song.mp3", odd, "sub/index.html", "x.php"):
        (web / name).write_bytes(SONG)
    (p.dir / "sent" / odd).write_bytes(SONG)
    (web / ".htaccess").write_text(
        (TOP / "apache/members.htaccess").read_text())
    (p.dir / "web/sent").mkdir()
    (p.dir / "web/sent/.htaccess").write_text(
        (TOP / "apache/members.htaccess").read_text().replace(
            "files/members/", "files/sent/"))
    settings, commands = hosting_page()
    p.configure(tiers="", more=settings.replace(
        "/srv/you/public_html/members", str(web)) + """
files '/sent' { root = 'sent'
  tier = 'supporter'
  serve = 'sendfile' }
""")
    same(p.cli("migrate").returncode, 0, "migrate")
    for line in commands:
        a = p.cli(*shlex.split(line)[2:])
        same(a.returncode, 0, line)
    t = a.stdout.decode().strip()
    page = (TOP / "src/config/gatepost.conf.5").read_text()
    unescape = re.search(r"^<IfDirective.*?^</IfDirective>\n", page,
                         re.M | re.S).group(0)
    p.apache("XSendFile On\nXSendFilePath %s/sent\n%s" % (p.dir, unescape))
    cookie = {"Cookie": "gatepost=" + t}
    for path in ("song.mp3", quote(odd), "sub/", "x.php"):
        a = p.get("/members/" + path, cookie)
        same((a.status, a.body == SONG, a.headers.get("content-length")),
             (200, True, str(len(SONG))), "a member: " + path)
        same(p.get("/members/" + path).status, 401, "nobody: " + path)
    a = p.get("/members/song.mp3", {"Authorization": "Bearer " + t,
                                    "Range": "bytes=1-4"})
    same((a.status, a.body), (206, SONG[1:5]), "a Bearer token, a range")
    a = p.get("/members/song.mp3", {"Accept": "text/html"})
    same((a.status, a.headers.get("location")), (303, "/join.html"),
         "a browser is shown what to buy")
    for path in ("", ".htaccess", "none", "sub/none", "%2e%2e/gatepost/.htaccess"):
        same(p.get("/members/" + path, cookie).status, 404, "not " + path)
    a = p.get("/sent/" + quote(odd), cookie)
    same((a.status, a.body == SONG), (200, True), "by mod_xsendfile")
    same(p.get("/sent/" + quote(odd)).status, 401, "nobody")


TESTS = [who, names, parts, handed_over, big, slow, cgi]
if os.path.exists(APACHE):
    TESTS += [apache, apache_ways]
else:
    skip("Apache", "it is not installed")
main(*TESTS)
