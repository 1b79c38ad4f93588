"""Is an answer what cgi/openapi.json says of it? lib.py asks for each."""

import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote

FILE = Path(__file__).resolve().parents[2] / "cgi/openapi.json"
# below /gatepost on shared hosting
OURS = re.compile(r"^(/gatepost)?(/(?:v1/[^/]+|gate|live|healthz|metrics))$")


def inline(node, doc):
    """The document without references. Objects have no keys but theirs: apps
    are to pass over others, and here each of them is told of."""
    if isinstance(node, list):
        return [inline(part, doc) for part in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        found = doc
        for name in node["$ref"].split("/")[1:]:
            found = found[name]
        node = {**found, **{k: v for k, v in node.items() if k != "$ref"}}
    node = {k: inline(v, doc) for k, v in node.items()}
    if node.get("type") == "object" and "properties" in node:
        node.setdefault("additionalProperties", False)
    return node


class Document:
    def __init__(self, text):
        # Debian's package serves whatever python3 comes first
        sys.path.append("/usr/lib/python3/dist-packages")
        from jsonschema import Draft202012Validator
        self.make = Draft202012Validator
        self.doc = json.loads(text)
        self.paths = inline(self.doc["paths"], self.doc)
        self.error = {"content": {"application/json": {
            "schema": self.doc["components"]["schemas"]["Error"]}}}
        self.validators = {}
        self.looked = 0

    def schema(self, schema, value, where):
        key = id(schema)
        if key not in self.validators:
            self.validators[key] = self.make(schema)
        return ["%s/%s: %s" % (where, "/".join(map(str, e.path)),
                               e.message[:300])
                for e in self.validators[key].iter_errors(value)]

    def body(self, content, kind, body):
        """Of a documented type: JSON, text, or events with JSON in them."""
        schema = content[kind]["schema"]
        try:
            if kind == "text/event-stream":
                schema = content["application/json"]["schema"]
                values = [json.loads(line) for line in
                          re.findall(rb"^data: (.*)$", body, re.M)]
            elif kind == "application/json":
                values = [json.loads(body)]
            else:
                values = [body.decode()]
        except ValueError as why:
            return ["body: %s" % why]
        return [f for value in values for f in self.schema(schema, value,
                                                           "body")]

    def response(self, method, said, headers, body):
        faults = []
        for name, header in said.get("headers", {}).items():
            value = headers.get(name.lower())
            if value is not None:
                faults += self.schema(header["schema"], value, name)
            elif header.get("required"):
                faults.append("no header " + name)
        content = said.get("content", {})
        kind = headers.get("content-type", "").partition(";")[0]
        if kind not in (content or [""]):
            faults.append("content type '%s'" % kind)
        elif content and method != "HEAD":
            faults += self.body(content, kind, body)
        elif body:
            faults.append("a body")
        return faults

    def other_method(self, path, method, status, headers, body):
        """405 with the methods that are documented, if nothing is worse."""
        if status != 405:
            return [] if status in (413, 503) else ["an unknown method"]
        allow = {name.upper() for name in self.paths[path]}
        if "GET" in allow:
            allow.add("HEAD")
        faults = []
        if set(headers.get("allow", "").split(", ")) != allow:
            faults.append("Allow: %s" % headers.get("allow"))
        return faults + self.response(method, self.error, headers, body)

    def faults(self, method, uri, sent, status, headers, body):
        """What of an answer is not as documented: a list of texts. sent: the
        body of the request."""
        path = re.sub("/+", "/", unquote(uri.partition("?")[0])).rstrip("/")
        found = OURS.match(path)
        # the program alone does not know where a web server puts it
        if not found or (found[1] and status == 404):
            return []
        path = found[2]
        if path not in self.paths:
            return ["no such path"] if status < 300 else []
        self.looked += 1
        methods = self.paths[path]
        name = "get" if method == "HEAD" else method.lower()
        if methods.get("get", {}).get("x-any-method"):
            name = "get"
        if name not in methods:
            return self.other_method(path, method, status, headers, body)
        said = methods[name]["responses"].get(str(status))
        if said is None:
            return ["status %d" % status]
        faults = self.response(method, said, headers, body)
        kept = path == "/v1/openapi.json" and status == 200
        if (headers.get("cache-control") == "no-store") == kept:
            faults.append("Cache-Control: %s" % headers.get("cache-control"))
        # what is taken is documented, too
        if status == 200 and "requestBody" in methods[name] and \
                isinstance(sent, (bytes, str)):
            schema = methods[name]["requestBody"]["content"]
            faults += self.schema(schema["application/json"]["schema"],
                                  json.loads(sent), "request")
        return faults
