"""Gank's list of a creator's members, as docs.ganknow.com shows it: GET
payment/creator/subscribers, with a creator token. It has members, and faults."""

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "fake-creator-token"


class Gank:
    """A server of its own, in a thread; its port is free and local."""

    def __init__(self):
        self.members = []  # entries, the newest last
        self.fault = None  # (name, function of the handler) or None
        self.asked = []  # paths with their queries
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                fake.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()

    def add(self, payer, start, end, setting="setting-1"):
        """Times are RFC 3339 texts, or None."""
        entry = {"supporter_user_id": payer,
                 "supporter_nickname": "nick of " + payer,
                 "supporter_avatar": "https://img.example/" + payer,
                 "membership_setting_id": setting,
                 "subscription_start": start, "subscription_end": end,
                 "subscription_type_latest": "RECURRING",
                 "subscription_period": 1,
                 "latest_membership_detail_id": str(uuid.uuid4()),
                 "latest_membership_detail_month": 1}
        self.members.append(entry)
        return entry

    def page(self, query):
        """The page asked for: its entries, and how many there are."""
        page = int(query.get("page", ["1"])[0])
        size = int(query.get("per_page", ["10"])[0])
        return {"data": self.members[(page - 1) * size:page * size],
                "total": len(self.members)}

    def answer(self, handler):
        path = urlsplit(handler.path)
        self.asked.append(handler.path)
        if path.path != "/payment/creator/subscribers":
            send(handler, 404, {"message": "not found"})
        elif handler.headers.get("Authorization") != "Bearer " + TOKEN:
            send(handler, 401, {"message": "unauthorized"})
        else:
            body = self.page(parse_qs(path.query))
            if self.fault:
                self.fault(handler, parse_qs(path.query), body)
            else:
                send(handler, 200, body)


def send(handler, status, body, kind="application/json", cut=0):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data[:len(data) - cut] if cut else data)


# ---- faults ----------------------------------------------------------------

def unauthorized(handler, query, body):
    send(handler, 401, {"message": "token revoked"})


def front(handler, query, body):
    send(handler, 403, b"<html>Just a moment</html>", "text/html")


def html(handler, query, body):
    send(handler, 200, b"<html>maintenance</html>", "text/html")


def half(handler, query, body):
    send(handler, 200, json.dumps(body).encode()[:-20])


def lies(handler, query, body):
    send(handler, 200, dict(body, total=body["total"] + 1))


def fewer(handler, query, body):
    send(handler, 200, dict(body, total=body["total"] - 1))


def first_again(handler, query, body):
    """Every page is the first."""
    if query["page"] != ["1"]:
        body = dict(body, data=first_again.first)
    first_again.first = body["data"]
    send(handler, 200, body)


def no_second(handler, query, body):
    """The second page is empty."""
    send(handler, 200, body if query["page"] == ["1"] else
         dict(body, data=[]))


def grows(handler, query, body):
    """Somebody joins between two pages."""
    send(handler, 200, dict(body, total=body["total"] +
                            int(query["page"][0]) - 1))


def odd_last(handler, query, body):
    """One entry of the last page is not as it should be."""
    data = [dict(e) for e in body["data"]]
    if len(data) < 100 and data:
        data[-1]["subscription_end"] = "tomorrow"
    send(handler, 200, dict(body, data=data))


def no_payer(handler, query, body):
    data = [dict(e) for e in body["data"]]
    data[0]["supporter_user_id"] = 17
    send(handler, 200, dict(body, data=data))


def no_total(handler, query, body):
    send(handler, 200, {"data": body["data"]})


def list_only(handler, query, body):
    send(handler, 200, body["data"])


def down(handler, query, body):
    send(handler, 502, b"bad gateway", "text/plain")


# each with the words that say what is wrong
FAULTS = (
    (unauthorized, "refuses the token"), (front, "403"), (html, "no JSON"),
    (half, "no JSON"), (lies, "could not be read whole"),
    (fewer, "could not be read whole"),
    (first_again, "could not be read whole"),
    (no_second, "could not be read whole"),
    (grows, "could not be read whole"), (odd_last, "subscription_end"),
    (no_payer, "without an id"), (no_total, "JSON of another kind"),
    (list_only, "no JSON"), (down, "502"),
)
