"""TensorFlow and Keras, imported at their first use: files that declare components say what they are without waiting for it."""

import functools
import importlib
from collections.abc import Callable
from typing import Any


class _Lazy:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


tf: Any = _Lazy("tensorflow")
keras: Any = _Lazy("keras")


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
