"""Options: where values come from, and values that do not fit."""

from __future__ import annotations

import pytest

from gemini_magic.errors import OptionError
from gemini_magic.settings import Options, resolve, settings


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


def test_did_you_mean_and_cell_only_settings(tmp_path):
    with pytest.raises(OptionError) as caught:
        resolve({"temprature": 1})
    assert "Did you mean 'temperature'?" in str(caught.value)
    with pytest.raises(OptionError):
        resolve(config={"out": "x"})


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
    assert Options().retries == 3
