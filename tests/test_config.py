"""Options: where values come from, and values that do not fit."""

from __future__ import annotations

import pytest

from gemini_magic.config import CALL, KEPT_BACK, Options, resolve, settings
from gemini_magic.errors import OptionError
from gemini_magic.notebook.arguments import parse_line


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


def test_values_become_their_type_and_hyphens_underscores(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.gemini_magic]\nstall-timeout = 5\nstop = "END"')
    options, _ = resolve({"temperature": "0.5", "max_tokens": "7", "quiet": "yes"}, start=tmp_path)
    assert (options.temperature, options.max_tokens, options.quiet) == (0.5, 7, True)
    assert (options.stall_timeout, options.stop) == (5.0, ["END"])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"temperature": "warm"}, "not a number"),
        ({"max_tokens": "1.5"}, "not a whole number"),
        ({"display": "loud"}, "not one of"),
        ({"quiet": "perhaps"}, "not true or false"),
        ({"temprature": 1}, "no setting 'temprature'"),
    ],
)
def test_what_does_not_fit_is_said_with_a_remedy(line, words):
    with pytest.raises(OptionError, match=words) as caught:
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
def test_numbers_that_make_no_sense_are_refused_on_every_layer(tmp_path, name, bad, good):
    for value in bad:
        with pytest.raises(OptionError, match=rf"^{name}: .* is not a (whole )?number.+\d") as caught:
            resolve({name: value})
        assert caught.value.remedy
        with pytest.raises(OptionError, match=rf"^%config GeminiMagics: {name}: "):
            resolve(config={name: value})
        if settings()[name].flags:
            with pytest.raises(OptionError, match=f"^{settings()[name].flags[-1]}: "):
                parse_line(f"{settings()[name].flags[-1]} {value}")
    (tmp_path / "pyproject.toml").write_text(f"[tool.gemini_magic]\n{name} = {bad[0]}")
    with pytest.raises(OptionError, match=rf"pyproject.toml: {name}: "):
        resolve(start=tmp_path)
    for value in good:
        assert getattr(resolve({name: value})[0], name) == float(value)


def test_the_error_tells_the_range():
    def told(name, value):
        with pytest.raises(OptionError) as caught:
            resolve({name: value})
        return caught.value.message

    assert told("top_p", 2) == "top_p: 2 is not a number from 0 to 1."
    assert told("max_event", "nan") == "max_event: 'nan' is not a number above 0, at most 8,192."
    assert told("rpm", 0) == "rpm: 0 is not a whole number, 1 or more."
    assert told("temperature", -1) == "temperature: -1 is not a number, 0 or more."
    assert told("seed", 1.5) == "seed: 1.5 is not a whole number."


def test_an_empty_text_takes_a_setting_back(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.gemini_magic]\nkey_env = "K"\nsafety = ""\nsystem = ""')
    options, _ = resolve(start=tmp_path)
    assert (options.key_env, options.safety, options.system) == ("K", None, None)
    assert resolve(config={"key_env": ""}, start=tmp_path)[0].key_env is None
    assert resolve(parse_line("--key-env ''").options, start=tmp_path)[0].key_env is None
    assert resolve(parse_line("--key-env=").options, start=tmp_path)[0].key_env is None


LAYERS = ("user", "project", "config", "again", "line")
ADDRESSES = {"base_url": "https://other.example", "backend": "gateway"}


def layered(folder, said):
    """What comes of settings said on layers, lowest first: ``{"user": {...}, ...}``."""
    for layer, name, head in (
        ("user", "config/gemini_magic.toml", ""),
        ("project", "pyproject.toml", "[tool.gemini_magic]\n"),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        lines = [f'{key} = "{value}"\n' for key, value in said.get(layer, {}).items()]
        (folder / name).write_text(head + "".join(lines))
    line, config, again = (said.get(layer) for layer in ("line", "config", "again"))
    return resolve(line, config, again=again, start=folder)


@pytest.mark.parametrize("where_address", LAYERS)
@pytest.mark.parametrize("where_key", LAYERS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_key_belongs_to_the_address_it_was_said_with(
    tmp_path, monkeypatch, address, where_key, where_address
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    said = {}
    said.setdefault(where_address, {})[address] = ADDRESSES[address]
    said.setdefault(where_key, {})["key_env"] = "K"
    options, sources = layered(tmp_path, said)
    assert getattr(options, address) == ADDRESSES[address]
    if LAYERS.index(where_address) <= LAYERS.index(where_key):
        assert (options.key_env, KEPT_BACK in sources) == ("K", False)
    else:
        assert options.key_env is None
        assert sources["key_env"].startswith(f"kept back: {address} is from ")
        assert sources[address] in sources[KEPT_BACK]
        # The same address, said below too: it is the one that the key was meant for.
        said.setdefault(where_key, {})[address] = ADDRESSES[address]
        assert layered(tmp_path, said)[0].key_env == "K"
        # An address of its own, said with the key, does not help.
        said[where_key][address] = "https://own.example" if address == "base_url" else "vertex"
        assert layered(tmp_path, said)[0].key_env is None
        # Named again, it goes.
        said[where_address]["key_env"] = "K2"
        assert layered(tmp_path, said)[0].key_env == "K2"


def test_a_key_does_not_follow_to_the_usual_address_either():
    config = {"base_url": "https://own.example", "key_env": "K"}
    assert resolve({"base_url": ""}, config)[0].key_env is None
    assert resolve({"model": "m"}, config)[0].key_env == "K"
    assert resolve({"key_env": ""}, config)[1].get(KEPT_BACK) is None


def test_the_environment_names_a_backend_for_every_key(monkeypatch):
    monkeypatch.setenv("GEMINI_MAGIC_BACKEND", "vertex")
    assert resolve(config={"key_env": "K"})[0].key_env == "K"
    assert resolve({"backend": "gemini"}, {"key_env": "K"})[0].key_env is None


def test_did_you_mean_and_cell_only_settings(tmp_path):
    with pytest.raises(OptionError) as caught:
        resolve({"temprature": 1})
    assert "Did you mean 'temperature'?" in str(caught.value)
    with pytest.raises(OptionError):
        resolve(config={"out": "x"})


def test_from_python_nothing_speaks_of_a_cell():
    for said in ({"temprature": 3}, {"temperature": "warm"}, {"rpm": 0}):
        with pytest.raises(OptionError) as caught:
            resolve(said, place=CALL)
        assert "cell" not in str(caught.value)
    assert resolve({"rpm": 1}, place=CALL)[1] == {"rpm": "the call"}
    with pytest.raises(OptionError, match=r"^There is no setting 'temprature'"):
        resolve({"temprature": 3}, place=CALL)


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "pyproject.toml").write_text("not [ toml")
    with pytest.raises(OptionError, match="cannot be read"):
        resolve(start=tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool]\ngemini_magic = 5")
    with pytest.raises(OptionError, match="not a table"):
        resolve(start=tmp_path)


def test_every_option_says_what_it_is_and_no_option_takes_a_key():
    known = settings()
    flags = [flag for setting in known.values() for flag in setting.flags]
    assert len(flags) == len(set(flags))
    assert all(setting.help for setting in known.values())
    assert not any("api-key" in flag or flag == "--key" for flag in flags)
    assert (Options().retries, Options().max_total) == (3, 128)
