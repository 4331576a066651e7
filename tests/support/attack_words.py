"""What every attack tries: the words that the exam looks for."""

from __future__ import annotations

RUN = "alert(1)"
FETCH = "https://evil.test/q"
SCRIPT = f"<script>{RUN}</script>"
IMG = f"<img src=x onerror={RUN}>"
