#!/usr/bin/env python3
"""What the long-lived program has given up, and that nothing is missing."""

import sys
sys.dont_write_bytecode = True
import os
import re
import shutil
import subprocess
from pathlib import Path

from lib import (CTL_PROGRAM, FCGI_PROGRAM, FORM, SLOW, Place, main, ok,
                 sale, same, skip, stop, until)

FILES = """
files '/guides' {
    root = '%s'
    allow = 'read'
}
"""


def status(pid, key):
    """Of every thread."""
    found = set()
    for task in os.listdir("/proc/%d/task" % pid):
        text = Path("/proc/%d/task/%s/status" % (pid, task)).read_text()
        found.add(re.search(r"^%s:\s*(\d+)" % key, text, re.M).group(1))
    return found


def run(p, argv=None):
    """The socket is there before the rest."""
    child = p.run(argv)
    until(lambda: "started," in p.log_text(), "the threads")
    return child


def confined(p):
    return re.search("confined: (.*)", p.log_text()).group(1)


def given_up():
    p = Place()
    (p.dir / "guides").mkdir()
    (p.dir / "guides/a.txt").write_text("a guide")
    p.configure(more=FILES % (p.dir / "guides"))
    child = run(p)
    p.nginx()
    same(status(child.pid, "NoNewPrivs"), {"1"}, "no new privileges")
    if SLOW:
        skip("system calls, files", "sanitizers trace their own process")
    else:
        same(status(child.pid, "Seccomp"), {"2"}, "a filter of system calls")
        ok(confined(p).startswith(
            "no new privileges, no core dumps, system calls"),
           "the log says so", p.log_text())
        if os.getuid() != 0:
            ok(not os.access("/proc/%d/mem" % child.pid, os.R_OK),
               "its memory is not the user's to read")
    same(p.gumroad(sale(1)).word(), "recorded", "it takes a delivery")
    same(p.access("user=u1").json().get("tier"), "supporter",
         "it answers a lookup")
    text = p.get("/metrics", p.bearer()).body.decode()
    ok("process_open_fds" in text and "process_resident_memory" in text,
       "it knows its own figures", text[-800:])
    download(p)
    # a newer folder in the place of the old one, as after an upload
    (p.dir / "guides").rename(p.dir / "old")
    (p.dir / "guides").mkdir()
    (p.dir / "guides/a.txt").write_text("a guide")
    download(p)
    same(stop(child), 0, "it ends as it should")
    ok(not os.path.exists(p.sock), "and takes its socket away")
    same(p.events(), 1, "the delivery is there")


def download(p):
    done = p.cli("pass", "--user", "u1")
    cookie = {"Cookie": "gatepost=" + done.stdout.decode().strip()}
    a = p.direct("GET", "/files/guides/a.txt", headers=cookie)
    same((a.status, a.body), (200, b"a guide"), "it hands out a file")


def not_open():
    """Where no database can be opened yet, files stay as they are."""
    p = Place(database="disk/gatepost.db", init=False)
    child = run(p)
    ok("Landlock" not in p.log_text(), "files are not confined yet",
       p.log_text())
    if not SLOW:
        same(status(child.pid, "Seccomp"), {"2"}, "the rest is")
    (p.dir / "disk").mkdir(mode=0o700)
    a = p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
    same(a.word(), "recorded", "the database is there: recorded")


def linked():
    """The database is a link into another folder."""
    p = Place(init=False)
    (p.dir / "there").mkdir()
    p.db.symlink_to(p.dir / "there/real.db")
    p.cli("migrate")
    run(p)
    a = p.direct("POST", "/hooks/gumroad/" + p.tokens[0], sale(1), FORM)
    same(a.word(), "recorded", "a database behind a link: recorded")


def unconfined():
    p = Place()
    child = run(p, [FCGI_PROGRAM, "-c", p.conf, "--listen",
                    "unix:" + p.sock, "--unconfined"])
    same((status(child.pid, "NoNewPrivs"), status(child.pid, "Seccomp")),
         ({"0"}, {"0"}), "--unconfined: nothing is given up")
    same(confined(p), "nothing", "and the log says so")


def protected():
    """What the compiler and the linker add against an overrun that is made
    use of, as configure asks for it."""
    if SLOW or not shutil.which("readelf"):
        skip("protections", "another build, or no readelf")
        return
    for program in (FCGI_PROGRAM, CTL_PROGRAM):
        text = subprocess.run(["readelf", "-Wlhd", "--dyn-syms", program],
                              capture_output=True, check=True).stdout.decode()
        name = program.name + ": "
        ok(re.search(r"Type:\s+DYN", text), name + "at any address")
        ok("GNU_RELRO" in text and re.search(r"FLAGS.* NOW", text),
           name + "its tables are read-only once it runs")
        ok(re.search(r"GNU_STACK\s.* RW ", text), name + "no code on the stack")
        ok("__stack_chk_fail" in text, name + "guards of the stack")
        ok(re.search(r"__\w+_chk@", text.replace("__stack_chk_fail", "")),
           name + "bounds of known buffers")


main(protected, given_up, not_open, linked, unconfined)
