#!/usr/bin/env python3
"""The socket: made, given, refused, replaced."""

import sys
sys.dont_write_bytecode = True
import grp
import os
import shutil
import signal
import socket
import stat
import subprocess

from lib import (FCGI_PROGRAM, LIMIT, STDIN, Fcgi, Place, connects, fixture,
                 cgi_params, fcgi_head, free_port, gank_headers, main, ok,
                 record, same, skip, start, stop, until)


def refuses(p, code, text, *args, env=None):
    """The program ends at once with that code and says why."""
    a = subprocess.run([FCGI_PROGRAM, *args], capture_output=True,
                       timeout=LIMIT, stdin=subprocess.DEVNULL, cwd=p.dir,
                       env=env)
    ok(a.returncode == code and text in a.stderr.decode(),
       "%s: exit %d, says '%s'" % (" ".join(map(str, args[2:])) or "nothing",
                                   code, text), a)


def made():
    p = Place()
    child = p.run()
    st = os.stat(p.sock)
    same(stat.S_IMODE(st.st_mode), 0o660, "mode 0660")
    refuses(p, 1, "another program listens on it", "-c", p.conf,
            "--listen", "unix:" + p.sock)
    same(os.stat(p.sock).st_ino, st.st_ino, "the first keeps its socket")
    same(p.direct("GET", "/healthz").status, 200, "and serves")
    child.kill()
    child.wait()
    ok(os.path.exists(p.sock) and not connects(p.sock), "a dead socket")
    child = p.run()
    same(p.direct("GET", "/healthz").status, 200, "is replaced")
    # a program must not remove the socket of the next one
    os.unlink(p.sock)
    second = start([FCGI_PROGRAM, "-c", p.conf, "--listen",
                    "unix:" + p.sock], stderr=subprocess.DEVNULL)
    until(lambda: connects(p.sock), "the second's socket")
    same(stop(child), 0, "the first ends")
    ok(connects(p.sock), "and leaves the second's socket alone")
    same(stop(second), 0, "the second ends")
    ok(not os.path.exists(p.sock), "and takes its own away")


def group():
    p = Place()
    name = grp.getgrgid(os.getgroups()[0] if os.getgroups()
                        else os.getgid()).gr_name
    p.configure(more="listen_group = '%s'" % name)
    child = p.run()
    same(grp.getgrgid(os.stat(p.sock).st_gid).gr_name, name, "listen_group")
    stop(child)
    p.configure(more="listen_group = 'no-such-group'")
    refuses(p, 1, "no group no-such-group", "-c", p.conf,
            "--listen", "unix:" + p.sock)
    ok(not os.path.exists(p.sock), "no socket is left behind")


def addresses():
    p = Place()
    long = "unix:/" + "x" * 200
    port = free_port()
    for address, code, text in (
            ("unix:relative", 2, "whole path"),
            ("unix:", 2, "whole path"),
            (long, 2, "choose a shorter one"),
            ("unix:%s/no/such/s" % p.dir, 1, "create it"),
            ("unix:%s" % p.conf, 2, "no socket"),
            ("nonsense", 2, "write unix:/path"),
            ("", 2, "write unix:/path"),
            ("127.0.0.1", 2, "write unix:/path"),
            ("127.0.0.1:0", 2, ""),
            ("127.0.0.1:70000", 2, ""),
            ("127.0.0.1:80x", 2, ""),
            ("0.0.0.0:%d" % port, 2, "only 127.0.0.1"),
            ("10.0.0.1:%d" % port, 2, "only 127.0.0.1"),
            ("[::]:%d" % port, 2, "only 127.0.0.1"),
            ("example.org:%d" % port, 2, "")):
        refuses(p, code, text, "-c", p.conf, "--listen", address)
    same(p.conf.read_text()[:8], "database", "no file was taken for a socket")
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", port))
        busy.listen()
        refuses(p, 1, "in use", "-c", p.conf, "--listen",
                "127.0.0.1:%d" % port)
    refuses(p, 2, "no socket was given", "-c", p.conf)
    refuses(p, 2, "see gatepost.fcgi --help", "-c", p.conf, "--listen")
    refuses(p, 2, "see gatepost.fcgi --help", "-c", p.conf, "--nonsense")
    refuses(p, 2, "no arguments", "-c", p.conf, "more")
    refuses(p, 1, "no-such.conf", "-c", p.dir / "no-such.conf",
            "--listen", "unix:" + p.sock)


def tcp():
    p = Place()
    for _ in range(5):
        port = free_port()
        child = start([FCGI_PROGRAM, "-c", p.conf, "--listen",
                       "127.0.0.1:%d" % port], stderr=subprocess.DEVNULL)
        until(lambda: child.poll() is not None or
              connects(("127.0.0.1", port)), "the port")
        if child.poll() is None:
            break
    with Fcgi(("127.0.0.1", port)) as c:
        same(c.ask("GET", "/healthz").body, b"ok", "127.0.0.1:PORT serves")
    same(stop(child), 0, "and ends")


def both():
    """--listen twice: an authorizer of Apache's is asked over TCP only."""
    p = Place()
    for _ in range(5):
        port = free_port()
        child = start([FCGI_PROGRAM, "-c", p.conf, "--listen",
                       "unix:" + p.sock, "--listen", "127.0.0.1:%d" % port],
                      stderr=subprocess.DEVNULL)
        until(lambda: child.poll() is not None or
              connects(("127.0.0.1", port)), "the port")
        if child.poll() is None:
            break
    with Fcgi(("127.0.0.1", port)) as c, Fcgi(p.sock) as d:
        for each in (c, d, c, d):
            same(each.ask("GET", "/healthz", keep=True).body, b"ok",
                 "both serve")
    same(stop(child), 0, "and end")
    ok(not os.path.exists(p.sock), "with the file")
    refuses(p, 2, "may be there twice", "-c", p.conf, "--listen",
            "unix:" + p.sock, "--listen", "127.0.0.1:1", "--listen", "x")
    refuses(p, 2, "only 127.0.0.1", "-c", p.conf, "--listen",
            "unix:" + p.sock, "--listen", "0.0.0.0:%d" % port)
    ok(not os.path.exists(p.sock), "both or none")


def posts(p, name):
    body = fixture("gank/um-documented")
    a = p.direct("POST", "/hooks/gank", body,
                 gank_headers(body, p.secrets[0]))
    same((a.status, a.word()), (200, "recorded"), name + ": records")


def systemd():
    """LISTEN_PID, LISTEN_FDS: the socket is descriptor 3."""
    p = Place()
    give = ("import os, sys; os.dup2(int(sys.argv[1]), 3); "
            "os.environ['LISTEN_PID'] = str(os.getpid()); "
            "os.environ['LISTEN_FDS'] = '1'; "
            "os.execv(sys.argv[2], sys.argv[2:])")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(p.sock)
        s.listen(64)
        argv = [sys.executable, "-c", give, s.fileno(), FCGI_PROGRAM,
                "-c", p.conf]
        child = p.run(argv, pass_fds=[s.fileno()])
        posts(p, "systemd")
        # the socket is systemd's: a restart loses nothing
        child.send_signal(signal.SIGTERM)
        same(child.wait(LIMIT), 0, "systemd: exit 0")
        ok(os.path.exists(p.sock), "systemd: the socket stays")
        waiting = Fcgi(p.sock)
        waiting.send(fcgi_head(cgi_params("GET", "/healthz")) +
                     record(STDIN))
        child = p.run(argv, pass_fds=[s.fileno()])
        a = waiting.answer()
        same(a and a.body, b"ok", "systemd: who came between is served")
        waiting.s.close()
        same(stop(child), 0, "systemd: exit 0 again")
    # two: the second over TCP, for an authorizer of Apache's
    with socket.socket(socket.AF_UNIX) as s, socket.socket() as t:
        os.unlink(p.sock)
        s.bind(p.sock)
        s.listen(64)
        t.bind(("127.0.0.1", 0))
        t.listen(64)
        argv = [sys.executable, "-c", give.replace(
            "'1'", "'2'").replace("; os.env", "; os.dup2(int(sys.argv[2]), 4)"
                                  "; os.env", 1).replace(
            "sys.argv[2], sys.argv[2:]", "sys.argv[3], sys.argv[3:]"),
            s.fileno(), t.fileno(), FCGI_PROGRAM, "-c", p.conf]
        child = p.run(argv, pass_fds=[s.fileno(), t.fileno()])
        same(p.direct("GET", "/healthz").body, b"ok", "systemd: of two, one")
        with Fcgi(t.getsockname()) as c:
            same(c.ask("GET", "/healthz").body, b"ok", "systemd: the other")
        same(stop(child), 0, "systemd: exit 0 with two")
    wrong = dict(os.environ, LISTEN_PID="1", LISTEN_FDS="1")
    refuses(p, 2, "no socket was given", "-c", p.conf, env=wrong)


def inherited():
    """A listening socket as descriptor 0: spawn-fcgi, mod_fcgid."""
    p = Place()
    for name, more in (("fd 0", {}), ("fd 0, GATEWAY_INTERFACE set", {
            "GATEWAY_INTERFACE": "CGI/1.1", "GATEPOST_CONFIG": str(p.conf)})):
        if os.path.exists(p.sock):
            os.unlink(p.sock)
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(p.sock)
            s.listen(64)
            child = p.run([FCGI_PROGRAM] + ([] if more else ["-c", p.conf]),
                          stdin=s, env=dict(os.environ, **more))
        same(p.direct("GET", "/healthz").body, b"ok", name + ": serves")
        same(stop(child), 0, name + ": exit 0")
    if not shutil.which("spawn-fcgi"):
        skip("spawn-fcgi", "it is not installed")
        return
    os.unlink(p.sock)
    child = p.run(["spawn-fcgi", "-s", p.sock, "-M", "0660", "-n", "--",
                   FCGI_PROGRAM, "-c", p.conf])
    posts(p, "spawn-fcgi")
    same(stop(child), 0, "spawn-fcgi: exit 0")


def by_hand():
    p = Place()

    def run(*args):
        return subprocess.run([FCGI_PROGRAM, *args], capture_output=True,
                              timeout=LIMIT, stdin=subprocess.DEVNULL)
    a = run("-c", p.conf, "-t")
    ok(a.returncode == 0 and b"configuration is good" in a.stdout, "-t", a)
    a = run("-V")
    ok(a.returncode == 0 and a.stdout.startswith(b"gatepost.fcgi "), "-V", a)
    a = run("--help")
    ok(a.returncode == 0 and b"--listen ADDRESS" in a.stdout, "--help", a)
    p.conf.write_text(p.conf.read_text() + "\nnonsense = 1\n")
    line = p.conf.read_text().count("\n")
    for words in (["-t"], ["--listen", "unix:" + p.sock]):
        a = run("-c", p.conf, *words)
        ok(a.returncode == 1 and ("%s:%d:" % (p.conf, line)).encode()
           in a.stderr, "a bad line is named by file and line", a)


main(made, group, addresses, tcp, both, systemd, inherited, by_hand)
