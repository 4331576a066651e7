"""The magics and their configuration. All other modules are imported when the first cell runs."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from traitlets import Any as AnyTrait
from traitlets import Bool, Enum, Float, Int, List, TraitType, Unicode

from .transformer import AWAITED
from .warm_up import WarmUp

if TYPE_CHECKING:
    from ..config import Setting
    from .runner import CellRunner

__all__ = ["GeminiMagics"]

_WITHOUT_TLS = (
    "http:",
    "--replay",
    "echo",
)  # in the line of a cell: it needs no certificates, or hardly ever


@magics_class
class GeminiMagics(Magics):
    """Settings of `%%gemini` and `%gemini`; `None` means that a setting has no value here."""

    active: GeminiMagics | None = None  # the registered instance
    declared = False  # whether the traits of the settings exist

    @cached_property
    def warm_up(self) -> WarmUp:
        """The imports for the first cell, while the kernel is idle."""
        return WarmUp(self.shell)

    @cached_property
    def runner(self) -> CellRunner:
        """The runner of this shell's cells and commands; created for the first one."""
        from ..lazy import collector_paused_for_imports  # noqa: PLC0415 - imported for the first cell, not by %load_ext

        with collector_paused_for_imports():
            from .runner import CellRunner  # noqa: PLC0415 - as above

        return CellRunner(self.shell, self.configured, self.configure)

    @no_var_expand
    @line_cell_magic
    def gemini(self, line: str, cell: str | None = None) -> Any:
        """Send a prompt to Gemini and show the answer while it arrives.

            %%gemini [NAME <<] [MODEL] [options]
            prompt; each {{ expression }} is replaced by its value

        The response is assigned to `_gemini`, to NAME and to `_`. Its attributes include `.text`, `.chunks`, `.usage`
        and `.status`. `%%gemini -h` lists the options.

            %gemini            model, key, conversations and tokens used so far
            %gemini help       all commands: last, code, events, usage, config, reset, resume, stop, ...
        """
        if cell is None:
            return self.runner.run_command(line)
        self._load_certificates(line)
        return self.runner.ask(line, cell)

    async def awaited(self, line: str, cell: str) -> Any:
        """Run a `%%gemini` cell that the kernel awaits."""
        self._restore_history()
        self._load_certificates(line)
        return await self.runner.ask_awaited(line, cell)

    async def awaited_command(self, line: str) -> Any:
        """Run a `%gemini` command that sends a request, in a cell that the kernel awaits."""
        self._restore_history()
        return await self.runner.run_command_awaited(line)

    def report_misplaced(self, line: int) -> None:
        """Raise the error for a cell in which `%%gemini` is not on the first line."""
        self.runner.report_misplaced(line)

    def _load_certificates(self, line: str) -> None:
        """Begin to load the certificates for the first cell, in a thread beside its imports."""
        if "runner" in vars(self) or any(word in line for word in _WITHOUT_TLS):
            return
        from ..client import load_certificates  # noqa: PLC0415 - imported for the first cell, not by %load_ext

        load_certificates()

    def _restore_history(self) -> None:
        """Store in `In[n]` what the user typed instead of the call that the transformer made of it."""
        shell: Any = self.shell
        history = shell.history_manager
        if history is not None and history.input_hist_parsed[-1].startswith(AWAITED):
            history.input_hist_parsed[-1] = history.input_hist_raw[-1]

    # -- configuration

    def declare(self) -> None:
        """Add a trait for each setting, with the value None, and apply the shell's configuration."""
        if self.declared:
            return
        from ..config import settings  # noqa: PLC0415 - imported when a setting is configured

        self.declared = True
        self.add_traits(
            **{name: _trait(each).tag(config=True) for name, each in settings().items() if each.config}
        )
        shell: Any = self.shell
        self.update_config(shell.config)

    def configured(self) -> dict[str, Any]:
        """The settings that `%config GeminiMagics` or the profile's configuration set, by name."""
        if not self.declared:
            return {}
        return {
            name: value
            for name in self.trait_names(config=True)
            if (value := getattr(self, name)) is not None
        }

    def configure(self, name: str, value: Any) -> None:
        """Do what `%config GeminiMagics.NAME = VALUE` does; the value None removes the setting."""
        self.declare()
        setattr(self, name, value)

    @classmethod
    def class_traits(cls, **metadata: Any) -> dict[str, TraitType[Any, Any]]:
        """The traits by name. `%config` calls this; the first call declares the traits."""
        owner = GeminiMagics.active
        if metadata.get("config") and owner is not None and not owner.declared:
            owner.declare()
            return type(owner).class_traits(**metadata)
        return super().class_traits(**metadata)


def _trait(setting: Setting) -> TraitType[Any, Any]:
    options: dict[str, Any] = {"default_value": None, "allow_none": True}
    options["help"] = f"{setting.help} (default: {setting.default})"
    if setting.json:
        return AnyTrait(**options)
    if setting.choices:
        return Enum(setting.choices, **options)
    if setting.type is list:
        return List(Unicode(), **options)
    kinds: dict[type, type[TraitType[Any, Any]]] = {bool: Bool, int: Int, float: Float, str: Unicode}
    return kinds[setting.type](**options)
