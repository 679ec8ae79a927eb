"""How many threads make the next updates: all that may, or one, as time shows."""

SOON, LATE = 0.25, 8.0  # seconds until the other number is tried, at first and at most
FEWEST = 50  # steps before a try: one of a long step costs much of a short training
SLOWER = 1.15  # times as long as when they were compared: worth another comparison


class Teams:
    """Chooses between as many threads as allowed and one, by what a step took.

    Threads of one step meet several times. Where other programs keep the processor
    busy, each waits for the one that is not running, and one thread alone is faster.
    The results have the same bits, so the number may change at any step: the other one
    is tried for a moment now and then, less and less often while nothing changes. All
    who may work are compared with one again only when they have become slower.

    Parameters
    ----------
    threads : int
        How many are allowed.
    pace : float
        Seconds that a step is taken for before the first one.
    """

    def __init__(self, threads: int, pace: float) -> None:
        self.sizes = sorted({1, threads})
        self.paces = dict.fromkeys(self.sizes, pace)
        self.best, self.now = threads, threads
        self._waited, self._patience = 0.0, SOON
        self._compared = 0.0  # the pace of the best when it was compared

    @property
    def pace(self) -> float:
        """Seconds a step of those who work now, about."""
        return self.paces[self.now]

    @property
    def trying(self) -> bool:
        """Whether those who work now are only tried."""
        return self.now != self.best

    def worked(self, seconds: float, steps: int) -> None:
        """Take down how long some steps took, and choose who makes the next.

        Parameters
        ----------
        seconds : float
            How long those who work now took.
        steps : int
            For how many steps.
        """
        self.paces[self.now] = max(1e-8, seconds / max(1, steps))
        if len(self.sizes) == 1:
            return
        if self.trying:
            other = self.paces[self.best]
            if self.pace < other:
                self.best, self._patience = self.now, SOON
            else:
                self._patience = min(LATE, 2 * self._patience)
            self.now, self._waited = self.best, 0.0
            self._compared = self.pace
            return
        self._waited += seconds
        few, many = self.sizes
        if self.now == many and self.pace < SLOWER * self._compared:
            return
        if self._waited > max(self._patience, FEWEST * self.pace):
            self.now = few if self.best == many else many
