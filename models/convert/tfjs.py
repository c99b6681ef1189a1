"""Read a TensorFlow.js graph model and lower the few operations of a small CNN to ONNX.

A tensor is kept as a `View`: an ONNX tensor in NCHW order and the order in which the TensorFlow node sees its
axes. A Transpose only changes the order; a Pad waits in the view until a convolution or a pooling takes it.
"""

import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Array = NDArray[Any]
Node = dict[str, Any]
NCHW = (0, 1, 2, 3)
NHWC = (0, 2, 3, 1)
NO_PAD = ((0, 0),) * 4


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes of the model in their order, and its constants by name."""

    nodes: list[Node]
    constants: dict[str, Array]

    @classmethod
    def read(cls, tar: tarfile.TarFile, path: str) -> "Graph":
        def member(name: str) -> bytes:
            file = tar.extractfile(name)
            if file is None:
                raise FileNotFoundError(name)
            return file.read()

        model = json.loads(member(path))
        folder = path.rpartition("/")[0]
        constants: dict[str, Array] = {}
        for group in model["weightsManifest"]:
            data = b"".join(member(f"{folder}/{part}") for part in group["paths"])
            at = 0
            for entry in group["weights"]:
                stored = np.dtype(entry.get("quantization", entry)["dtype"])
                size = prod(entry["shape"]) * stored.itemsize
                constants[entry["name"]] = np.frombuffer(data[at : at + size], stored).reshape(entry["shape"])
                at += size
        return cls(model["modelTopology"]["node"], constants)

    def constant(self, name: str) -> Array:
        return self.constants[name]

    def bias_of(self, name: str) -> str:
        """The name of the node that adds the bias to this convolution."""
        return str(next(n["name"] for n in self.nodes if n["op"] == "Add" and n["input"][0] == name))


@dataclass(frozen=True, slots=True)
class View:
    """An NCHW tensor; `order[i]` is the stored axis that TensorFlow calls axis i; `pad` is still to be applied."""

    name: str
    order: tuple[int, ...] = NCHW
    pad: tuple[tuple[int, int], ...] = NO_PAD


Edit = Callable[[Array], Array]


class Lowering:
    """Writes ONNX nodes for the outputs that are asked for, and for nothing else."""

    def __init__(self, graph: Graph) -> None:
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.edit_kernel: dict[str, Edit] = {}
        self.edit_bias: dict[str, Edit] = {}
        self._graph = graph
        self._done: dict[str, View] = {}
        self._by_name = {n["name"]: n for n in graph.nodes}

    def emit(self, op: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        name = out or f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def keep(self, value: Array) -> str:
        """Store a constant; the package's half floats are widened."""
        name = f"k{len(self.initializers)}"
        wide = value.astype(np.float32) if value.dtype == np.float16 else value
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(wide), name))
        return name

    def lower(self, name: str) -> View:
        if name not in self._done:
            node = self._by_name[name]
            lowering = getattr(self, f"_{node['op'].lower()}", None)
            if lowering is None:
                raise NotImplementedError(f"operation {node['op']} of {name}")
            self._done[name] = lowering(node)
        return self._done[name]

    def _placeholder(self, _node: Node) -> View:
        return View("image")

    def _transpose(self, node: Node) -> View:
        view = self.lower(node["input"][0])
        perm = self._ints(node["input"][1])
        return replace(view, order=tuple(view.order[axis] for axis in perm))

    def _pad(self, node: Node) -> View:
        view = self.lower(node["input"][0])
        pad = list(view.pad)
        for axis, sides in enumerate(self._graph.constant(node["input"][1])):
            pad[view.order[axis]] = (int(sides[0]), int(sides[1]))
        return replace(view, pad=tuple(pad))

    _padv2 = _pad  # its only use is the lowest float in front of a pooling, which ONNX's own padding means

    def _conv2d(self, node: Node) -> View:
        return self._convolution(node, bias=None)

    def _convolution(self, node: Node, bias: Array | None) -> View:
        view = self.lower(node["input"][0])
        name = node["name"]
        kernel = self._graph.constant(node["input"][1]).transpose(3, 2, 0, 1)
        inputs = [self.keep(self.edit_kernel.get(name, np.asarray)(kernel))]
        if bias is not None:
            inputs.append(self.keep(self.edit_bias.get(name, np.asarray)(bias.reshape(-1))))
        return self._window("Conv", node, view, inputs, kernel.shape[2:])

    def _maxpool(self, node: Node) -> View:
        return self._window("MaxPool", node, self.lower(node["input"][0]), [], _list(node, "ksize")[1:3])

    def _window(self, op: str, node: Node, view: View, inputs: list[str], kernel: Sequence[int]) -> View:
        if view.order != NHWC or _padding(node) != "VALID":
            raise NotImplementedError(f"layout {view.order} or padding of {node['name']}")
        (top, bottom), (left, right) = view.pad[2:]
        name = self.emit(
            op,
            view.name,
            *inputs,
            kernel_shape=list(kernel),
            strides=_list(node, "strides")[1:3],
            pads=[top, left, bottom, right],
        )
        return View(name, NHWC)

    def _add(self, node: Node) -> View:
        left, right = node["input"]
        if right in self._graph.constants:
            return self._convolution(self._by_name[left], self._graph.constant(right))
        a, b = self.lower(left), self.lower(right)
        if a.order != b.order:
            raise NotImplementedError(f"addition of two layouts at {node['name']}")
        return View(self.emit("Add", a.name, b.name), a.order)

    def _leakyrelu(self, node: Node) -> View:
        view = self.lower(node["input"][0])
        return View(self.emit("LeakyRelu", view.name, alpha=node["attr"]["alpha"]["f"]), view.order)

    def _concatv2(self, node: Node) -> View:
        *parts, axis = node["input"]
        views = [self.lower(part) for part in parts]
        order = views[0].order
        stored = order[int(self._graph.constant(axis))]
        return View(self.emit("Concat", *(v.name for v in views), axis=stored), order)

    def _resizebilinear(self, node: Node) -> View:
        """The pyramid only ever halves or doubles: the factor is kept, so that any input size works."""
        view = self.lower(node["input"][0])
        factor = self._graph.constant(node["input"][1])[0] / self._side(node["input"][0])
        scales = self.keep(np.array([1, 1, factor, factor], np.float32))
        mode = "half_pixel" if node["attr"]["half_pixel_centers"]["b"] else "asymmetric"
        name = self.emit("Resize", view.name, "", scales, mode="linear", coordinate_transformation_mode=mode)
        return View(name, view.order)

    def _side(self, name: str) -> float:
        """Side of a square tensor at the package's own input size."""
        node = self._by_name[name]
        match node["op"]:
            case "Placeholder":
                return float(node["attr"]["shape"]["shape"]["dim"][-1]["size"])
            case "ResizeBilinear":
                return float(self._graph.constant(node["input"][1])[0])
            case "Conv2D" | "MaxPool":
                kernel = (
                    self._graph.constant(node["input"][1]).shape[0]
                    if node["op"] == "Conv2D"
                    else _list(node, "ksize")[1]
                )
                return (self._side(node["input"][0]) - kernel) // _list(node, "strides")[1] + 1
            case "Pad" | "PadV2":
                return self._side(node["input"][0]) + float(self._graph.constant(node["input"][1]).sum()) / 2
            case _:
                return self._side(node["input"][0])

    def _ints(self, name: str) -> list[int]:
        return [int(x) for x in self._graph.constant(name)]


def _list(node: Node, key: str) -> list[int]:
    return [int(x) for x in node["attr"][key]["list"]["i"]]


def _padding(node: Node) -> str:
    """The attribute is base64 of an ASCII word."""
    return {"VkFMSUQ=": "VALID", "U0FNRQ==": "SAME"}[node["attr"]["padding"]["s"]]
