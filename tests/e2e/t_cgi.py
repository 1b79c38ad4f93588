#!/usr/bin/env python3
"""The web program as plain CGI: one request, one process."""

import sys
sys.dont_write_bytecode = True
import shutil

from lib import (FCGI_PROGRAM, FORM, Place, _children, basic, fixture,
                 gank_headers, main, ok, parse_cgi, sale, same)


def requests():
    p = Place()
    hook, body = "/hooks/gumroad/" + p.tokens[0], sale(1)
    a = p.cgi("POST", hook, body, FORM)
    same((a.status, a.word(), a.exit), (200, "recorded", 0), "gumroad")
    first = a.event()
    a = p.cgi("POST", hook, body, FORM)
    same((a.word(), a.event()), ("duplicate", first), "again")
    gank = fixture("gank/um-documented")
    a = p.cgi("POST", "/hooks/gank", gank, gank_headers(gank, p.secrets[1]))
    same((a.status, a.word()), (200, "recorded"), "gank")
    a = p.cgi("POST", "/hooks/gank", gank, gank_headers(gank, "wrong"))
    same((a.status, a.word(), a.exit), (401, "signature", 0), "gank, forged")
    a = p.cgi("POST", "/hooks/gumroad/" + "0" * 48, body, FORM)
    same(a.status, 404, "gumroad, wrong token")
    a = p.cgi("GET", "/v1/access?user=u1", headers=p.bearer())
    same((a.status, a.json().get("tier")), (200, "supporter"), "access")
    a = p.cgi("GET", "/v1/access?user=u1")
    same(a.status, 401, "access without a key")
    renamed = [("REDIRECT_HTTP_AUTHORIZATION", p.bearer()["Authorization"])]
    a = p.cgi("GET", "/v1/access?user=u1", more=renamed)
    same((a.status, a.json().get("tier")), (200, "supporter"),
         "the key in REDIRECT_HTTP_AUTHORIZATION")
    renamed = [("REDIRECT_HTTP_AUTHORIZATION",
                basic(p.tokens[0])["Authorization"])]
    a = p.cgi("POST", "/hooks/gumroad", body, FORM, more=renamed)
    same(a.word(), "duplicate", "the token in it")
    same(p.cgi("GET", "/healthz").body, b"ok", "healthz")
    a = p.cgi("HEAD", "/healthz")
    same((a.status, a.body), (200, b""), "HEAD has no body")
    same(p.cgi("GET", hook).headers.get("allow"), "POST", "405 with Allow")
    same(p.cgi("POST", "/elsewhere", body, FORM).status, 404, "404")
    path = [("PATH_INFO", hook), ("SCRIPT_NAME", "/cgi-bin/gatepost.fcgi"),
            ("REQUEST_URI", "/cgi-bin/gatepost.fcgi" + hook)]
    a = p.cgi("POST", hook, body, FORM, more=path)
    same(a.word(), "duplicate", "below /cgi-bin/, by PATH_INFO")
    same(a.headers.get("x-content-type-options"), "nosniff", "nosniff")
    same(p.events(), 2, "two deliveries in all")
    p.check_logs()


def modes():
    """What everybody can write takes deliveries and tells nothing."""
    p = Place()
    hook = "/hooks/gumroad/" + p.tokens[0]
    same(p.cgi("POST", hook, sale(1), FORM).word(), "recorded", "a sale")
    token = p.cli("pass", "--user", "u1").stdout.decode().strip()
    mine = {"Cookie": "gatepost=" + token}

    def statuses():
        return [p.cgi(method, uri, body, headers).status
                for method, uri, body, headers in (
                    ("GET", "/v1/access?user=u1", b"", p.bearer()),
                    ("GET", "/healthz", b"", None),
                    ("GET", "/live", b"", mine),
                    ("GET", "/me", b"", mine),
                    ("POST", "/me/link", b"email=a@example.org", FORM),
                    ("GET", "/gate?tier=supporter", b"", mine))]
    good = [200, 200, 200, 200, 503, 204]
    same(statuses(), good, "modes as they should be")
    n = 1
    wal = p.dir / "gatepost.db-wal"
    for path in (p.db, wal, p.dir):
        if path == wal and not wal.exists():
            wal.touch(0o600)
        mode = path.stat().st_mode
        path.chmod(mode | 0o002)
        n += 1
        a = p.cgi("POST", hook, sale(n), FORM)
        same((a.status, a.word()), (200, "recorded"),
             "%s: a delivery is stored" % path.name)
        if path == wal and not wal.exists():
            wal.touch()
            wal.chmod(mode | 0o002)
        a = p.cgi("GET", "/v1/access?user=u1", headers=p.bearer())
        same((a.status, a.word(), a.headers.get("retry-after")),
             (503, "exposed", "60"), "nothing else")
        same(statuses(), [503] * 5 + [403], "whatever it is")
        wrong = "may write %s%s, of mode %04o" % (
            path, "/" if path == p.dir else "", mode & 0o7777 | 2)
        ok(wrong in p.log_text() and str(path) not in str(a.body),
           "the log says which mode, the answer does not", p.log_text())
        done = p.cli("check")
        ok("PROBLEM  everybody on this machine " + wrong in
           done.stdout.decode(), "and check does", done.stdout)
        path.chmod(mode)
        p.log.write_text("")
        same(statuses(), good, "mended")
    same(p.events(), n, "all of them are there")


def arguments():
    """Apache makes arguments of a query without '=' (RFC 3875, 4.4)."""
    p = Place()
    other = Place()
    for argv in (["-V"], ["-c", "/etc/passwd"], ["--listen", "127.0.0.1:1"],
                 ["-t"], ["--help"], ["-c", str(other.conf)], ["x"] * 100):
        uri = "/v1/access?" + "+".join(argv[:4])
        a = p.cgi("GET", uri, headers=p.bearer(), argv=argv)
        same((a.status, a.exit), (400, 0),
             "argv %s: not read" % " ".join(argv[:2]))
        ok(b"gatepost.fcgi 0" not in a.body and b"usage" not in a.body and
           b"passwd" not in a.body, "argv: nothing of it in the answer", a)
    a = p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM,
              argv=["-c", str(other.conf)])
    same(a.word(), "recorded", "argv names another config: its own is used")
    same((p.events(), other.events()), (1, 0), "and its own database")
    a = p.cgi("GET", "/healthz", more=[("HTTP_GATEPOST_CONFIG", "/x"),
                                       ("HTTP_PROXY", "http://x/")])
    same(a.status, 200, "a header is no configuration")


def configuration():
    p = Place()
    hook, body = "/hooks/gumroad/" + p.tokens[0], sale(1)
    good = p.conf.read_text()
    for name, text in (("a missing brace", good.rstrip().rstrip("}")),
                       ("an unknown key", good + "nonsense = 1\n"),
                       ("an empty secret", good.replace(p.tokens[0], "", 1)),
                       ("not text", "\x00\xff" * 50)):
        p.conf.write_text(text, encoding="latin-1")
        a = p.cgi("POST", hook, body, FORM)
        same((a.status, a.exit), (503, 0), name + ": 503")
        ok(int(a.headers.get("retry-after", 0)) > 0, "with Retry-After", a)
        ok(str(p.conf).encode() not in a.body, "the answer names no file", a)
        ok("%s:" % p.conf in p.log_text(), "the log does", p.log_text())
        same(p.cgi("GET", "/healthz").status, 503, name + ": healthz 503")
    p.conf.write_text(good)
    p.conf.chmod(0o644)
    same(p.cgi("POST", hook, body, FORM).status, 503,
         "readable by all, with secrets in it: 503")
    p.conf.chmod(0o600)
    same(p.cgi("POST", hook, body, FORM).word(), "recorded", "put right")
    # beside the web root: ../gatepost/gatepost.conf seen from the program
    web = p.dir / "web"
    web.mkdir()
    program = shutil.copy2(FCGI_PROGRAM, web / "gatepost.cgi")
    a = p.cgi("GET", "/healthz", program=program, config=False)
    same(a.status, 503, "no config anywhere: 503")
    (p.dir / "gatepost").mkdir()
    beside = p.dir / "gatepost/gatepost.conf"
    beside.write_text(good.replace("'gatepost.db'", "'../gatepost.db'"))
    beside.chmod(0o600)
    a = p.cgi("POST", hook, body, FORM, program=program, config=False)
    same(a.word(), "duplicate", "../gatepost/gatepost.conf is found")
    a = p.cgi("POST", hook, sale(2), FORM, program=program, config=False,
              argv=["-c", "/etc/passwd"])
    same(a.word(), "recorded", "and argv changes nothing")
    p.check_logs()


def brief():
    """The next process takes over what the last one left in the WAL."""
    p = Place()
    hook = "/hooks/gumroad/" + p.tokens[0]
    wal = p.db.with_name(p.db.name + "-wal")
    for n in range(40):
        a = p.cgi("POST", hook, sale(n), FORM)
        if a.word() != "recorded":
            ok(False, "a delivery", a)
    # 250 pages, and what one delivery adds
    ok(wal.exists() and 0 < wal.stat().st_size < 1400000,
       "the WAL stays, and begins anew at times", wal.exists() and wal.stat())
    a = p.cgi("GET", "/v1/access?user=u39", headers=p.bearer())
    same(a.json().get("tier"), "supporter", "read back")
    same((p.events(), p.is_sound()), (40, True), "all there")
    same(p.cli("work", "--once").returncode, 0, "work --once")
    # as somebody copies it who knows of one file only
    p.file = shutil.copy(p.db, p.dir / "copy.db")
    same((wal.exists(), p.events()), (False, 40),
         "it leaves all in the one file")


def together():
    """Twenty at once; SQLite's own waiting would starve some."""
    p = Place()
    hook, n = "/hooks/gumroad/" + p.tokens[0], 20
    children = [p.cgi_start("POST", hook, sale(i), FORM) for i in range(n)]
    answers = []
    for i, child in enumerate(children):
        child.stdin.write(sale(i))
        child.stdin.close()
    for child in children:
        answers.append(parse_cgi(child.stdout.read()))
        child.stdout.close()
        same(child.wait(), 0, "exit 0")
        _children.remove(child)
    # on a slow machine the time is over for some: they come again
    for i in [i for i, a in enumerate(answers) if a.status == 503]:
        answers[i] = p.cgi("POST", hook, sale(i), FORM)
    same([(a.status, a.word()) for a in answers], [(200, "recorded")] * n,
         "%d processes at once: all recorded" % n)
    same(len({a.event() for a in answers}), n, "each an event of its own")
    same(p.events(), n, "all in the database")
    ok(p.is_sound(), "which is sound")
    # the same delivery from all of them
    children = [p.cgi_start("POST", hook, sale(99), FORM) for _ in range(n)]
    for child in children:
        child.stdin.write(sale(99))
        child.stdin.close()
    words = []
    for child in children:
        words.append(parse_cgi(child.stdout.read()).word())
        child.stdout.close()
        child.wait()
        _children.remove(child)
    words = [p.cgi("POST", hook, sale(99), FORM).word()
             if w == "unavailable" else w for w in words]
    same(sorted(words), ["duplicate"] * (n - 1) + ["recorded"],
         "one delivery by %d processes: recorded once" % n)
    # beside a FastCGI program on the same database
    p.run()
    a = p.cgi("POST", hook, sale(200), FORM)
    b = p.direct("POST", hook, sale(200), FORM)
    same((a.word(), b.word(), a.event()), ("recorded", "duplicate",
                                           b.event()),
         "CGI and FastCGI on one database")
    p.check_logs()


main(requests, modes, arguments, configuration, brief, together)
