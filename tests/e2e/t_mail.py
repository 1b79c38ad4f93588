#!/usr/bin/env python3
"""What goes out by a mailer, by a program, and to an old handler; and the
recipes of the manual."""

import sys
sys.dont_write_bytecode = True
import email
import email.policy
import http.server
import json
import os
import re
import shutil
import signal
import socketserver
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import parse_qsl, quote

from lib import (CTL_PROGRAM, FCGI_PROGRAM, FIXTURES, FORM, LIMIT, TOP, Place,
                 _cleanups, fixture, free_port, gank_headers, main, ok, sale,
                 same, skip, stop, until)

PAGE = TOP / "src/action/gatepost-recipes.7"
# strict: what is no well-formed mail is an exception
STRICT = email.policy.default.clone(raise_on_defect=True)

# an ended line in a name would begin a header, a dot alone end the mail
HOSTILE = ("Pencil\r\nBcc: x@example.net\r\n\r\n.\r\nFrom \u202e\u05d0 "
           "\"quoted\" <b>&amp;</b> @everyone -f ' \\ \U0001f600 {email} "
           "$(id) `id` ")

RECORD = r"""#!/usr/bin/env python3
import json, os, sys
here = os.path.dirname(os.path.abspath(__file__))
fds = sorted(os.readlink("/proc/self/fd/%s" % n) if int(n) > 2 else int(n)
             for n in os.listdir("/proc/self/fd")
             if int(n) < 3 or os.path.exists("/proc/self/fd/%s" % n))
found = {"argv": sys.argv[1:], "env": dict(os.environ), "fds": fds,
         "cwd": os.getcwd(), "sid": os.getsid(0) == os.getpid(),
         "in": sys.stdin.read()}
name = here + "/exec.%s.json" % os.environ["GATEPOST_ID"]
with open(name + ".part", "w") as f:
    json.dump(found, f)
os.rename(name + ".part", name)
"""


# ---- other ends --------------------------------------------------------------

def sink(p):
    """A mailer that stores, in the place's folder."""
    to = p.dir / "sendmail"
    shutil.copy(FIXTURES / "mail/sendmail", to)
    return to


def mails(p):
    """Each mail with the arguments it came with, by its recipient."""
    found = {}
    for path in sorted((p.dir / "mails").glob("*.eml")):
        args = path.with_suffix(".args").read_text().splitlines()
        found.setdefault(args[-1], []).append((args, path.read_bytes()))
    return found


def replaced(body, *pairs):
    """The body with values of its keys replaced."""
    for key, value in pairs:
        body, n = re.subn(b"(^|&)%s=[^&]*" % re.escape(key.encode()),
                          lambda m: m[1] + ("%s=%s" % (
                              key, quote(value, safe=""))).encode(), body)
        if n != 1:
            raise RuntimeError("%s stands %d times" % (key, n))
    return body


class Receiver:
    """Keeps what it is sent; answers is what it answers, the last one for
    good: a status, or a status and headers."""

    def __init__(self, *answers):
        self.got = []
        self.answers = list(answers) or [200]
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                n = int(self.headers.get("Content-Length", 0))
                outer.got.append((self.path, dict(self.headers),
                                  self.rfile.read(n)))
                answer = outer.answers[0]
                if len(outer.answers) > 1:
                    outer.answers.pop(0)
                status, more = (answer if isinstance(answer, tuple)
                                else (answer, {}))
                self.send_response(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        _cleanups.append(self.close)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def place(more, **options):
    p = Place(**options)
    p.configure(more=more)
    return p


def deliver(p, body, want="recorded"):
    a = p.direct("POST", "/hooks/gumroad/" + p.tokens[0], body, FORM)
    same((a.status, a.word()), (200, want), "a delivery: " + want)


def rows(p):
    return p.rows("SELECT kind, target, state, attempts, last_error "
                  "FROM outbox ORDER BY id")


def settled(p, n):
    """Until n rows are there and none is at work."""
    until(lambda: len(rows(p)) >= n and all(
        r[2] not in ("waiting", "running") or r[3] > 0 and r[2] != "running"
        for r in rows(p)), "the outbox: %r" % rows(p))
    return rows(p)


# ---- mail --------------------------------------------------------------------

def body_of(mail, kind):
    return mail.get_body((kind,)).get_content().replace("\r\n", "\n")


def check_mail(args, raw, to):
    same(args, ["-i", "-f", "shop@example.org", "--", to],
         "one recipient, after --")
    mail = email.message_from_bytes(raw, policy=STRICT)
    lines = raw.split(b"\n")
    ok(max(map(len, lines)) <= 78 and b"\r" not in raw and raw.isascii(),
       "lines are short, and ASCII")
    ok(not any(line == b"." or line.startswith((b"From ", b"Bcc"))
               for line in lines), "none of them is more than text")
    same(sorted(k.lower() for k in mail.keys()),
         ["auto-submitted", "content-type", "date", "from", "message-id",
          "mime-version", "reply-to", "subject", "to"], "the headers")
    same((str(mail["From"]), str(mail["To"])),
         ("Shöp <shop@example.org>", to), "from whom, and to whom")
    ok(re.fullmatch(r"<[a-z0-9_]+@example\.org>", mail["Message-ID"]),
       "an id of its own", mail["Message-ID"])
    return mail


def test_mail():
    """A hostile sale, a mail to the buyer, one to the owner, a program."""
    p = Place(init=False)
    (p.dir / "account").write_text(RECORD)
    (p.dir / "account").chmod(0o755)
    p.configure(more="""
mail { from = 'Shöp <shop@example.org>'
       sendmail = '%s'
       templates = '%s' }
alert_mail = 'me@example.org'
on 'purchase' {
    test = true
    mail 'welcome' { template = 'welcome' }
    mail 'me' { to = 'me@example.org' }
    exec 'account' { argv = { 'account', '--for', '$USER; id' } }
}
""" % (sink(p), FIXTURES / "mail"))
    same(p.cli("migrate").returncode, 0, "migrate")
    p.run()
    title = (HOSTILE * 8)[:1000]
    deliver(p, replaced(sale(1), ("email", "buyer+1@example.com"),
                        ("product_name", title)))
    settled(p, 3)
    found = mails(p)
    clean = re.sub(r"[\r\n]", " ", title)
    args, raw = found["buyer+1@example.com"][0]
    mail = check_mail(args, raw, "buyer+1@example.com")
    ok(str(mail["Subject"]).startswith("Welcome to " + clean[:100]),
       "the subject", mail["Subject"])
    text, html = body_of(mail, "plain"), body_of(mail, "html")
    ok("you have bought %s (" % clean in text, "the text", text)
    ok("\n.\nFrom now" in text, "a dot of its own stays", text)
    ok("<b>&amp;" not in html and "&#60;b&#62;&#38;amp;" in html,
       "the HTML is escaped", html)
    check_program(p, title)
    # no address, or none a mailer should see
    for n, address in enumerate(("-oQ@example.com", "a b@example.com",
                                 "x@example.com,y@example.com",
                                 "|id@example.com", "\"x\"@example.com",
                                 "x@example.com\r\nBcc: y@example.com")):
        deliver(p, replaced(sale(2 + n), ("email", address)))
    done = settled(p, 3 * 7)
    same(set(mails(p)), {"buyer+1@example.com", "me@example.org"},
         "no mail to an address that is none")
    same({r[2] for r in done if r[1] == "welcome"}, {"done", "dead"},
         "and that is told")
    owner = [email.message_from_bytes(raw, policy=STRICT)
             for _, raw in mails(p)["me@example.org"]]
    ok(any("email: buyer+1@example.com" in m.get_content() for m in owner),
       "the owner is told all")
    deliver(p, sale(20, b"&odd=1&odd=2"), "kept")
    alert = until(lambda: [raw for _, raw in mails(p)["me@example.org"]
                           if b"kept" in raw], "the alert")
    alert = email.message_from_bytes(alert[0], policy=STRICT)
    ok(str(alert["Subject"]).startswith("gatepost: ") and
       "gatepost event" in alert.get_content(), "an alert about what was kept",
       (alert["Subject"], alert.get_content()))
    n = len(settled(p, 3 * 7 + 1))
    a = p.direct("POST", "/hooks/gumroad/" + p.tokens[0], replaced(
        sale(1), ("email", "buyer+1@example.com"), ("product_name", title)),
        FORM)
    same((a.word(), len(rows(p))), ("duplicate", n), "nothing for a repeat")
    p.check_logs("buyer+1@example.com")


def check_program(p, title):
    path = until(lambda: list(p.dir.glob("exec.*.json")), "the program")[0]
    found = json.loads(path.read_text())
    facts = json.loads(found["in"])
    env = found["env"]
    same(found["argv"], ["--for", "$USER; id"], "its words as they are")
    same((found["fds"], found["cwd"], found["sid"]), ([0, 1, 2], "/", True),
         "nothing open, its own session")
    same(facts["type"], "purchase", "facts on its input")
    ok(facts["data"]["purchase"]["product_name"] == title,
       "the title as it came")
    same({k for k in env if not k.startswith("GATEPOST_")} -
         {"PATH", "LANG", "LC_CTYPE"}, set(), "no other environment")
    same((env["GATEPOST_TYPE"], env["GATEPOST_EMAIL"],
          env["GATEPOST_PRODUCT_NAME"]),
         ("purchase", "buyer+1@example.com", re.sub(r"[\r\n]", " ", title)),
         "facts in its environment")


def test_again():
    """What fails first and works then: the same id, once in the end."""
    receiver = Receiver((429, {"Retry-After": "1"}), 200)
    p = Place(init=False)
    p.configure(more="""
mail { from = 'shop@example.org'
       sendmail = '%s' }
on 'purchase' {
    test = true
    mail 'me' { to = 'me@example.org' }
}
on 'delivery' {
    test = true
    forward 'other' { url = 'http://127.0.0.1:%d/ping?key=k%%20ey' }
}
""" % (sink(p), receiver.port))
    (p.dir / "then").write_text("echo 'no route to me@example.org' >&2\n"
                                "exit 75\n")
    same(p.cli("migrate").returncode, 0, "migrate")
    p.run()
    ping = sale(1, b"&odd=%00%ff+x&odd=2")
    deliver(p, ping, "kept")
    deliver(p, sale(2))
    row = until(lambda: [r for r in rows(p) if r[0] == "mail" and
                         r[2] == "waiting" and r[4]],
                "the first attempt")[0]
    same(row[4], "sendmail: exit 75: no route to (hidden)", "what it said")
    (p.dir / "then").unlink()
    until(lambda: {r[2] for r in rows(p)} == {"done"}, "the second")
    same([(path, h["Content-Type"], sent) for path, h, sent in receiver.got
          if sent == ping][0],
         ("/ping?key=k%20ey", FORM["Content-Type"], ping),
         "the same bytes to the address as it is configured")
    same([len(receiver.got), len({h["webhook-id"]
                                  for _, h, _ in receiver.got})], [3, 2],
         "429 is tried again, with the same id")
    p.check_logs("k%20ey")
    ok("k%20ey" not in str([r[4] for r in rows(p)]), "nor has the outbox")
    ids = {email.message_from_bytes(raw, policy=STRICT)["Message-ID"]
           for _, raw in mails(p)["me@example.org"]}
    same((len(mails(p)["me@example.org"]), len(ids)), (2, 1),
         "tried twice, the same id")


class Smtp:
    """A server that stores; it knows no "nobody", and "later" comes later."""

    def __init__(self, port=0):
        self.got = []  # (from, to, the mail)
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, text):
                self.wfile.write(text + b"\r\n")

            def lines(self):
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    yield line[1:] if line.startswith(b".") else line

            def handle(self):
                sender, to = None, []
                self.say(b"220 ready")
                for line in self.rfile:
                    word, _, rest = line.strip().partition(b":")
                    word = word.upper()
                    if word == b"MAIL FROM":
                        sender = rest.decode()
                    elif word == b"RCPT TO" and b"nobody" in rest:
                        self.say(b"550 5.1.1 " + rest + b" is unknown")
                        continue
                    elif word == b"RCPT TO" and b"later" in rest:
                        self.say(b"450 4.2.0 " + rest + b" is busy")
                        continue
                    elif word == b"RCPT TO" and b"relay" in rest:
                        self.say(b"550 no relay for " + rest)
                        continue
                    elif word == b"RCPT TO":
                        to.append(rest.decode())
                    elif word == b"DATA":
                        self.say(b"354 go on")
                        outer.got.append((sender, to, b"".join(self.lines())))
                    self.say(b"250 fine")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True
            block_on_close = False

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()
        _cleanups.append(self.close)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def send(p, n, to):
    """A sale, and what became of its mail: state, attempts, last answer."""
    body = replaced(sale(n), ("email", to), ("product_name", HOSTILE))
    a = p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], body, FORM)
    same(a.word(), "recorded", "a delivery")
    p.cli("work", "--once")
    return rows(p)[-1][2:]


def goes(p, port):
    """The first mail waits; once there is a server, it comes whole."""
    server = Smtp(port)
    p.execute("UPDATE outbox SET due_at = 1")
    p.cli("work", "--once")
    same((rows(p)[0][2:4], len(server.got)), (("done", 2), 1), "then it goes")
    sender, to, raw = server.got[0]
    same((sender, to), ("<shop@example.org>", ["<buyer@example.com>"]),
         "the envelope")
    ok(raw.count(b"\n") == raw.count(b"\r\n"), "lines as SMTP has them")
    mail = check_mail(["-i", "-f", "shop@example.org", "--",
                       "buyer@example.com"], raw.replace(b"\r\n", b"\n"),
                      "buyer@example.com")
    ok("\n.\nFrom now" in body_of(mail, "plain") and
       "&#60;b&#62;&#38;amp;" in body_of(mail, "html"), "both parts, whole",
       raw)
    return server


def test_msmtp():
    """Through a mailer as people have it, which sends by SMTP."""
    msmtp = shutil.which("msmtp")
    if not msmtp:
        skip("mails by msmtp", "it is not installed")
        return
    port = free_port()
    p = Place(init=False)
    (p.dir / "msmtprc").write_text(
        "defaults\nauth off\ntls off\naccount provider\nhost 127.0.0.1\n"
        "port %d\nfrom shop@example.org\naccount default : provider\n" % port)
    (p.dir / "mailer").write_text("#!/bin/sh\nexec %s -C %s/msmtprc \"$@\"\n" %
                                  (msmtp, p.dir))
    (p.dir / "mailer").chmod(0o755)
    p.configure(more="""
mail { from = 'Shöp <shop@example.org>'
       sendmail = '%s'
       templates = '%s' }
on 'purchase' { test = true mail 'welcome' { template = 'welcome' } }
""" % (p.dir / "mailer", FIXTURES / "mail"))
    same(p.cli("migrate").returncode, 0, "migrate")
    state, attempts, said = send(p, 1, "buyer@example.com")
    same((state, attempts), ("waiting", 1), "no server: again")
    ok("Connection refused" in said, "which is told", said)
    server = goes(p, port)
    state, attempts, said = send(p, 2, "later@example.com")
    same((state, attempts), ("waiting", 1), "450: again")
    ok("exit 69" in said and "later" not in said, "and why", said)
    state, attempts, said = send(p, 3, "nobody@example.com")
    same((state, attempts), ("dead", 1), "550: never")
    ok("exit 65" in said and "nobody" not in said, "and why", said)
    same(len(server.got), 1, "no other mail went")


def test_smtp():
    """By SMTP, without a program."""
    port = free_port()
    p = Place(init=False)
    p.configure(more="""
mail { from = 'Shöp <shop@example.org>'
       sendmail = 'smtp://127.0.0.1:%d'
       templates = '%s' }
on 'purchase' { test = true mail 'welcome' { template = 'welcome' } }
""" % (port, FIXTURES / "mail"))
    same(p.cli("migrate").returncode, 0, "migrate")
    done = p.cli("check")
    ok(done.returncode == 1 and b"PROBLEM  mails wait: smtp://" in done.stdout,
       "check: nobody there", done.stdout.decode())
    state, attempts, said = send(p, 1, "buyer@example.com")
    same((state, attempts), ("waiting", 1), "no server: again")
    ok("127.0.0.1" in said and "buyer" not in said, "which is told", said)
    server = goes(p, port)
    for n, to, want, code in ((2, "later@example.com", "waiting", "450 4.2.0"),
                              (3, "nobody@example.com", "dead", "550 5.1.1"),
                              (4, "relay@example.com", "waiting", "550 no")):
        state, attempts, said = send(p, n, to)
        same((state, attempts), (want, 1), code + ": " + want)
        ok(code in said and "@example.com" not in said, "and why", said)
    same(len(server.got), 1, "no other mail went")
    p.execute("DELETE FROM outbox")
    done = p.cli("check")
    ok(b"ok       mail by SMTP, smtp://127.0.0.1" in done.stdout,
       "check: somebody is there", done.stdout.decode())
    p.check_logs("buyer@example.com", "nobody@example.com")


def port_25(conf):
    """In a network of its own: an SMTP server, and the outbox by a process
    that may gain no rights, as the systemd unit makes them."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    server = Smtp(25)
    subprocess.run(["setpriv", "--no-new-privs", CTL_PROGRAM, "-c", conf,
                    "work", "--once"], check=True, timeout=LIMIT,
                   stdout=subprocess.DEVNULL)
    server.close()
    print(json.dumps([[sender, to] for sender, to, _ in server.got]))


def test_rights():
    """A mailer whose rights cannot be had is asked by SMTP."""
    if os.getuid() != 0 or not shutil.which("setpriv"):
        skip("no new privileges", "needs root and setpriv")
        return
    p = Place(init=False)
    p.configure(more="""
mail { from = 'shop@example.org'
       sendmail = '%s' }
on 'purchase' { test = true mail 'me' { to = 'me@example.org' } }
""" % sink(p))
    same(p.cli("migrate").returncode, 0, "migrate")

    def by_smtp(n):
        p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(n), FORM)
        done = subprocess.run(
            ["unshare", "-n", sys.executable, __file__, "--port-25", p.conf],
            capture_output=True, timeout=LIMIT)
        same((done.stderr, rows(p)[-1][2]), (b"", "done"), "it goes")
        return json.loads(done.stdout)

    def by_program():
        return len(mails(p).get("me@example.org", []))
    same((by_smtp(1), by_program()), ([], 1), "one that needs none is run")
    (p.dir / "sendmail").chmod(0o4755)
    mail = [["<shop@example.org>", ["<me@example.org>"]]]
    same((by_smtp(2), by_program()), (mail, 1), "set-user-id: SMTP")
    (p.dir / "sendmail").chmod(0o755)
    (p.dir / "postdrop").write_text("")
    (p.dir / "postdrop").chmod(0o2755)
    same((by_smtp(3), by_program()), (mail, 1), "Postfix: SMTP")
    p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(4), FORM)
    p.cli("work", "--once")
    same(by_program(), 2, "where it may gain them, it is run")


def children(pid):
    text = Path("/proc/%d/task/%d/children" % (pid, pid)).read_text()
    return [int(n) for n in text.split()]


def test_worker():
    """The web program is confined; what starts programs is another one."""
    p = Place(init=False)
    p.configure(more="""
mail { from = 'shop@example.org'
       sendmail = '%s' }
on 'purchase' {
    test = true
    mail 'me' { to = 'me@example.org' }
}
""" % sink(p))
    same(p.cli("migrate").returncode, 0, "migrate")
    program = p.run()
    until(lambda: "confined: no new privileges" in p.log_text(),
          "the confinement")
    keeper = until(lambda: children(program.pid), "the worker's keeper")
    worker = until(lambda: children(keeper[0]), "the worker")
    same((len(keeper), len(worker)), (1, 1), "one worker")
    # the kernel shows those of a confined program to root only
    if os.getuid() == 0:
        opened = os.listdir("/proc/%d/fd" % keeper[0])
        ok(set(opened) == {"0", "1", "2"}, "it holds no socket", opened)
    os.kill(worker[0], signal.SIGKILL)
    again = until(lambda: [n for n in children(keeper[0]) if n != worker[0]],
                  "the next worker")
    deliver(p, sale(1))
    until(lambda: rows(p) and rows(p)[0][2] == "done", "the mail")
    program.kill()
    program.wait()
    until(lambda: not any(os.path.exists("/proc/%d" % n)
                          for n in keeper + again), "none is left")
    ok(True, "both end with the web program")
    program = p.run()
    keeper = until(lambda: children(program.pid), "the worker's keeper")
    begun = time.monotonic()
    same(stop(program), 0, "it ends when asked to")
    ok(time.monotonic() - begun < 5 and
       not os.path.exists("/proc/%d" % keeper[0]), "in time, with its worker")


# ---- forward -----------------------------------------------------------------

def test_forward():
    """In front of a second gatepost, which checks what it is sent."""
    old = Place()
    old.run()
    old.nginx()
    p = place("""
on 'delivery' {
    platform = 'gank'
    test = true
    forward 'old-gank' { url = 'http://127.0.0.1:%d/hooks/gank'
                         secret = '%s' }
}
on 'delivery' {
    platform = 'gumroad'
    test = true
    forward 'old-gumroad' { url = 'http://127.0.0.1:%d/hooks/gumroad/%s' }
}
""" % (old.port, old.secrets[1], old.port, old.tokens[0]))
    p.run()
    body = fixture("gank/um-documented")
    a = p.direct("POST", "/hooks/gank", body,
                 gank_headers(body, p.secrets[0]))
    same(a.status, 200, "Gank's delivery")
    deliver(p, sale(1))
    until(lambda: old.events() == 2, "both at the old handler: %r" % rows(p))
    for platform in ("gank", "gumroad"):
        sql = ("SELECT body, content_type FROM events WHERE platform = '%s'"
               % platform)
        same(old.rows(sql), p.rows(sql), platform + ": the same bytes")
    until(lambda: {r[2] for r in rows(p)} == {"done"}, "all done")
    a = p.direct("POST", "/hooks/gank", body, gank_headers(
        body, p.secrets[0]))
    same((a.word(), len(rows(p))), ("duplicate", 2), "a repeat is not sent")
    p.check_logs(old.tokens[0], old.secrets[1])


def test_gone():
    receiver = Receiver(410)
    p = place("""
on 'delivery' {
    test = true
    forward 'old' { url = 'http://127.0.0.1:%d/' }
}
""" % receiver.port)
    p.run()
    deliver(p, sale(1))
    until(lambda: rows(p) and rows(p)[0][3] == 1, "410")
    ok(rows(p)[0][2] != "done", "410 is not success", rows(p))


# ---- the recipes ---------------------------------------------------------------

def recipes():
    """The blocks of the page that are settings, and those that are mails."""
    text = PAGE.read_text()
    blocks = re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", text, re.M)
    blocks = [b.replace("\\e", "\\").replace("\\&", "") for b in blocks]
    settings = [b for b in blocks
                if re.match(r"(on|mail|tier|alert_mail)\b", b)]
    return settings, [b for b in blocks if b.startswith("Subject:")]


def test_recipes():
    settings, texts = recipes()
    ok(len(settings) >= 12 and len(texts) == 2, "the page has recipes",
       (len(settings), len(texts)))
    p = Place()
    (p.dir / "mails").mkdir()
    (p.dir / "giveaways/pencil").mkdir(parents=True)
    (p.dir / "members/guide").mkdir(parents=True)
    for name in ("welcome", "soon", "ended", "giveaway"):
        (p.dir / "mails" / (name + ".txt")).write_text(texts[0])
    # tests/e2e/t_shows.py takes it from end to end
    (p.dir / "mails/guide.txt").write_text(texts[1])
    for block in settings:
        p.configure(more="", tiers=block)
        done = subprocess.run([FCGI_PROGRAM, "-c", p.conf, "-t"],
                              capture_output=True, timeout=LIMIT)
        # which are not on this host
        said = re.sub(r".*: (sendmail|argv|download): .*: No such file or "
                      r"directory\n", "", done.stderr.decode())
        same((done.returncode, said), (0, ""),
             "recipe: " + " ".join(block.split())[:60])
    # those that go to a web address, against one of ours
    receiver = Receiver(200)
    p.configure(tiers="".join(
        re.sub(r"https://[^/']*", "http://127.0.0.1:%d" % receiver.port,
               b).replace("on 'purchase'", "on 'purchase' ")
        .replace("{\n    http", "{\n    test = true\n    http")
        for b in settings if "    http '" in b and "mail {" not in b))
    p.run()
    deliver(p, replaced(sale(1), ("product_name",
                                  "A \"pen\" @everyone <@1> & \\ \n x")))
    until(lambda: len(receiver.got) >= 6, "all recipes: %r" % rows(p))
    for path, headers, body in receiver.got:
        if headers["Content-Type"].startswith("application/json"):
            said = json.dumps(json.loads(body), ensure_ascii=False)
        else:
            said = str(parse_qsl(body.decode(), strict_parsing=True))
        ok("pen" in said and ("@everyone" not in said or
                              "webhook-signature" in str(headers).lower()),
           "%s: nobody is called" % path, said)


def test_template():
    """A template that is not there, or has a slip, holds up its own mails
    and nothing else: neither sales nor any command."""
    p = Place()
    text = p.dir / "mails/x.txt"
    text.parent.mkdir()
    p.configure(more="""mail {
    from = 'a@example.org'
    sendmail = '%s'
    templates = 'mails'
}
on 'purchase' {
    mail 'x' { template = 'x' }
    mail 'me' { to = 'me@example.org' }
}""" % sink(p))
    for n, (slip, why) in enumerate((
            (None, "No such file"),
            ("Subject: x\n\nDear {nmae}\n", "x.txt:3: {nmae}"),
            ("Subject: x\n\n{download}\n", "add download"))):
        if slip is not None:
            text.write_text(slip)
        done = subprocess.run([FCGI_PROGRAM, "-c", p.conf, "-t"],
                              capture_output=True, timeout=LIMIT)
        ok(done.returncode == 0 and why in done.stderr.decode(),
           "-t warns: " + why, done)
        p.run()
        deliver(p, sale(n))
        until(lambda: [r[3] for r in rows(p)[-2:]] == [1, 1], "both tried")
        stop(p.program)
        until(lambda: not any(r[2] == "running" for r in rows(p)), "marks")
        found = {r[1]: r for r in rows(p)[-2:]}
        ok(found["x"][2] == "waiting" and why in found["x"][4],
           "its mail waits", found)
        same(found["me"][2], "done", "the other goes out")
        for args in (("access", "--user", "u%d" % n), ("outbox",)):
            same(p.cli(*args).returncode, 0, "gatepost %s" % args[0])
        done = p.cli("check")
        ok(done.returncode == 1 and any(
            line.startswith("PROBLEM") and why in line
            for line in done.stdout.decode().splitlines()),
           "check says PROBLEM", done)
    text.write_text("Subject: x\n\nDear {email}\n")
    p.execute("UPDATE outbox SET due_at = 1 WHERE state = 'waiting'")
    same(p.cli("work", "--once").returncode, 0, "mended")
    same({r[2] for r in rows(p)}, {"done"}, "they go out")


def test_check():
    """What is not there is noted; what failed or was given up is a problem."""
    p = Place()
    (p.dir / "g").mkdir()
    (p.dir / "x.txt").write_text("Subject: x\n\n{download}\n")
    p.configure(more="""mail {
    from = 'a@example.org'
    sendmail = 'SENDMAIL'
    templates = '.'
}
files '/g' { root = 'g' tier = 'supporter' }
on 'purchase' {
    mail 'x' { template = 'x' download = '/g/none.pdf' }
    exec 'run' { argv = { 'none' } }
}""".replace("SENDMAIL", str(p.dir / "mailer")))
    same(p.cli("migrate").returncode, 0, "migrate")

    def said():
        done = p.cli("check")
        return done.returncode, done.stdout.decode().splitlines()

    def has(lines, word, *parts):
        return any(line.startswith(word) and all(w in line for w in parts)
                   for line in lines)
    code, lines = said()
    ok(code == 0 and all(has(lines, "note", what, "No such file") for what in (
        "sendmail: %s/mailer" % p.dir, "argv: %s/none" % p.dir,
        "download: %s/g/none.pdf" % p.dir)), "all three are noted", lines)
    (p.dir / "mailer").write_text("#!/bin/sh\n")
    code, lines = said()
    ok(has(lines, "note", "mailer", "not a program"), "nor runs it", lines)
    p.cgi("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
    same(said()[0], 0, "what was not tried yet is no problem")
    same(p.cli("work", "--once").returncode, 0, "work")
    code, lines = said()
    ok(code == 1 and has(lines, "PROBLEM", "1 follow-up of mail x",
                         "tried again"), "what failed is", lines)
    p.execute("UPDATE outbox SET state = 'dead' WHERE kind = 'exec'")
    p.execute("DELETE FROM outbox WHERE kind = 'mail'")
    code, lines = said()
    ok(code == 1 and has(lines, "PROBLEM", "given up: 1 follow-up of exec run",
                         "outbox drop"), "what was given up is", lines)
    same(p.cli("outbox", "drop", p.one("SELECT id FROM outbox")).returncode, 0,
         "dropped")
    same(said()[0], 0, "and no problem any more")


def test_refused():
    """Slips that -t shows, with file and line."""
    p = Place()
    head = "mail { from = 'a@example.org'\n templates = 'mails' }\n"
    for text, why in (
            (head + "on 'purchase' { mail 'x' { template = '../x' } }",
             "template"),
            (head + "on 'purchase' { mail 'x' { to = '{email}' } }",
             "needs a template"),
            (head + "on 'purchase' { mail 'x' { to = 'a@b.co, c@d.co' } }",
             "to is"),
            ("mail { from = 'x <a@example.org>, b@example.org' }", "from is"),
            ("alert_mail = '-f@example.org'", "alert_mail is"),
            ("mail { sendmail = 'sendmail' }", "a whole path"),
            ("mail { sendmail = 'smtp://a:b@127.0.0.1' }", "no password"),
            ("on 'purchase' { exec 'x' { argv = { '/bin/x', '{email}' } } }",
             "no placeholders")):
        p.configure(tiers=text)
        done = subprocess.run([FCGI_PROGRAM, "-c", p.conf, "-t"],
                              capture_output=True, timeout=LIMIT)
        ok(done.returncode != 0 and why in done.stderr.decode(),
           "refused: " + why, done.stderr)


if sys.argv[1:2] == ["--port-25"]:
    port_25(sys.argv[2])
elif __name__ == "__main__":
    main(test_refused, test_template, test_check, test_recipes, test_mail,
         test_msmtp, test_smtp, test_rights, test_worker, test_again,
         test_forward, test_gone)
