"""What the API can do wrong, for chosen paths and the next N requests."""

import json
import re
import urllib.parse

from clock import DAY, parse
from request import Reply, as_json, bad_parameter, refused

TIMED_OUT = ("Query timed out. Try narrowing your date range with "
             "'after'/'before' or filtering by product_id.")
HTML = (b"<!DOCTYPE html>\n<html><head><title>gumroad.com | 502: Bad gateway"
        b"</title></head><body><h1>Bad gateway</h1></body></html>\n")
HUGE = 10 * 1024 * 1024

KINDS = {
    "unauthorized": "401, empty",
    "forbidden": "403, empty",
    "timed_out": "400: query timed out",
    "long_window": "400: query timed out, if after..before is longer than "
                   "`days`",
    "throttled": "429, text; Retry-After if `seconds` is given",
    "bad_gateway": "502, HTML",
    "html": "200, HTML",
    "half": "200, the first half of the JSON",
    "delay": "the true answer, `seconds` late",
    "closed": "the connection ends without an answer",
    "short": "the connection ends in the middle of the answer",
    "refused": "200, success false",
    "same_page": "a page that says for ever that it is not the last",
    "wrong_types": "numbers as text, text as numbers, lists as objects",
    "huge": "a JSON of 10 MiB",
    "other_user": "the user of another account",
    "other_ids": "each id in the place of another of its kind",
    "not_found": "200, success false: as if it were not there",
}


class Switches:
    def __init__(self):
        self.rules = []

    def add(self, kind, path=None, method=".*", count=None, **more):
        """count: of requests, None: until it is cleared."""
        if kind not in KINDS:
            raise ValueError("kind is one of: " + " ".join(sorted(KINDS)))
        if path is None:
            path = r"/sales(\.json)?$" if kind == "long_window" else ""
        re.compile(path)
        self.rules.append(dict(more, kind=kind, path=path, method=method,
                               count=count))

    def clear(self):
        self.rules.clear()

    def take(self, request):
        """The rule for this request; it counts down."""
        for rule in self.rules:
            if rule["count"] != 0 and \
                    re.search(rule["path"], request.path) and \
                    re.fullmatch(rule["method"], request.method) and \
                    (rule["kind"] != "long_window" or
                     days(request.params) > float(rule.get("days", 31))):
                if rule["count"] is not None:
                    rule["count"] -= 1
                return rule
        return None


def days(params):
    """The length of the window that is asked for."""
    try:
        after, before = params.get("after"), params.get("before")
        if after is None:
            return float("inf")
        end = parse(before[:10]) if before else 4102444800
        return (end - parse(after[:10])) / DAY
    except ValueError:
        return 0


def instead(rule):
    """The answer in place of the true one, or None."""
    kind = rule["kind"]
    if kind == "unauthorized":
        return Reply(401, headers=[("WWW-Authenticate", (
            'Bearer realm="Doorkeeper", error="invalid_token", '
            'error_description="The access token is invalid"'))])
    if kind == "forbidden":
        return Reply(403, headers=[("WWW-Authenticate", (
            'Bearer realm="Doorkeeper", error="insufficient_scope"'))])
    if kind in ("timed_out", "long_window"):
        return bad_parameter(TIMED_OUT)
    if kind == "throttled":
        wait = rule.get("seconds")
        return Reply(429, b"Retry later\n", "text/plain", [] if wait is None
                     else [("Retry-After", str(wait))])
    if kind in ("bad_gateway", "html"):
        return Reply(502 if kind == "bad_gateway" else 200, HTML)
    if kind in ("refused", "not_found"):
        return refused("The sale was not found." if kind == "not_found"
                       else "Something went wrong.")
    if kind == "closed":
        reply = Reply(200)
        reply.cut = True
        return reply
    return None


def twist(rule, request, reply, other):
    """The true answer, made wrong. other: the account beside."""
    kind = rule["kind"]
    if kind == "half":
        reply.body = reply.body[:len(reply.body) // 2]
        return reply
    if kind == "huge":
        return as_json({"success": True, "sales": [], "filler": "x" * HUGE})
    if kind == "short":
        reply.cut = True
        return reply
    if kind == "same_page":
        rule.setdefault("page", _same_page(reply.json, request))
        return as_json(rule["page"])
    if kind == "other_user" and "user" in reply.body.decode("latin-1"):
        members = reply.json
        members["user"].update(user_id=other.shop.id,
                               id=other.shop.seller.account,
                               name=other.name, email=other.shop.seller.email)
        return as_json(members)
    if kind in ("wrong_types", "other_ids"):
        change = _wrong_types if kind == "wrong_types" else _other_ids
        return as_json(change(reply.json), reply.status)
    return reply


def _same_page(answer, request):
    """The first answer, which is from then on the answer to all."""
    key = answer.setdefault("next_page_key", "20260101000000000000-1")
    answer["next_page_url"] = "%s?%s" % (request.path, urllib.parse.urlencode(
        {"page_key": key}))
    return answer


def _wrong_types(value):
    """Numbers and words as text, text as numbers, lists as objects."""
    if isinstance(value, dict):
        return {k: v if k == "success" else _wrong_types(v)
                for k, v in value.items()}
    if isinstance(value, list):
        if all(isinstance(v, dict) for v in value):
            return [_wrong_types(v) for v in value]
        return {str(i): _wrong_types(v) for i, v in enumerate(value)}
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return 7 if isinstance(value, str) else []


def _other_ids(value):
    """Ids stay ids, but of another kind: the seller's as the sale's."""
    swap = {"id": "seller_id", "seller_id": "product_id",
            "product_id": "subscription_id", "subscription_id": "id"}
    if isinstance(value, list):
        return [_other_ids(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: value.get(swap[k], v) if k in swap else _other_ids(v)
            for k, v in value.items()}
