"""An app behind the gate: says what it was told of the visitor."""

import http.server
import json
import re

from lib import TOP, ok, same

ORIGIN = "https://app.example.org"  # of the recipe


class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        n = int(self.headers.get("Content-Length") or 0)
        told = {k.lower(): v for k, v in self.headers.items()}
        told = {k: v for k, v in told.items() if "gatepost" in k}
        told["body"] = len(self.rfile.read(n))
        told["method"] = self.command
        out = json.dumps(told).encode()
        self.send_response(200)
        if self.path == "/app/song":
            for name, value in self.server.song.items():
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(out)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET

    def log_message(self, *_):
        pass


def members_app(song):
    """On a free port. song: the headers by which it has the web server send
    a file, for /app/song."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    server.song = song
    return server


def preflight_recipe(server):
    """The blocks of the manual's recipe for nginx or Apache."""
    text = (TOP / "src/action/gatepost-recipes.7").read_text()
    text = text[text.index(".Sh GATED PATHS FOR PAGES"):]
    text = text[text.index(".Ss " + server):].split("\n.S", 1)[0]
    blocks = re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", text + "\n",
                        re.M)
    return [b.replace("\\e", "\\") for b in blocks]


def preflight(p):
    """A page of another origin at /app/, with that recipe."""
    token = p.pass_of("1")
    first = {"Origin": ORIGIN, "Access-Control-Request-Method": "PUT",
             "Access-Control-Request-Headers": "content-type"}

    def cors(a):
        return {k[len("access-control-"):]: v for k, v in a.headers.items()
                if k.startswith("access-control-")}
    a = p.ask("OPTIONS", "/app/x", None, first)
    same((a.status, a.body, a.headers.get("vary")), (204, b"", "Origin"),
         "OPTIONS: the web server answers")
    same(cors(a), {"allow-origin": ORIGIN, "allow-credentials": "true",
                   "allow-methods": "GET, POST, PUT, DELETE",
                   "allow-headers": "content-type", "max-age": "7200"},
         "what the browser wants to know")
    for origin in ("https://evil.example", ORIGIN + ".evil.example", "null",
                   "http://app.example.org"):
        a = p.ask("OPTIONS", "/app/x", token, {**first, "Origin": origin})
        same((a.status, a.body, cors(a).get("allow-origin")),
             (204, b"", None), "OPTIONS from " + origin)
    mine = {"Origin": ORIGIN, "Content-Type": "application/json"}
    for token, status in ((None, 401), (token, 403)):
        a = p.ask("PUT", "/app/x", token, mine, b"{}")
        same((a.status, cors(a).get("allow-origin"), b"method" in a.body),
             (status, ORIGIN, False), "the gate is asked as ever")
    p.grant("1")
    a = p.ask("PUT", "/app/x", token, mine, b"{}")
    same((a.status, a.json().get("method"), a.json().get("x-gatepost-user"),
          cors(a).get("allow-origin"), cors(a).get("allow-credentials")),
         (200, "PUT", "1", ORIGIN, "true"), "a member gets an answer")
    a = p.ask("PUT", "/app/x", token, {"Origin": "https://evil.example"}, b"")
    same(cors(a).get("allow-origin"), None, "no other page can read it")
    for method in ("GET", "POST", "options", "OPTION"):
        a = p.ask(method, "/app/x", None, {
            "Origin": ORIGIN, "X-HTTP-Method-Override": "OPTIONS"})
        ok(a.status in (400, 401, 405, 501) and b"method" not in a.body,
           "not past the gate: " + method, a)
    a = p.ask("OPTIONS", "/supporter/song", None, first)
    ok(a.status == 401 and len(a.body) < 100, "nor elsewhere", a)
