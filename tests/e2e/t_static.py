#!/usr/bin/env python3
"""Shared hosting: the static programs as make bundle packs them, under an
Apache of their own in a folder that holds nothing else; where the program
refuses; and databases on network file systems."""

import sys
sys.dont_write_bytecode = True
import concurrent.futures
import fcntl
import html
import os
import re
import shutil
import sqlite3
import subprocess
import tarfile
import urllib.parse
from pathlib import Path

import lib
import t_outbox
from lib import (FORM, LIMIT, SLOW, TOP, Place, basic, connects, folder,
                 free_port, http_request, main, note, ok, parse_cgi, sale,
                 same, skip, start, until)

STATIC = Path(os.environ.get("STATIC", TOP / "build/static")).resolve()
APACHE = shutil.which("apache2") or "/usr/sbin/apache2"
MODULES = "/usr/lib/apache2/modules"
ROOT = os.getuid() == 0
USER = 65534 if ROOT else os.getuid()
OTHER = 54321

CONF = """
ServerRoot %(dir)s
ServerName 127.0.0.1
Listen 127.0.0.1:%(port)d
PidFile %(dir)s/pid
ErrorLog %(dir)s/error.log
LogLevel warn
Timeout 20
%(modules)s
TypesConfig /dev/null
StartServers 4
MinSpareServers 4
%(user)s
DocumentRoot %(web)s/public_html
<Directory %(web)s>
    AllowOverride FileInfo Options
    Options FollowSymLinks
    Require all granted
</Directory>
"""


class Host:
    """A hosting account: HOME/public_html and what stands beside it. As root
    Apache shuts itself into a folder with nothing but that."""

    def __init__(self, jailed=False):
        self.dir = folder()
        self.dir.chmod(0o755)
        self.jail = self.dir / "jail"
        # Apache wants a DocumentRoot before it goes inside: one path for both
        self.inside = self.dir / "account"
        (self.inside / "public_html").mkdir(parents=True)
        self.home = self.inside
        if jailed:
            self.home = self.jail / str(self.inside).lstrip("/")
        self.web = self.home / "public_html"
        self.web.mkdir(parents=True, exist_ok=True)
        archive, = STATIC.glob("gatepost-*-linux-*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(self.home)
        self.own()
        self.log = self.dir / "error.log"

    def own(self):
        for path in [self.home, *self.home.rglob("*")]:
            if ROOT:
                os.lchown(path, USER, USER)

    def outside(self, path):
        """Where a path that the program names lies for us."""
        return self.home / Path(path).relative_to(self.inside)

    def apache(self):
        for _ in range(5):
            self.port = free_port()
            modules = ("mpm_prefork", "authz_core", "mime", "dir", "cgi",
                       "rewrite", "setenvif", "env")
            user = "User #%d\nGroup #%d\nChrootDir %s" % (
                USER, USER, self.jail) if ROOT else ""
            conf = self.dir / "apache.conf"
            conf.write_text(CONF % {
                "dir": self.dir, "port": self.port, "user": user,
                "web": self.inside, "modules": "\n".join(
                    "LoadModule %s_module %s/mod_%s.so" % (m, MODULES, m)
                    for m in modules)})
            with open(self.dir / "apache.log", "wb") as log:
                # it ends its whole process group, which must not be ours
                child = start([APACHE, "-DFOREGROUND", "-f", conf],
                              stderr=log, start_new_session=True)
            until(lambda: child.poll() is not None or
                  connects(("127.0.0.1", self.port)), "apache")
            if child.poll() is None:
                return
        raise RuntimeError((self.dir / "apache.log").read_text() +
                           self.log_text())

    def log_text(self):
        return (self.log.read_text(errors="replace")
                if self.log.exists() else "")

    def get(self, path, headers=None):
        return http_request(self.port, "GET", path, None, headers)

    def post(self, path, body, headers=FORM):
        return http_request(self.port, "POST", path, body, headers)

    def ctl_start(self, *args, cwd="gatepost"):
        """The static command line, in the same folder, as the same user."""
        def enter():
            if self.inside != self.home:
                os.chroot(self.jail)
                os.setgroups([])
                os.setgid(USER)
                os.setuid(USER)
            os.chdir(self.inside / cwd)
        return start(["./gatepost", *args], preexec_fn=enter, env={},
                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def ctl(self, *args):
        child = self.ctl_start(*args)
        out = child.communicate(timeout=LIMIT)[0].decode()
        return child.returncode, out

    def rows(self, sql):
        db = sqlite3.connect("file:%s?mode=ro" % (
            self.home / "gatepost/gatepost.db"), uri=True, timeout=LIMIT)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def page(self, path="/gatepost/"):
        """The page with the file, its form sent as it was."""
        return Page(self.post(path, Page(self.get(path)).posted()))

    def files(self):
        return sorted(str(p.relative_to(self.home))
                      for p in self.home.rglob("*"))

    def save(self, page, path=None):
        """What the owner does with the page: saves its text where it says."""
        path = path or self.outside(page.file)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_text(page.text)
        path.chmod(0o600)
        self.own()
        return path


class Page:
    """The first page, read as its reader does."""

    def __init__(self, answer):
        text = answer.body.decode()
        area = re.search(r"<textarea readonly>\n(.*?)</textarea>", text, re.S)
        self.text = html.unescape(area[1]) if area else None
        link = re.search(r'href="data:application/octet-stream,([^"]*)"', text)
        self.link = urllib.parse.unquote(link[1]) if link else None
        codes = [html.unescape(c) for c in
                 re.findall(r"<code>(.*?)</code>", text, re.S)]
        self.file = "%s/%s" % (codes[1], codes[0]) if area else None
        self.fields = {html.unescape(name): html.unescape(value)
                       for name, value in re.findall(
                           r'name="([^"]*)"[^>]*? value="([^"]*)"', text)}
        to = re.search(r'<form method="post" action="([^"]*)"', text)
        self.hook = html.unescape(to[1]) if to else None
        self.secrets = set(re.findall(r"[0-9a-f]{48}", self.text or text))

    def posted(self):
        return urllib.parse.urlencode(self.fields)

    def key(self, name):
        return re.search(r"%s = \{ '([^']*)' \}" % name, self.text)[1]


def is_static(program):
    said = subprocess.run(["ldd", program], capture_output=True, text=True)
    return "not a dynamic" in said.stderr + said.stdout


def hosting():
    h = Host(jailed=ROOT)
    for program in ("public_html/gatepost/gatepost.cgi", "gatepost/gatepost"):
        ok(is_static(h.home / program), program + " needs no library")
    h.apache()
    before = h.files()
    a = h.get("/gatepost/")
    same((a.status, Page(a).secrets, Page(a).fields["public_url"]),
         (200, set(), "http://127.0.0.1:%d/gatepost" % h.port),
         "no configuration: the first page, a form")
    a = h.post("/gatepost/", Page(a).posted())
    page = Page(a)
    same(a.status, 200, "its form sent: the file")
    same(a.headers.get("content-type"), "text/html; charset=utf-8", "is HTML")
    same(a.headers.get("cache-control"), "no-store", "and not stored")
    same(a.headers.get("x-robots-tag"), "noindex", "and not indexed")
    same(page.file, str(h.inside / "gatepost/gatepost.conf"),
         "it names the folder beside the web root")
    same(page.link, page.text, "the link saves what the text shows")
    same(page.hook, "http://127.0.0.1:%d/gatepost/hooks/gumroad" % h.port,
         "the address to prove")
    ok(b"came over http" in a.body, "and that http is no way", a)
    other = h.page("/gatepost/gatepost.cgi")
    ok(len(page.secrets) == 3 and not page.secrets & other.secrets,
       "each visit makes other secrets")
    same(other.hook, "http://127.0.0.1:%d/gatepost/gatepost.cgi/hooks/gumroad"
         % h.port, "without rewriting: its own name")
    a = h.get("/gatepost/", {"Host": "x\"><script>"})
    ok(b"<script" not in a.body, "nothing of a visitor's in it", a)
    proof = urllib.parse.urlsplit(page.hook).path
    hook = proof + "/" + page.key("tokens")
    a = h.post(hook, sale(1))
    same((a.status, a.word()), (503, "not_configured"), "a hook: 503")
    ok(page.file + ": no configuration there; open" in h.log_text(),
       "the log says what to do", h.log_text()[-300:])
    same(h.get("/gatepost/gate?tier=x").status, 403, "the gate: 403")
    for path in ("/gatepost/healthz", "/gatepost/v1/access?user=1",
                 "/gatepost/x"):
        a = h.get(path)
        ok(a.status == 503 and not Page(a).secrets, path + ": 503", a)
    same(h.files(), before, "nothing was stored")

    h.save(page)
    a = h.get("/gatepost/healthz")
    same((a.status, a.body), (200, b"ok"), "saved as shown: ok")
    for path in ("/gatepost/", "/gatepost/gatepost.cgi"):
        a = h.get(path)
        ok(a.status == 404 and not Page(a).secrets, path + ": no page now", a)
    a = h.post(proof, page.posted(), {**FORM, "Accept": "text/html"})
    basic_url = page.hook.replace("//", "//gatepost:%s@" % page.key("tokens"))
    ok(a.status == 200 and b"Seen so far: 1" in a.body and
       basic_url.encode() in a.body, "the way is proven, and what to paste", a)
    a = h.post(hook, sale(1))
    same((a.status, a.word()), (200, "recorded"), "a sale is recorded")
    a = h.post("/gatepost/hooks/gumroad", sale(2),
               {**FORM, **basic(page.key("tokens"))})
    same((a.status, a.word()), (200, "recorded"), "and with a password")
    bearer = {"Authorization": "Bearer " + page.key("api_keys")}
    a = h.get("/gatepost/v1/access?user=u1", bearer)
    tier = a.json().get("tier")
    ok(a.status == 200 and tier, "the app sees it", a)
    a = h.post("/gatepost/v1/passes", b'{"user":"u1","for":"1d"}', bearer)
    a = h.get("/gatepost/gate?tier=" + urllib.parse.quote(tier or ""),
              {"Cookie": "gatepost=" + a.json().get("pass", "")})
    same(a.status, 204, "the gate opens")
    same(h.get("/gatepost/gate?tier=" + (tier or "")).status, 401,
         "not without a pass")
    db = h.home / "gatepost/gatepost.db"
    same((db.stat().st_uid, db.stat().st_mode & 0o777), (USER, 0o600),
         "the database is the owner's alone")

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        words = list(pool.map(lambda n: h.post(hook, sale(n)).word(),
                              range(100, 116)))
    same(words, ["recorded"] * 16, "16 at once: all recorded")
    same(h.rows("SELECT count(*) FROM events"), [(19,)], "and stored")
    ok(Path(str(db) + "-turn").exists(), "one after the other")

    same(h.ctl("work", "--once")[0], 0, "work --once")
    code, out = h.ctl("grant", "--user", "g", "--tier", "t", "--for", "1s")
    same(code, 0, "the command line runs there as well")
    until(lambda: h.rows("SELECT count(*) FROM purchases WHERE "
                         "user_ref = 'g' AND until < unixepoch()") == [(1,)],
          "the grant to end")
    count = "SELECT count(*) FROM changes WHERE user_ref = 'g'"
    changes = h.rows(count)[0][0]
    works = [h.ctl_start("work", "--once") for _ in range(2)]
    for child in works:
        said = child.communicate(timeout=LIMIT)[0]
        same(child.returncode, 0, "work --once beside another")
        if child.returncode:
            note(said)
    same(h.rows(count)[0][0], changes + 1, "what ended is noted once")
    same(h.ctl("work", "--once")[1], "", "and then nothing is left")
    bundled(h)
    same([f for f in h.files() if f.startswith("public_html")],
         [f for f in before if f.startswith("public_html")],
         "nothing new in the web folder")
    ok(not page.secrets & set(re.findall(r"[0-9a-f]{48}", h.log_text())),
       "no secret in the log")
    refused(h, page, hook)


def bundled(h):
    """What is in the archive besides: the manual, and what pages load."""
    conf = h.home / "gatepost/manual/gatepost.conf.5.txt"
    text = conf.read_text() if conf.exists() else ""
    ok(not shutil.which("mandoc") or ("api_keys" in text and
                                      "\b" not in text), "the manual as text")
    made = []
    for path in (h.home / "gatepost/site").iterdir():
        made.append(h.web / path.name)
        shutil.copy2(path, made[-1])
    a = h.get("/thanks.html")
    there = re.search(rb'src="/gatepost.js" data-gatepost="([^"]*)"', a.body)
    ok(there and h.get("/gatepost.js").status == 200,
       "the page after checkout, and its script", a)
    same(h.get(there[1].decode() + "/live?quiet").status, 204,
         "which finds Gatepost")
    for path in made:
        path.unlink()


def refused(h, page, hook):
    """503, a line in the log, and not a word to visitors."""
    conf = h.outside(page.file)

    def check(what, log):
        at = len(h.log_text())
        a = h.post(hook, sale(7))
        same((a.status, a.word()), (503, "not_configured"), what + ": 503")
        ok(re.search(log, h.log_text()[at:]), what + ": the log says why",
           h.log_text()[at:])
        a = h.get("/gatepost/")
        ok(a.status == 503 and b"account" not in a.body and
           not Page(a).secrets, what + ": visitors learn nothing", a)

    def put(text):
        conf.write_text(text)

    put(page.text + "nonsense = 1\n")
    check("a broken configuration", "gatepost.conf:")
    put(page.text.replace(page.key("tokens"), "CHANGE-ME-CHANGE-ME"))
    check("a placeholder left in", "placeholder")
    put(page.text.replace("'gatepost.db'", "'../public_html/x.db'"))
    check("the database in the web folder",
          "database .*web server serves.* move it to .*/gatepost")
    (h.home / "gatepost/data").symlink_to("../public_html/gatepost")
    put(page.text.replace("'gatepost.db'", "'data/gatepost.db'"))
    check("and by a symbolic link", "database .*web server serves")
    put(page.text)
    near = h.web / "gatepost/gatepost.conf"
    near.write_text(page.text)
    near.chmod(0o600)
    h.own()
    check("the configuration in the web folder",
          "configuration .*web server serves")
    near.unlink()
    conf.chmod(0o644)
    check("a configuration for all to read", "others can read")
    conf.chmod(0o600)
    if not ROOT:
        return skip("another owner", "needs root")
    os.chown(conf, OTHER, USER)
    conf.chmod(0o640)
    check("a configuration of somebody else", "suEXEC")
    h.own()
    conf.chmod(0o600)
    os.chown(h.home / "gatepost", OTHER, USER)
    (h.home / "gatepost").chmod(0o770)
    check("a folder of somebody else", "suEXEC")
    h.own()
    (h.home / "gatepost").chmod(0o700)
    os.chown(h.web / "gatepost/gatepost.cgi", OTHER, USER)
    check("a program of somebody else", "suEXEC")
    conf.unlink()
    a = h.get("/gatepost/")
    ok(a.status == 503 and b"suEXEC" in a.body and not Page(a).secrets,
       "and the first page says so before there is a secret", a)
    h.own()
    same(h.page().file, page.file, "put right: the page")


def places():
    """Where the page sends its reader, by where the program stands."""
    h = Host()
    built = h.web / "gatepost/gatepost.cgi"

    def ask(program, root, uri, more=(), body=None):
        program = h.home / program
        program.parent.mkdir(parents=True, exist_ok=True)
        if program != built:
            shutil.copy2(built, program)
        env = {"GATEWAY_INTERFACE": "CGI/1.1",
               "REQUEST_METHOD": "POST" if body else "GET",
               "CONTENT_LENGTH": str(len(body or b"")),
               "REQUEST_URI": uri, "SCRIPT_NAME": uri + program.name,
               "SCRIPT_FILENAME": str(program), "HTTP_HOST": "example.org",
               "HTTPS": "on", "DOCUMENT_ROOT": str(h.home / root),
               **dict(more)}
        out = subprocess.run([program], env=env, cwd="/", timeout=LIMIT,
                             input=body, capture_output=True).stdout
        return parse_cgi(out)

    def made(*args):
        return Page(ask(*args, body=Page(ask(*args)).posted().encode()))

    def file(*args):
        found = made(*args).file
        return found and os.path.relpath(found, h.home)
    want = "gatepost/gatepost.conf"
    same(file("public_html/gatepost/gatepost.cgi", "public_html",
              "/gatepost/"), want, "in a sub-folder")
    same(file("public_html/gatepost.cgi", "public_html", "/"), want,
         "in the web root")
    same(file("public_html/a/b/c/x.cgi", "public_html", "/a/b/c/"), want,
         "deep down")
    same(file("public_html/shop.example/gatepost/x.cgi",
              "public_html/shop.example", "/gatepost/"), want,
         "in a domain inside another's web root")
    same(file("cgi-bin/x.cgi", "public_html", "/cgi-bin/"), want,
         "in a folder of programs")
    same(file("www/gatepost/x.cgi", "www", "/gatepost/"), want,
         "in a web root of another name")
    page = made("public_html/gatepost/gatepost.cgi", "public_html",
                "/gatepost/")
    same(page.hook, "https://example.org/gatepost/hooks/gumroad",
         "the address over https")
    named = [("GATEPOST_CONFIG", str(h.home / "public_html/x.conf"))]
    a = ask("public_html/gatepost/gatepost.cgi", "public_html", "/gatepost/",
            named)
    ok(a.status == 503 and not Page(a).secrets,
       "no configuration is offered for the web folder", a)
    # and there it is found
    conf = h.save(page)
    for program in ("public_html/gatepost/gatepost.cgi",
                    "public_html/a/b/c/x.cgi"):
        a = ask(program, "public_html", "/", [("PATH_INFO", "/healthz")])
        same((a.status, a.body), (200, b"ok"), program + " finds it")
    conf.write_text(page.text.replace("'gatepost.db'", "'../www/x.db'"))
    a = ask("www/gatepost/x.cgi", "www", "/", [("PATH_INFO", "/healthz")])
    same(a.status, 503, "a database in a web root of another name: 503")


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/vfs.h>

static int
is(const char *what)
{
	const char *fake = getenv("FAKE");
	return fake != NULL && strcmp(fake, what) == 0;
}

int
statfs(const char *path, struct statfs *fs)
{
	int (*real)(const char *, struct statfs *) =
	    dlsym(RTLD_NEXT, "statfs");
	int rc = real(path, fs);
	if (rc == 0 && is("nfs"))
		fs->f_type = 0x6969;
	return rc;
}

#define MMAP(name, off) \
void *name(void *at, size_t n, int prot, int flags, int fd, off offset) \
{ \
	void *(*real)(void *, size_t, int, int, int, off) = \
	    dlsym(RTLD_NEXT, #name); \
	if ((flags & MAP_SHARED) != 0 && (prot & PROT_WRITE) != 0 && \
	    fd >= 0 && is("noshm")) { \
		errno = ENODEV; \
		return MAP_FAILED; \
	} \
	return real(at, n, prot, flags, fd, offset); \
}
MMAP(mmap, off_t)
MMAP(mmap64, off64_t)
"""


def journal():
    """A database where there is no shared memory."""
    where = folder()
    (where / "shim.c").write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", where / "shim.so",
                    where / "shim.c", "-ldl"], check=True)
    for fake, made, title in (("nfs", False, "a network file system"),
                              ("noshm", False, "no shared memory"),
                              ("nfs", True, "a network file system, WAL"),
                              ("noshm", True, "no shared memory, WAL")):
        p = Place(init=made)
        more = [("LD_PRELOAD", str(where / "shim.so")), ("FAKE", fake)]
        hook = "/hooks/gumroad/" + p.tokens[0]
        if made:
            same(p.db.read_bytes()[18], 2, title + ": WAL from elsewhere")
        a = p.cgi("POST", hook, sale(1), FORM, more=more)
        same((a.status, a.word()), (200, "recorded"), title + ": recorded")
        same(p.db.read_bytes()[18], 1, title + ": no WAL")
        a = p.cgi("GET", "/v1/access?user=u1", headers=p.bearer(), more=more)
        same(a.json().get("tier"), "supporter", title + ": a lookup")
        children = [p.cgi_start("POST", hook, sale(i), FORM, more=more)
                    for i in range(2, 10)]
        words = [parse_cgi(c.communicate(sale(i), LIMIT)[0]).word()
                 for i, c in enumerate(children, 2)]
        same(words, ["recorded"] * 8, title + ": 8 at once")
        same((p.events(), p.is_sound()), (9, True), title + ": all stored")
    crash(p, more)


def crash(p, more):
    """What stands in a rollback journal is undone by the next lookup."""
    db = sqlite3.connect(p.db, isolation_level=None)
    db.execute("PRAGMA cache_size = 2")
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE purchases SET tier = 'stolen'")
    db.executemany("INSERT INTO meta VALUES (?, ?)",
                   [("x%d" % i, "x" * 3000) for i in range(200)])
    files = [p.db, Path(str(p.db) + "-journal")]
    copies = [f.read_bytes() for f in files]
    db.execute("ROLLBACK")
    db.close()
    ok(b"stolen" in copies[0], "half a transaction is in the file")
    for f, data in zip(files, copies):
        f.write_bytes(data)
    a = p.cgi("GET", "/v1/access?user=u1", headers=p.bearer(), more=more)
    same((a.status, a.json().get("tier")), (200, "supporter"),
         "after a crash a lookup puts it right")
    same(p.events(), 9, "and nothing is lost")


def queue():
    """Somebody's turn does not end."""
    p = Place()
    hook = "/hooks/gumroad/" + p.tokens[0]
    with open(str(p.db) + "-turn", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        a = p.cgi("POST", hook, sale(1), FORM)
        same((a.status, a.word()), (503, "unavailable"), "no turn: 503")
        ok(a.headers.get("retry-after") and a.seconds < 4,
           "in time, and to come again", a)
        a = p.cgi("GET", "/v1/access?user=u1", headers=p.bearer())
        same(a.status, 200, "a lookup waits for nobody")
    same(p.cgi("POST", hook, sale(1), FORM).word(), "recorded", "then it is")


def by_hand():
    """-t warns of what plain CGI refuses."""
    p = Place()
    web = p.dir / "public_html"
    web.mkdir()
    done = subprocess.run([STATIC / "gatepost.cgi", "-c", p.conf, "-t"],
                          capture_output=True, text=True)
    same((done.returncode, done.stderr), (0, ""), "-t: good")
    p.configure(database="public_html/x.db")
    program = shutil.copy2(STATIC / "gatepost.cgi", web)
    done = subprocess.run([program, "-c", p.conf, "-t"],
                          capture_output=True, text=True)
    ok("web server serves" in done.stderr, "-t warns of the web folder", done)


def told():
    """Follow-ups by the host's own curl(1): as with the library, and nothing
    of them on a command line."""
    if shutil.which("curl") is None:
        skip("curl(1)", "there is none here")
        return
    lib.CTL_PROGRAM = t_outbox.CTL_PROGRAM = STATIC / "gatepost"
    r, lines = t_outbox.Receiver(), []

    def peek():
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"curl"):
                lines.append(b" ".join(words).decode())
        return (200, {})
    r.answers["/app?key=k1"] = peek
    p = t_outbox.place("on 'purchase' { %s }" % t_outbox.app(r, "/app?key=k1"))
    t_outbox.deliver(p, sale(1))
    t_outbox.work(p)
    got = r.at("/app?key=k1")
    ok(len(got) == 1 and t_outbox.fits(got[0], t_outbox.SECRET) and
       t_outbox.fits(got[0], t_outbox.OLD), "signed by both secrets", got)
    ok(lines and not any(word in line for line in lines for word in
                         ("k1", "webhook-", "calvin", t_outbox.SECRET)),
       "its options come by a pipe", lines)
    for test in (t_outbox.answers, t_outbox.hostile, t_outbox.inside,
                 t_outbox.killed):
        test()


if SLOW:
    skip("shared hosting", "the static programs are built without sanitizers")
    main()
else:
    main(hosting, places, journal, queue, by_hand, told)
