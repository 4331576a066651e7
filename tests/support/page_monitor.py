"""Monitors a page in Chromium that displays untrusted HTML: scripts that run, dialogs, and all network requests.

Every host name resolves to one server on this machine. The server therefore receives everything that the page sends:
requests for images and style sheets, prefetches, pings, and connections without a request.

The module imports nothing from gemini_magic: the tests decide what is allowed.
"""

from __future__ import annotations

import contextlib
import re
import socketserver
import threading
import time
from collections.abc import Iterable
from typing import Any, Self

HOST = "exam.test"
_RECORD_HEAD = 5
# Hosts that Chromium contacts by itself, with any page.
_BROWSER_HOSTS = re.compile(r"\.(?:google|googleapis|gvt1|gstatic)\.com$|^www\.google\.com$|^redirector\.")


def _server_name(hello: bytes) -> str:
    """The host name in a TLS ClientHello (RFC 8446, section 4.1.2; RFC 6066, section 3); "unknown" if it has no name."""
    at = _RECORD_HEAD + 4 + 2 + 32  # record, handshake, version, random
    for size in (1, 2, 1):  # session, ciphers, compression
        at += size + int.from_bytes(hello[at : at + size], "big")
    at += 2
    while at + 4 <= len(hello):
        kind, size = (int.from_bytes(hello[at + i : at + i + 2], "big") for i in (0, 2))
        if kind == 0:
            return hello[at + 9 : at + 4 + size].decode("latin-1")
        at += 4 + size
    return "unknown"


class CatchAllServer:
    """A server for every host name. It serves `pages` for `HOST`, and records every other request in `caught`.

    Attributes:
        pages: HTML by path.
        caught: Host and first line of each unexpected request; the line is "tls" for a TLS connection.
    """

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.caught: list[tuple[str, str]] = []
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.settimeout(5)
                with contextlib.suppress(OSError):
                    outer._answer(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 256

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05}
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, host: str, seconds: float = 5) -> None:
        """Wait until a request to a host is recorded, at most `seconds`."""
        end = time.monotonic() + seconds
        while host not in {name for name, _ in self.caught} and time.monotonic() < end:
            time.sleep(0.01)

    def _answer(self, connection: Any) -> None:
        head = connection.recv(16_384)
        line, _, rest = head.partition(b"\r\n")
        if not re.match(rb"[A-Z]+ ", line):
            # TLS: the first message has the host name in clear text. A connection without data has no name.
            while len(head) < _RECORD_HEAD + int.from_bytes(head[3:5], "big") and (
                more := connection.recv(16_384)
            ):
                head += more
            self._record(_server_name(head), "tls")
            return
        found = re.search(rb"(?im)^host: *([^\r\n:]*)", rest)
        host = found[1].decode("latin-1") if found else "unknown"
        path = line.split(b" ")[1].decode("latin-1")
        page = self.pages.get(path) if host == HOST else None
        if page is None and not (host == HOST and path == "/favicon.ico"):
            self._record(host, line.decode("latin-1"))
        body = (page or "").encode("utf-8", "replace")
        status = b"200 OK" if page is not None else b"404 Not Found"
        kind = b"Content-Type: text/html; charset=utf-8\r\nContent-Security-Policy-Report-Only: " + _POLICY
        connection.sendall(
            b"HTTP/1.1 %b\r\n%b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
            % (status, kind, len(body), body)
        )

    def _record(self, host: str, line: str) -> None:
        if not _BROWSER_HOSTS.search(host):
            self.caught.append((host, line))


# The policy only reports: nothing is blocked, and the page gets an event for each attempt, even if it fails.
_POLICY = b"default-src 'none'; img-src http://exam.test/favicon.ico data:; media-src data:; style-src-attr 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-src 'self'"

# Runs first in every frame. Logs calls by scripts on the console, because messages from all frames arrive there.
HOOKS = """(() => {
    const log = (...words) => console.debug("RAN", ...words.map(String));
    for (const name of ["alert", "confirm", "prompt", "print", "open"])
        window[name] = (...words) => { log(name, ...words); return null; };
    Object.defineProperty(window, "pwned", {set(value) { log("pwned", value); }, configurable: false});
    addEventListener("message", () => log("message"));
    const reported = new Set();
    document.addEventListener("securitypolicyviolation", event => {
        const what = event.effectiveDirective + " " + event.blockedURI;
        if (!reported.has(what)) { reported.add(what); console.debug("TRIED", what, event.sample); }
    });
})();"""

# Runs in the page: `exam.put(fragments)` displays HTML fragments, sends events to all their elements, and returns
# the elements and attributes.
TOOLS = """(() => {
    const EVENTS = ["mouseover", "mouseenter", "mousemove", "mousedown", "mouseup", "click", "dblclick", "contextmenu",
        "auxclick", "pointerover", "pointerenter", "pointerdown", "pointerup", "touchstart", "keydown", "keypress", "keyup",
        "focus", "focusin", "blur", "input", "change", "submit", "drag", "dragstart", "drop", "copy", "paste", "wheel",
        "scroll", "toggle", "beforetoggle", "load", "error", "animationstart", "transitionend", "beforematch"];
    // Event handlers run, but links and forms do not leave the page.
    const stay = (window) => { for (const type of ["click", "auxclick", "submit", "dragstart"])
        window.addEventListener(type, event => event.preventDefault(), true); };
    stay(window);
    const touch = (element) => {
        // An element with only these attributes cannot have a handler.
        if (!Array.from(element.attributes).some(({name}) => !["class", "style", "start"].includes(name))) return;
        if (element.focus) element.focus({preventScroll: true});
        for (const type of EVENTS) element.dispatchEvent(new Event(type, {bubbles: true, cancelable: true}));
        if (element.click) element.click();
    };
    const walk = (root, seen) => {
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_ALL);
        while (walker.nextNode()) {
            const node = walker.currentNode;
            if (node.nodeType === Node.TEXT_NODE) continue;
            if (node.nodeType !== Node.ELEMENT_NODE) { seen.add(`node ${node.nodeName}`); continue; }
            if (node.namespaceURI !== "http://www.w3.org/1999/xhtml") seen.add(`foreign ${node.nodeName}`);
            if (node.shadowRoot || node.content) seen.add(`hidden ${node.nodeName}`);
            if (!node.attributes.length) seen.add(JSON.stringify([node.localName]));
            for (const {name, value} of node.attributes)
                seen.add(JSON.stringify([node.localName, name, value, name === "href" ? where(node) : ""]));
        }
    };
    // The target of a link, as the browser parses it.
    const where = (link) => link.username || link.password ? "credentials" : link.protocol + "//" + link.hostname;
    const rest = (ms) => new Promise(done => setTimeout(done, ms));
    const exam = window.exam = {
        stay, touch, where,
        async put(fragments, pause) {
            const seen = new Set();
            const places = fragments.map(html => {
                const place = document.createElement("div");
                place.className = "widget-html-content jp-RenderedHTMLCommon";
                place.innerHTML = html;  // as a widget does
                document.body.append(place);
                return place;
            });
            let changed = 0;
            for (const [i, place] of places.entries()) {
                walk(place, seen);
                // It must be the same after it is serialised and parsed again: mutation XSS uses the difference.
                const reparsed = document.createElement("div");
                reparsed.innerHTML = place.innerHTML;
                changed += Array.from(reparsed.childNodes).some((node, j) => !node.isEqualNode(place.childNodes[j]));
            }
            document.body.querySelectorAll("div *").forEach(touch);
            await rest(pause);
            places.forEach(place => place.remove());
            return {seen: Array.from(seen), changed};
        },
        // The content of the sections of a page that was loaded as a document.
        async read(pause) {
            const seen = new Set();
            const places = Array.from(document.querySelectorAll("body > section"));
            places.forEach(place => walk(place, seen));
            document.body.querySelectorAll("*").forEach(touch);
            await rest(pause);
            return {seen: Array.from(seen), count: places.length, strays: document.body.children.length - places.length,
                head: document.head.children.length};
        },
        // Lets fragments attack inside frames: each group in one frame, set as a widget does it, and each of the
        // others as the document of a separate frame.
        async apart(together, alone, pause) {
            const frames = [...together.map(() => ""), ...alone].map(html => {
                const frame = document.createElement("iframe");
                if (html) frame.srcdoc = "<!DOCTYPE html><body>" + html;
                document.body.append(frame);
                return frame;
            });
            for (const [i, fragments] of together.entries()) {
                stay(frames[i].contentWindow);
                const body = frames[i].contentDocument.body;  // soon hidden by some <form name=body>
                for (const html of fragments) {
                    const place = document.createElement("div");
                    body.append(place);
                    place.innerHTML = html;
                }
            }
            await rest(pause);
            for (const frame of frames) try {
                const inside = frame.contentDocument;
                stay(frame.contentWindow);
                inside.querySelectorAll("*").forEach(touch);
                for (const link of inside.querySelectorAll("a[href], area[href]"))
                    if (link.protocol === "javascript:") frame.contentWindow.location = link.href;
            } catch (_) { }
            await rest(pause);
            frames.forEach(frame => frame.remove());
        },
    };
})();"""

# Finds everything in an element that must not come from an answer.
SEARCH = """(root) => {
    const found = [];
    const tags = "script iframe frame object embed applet form style link meta base video audio source track svg img image " +
        "button textarea select option dialog template slot marquee details portal map area bgsound foreignobject input";
    for (const element of root.querySelectorAll("*")) {
        if (element.closest(".MathJax, .jp-RenderedLatex, .MathJax_Preview, .widget-label")) continue;
        const tag = element.localName;
        if (element.closest("mjx-container")) {
            // The elements of a typeset formula: they must have no links, no handlers and no absolute position.
            for (const {name, value} of element.attributes)
                if (/^(on|data-command|src|action|href|xlink)/.test(name) || /url\\(|position:\\s*(fixed|absolute)|jp-|lm-/.test(value))
                    found.push(`in a formula: ${tag}[${name}=${value.slice(0, 200)}]`);
            if (element.id && element.closest(".gemini-magic")) found.push(`in a formula: #${element.id}`);
            continue;
        }
        const drawn = tag === "img" && /^data:image\\/(png|gif|jpeg|webp);base64,[A-Za-z0-9+/]+=*$/.test(element.src) &&
            [...element.attributes].every(({name}) => "src alt width height loading referrerpolicy".split(" ").includes(name));
        const played = ["audio", "video"].includes(tag) && element.parentElement.matches(".gemini-magic .gm-sound") &&
            /^data:(audio\\/(wav|mpeg|ogg|flac|aac|mp4|webm)|video\\/(mp4|webm));base64,[A-Za-z0-9+/]+=*$/.test(element.src) &&
            [...element.attributes].every(({name}) => "src controls title".split(" ").includes(name));
        if (drawn || played) continue;
        const ours = element.closest(".gemini-magic") && (tag === "style" || tag === "details");
        const box = tag === "input" && element.type === "checkbox" && element.disabled;
        if (tags.split(" ").includes(tag) && !ours && !box) found.push(tag);
        for (const {name, value} of element.attributes) {
            if (/^(on|data-command|src|action|formaction|ping|poster|background|xlink|popover|contenteditable)/.test(name) ||
                (name === "style" && !/^text-align: ?(left|right|center);?$/.test(value)) ||
                (name === "href" && !/^(https?:\\/\\/[^/\\\\]|mailto:|#)/i.test(value)))
                found.push(`${tag}[${name}=${value.slice(0, 200)}]`);
        }
    }
    return found;
}"""


class PageMonitor:
    """Records what happens in one page: calls by scripts, policy violations, dialogs and requests."""

    def __init__(self, page: Any, server: CatchAllServer) -> None:
        self.page = page
        self.server = server
        self.ran: list[str] = []
        self.tried: list[str] = []
        self.dialogs: list[str] = []
        self._requested: list[str] = []
        page.on("console", self._console)
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self._requested.append(request.url))
        page.add_init_script(HOOKS)

    def _console(self, line: Any) -> None:
        kind, _, what = line.text.partition(" ")
        if kind == "RAN":
            self.ran.append(what)
        elif kind == "TRIED":
            self.tried.append(what)

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(f"{dialog.type}: {dialog.message}")
        dialog.dismiss()

    def show(self, path: str, html: str, *, tools: bool = True) -> None:
        """Load a page with this HTML, and `TOOLS`; without them, a click works as for a reader."""
        self.server.pages[path] = html
        self.page.goto(f"http://{HOST}{path}", wait_until="commit")
        self.page.wait_for_load_state()
        if tools:
            self.page.evaluate(TOOLS)

    def requests(self) -> set[str]:
        """All requests except those for `pages`, as recorded by the browser and by the server."""
        own = {f"http://{HOST}{path}" for path in [*self.server.pages, "/favicon.ico"]}
        urls = {
            url
            for url in self._requested
            if url not in own and not url.startswith(("data:", "about:", "blob:"))
        }
        return urls | {f"{host} {line}" for host, line in list(self.server.caught)}

    def settle(self, seconds: float = 0.3) -> None:
        """Wait, so that pending actions of the page can happen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.page.wait_for_timeout(50)

    def findings(self) -> dict[str, Any]:
        """Everything recorded that an answer must not cause; empty if nothing happened."""
        found = {
            "ran": self.ran,
            "tried": self.tried,
            "dialogs": self.dialogs,
            "requests": sorted(self.requests()),
            "popups": [page.url for page in self.page.context.pages if page.opener() is self.page],
        }
        return {name: what for name, what in found.items() if what}


def chunks(items: list[Any], size: int) -> Iterable[list[Any]]:
    """The list in parts of at most `size` items."""
    return (items[start : start + size] for start in range(0, len(items), size))
