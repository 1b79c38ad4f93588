#!/usr/bin/env python3
"""The demo site of nginx/serve in Chromium: what was bought opens the page, what
was paid back closes it, though the ping was lost."""

import sys
sys.dont_write_bytecode = True
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from lib import (SLOW, TOP, folder, free_port, http_request, main, note,
                 npm_kept, ok, same, skip, start)
from served import Served

PLAYWRIGHT = "playwright-core@1.50.1"
SCRIPT = TOP / "tests/e2e/browser.mjs"
NAMES = ["Brushes <b>&\"'</b> 🖌️", "Letters <i>&\"'</i> 🖋️"]
LIMIT = 240  # seconds, for all that the browser does


def snippet():
    """The page in gatepost(7)."""
    found = re.search(r"^<script src=.*?^</script>$",
                      (TOP / "src/access/gatepost.7").read_text(), re.M | re.S)
    return found.group(0) if found else ""


def setting(conf, name):
    """The first value of a list."""
    return re.search(r"^\s*%s = \{ '(\w+)'" % name, conf.read_text(),
                     re.M).group(1)


def restart(served, conf, origin):
    """Allows an origin, then ends the program, which is started again."""
    text = conf.read_text()
    conf.write_text("allow_origin = { '%s' }\n" % origin + text)
    pids = [pid for pid, name in served.children(own=True).items()
            if name == "gatepost.fcgi"]
    same(len(pids), 1, "one program")
    os.kill(pids[0], signal.SIGTERM)


def browser():
    if SLOW:
        skip("the demo in a browser", "it has a build of its own")
        return
    program = shutil.which("chromium")
    if not ok(program and shutil.which("node") and shutil.which("npm"),
              "chromium, node and npm are there"):
        return
    modules = npm_kept(PLAYWRIGHT)
    if not modules:
        return
    place, port = folder(), free_port()
    conf = place / "data/gatepost.conf"
    # a product with a name that a page could take for markup
    conf.parent.mkdir()
    (place / "data/shop.json").write_text(json.dumps([{
        "name": NAMES[0], "kind": "membership",
        "custom_permalink": "gatepost-demo",
        "tiers": {NAMES[1]: {"monthly": 900}}}]))
    served = Served("--port", str(port), "--data", str(place / "data"))
    if not ok(served.ready(), "the demo starts", served.text):
        return
    shots = Path(os.environ.get("SHOTS", place / "shots"))
    shots.mkdir(exist_ok=True)
    order = {"url": "http://127.0.0.1:%d" % port, "chromium": program,
             "modules": str(modules), "shots": str(shots),
             "readme": snippet(), "names": NAMES, "conf": str(conf),
             "root": os.getuid() == 0, "key": setting(conf, "api_keys"),
             "gatepost": str(TOP / "build/serve/gatepost")}
    child = start(["timeout", LIMIT, "node", SCRIPT], text=True,
                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdin.write(json.dumps(order))
    child.stdin.close()
    for line in child.stdout:
        said = json.loads(line)
        if "note" in said:
            note(said["note"])
        elif "restart" in said:
            restart(served, conf, said["restart"])
        else:
            ok(said["passed"], said["name"], said["detail"])
    same(child.wait(), 0, "all of it ran")
    token = setting(conf, "tokens")
    ok(token not in http_request(port, "GET", "/shop/counter").body.decode(),
       "the shop shows nobody where it posts to")
    logs = b"".join(p.read_bytes() for p in (place / "data").glob("*.log"))
    ok(token.encode() not in logs, "no log holds the token")
    same(served.end(), 0, "Ctrl-C: exit 0")


if __name__ == "__main__":
    main(browser)
