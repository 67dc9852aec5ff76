"""An independent float64 NumPy computation of the published colorizers, written from their papers' layer tables."""

import numpy as np
from scipy.special import erf


def numbers(network):
    """A network's state dict as float64 arrays."""
    return {name: value.double().numpy() for name, value in network.state_dict().items()}


def windows(x, kernel, stride=1, padding=0, dilation=1):
    """(N, C, H, W) to (N, C, H', W', kernel, kernel)."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    span = dilation * (kernel - 1) + 1
    view = np.lib.stride_tricks.sliding_window_view(x, (span, span), (2, 3))
    return view[:, :, ::stride, ::stride, ::dilation, ::dilation]


def convolution(x, weight, bias=None, stride=1, padding=0, dilation=1):
    view = windows(x, weight.shape[2], stride, padding, dilation)
    y = np.tensordot(view, weight, ((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
    return y if bias is None else y + bias[:, None, None]


def depthwise(x, weight, bias, padding):
    view = windows(x, weight.shape[2], padding=padding)
    return np.einsum("nchwij,cij->nchw", view, weight[:, 0]) + bias[:, None, None]


def doubled(x, weight, bias):
    """A 4x4 transposed convolution of stride 2 and padding 1, as the sum of what every input pixel paints."""
    n, _, height, width = x.shape
    canvas = np.zeros((n, weight.shape[1], 2 * height + 2, 2 * width + 2))
    for i in range(4):
        for j in range(4):
            painted = np.einsum("nchw,co->nohw", x, weight[:, :, i, j])
            canvas[:, :, i : i + 2 * height : 2, j : j + 2 * width : 2] += painted
    return canvas[:, :, 1:-1, 1:-1] + bias[:, None, None]


def batch_norm(x, state, name):
    scale = state[f"{name}.weight"] / np.sqrt(state[f"{name}.running_var"] + 1e-5)
    shift = state[f"{name}.bias"] - state[f"{name}.running_mean"] * scale
    return x * scale[:, None, None] + shift[:, None, None]


def layer_norm(x, weight, bias, eps, axis=-1):
    mean = x.mean(axis, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis, keepdims=True)
    shape = [1] * x.ndim
    shape[axis] = -1
    return (x - mean) / np.sqrt(variance + eps) * weight.reshape(shape) + bias.reshape(shape)


def relu(x):
    return np.maximum(x, 0)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def gelu(x):
    return x * (1 + erf(x / np.sqrt(2))) / 2


def bilinear(x, factor):
    """Enlarge by a whole factor, pixel areas aligned, borders repeated."""
    for axis in (2, 3):
        length = x.shape[axis]
        position = np.clip((np.arange(length * factor) + 0.5) / factor - 0.5, 0, length - 1)
        low = np.floor(position).astype(int)
        share = (position - low).reshape([-1 if a == axis else 1 for a in range(4)])
        x = np.take(x, low, axis) * (1 - share) + np.take(x, np.minimum(low + 1, length - 1), axis) * share
    return x


def conv(x, state, name, **how):
    return convolution(x, state[f"{name}.weight"], state.get(f"{name}.bias"), **how)


def group(x, state, name, convolutions, first=0, stride=1, dilation=1):
    """Convolutions with ReLU and a batch norm behind them, numbered as in a list of layers."""
    for i in range(convolutions):
        step = stride if i == convolutions - 1 else 1
        x = relu(conv(x, state, f"{name}.{first + 2 * i}", stride=step, padding=dilation, dilation=dilation))
    return batch_norm(x, state, f"{name}.{first + 2 * convolutions}")


def eccv16(state, lightness):
    x = (lightness - 50) / 100
    x = group(x, state, "model1", 2, stride=2)
    x = group(x, state, "model2", 2, stride=2)
    x = group(x, state, "model3", 3, stride=2)
    x = group(x, state, "model4", 3)
    x = group(x, state, "model5", 3, dilation=2)
    x = group(x, state, "model6", 3, dilation=2)
    x = group(x, state, "model7", 3)
    x = relu(doubled(x, state["model8.0.weight"], state["model8.0.bias"]))
    x = relu(conv(x, state, "model8.2", padding=1))
    x = relu(conv(x, state, "model8.4", padding=1))
    x = softmax(conv(x, state, "model8.6"), 1)
    return bilinear(conv(x, state, "model_out"), 4) * 110


def siggraph17(state, lightness, hints, mask):
    x = np.concatenate([(lightness - 50) / 100, hints / 110, mask], 1)
    one = group(x, state, "model1", 2)
    two = group(one[:, :, ::2, ::2], state, "model2", 2)
    three = group(two[:, :, ::2, ::2], state, "model3", 3)
    x = group(three[:, :, ::2, ::2], state, "model4", 3)
    x = group(x, state, "model5", 3, dilation=2)
    x = group(x, state, "model6", 3, dilation=2)
    x = group(x, state, "model7", 3)

    def up(x, name):
        return doubled(x, state[f"{name}.0.weight"], state[f"{name}.0.bias"])

    x = relu(up(x, "model8up") + conv(three, state, "model3short8.0", padding=1))
    x = group(x, state, "model8", 2, first=1)
    x = relu(up(x, "model9up") + conv(two, state, "model2short9.0", padding=1))
    x = group(x, state, "model9", 1, first=1)
    x = relu(up(x, "model10up") + conv(one, state, "model1short10.0", padding=1))
    x = conv(x, state, "model10.1", padding=1)
    x = np.where(x > 0, x, 0.2 * x)
    return np.tanh(conv(x, state, "model_out.0")) * 110


def convnext(state, x, depths, prefix="encoder.arch."):
    """The four normalized feature maps."""
    features = []
    for stage, depth in enumerate(depths):
        down = f"{prefix}downsample_layers.{stage}"
        if stage == 0:
            x = conv(x, state, f"{down}.0", stride=4)
            x = layer_norm(x, state[f"{down}.1.weight"], state[f"{down}.1.bias"], 1e-6, 1)
        else:
            x = layer_norm(x, state[f"{down}.0.weight"], state[f"{down}.0.bias"], 1e-6, 1)
            x = conv(x, state, f"{down}.1", stride=2)
        for block in range(depth):
            p = {k: state[f"{prefix}stages.{stage}.{block}.{k}"] for k in BLOCK}
            y = depthwise(x, p["dwconv.weight"], p["dwconv.bias"], 3)
            y = layer_norm(y, p["norm.weight"], p["norm.bias"], 1e-6, 1).transpose(0, 2, 3, 1)
            y = gelu(y @ p["pwconv1.weight"].T + p["pwconv1.bias"]) @ p["pwconv2.weight"].T + p["pwconv2.bias"]
            x = x + (p["gamma"] * y).transpose(0, 3, 1, 2)
        features.append(
            layer_norm(x, state[f"{prefix}norm{stage}.weight"], state[f"{prefix}norm{stage}.bias"], 1e-6, 1)
        )
    return features


BLOCK = [f"{layer}.{kind}" for layer in ("dwconv", "norm", "pwconv1", "pwconv2") for kind in ("weight", "bias")]
BLOCK.append("gamma")


def spectral(x, state, name, padding=0):
    """Convolution by W / (u.W.v)."""
    weight, u, v = (state[f"{name}.weight_{part}"] for part in ("orig", "u", "v"))
    return convolution(x, weight / (u @ weight.reshape(len(u), -1) @ v), state.get(f"{name}.bias"), padding=padding)


def shuffle(x, factor):
    n, channels, height, width = x.shape
    x = x.reshape(n, channels // factor**2, factor, factor, height, width)
    return x.transpose(0, 1, 4, 2, 5, 3).reshape(n, -1, height * factor, width * factor)


def blur(x):
    x = np.pad(x, ((0, 0), (0, 0), (1, 0), (1, 0)), mode="edge")
    return (x[:, :, 1:, 1:] + x[:, :, :-1, 1:] + x[:, :, 1:, :-1] + x[:, :, :-1, :-1]) / 4


def pixel_decoder(state, features):
    x, found = features[3], []
    for i, skip in enumerate(features[2::-1]):
        name = f"decoder.layers.{i}"
        up = batch_norm(spectral(x, state, f"{name}.shuf.conv.0"), state, f"{name}.shuf.conv.1")
        up = blur(shuffle(relu(up), 2))
        x = relu(np.concatenate([up, batch_norm(skip, state, f"{name}.bn")], 1))
        x = batch_norm(relu(spectral(x, state, f"{name}.conv.0", padding=1)), state, f"{name}.conv.2")
        found.append(x)
    return found, blur(shuffle(relu(spectral(x, state, "decoder.last_shuf.conv.0")), 4))


def positions(height, width, channels):
    half = channels // 2
    code = np.zeros((height, width, channels))
    for i in range(half):
        wavelength = 10000 ** (2 * (i // 2) / half)
        wave = np.sin if i % 2 == 0 else np.cos
        code[:, :, i] = wave(np.arange(1, height + 1) / (height + 1e-6) * 2 * np.pi / wavelength)[:, None]
        code[:, :, half + i] = wave(np.arange(1, width + 1) / (width + 1e-6) * 2 * np.pi / wavelength)[None]
    return code.reshape(-1, channels)


def attention(state, name, query, key, value, heads=8):
    """Multi-head attention of one picture's (Q, C) queries over (P, C) keys and values."""
    width = query.shape[1]
    projections = np.split(state[f"{name}.in_proj_weight"], 3)
    biases = np.split(state[f"{name}.in_proj_bias"], 3)
    q, k, v = (
        (x @ w.T + b).reshape(len(x), heads, -1).transpose(1, 0, 2)
        for x, w, b in zip((query, key, value), projections, biases, strict=True)
    )
    share = softmax(q @ k.transpose(0, 2, 1) / np.sqrt(width / heads), -1)
    read = (share @ v).transpose(1, 0, 2).reshape(len(query), width)
    return read @ state[f"{name}.out_proj.weight"].T + state[f"{name}.out_proj.bias"]


def linear(state, name, x):
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def color_decoder(state, features, blocks, prefix="decoder.color_decoder"):
    """The color embeddings (Q, C) of one picture."""

    def norm(x, name):
        return layer_norm(x, state[f"{name}.weight"], state[f"{name}.bias"], 1e-5)

    memory, places = [], []
    for i, feature in enumerate(features):
        x = conv(feature, state, f"{prefix}.input_proj.{i}")[0]
        memory.append(x.reshape(len(x), -1).T + state[f"{prefix}.level_embed.weight"][i])
        places.append(positions(*x.shape[1:], len(x)))
    own = state[f"{prefix}.query_embed.weight"]
    x = state[f"{prefix}.query_feat.weight"]
    for i in range(blocks):
        cross, this, forward = (
            f"{prefix}.transformer_{k}_layers.{i}" for k in ("cross_attention", "self_attention", "ffn")
        )
        m, p = memory[i % 3], places[i % 3]
        x = norm(x + attention(state, f"{cross}.multihead_attn", x + own, m + p, m), f"{cross}.norm")
        x = norm(x + attention(state, f"{this}.self_attn", x + own, x + own, x), f"{this}.norm")
        x = norm(
            x + linear(state, f"{forward}.linear2", relu(linear(state, f"{forward}.linear1", x))), f"{forward}.norm"
        )
    x = norm(x, f"{prefix}.decoder_norm")
    for i in range(2):
        x = relu(linear(state, f"{prefix}.color_embed.layers.{i}", x))
    return linear(state, f"{prefix}.color_embed.layers.2", x)


def ddcolor(state, lightness, depths, blocks=9):
    """ab (1, 2, H, W) for one lightness (1, 1, H, W)."""
    y = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness * 27 / 24389)
    gray = np.where(y > 0.0031308, 1.055 * np.maximum(y, 1e-9) ** (1 / 2.4) - 0.055, 12.92 * y)
    x = (np.repeat(gray, 3, 1) - state["mean"]) / state["std"]
    scales, pixels = pixel_decoder(state, convnext(state, x, depths))
    colors = color_decoder(state, scales, blocks)
    maps = np.tensordot(colors, pixels[0], (1, 0))[None]
    return spectral(np.concatenate([maps, x], 1), state, "refine_net.0.0")
