"""The list of the parts of a prompt, with thumbnails."""

import base64
import io
import re
import subprocess
import sys

from PIL import Image

from gemini_magic.content import Blob, File, LocalFile, Text
from gemini_magic.media import html_part_list

CODE = """
import sys
from gemini_magic.content import LocalFile
from gemini_magic.media import html_part_list
assert "PIL" not in sys.modules
print(html_part_list([LocalFile(sys.argv[1], "image/png", int(sys.argv[2]), "")]))
"""


def noise(width, height):
    target = io.BytesIO()
    Image.effect_noise((width, height), 90).save(target, "PNG")
    return target.getvalue()


def thumbnails(parts):
    found = re.findall(r'<img src="data:image/(\w+);base64,([^"]+)"', html_part_list(parts))
    return [(kind, Image.open(io.BytesIO(base64.b64decode(data))).size) for kind, data in found]


def test_pictures_have_thumbnails_also_in_files_that_are_uploaded(tmp_path):
    data = noise(800, 400)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    file = LocalFile(str(path), "image/png", len(data), "")
    assert thumbnails([Text("x"), Blob("image/png", data), file]) == [("jpeg", (96, 48))] * 2
    gone = LocalFile(str(tmp_path / "gone.png"), "image/png", 9, "")
    huge = LocalFile(str(path), "image/png", 200_000_000, "")
    assert (
        thumbnails([gone, huge, File("https://h.test/a.png", "image/png"), Blob("image/png", b"x" * 70_000)])
        == []
    )


def test_a_list_of_parts_loads_pillow_for_its_thumbnails(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(noise(800, 400))
    command = [sys.executable, "-c", CODE, str(path), str(path.stat().st_size)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "data:image/jpeg;base64," in shown
