"""The magics as IPython sees them, and the configuration; everything else is imported when a cell runs."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from traitlets import Bool, Enum, Float, Int, List, TraitType, Unicode

from .transformer import AWAITED

if TYPE_CHECKING:
    from ..config import Setting
    from .runner import CellRunner

__all__ = ["GeminiMagics"]


@magics_class
class GeminiMagics(Magics):
    """Ask Gemini from a cell: `%%gemini`, and `%gemini` for everything else."""

    active: GeminiMagics | None = None  # the one that is registered now
    declared = False

    @cached_property
    def desk(self) -> CellRunner:
        """What does the work; made for the first cell."""
        from .runner import CellRunner  # noqa: PLC0415 - the first cell pays for these imports, not %load_ext

        return CellRunner(self.shell, self.said, self.configure)

    @no_var_expand
    @line_cell_magic
    def gemini(self, line: str, cell: str | None = None) -> Any:
        """Ask Gemini and watch the answer arrive.

            %%gemini [NAME <<] [MODEL] [options]
            prompt, in which {{ expression }} is replaced by its value

        The response is bound to `_gemini`, to NAME, and to `_`: its `.text`, `.chunks`, `.usage` and `.status` say
        what came. `%%gemini -h` lists the options.

            %gemini            model, key, conversations and tokens so far
            %gemini help       the other words: last, code, events, usage, config, reset, resume, stop, ...
        """
        if cell is None:
            return self.desk.word(line)
        return self.desk.ask(line, cell)

    async def awaited(self, line: str, cell: str) -> Any:
        """The same for a cell that the kernel awaits."""
        self._restore_history()
        return await self.desk.ask_awaited(line, cell)

    async def awaited_word(self, line: str) -> Any:
        """A word of `%gemini` that asks, for a cell that the kernel awaits."""
        self._restore_history()
        return await self.desk.word_awaited(line)

    def not_first(self, line: int) -> None:
        """Explain that `%%gemini` has to be the first line of its cell."""
        self.desk.not_first(line)

    def _restore_history(self) -> None:
        """Let `In[n]` be what the user typed, not the call it was turned into."""
        shell: Any = self.shell
        history = shell.history_manager
        if history is not None and history.input_hist_parsed[-1].startswith(AWAITED):
            history.input_hist_parsed[-1] = history.input_hist_raw[-1]

    # -- configuration

    def declare(self) -> None:
        """Give this object a trait for each setting, None meaning that nothing was said."""
        if self.declared:
            return
        from ..config import settings  # noqa: PLC0415 - only for who configures

        self.declared = True
        self.add_traits(
            **{name: _trait(each).tag(config=True) for name, each in settings().items() if each.config}
        )
        shell: Any = self.shell
        self.update_config(shell.config)

    def said(self) -> dict[str, Any]:
        """What `%config GeminiMagics` and the profile's configuration say, and only that."""
        if not self.declared:
            return {}
        return {
            name: value
            for name in self.trait_names(config=True)
            if (value := getattr(self, name)) is not None
        }

    def configure(self, name: str, value: Any) -> None:
        """Do what `%config GeminiMagics.NAME = VALUE` does; None takes back what was said."""
        self.declare()
        setattr(self, name, value)

    @classmethod
    def class_traits(cls, **metadata: Any) -> dict[str, TraitType[Any, Any]]:
        """The traits by name; `%config` asks for them, and they are declared when it first does."""
        owner = GeminiMagics.active
        if metadata.get("config") and owner is not None and not owner.declared:
            owner.declare()
            return type(owner).class_traits(**metadata)
        return super().class_traits(**metadata)


def _trait(setting: Setting) -> TraitType[Any, Any]:
    options: dict[str, Any] = {"default_value": None, "allow_none": True}
    options["help"] = f"{setting.help} (default: {setting.default})"
    if setting.choices:
        return Enum(setting.choices, **options)
    if setting.type is list:
        return List(Unicode(), **options)
    kinds: dict[type, type[TraitType[Any, Any]]] = {bool: Bool, int: Int, float: Float, str: Unicode}
    return kinds[setting.type](**options)
