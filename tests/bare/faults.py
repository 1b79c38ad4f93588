"""Faults, planted one by one: what a shell does, what undoes it, and what
doctor has to say: {id of a finding: words in it}."""

import machine
from machine import ELSEWHERE, ADDRESS, HOST, sh

RELOAD = "; nginx -t -q; systemctl reload-or-restart nginx"
LOCATIONS = "/etc/nginx/snippets/gatepost.conf"
BLOCK = "/etc/nginx/conf.d/gatepost-%s.conf" % HOST
DATA = "/var/lib/gatepost"


def line(location, text, path=LOCATIONS):
    """One more line in that location of nginx."""
    return ("cp -p %s /srv/kept; sed -i 's|^\\(\\tlocation %s {\\)$|\\1 %s|' "
            "%s; ! cmp -s %s /srv/kept" % (
                path, location, text, path, path) + RELOAD)


def back(path=LOCATIONS):
    return "cp -p /srv/kept %s" % path + RELOAD


def certificate(**how):
    def plant():
        machine.certify(**how)
        sh("systemctl reload nginx")
    return plant


def revoke():
    machine.Shop.there().do("revoke_token", token="fake-token")


def renew():
    """And the web program hears of it."""
    machine.Shop.there().do("add_token", token="fake-token")
    machine.gatepost("reconcile")


SMALL = """systemctl stop gatepost.socket gatepost.service
cp -a {0} /srv/data
mount -t tmpfs -o size=24m,mode=700,uid=gatepost,gid=gatepost small {0}
cp -a /srv/data/. {0}
dd if=/dev/zero of={0}/fill bs=1M count=20 2>/dev/null
systemctl start gatepost.socket gatepost.service""".format(DATA)
LARGE = """systemctl stop gatepost.socket gatepost.service
umount {0}
rm -r /srv/data
systemctl start gatepost.socket gatepost.service""".format(DATA)

# name, plant, undo, what is found
FAULTS = (
    ("nginx is stopped", "systemctl stop nginx", "systemctl start nginx",
     {"reach": "start the web server"}),
    ("the certificate is over", certificate(days=-1), certificate(),
     {"certificate": "has expired"}),
    ("the certificate is self-signed", certificate(own=True), certificate(),
     {"certificate": "is signed by itself alone"}),
    ("the certificate has another name",
     certificate(host="other.example.org"), certificate(),
     {"certificate": "is for another name"}),
    ("deliveries are redirected",
     line("/hooks/", "return 301 https://www.%s$request_uri;" % HOST), back(),
     {"redirect": "Take the redirect away from /hooks/"}),
    ("Authorization is stripped",
     line("/v1/", 'fastcgi_param HTTP_AUTHORIZATION "";'), back(),
     {"authorization": "Authorization does not arrive"}),
    ("the program is stopped",
     "systemctl stop gatepost.socket gatepost.service",
     "systemctl start gatepost.socket gatepost.service",
     {"reach": "systemctl status gatepost"}),
    ("DNS leads to another address", lambda: machine.names(ELSEWHERE),
     lambda: machine.names(ADDRESS),
     {"name_server": "DNS leads to another machine", "reach": "no way leads"}),
    ("the disk is nearly full", SMALL, LARGE, {"disk": "Make room"}),
    ("the token is revoked", revoke, renew, {"token": "gumroad"}),
    ("a rule refuses deliveries", line("/hooks/", "deny all;"), back(),
     {"delivery": "refuses it before Gatepost is asked"}),
    ("streams are buffered",
     line("= /live", "fastcgi_ignore_headers X-Accel-Buffering;"), back(),
     {"stream": "something between holds it back"}),
    ("the locations are missing",
     "cp -p {0} /srv/kept; sed -i '/include .*snippets/d' {0}".format(BLOCK) +
     RELOAD, back(BLOCK),
     {"reach": "Gatepost's locations are missing"}),
)


APACHE = "; apachectl -t; systemctl reload-or-restart apache2"
APACHE_LOCATIONS = "/etc/apache2/gatepost-locations.conf"
APACHE_SITE = "/etc/apache2/sites-available/gatepost-%s.conf" % HOST


def changed(command, path=APACHE_LOCATIONS):
    """That command of sed, and what takes it back."""
    return ("cp -p {0} /srv/kept; sed -i '{1}' {0}; ! cmp -s {0} /srv/kept"
            .format(path, command) + APACHE, "cp -p /srv/kept " + path + APACHE)


OF_APACHE = (
    ("Apache is stopped", "systemctl stop apache2", "systemctl start apache2",
     {"reach": "start the web server"}),
    ("Apache strips Authorization", *changed("/CGIPassAuth/d"),
     {"authorization": "CGIPassAuth On"}),
    ("a rule of Apache refuses deliveries",
     *changed("s|<Location \"/hooks\">|& \\nRequire all denied|"),
     {"delivery": "refuses it before Gatepost is asked"}),
    ("Apache buffers streams", *changed("s/flushpackets=on//"),
     {"stream": "flushpackets=on"}),
    ("Apache lacks the locations",
     *changed("/Include .*gatepost-locations/d", APACHE_SITE),
     {"reach": "Gatepost's locations are missing"}),
)
