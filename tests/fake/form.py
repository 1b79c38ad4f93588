"""A ping's body, byte for byte as Gumroad's serializer writes it.

Everything but A-Z a-z 0-9 _ - . ~ is %XX; a blank is %20. Brackets that
belong to a name are encoded before the name gets into brackets. Of a mapping
the plain members come first, the deeper mappings after them.
"""

import json
import urllib.parse


def quote(text):
    return urllib.parse.quote(text, safe="")


def word(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def name(key):
    return str(key).replace("[", "%5B").replace("]", "%5D")


def pairs(key, value):
    """The (key, text) pairs of one member, its key encoded once."""
    if isinstance(value, (list, tuple)):
        if not value:
            return [(key + "[]", "")]
        return [pair for v in value for pair in pairs(key + "[]", v)]
    if not isinstance(value, dict):
        return [(key, word(value))]
    found, waiting = [], [(key, value)]
    while waiting:
        parent, members = waiting.pop(0)
        for child, inner in members.items():
            child = "%s[%s]" % (parent, name(child))
            if isinstance(inner, dict):
                waiting.append((child, inner))
            else:
                found += pairs(child, inner)
    return found


def encode(payload):
    found = [pair for key, value in payload.items()
             for pair in pairs(name(key), value)]
    return "&".join(quote(k) + "=" + quote(v) for k, v in found).encode()


def encode_json(payload):
    return json.dumps(payload, separators=(",", ":"),
                      ensure_ascii=False).encode()
