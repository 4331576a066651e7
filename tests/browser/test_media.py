"""Pictures, audio and code runs of an answer in JupyterLab and Notebook 7: live, finished, saved, and opened again."""

from __future__ import annotations

import json

import pytest
from browser_stage import SAMPLER, SETUP, count_steady_heights, wait_steady
from calibration import assert_soon
from lab import cells
from playwright.sync_api import expect

SETUP_MEDIA = f"""{SETUP}
import os, struct, time, zlib
from pathlib import Path
from media_samples import add_part, picture, sound
from gemini_magic.content import Blob, Call, Code, CodeResult, Opaque

def noise(width, height):
    '''A PNG that cannot be compressed.'''
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    rows = b"".join(b"\\0" + os.urandom(3 * width) for _ in range(height))
    head = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return Blob("image/png", head + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))

def open_view():
    global ledger, view
    ledger = new_ledger()
    ledger.set_phase("streaming")
    view = select_view(ledger, display="live", shell=get_ipython(), allow_stdin=True, stop=lambda: None)
    view.open()

async def stream(*parts, hold=False):
    open_view()
    for part in parts:
        add_part(ledger, part)
        view.update(final=True)
        await asyncio.sleep(0.1)
    while hold and not Path("go").exists():
        await asyncio.sleep(0.02)
    feed(ledger, finish="STOP")
    view.update(final=True)
    await asyncio.sleep(0.5)
    ledger.close("end", t=3.0)
    view.close()

RUN = Code("import math\\nprint(math.pi)", "PYTHON"), CodeResult("OUTCOME_OK", "3.141592653589793\\n")
"""

PAINTED = """() => new Promise(done => {
    const look = () => {
        const image = document.querySelector(".gm-live .gm-picture img");
        if (image?.complete && image.naturalWidth) {
            requestAnimationFrame(() => requestAnimationFrame(() => done(Date.now())));
        } else requestAnimationFrame(look);
    };
    look();
})"""

ORDER = """(root) => Array.from(
    document.querySelectorAll(`${root} .gm-answer :is(p, img, .gm-code, .gm-call, .gm-part, .gm-sound)`), node => {
        if (node.closest(".gm-code, .gm-call, .gm-sound") !== null && !node.matches(".gm-code, .gm-call, .gm-sound")) {
            return "";
        }
        const name = Array.from(node.classList).find(each => each.startsWith("gm-"));  // of a widget, too
        return node.localName === "img" ? "picture" : name ?? node.textContent.trim();
    }).filter(Boolean)"""

FORM = ["First.", "gm-code", "Second.", "picture", "Third.", "gm-sound", "gm-call", "gm-part", "Last."]
# The place of the picture, which must be loaded.
PLACE = """() => {
    const image = document.querySelector("%s .gm-picture img");
    return image.complete && image.naturalWidth ? image.getBoundingClientRect() : performance.now();
}"""
MIXED = (
    'await stream("First.", *RUN, "Second.", picture(320, 200), "Third.", *sound(1.0, pieces=3), Call("draw", {"what": "a cat"}),'
    ' Opaque({"novelty": 1}), "Last.", hold=True)'
)


def wait_order(notebook, root):
    """Wait until the parts of the answer in this element are there, in their order."""
    notebook.wait_value(f"() => ({ORDER})({root!r})", FORM)


@pytest.fixture
def go(lab):
    path = lab.root / "go"
    path.unlink(missing_ok=True)
    return path


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_everything_is_in_order_live_finished_and_in_a_saved_notebook(lab, notebook, go, app, screenshots):
    notebook.open(lab.write("mixed.ipynb", cells(SETUP_MEDIA, MIXED)), app=app)
    notebook.run(0)
    notebook.run(1, wait=False)
    page = notebook.page
    page.wait_for_function("() => document.querySelector('.gm-live')?.textContent.includes('Last.')")
    page.wait_for_selector(".gm-live .gm-picture img")
    wait_order(notebook, ".gm-live")
    notebook.screenshot(screenshots / f"media-live-{app}.png", 1)
    if app == "lab":
        page.evaluate(SAMPLER, 1)
        wait_steady(page, "() => window.heights")
    go.touch()
    page.wait_for_selector(".gmi-output .gm-answer")
    if app == "lab":
        assert count_steady_heights(page, 0.5) >= 1
    wait_order(notebook, ".gmi-output")
    for theme in ("Dark", "Light"):
        notebook.theme(f"JupyterLab {theme}")
        notebook.screenshot(screenshots / f"media-finished-{app}-{theme.lower()}.png", 1)
    notebook.save()
    notebook.reload(no_kernel=False)
    notebook.wait_output(1, "answer complete")
    wait_order(notebook, ".gmi-output")
    notebook.wait_value("() => document.querySelector('.gmi-output .gm-picture img').naturalWidth", 320)


def test_the_code_of_a_run_is_folded_and_stays_open_at_the_end(lab, notebook, go):
    notebook.open(lab.write("code.ipynb", cells(SETUP_MEDIA, 'await stream(*RUN, "So.", hold=True)')))
    notebook.run(0)
    notebook.run(1, wait=False)
    summary = notebook.page.locator(".gm-live .gm-code summary")
    summary.wait_for()
    assert not notebook.page.locator(".gm-live .gm-code pre").first.is_visible()
    expect(notebook.page.locator(".gm-live .gm-answer")).to_contain_text("So.")
    summary.click()
    expect(notebook.page.locator(".gm-live .gm-code")).to_contain_text("3.14159", use_inner_text=True)
    go.touch()
    notebook.page.wait_for_selector(".gmi-output .gm-code")
    expect(notebook.page.locator(".gmi-output .gm-code pre").first).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(600, 600), (2000, 1400)])
def test_a_large_picture_is_painted_soon_and_does_not_move_the_page_at_the_end(
    lab, notebook, go, width, height
):
    run = f"part = noise({width}, {height})\nopen_view()\nadd_part(ledger, 'See:')\nview.update(final=True)\nawait asyncio.sleep(1)"
    finish = """
start = time.time()
add_part(ledger, part)
view.update(final=True)
print(f"sent {start} size {len(part.data)} kernel {time.time() - start:.3f}")
while not Path("go").exists():
    await asyncio.sleep(0.02)
add_part(ledger, "After.")
feed(ledger, finish="STOP")
view.update(final=True)
await asyncio.sleep(0.5)
ledger.close("end", t=3.0)
view.close()
"""
    notebook.open(lab.write("large.ipynb", cells(SETUP_MEDIA, run + finish)))
    notebook.run(0)
    notebook.run(1, wait=False)
    page = notebook.page
    painted = page.evaluate(PAINTED) / 1000
    sent = notebook.wait_output(1, r"sent.* kernel \d")
    words = sent[sent.index("sent ") :].split()
    took, size = painted - float(words[1]), int(words[3])
    print(words)
    print(f"a picture of {size / 1e6:.1f} MB was painted {took:.3f} s after its last byte")
    assert_soon(took, 0.4)
    page.evaluate(SAMPLER, 1)
    wait_steady(page, "() => window.heights")
    go.touch()
    page.wait_for_selector(".gmi-output .gm-answer")
    assert count_steady_heights(page, 0.5) >= 1
    image = ".gmi-output .gm-picture img"
    notebook.wait_value(f"() => document.querySelector('{image}').naturalWidth", width)
    expect(page.locator(".gm-absent")).to_have_count(0)
    notebook.save()
    [html] = ["".join(each["data"]["text/html"]) for each in notebook.saved_outputs(1) if "data" in each]
    assert len(html) < 4_100_000
    assert len(json.dumps(notebook.saved())) < 9_000_000
    height_before = page.locator(image).bounding_box()["height"]
    notebook.reload()
    notebook.wait_output(1, "answer complete")
    is_kept = size * 4 / 3 < 4_000_000
    expect(page.locator(".gm-absent")).to_have_count(0 if is_kept else 1)
    expect(page.locator(image)).to_have_count(1 if is_kept else 2)  # the empty place, and a thumbnail
    wait_steady(page, f"() => document.querySelector('{image}').getBoundingClientRect().height")
    assert abs(page.locator(image).first.bounding_box()["height"] - height_before) <= 1
    if not is_kept:
        expect(page.locator(".gm-absent")).to_contain_text("%gemini show picture 1", use_inner_text=True)


def test_a_click_shows_a_picture_in_its_real_size_and_escape_ends_it(lab, notebook, go):
    notebook.open(
        lab.write("click.ipynb", cells(SETUP_MEDIA, "await stream(noise(1500, 300), 'See.', hold=True)"))
    )
    notebook.run(0)
    notebook.run(1, wait=False)
    page = notebook.page
    for root in (".gm-live", ".gmi-output"):
        image = page.locator(f"{root} .gm-picture img")
        image.wait_for()
        wait_steady(page, PLACE % root)
        small = image.bounding_box()
        assert small["width"] < 1500
        image.click()
        dialog = page.locator("dialog.gmi-viewer img")
        dialog.wait_for()
        notebook.wait_value(
            "() => (image => [image.clientWidth, image.naturalWidth])(document.querySelector('dialog.gmi-viewer img'))",
            [1500, 1500],
        )
        page.keyboard.press("Escape")
        dialog.wait_for(state="detached")
        wait_steady(page, PLACE % root)
        assert image.bounding_box() == small
        go.touch()
    page.wait_for_selector(".gmi-output .gm-picture:not([open])")


def test_audio_can_be_played_and_searched_also_in_a_notebook_that_is_not_trusted(lab, notebook):
    notebook.open(
        lab.write("audio.ipynb", cells(SETUP_MEDIA, "await stream('Listen:', *sound(3.0, pieces=9))"))
    )
    notebook.run(0)
    notebook.run(1)
    page = notebook.page
    page.wait_for_selector(".gmi-output audio")
    played = """async () => {
        const audio = document.querySelector(".gmi-output audio");
        audio.load();
        await new Promise(done => { audio.onloadedmetadata = done; });
        audio.currentTime = 2;
        await new Promise(done => { audio.onseeked = done; });
        return [audio.duration, audio.currentTime];
    }"""
    assert page.evaluate(played) == [3, 2]
    notebook.save()
    notebook.open(lab.without_kernel("audio.ipynb", "audio-copy.ipynb"), no_kernel=True)
    assert not notebook.trusted()
    page.wait_for_selector(".gmi-output audio")
    assert page.evaluate(played) == [3, 2]


STATE = "audio => [audio.paused, audio.currentTime, audio.volume, audio.duration]"


@pytest.mark.parametrize("seconds", [20, 90], ids=["stored in the notebook", "too large for the notebook"])
def test_audio_that_plays_goes_on_when_the_finished_answer_replaces_the_widget(lab, notebook, go, seconds):
    run = (
        f"await stream('One:', *sound({seconds}, pieces=9), 'two:', *sound(5, pieces=2), 'Done.', hold=True)"
    )
    notebook.open(lab.write(f"plays{seconds}.ipynb", cells(SETUP_MEDIA, run)))
    notebook.run(0)
    notebook.run(1, wait=False)
    page = notebook.page
    live = page.locator(".gm-live audio")
    live.nth(1).wait_for()
    page.locator(".gm-live .gm-answer").click(position={"x": 1, "y": 1})  # pages play after a click only
    live.first.evaluate("async audio => { audio.volume = 0.5; audio.currentTime = 3; await audio.play(); }")
    page.wait_for_function("() => document.querySelector('.gm-live audio').currentTime > 3.2")
    go.touch()
    finished = page.locator(".gmi-output audio")
    finished.first.wait_for()
    page.wait_for_function("() => document.querySelector('.gmi-output audio').currentTime > 3.4")
    paused, time, volume, duration = finished.first.evaluate(STATE)
    assert (paused, volume, duration) == (False, 0.5, seconds)
    assert time < 15
    # The other one was not played.
    notebook.wait_value(
        f"() => ({STATE})(document.querySelectorAll('.gmi-output audio')[1])", [True, 0, 1, 5]
    )
