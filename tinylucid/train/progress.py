"""What training looks like on the screen: a bar an epoch, which stays with its result; plain lines where no terminal is."""

from __future__ import annotations

import sys
import time
from typing import Any


class Progress:
    """Follows a run, on stderr: its ``epoch`` of ``epochs``, ``steps`` an epoch, ``done`` of them, ``steps_left`` of all, ``history``.

    ``sums`` are those of the epoch so far: ``means()`` by the names in the history, ``pictures`` and ``seconds``.
    """

    def __init__(self, run: Any) -> None:
        self.run, self.started, self.steps = run, time.perf_counter(), 0
        self.bar: Any = None

    def begin(self) -> None:
        """A bar for the epoch in work; none where stderr is no terminal."""
        from tqdm import tqdm

        run = self.run
        self.title = f"epoch {run.epoch}/{run.epochs}"
        form = "{desc} |{bar:10}| {n_fmt}/{total_fmt}{postfix}"
        self.bar = tqdm(total=run.steps, initial=run.done, desc=self.title, bar_format=form, disable=None)

    def step(self, sums: Any) -> None:
        """One more step is done."""
        self.steps += 1
        if self.bar.disable:
            return
        seconds = self.run.steps_left * (time.perf_counter() - self.started) / self.steps  # of the run, validation too
        self.bar.set_postfix_str(f"{self.told(sums.means())}  {speed(sums)}  {clock(seconds)} left", refresh=False)
        self.bar.update()

    def end(self, sums: Any) -> None:
        """The epoch is over: its bar, or its line, says how it went."""
        means = {name: values[-1] for name, values in self.run.history.to_dict().items() if values}
        if self.bar.disable:
            say(f"{self.title}  {self.told(means)}  {speed(sums)}  {clock(means['seconds'])}")
        else:
            self.bar.bar_format = "{desc}{postfix}"  # the bar is full: its room is for the result
            self.bar.set_postfix_str(f"{self.told(means)}  {clock(means['seconds'])}")
        self.close()

    def told(self, means: dict[str, float]) -> str:
        """Means in the history's words; what has no value has none told."""
        words = self.run.history.WORDS
        return "  ".join(f"{words[n]} {means[n]:.3f}" for n in words if n in means and means[n] == means[n])

    def close(self) -> None:
        """Leave the bar as it is."""
        if self.bar is not None:
            self.bar.close()


def speed(sums: Any) -> str:
    """Pictures learnt from in a second."""
    return f"{sums.pictures / max(sums.seconds, 1e-9):,.0f} images/s"


def clock(seconds: float) -> str:
    """75 seconds as 1:15, an hour as 1:00:00."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"


def say(line: str) -> None:
    """A line on stderr."""
    print(line, file=sys.stderr, flush=True)
