"""A page in which everything that happens later happens much later: it finds tests that look before the page is ready.

With GEMINI_MAGIC_SLOW_PAGE=1 every page of the browser tests is such a page. The delays are those that a busy machine has by chance:
messages of the kernel, of workers and of a page's own channels, answers of the server, the clipboard, timers, frames, observers and
events such as `toggle`, which no click waits for. Replies of the kernel and its states are slower than outputs, but the messages of a
connection keep their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from surroundings import ORIGINAL_ENVIRON

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

# Milliseconds: longer than a test takes from an action to its next look, shorter than any limit of a test.
_TIMER, _FRAME, _OBSERVER, _MESSAGE, _REPLY, _REQUEST = 30, 40, 150, 200, 400, 100

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
    const late = new WeakMap();
    const delayed = (target, name, call) => call
        && (["toggle", "scroll", "resize"].includes(name) || (target instanceof Worker && name === "message"));
    const listen = EventTarget.prototype.addEventListener;
    EventTarget.prototype.addEventListener = function (name, call, ...rest) {{
        if (delayed(this, name, call) && !late.has(call))
            late.set(call, function (event) {{
                later(() => {{
                    Object.defineProperty(event, "currentTarget", {{value: this, configurable: true}});
                    call.handleEvent ? call.handleEvent(event) : call.call(this, event);
                }}, {_OBSERVER});
            }});
        return listen.call(this, name, delayed(this, name, call) ? late.get(call) : call, ...rest);
    }};
    const forget = EventTarget.prototype.removeEventListener;
    EventTarget.prototype.removeEventListener = function (name, call, ...rest) {{
        return forget.call(this, name, delayed(this, name, call) ? late.get(call) ?? call : call, ...rest);
    }};
    const inOrder = (target, delay) => {{
        const {{prototype}} = target;
        const own = Object.getOwnPropertyDescriptor(prototype, "onmessage");
        Object.defineProperty(prototype, "onmessage", {{
            ...own,
            set(call) {{
                const events = [];
                let last = 0;
                const next = () => {{ const event = events.shift(); if (this.onmessage) call.call(this, event); }};
                own.set.call(this, call && (event => {{
                    events.push(event);
                    last = Math.max(last, performance.now() + delay(event));
                    later(next, last - performance.now());
                }}));
            }},
        }});
    }};
    // The header is among the first bytes of a message, whatever protocol the connection has.
    const start = ({{data}}) => typeof data === "string" ? data.slice(0, 2000)
        : data instanceof ArrayBuffer ? new TextDecoder("latin1").decode(data.slice(0, 2000)) : "";
    inOrder(WebSocket, event => /"msg_type": ?"(execute_reply|status)"/.test(start(event)) ? {_REPLY} : {_MESSAGE});
    inOrder(MessagePort, () => {_TIMER});
    window.setTimeout = (call, time, ...rest) => later(call, (Number(time) || 0) + {_TIMER}, ...rest);
    if (navigator.clipboard) {{
        for (const name of ["write", "writeText"]) {{
            const done = navigator.clipboard[name].bind(navigator.clipboard);
            navigator.clipboard[name] = async (...given) => {{
                await new Promise(resolve => later(resolve, {_REQUEST}));
                return done(...given);
            }};
        }}
    }}
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
