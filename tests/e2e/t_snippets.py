#!/usr/bin/env python3
"""The functions of gatepost-http(7) in PHP, Node and Python, as they stand
there: what they say of a user with a tier and without, and that they say why
they cannot tell, soon."""

import sys
sys.dont_write_bytecode = True
import json
import os
import re
import shutil
import socket
import subprocess
import time

from lib import TOP, Place, free_port, main, ok, same, stop

PAGE = TOP / "cgi/gatepost-http.7"
LONGEST = 20  # seconds: 2 for the time-out, and the start when it is busy
# before and behind the function: prints its answer as JSON
FRAMES = {
    "php": ("<?php\n", "echo json_encode(tier($argv[1]));\n"),
    "node": ("", "console.log(JSON.stringify("
             "await tier(process.argv[2])))\n"),
    "python3": ("", "print(json.dumps(tier(sys.argv[1])))\n"),
}


def snippets():
    found = re.findall(r'^\.\\" example: (\w+)\n\.Bd .*\n((?:.*\n)*?)\.Ed$',
                       PAGE.read_text(), re.M)
    return {name: text.replace("\\e", "\\") for name, text in found}


class Snippet:
    def __init__(self, p, name, text):
        before, behind = FRAMES[name]
        self.name = name
        self.file = p.dir / (name + ".mjs")
        self.file.write_text(before + text + behind)

    def tells(self, url, key, user, want, says, name):
        """want: the tier; says: what stands in the error log, None: nothing
        does."""
        begun = time.monotonic()
        done = subprocess.run(
            [self.name, self.file, user], capture_output=True, timeout=60,
            env={**os.environ, "GATEPOST_URL": url, "GATEPOST_KEY": key})
        took = time.monotonic() - begun
        log = done.stderr.decode()
        ok(done.returncode == 0 and json.loads(done.stdout) == want and
           ("Gatepost" not in log if says is None else says in log) and
           key not in log and took < LONGEST, "%s: %s" % (self.name, name), (took, done))


def asked():
    p = Place()
    p.run()
    p.nginx()
    p.cli("grant", "--user", "a b&c=ü", "--tier", "supporter")
    texts = snippets()
    same(sorted(texts), sorted(FRAMES), "the page has all three")
    here = "http://127.0.0.1:%d" % p.port
    nowhere = "http://127.0.0.1:%d" % free_port()
    silent = socket.create_server(("127.0.0.1", 0))
    hangs = "http://127.0.0.1:%d" % silent.getsockname()[1]
    key, all_three = p.api_key, []
    for name, text in texts.items():
        if not ok(shutil.which(name), name + " is there"):
            continue
        lines = text.count("\n")
        ok(lines <= 16, "%s: short, %d lines" % (name, lines))
        s = Snippet(p, name, text)
        all_three.append(s)
        s.tells(here, key, "a b&c=ü", "supporter", None, "a tier")
        s.tells(here, key, "43", None, None, "no tier")
        s.tells(here, "wrong" * 5, "a b&c=ü", None, "Gatepost: ",
                "a wrong key")
        s.tells(here + "/x", key, "43", None, "Gatepost: ",
                "an answer that is not Gatepost's")
        s.tells(nowhere, key, "43", None, "Gatepost: ", "nobody there")
        s.tells(hangs, key, "43", None, "Gatepost: ", "no answer")
    silent.close()
    stop(p.program)
    for s in all_three:
        s.tells(here, key, "a b&c=ü", None, "Gatepost: ", "Gatepost is down")


if __name__ == "__main__":
    main(asked)
