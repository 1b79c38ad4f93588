"""A program at a terminal of its own: what it shows, and what is typed."""

import os
import pty
import re
import select
import signal
import termios
import time

from lib import LIMIT, _cleanups


class Terminal:
    def __init__(self, *argv, **env):
        self.text = ""
        self.at = 0  # what was waited for is behind
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(env)
            os.execvp(str(argv[0]), [str(a) for a in argv])
        _cleanups.append(self.end)

    def read(self, seconds):
        """One piece, if it comes in that time. False: the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self.fd, 65536)
        except OSError:
            return False
        self.text += piece.decode(errors="replace").replace("\r\n", "\n")
        return bool(piece)

    def wait(self, pattern, limit=LIMIT):
        """Until it shows that, behind what was waited for before."""
        end = time.monotonic() + limit
        while True:
            found = re.search(pattern, self.text[self.at:])
            if found:
                self.at += found.end()
                return found
            if not self.read(0.1) or time.monotonic() > end:
                raise RuntimeError("waited for %r in\n%s" % (
                    pattern, self.text))

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def type(self, line):
        os.write(self.fd, line.encode() + b"\n")

    def answer(self, question, line, hidden=False):
        """Waits for the question's colon; hidden: and until nothing is
        echoed."""
        self.wait(question + r"[^\n]*: ")
        end = time.monotonic() + LIMIT
        while hidden and self.echoes() and time.monotonic() < end:
            time.sleep(0.01)
        self.type(line)

    def press(self, key):
        os.write(self.fd, key)

    def exit(self, limit=LIMIT):
        end = time.monotonic() + limit
        while self.read(0.1) and time.monotonic() < end:
            pass
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def end(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.status = -1
        os.close(self.fd)
