"""Media in a cell: in expressions, with --attach, in --dry-run, --count and the status line."""

import base64
import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from gemini_magic.content import Blob, Text
from gemini_magic.errors import OptionError, PromptError

mpl.use("agg")


def png(color=5, side=20):
    target = io.BytesIO()
    Image.new("RGB", (side, side), color).save(target, "PNG")
    return target.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plots").mkdir()
    for number in (1, 2):
        (tmp_path / "plots" / f"{number}.png").write_bytes(png(number))
    (tmp_path / "notes.md").write_text("# Notes")
    return tmp_path


def sent(cells, code, name="r"):
    """The parts of the prompt of a cell that is only shown."""
    head, _, rest = code.partition("\n")
    result = cells(f"{head} --dry-run -o {name}\n{rest}")
    assert result.success
    return cells.names[name].parts


def test_a_value_that_is_media_is_a_part_between_the_text_around_it(cells, folder):
    figure = Figure()
    figure.add_subplot().plot([1, 2])
    cells.names.update(fig=figure, path=Path("plots/1.png"), picture=Image.new("L", (9, 9)), data=png())
    before, first, middle, second, third, fourth, after = sent(
        cells, "%%gemini\nCompare {{ fig }} with {{ path }}{{ picture }}{{ data }}, please."
    )
    assert (before, middle, after) == (Text("Compare "), Text(" with "), Text(", please."))
    assert [part.mime_type for part in (first, second, third, fourth)] == ["image/png"] * 4
    assert (second.data, fourth.data) == (png(1), png())


def test_attachments_come_before_the_prompt_in_their_order(cells, folder):
    cells.names["picture"] = np.zeros((20, 30, 3), "uint8")
    parts = sent(cells, "%%gemini -a plots/*.png -a picture --attach=https://h.test/a.pdf -a notes.md\nLook.")
    assert [part.data for part in parts[:2]] == [png(1), png(2)]
    assert Image.open(io.BytesIO(parts[2].data)).size == (30, 20)
    assert parts[3].uri == "https://h.test/a.pdf"
    assert parts[4] == Text("\n`notes.md`:\n```md\n# Notes\n```\n")
    assert parts[5] == Text("Look.")
    assert "The request contains picture as a picture of 30 × 20 pixels." in cells.shown


def test_an_attachment_with_settings_is_inserted_or_attached(cells, folder):
    (folder / "a.pdf").write_bytes(b"%PDF-1.7\n\xe2\xe3")
    cells("import gemini_magic\npaper = gemini_magic.attach('a.pdf', pages=(3, 9))")
    for code in (
        "%%gemini -a paper\nSum up.",
        "%%gemini\n{{ paper }}Sum up.",
        "%%gemini\n{{ gemini_magic.attach('a.pdf', pages=(3, 9)) }}Sum up.",
    ):
        document, question = sent(cells, code)
        assert (document.mime_type, document.media.pages, question.text) == (
            "application/pdf",
            (3, 9),
            "Sum up.",
        )


def test_an_attachment_belongs_to_one_cell(cells, folder):
    cells("%%gemini -a plots/1.png --chat pictures\nfirst")
    parts = sent(cells, "%%gemini -c\nsecond")
    assert parts == (Text("second"),)
    body = cells.names["r"].body
    assert "%config" not in str(body)
    with pytest.raises(OptionError):
        raise cells.error("%gemini config attach=plots/1.png")


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        (
            "%%gemini -a plots/3.png\nx",
            "plots/3.png does not exist.",
            "Did you mean plots/1.png or plots/2.png?",
        ),
        ("%%gemini -a pictur\nx", "pictur is neither a variable nor a file.", "Did you mean picture?"),
        ("%%gemini -a plots\nx", "plots is a folder.", "plots/*.png"),
        ("%%gemini -a {{ picture }}\nx", "the %%gemini line accepts only text.", "Put media into the prompt"),
        (
            "%%gemini\nSee {{ empty }}",
            "the cell, line 2, column 5: empty is an empty figure.",
            "Draw something",
        ),
        (
            "%%gemini\n{{ report }}",
            "the cell, line 2, column 1: r.docx is a Word document",
            "Save it as PDF.",
        ),
    ],
)
def test_media_that_cannot_be_sent_are_an_error_before_anything_is_sent(cells, folder, code, message, remedy):
    (folder / "r.docx").write_bytes(b"PK\3\4" + b"[Content_Types].xml word/document.xml")
    cells.names.update(picture=Image.new("L", (9, 9)), empty=Figure(), report=Path("r.docx"))
    error = cells.error(code)
    assert isinstance(error, PromptError)
    assert error.message.startswith(message)
    assert remedy in error.remedy
    assert "_gemini" not in cells.names


def test_a_path_in_an_option_is_its_text_and_not_its_content(cells, folder):
    cells("%config GeminiMagics.backend = 'gemini'")
    cells.names["notes"] = Path("notes.md")
    sent(cells, "%%gemini -s {{ notes }} -p labels={{ notes }}\nx")
    assert cells.names["r"].body["systemInstruction"]["parts"] == [{"text": "notes.md"}]
    assert cells.names["r"].body["labels"] == "notes.md"


def test_dry_run_lists_the_parts_with_thumbnails_and_does_not_print_their_data(cells, folder):
    cells.names["photo"] = Image.fromarray(np.random.default_rng(1).integers(0, 255, (900, 1200, 3), "uint8"))
    cells("%%gemini --dry-run -o r -a photo -a https://h.test/<b>.mp4\nWhat is it?")
    shown, html = repr(cells.names["r"]), cells.names["r"]._repr_html_()
    size = len(cells.names["r"].parts[0].data)
    assert "  1. image/jpeg, " in shown
    assert "  2. video/mp4, https://h.test/<b>.mp4" in shown
    assert "  3. text, 11 characters: What is it?" in shown
    assert len(shown) < 2_000 < size
    assert "characters of base64)" in shown
    assert html.count('<img src="data:image/jpeg;base64,') == 1
    assert "&lt;b&gt;" in html
    assert len(html) < 20_000
    inline = cells.names["r"].body["contents"][0]["parts"][0]["inlineData"]
    assert len(base64.b64decode(inline["data"])) == size
    assert "Parts of the prompt" not in repr(sent_preview(cells))


def sent_preview(cells):
    cells("%%gemini --dry-run -o plain\nonly text")
    return cells.names["plain"]


def test_the_status_line_says_what_was_sent(cells, folder):
    cells("%%gemini -a plots/*.png --display text\nLook.")
    assert f"sent 2 images, {len(png(1)) + len(png(2))} bytes" in cells.shown
    cells.names["photo"] = Image.effect_noise((1500, 1000), 30)
    cells("%%gemini --display text\n{{ photo }}")
    assert "sent 1 image, " in cells.shown
    assert "The request contains photo as a JPEG image: 1,500 × 1,000, " in cells.shown
    (note,) = [note for note in cells.names["_gemini"].notes if note.kind == "notice"]
    assert note.message.startswith("The request contains photo as a JPEG image")


def test_counting_tokens_counts_media(cells, folder, fake_server):
    cells("%config GeminiMagics.backend = 'gemini'")
    cells(f"%config GeminiMagics.base_url = {fake_server.base_url!r}")
    cells("%%gemini --count -a plots/1.png -m quick -o n\nLook.")
    (request,) = [each for each in fake_server.requests if "countTokens" in each.path]
    parts = request.body["generateContentRequest"]["contents"][0]["parts"]
    assert parts[0]["inlineData"] == {"mimeType": "image/png", "data": base64.b64encode(png(1)).decode()}


def test_media_above_the_limit_are_an_error_for_a_backend_without_uploads(cells, folder):
    cells.names["big"] = Blob("image/png", b"x" * 2_000_000)
    error = cells.error("%%gemini --backend gateway --inline-limit 1 --dry-run\n{{ big }}")
    assert "2.0 MB; the media of a request to the gateway backend may have 1.0 MB in all" in error.message
    assert cells("%%gemini --backend gateway --inline-limit 3 --dry-run -p top_k=1 -t 0.5\n{{ big }}").success


def test_the_images_of_an_earlier_answer_can_be_sent_again(cells, folder):
    cells.names["images"] = [Blob("image/png", png(1)), Blob("image/png", png(2))]
    assert [part.data for part in sent(cells, "%%gemini\n{{ images }}")] == [png(1), png(2)]
    assert sent(cells, "%%gemini\n{{ images[1] }}")[0].data == png(2)


def test_a_table_is_attached_as_text_with_its_name(cells):
    cells.names["df"] = pd.DataFrame({"n": range(9)})
    table, question = sent(cells, "%%gemini -a df --table-rows 1\nSum up.")
    assert table.text == "\n`df`:\n\n| n |\n| --- |\n| 0 |\n\n(Shown: the first 1 of 9 rows.)\n\n"
    assert question == Text("Sum up.")
    assert "The request contains 1 of 9 rows of df" in cells.shown
