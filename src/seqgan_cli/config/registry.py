"""Where components are found: ours are the files of a room, those of other packages are entry points.

A component is a class with a name that says of itself what it needs, costs and reads. Its file imports neither TensorFlow nor
Keras before it is put to work. A package of somebody else's is imported when a setting names its component, never before.
"""

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from seqgan_cli.config.settings import Settings


class Component:
    """What every component says of itself."""

    name: ClassVar[str] = ""
    meaning: ClassVar[str] = ""  # a few words, for `seqgan settings`
    rank: ClassVar[int] = 9  # where lists have it: the paper's first
    Section: ClassVar[Any] = None  # a section (`config.schema.section`), if it has settings

    @classmethod
    def conflicts(cls, settings: "Settings") -> Iterable[tuple[bool, str]]:
        """Whether something spoils it or would be ignored in silence, and a sentence that says what to do."""
        return ()


class Registry:
    """Components of one kind.

    Args:
        group: of entry points.
        package: ours, whose modules hold components.
        setting: what names one of them.
        what: one of them, in words.
    """

    def __init__(self, group: str, package: str, setting: str, what: str) -> None:
        self.group, self.package, self.setting, self.what = group, package, setting, what
        self._loaded: dict[str, Any] = {}

    @functools.cached_property
    def ours(self) -> dict[str, Any]:
        """The components of this package, by name."""
        package = importlib.import_module(self.package)
        modules = [importlib.import_module(f"{self.package}.{each.name}") for each in pkgutil.iter_modules(package.__path__)]
        found = [
            each
            for module in modules
            for _, each in inspect.getmembers(module, inspect.isclass)
            if each.__module__ == module.__name__ and issubclass(each, Component) and vars(each).get("name")
        ]
        return {each.name: each for each in sorted(found, key=lambda each: (each.rank, each.name))}

    @functools.cached_property
    def _theirs(self) -> "dict[str, EntryPoint]":
        from importlib.metadata import entry_points  # takes longer than all of ours

        return {entry.name: entry for entry in entry_points(group=self.group) if entry.name not in self.ours}

    def names(self) -> tuple[str, ...]:
        """All that can be named: ours, then other packages', which are not imported for that."""
        return (*self.ours, *sorted(self._theirs))

    def __getitem__(self, name: str) -> Any:
        """The component; its settings are in the schema from now on. Raises UsageError for a name that is none's."""
        if name in self.ours:
            return self.ours[name]
        if name not in self._loaded:
            entry = self._theirs.get(name)
            if entry is None:
                raise UsageError(f"{self.setting}={name}: choose from {', '.join(self.names())}.")
            self._loaded[name] = self._load(entry)
        return self._loaded[name]

    def _load(self, entry: "EntryPoint") -> Any:
        from seqgan_cli.config.settings import SCHEMA

        where = f"{self.setting}={entry.name} ({entry.value})"
        try:
            component = entry.load()
        except Exception as error:
            raise UsageError(f"{where} cannot be imported: {type(error).__name__}: {error}.") from error
        if not (inspect.isclass(component) and issubclass(component, Component) and component.name == entry.name):
            raise UsageError(f"{where} is no {self.what} named {entry.name!r}: it needs a class with that name.")
        if component.Section is not None:
            SCHEMA.add(component.Section)
        return component

    def sections(self) -> Iterator[Any]:
        """The sections that our components declare, then those of others that were named."""
        for component in (*self.ours.values(), *self._loaded.values()):
            if component.Section is not None:
                yield component.Section


rewards = Registry("seqgan.rewards", "seqgan_cli.rewards", "adversarial.reward", "reward")
algorithms = Registry("seqgan.algorithms", "seqgan_cli.algorithms", "adversarial.algorithm", "algorithm")
generators = Registry("seqgan.generators", "seqgan_cli.models.generators", "generator.cell", "generator")
discriminators = Registry("seqgan.discriminators", "seqgan_cli.models.discriminators", "discriminator.kind", "discriminator")
kinds = Registry("seqgan.kinds", "seqgan_cli.data.kinds", "data.kind", "kind of data")
ALL = (kinds, generators, discriminators, algorithms, rewards)


def load_named(values: dict[str, Any]) -> None:
    """Import the components of other packages that these settings name. Raises UsageError where one cannot be."""
    for registry in ALL:
        name = values.get(registry.setting)
        if isinstance(name, str) and name not in registry.ours and name in registry.names():
            registry[name]


def chosen(settings: "Settings") -> list[Any]:
    """The components that these settings name."""
    names = ((registry, settings.values[registry.setting]) for registry in ALL)
    return [registry[name] for registry, name in names if name in registry.names()]
