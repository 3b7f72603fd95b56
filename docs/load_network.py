"""Measures networks that `--keep-networks` wrote (docs/networks.md). Usage: load_network.py IMAGES.npz NETWORK.safetensors ..."""
import hashlib, itertools, json, math, sys
import numpy, safetensors.torch, torch
import torch.nn.functional as F

class Network(torch.nn.Module):
    """Our network: images [batch, channels, height, width], normalised, to logits [batch, classes]."""
    def __init__(self, path):
        super().__init__()
        content = open(path, "rb").read()
        before, mark, after = content.rpartition(b"smash-sha256:")
        if hashlib.sha256(before + mark + b"0" * 64 + after[64:]).hexdigest().encode() != after[:64]:
            sys.exit(f"{path}: damaged: its content does not match its seal")
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        self.about = json.loads(header["__metadata__"]["smash"].split("\n")[0])
        if self.about["task"]["image-depth"] > 1: sys.exit(f"{path}: expected a network for images, found one for volumes")
        for name, tensor in safetensors.torch.load(content).items():
            name = name.removeprefix("resulting.").replace(".", "_")
            setattr(self, name, torch.nn.Buffer(tensor) if "running" in name else torch.nn.Parameter(tensor))

    def forward(self, images):
        simple = {"relu": F.relu, "halve": lambda x: F.avg_pool2d(x, 2), "max-halve": lambda x: F.max_pool2d(x, 2)}
        simple["dropout"] = lambda x: x  # it acts in our training, and not here
        values, convs, norms, op_norms = [images], itertools.count(), itertools.count(), itertools.count()
        for step in self.about["steps"]:
            kind, inputs = step["step"], [values[i] for i in step.get("inputs", [step.get("input")])]
            count = len(inputs) if kind in ("join", "shake") else 1  # "shake" has random weights in training, and this mean
            x = torch.cat(inputs, 1) if kind in ("conv", "pointwise", "norm") else sum(inputs) / count
            if kind == "conv":
                x, weight = F.leaky_relu(x, step["slope"]), getattr(self, f"convs_{next(convs)}")
                weight = weight / weight.norm() if step.get("weight-norm") else weight
                x = F.conv2d(x, weight, padding="same", dilation=step["dilation"], groups=step["groups"])
            elif kind == "pointwise":
                n, weight = next(op_norms), getattr(self, f"convs_{next(convs)}")
                learned = (getattr(self, f"op_norms_{n}_{part}", None) for part in ("gain", "shift"))
                x = pointwise(x, weight, step["normalisation"], *learned)
            elif kind == "norm":
                n, parts = next(norms), ("running_mean", "running_variance", "weight", "bias")
                x = F.batch_norm(x, *(getattr(self, f"norms_{n}_{part}") for part in parts), self.training)
            elif kind == "subsample":
                x = x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2][:, :, step["offset"] :: 2, step["offset"] :: 2]
            elif kind not in ("add", "cut", "join", "shake"):
                x = simple[kind](x)
            values.extend(x.split(step["channels"], 1)[: step["count"]] if kind == "cut" else [x])
        return F.linear(values[self.about["features"]].mean((2, 3)), self.output_weight, self.output_bias)

def pointwise(x, weight, normalisation, gain, shift):
    """ReLU and a 1x1 convolution, normalised as in `smash/src/networks/op_norm.rs`."""
    if normalisation == "simple-weight-norm":
        weight = weight / weight.norm()
    elif normalisation in ("weight-norm", "norm-prop"):
        weight = weight / weight.norm(dim=1, keepdim=True) * gain[:, None, None, None]
    x = F.conv2d(F.relu(x), weight)
    if normalisation == "layer-norm":
        x = F.layer_norm(x, x.shape[1:], eps=1e-5) * gain[:, None, None] + shift[:, None, None]
    elif normalisation == "norm-prop":
        x = (F.relu(x + shift[:, None, None]) - (0.5 / math.pi) ** 0.5) / (0.5 * (1 - 1 / math.pi)) ** 0.5
    return x

def measure(images, path):
    net = Network(path).eval()
    pixels, labels = (numpy.load(images)[name] for name in ("x_test", "y_test"))
    pixels = pixels.reshape(*pixels.shape[:3], -1).transpose(0, 3, 1, 2)
    shape = numpy.array([*pixels.shape, net.about["task"]["classes"]], "<u8")
    digest = hashlib.sha256(shape.tobytes() + pixels.tobytes() + labels.astype("<u2").tobytes()).hexdigest()
    if digest != net.about["test_sha256"]:
        sys.exit(f"{images}: other images than those that the network was tested on, `{net.about['data_set']}`")
    mean, std = (torch.tensor(net.about["normalisation"][name]).view(-1, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        batches = ((torch.from_numpy(pixels.copy()) / 255 - mean) / std).split(500)
        guesses = torch.cat([net(batch).argmax(1) for batch in batches]).numpy()
    error, stored = (guesses != labels).mean(), net.about["test_error"]
    print(f"{path}: test error {error:.4f} in PyTorch, {stored:.4f} stored, {len(labels)} images")
    if abs(error - stored) * len(labels) > max(1.5, len(labels) / 500):  # rounding decides images between two classes
        sys.exit(f"{path}: the errors differ by more than rounding")

if __name__ == "__main__":
    for network in sys.argv[2:] or sys.exit(__doc__):
        measure(sys.argv[1], network)
