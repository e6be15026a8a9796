"""A real headless Chromium for the tests, spoken to over its debugging pipe: https://chromedevtools.github.io/devtools-protocol/

The window of a headless Chromium is not narrower than some 500 pixels; the page's own metrics, which it sets here, are.
"""

import base64
import fcntl
import json
import os
import select
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)  # fmt: skip
PATIENCE = 60.0  # seconds for an answer, on a busy machine


def find_chromium():
    """The path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def above_the_first(number):
    """The same file under a number of 10 or more: the browser's 3 and 4 must be free."""
    moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(number)
    return moved


class Browser:
    """One page of one browser, which is ended by ``close``."""

    def __init__(self, profile):
        """Start it with ``profile``, a new empty folder, for its own files."""
        ends = (*os.pipe(), *os.pipe())
        theirs_in, self.send_to, self.receive_from, theirs_out = (above_the_first(end) for end in ends)
        null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
        actions = [*null, (os.POSIX_SPAWN_DUP2, theirs_in, 3), (os.POSIX_SPAWN_DUP2, theirs_out, 4)]
        command = [find_chromium(), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self.process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
        os.close(theirs_in)
        os.close(theirs_out)
        self.number, self.received, self.events, self.session = 0, b"", [], None
        pages = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in pages if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Network.enable")

    def call(self, method, **params):
        """The result of one command; RuntimeError if the browser refuses it."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        left = json.dumps(message).encode() + b"\0"
        while left:
            left = left[os.write(self.send_to, left) :]
        while (answer := self.receive()).get("id") != self.number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def receive(self):
        """The next message, an answer or an event."""
        while b"\0" not in self.received:
            if not select.select([self.receive_from], [], [], PATIENCE)[0]:
                raise TimeoutError(f"the browser has said nothing for {PATIENCE:.0f} seconds")
            chunk = os.read(self.receive_from, 1 << 20)
            if not chunk:
                raise EOFError("the browser has ended")
            self.received += chunk
        message, _, self.received = self.received.partition(b"\0")
        return json.loads(message)

    def show(self, url, width, height=900, dark=False):
        """Open a page so many CSS pixels wide, in the light or the dark scheme, and wait until it is loaded."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.receive())

    def requested(self):
        """Every address that the page shown has asked for."""
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]

    def evaluate(self, script):
        """The value of JavaScript in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def screenshot(self):
        """The whole page, as the bytes of a PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def pdf(self):
        """The page as it is printed on A4, as the bytes of a PDF."""
        return base64.b64decode(
            self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, preferCSSPageSize=True)["data"]
        )

    def close(self):
        """End the browser, and wait for it."""
        self.session = None
        self.call("Browser.close")
        os.waitpid(self.process, 0)
        os.close(self.send_to)
        os.close(self.receive_from)
