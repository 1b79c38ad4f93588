"""A request to the fake server and its answer, without any socket."""

import json
import re
import urllib.parse


class Reply(Exception):
    """An answer; raised where it ends the work on a request."""

    def __init__(self, status, body=b"", kind="text/html; charset=utf-8",
                 headers=()):
        super().__init__(status)
        self.status, self.body, self.kind = status, body, kind
        self.headers = list(headers)
        self.cut = False  # the connection ends before the answer does

    @property
    def json(self):
        return json.loads(self.body)


def as_json(members, status=200):
    body = json.dumps(members, separators=(",", ":"), ensure_ascii=False)
    return Reply(status, body.encode(), "application/json; charset=utf-8")


def refused(message):
    """Not found, or not done: 200, all the same."""
    return as_json({"success": False, "message": message})


def bad_parameter(message):
    return as_json({"status": 400, "error": message}, 400)


def is_broken(text):
    """A percent sign that is none of %XX, or bytes that are no UTF-8."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        return True
    try:
        urllib.parse.unquote_to_bytes(text.replace("+", " ")).decode()
        return False
    except UnicodeDecodeError:
        return True


class Request:
    def __init__(self, method, target, headers, body=b"", address=""):
        self.method, self.target, self.body = method, target, body
        self.path, _, self.query = target.partition("?")
        self.headers = {k.lower(): v for k, v in dict(headers).items()}
        self.address = address

    @property
    def is_json(self):
        kind = self.headers.get("content-type", "")
        return kind.startswith("application/json")

    def broken(self):
        form = "" if self.is_json else self.body.decode("latin-1")
        return is_broken(self.query) or is_broken(form)

    @property
    def params(self):
        """One name space: query, then the body, in whatever form."""
        found = dict(urllib.parse.parse_qsl(self.query, True))
        if self.is_json and self.body:
            more = json.loads(self.body)
            found.update(more if isinstance(more, dict) else {})
        elif self.body:
            found.update(urllib.parse.parse_qsl(self.body.decode(), True))
        return found

    @property
    def token(self):
        """The first that is not empty."""
        bearer = self.headers.get("authorization", "")
        if bearer.lower().startswith("bearer ") and bearer[7:].strip():
            return bearer[7:].strip()
        params = self.params
        return params.get("access_token") or params.get("bearer_token")
