"""Real objects of plotting, image and notebook libraries become media parts."""

import base64
import io
import wave
from pathlib import Path

import altair as alt
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import seaborn as sns
import seaborn.objects as so
from calibration import assert_ratio_below
from IPython import display
from PIL import Image, ImageOps
from plotly import graph_objects

from gemini_magic.content import Blob, File, MediaSettings, Text
from gemini_magic.errors import PromptError
from gemini_magic.media import MediaSource, media_parts, sniff

mpl.use("agg")

from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def parts(value, name="x"):
    notices = []
    return media_parts(value, MediaSource(name, notices)), notices


def blob(value, name="x"):
    """The only part, which is a Blob, and the notices."""
    (found,), notices = parts(value, name)
    assert isinstance(found, Blob)
    assert sniff(found.data).mime_type == found.mime_type
    return found, notices


def picture(part):
    return Image.open(io.BytesIO(part.data))


def plot():
    figure, axes = plt.subplots()
    axes.plot([1, 2, 3], [1, 4, 9])
    return figure, axes


def noise(width, height, mode="RGB"):
    random = np.random.default_rng(1)
    ramp = np.linspace(0, 200, width)[None, :, None] + np.linspace(0, 40, height)[:, None, None]
    pixels = (ramp + random.integers(0, 12, (height, width, 3))).astype("uint8")
    return Image.fromarray(pixels).convert(mode)


# -- matplotlib and what is built on it


def test_a_figure_its_axes_and_what_is_drawn_on_them_are_the_same_picture():
    figure, axes = plot()
    expected, notices = blob(figure)
    assert (expected.mime_type, notices) == ("image/png", [])
    lines = axes.plot([3, 1])
    drawn, _ = blob(figure)
    assert drawn != expected
    for value in (axes, axes.title, lines, lines[0], axes.bar([1], [0.001]), (figure, axes)):
        found, _ = blob(value)
        assert picture(found).size == picture(blob(figure)[0]).size
    plt.close(figure)
    assert blob(figure)[0].mime_type == "image/png"


def test_the_axes_of_a_grid_are_one_figure_and_not_pixels():
    _, axes = plt.subplots(3, 3)
    found, _ = blob(axes)
    assert found == blob(axes[0, 0])[0]


def test_figures_in_a_list_are_one_part_each():
    found, _ = parts([plot()[0], plot()[1]])
    assert [part.mime_type for part in found] == ["image/png", "image/png"]


def test_a_legend_outside_the_axes_is_not_cut_off_but_a_distant_artist_does_not_enlarge_the_picture():
    figure, axes = plot()
    plain = picture(blob(figure)[0]).size
    axes.plot([1, 2], label="a long label of a line")
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    assert picture(blob(figure)[0]).size[0] > plain[0]
    axes.text(1e5, 1e5, "far away")
    assert max(picture(blob(figure)[0]).size) <= 640


def test_figures_that_cannot_be_drawn_are_errors_before_anything_is_sent():
    with pytest.raises(PromptError, match=r"^fig is an empty figure\."):
        parts(plt.figure(), "fig")
    figure, axes = plot()
    axes.set_title("$\\frac{$")
    with pytest.raises(PromptError, match=r"^fig cannot be drawn: ValueError: "):
        parts(figure, "fig")
    figure, axes = plt.subplots(figsize=(400, 400), dpi=300)
    with pytest.raises(
        PromptError, match=r"^fig is a figure of 120,000 × 120,000 pixels, which is too large"
    ) as caught:
        parts(figure, "fig")
    assert "set_size_inches" in caught.value.remedy
    line = axes.plot([1])[0]
    line.remove()
    with pytest.raises(PromptError, match="does not belong to a figure any more"):
        parts(line)


@pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")  # seaborn uses it
def test_plots_of_seaborn_are_pictures():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [3, 1, 2]})
    assert blob(sns.pairplot(frame))[0].mime_type == "image/png"
    assert blob(so.Plot(frame, "a", "b").add(so.Line()))[0].mime_type == "image/png"


# -- plotly and altair


def test_a_chart_of_altair_is_drawn_by_its_own_export():
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    chart = alt.Chart(frame).mark_line().encode(x="a", y="b")
    assert blob(chart)[0].mime_type == "image/png"
    assert blob(chart + chart)[0].mime_type == "image/png"


def test_a_missing_exporter_of_altair_is_named(monkeypatch):
    chart = alt.Chart(pd.DataFrame({"a": [1]})).mark_point()

    def save(*args, **options):
        raise ValueError(
            "Saving charts in 'png' format requires the vl-convert-python package: see https://…"
        )

    monkeypatch.setattr(alt.Chart, "save", save)
    with pytest.raises(
        PromptError, match=r"^chart cannot be drawn: altair .* vl-convert-python, which is not"
    ) as caught:
        parts(chart, "chart")
    assert caught.value.remedy == "Run %pip install vl-convert-python."


def plotly_figure():
    return graph_objects.Figure(graph_objects.Scatter(y=[1, 3, 2]))


def test_a_figure_of_plotly_is_drawn_or_the_error_names_the_missing_browser(monkeypatch, tmp_path):
    try:
        found, _ = blob(plotly_figure(), "fig")
    except PromptError as error:
        assert (
            error.message
            == "fig cannot be drawn: kaleido found no Chrome or Chromium, or could not start it."
        )
        assert "plotly_get_chrome" in error.remedy
    else:
        assert picture(found).size == (700, 500)


def test_a_figure_of_plotly_without_kaleido_names_it(monkeypatch):
    figure = plotly_figure()

    def to_image(self, *args, **options):
        raise RuntimeError("\nImage export requires the Kaleido package, v1.0.0 or greater")

    monkeypatch.setattr(type(figure), "to_image", to_image)
    with pytest.raises(PromptError, match=r"package kaleido, which is not installed\.") as caught:
        parts(figure, "fig")
    assert "%pip install kaleido" in caught.value.remedy
    with pytest.raises(PromptError, match="is an empty figure"):
        parts(type(figure)())


# -- Pillow


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_modes_that_png_has_are_sent_unchanged(mode):
    found, notices = blob(noise(64, 48).convert(mode))
    assert (found.mime_type, picture(found).mode, notices) == ("image/png", mode, [])


@pytest.mark.parametrize(
    ("mode", "sent"),
    [
        ("CMYK", "RGB"),
        ("YCbCr", "RGB"),
        ("LAB", "RGB"),
        ("HSV", "RGB"),
        ("PA", "RGBA"),
        ("La", "LA"),
        ("RGBX", "RGB"),
    ],
)
def test_modes_that_png_does_not_have_are_converted(mode, sent):
    if mode in ("PA", "La"):
        image = (
            noise(64, 48).convert("LA").convert(mode)
            if mode == "La"
            else noise(64, 48).convert("P").convert("PA")
        )
    else:
        image = Image.new(mode, (64, 48)) if mode in ("LAB", "RGBX") else noise(64, 48).convert(mode)
    found, notices = blob(image, "photo")
    assert picture(found).mode == sent
    assert notices == [f"The request contains photo converted from {mode} to {sent}."]


@pytest.mark.parametrize("mode", ["I", "F", "I;16"])
def test_large_and_real_values_are_scaled_by_their_own_range(mode):
    values = np.linspace(100, 60_000, 64 * 48).reshape(48, 64)
    image = Image.fromarray(values.astype({"I": "int32", "F": "float32", "I;16": "uint16"}[mode]))
    assert image.mode == mode
    found, notices = blob(image)
    assert picture(found).mode == "L"
    assert picture(found).getextrema() == (0, 255)
    assert notices == ["The request contains x with its values scaled from 100…60000 to 0…255."]
    flat, _ = blob(Image.new(mode, (20, 20), 7))
    assert picture(flat).getextrema() == (0, 0)


def test_a_picture_without_finite_values_is_an_error():
    with pytest.raises(PromptError, match="not finite numbers"):
        parts(Image.fromarray(np.full((20, 20), np.nan, "float32")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_sent_as_its_orientation_says_and_without_its_exif_data(orientation):
    image = noise(40, 20)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "maker"
    stored = io.BytesIO()
    image.save(stored, "PNG", exif=exif)
    opened = Image.open(stored)
    found, _ = blob(opened)
    assert picture(found).tobytes() == ImageOps.exif_transpose(opened).tobytes()
    assert not dict(picture(found).getexif())


def test_twelve_megapixels_are_sent_as_a_jpeg_below_three_megabytes_that_is_encoded_once():
    image = noise(4000, 3000)
    found, notices = blob(image, "photo")
    assert found.mime_type == "image/jpeg"
    assert len(found.data) < 3_000_000
    assert_ratio_below(
        lambda: blob(image, "photo"), lambda: image.save(io.BytesIO(), "JPEG", quality=90), 1.6
    )
    assert notices == [
        f"The request contains photo as a JPEG image: 4,000 × 3,000, {len(found.data) / 1e6:.1f} MB."
    ]


def test_white_replaces_the_transparency_of_a_large_picture_and_is_reported():
    image = noise(1200, 900, "RGBA")
    assert blob(image)[1] == [blob(image)[1][0]]
    assert "white" not in blob(image)[1][0]
    image.paste((200, 0, 0, 0), (0, 0, 600, 900))
    for shown in (image, image.convert("LA")):
        found, (notice,) = blob(shown, "photo")
        assert notice.startswith(
            "The request contains photo as a JPEG image, with white in place of its transparency: 1,200 × 900, "
        )
        assert picture(found).convert("L").getpixel((100, 100)) > 250
        assert picture(found).convert("L").getpixel((900, 100)) < 250
    small = image.crop((0, 0, 100, 100))
    assert picture(blob(small)[0]).mode == "RGBA"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK"])
def test_large_pictures_of_every_mode_are_jpeg(mode):
    assert blob(noise(1200, 900, mode))[0].mime_type == "image/jpeg"
    assert blob(noise(1000, 900, mode))[0].mime_type == "image/png"
    assert blob(noise(1200, 900, "1"))[0].mime_type == "image/png"


def random_pixels(*shape):
    return np.random.default_rng(2).integers(0, 255, shape, "uint8")


def test_a_large_picture_of_noise_is_reduced_until_it_is_small():
    found, (notice,) = blob(Image.fromarray(random_pixels(3000, 4000, 3)), "noise")
    assert len(found.data) < 3_000_000
    assert picture(found).size == (2000, 1500)
    assert notice.startswith("The request contains noise as a JPEG image: 2,000 × 1,500 of 4,000 × 3,000, ")


def test_a_large_picture_that_is_drawn_for_the_prompt_is_small():
    figure = plt.figure(figsize=(13, 13), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(random_pixels(1200, 1200, 3), interpolation="nearest")
    found, (notice,) = blob(figure, "fig")
    assert (found.mime_type, len(found.data) < 3_000_000) == ("image/jpeg", True)
    assert notice.startswith("The request contains fig as a JPEG image: 1,")
    axes.clear()
    axes.plot([1, 2, 3])
    assert blob(figure)[0].mime_type == "image/png"
    plt.close(figure)
    target = io.BytesIO()
    Image.fromarray(random_pixels(1200, 1000, 3)).save(target, "PNG", compress_level=1)
    assert blob(Shown(target.getvalue()))[0].mime_type == "image/jpeg"
    kept, (notice,) = blob(target.getvalue(), "data")
    assert kept.data == target.getvalue()
    assert notice == (
        "The request contains data unchanged, a PNG image of 3.6 MB; opened with PIL.Image.open, "
        "it is sent as a JPEG image below 3 MB."
    )


def test_an_array_of_real_numbers_is_rounded_to_bytes():
    values = np.linspace(0, 1, 64 * 64 * 3).reshape(64, 64, 3)
    found, _ = blob(values)
    assert picture(found).tobytes() == np.floor(values * 255 + 0.5).astype("uint8").tobytes()


def test_frames_and_unreadable_pictures_are_reported(tmp_path):
    frames = [Image.new("L", (20, 20), shade) for shade in (0, 90, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with Image.open(tmp_path / "a.gif") as film:
        assert blob(film, "film")[1] == ["The request contains frame 1 of the 3 frames of film."]
    data = io.BytesIO()
    noise(200, 200).save(data, "PNG")
    with pytest.raises(PromptError, match="is an image that cannot be read"):
        parts(Image.open(io.BytesIO(data.getvalue()[:20_000])))
    with pytest.raises(PromptError, match="image without pixels"):
        parts(Image.new("RGB", (0, 5)))


# -- NumPy


@pytest.mark.parametrize(
    ("array", "mode"),
    [
        (np.zeros((20, 30, 3), "uint8"), "RGB"),
        (np.zeros((20, 30, 4), "uint8"), "RGBA"),
        (np.zeros((20, 30, 1), "uint8"), "L"),
        (np.zeros((20, 30), "uint8"), "L"),
        (np.zeros((20, 30), bool), "L"),
        (np.zeros((20, 30), "uint16"), "L"),
        (np.zeros((20, 30, 3), "float32"), "RGB"),
        (np.zeros((20, 30, 3), "int64"), "RGB"),
        (np.zeros((80, 90), "float64"), "L"),
        (np.zeros((40, 60, 3), "uint8")[::2, ::2], "RGB"),
    ],
)
def test_an_array_in_the_shape_of_a_picture_is_one(array, mode):
    found, notices = blob(array)
    height, width = array.shape[:2]
    assert (picture(found).mode, picture(found).size) == (mode, (width, height))
    assert notices == [f"The request contains x as a picture of {width} × {height} pixels."]


def test_the_values_of_an_array_are_scaled_to_bytes():
    def extremes(array):
        return picture(blob(array)[0]).getextrema()

    ramp = np.linspace(0, 1, 6400).reshape(80, 80)
    assert extremes(ramp) == (0, 255)
    assert extremes(ramp * 200) == (0, 200)
    assert extremes(ramp > 0.5) == (0, 255)
    assert extremes((ramp * 65535).astype("uint16")) == (0, 255)
    assert picture(blob((ramp * 250).astype("uint8"))[0]).tobytes() == (ramp * 250).astype("uint8").tobytes()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((5, 4)),
        np.zeros((60, 60)),
        np.ones((100, 100)) * -1,
        np.zeros((100, 100), "int64"),
        np.zeros((8, 8), "uint8"),
        np.zeros((10, 20, 30)),
        np.zeros(1000, "uint8"),
        np.array([["a"] * 20] * 20),
        np.array([[None] * 20] * 20, dtype=object),
        np.zeros((0, 20), "uint8"),
    ],
)
def test_other_arrays_are_numbers(array):
    assert parts(array) == (None, [])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 20, 30)), r"^x is an array of 3 × 20 × 30, with the channels first\."),
        (np.zeros((2, 20, 30, 3)), r"^x is an array of 2 × 20 × 30 × 3, which is several pictures\."),
        (np.zeros((2, 3, 20, 30)), r"several pictures\."),
        (
            np.full((20, 30, 3), 300.0),
            r"^x is an array in the shape of a picture with values from 300 to 300\.",
        ),
        (np.full((20, 30, 3), -1), r"values from -1 to -1"),
        (np.full((20, 30, 3), np.nan), r"with NaN\."),
    ],
)
def test_an_array_that_is_nearly_a_picture_is_an_error_that_names_the_way(array, message):
    with pytest.raises(PromptError, match=message) as caught:
        parts(array)
    assert caught.value.remedy


def test_a_large_array_is_a_jpeg():
    assert blob(np.asarray(noise(1600, 900)))[0].mime_type == "image/jpeg"


# -- IPython


def png(side=20):
    target = io.BytesIO()
    Image.new("RGB", (side, side)).save(target, "PNG")
    return target.getvalue()


def wav():
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\0\0" * 100)
    return target.getvalue()


MP4 = b"\0\0\0\x18ftypisom\0\0\0\0isommp41\0\0\0\x08mdat"


def test_display_objects_are_their_content(tmp_path):
    (tmp_path / "a.mp4").write_bytes(MP4)
    (tmp_path / "a.png").write_bytes(png())
    assert blob(display.Image(png()))[0] == Blob("image/png", png())
    assert blob(display.Image(filename=str(tmp_path / "a.png")))[0].data == png()
    assert blob(display.Audio(wav()))[0] == Blob("audio/wav", wav())
    assert blob(display.Audio(data=b"ID3\x04\0\0\0\0\0\0"))[0].mime_type == "audio/mp3"
    assert blob(display.Audio(np.sin(np.arange(100)), rate=8000))[0].mime_type == "audio/wav"
    assert blob(display.Video(MP4, embed=True, mimetype="video/mp4"))[0].mime_type == "video/mp4"
    (file,), _ = parts(display.Video(str(tmp_path / "a.mp4")))
    assert (Path(file.path).name, file.mime_type) == ("a.mp4", "video/mp4")
    (file,), _ = parts(display.Video(str(tmp_path / "a.mp4"), embed=True))
    assert file.size == len(MP4)


def test_display_objects_with_an_address_are_fetched_by_the_server():
    assert parts(display.Image(url="https://h.test/a.png"))[0] == [File("https://h.test/a.png", "image/png")]
    assert parts(display.Video("https://h.test/a.webm"))[0] == [File("https://h.test/a.webm", "video/webm")]
    assert parts(display.Audio(url="https://h.test/a.mp3", embed=False))[0] == [
        File("https://h.test/a.mp3", "audio/mp3")
    ]
    assert parts(display.YouTubeVideo("dQw4w9WgXcQ", start=30))[0] == [
        File("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "video/mp4", media=MediaSettings(start=30.0))
    ]


def test_text_of_display_objects_is_text():
    assert parts(display.Markdown("**a**"))[0] == [Text("**a**")]
    assert parts(display.SVG('<svg xmlns="http://www.w3.org/2000/svg"/>'), "logo") == (
        [Text('<svg xmlns="http://www.w3.org/2000/svg"/>')],
        ["The request contains logo as its source text, because the API takes no SVG images."],
    )


# -- any object


class Shown:
    def __init__(self, png=None, jpeg=None, bundle=None):
        self.png, self.jpeg, self.bundle = png, jpeg, bundle

    @staticmethod
    def _value(value):
        if isinstance(value, Exception):
            raise value
        return value

    def _repr_png_(self):
        return self._value(self.png)

    def _repr_jpeg_(self):
        return self._value(self.jpeg)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return self._value(self.bundle)


def test_any_object_with_a_display_method_is_its_picture():
    text = base64.b64encode(png()).decode()
    for value in (png(), text, text[:40] + "\n" + text[40:], (png(), {"width": 9})):
        assert blob(Shown(value))[0] == Blob("image/png", png())
    assert blob(Shown(bundle={"image/png": png(), "text/html": "x"}))[0].data == png()
    assert blob(Shown(bundle=({"image/png": text}, {})))[0].data == png()
    assert blob(Shown(ValueError("no"), bundle={"image/png": png()}))[0].data == png()


def test_a_display_method_without_a_picture_is_no_media():
    assert parts(Shown()) == (None, [])
    assert parts(Shown(bundle={"text/html": "<b>"})) == (None, [])
    assert parts(Shown(b"no picture", "words", {"image/png": 3})) == (None, [])
    assert parts(Shown(bundle=TypeError("unexpected"))) == (None, [])


def test_a_failing_display_method_is_an_error_only_if_no_other_one_succeeds():
    with pytest.raises(PromptError, match=r"^x cannot be drawn: RuntimeError: no display\.") as caught:
        parts(Shown(RuntimeError("no display")))
    assert caught.value.remedy == "str(x) inserts its text."


def test_bytes_are_what_they_contain():
    assert blob(png())[0].mime_type == "image/png"
    assert blob(bytearray(png()))[0].data == png()
    assert blob(memoryview(png()))[0].data == png()
    assert blob(io.BytesIO(png()))[0].data == png()
    assert parts(b"plain words")[0] == [Text("plain words")]
    with pytest.raises(PromptError, match=r"^x is empty\."):
        parts(b"")
    with pytest.raises(PromptError, match="binary data of an unknown kind"):
        parts(b"\0\1\2\3")


@pytest.mark.parametrize(
    "value", ["text", 3, None, 1.5, {"a": b"x"}, [1, "b"], [png(), "text"], {b"x"}, object()]
)
def test_values_that_are_no_media_are_left_to_the_text(value):
    assert parts(value) == (None, [])


def test_a_list_of_media_is_one_part_each():
    found, notices = parts([png(), noise(2000, 1000), Path(__file__).with_name("absent")][:2], "photos")
    assert [part.mime_type for part in found] == ["image/png", "image/jpeg"]
    assert notices[0].startswith("The request contains photos[1] as a JPEG image")


def test_a_list_that_contains_itself_is_left_to_the_text():
    endless = [png()]
    endless.append(endless)
    assert parts(endless) == (None, [])
    assert parts([[[[png()]]]]) == (None, [])
    assert len(parts([[png(), png()], (png(),)])[0]) == 3


class NamedLike:
    """A class of the user with a name that a library also has."""


def test_a_class_is_recognised_with_its_package():
    user_class = type("Image", (), {})
    assert parts(user_class()) == (None, [])
    assert parts(NamedLike()) == (None, [])


def test_objects_whose_source_says_more_than_their_picture_are_text():
    graph = type("Dot", (), {"__module__": "graphviz.graphs", "source": "digraph { a -> b }"})
    assert parts(graph())[0] == [Text("digraph { a -> b }")]
    formula = type(
        "Symbol",
        (type("Printable", (), {"__module__": "sympy.core._print_helpers"}),),
        {
            "__module__": "sympy.core.symbol",
            "_repr_latex_": lambda self: "$x$",
            "_repr_png_": lambda self: 1 / 0,
        },
    )
    assert parts(formula())[0] == [Text("$x$")]
    figure = type(
        "figure", (type("Model", (), {"__module__": "bokeh.model"}),), {"__module__": "bokeh.plotting"}
    )
    with pytest.raises(PromptError, match="has no picture outside a browser"):
        parts(figure())
