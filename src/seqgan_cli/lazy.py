"""TensorFlow, Keras and NumPy, imported at their first use: files that declare components say what they are without waiting."""

import functools
import importlib
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any


class _Lazy:
    def __init__(self, name: str) -> None:
        self._name = name

    @functools.cached_property
    def _module(self) -> Any:
        return importlib.import_module(self._name)

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._module, attribute)


tf: Any = _Lazy("tensorflow")
keras: Any = _Lazy("keras")
if TYPE_CHECKING:
    import numpy as np
else:
    np = _Lazy("numpy")


class compiled:  # noqa: N801  a decorator
    """`tf.function` of a method, made for each instance at its first call."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method
        functools.update_wrapper(self, method)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        if self.method.__name__ in instance.__dict__:  # Python looks a method like `__call__` up in the class alone
            return instance.__dict__[self.method.__name__]
        made = tf.function(self.method.__get__(instance), autograph=False, reduce_retracing=True)
        instance.__dict__[self.method.__name__] = made  # found before this descriptor from now on
        return made


def compiled_for(signature: Callable[[], list]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`tf.function` of `function(owner, …)`, made for each owner at its first call, and gone with it.

    Args:
        signature: gives the `tf.TensorSpec` of every argument after the owner; the last ones may be left out in a call.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        name = f"compiled {function.__module__}.{function.__qualname__}"

        @functools.wraps(function)
        def call(owner: Any, *args: Any) -> Any:
            made = owner.__dict__.setdefault(name, {})
            if len(args) not in made:
                found = weakref.ref(owner)  # compiled code that holds its owner would keep it
                made[len(args)] = tf.function(
                    lambda *args: function(found(), *args), autograph=False, input_signature=signature()[: len(args)]
                )
            return made[len(args)](*args)

        return call

    return decorate
