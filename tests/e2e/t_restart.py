#!/usr/bin/env python3
"""Restarts: while systemd holds the socket, nobody notices."""

import sys
sys.dont_write_bytecode = True
import http.client
import os
import shutil
import socket
import subprocess
import threading

from lib import (BUILD, FCGI_PROGRAM, FORM, LIMIT, SLOW, TOP, Place, main, ok,
                 sale, same, skip, stop, until)

RESTARTS = 5
SENDERS = 8

# What systemd does for a service with a socket (sd_listen_fds(3)).
GIVE = ("import os, sys; os.dup2(int(sys.argv[1]), 3); "
        "os.environ['LISTEN_PID'] = str(os.getpid()); "
        "os.environ['LISTEN_FDS'] = '1'; "
        "os.execv(sys.argv[2], sys.argv[2:])")


class Load:
    """Senders that post through nginx, each over a connection it keeps."""

    def __init__(self, place):
        self.place = place
        self.answers = []  # sale, status, word
        self.done = threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(i,))
                        for i in range(SENDERS)]
        for t in self.threads:
            t.start()

    def send(self, i):
        path = "/hooks/gumroad/" + self.place.tokens[0]
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.place.port, timeout=LIMIT)
        n = i * 1000000
        while not self.done.is_set():
            try:
                a = self.place.post(path, sale(n), FORM,
                                    connection=connection)
                self.answers.append((n, a.status, a.word()))
            except (OSError, http.client.HTTPException) as e:
                self.answers.append((n, type(e).__name__, str(e)))
            n += 1
        connection.close()

    def more(self):
        """Waits until some more have been answered."""
        enough = len(self.answers) + (20 if SLOW else 200)
        until(lambda: len(self.answers) >= enough, "answers")

    def end(self):
        self.done.set()
        for t in self.threads:
            t.join()


def counted(p, load, name):
    """Each post was answered 200, is there, and counts once."""
    wrong = [a for a in load.answers if a[1] != 200]
    same(wrong[:5], [], "%s: each of %d posts is answered 200" % (
        name, len(load.answers)))
    bodies = [r[0] for r in p.rows("SELECT CAST(body AS TEXT) FROM events")]
    sent = {sale(n).decode() for n, _, _ in load.answers}
    same(len(sent - set(bodies)), 0, name + ": none is lost")
    same(len(bodies), len(sent), name + ": none is there twice")
    same(p.one("SELECT count(*) FROM purchases"), len(sent),
         name + ": a purchase for each")
    ok(p.is_sound(), name + ": the database is sound")
    p.check_logs()


def held():
    """The socket outlives five programs."""
    p = Place()
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(p.sock)
        s.listen(4096)
        argv = [sys.executable, "-c", GIVE, s.fileno(), FCGI_PROGRAM,
                "-c", p.conf]
        child = p.run(argv, pass_fds=[s.fileno()])
        p.nginx()
        load = Load(p)
        codes = []
        for _ in range(RESTARTS):
            load.more()
            codes.append(stop(child))
            child = p.run(argv, wait=False, pass_fds=[s.fileno()])
        load.more()
        load.end()
        codes.append(stop(child))
    same(codes, [0] * (RESTARTS + 1), "held: each program ends with 0")
    counted(p, load, "held, %d restarts" % RESTARTS)


def activated():
    """systemd's own idea of how to hand over a socket: the program starts
    when the first connection comes."""
    if not shutil.which("systemd-socket-activate"):
        skip("systemd-socket-activate", "it is not installed")
        return
    p = Place()
    child = p.run(["systemd-socket-activate", "-l", p.sock, FCGI_PROGRAM,
                   "-c", p.conf], wait=False)
    until(lambda: os.path.exists(p.sock), "the socket")
    p.nginx()
    ok("started" not in p.log_text(), "activated: nothing runs before")
    same(p.gumroad(sale(1)).word(), "recorded", "activated: records")
    # the first post may be answered before the line is written
    ok(until(lambda: "started, 26 threads" in p.log_text(), "the log line"),
       "activated: it runs now")
    same(stop(child), 0, "activated: exit 0")


SECRETS = """database = 'gatepost.db'
public_url = 'https://example.org'
api_keys_file = { '${CREDENTIALS_DIRECTORY}/api_key' }
pass_secret_file = { '${CREDENTIALS_DIRECTORY}/pass_secret' }
gumroad {
    tokens_file = { '${CREDENTIALS_DIRECTORY}/gumroad_token' }
    accept_test = true
}
gank {
    secrets_file = { '${CREDENTIALS_DIRECTORY}/gank_secret' }
}
"""


def credentials():
    """LoadCredential=: the names that cgi/credentials.conf has."""
    p = Place()
    folder = p.dir / "credentials"
    folder.mkdir(mode=0o700)
    values = {"api_key": p.api_key, "pass_secret": p.pass_secret,
              "gumroad_token": p.tokens[0], "gank_secret": p.secrets[0]}
    example = (TOP / "cgi/credentials.conf").read_text()
    for name, value in values.items():
        (folder / name).write_text(value + "\n")
        (folder / name).chmod(0o400)
        ok("\nLoadCredential=%s:/etc/gatepost/credentials/%s\n" % (name, name)
           in example, "credentials: the example loads %s" % name)
    for line in SECRETS.splitlines():
        if "CREDENTIALS" in line:
            ok("#\t%s\n" % line.replace("    ", "\t") in example,
               "credentials: the example has '%s'" % line.strip())
    p.conf.write_text(SECRETS)
    p.conf.chmod(0o644)
    env = dict(os.environ, CREDENTIALS_DIRECTORY=str(folder))
    p.run(env=env)
    p.nginx()
    same(p.gumroad(sale(1)).word(), "recorded", "credentials: records")
    same(p.access("user=u1").status, 200, "credentials: answers")
    a = p.cli("check", env=env)
    ok(b"warning" not in a.stderr and a.returncode == 0,
       "credentials: the command line, too", a)
    a = p.cli("check")
    ok(a.returncode == 3 and b"CREDENTIALS_DIRECTORY" in a.stderr,
       "credentials: and without the variable it says so", a)
    p.check_logs()


def units():
    """systemd understands the units, and finds them tight."""
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        skip("systemd-analyze", "it is not installed")
        return
    p = Place(init=False)
    text = (BUILD / "cgi/gatepost.service").read_text()
    ok("@" not in text.replace("@privileged", "").replace(
        "@resources", "").replace("@system-service", ""),
       "units: nothing is left to fill in", text)
    # as if it were installed
    service = p.dir / "gatepost.service"
    service.write_text("".join(
        "ExecStart=%s -c %s\n" % (FCGI_PROGRAM, p.conf)
        if line.startswith("ExecStart=") else line
        for line in text.splitlines(True)))
    shutil.copy(TOP / "cgi/gatepost.socket", p.dir)
    a = subprocess.run([analyze, "verify", "--man=no", service,
                        p.dir / "gatepost.socket"], capture_output=True,
                       timeout=LIMIT)
    ok(a.returncode == 0 and b"gatepost" not in a.stderr,
       "units: systemd-analyze verify", a.stderr.decode())
    a = subprocess.run([analyze, "security", "--offline=yes",
                        "--threshold=15", "--no-pager", service],
                       capture_output=True, timeout=LIMIT)
    same(a.returncode, 0, "units: exposed 1.5 at most")


main(held, activated, credentials, units)
