"""A Debian of chroot.py, booted: systemd-nspawn, without any network."""

import os
import shutil

import lib
from chroot import Debian, run

# for the tests themselves; no web server, and nothing of Gatepost's
TOOLS = ("systemd systemd-sysv dbus sudo iproute2 procps openssl "
         "ca-certificates dnsmasq-base python3").split()
UNIT = """[Unit]
After=nginx.service gatepost.service dbus.service
[Service]
Type=oneshot
TimeoutStartSec=%d
Environment=LC_ALL=C.UTF-8 HOME=/root
ExecStart=-%s
ExecStopPost=/bin/systemctl poweroff --no-block
[Install]
WantedBy=multi-user.target
"""


def boot(debian, command, seconds):
    """Runs that command in it, which writes into /srv/out; returns that."""
    root = debian.root
    (root / "etc/systemd/system/booted.service").write_text(
        UNIT % (seconds, command))
    debian.must(debian.run("systemctl", "enable", "booted.service"))
    (root / "usr/sbin/policy-rc.d").unlink()
    debian.leave()
    a = run("systemd-nspawn", "-D", root, "--register=no", "--keep-unit",
            "--private-network", "--resolv-conf=off", "-b")
    out = root / "srv/out"
    return out.read_text() if out.exists() else a.stdout


def take_over(text):
    """Its TAP, as if it were ours."""
    lines = text.splitlines()
    for n, line in enumerate(lines):
        word, _, name = line.partition(" - ")
        if word.startswith(("ok ", "not ok ")):
            more = [*lines[n + 1:], "ok "]
            end = next(i for i, l in enumerate(more)
                       if l.startswith(("ok ", "not ok ")))
            lib.ok(word.startswith("ok "), name, "\n".join(
                l.removeprefix("#   ") for l in more[:end]))
        elif line.startswith("#   "):
            lib.note(line[4:])
    lib.ok("1.." in text, "all of it ran", text[-3000:])


def bare(release, deb, top):
    """From a bare Debian and that package to a sale; then faults."""
    if not shutil.which("systemd-nspawn"):
        lib.skip("a bare Debian", "systemd-container is not installed")
        return
    debian = Debian(release, lib.folder() / "d")
    lib._cleanups.append(debian.leave)
    debian.must(debian.apt("install", *TOOLS))
    place = debian.take(deb)
    # there is no mirror in there
    for words in ([place], ["apache2"]):
        debian.must(debian.run("apt-get", "-y", "-q", "--download-only",
                               "install", *words))
    for name in ("bare", "e2e", "fake"):
        shutil.copytree(top / "tests" / name, debian.root / "srv/tests" / name,
                        ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(top / "tests/fixtures/gank",
                    debian.root / "srv/tests/fixtures/gank")
    os.rename(debian.root / place[1:], debian.root / "srv/gatepost.deb")
    take_over(boot(debian, "/srv/tests/bare/newcomer", 1500))
