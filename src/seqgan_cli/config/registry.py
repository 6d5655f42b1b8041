"""Where components are found: ours are the files of a room, those of other packages are entry points.

A component is a class with a name that says of itself what it needs, costs and reads. Its file imports neither TensorFlow nor
Keras before it is put to work. A package of somebody else's is imported when a setting names its component, never before.
"""

import functools
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from seqgan_cli.config.expression import Expression, parse
from seqgan_cli.config.schema import OF_USE
from seqgan_cli.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from seqgan_cli.config.settings import Settings


class Component:
    """What every component says of itself."""

    name: ClassVar[str] = ""
    meaning: ClassVar[str] = ""  # a few words, for `seqgan settings`
    rank: ClassVar[int] = 9  # where lists have it: the paper's first
    is_named: ClassVar[bool] = True  # whether its registry's setting can name it
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
        beside: values of the setting that name none.
    """

    def __init__(self, group: str, package: str, setting: str, what: str, beside: tuple[str, ...] = ()) -> None:
        self.group, self.package, self.setting, self.what, self.beside = group, package, setting, what, beside
        self._loaded: dict[str, Any] = {}

    @functools.cached_property
    def ours(self) -> dict[str, Any]:
        """The components of this package, by name."""
        package = importlib.import_module(self.package)
        modules = [importlib.import_module(f"{self.package}.{each.name}") for each in pkgutil.iter_modules(package.__path__)]
        classes = {each for module in modules for each in vars(module).values() if isinstance(each, type)}
        here = [each for each in classes if each.__module__.startswith(f"{self.package}.") and issubclass(each, Component)]
        found = [each for each in here if vars(each).get("name")]
        return {each.name: each for each in sorted(found, key=lambda each: (each.rank, each.name))}

    @functools.cached_property
    def _entries(self) -> "tuple[EntryPoint, ...]":
        from importlib.metadata import entry_points  # takes longer than all of ours

        return tuple(entry_points(group=self.group))

    @property
    def _theirs(self) -> "dict[str, EntryPoint]":
        return {entry.name: entry for entry in self._entries if entry.name not in self.ours}

    @property
    def metavar(self) -> str:
        """What help shows for a value."""
        return f"[{'|'.join((*self.beside, *self.named))}]"

    @functools.cached_property
    def named(self) -> tuple[str, ...]:
        """Those of this package that can be named."""
        return tuple(name for name, each in self.ours.items() if each.is_named)

    def names(self) -> tuple[str, ...]:
        """All that can be named: ours, then other packages', which are not imported for that."""
        return (*self.named, *sorted(self._theirs))

    def known(self) -> tuple[Any, ...]:
        """Our components, then those of others that were named."""
        return (*self.ours.values(), *self._loaded.values())

    def __getitem__(self, name: str) -> Any:
        """The component; its settings are in the schema from now on. Raises UsageError for a name that is none's."""
        if name in self.ours:
            return self.ours[name]
        if name not in self._loaded:
            entry = self._theirs.get(name)
            if entry is None:
                raise UsageError(f"{self.setting}={name}: choose from {', '.join((*self.beside, *self.names()))}.")
            self._loaded[name] = self._load(entry)
        return self._loaded[name]

    def require(self, name: str) -> None:
        """Import the component if it is another package's.

        Raises UsageError for what the setting cannot be, and for a name that several components have.
        """
        found = sorted({entry.value for entry in self._entries if entry.name == name})
        if len(found) + (name in self.ours) > 1:
            whose = " and ".join((*[f"a {self.what} of ours"] * (name in self.ours), *found))
            raise UsageError(f"{self.setting}={name}: {whose} have that name; rename or uninstall one.")
        if name in self.ours and name not in self.named:
            raise UsageError(f"{self.setting}={name}: choose from {', '.join((*self.beside, *self.names()))}.")
        if name not in self.beside:
            self[name]

    def _load(self, entry: "EntryPoint") -> Any:
        from seqgan_cli.config.settings import SCHEMA

        where = f"{self.setting}={entry.name} ({entry.value})"
        try:
            component = entry.load()
        except Exception as error:
            raise UsageError(f"{where} cannot be imported: {type(error).__name__}: {error}.") from error
        if not (isinstance(component, type) and issubclass(component, Component) and component.name == entry.name):
            raise UsageError(f"{where} is no {self.what} named {entry.name!r}: it needs a class with that name.")
        if component.Section is not None:
            SCHEMA.add(component.Section, component.name if component.Section.PREFIX == OF_USE else "")
        return component

    def sections(self) -> Iterator[tuple[Any, str]]:
        """The sections that our components declare, then those of others that were named; and of which use each is."""
        for component in self.known():
            if component.Section is not None:
                yield component.Section, component.name if component.Section.PREFIX == OF_USE else ""

    def is_path(self, value: str) -> bool:
        """Whether a value of the setting is the name of a file."""
        return False

    def named_by(self, value: str) -> "tuple[Any, ...]":
        """The components that a value of the setting names."""
        return (self[value],) if value in self.names() else ()

    def conflicts(self, settings: "Settings") -> Iterable[tuple[bool, str]]:
        """What does not go together, of the components that the settings name; see `Component.conflicts`."""
        for component in self.named_by(settings.values[self.setting]):
            yield from component.conflicts(settings)


class Rewards(Registry):
    """Rewards, of which the setting names a weighted sum; every use of one has settings of its own."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._labels: dict[str, str] = {}  # the reward of each use that has a name of its own

    @property
    def metavar(self) -> str:
        return "NAME=WEIGHT,…"  # of too many to be listed

    def expression(self, value: str) -> Expression:
        """The sum. Raises UsageError for a text that is none."""
        return parse(value, self.setting)

    def named_by(self, value: str) -> tuple[Any, ...]:
        return tuple(self[use.reward] for use in self.expression(value).uses)

    def needs(self, value: str, what: str) -> bool:
        """Whether any of the rewards has a need or trait, by the name of its attribute."""
        return any(getattr(component, what) for component in self.named_by(value))

    def require(self, name: str) -> None:
        """As for any component, of all that the sum names; the settings of its uses are in the schema from now on."""
        from seqgan_cli.config.settings import SCHEMA

        for use in self.expression(name).uses:
            if use.reward not in self.names():
                known = ", ".join(self.names())
                raise UsageError(f"{self.setting}={name}: there is no reward {use.reward!r}; choose from {known}.")
            super().require(use.reward)
            if use.name == use.reward:
                continue
            if use.name in self.names():
                raise UsageError(f"{self.setting}={name}: {use.name} is the name of a reward, so no other use can have it.")
            if self._labels.get(use.name) != use.reward:
                self._labels[use.name] = use.reward
                SCHEMA.forget()

    def others(self, name: str) -> frozenset[str]:
        """Where settings are of uses that other sums named, of other runs in this process: `reward.USE`."""
        uses = {use.name for use in self.expression(name).uses} if self._labels else set()
        return frozenset(f"{OF_USE}.{label}" for label in self._labels if label not in uses)

    def implied(self, settings: Iterable[str]) -> list[str]:
        """The rewards that settings of their own ask for where the sum is not given: `reward.file.path`."""
        return [name for name, each in self.ours.items() if f"{OF_USE}.{name}.{each.implied_by}" in set(settings)]

    def sections(self) -> Iterator[tuple[Any, str]]:
        yield from super().sections()
        for name, reward in self._labels.items():
            section = self[reward].Section
            if section is not None and section.PREFIX == OF_USE:
                yield section, name

    def conflicts(self, settings: "Settings") -> Iterable[tuple[bool, str]]:
        yield from super().conflicts(settings)
        expression = self.expression(settings.values[self.setting])
        for use in expression.uses:
            component = self[use.reward]
            yield (
                component.stepwise and expression.single != use,
                f"--reward {expression.text}: {use.reward} scores every token and not whole sequences, so it cannot be part of "
                "a sum.",
            )
            yield from component.refused(settings, use)
            yield (
                expression.single is None and component.bounds(settings, use) is None,
                f"--reward {expression.text}: {use.reward} has no bounds and would drown the others: say which of its values "
                f"become 0 and 1, by --set {OF_USE}.{use.name}.low=… and --set {OF_USE}.{use.name}.high=….",
            )


class Kinds(Registry):
    """Kinds of data; where the setting names none, the source says what its data are."""

    def of_source(self, source: str) -> Any:
        """The kind that has built-in data of that name, or None for a file or folder."""
        return next((kind for kind in self.known() if source in kind.sources), None)

    def defaults_of(self, name: str) -> Mapping[str, Any]:
        """What the kind of that name sets other settings to, by their names."""
        found: Mapping[str, Any] = {} if name in self.beside else self[name].defaults
        return found

    def of(self, source: str, name: str) -> Any:
        """The kind of a source, where the setting has that value."""
        if name not in self.beside:
            return self[name]
        built_in = self.of_source(source)
        return built_in if built_in is not None and not built_in.is_named else next(iter(self.ours.values()))


class Tokenizers(Registry):
    """Tokenizers, of which a value may say more than the name: NAME:ARGUMENT, or a file."""

    @property
    def metavar(self) -> str:
        return f"[{'|'.join(self.named)}:PATTERN|FILE.json]"

    def component(self, value: str) -> Any:
        """The one that a value names. Raises UsageError for a value that names none."""
        name = value.partition(":")[0]
        if name in self.names():
            self[name]  # another package's is imported
        found = next((each for each in self.known() if each.takes(value)), None)
        if found is None:
            known = ", ".join(self.names())
            raise UsageError(f"{self.setting}={value}: choose from {known}, or a file that ends in .json.")
        return found

    def require(self, name: str) -> None:
        if (own := name.partition(":")[0]) in self.names():
            super().require(own)
        self.component(name).check(name)

    def is_path(self, value: str) -> bool:
        return bool(self.component(value).is_path(value))

    def named_by(self, value: str) -> tuple[Any, ...]:
        return (self.component(value),)

    def made(self, value: str, kept: Any = None) -> Any:
        """The tokenizer of that value; `kept`: see `Tokenizer.make`."""
        return self.component(value).make(value, kept)


rewards = Rewards("seqgan.rewards", "seqgan_cli.rewards", "adversarial.reward", "reward")
algorithms = Registry("seqgan.algorithms", "seqgan_cli.algorithms", "adversarial.algorithm", "algorithm")
generators = Registry("seqgan.generators", "seqgan_cli.models.generators", "generator.cell", "generator")
discriminators = Registry("seqgan.discriminators", "seqgan_cli.models.discriminators", "discriminator.kind", "discriminator")
kinds = Kinds("seqgan.kinds", "seqgan_cli.data.kinds", "data.kind", "kind of data", beside=("auto",))
formats = Registry("seqgan.formats", "seqgan_cli.export", "--format", "format of an export")
tokenizers = Tokenizers("seqgan.tokenizers", "seqgan_cli.data.tokenizers", "data.tokenizer", "tokenizer")
ALL = (kinds, tokenizers, generators, discriminators, algorithms, rewards)
