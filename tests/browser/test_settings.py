"""The settings of the labextension: defaults, values from JupyterLab, changes, and a setting that the page obeys."""

from __future__ import annotations

import json

import pytest
from browser_stage import NEAR, open_reader

SETTINGS_URL = "/lab/api/settings/gemini-magic:plugin"

# Runs in the page, with new instances of the module and fake registries.
LOADED = """async () => {
    const load = async registry => {
        const url = `/lab/extensions/gemini-magic/lab/settings.js?${Math.random()}`;
        const {settings} = await import(url);
        const initial = settings.get("follow");
        const seen = [];
        const remove = settings.onChange(() => seen.push(settings.get("follow")));
        await settings.load(registry);
        return {settings, initial, seen, remove};
    };
    const listeners = [];
    const loaded = {composite: {follow: false, inspector: "open"}, changed: {connect: call => listeners.push(call)}};
    const ids = [];
    const {settings, initial, seen, remove} = await load({load: async id => { ids.push(id); return loaded; }});
    const values = () => ["inspector", "largestRecord", "highlight", "follow"].map(name => settings.get(name));
    const results = [ids, initial, values()];
    loaded.composite = {follow: true, inspector: 7};
    listeners.forEach(call => call());
    results.push(values(), [...seen]);
    remove();
    listeners.forEach(call => call());
    const failed = await load({load: async () => { throw new Error("no settings"); }});
    return [...results, seen.length, failed.settings.get("follow"), failed.seen.length];
}"""


def test_the_settings_module_loads_values_once_and_reports_changes(lab, notebook):
    notebook.open(lab.write("settings.ipynb", ["1"]), no_kernel=True)
    ids, initial, loaded, changed, seen, seen_after_removal, default, reported = notebook.page.evaluate(
        LOADED
    )
    assert ids == ["gemini-magic:plugin"]
    assert initial is True
    assert loaded == ["open", 16, True, False]
    assert changed == ["folded", 16, True, True]  # a value of the wrong type is replaced by its default
    assert seen == [False, True]
    assert seen_after_removal == 2
    assert (default, reported) == (True, 0)  # settings that cannot be loaded


@pytest.mark.own_page
def test_a_streaming_answer_is_not_followed_if_the_setting_is_off(lab, notebook):
    lab.api("PUT", SETTINGS_URL, {"raw": json.dumps({"follow": False})})
    try:
        reader = open_reader(lab, notebook.page, "lab")
        reader.ask()
        for lines in (5, 25, 10):
            reader.grow(lines)
        assert reader.top == 0
        assert reader.below > NEAR
        reader.end()
    finally:
        lab.api("PUT", SETTINGS_URL, {"raw": "{}"})
