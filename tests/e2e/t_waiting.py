#!/usr/bin/env python3
"""The page after checkout in Chromium, with confirm = 'before': it says that
the payment is being confirmed, and opens by itself."""

import sys
sys.dont_write_bytecode = True
import json
import os
import shutil
import subprocess
from pathlib import Path

from asked import encoded, place, sale_ping, shop
from lib import (SLOW, TOP, jwt, main, note, npm_kept, ok, same, skip, start,
                 stop)
from t_browser import PLAYWRIGHT

SCRIPT = TOP / "tests/e2e/waiting.mjs"
LIMIT = 120  # seconds, for all that the browser does
ASKING = 3  # seconds until the shop answers


def waiting():
    if SLOW:
        skip("waiting in a browser", "it is about a browser")
        return
    program = shutil.which("chromium")
    if not ok(program and shutil.which("node") and shutil.which("npm"),
              "chromium, node and npm are there"):
        return
    modules = npm_kept(PLAYWRIGHT)
    if not modules:
        return
    f = shop()
    # no pass of its own finds the sale before its ping
    p = place(f, "confirm = 'before'\n  reconcile = '0'")
    p.run()
    p.nginx()
    f.do("misbehave", kind="delay", path="/v2/sales", seconds=ASKING)
    real = f.buy(email="ada@example.com", url_params={"user_id": "u1"})["sale"]
    shots = Path(os.environ.get("SHOTS", p.dir / "shots"))
    shots.mkdir(exist_ok=True)
    order = {"url": "http://127.0.0.1:%d" % p.port, "chromium": program,
             "modules": str(modules), "shots": str(shots),
             "root": os.getuid() == 0, "hook": "/hooks/gumroad/" + p.tokens[0],
             "real": {"pass": jwt(p, "u1"), "ping": encoded(sale_ping(
                 p, real, email="ada@example.com",
                 **{"url_params[user_id]": "u1"})).decode()},
             "forged": {"pass": jwt(p, "u2"), "ping": encoded(sale_ping(
                 p, "Forged==", **{"url_params[user_id]": "u2"})).decode()}}
    child = start(["timeout", LIMIT, "node", SCRIPT], text=True,
                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdin.write(json.dumps(order))
    child.stdin.close()
    for line in child.stdout:
        said = json.loads(line)
        if "note" in said:
            note(said["note"])
        else:
            ok(said["passed"], said["name"], said["detail"])
    same(child.wait(), 0, "all of it ran")
    same(p.one("SELECT count(*) FROM purchases WHERE since IS NULL"), 1,
         "the forged one gives nothing")
    same(stop(p.program), 0, "exit 0")


if __name__ == "__main__":
    main(waiting)
