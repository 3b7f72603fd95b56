"""Loads networks that `cargo xtask reproduce --keep-networks` wrote, and measures their test errors in PyTorch.

Usage: load_network.py IMAGES.npz NETWORK.safetensors ... (it needs torch, numpy and safetensors)
`cargo xtask images` writes the images of an artefact.
"""

import hashlib
import json
import sys

import numpy
import torch
import torch.nn.functional as F
from safetensors import safe_open

SEAL = b"smash-sha256:"


class Network(torch.nn.Module):
    """Our network: images [batch, channels, height, width], normalised, to logits [batch, classes]."""

    def __init__(self, path):
        super().__init__()
        check_seal(path)
        with safe_open(path, "pt") as file:
            # The line after the JSON holds identity and seal.
            self.about = json.loads(file.metadata()["smash"].split("\n")[0])
            tensors = {name.removeprefix("resulting."): file.get_tensor(name) for name in file.keys()}
        if self.about["task"]["image-depth"] > 1:
            sys.exit(f"{path}: expected a network for images, found one for volumes")
        count = len([name for name in tensors if name.startswith("convs.")])
        self.convs = torch.nn.ParameterList([tensors[f"convs.{i}"] for i in range(count)])
        self.norms = torch.nn.ModuleList()
        while f"norms.{len(self.norms)}.weight" in tensors:
            names = ("weight", "bias", "running_mean", "running_variance")
            weight, bias, mean, variance = (tensors[f"norms.{len(self.norms)}.{name}"] for name in names)
            norm = torch.nn.BatchNorm2d(len(weight), eps=1e-5, momentum=0.1)
            state = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": variance}
            norm.load_state_dict(state, strict=False)
            self.norms.append(norm)
        self.output = torch.nn.Linear(*reversed(tensors["output_weight"].shape))
        self.output.load_state_dict({"weight": tensors["output_weight"], "bias": tensors["output_bias"]})

    def forward(self, images):
        values, convs, norms = [images], iter(self.convs), iter(self.norms)
        for step in self.about["steps"]:
            inputs = [values[i] for i in step.get("inputs", [step.get("input")])]
            x, name = inputs[0], step["step"]
            if name == "conv":
                weight = next(convs)
                if step.get("weight-norm"):
                    weight = weight / weight.norm()
                padding = [(size - 1) * dilation // 2 for size, dilation in zip(weight.shape[2:], step["dilation"])]
                x = F.leaky_relu(torch.cat(inputs, 1), step["slope"])
                x = F.conv2d(x, weight, padding=padding, dilation=step["dilation"], groups=step["groups"])
            elif name == "norm":
                x = next(norms)(torch.cat(inputs, 1))
            elif name == "relu":
                x = F.relu(x)
            elif name == "add":
                x = inputs[0] + inputs[1]
            elif name == "cut":
                values.extend(x.split(step["channels"], 1)[: step["count"]])
                continue
            elif name == "halve":
                x = F.avg_pool2d(x, 2)
            elif name == "max-halve":
                x = F.max_pool2d(x, 2)
            elif name == "subsample":
                height, width = (size // 2 * 2 for size in x.shape[2:])
                x = x[:, :, step["offset"] : height : 2, step["offset"] : width : 2]
            elif name in ("join", "shake"):
                # The random weights of a training step are left out: this is their mean.
                x = sum(inputs) / len(inputs)
            else:
                sys.exit(f"unknown step `{name}`")
            values.append(x)
        return self.output(values[self.about["features"]].mean((2, 3)))


def check_seal(path):
    """Ends with an error if a bit of the file has changed."""
    content = open(path, "rb").read()
    start = content.rfind(SEAL) + len(SEAL)
    blank = content[:start] + b"0" * 64 + content[start + 64 :]
    if start < len(SEAL) or hashlib.sha256(blank).hexdigest().encode() != content[start : start + 64]:
        sys.exit(f"{path}: damaged: its content does not match its seal")


def read_images(path, about):
    """Normalised test images and their labels. Ends with an error if the network was tested on other images."""
    with numpy.load(path) as arrays:
        pixels, labels = arrays["x_test"], arrays["y_test"]
    pixels = pixels.reshape(*pixels.shape[:3], -1).transpose(0, 3, 1, 2)
    shape = numpy.array([*pixels.shape, about["task"]["classes"]], "<u8")
    if hashlib.sha256(shape.tobytes() + pixels.tobytes() + labels.astype("<u2").tobytes()).hexdigest() != about["test_sha256"]:
        sys.exit(f"{path}: other images than those that the network was tested on, `{about['data_set']}`")
    mean, std = (torch.tensor(about["normalisation"][name]).view(-1, 1, 1) for name in ("mean", "std"))
    return (torch.from_numpy(pixels.copy()) / 255 - mean) / std, torch.from_numpy(labels.astype("int64"))


def measure(images, path):
    net = Network(path).eval()
    pixels, labels = read_images(images, net.about)
    with torch.no_grad():
        guesses = torch.cat([net(batch).argmax(1) for batch in pixels.split(500)])
    error, stored = (guesses != labels).double().mean().item(), net.about["test_error"]
    print(f"{path}: test error {error:.4f} in PyTorch, {stored:.4f} stored, {len(labels)} images")
    # Other sums round differently, and may decide an image that lies between two classes.
    if abs(error - stored) * len(labels) > max(1.5, len(labels) / 500):
        sys.exit(f"{path}: the errors differ by more than rounding")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    for network in sys.argv[2:]:
        measure(sys.argv[1], network)
