"""An app behind the gate: says what it was told of the visitor."""

import http.server
import json


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

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *_):
        pass


def members_app(song):
    """On a free port. song: the headers by which it has the web server send
    a file, for /app/song."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    server.song = song
    return server
