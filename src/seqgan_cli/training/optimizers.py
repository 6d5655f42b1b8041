"""Adam and RMSprop on TensorFlow's fused kernels, with their state in plain variables.

`keras.optimizers.Adam` takes a dozen passes over every weight, which more than doubles a discriminator step; the fused kernel
takes one. Every slot is built with the optimizer, so a restored checkpoint never misses one.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from seqgan_cli.errors import SeqganError
from seqgan_cli.lazy import tf
from seqgan_cli.training.distribution import replicas


class Adam:
    """Kingma and Ba (2015), with the usual β₁ = 0.9, β₂ = 0.999, ε = 1e-8. `learning_rate`: a number, or a variable of one."""

    def __init__(self, weights: Sequence[Any], learning_rate: Any) -> None:
        self.weights = [weight.value for weight in weights]
        self.learning_rate = learning_rate
        self.count = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.first = [tf.Variable(tf.zeros_like(weight), trainable=False) for weight in self.weights]
        self.second = [tf.Variable(tf.zeros_like(weight), trainable=False) for weight in self.weights]

    def variables(self) -> dict[str, Any]:
        """Everything that must be saved, by name."""
        slots = {f"{kind}/{i}": v for kind in ("first", "second") for i, v in enumerate(getattr(self, kind))}
        return {"count": self.count, **slots}

    def apply(self, gradients: Sequence[Any]) -> None:
        """One step down the gradients: dense tensors, in the order of the weights."""
        step = tf.cast(self.count.assign_add(1), tf.float32)
        for weight, first, second, gradient in zip(self.weights, self.first, self.second, gradients, strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=tf.pow(0.9, step),
                beta2_power=tf.pow(0.999, step),
                lr=self.learning_rate,
                beta1=0.9,
                beta2=0.999,
                epsilon=1e-8,
                grad=gradient,
            )


class RMSprop:
    """Tieleman and Hinton (2012), with decay 0.9 and ε = 1e-7. `learning_rate`: a number, or a variable of one."""

    def __init__(self, weights: Sequence[Any], learning_rate: Any) -> None:
        self.weights = [weight.value for weight in weights]
        self.learning_rate = learning_rate
        self.count = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.square = [tf.Variable(tf.zeros_like(weight), trainable=False) for weight in self.weights]
        self.momentum = [tf.Variable(tf.zeros_like(weight), trainable=False) for weight in self.weights]

    def variables(self) -> dict[str, Any]:
        """Everything that must be saved, by name. Momentum is 0 and its slot stays empty, so it is not among them."""
        return {"count": self.count, **{f"square/{i}": v for i, v in enumerate(self.square)}}

    def apply(self, gradients: Sequence[Any]) -> None:
        """One step down the gradients: dense tensors, in the order of the weights."""
        self.count.assign_add(1)
        for weight, square, momentum, gradient in zip(self.weights, self.square, self.momentum, gradients, strict=True):
            tf.raw_ops.ResourceApplyRMSProp(
                var=weight.handle,
                ms=square.handle,
                mom=momentum.handle,
                lr=self.learning_rate,
                rho=0.9,
                momentum=0.0,
                epsilon=1e-7,
                grad=gradient,
            )


OPTIMIZERS: dict[str, type[Adam] | type[RMSprop]] = {"adam": Adam, "rmsprop": RMSprop}


def apply_gradients(
    optimizer: Adam | RMSprop, tape: Any, loss: Any, clip_norm: float | None = None, weight_decay: float = 0.0
) -> Any:
    """Differentiate the loss and take one step, the gradient's global norm at most `clip_norm`.

    `weight_decay`: λ of w ← (1 − η·λ)·w, apart from the gradient and before it, for every weight but biases (Loshchilov and
    Hutter 2019).

    Of several replicas each gives the loss of its own rows, and all take the same step, down the sum.

    Returns the loss, or NaN in its place if the gradient is not finite: then the step spoilt the weights.
    """
    # An embedding's gradient comes in slices, one for each time a token was read. Its norm is that of their sums.
    gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, optimizer.weights)]
    gradients, loss = replicas.all_reduce_sum((gradients, loss))
    norm = tf.linalg.global_norm(gradients)
    if clip_norm is not None:
        gradients, _ = tf.clip_by_global_norm(gradients, clip_norm, use_norm=norm)
    if weight_decay:
        for weight in optimizer.weights:
            if len(weight.shape) > 1:
                weight.assign_sub(optimizer.learning_rate * weight_decay * weight)
    optimizer.apply(gradients)
    return tf.where(tf.math.is_finite(norm), loss, float("nan"))


def check_finite(losses: Sequence[float], where: str, first: int, setting: str, step_size: float) -> None:
    """Raises SeqganError at the first loss, or gradient, that is not finite.

    Args:
        losses: of consecutive steps, as `apply_gradients` returned them.
        where: the stage and the unit, for the message.
        first: the number of the first of these steps, from 0.
        setting, step_size: what to make smaller.
    """
    for i, loss in enumerate(losses, first + 1):
        if not math.isfinite(loss):
            raise SeqganError(
                f"{where}, step {i}: the loss or its gradient is not finite. Nothing since the last checkpoint is kept: run "
                f"the command again with a smaller {setting}, such as --set {setting}={step_size / 10:g}."
            )


# Steps between two returns to Python: each return costs milliseconds, and progress and Ctrl-C wait for it.
STEPS_AT_ONCE = 8


def groups(num: int) -> Iterator[range]:
    """The steps 0 … num-1 in consecutive groups."""
    return (range(first, min(first + STEPS_AT_ONCE, num)) for first in range(0, num, STEPS_AT_ONCE))


def run_steps(step: Callable[..., Any], *batches: Any) -> Any:
    """Inside compiled code: every replica steps on each batch in turn, `[S, ...]` split along S.

    Returns what the steps returned, losses `[S]` or several figures each `[S, F]`.
    """

    def advance(i: Any, losses: Any) -> tuple:
        return i + 1, losses.write(i, replicas.replicated(step, *(batch[i] for batch in batches)))

    number = tf.shape(batches[0])[0]
    losses = tf.TensorArray(tf.float32, size=number)
    return tf.while_loop(lambda i, _: i < number, advance, (0, losses), parallel_iterations=1)[1].stack()
