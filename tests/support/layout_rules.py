"""The layout rules as functions on a tree of source files; each returns its violations, one line for each.

They read syntax only and import nothing of what they check, so they work on any tree laid out like the package.
The rules themselves (tables, lists, limits) are in `test_layout.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One imported module: `target` is absolute and dotted; `function` is where a local import stands, else ''."""

    target: str
    line: int
    function: str


@dataclass(frozen=True)
class Module:
    """One source file of the package `package`, whose folder is `root`."""

    root: Path
    path: Path
    names: frozenset[str]  # all modules of the package, dotted
    exported: frozenset[str]  # the names in the __all__ of each __init__, dotted: may share a module's name

    @property
    def package(self) -> str:
        return self.root.name

    @cached_property
    def shown(self) -> str:
        return self.path.relative_to(self.root).as_posix()

    @property
    def is_init(self) -> bool:
        return self.path.name == "__init__.py"

    @cached_property
    def name(self) -> str:
        return _dotted(self.root, self.path)

    @property
    def area(self) -> str:
        """The area it belongs to: 'wire', 'errors', ..., and '__init__' for the package root."""
        return area_of(self.name)

    @cached_property
    def source(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, str(self.path))

    @cached_property
    def imports(self) -> list[Import]:
        return list(self._imports(self.tree, ""))

    @property
    def own(self) -> list[Import]:
        """Imports of the package's own modules."""
        return [one for one in self.imports if _top(one.target) == self.package]

    @property
    def third_party(self) -> list[Import]:
        return [one for one in self.imports if _top(one.target) != self.package]

    def _imports(self, node: ast.AST, function: str) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, child.lineno, function)
            elif isinstance(child, ast.ImportFrom):
                for target in self._from(child):
                    yield Import(target, child.lineno, function)
            elif isinstance(child, ast.Call) and (named := self._by_name(child)):
                yield Import(named, child.lineno, function)
            inner = child.name if isinstance(child, _Function) and not function else function
            yield from self._imports(child, inner)

    def _from(self, node: ast.ImportFrom) -> list[str]:
        base = node.module or ""
        if node.level:
            home = self.name.split(".") if self.is_init else self.name.split(".")[:-1]
            up = home[: len(home) - node.level + 1]
            base = ".".join([*up, *filter(None, [node.module])])
        targets = [f"{base}.{alias.name}" for alias in node.names]
        # `from .area import thing`: a module if there is one of that name (and the area's __init__ does not offer
        # something under the same name), else something inside `area`.
        outside = self.area != area_of(base)
        return sorted(
            {
                base if target not in self.names or (outside and target in self.exported) else target
                for target in targets
            }
        )

    def _by_name(self, call: ast.Call) -> str | None:
        """The module in `import_module("package.module")`; relative and computed names are resolved where possible."""
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if called not in {"import_module", "__import__"} or not call.args:
            return None
        first = call.args[0]
        if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
            return None
        text = first.value
        if not text.startswith("."):
            return text
        level = len(text) - len(text.lstrip("."))
        home = self.name.split(".") if self.is_init else self.name.split(".")[:-1]
        return ".".join([*home[: len(home) - level + 1], text.lstrip(".")])


def _top(target: str) -> str:
    return target.partition(".")[0]


def _dotted(root: Path, path: Path) -> str:
    parts = [root.name, *path.relative_to(root).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def area_of(name: str) -> str:
    """The area of a dotted module name of the package."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def read_tree(root: Path) -> list[Module]:
    """All modules below a package's folder."""
    paths = sorted(path for path in root.rglob("*.py") if "__pycache__" not in path.parts)
    names = frozenset(_dotted(root, path) for path in paths)
    exported = frozenset(
        f"{_dotted(root, path)}.{name}" for path in paths if path.name == "__init__.py" for name in _all(path)
    )
    return [Module(root, path, names, exported) for path in paths]


def _all(path: Path) -> list[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and "__all__" in map(ast.unparse, node.targets):
            return [str(item.value) for item in ast.walk(node.value) if isinstance(item, ast.Constant)]
    return []


# ------------------------------------------------------------------------------------ who imports whom


def outside_the_table(
    modules: Iterable[Module], table: Mapping[str, set[str] | None], groups: Mapping[str, str]
) -> list[str]:
    """Imports between areas that the table does not allow; None in the table allows everything.

    `groups` maps the name of a group to the top-level modules in it, separated by spaces; a group is one area.
    """
    group_of = {name: group for group, names in groups.items() for name in names.split()}
    found = []
    for module in modules:
        area = group_of.get(module.area, module.area)
        if area not in table:
            found.append(f"{module.shown}: '{area}' is neither an area of the table nor in a group")
            continue
        allowed = table[area]
        for one in module.own:
            target = area_of(one.target)
            to = group_of.get(target, target)
            if to != area and target != "__init__" and allowed is not None and to not in allowed:
                found.append(f"{module.shown}:{one.line}: '{area}' may not import '{to}'")
    return found


def unused_areas(
    modules: Iterable[Module], table: Mapping[str, set[str] | None], groups: Mapping[str, str]
) -> list[str]:
    """Areas, imports and members of groups in the table that the tree does not have."""
    areas = {module.area for module in modules}
    members = {name for names in groups.values() for name in names.split()}
    known = areas | {group for group, names in groups.items() if areas & set(names.split())}
    named = {*table, *(area for allowed in table.values() for area in allowed or ()), *members}
    return [f"the table names '{name}', which does not exist" for name in sorted(named - known)]


def imports_past_init(modules: Iterable[Module]) -> list[str]:
    """Imports that enter another area by anything but its `__init__`."""
    return [
        f"{module.shown}:{one.line}: enters '{area_of(one.target)}' by {one.target}, not by its __init__"
        for module in modules
        for one in module.own
        if area_of(one.target) not in {module.area, "__init__"} and one.target.count(".") > 1
    ]


def root_imports(modules: Iterable[Module]) -> list[str]:
    """Modules that import the package root."""
    return [
        f"{module.shown}:{one.line}: imports the package root"
        for module in modules
        for one in module.own
        if one.target == module.package and module.area != "__init__"
    ]


def eager_root(modules: Iterable[Module]) -> list[str]:
    """Imports of own modules that the package root makes when it is imported (types apart)."""
    return [
        f"{module.shown}:{one.line}: imports {one.target} at once; the root is lazy"
        for module in modules
        if module.area == "__init__"
        for one in module.own
        if not one.function and one.line not in _typing_only(module.tree)
    ]


def _typing_only(tree: ast.Module) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            lines |= {
                inner.lineno for part in node.body for inner in ast.walk(part) if hasattr(inner, "lineno")
            }
    return lines


def misplaced_third_parties(modules: Iterable[Module], files_of: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Third parties imported outside the files where they may be; patterns are matched against the path."""
    return [
        f"{module.shown}:{one.line}: {_top(one.target)} belongs in {' or '.join(files_of[_top(one.target)])}"
        for module in modules
        for one in module.third_party
        if _top(one.target) in files_of
        and not any(fnmatch(module.shown, pattern) for pattern in files_of[_top(one.target)])
    ]


def imported_early(modules: Iterable[Module], late: set[str]) -> list[str]:
    """Third parties that must not be imported at import time, and are."""
    return [
        f"{module.shown}:{one.line}: {_top(one.target)} is imported at import time"
        for module in modules
        for one in module.third_party
        if _top(one.target) in late and not one.function and one.line not in _typing_only(module.tree)
    ]


def imported_in_several_functions(modules: Iterable[Module], name: str) -> list[str]:
    """The functions that import `name`, if they are more than one."""
    places = {
        (m.shown, one.function): one.line
        for m in modules
        for one in m.third_party
        if _top(one.target) == name
    }
    if len(places) <= 1:
        return []
    return [
        f"{shown}:{line}: one function may import {name}, not {len(places)}"
        for (shown, _), line in places.items()
    ]


def local_imports(modules: Iterable[Module], heavy: set[str], reasons: Mapping[str, str]) -> list[str]:
    """Imports inside functions, but of heavy or optional third parties, or of an area by its own lazy `__init__`.

    `reasons` maps 'path:function' to why that function may import any module.
    """
    found = []
    for module in modules:
        for one in module.imports:
            own_area = (
                module.is_init and area_of(one.target) == module.area and _top(one.target) == module.package
            )
            root = module.is_init and module.area == "__init__"
            fine = not one.function or _top(one.target) in heavy or own_area or root
            if not fine and f"{module.shown}:{one.function}" not in reasons:
                found.append(f"{module.shown}:{one.line}: {one.function}() imports {one.target}")
    return found


def cycles(modules: Iterable[Module]) -> list[str]:
    """Import cycles between modules, each named once by its members; the root's lazy imports apart."""
    graph = {
        m.name: {one.target for one in m.own if one.target != m.name} for m in modules if m.area != "__init__"
    }
    found: set[tuple[str, ...]] = set()
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> None:
        if name in trail:
            ring = trail[trail.index(name) :]
            start = ring.index(min(ring))
            found.add((*ring[start:], *ring[:start]))
            return
        if name in done:
            return
        for target in sorted(graph.get(name, ())):
            visit(target, [*trail, name])
        done.add(name)

    for name in sorted(graph):
        visit(name, [])
    return [" -> ".join([*ring, ring[0]]) for ring in sorted(found)]


def lazy_names_of_modules(modules: Iterable[Module]) -> list[str]:
    """Lazy names of a package (`_HOMES`) that are also the name of one of its modules.

    Importing the module by any other way would set the name to the module before the lazy import could set it.
    """
    return [
        f"{module.shown}:{node.lineno}: the lazy name '{key.value}' is also a module"
        for module in modules
        if module.is_init
        for node in module.tree.body
        if isinstance(node, ast.Assign) and "_HOMES" in map(ast.unparse, node.targets)
        for key in getattr(node.value, "keys", ())
        if isinstance(key, ast.Constant) and f"{module.name}.{key.value}" in module.names
    ]


# ----------------------------------------------------------------------------------- names and sizes


def too_many_top_modules(modules: Iterable[Module], most: int) -> list[str]:
    """More modules at the top of the package than allowed."""
    names = sorted(module.shown for module in modules if "/" not in module.shown)
    if len(names) <= most:
        return []
    return [f"{len(names)} modules at the top of the package, the limit is {most}: {', '.join(names)}"]


def _public_names(modules: Iterable[Module], kinds: tuple[type[ast.stmt], ...]) -> dict[str, list[str]]:
    """Where each public class or function at the top of a module is defined; overloads count once."""
    places: dict[str, dict[str, None]] = {}
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, kinds) and not node.name.startswith("_"):  # type: ignore[attr-defined]
                places.setdefault(node.name, {})[module.shown] = None  # type: ignore[attr-defined]
    return {name: list(files) for name, files in places.items()}


def classes_defined_twice(modules: Iterable[Module]) -> list[str]:
    """Public class names that two modules define."""
    return [
        f"class {name} is defined in {' and '.join(files)}"
        for name, files in sorted(_public_names(modules, (ast.ClassDef,)).items())
        if len(files) > 1
    ]


def functions_defined_twice(modules: Iterable[Module], reasons: Mapping[str, str]) -> list[str]:
    """Public functions of one name in two modules without a reason; and reasons no longer needed."""
    twice = {
        name: files
        for name, files in sorted(_public_names(modules, (ast.FunctionDef, ast.AsyncFunctionDef)).items())
        if len(files) > 1 and name != "__getattr__"
    }
    found = [
        f"{name}() is defined in {' and '.join(files)}"
        for name, files in twice.items()
        if name not in reasons
    ]
    return found + [f"{name}: a reason is listed, but not needed" for name in reasons if name not in twice]


def bad_names(modules: Iterable[Module], names: set[str]) -> list[str]:
    """Files and folders with a meaningless name."""
    return [
        f"{module.shown}: the name '{part}' does not describe the module"
        for module in modules
        for part in Path(module.shown).with_suffix("").parts
        if part.strip("_") in names
    ]


def without_docstring(modules: Iterable[Module]) -> list[str]:
    """Modules without a docstring."""
    return [f"{m.shown}: no module docstring" for m in modules if not ast.get_docstring(m.tree)]


def long_modules(modules: Iterable[Module], soft: int, hard: int, reasons: Mapping[str, str]) -> list[str]:
    """Modules above the hard limit, or above the soft one without a reason; and reasons no longer needed."""
    sizes = {module.shown: len(module.source.splitlines()) for module in modules}
    found = [f"{shown}: {size} lines, the limit is {hard}" for shown, size in sizes.items() if size > hard]
    found += [
        f"{shown}: {size} lines, more than {soft} need a reason"
        for shown, size in sizes.items()
        if soft < size <= hard and shown not in reasons
    ]
    return found + [
        f"{shown}: a reason is listed, but not needed" for shown in reasons if sizes.get(shown, 0) <= soft
    ]


def long_functions(modules: Iterable[Module], limit: int, reasons: Mapping[str, str]) -> list[str]:
    """Functions above the limit without a reason; and reasons no longer needed."""
    sizes = {
        f"{module.shown}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, _Function)
    }
    found = [
        f"{place}: {size} lines, more than {limit} need a reason"
        for place, size in sizes.items()
        if size > limit and place not in reasons
    ]
    return found + [
        f"{place}: a reason is listed, but not needed" for place in reasons if sizes.get(place, 0) <= limit
    ]
