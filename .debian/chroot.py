"""A small Debian in a folder, for what makes and tests packages. As root."""

import glob
import os
import re
import shutil
import subprocess
from pathlib import Path

RELEASES = {"bookworm": "12", "trixie": "13"}
MIRROR = os.environ.get("MIRROR", "http://deb.debian.org/debian")
SECURITY = MIRROR.rstrip("/") + "-security"
LIMIT = 3600  # seconds, for anything that loads or builds


def run(*argv, **options):
    options.setdefault("timeout", LIMIT)
    return subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **options)


def own_mounts(argv):
    """Starts this program again, with mounts that end with it."""
    if "GATEPOST_MOUNTS" not in os.environ:
        os.environ["GATEPOST_MOUNTS"] = "own"
        os.execvp("unshare", ["unshare", "--mount", *argv])


class Debian:
    """root: a folder to make. CHROOTS: a folder where one Debian per release is
    kept, and copied from."""

    def __init__(self, release, root):
        self.root = Path(root)
        kept = os.environ.get("CHROOTS")
        base = Path(kept) / release if kept else self.root
        if not base.exists():
            new = base.with_name(base.name + ".new")
            self.must(run("debootstrap", "--variant=minbase", release, new,
                          MIRROR))
            new.rename(base)
        if kept:
            self.must(run("cp", "-a", base, self.root))
        for name in ("resolv.conf", "hosts"):
            shutil.copy("/etc/" + name, self.root / "etc")
        for path in glob.glob("/etc/apt/apt.conf.d/*"):
            if "Acquire::" in Path(path).read_text():
                # by a name that no package has
                shutil.copy(path, self.root / "etc/apt/apt.conf.d" / (
                    "host-" + Path(path).name))
        (self.root / "etc/apt/apt.conf.d/yes").write_text(
            'APT::Get::Assume-Yes "true";\n')
        (self.root / "etc/apt/sources.list").write_text(
            "deb %s %s main\ndeb %s %s-security main\n" % (
                MIRROR, release, SECURITY, release))
        (self.root / "etc/dpkg/dpkg.cfg.d/quick").write_text(
            "force-unsafe-io\n")
        # no package starts its server
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        run("mount", "-t", "proc", "proc", self.root / "proc")
        # debootstrap has made the devices. Not this machine's /dev: who
        # removes the folder before leave() would remove that
        run("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=666",
            "devpts", self.root / "dev/pts")
        run("mount", "-t", "tmpfs", "shm", self.root / "dev/shm")
        self.must(self.run("apt-get", "update"))
        self.must(self.apt("dist-upgrade"))

    @staticmethod
    def must(done):
        if done.returncode != 0:
            failed = re.findall(r"^not ok .*(?:\n#.*)*", done.stdout, re.M)
            raise RuntimeError("%s\n%s" % (
                done.args, "\n".join([*failed, done.stdout[-3000:]])))
        return done.stdout

    def leave(self):
        for name in ("dev/pts", "dev/shm"):
            run("umount", self.root / name)
        run("umount", self.root / "proc")

    def run(self, *argv, user=None, env=()):
        words = ["runuser", "-u", user, "--"] if user else []
        home = "HOME=%s" % (Path("/home") / user if user else "/root")
        return run("chroot", self.root, *words, "env", "-i", home,
                   "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8",
                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *env, *argv)

    def shell(self, text, **options):
        return self.run("sh", "-ec", text, **options)

    def apt(self, *words):
        return self.run("apt-get", "-y", "-q", "--no-install-recommends",
                        *words)

    def take(self, path):
        shutil.copy(path, self.root / "srv")
        return "/srv/" + Path(path).name
