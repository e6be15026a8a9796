"""Differentiating: the record is walked backwards, from the newest call to the oldest.

  pull        one Node's rule: the gradient of its result becomes the gradients of its inputs
  walk        every Node in its turn, gradients added up: reverse-mode differentiation
  grad        and backward: the two ways to ask for it

Elementary rules are written in Operations, so they run fast on arrays, and on Tensors when the gradient is itself
to be differentiated (``create_graph=True``). A fused Operation's rule reads numbers that depend on its inputs
(probabilities, 1/σ); differentiating that rule would be silently wrong, so such an Operation names a *twin*, the
same function in elementary Operations, and ``create_graph`` differentiates the twin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from sys import getrefcount
from typing import Any

import numpy as np

from . import anomaly, devices
from .scopes import here, thread
from .tensor import Node, Tensor, new, operation


def pull(n: Node, g: Any, need: list[bool] | None, create_graph: bool) -> tuple:
    """The gradients of a node's inputs from the gradient ``g`` of its result; ``need`` says which are asked for (None: all)."""
    op, have, state = n.op, n.saved, thread.state
    if have is None:
        raise RuntimeError(
            f"{here(op.__name__, n.layer)}: this graph was released by an earlier backward: compute anew, or give it retain_graph=True"
        )
    for name, version, then in n.versions:
        if version[0] != then:
            raise RuntimeError(
                f"{here(op.__name__, n.layer)}: {name!r} was changed in place after the forward pass that saved it; change a clone()"
            )
    if n.trace:
        anomaly.check_saved(here(op.__name__, n.layer), n.trace, have)
    rule = op.own_rule
    if op in state.rules and (scoped := next((r for r in state.rules[op] if r.applies(n.layer)), None)):
        rule = scoped
    elif create_graph and op.twin:
        return through_twin(n, op.twin, g, need or [p is not None for p in n.parents])
    if rule is None:
        raise RuntimeError(
            f"{here(op.__name__, n.layer)}: this operation has no backward rule; write one under @{op.__name__}.rule"
        )
    if create_graph:
        have = {name: attach(n, name, a) for name, a in have.items()}
    try:
        if rule.only_g:
            grads = rule.pull(g)
        else:
            if need is None and rule.asks_need:
                need = [p is not None for p in n.parents]
            grads = rule.pull(*rule.pick({**have, "g": g, "need": need}))
    except KeyError as missing:
        if missing.args[0] not in rule.wants:
            raise
        known = [*("g", "need", "shapes", "out"), *op.inputs, *op.keywords]
        raise RuntimeError(
            f"{here(op.__name__, n.layer)}: {missing} was not saved; enter backward_rules() before the forward pass. A rule may "
            f"ask for {', '.join(known)} and what the forward returned besides"
        ) from None
    except TypeError as error:
        if "NumPy would not record" not in str(error):
            raise
        raise TypeError(
            f"{here(op.__name__, n.layer)}: its rule calls NumPy on a Tensor; to be differentiated again it must be written in "
            "operations (tl.exp, not np.exp)"
        ) from error
    grads = grads if type(grads) is tuple else tuple(grads) if isinstance(grads, list) else (grads,)
    if len(grads) != len(n.parents):
        raise ValueError(
            f"{here(op.__name__, n.layer)}: its rule returned {len(grads)} gradients for {len(n.parents)} inputs; return one each"
        )
    if state.anomaly:
        anomaly.check_gradients(here(op.__name__, n.layer), n.trace, grads)
    return grads


def through_twin(n: Node, twin: Callable, g: Any, need: list[bool]) -> tuple:
    """The gradients of a fused operation's inputs, differentiable again: those of its twin."""
    op = n.op
    xs = [attach(n, name, n.saved[name]) for name in op.inputs]
    xs = [alias(x) if needed else x for x, needed in zip(xs, need)]
    y = twin(*xs, **{name: n.saved[name] for name in op.keywords})
    gs = iter(grad(y, [x for x, needed in zip(xs, need) if needed], g, create_graph=True, allow_unused=True))
    return tuple(next(gs) if needed else None for needed in need)


def attach(n: Node, name: str, array: Any) -> Any:
    """A saved array as a tensor again, tied to where it came from, so that a rule can be differentiated."""
    source = n if name == "out" else n.parents[n.op.inputs.index(name)] if name in n.op.inputs else None
    if not isinstance(source, Node):
        return array if source is None else source  # a constant, or a leaf
    t = Tensor(array)
    t.node, t.tracked, t.version = source, True, next(version for k, version, _ in n.versions if k == name)
    return t


def walk(roots: Sequence, seeds: Sequence, wanted: Any, create_graph: bool, retain_graph: bool) -> tuple[dict, set]:
    """Gradients of Σ seed·root for the ``wanted`` nodes and leaves (None: for every leaf), and all that was seen.

    A heap keeps the newest call on top, so a node's gradient is complete when its turn comes: no recursion.
    """
    found: dict[Any, Any] = {}
    pending: dict[Any, Any] = {}  # what has reached a node or leaf so far
    state = thread.state
    recording, state.recording = state.recording, create_graph
    try:
        for root, gradient in zip(roots, seeds, strict=True):
            g, target = seed(root, gradient, create_graph), root.node or root
            pending[target] = pending[target] + g if target in pending else g
        paths, seen = (None, set()) if wanted is None else leading_to(wanted, roots)
        heap = [(-target.rank, target) for target in pending if type(target) is Node]
        heapify(heap)
        while heap:
            n = heappop(heap)[1]
            g = pending.pop(n)
            if n.hooks:
                g = run_hooks(n, g)
            parents, need = n.parents, None
            if paths is not None:
                if n in wanted:
                    found[n] = g
                if n not in paths:
                    continue
                need = [p in paths or p in wanted for p in parents]
            grads = pull(n, g, need, create_graph)
            if need is not None:
                grads = tuple([gx if wants else None for gx, wants in zip(grads, need)])
            for target, gx in zip(parents, grads):
                if gx is None or target is None:
                    continue
                is_node = type(target) is Node
                shape = target.shape if is_node else target.data.shape
                if getattr(gx, "shape", None) != shape:
                    gx = fit(n, gx, shape)
                if target in pending:
                    pending[target] = pending[target] + gx  # never +=, since gx may be shared with another input
                else:
                    pending[target] = gx
                    if is_node:
                        heappush(heap, (-target.rank, target))
            if not retain_graph:
                n.saved, n.parents = None, ()
        for leaf, g in pending.items():
            if wanted is None or leaf in wanted:
                found[leaf] = run_hooks(leaf, g) if leaf.hooks else g
    finally:
        state.recording = recording
    return found, seen


def leading_to(wanted: set, roots: Sequence) -> tuple[set, set]:
    """The nodes on a path from the roots to what is wanted, and all nodes and leaves behind the roots."""
    seen, paths = set[Any](), set[Any]()
    stack = [root.node or root for root in roots]
    while stack:
        n = stack.pop()
        if n is not None and n not in seen:
            seen.add(n)
            stack.extend(n.parents if type(n) is Node else ())
    for n in sorted((n for n in seen if type(n) is Node), key=lambda n: n.rank):
        if any(p in paths or p in wanted for p in n.parents):
            paths.add(n)
    return paths, seen


def fit(n: Node, g: Any, shape: tuple) -> Any:
    """Undo broadcasting, for all operations: sum ``g`` over the axes along which an input of this shape was repeated."""
    came = getattr(g, "shape", None)
    if n.op.broadcasts and came is not None:
        return Tensor.sum_to_size(g, shape)
    what = f"a {type(g).__name__}" if came is None else f"a gradient of shape {came}"
    text = f"{here(n.op.__name__, n.layer)}: its rule returned {what} for an input of shape {shape}"
    lead = len(came or ()) - len(shape)
    axes = [k for k, size in enumerate(came or ()) if k < lead or shape[k - lead] != size] if lead >= 0 else []
    if axes and all(k < lead or shape[k - lead] == 1 for k in axes):
        text += f": it was broadcast over axis {', '.join(map(str, axes))}, so the gradient is summed over it (or declare broadcasts=True)"
    elif came == shape[::-1]:
        text += ": it is transposed"
    raise ValueError(f"{text}; return one of the input's shape")


def run_hooks(holder: Any, g: Any) -> Any:
    """The gradient after the hooks of a node or leaf have seen it."""
    for hook in holder.hooks or ():
        changed = hook(g if isinstance(g, Tensor) else Tensor(g))
        if changed is not None:
            if not isinstance(changed, Tensor) or changed.shape != g.shape:
                raise TypeError(
                    f"a hook must return None or a Tensor of the gradient's shape {g.shape}, got {changed!r}"
                )
            g = changed if isinstance(g, Tensor) else changed.data
    return g


def seed(root: Any, gradient: Any, create_graph: bool) -> Any:
    """The gradient to start from: checked, in the root's dtype, ones for a single element."""
    if not isinstance(root, Tensor):
        raise TypeError(
            f"backward: expected a Tensor, got {type(root).__name__}; an operation called with arrays only records nothing: use tl.tensor"
        )
    if not root.tracked:
        raise RuntimeError(
            "backward: this tensor requires no gradient: give an input requires_grad=True; detach(), argmax, > and no_grad() cut it off"
        )
    if gradient is None and root.data.size != 1:
        raise RuntimeError(
            f"backward: the result has shape {root.shape}; only a single element needs no gradient argument. Sum it, or pass one"
        )
    if gradient is None:
        g = np.empty_like(root.data)
        g.fill(1)
        return Tensor(g) if create_graph else g
    g = gradient.data if isinstance(gradient, Tensor) else devices.beside(gradient, root)
    if g.shape != root.shape:
        raise ValueError(f"backward: the gradient has shape {g.shape}, the result {root.shape}; tl.ones_like(y) fits")
    if devices.of(g) != devices.of(root):
        raise devices.mixed("backward: the gradient and the result", (gradient, root))
    if create_graph and isinstance(gradient, Tensor) and g.dtype == root.dtype:
        return gradient
    g = g.astype(root.dtype, copy=False)
    return Tensor(g) if create_graph else g


def own(g: Any) -> Tensor:
    """A gradient with memory of its own: a rule's array that somebody else holds too, itself or by a view, is copied."""
    if isinstance(g, Tensor):
        return g.clone()
    if not (devices.is_array(g) and getrefcount(g) <= ALONE and g.base is None and devices.is_packed(g)):
        g = devices.as_array(g.copy())
    t = new(Tensor)  # Tensor(g) without its checks
    t.data, t.version, t.tracked, t.node, t._grad, t.hooks = g, [0, False], False, None, None, None
    return t


ALONE = (lambda g: getrefcount(g))(np.empty(0))  # what Python counts for an argument that its caller does not keep


def backward(self: Tensor, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
    """Add ∂(Σ gradient·self)/∂leaf to ``leaf.grad``, for every leaf that requires a gradient.

    ``gradient`` has self's shape; a single element needs none. Saved arrays are released on the way unless ``retain_graph``
    (default: ``create_graph``). Raises RuntimeError if self records nothing, if the graph was released before, if an array
    was changed in place since the forward pass, or if ``gradient`` is missing.
    """
    found, _ = walk([self], [gradient], None, create_graph, create_graph if retain_graph is None else retain_graph)
    for leaf in list(found):
        leaf.grad = own(found.pop(leaf)) if leaf._grad is None else leaf._grad + found.pop(leaf)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    *,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """∂(Σ grad_outputs·outputs)/∂input for each input, a tuple; ``leaf.grad`` is left alone.

    Only what lies between outputs and inputs is computed. With ``create_graph`` the gradients can be differentiated again. Raises
    RuntimeError for an input that the outputs do not depend on, unless ``allow_unused`` (None then), and as :meth:`Tensor.backward`.
    """
    outputs, inputs = (list(xs) if isinstance(xs, (list, tuple)) else [xs] for xs in (outputs, inputs))
    if not isinstance(grad_outputs, (list, tuple)):
        grad_outputs = [grad_outputs] if len(outputs) == 1 else [grad_outputs] * len(outputs)
    for k, x in enumerate(inputs):
        if not isinstance(x, Tensor) or not x.tracked:
            raise TypeError(f"grad: input {k} is not a Tensor with requires_grad=True (set it first): {x!r}")
    keys = [x.node or x for x in inputs]
    last = {key: k for k, key in enumerate(keys)}  # of an input asked for twice, each gets a gradient of its own
    retain_graph = create_graph if retain_graph is None else retain_graph
    found, seen = walk(outputs, grad_outputs, set(keys), create_graph, retain_graph)
    missing = [k for k, key in enumerate(keys) if key not in seen]
    if missing and not allow_unused:
        raise RuntimeError(
            f"grad: the outputs do not depend on input {missing[0]} (or that graph was released); pass allow_unused=True for None"
        )
    none = lambda k, key: Tensor(devices.namespace(inputs[k]).zeros_like(inputs[k].data)) if key in seen else None
    mine = lambda k, key: own(found.pop(key) if last[key] == k else found[key]) if key in found else none(k, key)
    return tuple([mine(k, key) for k, key in enumerate(keys)])


@operation(view=True)
def alias(x):
    """x itself, as a new node: where the twin's gradients stop."""
    return x


@alias.rule
def _(g):
    return g
