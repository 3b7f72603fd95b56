"""The other side of `cargo xtask bench --peer`: the same network in PyTorch, timed row by row on request.

`peer.py FOLDER THREADS DEVICE` reads the files that our side wrote to FOLDER, and prints one line of losses as JSON. Then it reads
the name of a row from each line of standard input, and prints the row's milliseconds.
"""

import itertools
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

FOLDER, THREADS, DEVICE = sys.argv[1], int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(THREADS)
TENSORS = load_file(f"{FOLDER}/peer.safetensors", device=DEVICE)
CASE = json.load(open(f"{FOLDER}/peer.json"))
BLOCKS = CASE["architecture"]["blocks"]
N, KERNEL, D = CASE["base_channels"], CASE["max_kernel"], CASE["depth_compression"]
LABELS = torch.tensor(CASE["labels"], device=DEVICE)
INPUT, IMAGES = TENSORS["input"], TENSORS["images"]


def named():
    """Renames our convolutions and BatchNorms, listed in order of use, to the names used here."""
    convs, norms = itertools.count(), itertools.count()

    def conv(name):
        TENSORS[f"resulting.{name}"] = TENSORS.pop(f"resulting.convs.{next(convs)}")

    def norm(name):
        place = next(norms)
        for part in ("weight", "bias", "running_mean", "running_variance"):
            TENSORS[f"resulting.{name}.{part}"] = TENSORS.pop(f"resulting.norms.{place}.{part}")

    conv("stem")
    for b, block in enumerate(BLOCKS):
        for o, op in enumerate(block["ops"]):
            name = f"blocks.{b}.{o}"
            norm(f"{name}.norm_in")
            conv(f"{name}.conv_1x1")
            norm(f"{name}.norm_bottleneck")
            for slot, used in enumerate(op["convs"]):
                if used:
                    conv(f"{name}.slots.{slot}")
        if b + 1 < len(BLOCKS):
            norm(f"transitions.{b}.norm")
            conv(f"transitions.{b}.conv")
            TENSORS[f"resulting.transitions.{b}.conv"].squeeze_((2, 3))
    norm("norm")


named()
STATISTICS = {name: tensor for name, tensor in TENSORS.items() if "running" in name}
P = {
    name: tensor.requires_grad_()
    for name, tensor in TENSORS.items()
    if name.split(".")[0] in ("hypernet", "main", "resulting") and "running" not in name
}


def normed(weight):
    return weight / weight.norm()


def hypernet():
    """Generated weights, [inputs, outputs]."""
    convs = [P[f"hypernet.convs.{i}"] for i in range(26)]
    place = iter(convs)
    x = torch.cat([INPUT, F.conv2d(INPUT, normed(next(place)), padding=1)], 1)
    for block, layers in enumerate((8, 10, 4)):
        if block:
            x = F.conv2d(F.leaky_relu(x, 0.02), normed(next(place)), padding=1)
        for _ in range(layers):
            x = torch.cat([x, F.conv2d(F.leaky_relu(x, 0.02), normed(next(place)), padding=1)], 1)
    x = F.conv2d(F.leaky_relu(x, 0.02), normed(next(place)))
    _, channels, units, slices = x.shape
    inputs = D * N
    outputs = channels // inputs
    x = x[0].reshape(outputs, inputs, units, slices).permute(3, 1, 2, 0)
    return x.reshape(slices * inputs, units * outputs)


def batch_norm(x, name, train):
    c = x.shape[1]
    mean, variance = STATISTICS[f"{name}.running_mean"][:c], STATISTICS[f"{name}.running_variance"][:c]
    return F.batch_norm(x, mean, variance, P[f"{name}.weight"][:c], P[f"{name}.bias"][:c], train, 0.1, 1e-5)


def same(size, dilation):
    return [(k - 1) * d // 2 for k, d in zip(size, dilation)]


def paths(op, y, conv):
    output = conv(0, y)
    if op["convs"][1]:
        output = conv(1, output)
    if op["convs"][2]:
        other = conv(2, y)
        output = output + (conv(3, other) if op["convs"][3] else other)
    return output


def network(prefix, x, op_output, train, stem_relu):
    x = F.conv2d(x, P[f"{prefix}.stem"], padding=3)
    if stem_relu:
        x = F.relu(x)
    for b, block in enumerate(BLOCKS):
        size = block["bank_size"] * N
        banks = [x[:, i * size : (i + 1) * size] if (i + 1) * size <= x.shape[1] else None for i in range(CASE["banks"][b])]
        for o, op in enumerate(block["ops"]):
            y = op_output(b, o, op, torch.cat([banks[i] for i in op["reads"]], 1))
            slices = y.shape[1] // size
            for place, bank in enumerate(op["writes"]):
                start = place % slices * size
                piece = y[:, start : start + size]
                banks[bank] = piece if banks[bank] is None else banks[bank] + piece
        x = torch.cat(banks, 1)
        if b + 1 < len(BLOCKS):
            name = f"{prefix}.transitions.{b}"
            x = F.relu(batch_norm(x, f"{name}.norm", train))
            x = F.avg_pool2d(F.conv2d(x, P[f"{name}.conv"][:, : x.shape[1], None, None]), 2)
    x = F.relu(batch_norm(x, f"{prefix}.norm", train)).mean((2, 3))
    logits = x @ P[f"{prefix}.output_weight"][:, : x.shape[1]].t() + P[f"{prefix}.output_bias"]
    return F.log_softmax(logits, 1)


def smash(train):
    weights = hypernet()
    read = 0

    def op_output(b, o, op, x):
        nonlocal read
        inputs, width = x.shape[1], CASE["bottlenecks"][b][o]
        weight = normed(weights[read : read + inputs, :width].t())
        read += inputs

        def conv(slot, z):
            c = op["convs"][slot]
            (kh, kw), groups = c["kernel"], c["groups"]
            top, left = (KERNEL - kh) // 2, (KERNEL - kw) // 2
            shared = P[f"main.shared.{b}.{slot}"][: op["units"] * N, : z.shape[1] // groups]
            shared = shared[:, :, top : top + kh, left : left + kw]
            padding = same(c["kernel"], c["dilation"])
            return F.conv2d(F.relu(z), shared, padding=padding, dilation=c["dilation"], groups=groups)

        return paths(op, F.conv2d(x, weight[:, :, None, None]), conv)

    return network("main", IMAGES, op_output, train, True)


def resulting(train):
    def op_output(b, o, op, x):
        name = f"resulting.blocks.{b}.{o}"
        x = F.relu(batch_norm(x, f"{name}.norm_in", train))
        x = batch_norm(F.conv2d(x, P[f"{name}.conv_1x1"]), f"{name}.norm_bottleneck", train)

        def conv(slot, z):
            c = op["convs"][slot]
            padding = same(c["kernel"], c["dilation"])
            weight = P[f"{name}.slots.{slot}"]
            return F.conv2d(F.relu(z), weight, padding=padding, dilation=c["dilation"], groups=c["groups"])

        return paths(op, x, conv)

    return network("resulting", IMAGES, op_output, train, False)


def of(*prefixes):
    return [tensor for name, tensor in P.items() if name.split(".")[0] in prefixes]


ADAM = torch.optim.Adam(
    [{"params": of("hypernet"), "weight_decay": 0.0}, {"params": of("main"), "weight_decay": 1e-4}],
    lr=1e-6,
    betas=(0.5, 0.999),
    eps=1e-4,
)
SGD = torch.optim.SGD(of("resulting"), lr=1e-6, momentum=0.9, nesterov=True, weight_decay=1e-4)


def step(network, optimiser):
    optimiser.zero_grad(set_to_none=True)
    F.nll_loss(network(True), LABELS).backward()
    optimiser.step()


def run(row):
    if row == "SMASH training step":
        step(smash, ADAM)
    elif row == "resulting-net training step":
        step(resulting, SGD)
    elif row == "scoring":
        with torch.no_grad():
            smash(False).sum().item()
    elif row == "HyperNet, forward and backward":
        ADAM.zero_grad(set_to_none=True)
        (hypernet() ** 2).mean().backward()
    else:
        sys.exit(f"no row `{row}`")


with torch.no_grad():
    losses = {"smash": F.nll_loss(smash(True), LABELS).item(), "resulting": F.nll_loss(resulting(True), LABELS).item()}
print(json.dumps(losses | {"torch": torch.__version__.split("+")[0]}), flush=True)
for line in sys.stdin:
    row = line.rstrip("\n")
    if row == "memory":
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
        continue
    start = time.perf_counter()
    run(row)
    if DEVICE != "cpu":
        torch.cuda.synchronize(DEVICE)
    print((time.perf_counter() - start) * 1e3, flush=True)
