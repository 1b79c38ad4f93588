"""What will happen, by time; what falls on the same second, in order."""

import heapq


class Agenda:
    def __init__(self, now):
        self.now = int(now)
        self.heap = []
        self.count = 0

    def at(self, t, act, *args):
        self.count += 1
        heapq.heappush(self.heap, (int(t), self.count, act, args))

    def next(self):
        """The time of what comes next, or None."""
        return self.heap[0][0] if self.heap else None

    def waiting(self, act):
        """The (time, arguments) of what will be done by this function."""
        return sorted(((when, args) for when, _, does, args in self.heap
                       if does == act), key=lambda found: found[0])

    def run_to(self, t):
        """Lets everything up to t happen, each at its time."""
        while self.heap and self.heap[0][0] <= t:
            when, _, act, args = heapq.heappop(self.heap)
            self.now = max(self.now, when)
            act(*args)
        self.now = max(self.now, int(t))
