"""The fake server for a test: starts it and asks it."""

import json
import subprocess
from pathlib import Path

from lib import http_request, start

HERE = Path(__file__).resolve().parent


class Fake:
    def __init__(self, *more, clock="2026-03-10T12:00:00Z", speed=0):
        self.child = start([HERE / "gumroad", "--clock", clock, "--speed",
                            speed, *more], stdout=subprocess.PIPE)
        self.about = json.loads(self.child.stdout.readline())
        self.port = self.about["port"]

    def ask(self, method, path, token="fake-token", body=None, **headers):
        if token:
            headers["Authorization"] = "Bearer " + token
        if body is not None:
            headers.setdefault("Content-Type",
                               "application/x-www-form-urlencoded")
        return http_request(self.port, method, path, body, headers)

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def do(self, name, /, **given):
        answer = http_request(self.port, "POST", "/fake/" + name,
                              json.dumps(given))
        if answer.status != 200:
            raise RuntimeError("%s: %r" % (name, answer))
        return answer.json()

    def buy(self, product="pencil", email="calvin@example.com", **more):
        return self.do("buy", product=product, email=email, **more)

    def sales(self, query="", **more):
        return self.get("/v2/sales" + query, **more).json()

    def ids(self, query=""):
        return [s["id"] for s in self.sales(query)["sales"]]

    def walk(self):
        found, key = [], None
        while True:
            answer = self.sales("?page_key=" + key if key else "")
            found += [s["id"] for s in answer["sales"]]
            key = answer.get("next_page_key")
            if not key:
                return found
