"""A real Apache in a temporary folder, with the shipped configurations."""

import os
import pwd
import re
import shutil
import subprocess

from lib import FCGI_PROGRAM, TOP, Place, connects, free_port, start, until

APACHE = shutil.which("apache2") or "/usr/sbin/apache2"
MODULES = "/usr/lib/apache2/modules"
USER = "www-data"  # Apache does not run requests as root
# what Debian has on, without what is for the log of the whole server
STANDARD = ("mpm_event authn_core authz_core authz_host authz_user alias "
            "autoindex dir env filter mime negotiation reqtimeout setenvif "
            "deflate").split()
MODULES_OF = {
    "gatepost-apache.conf": ["proxy", "proxy_fcgi", "headers"],
    "gatepost-fcgid.conf": ["fcgid", "headers"],
    "members.conf": ["authnz_fcgi", "macro", "headers", "proxy",
                     "proxy_http", "xsendfile"],
    ".htaccess": ["cgid", "rewrite"],
}


def replace(text, *pairs):
    for old, new in pairs:
        if old not in text:
            raise RuntimeError("the configuration has no '%s'" % old)
        text = text.replace(old, new)
    return text


def shipped(name, *pairs):
    return replace((TOP / "apache" / name).read_text(), *pairs)


class ApachePlace(Place):
    def __init__(self, **options):
        super().__init__(**options)
        self.sites = []
        self.modules = list(STANDARD)
        self.is_root = os.getuid() == 0
        self.dir.chmod(0o755)
        self.tcp = None
        # www-data may not get to where it was built
        self.bin = self.dir / "bin"
        self.bin.mkdir()
        shutil.copy2(FCGI_PROGRAM, self.bin / "gatepost.fcgi")
        (self.dir / "empty").mkdir()

    def configure(self, *args, more="", **options):
        if os.getuid() == 0:
            more += "\nlisten_group = '%s'" % USER
        more += "\nbuy 'shop' { url = 'https://example.com/l/x' }"
        super().configure(*args, more=more, **options)

    def own(self):
        """What the programs that Apache starts have to write."""
        if not self.is_root:
            return
        who = pwd.getpwnam(USER)
        for path in (self.dir, *self.dir.rglob("*")):
            if not path.is_socket():
                os.chown(path, who.pw_uid, who.pw_gid)

    def site(self, name, *pairs):
        """A shipped file; the port is put in when Apache starts."""
        self.modules += MODULES_OF[name]
        self.sites.append(shipped(name, *pairs))

    def pages(self):
        """A copy that Apache's user gets to."""
        shutil.copytree(TOP / "nginx/site", self.dir / "pages",
                        dirs_exist_ok=True)
        return "/usr/share/gatepost/site", str(self.dir / "pages")

    def proxy_site(self, *pairs):
        self.site("gatepost-apache.conf",
                  ("/run/gatepost/gatepost.sock", self.sock),
                  ("example.org", "127.0.0.1"), self.pages(), *pairs)

    def fcgid_site(self, *pairs):
        self.site("gatepost-fcgid.conf",
                  ("/etc/gatepost/gatepost.conf", str(self.conf)),
                  ("/usr/local/libexec/gatepost", str(self.bin)),
                  ("ServerName example.org", "ServerName 127.0.0.1"),
                  self.pages(), *pairs)

    def cgi_site(self, path="pay"):
        """A folder of a web root, as a host gives it away."""
        web = self.dir / "web"
        folder = web / path
        folder.mkdir(parents=True)
        shutil.copy2(FCGI_PROGRAM, folder / "gatepost.cgi")
        (folder / ".htaccess").write_text(shipped(
            ".htaccess",
            ("#SetEnv GATEPOST_CONFIG /srv/you/gatepost/gatepost.conf",
             "SetEnv GATEPOST_CONFIG %s" % self.conf)))
        self.modules += MODULES_OF[".htaccess"]
        self.sites.append("""
<VirtualHost *:80>
	ServerName 127.0.0.1
	DocumentRoot %s
	<Directory %s>
		AllowOverride FileInfo Options
		Require all granted
	</Directory>
</VirtualHost>
""" % (web, web))
        return folder

    def write_apache(self, more):
        d = self.dir
        lines = ["ServerRoot " + str(d), "DefaultRuntimeDir " + str(d),
                 "PidFile %s/apache.pid" % d, "ServerName 127.0.0.1",
                 "Listen 127.0.0.1:%d" % self.port,
                 "DocumentRoot %s/empty" % d,
                 "ErrorLog %s/apache.error.log" % d]
        modules = list(dict.fromkeys(self.modules))
        lines += ["LoadModule %s_module %s/mod_%s.so" % (m, MODULES, m)
                  for m in modules]
        if self.is_root:
            lines += ["User " + USER, "Group " + USER]
        (d / "mime.types").write_text("text/html html shtml\n")
        lines += ["TypesConfig %s/mime.types" % d,
                  "StartServers 2", "ThreadsPerChild 25",
                  "MaxRequestWorkers 150", "Timeout 60", "LogLevel warn",
                  "<Directory />", "AllowOverride None",
                  "Require all denied", "</Directory>"]
        if "fcgid" in modules:
            lines += ["FcgidIPCDir %s/fcgid" % d,
                      "FcgidProcessTableFile %s/fcgid_shm" % d]
        if "cgid" in modules:
            lines.append("ScriptSock %s/cgid" % d)
        lines += self.sites + [more]
        conf = d / "apache.conf"
        conf.write_text(replace("\n".join(lines) + "\n", (
            "*:80", "127.0.0.1:%d" % self.port)))
        return conf

    def check(self, more=""):
        """What Apache says of its configuration: None, or the words."""
        self.port = self.port or free_port()
        a = subprocess.run(
            [APACHE, "-t", "-f", self.write_apache(more)],
            capture_output=True, env=self.env(), cwd="/")
        return None if a.returncode == 0 else a.stderr.decode()

    def env(self):
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                "APACHE_LOG_DIR": str(self.dir)}

    def apache(self, more=""):
        self.own()
        for _ in range(5):
            self.port = free_port()
            with open(self.dir / "apache.out", "ab") as out:
                child = start([APACHE, "-f", self.write_apache(more),
                               "-DFOREGROUND"], env=self.env(), cwd="/",
                              stdin=subprocess.DEVNULL, stdout=out,
                              stderr=out)

            def ready():
                return child.poll() is not None or connects(
                    ("127.0.0.1", self.port))
            until(ready, "Apache")
            if child.poll() is None:
                return child
        raise RuntimeError("Apache: " +
                           (self.dir / "apache.out").read_text() +
                           self.apache_log("apache.error.log"))

    def run_both(self):
        """gatepost.fcgi on its socket and on a port, for an authorizer."""
        for _ in range(5):
            self.tcp = free_port()
            child = self.run([FCGI_PROGRAM, "-c", self.conf, "--listen",
                              "unix:" + self.sock, "--listen",
                              "127.0.0.1:%d" % self.tcp], wait=False)
            until(lambda: child.poll() is not None or
                  connects(("127.0.0.1", self.tcp)), "the port")
            if child.poll() is None:
                return child
        raise RuntimeError("gatepost.fcgi: " + self.log_text())

    def apache_log(self, name):
        path = self.dir / name
        return path.read_text(errors="replace") if path.exists() else ""

    def logs(self):
        out = super().logs()
        for path in self.dir.glob("*.log"):
            out[path.name] = path.read_bytes()
        return out


def access_lines(text):
    """(request, status) of each line of the access log as shipped."""
    return [(m.group(1), int(m.group(2))) for m in re.finditer(
        r'^\S+ \[[^]]*\] "(.*)" (\d+) \d+ \d+$', text, re.M)]
