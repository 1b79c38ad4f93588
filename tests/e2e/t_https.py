#!/usr/bin/env python3
"""HTTPS by the lines of the shipped files, with a certificate where certbot
puts one."""

import sys
sys.dont_write_bytecode = True
import http.client
import re
import ssl
import subprocess

from apache import ApachePlace
from lib import (FORM, LIMIT, NGINX, TOP, free_port, http_request, main, ok,
                 sale, same)
from t_gate import Site

LIVE = "/etc/letsencrypt/live"
NAMES = ("example.org", "members.example.org")


def certificates(folder):
    """As certbot lays them out: links to the files of each renewal."""
    for name in NAMES:
        live, files = folder / "live" / name, folder / "archive" / name
        live.mkdir(parents=True)
        files.mkdir(parents=True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "9",
             "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:" + name,
             "-keyout", files / "privkey1.pem", "-out",
             files / "fullchain1.pem"], check=True, capture_output=True)
        for part in ("privkey", "fullchain"):
            (live / (part + ".pem")).symlink_to(
                "../../archive/%s/%s1.pem" % (name, part))


def without_marks(text, *beginnings):
    """The file with the # of those lines taken away, as its comment says."""
    for begin in beginnings:
        new = re.sub(r"^(\t+)#(?=%s)" % re.escape(begin), r"\1", text,
                     flags=re.M)
        if new == text:
            raise RuntimeError("no line #" + begin)
        text = new
    return text


class Tls:
    """Requests by HTTPS to a name, the certificate checked."""

    def __init__(self, port, folder, name):
        self.port, self.name = port, name
        self.context = ssl.create_default_context(
            cafile=folder / "live" / name / "fullchain.pem")

    def ask(self, method, path, body=None, headers=None):
        c = http.client.HTTPSConnection("127.0.0.1", self.port,
                                        timeout=LIMIT, context=self.context)
        c.connect = lambda: self.connect(c)
        try:
            c.request(method, path, body, {"Host": self.name,
                                           **(headers or {})})
            r = c.getresponse()
            return r.status, r.read()
        finally:
            c.close()

    def connect(self, c):
        http.client.HTTPConnection.connect(c)
        c.sock = self.context.wrap_socket(c.sock, server_hostname=self.name)


def checked(p, tls):
    """What both servers do, by both protocols."""
    path = "/hooks/gumroad/" + p.tokens[0]
    host = {"Host": tls.name}
    same(tls.ask("GET", "/healthz"), (200, b"ok"), "HTTPS: healthz")
    status, body = tls.ask("POST", path, sale(1), FORM)
    ok(status == 200 and b"recorded" in body, "HTTPS: a delivery", body)
    status, body = tls.ask("GET", "/v1/access?user=u1", None, p.bearer())
    ok(status == 200 and b"supporter" in body, "HTTPS: a lookup", body)
    a = http_request(p.port, "POST", path, sale(2), {**FORM, **host})
    same((a.status, a.word()), (200, "recorded"),
         "HTTP: a delivery is not led elsewhere")
    a = http_request(p.port, "POST", path.replace("hooks", "%68ooks"), sale(2),
                     {**FORM, **host})
    same((a.status, a.word()), (200, "duplicate"), "however it is written")
    for path in ("/healthz", "/live", "/me", "/buy/x?a=b%20c&d", "/", "/hooks",
                 "/thanks.html", "/v1/access?email=a%40b.c", "/hooksx/a"):
        a = http_request(p.port, "GET", path, None, host)
        same((a.status, a.headers.get("location")),
             (301, "https://%s%s" % (tls.name, path)), "HTTP: " + path)
    p.check_logs(p.tokens[0][:20])


# ---- nginx ----

NGINX_LINES = ("listen 443 ssl;", "listen [::]:443 ssl;", "ssl_certificate ",
               "ssl_certificate_key ", "if (")


class NginxTls(Site):
    """Both files, with HTTPS on."""
    h2 = False
    tls = None

    def write_nginx(self):
        if not self.tls:
            certificates(self.dir / "letsencrypt")
            self.tls = free_port()
        conf = super().write_nginx()
        text = without_marks(conf.read_text(), *NGINX_LINES)
        for old, new in (
                ("listen 443 ssl;", "listen 127.0.0.1:%d ssl;" % self.tls),
                ("listen [::]:443 ssl;", ""),
                ("server_name 127.0.0.1;", "server_name example.org;"),
                (LIVE, "%s/letsencrypt/live" % self.dir)):
            if old not in text:
                raise RuntimeError("no '%s'" % old)
            text = text.replace(old, new)
        if self.h2:
            text = self.with_h2(text)
        conf.write_text(text)
        return conf

    def with_h2(self, text):
        """As the comment says, for the version that is here."""
        said = subprocess.run([NGINX, "-v"], capture_output=True, text=True)
        version = tuple(int(n) for n in re.search(
            r"nginx/(\d+)\.(\d+)\.(\d+)", said.stderr).groups())
        if version >= (1, 25, 1):
            return text.replace("ssl_certificate ", "http2 on; "
                                "ssl_certificate ", 1)
        return text.replace(" ssl;", " ssl http2;", 1)


def complaints(conf):
    """What nginx says of a configuration that is good."""
    done = subprocess.run([NGINX, "-t", "-c", conf, "-e", "stderr"],
                          capture_output=True, text=True)
    return done.returncode, [line for line in done.stderr.splitlines()
                             if "syntax is ok" not in line and
                             "is successful" not in line]


def nginx():
    p = NginxTls()
    p.run()
    p.nginx()
    same(complaints(p.dir / "nginx.conf"), (0, []),
         "nginx takes it without a warning")
    checked(p, Tls(p.tls, p.dir / "letsencrypt", "example.org"))
    tls = Tls(p.tls, p.dir / "letsencrypt", "members.example.org")
    p.grant("1")
    cookie = {"Cookie": "gatepost=" + p.pass_of("1")}
    same(tls.ask("GET", "/supporter/", None, cookie),
         (200, b"the members' page"), "members.conf: HTTPS")
    same(tls.ask("GET", "/supporter/"), (401, b"buy supporter"), "and gated")
    a = http_request(p.port, "GET", "/supporter/?a", None,
                     {"Host": tls.name, **cookie})
    same((a.status, a.headers.get("location")),
         (301, "https://members.example.org/supporter/?a"),
         "members.conf: HTTP")


def nginx_h2():
    """HTTP/2 as the comment tells."""
    p = NginxTls()
    p.h2 = True
    p.run()
    p.nginx()
    same(complaints(p.dir / "nginx.conf"), (0, []),
         "HTTP/2: nginx takes it without a warning")
    done = subprocess.run(
        ["curl", "-s", "--http2", "-w", " %{http_version}", "--cacert",
         p.dir / "letsencrypt/live/example.org/fullchain.pem", "--resolve",
         "example.org:%d:127.0.0.1" % p.tls,
         "https://example.org:%d/healthz" % p.tls], capture_output=True)
    same(done.stdout, b"ok 2", "HTTP/2 is spoken")


def shipped():
    """As they come, before there is a certificate."""
    for name in ("gatepost-nginx.conf", "members.conf"):
        text = (TOP / "nginx" / name).read_text()
        same(re.findall(r"^\tlisten (\S+)", text, re.M), ["80;", "[::]:80;"],
             name + ": HTTP, by both kinds of address")


# ---- Apache ----

APACHE_LINES = ("SSLEngine", "SSLCertificateFile", "SSLCertificateKeyFile",
                "Protocols")
REDIRECT = ("RewriteEngine", "RewriteCond", "RewriteRule")


class ApacheTls(ApachePlace):
    """The block of a site twice: for HTTP, and for HTTPS as certbot copies
    it."""

    def twice(self, site):
        certificates(self.dir / "letsencrypt")
        self.tls = free_port()
        head, block = site.split("<VirtualHost *:80>")
        block = without_marks("<VirtualHost *:80>" + block, *REDIRECT)
        tls = without_marks(block, *APACHE_LINES)
        for old, new in (("*:80", "127.0.0.1:%d" % self.tls),
                         (LIVE, "%s/letsencrypt/live" % self.dir)):
            if old not in tls:
                raise RuntimeError("no '%s'" % old)
            tls = tls.replace(old, new)
        self.modules += ["ssl", "socache_shmcb", "http2", "rewrite"]
        return "%s\nListen 127.0.0.1:%d\n%s\n%s" % (
            head, self.tls, block, tls)


def apache():
    for way in ("proxy", "fcgid"):
        p = ApacheTls()
        if way == "proxy":
            p.run()
            p.proxy_site()
        else:
            p.fcgid_site()
        p.sites[0] = p.twice(p.sites[0].replace(
            "ServerName 127.0.0.1", "ServerName example.org").replace(
            LIVE + "/127.0.0.1", LIVE + "/example.org"))
        p.apache()
        same(p.apache_log("apache.out"), "",
             way + ": Apache takes it without a warning")
        checked(p, Tls(p.tls, p.dir / "letsencrypt", "example.org"))


def apache_members():
    p = ApacheTls()
    p.site("members.conf")
    p.sites[0] = p.twice(p.sites[0])
    same(p.check(), None, "members.conf: Apache takes it")


main(shipped, nginx, nginx_h2, apache, apache_members)
