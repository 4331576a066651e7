"""A page in which everything that happens later happens much later: it finds tests that look before the page is ready.

With GEMINI_MAGIC_SLOW_PAGE=1 every page of the browser tests is such a page. The delays are those that a busy machine has by chance:
messages of the kernel, answers of the server, frames, observers and events such as `toggle`, which no click waits for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surroundings import ORIGINAL_ENVIRON

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

# Milliseconds: longer than a test takes from an action to its next look, shorter than any limit of a test.
_FRAME, _OBSERVER, _MESSAGE, _REQUEST = 40, 150, 200, 100

_SCRIPT = f"""(() => {{
    const later = setTimeout;
    const frame = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = call => later(() => frame(call), {_FRAME});
    window.cancelAnimationFrame = id => clearTimeout(id);
    const idle = window.requestIdleCallback.bind(window);
    window.requestIdleCallback = (call, options) => later(() => idle(call, options), {_OBSERVER});
    window.cancelIdleCallback = id => clearTimeout(id);
    for (const name of ["IntersectionObserver", "MutationObserver", "ResizeObserver"]) {{
        window[name] = class extends window[name] {{
            constructor(call, ...rest) {{
                super((...found) => later(() => this.watching && call(...found), {_OBSERVER}), ...rest);
            }}
            observe(...given) {{ this.watching = true; super.observe(...given); }}
            disconnect() {{ this.watching = false; super.disconnect(); }}  // a disconnected observer is not called
        }};
    }}
    const listen = EventTarget.prototype.addEventListener;
    EventTarget.prototype.addEventListener = function (name, call, ...rest) {{
        const delayed = ["toggle", "scroll", "resize"].includes(name) && typeof call === "function";
        return listen.call(this, name, delayed ? event => later(() => call.call(this, event), {_OBSERVER}) : call, ...rest);
    }};
    const messages = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
    Object.defineProperty(WebSocket.prototype, "onmessage", {{
        ...messages,
        set(call) {{
            // Timers of one delay keep their order.
            messages.set.call(this, call && (event => later(() => this.onmessage && call.call(this, event), {_MESSAGE})));
        }},
    }});
    const ask = window.fetch.bind(window);
    window.fetch = async (...options) => {{
        const answer = await ask(...options);
        await new Promise(resolve => later(resolve, {_REQUEST}));
        return answer;
    }};
}})()"""


def slow_down(context: BrowserContext) -> None:
    """Make the pages of this context slow if GEMINI_MAGIC_SLOW_PAGE is 1."""
    if ORIGINAL_ENVIRON.get("GEMINI_MAGIC_SLOW_PAGE") == "1":
        context.add_init_script(_SCRIPT)
