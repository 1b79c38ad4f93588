"""nginx/serve running, its output read as it comes."""

import os
import signal
import subprocess
import threading

from lib import LIMIT, TOP, start, until

SERVE = TOP / "nginx/serve"
BUILDING = 300  # seconds


class Served:
    def __init__(self, *args):
        self.text = ""
        self.child = start([SERVE, *args], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True,
                           start_new_session=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.child.stdout:
            self.text += line

    def ready(self):
        until(lambda: self.child.poll() is not None or
              "Ctrl-C stops it" in self.text, "nginx/serve", BUILDING)
        return self.child.poll() is None

    def children(self, own=False):
        """Its processes, by pid: gatepost.fcgi, nginx, the shop; and theirs,
        unless own."""
        found = {}
        for pid in os.listdir("/proc"):
            try:
                with open("/proc/%s/stat" % pid) as f:
                    fields = f.read().rsplit(")", 1)
                parent, _, session = map(int, fields[1].split()[1:4])
                if (parent if own else session) == self.child.pid:
                    found[int(pid)] = fields[0].split("(")[1]
            except (OSError, ValueError, IndexError):
                pass
        found.pop(self.child.pid, None)
        return found

    def end(self, number=signal.SIGINT):
        self.child.send_signal(number)
        return self.child.wait(LIMIT)
