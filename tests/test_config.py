"""Options: the sources of values, and invalid values."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from projects import write_project

from gemini_magic.backends import DEFAULT, backend, names
from gemini_magic.config import CALL, KEY_WITHHELD, Options, resolve, settings
from gemini_magic.content import Text
from gemini_magic.errors import OptionError
from gemini_magic.notebook.arguments import parse_line
from gemini_magic.prompts import build_request


def test_precedence_from_environment_to_cell_line(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    folder = tmp_path / "project" / "deep"
    folder.mkdir(parents=True)

    def model(**more):
        options, sources = resolve(start=folder, **more)
        return options.model, sources.get("model")

    assert model() == ("gemini-flash-latest", None)
    monkeypatch.setenv("GEMINI_MAGIC_MODEL", "from-env")
    assert model() == ("from-env", "environment")
    (tmp_path / "home" / "gemini_magic.toml").write_text('model = "from-user"')
    assert model()[0] == "from-user"
    (tmp_path / "project" / "pyproject.toml").write_text('[tool.gemini_magic]\nmodel = "from-project"')
    assert model()[0] == "from-project"
    assert model(config={"model": "from-config"}) == ("from-config", "%config GeminiMagics")
    assert model(config={"model": "from-config"}, line={"model": "from-line"}) == ("from-line", "cell line")


def test_a_changed_file_folder_or_variable_takes_effect_at_the_next_call(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    folder = tmp_path / "project" / "deep"
    folder.mkdir(parents=True)
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(folder)

    def model():
        return resolve({"temperature": 1})[0].model

    def write(path, name):
        path.write_text(
            f'{"" if path.name == "gemini_magic.toml" else "[tool.gemini_magic]"}\nmodel = "{name}"'
        )

    assert [model(), model()] == ["gemini-flash-latest"] * 2
    write(tmp_path / "pyproject.toml", "far")
    assert [model(), model()] == ["far"] * 2
    write(folder / "pyproject.toml", "near")
    assert model() == "near"
    write(folder / "pyproject.toml", "next")  # of the same size
    assert model() == "next"
    monkeypatch.chdir(tmp_path)
    assert model() == "far"
    monkeypatch.chdir(folder)
    (folder / "pyproject.toml").unlink()
    assert model() == "far"
    (tmp_path / "pyproject.toml").unlink()
    write(tmp_path / "home" / "gemini_magic.toml", "user")
    assert model() == "user"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
    assert model() == "gemini-flash-latest"
    monkeypatch.setenv("GEMINI_MAGIC_MODEL", "from-env")
    assert model() == "from-env"
    monkeypatch.delenv("GEMINI_MAGIC_MODEL")
    assert model() == "gemini-flash-latest"


def test_the_options_of_each_call_can_be_changed_without_an_effect_on_the_next_call():
    first, sources = resolve({"stop": "a", "model": "m"})
    first.stop.append("b")
    first.model = "n"
    sources["model"] = "changed"
    second, again = resolve({"stop": "a", "model": "m"})
    assert (second.stop, second.model, again["model"]) == (["a"], "m", "cell line")


def test_values_that_are_equal_but_of_another_type_are_converted_on_their_own():
    assert resolve({"model": 1})[0].model == "1"
    assert resolve({"model": 1.0})[0].model == "1.0"
    with pytest.raises(OptionError):
        resolve({"model": True})
    stops = ["a"]
    assert resolve({"stop": stops})[0].stop == ["a"]
    stops.append("b")
    assert resolve({"stop": stops})[0].stop == ["a", "b"]


@dataclasses.dataclass
class _Point:
    x: int


def test_python_values_in_body_and_param_become_json(tmp_path):
    body = {"a": {"b": None, "c": [True, np.int64(3), np.array([1.5])]}, 1: _Point(2)}
    options, _ = resolve(
        {"body": body, "param": {"topK": 5, "responseMimeType": "5", "a.b": {"c": 1}}}, source=CALL
    )
    assert json.loads(options.body) == {"a": {"b": None, "c": [True, 3, [1.5]]}, "1": {"x": 2}}
    assert options.param == ["topK=5", 'responseMimeType="5"', 'a.b={"c": 1}']
    request = build_request((Text("hi"),), options)
    assert request.params == {"topK": 5, "responseMimeType": "5"}
    assert request.body["1"] == {"x": 2}
    write_project(tmp_path, "param = {topK = 5}\nbody = {a = [1]}", trusted=True)
    configured, _ = resolve(start=tmp_path)
    assert (configured.param, configured.body) == (["topK=5"], '{"a": [1]}')


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"body": ["a"]}, "body must be a JSON object, as a dict or as text, not ['a']."),
        ({"body": {"a": float("nan")}}, "body must be a JSON object, as a dict or as text, not {'a': nan}."),
        ({"param": {"a": object}}, "param must be a dict or a list of NAME=VALUE, not"),
        ({"param": [{"a": 1}]}, "param must be a dict or a list of NAME=VALUE, not"),
        ({"system": ["a"]}, "system must be text, not ['a']."),
        ({"system": {"a": 1}}, "system must be text, not {'a': 1}."),
        ({"thinking": True}, "thinking must be text, not True."),
        ({"model": object}, "model must be text, not"),
        ({"stop": {"a": 1}}, "stop must be text or a list of text, not {'a': 1}."),
        ({"stop": [b"a"]}, "stop must be text or a list of text, not [b'a']."),
    ],
)
def test_a_python_value_of_another_type_is_refused(values, message):
    with pytest.raises(OptionError) as caught:
        resolve(values, source=CALL)
    assert message in caught.value.message


def test_numbers_and_paths_are_text_where_text_is_expected(tmp_path):
    options, _ = resolve({"thinking": 1024, "record": tmp_path / "a.jsonl"}, source=CALL)
    assert (options.thinking, options.record) == ("1024", str(tmp_path / "a.jsonl"))


def test_a_byte_order_mark_in_a_configuration_file_is_skipped(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.gemini_magic]\nmodel = 'm'", encoding="utf-8-sig")
    assert resolve(start=tmp_path)[0].model == "m"


def nested(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


class Unprintable:
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"body": nested(5000)}, "not an object of the type dict"),
        ({"param": {"a": nested(5000)}}, "not an object of the type dict"),
        ({"max_rounds": nested(5000)}, "not an object of the type dict"),
        ({"max_rounds": Unprintable()}, "not an object of the type Unprintable"),
        ({"max_rounds": "x" * 1_000_000}, "x…"),
        ({"confirm": "x" * 1_000_000}, "x…"),
    ],
    ids=["body", "param", "number", "without repr", "long", "long choice"],
)
def test_a_value_that_cannot_be_shown_whole_is_a_short_error(values, message):
    with pytest.raises(OptionError) as error:
        resolve(values)
    assert message in error.value.message
    assert len(error.value.message) < 400


def test_values_are_converted_to_their_type_and_hyphens_to_underscores(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.gemini_magic]\nstall-timeout = 5\nstop = "END"')
    options, _ = resolve({"temperature": "0.5", "max_tokens": "7", "quiet": "yes"}, start=tmp_path)
    assert (options.temperature, options.max_tokens, options.quiet) == (0.5, 7, True)
    assert (options.stall_timeout, options.stop) == (5.0, ["END"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"temperature": "warm"}, "must be a number of 0 or greater"),
        ({"max_tokens": "1.5"}, "must be an integer"),
        ({"display": "loud"}, "must be one of"),
        ({"quiet": "perhaps"}, "must be true or false"),
        ({"temprature": 1}, "Unknown setting: 'temprature'"),
    ],
)
def test_invalid_values_are_refused_with_a_remedy(line, message):
    with pytest.raises(OptionError, match=message) as caught:
        resolve(line)
    assert caught.value.remedy


BOUNDS = [
    ("timeout", ("nan", "inf", -1, 0, "1e9"), ("0.1", 1e6)),
    ("stall_timeout", ("-5", 0.0, float("nan"), 1e300), (0.001,)),
    ("first_byte_timeout", (0, "-inf"), (1,)),
    ("connect_timeout", (0, float("inf")), (1,)),
    ("retries", (-1, float("inf"), "0.5", 1.5), (0, 2.0)),
    ("candidates", (0, "-1"), (1,)),
    ("max_tokens", (0, "nan", float("nan")), ("1",)),
    ("top_k", (0,), (1,)),
    ("rpm", (0, -3), (1,)),
    ("top_p", (-0.1, 1.1, "nan"), (0, 1)),
    ("temperature", (-0.1, "nan", "inf"), (0, 2.5)),
    ("speed", (-1, "inf", "nan"), (0,)),
    ("max_event", ("nan", 0, -1, 8193, "inf"), (0.25, 8192)),
    ("max_total", (0, "nan", 1e9), (8192,)),
    ("journal_size", (0, -1), (0.5,)),
    ("journal_days", (0,), (1, 0.5)),
]


@pytest.mark.parametrize(("name", "bad", "good"), BOUNDS)
def test_numbers_out_of_bounds_are_refused_on_every_layer(tmp_path, name, bad, good):
    for value in bad:
        with pytest.raises(OptionError, match=rf"^{name} must be an? (number|integer) .+\d") as caught:
            resolve({name: value})
        assert caught.value.remedy
        with pytest.raises(OptionError, match=rf"^%config GeminiMagics: {name} must be "):
            resolve(config={name: value})
        if settings()[name].flags:
            with pytest.raises(OptionError, match=f"^{settings()[name].flags[-1]} must be "):
                parse_line(f"{settings()[name].flags[-1]} {value}")
    write_project(tmp_path, f"{name} = {bad[0]}", trusted=True)
    with pytest.raises(OptionError, match=rf"pyproject.toml: {name} must be "):
        resolve(start=tmp_path)
    for value in good:
        assert getattr(resolve({name: value})[0], name) == float(value)


@pytest.mark.parametrize("name", names())
def test_the_default_model_is_the_one_of_the_backend(name):
    options, sources = resolve({"backend": name})
    assert options.model == backend(name).default_model
    if options.model != Options.model:
        assert sources["model"] == f"default of the {name} backend"
    assert resolve({"backend": name, "model": "m"})[0].model == "m"


def test_the_help_names_every_backend():
    assert all(name in settings()["backend"].help for name in names())
    assert resolve({"backend": "unknown"})[0].model == DEFAULT.default_model  # refused when it is looked up


def test_the_error_names_the_range():
    def message(name, value):
        with pytest.raises(OptionError) as caught:
            resolve({name: value})
        return caught.value.message

    assert message("top_p", 2) == "top_p must be a number from 0 to 1, not 2."
    assert (
        message("max_event", "nan")
        == "max_event must be a number greater than 0 and at most 8,192, not 'nan'."
    )
    assert message("rpm", 0) == "rpm must be an integer of 1 or greater, not 0."
    assert message("temperature", -1) == "temperature must be a number of 0 or greater, not -1."
    assert message("seed", 1.5) == "seed must be an integer, not 1.5."


def test_an_empty_string_resets_a_setting(tmp_path):
    write_project(tmp_path, 'key_env = "K"\nsafety = ""\nsystem = ""', trusted=True)
    options, _ = resolve(start=tmp_path)
    assert (options.key_env, options.safety, options.system) == ("K", None, None)
    assert resolve(config={"key_env": ""}, start=tmp_path)[0].key_env is None
    assert resolve(parse_line("--key-env ''").options, start=tmp_path)[0].key_env is None
    assert resolve(parse_line("--key-env=").options, start=tmp_path)[0].key_env is None


LAYERS = ("user", "project", "config", "previous", "line")
ADDRESSES = {"base_url": "https://other.example", "backend": "gateway"}


def layered(folder, layers):
    """The options that result from layers, lowest first: ``{"user": {...}, ...}``."""
    user, project = (
        "".join(f'{key} = "{value}"\n' for key, value in layers.get(layer, {}).items())
        for layer in ("user", "project")
    )
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "gemini_magic.toml").write_text(user)
    write_project(folder, project, trusted=True)
    line, config, previous = (layers.get(layer) for layer in ("line", "config", "previous"))
    return resolve(line, config, previous=previous, start=folder)


@pytest.mark.parametrize("where_address", LAYERS)
@pytest.mark.parametrize("where_key", LAYERS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_key_is_sent_only_to_the_server_it_was_configured_with(
    tmp_path, monkeypatch, address, where_key, where_address
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    layers = {}
    layers.setdefault(where_address, {})[address] = ADDRESSES[address]
    layers.setdefault(where_key, {})["key_env"] = "K"
    options, sources = layered(tmp_path, layers)
    assert getattr(options, address) == ADDRESSES[address]
    if LAYERS.index(where_address) <= LAYERS.index(where_key):
        assert (options.key_env, KEY_WITHHELD in sources) == ("K", False)
    else:
        assert options.key_env is None
        assert sources["key_env"].startswith(f"withheld: {address} is from ")
        assert sources[address] in sources[KEY_WITHHELD]
        # The layer of the key configures the same server: the key is meant for it.
        layers.setdefault(where_key, {})[address] = ADDRESSES[address]
        assert layered(tmp_path, layers)[0].key_env == "K"
        # The layer of the key configures a third server: the key is meant for that one.
        layers[where_key][address] = "https://own.example" if address == "base_url" else "vertex"
        assert layered(tmp_path, layers)[0].key_env is None
        # A key in the layer of the server is sent.
        layers[where_address]["key_env"] = "K2"
        assert layered(tmp_path, layers)[0].key_env == "K2"


def test_a_key_is_not_sent_to_the_default_server_either():
    config = {"base_url": "https://own.example", "key_env": "K"}
    assert resolve({"base_url": ""}, config)[0].key_env is None
    assert resolve({"model": "m"}, config)[0].key_env == "K"
    assert resolve({"key_env": ""}, config)[1].get(KEY_WITHHELD) is None


def test_a_backend_from_the_environment_is_valid_for_every_key(monkeypatch):
    monkeypatch.setenv("GEMINI_MAGIC_BACKEND", "vertex")
    assert resolve(config={"key_env": "K"})[0].key_env == "K"
    assert resolve({"backend": "gemini"}, {"key_env": "K"})[0].key_env is None


def test_a_close_name_is_suggested_and_options_of_a_cell_cannot_be_configured(tmp_path):
    with pytest.raises(OptionError) as caught:
        resolve({"temprature": 1})
    assert "Did you mean 'temperature'?" in str(caught.value)
    with pytest.raises(OptionError):
        resolve(config={"out": "x"})


def test_errors_of_a_call_from_python_do_not_mention_cells():
    for layers in ({"temprature": 3}, {"temperature": "warm"}, {"rpm": 0}):
        with pytest.raises(OptionError) as caught:
            resolve(layers, source=CALL)
        assert "cell" not in str(caught.value)
    assert resolve({"rpm": 1}, source=CALL)[1] == {"rpm": "the call"}
    with pytest.raises(OptionError, match=r"^Unknown setting: 'temprature'"):
        resolve({"temprature": 3}, source=CALL)


def test_an_invalid_file_is_named_in_the_error(tmp_path):
    (tmp_path / "pyproject.toml").write_text("not [ toml")
    with pytest.raises(OptionError, match="cannot be read"):
        resolve(start=tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool]\ngemini_magic = 5")
    with pytest.raises(OptionError, match="not a table"):
        resolve(start=tmp_path)


def test_every_option_has_help_and_no_option_accepts_a_key():
    known = settings()
    flags = [flag for setting in known.values() for flag in setting.flags]
    assert len(flags) == len(set(flags))
    assert all(setting.help for setting in known.values())
    assert not any("api-key" in flag or flag == "--key" for flag in flags)
    assert (Options().retries, Options().max_total) == (3, 128)


def test_the_flex_tier_has_a_longer_time_limit_for_the_first_byte():
    options, sources = resolve({"service_tier": "flex"})
    assert options.first_byte_timeout >= 600
    assert sources["first_byte_timeout"] == "default of the flex tier"
    assert resolve({"service_tier": "flex", "first_byte_timeout": 20})[0].first_byte_timeout == 20
    assert resolve({"service_tier": "flex"}, {"first_byte_timeout": 20})[0].first_byte_timeout == 20
    assert resolve({"service_tier": "standard"})[0].first_byte_timeout == Options.first_byte_timeout
    before = resolve({})[0].for_follow_up()
    assert resolve({"service_tier": "flex"}, previous=before)[0].first_byte_timeout >= 600
