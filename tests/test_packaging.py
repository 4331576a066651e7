"""The content of the wheel, and the files of the labextension in the checkout and as installed."""

import importlib.util
import json
import posixpath
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from email.parser import HeaderParser
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest
from surroundings import CHECKOUT

import gemini_magic

PACKAGE = CHECKOUT / "gemini_magic"
LABEXTENSION = PACKAGE / "labextension"
INSTALL_FILE = CHECKOUT / "jupyter-config" / "labextension" / "install.json"
TOUR = sorted(f"notebooks/{path.name}" for path in (CHECKOUT / "notebooks").glob("*.ipynb"))
SHARED = "share/jupyter/labextensions/gemini-magic"
VERSION = gemini_magic.__version__

IMPORT = """
import sys
sys.path.insert(0, sys.argv[1])
import gemini_magic
from gemini_magic import demo
print(gemini_magic.__file__, *sorted(path.name for path in demo.tour_folder().iterdir()), demo.tour_folder(), sep="\\n")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, built without network and without a separate build environment."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.iterdir()
    assert path.name == f"gemini_magic-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(path) as opened:
        yield opened


def labextension_files():
    """The name and bytes of every file that belongs into the folder of the labextension."""
    return files_below(LABEXTENSION) | {INSTALL_FILE.name: INSTALL_FILE.read_bytes()}


def files_below(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def package_json():
    return json.loads((LABEXTENSION / "package.json").read_text("utf-8"))


def test_the_wheel_has_only_the_package_at_its_top_level(wheel):
    names = {PurePosixPath(name) for name in wheel.namelist()}
    top_level = {name.parts[0] for name in names}
    assert top_level == {"gemini_magic", f"gemini_magic-{VERSION}.dist-info", f"gemini_magic-{VERSION}.data"}
    modules = {path.relative_to(CHECKOUT).as_posix() for path in PACKAGE.rglob("*.py")}
    modules |= {"gemini_magic/views/answer.css", "gemini_magic/views/live.css"}
    assert modules <= set(wheel.namelist())
    assert not [name for name in names if name.suffix in {".pyc", ".swp"} or "tests" in name.parts]


def test_the_wheel_has_py_typed_the_recordings_and_the_tour(wheel):
    data = {path.relative_to(CHECKOUT).as_posix() for path in (PACKAGE / "data").iterdir() if path.is_file()}
    assert {PurePosixPath(name).suffix for name in data} >= {".jsonl", ".httprr"}
    assert data | {"gemini_magic/py.typed"} <= set(wheel.namelist())
    assert len(TOUR) >= 4
    for notebook in TOUR:
        assert wheel.read(f"gemini_magic/data/{notebook}") == (CHECKOUT / notebook).read_bytes()


def test_the_wheel_installs_the_labextension_into_the_folder_that_jupyterlab_searches(wheel):
    prefix = f"gemini_magic-{VERSION}.data/data/"
    shared = {
        name.removeprefix(prefix): wheel.read(name) for name in wheel.namelist() if name.startswith(prefix)
    }
    assert shared == {f"{SHARED}/{name}": content for name, content in labextension_files().items()}


def test_the_version_is_the_same_everywhere(wheel):
    headers = HeaderParser().parsestr(wheel.read(f"gemini_magic-{VERSION}.dist-info/METADATA").decode())
    assert (headers["Name"], headers["Version"]) == ("gemini-magic", VERSION)
    assert package_json()["version"] == VERSION


def test_an_unpacked_wheel_can_be_imported_and_finds_its_tour(wheel, tmp_path):
    wheel.extractall(tmp_path)
    # -I ignores the current folder and PYTHONPATH. The checkout may be installed, but the unpacked wheel is first on the path.
    run = [sys.executable, "-I", "-c", IMPORT, str(tmp_path)]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    file, *tour, folder = done.stdout.splitlines()
    assert Path(file) == tmp_path / "gemini_magic" / "__init__.py"
    assert tour == [Path(notebook).name for notebook in TOUR]
    assert Path(folder) == tmp_path / "gemini_magic" / "data" / "notebooks"


def imported_modules(entry, files):
    """The modules that `entry`, the script that JupyterLab loads, imports directly or through other modules, and workers."""
    pending = re.findall(r"'([\w/-]+\.js)'", files[entry].decode())
    found = set()
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += [
                posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
                for path in re.findall(
                    r"(?:\bfrom |\bnew Worker\(new URL\()'(\.[\w./-]+\.js)'", files[name].decode()
                )
            ]
    return found


def test_every_module_of_the_labextension_is_loaded_by_its_entry_script():
    build = package_json()["jupyterlab"]["_build"]
    files = labextension_files()
    entry = files[build["load"]].decode()
    assert f"window._JUPYTERLAB['{package_json()['name']}'] = " in entry
    assert f"'{build['extension']}': " in entry
    modules = {name for name in files if name.endswith(".js")}
    assert imported_modules(build["load"], files) | {build["load"]} == modules


def test_style_sheets_that_the_labextension_loads_exist():
    source = (LABEXTENSION / "lab" / "plugin.js").read_text("utf-8")
    sheets = re.findall(r"'(\.[\w./-]+\.css)'", source)
    named = {posixpath.normpath(posixpath.join("lab", path)) for path in sheets}
    assert named == {name for name in labextension_files() if name.endswith(".css")}


def test_modules_of_the_labextension_lie_in_the_folder_of_their_subject():
    """`live` and `inspector` do not import each other, and `inspector` imports no other folder."""
    allowed = {"inspector": {"inspector"}, "live": {"live", "lab"}, "lab": {"lab", "inspector"}}
    for path in LABEXTENSION.rglob("*.js"):
        folder = path.relative_to(LABEXTENSION).parts[0]
        imported = re.findall(r"from '\.\./(\w+)/", path.read_text("utf-8"))
        assert {folder, *imported} <= allowed[folder], path


@pytest.mark.parametrize("path", sorted(LABEXTENSION.rglob("*.js")), ids=lambda path: path.name)
def test_modules_of_the_labextension_are_short_documented_and_parse_no_html(path):
    source = path.read_text("utf-8")
    assert len(source.splitlines()) <= 500
    assert source.startswith("/**\n * ")
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
    ):
        assert forbidden not in source
    assert source.count("parseFromString") == (path.name == "sanitizer.js")


def test_the_style_sheet_of_the_labextension_is_the_one_of_saved_answers():
    spec = importlib.util.spec_from_file_location("make_style", CHECKOUT / "jupyter-config" / "make_style.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.TARGET.read_text("utf-8") == script.SHEET, "run jupyter-config/make_style.py"


def test_the_settings_module_has_the_defaults_of_the_schema():
    schema = json.loads((LABEXTENSION / "schemas" / "gemini-magic" / "plugin.json").read_text("utf-8"))
    source = (LABEXTENSION / "lab" / "settings.js").read_text("utf-8")
    pairs = re.search(r"const DEFAULTS = \{(.*?)\};", source)[1].split(",")
    values = dict(pair.strip().split(": ") for pair in pairs)
    defaults = {name: json.dumps(each["default"]) for name, each in schema["properties"].items()}
    assert defaults == {name: value.replace("'", '"') for name, value in values.items()}
    assert all(each["title"] and each["description"] for each in schema["properties"].values())


def test_only_the_settings_module_loads_the_settings():
    loading = [
        path.name for path in LABEXTENSION.rglob("*.js") if "registry.load(" in path.read_text("utf-8")
    ]
    assert loading == ["settings.js"]


def test_the_uninstall_instructions_name_the_installed_package():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    install = json.loads(INSTALL_FILE.read_text("utf-8"))
    assert install["packageManager"] == "python"
    assert install["packageName"] == package_json()["name"] == project["name"]
    assert project["name"] in install["uninstallInstructions"]


def test_the_installed_labextension_matches_the_checkout():
    """An editable install copies these files, so the browser shows changes only after a new install."""
    assert metadata.version("gemini-magic") == VERSION
    installed = Path(sysconfig.get_path("data"), SHARED)
    assert installed.is_dir(), "the labextension is not installed; run pip install -e ."
    assert files_below(installed) == labextension_files(), (
        "the installed labextension is out of date; run pip install -e . again"
    )
