"""The ResNets of the course's lesson 18 in PyTorch, module for module as the lesson builds them, and resnet9.

Groundwork's own are in nn/models/resnet.h; parameter names and layouts are the same on both sides.
"""
import torch
import torch.nn.functional as F
from torch import nn


class GeneralRelu(nn.Module):
    """leaky_relu(x, leak) - sub, in place as the lesson does it."""

    def __init__(self, leak=0.1, sub=0.4):
        super().__init__()
        self.leak, self.sub = leak, sub

    def forward(self, x):
        return F.leaky_relu(x, self.leak).sub_(self.sub)


class GlobalAvgPool(nn.Module):
    def forward(self, x):
        return x.mean((-2, -1))


class GlobalMaxPool(nn.Module):
    def forward(self, x):
        return x.amax((-2, -1))


def conv(ni, nf, ks=3, stride=2, act=True, norm=True):
    layers = [nn.Conv2d(ni, nf, ks, stride, padding=ks // 2)]
    if norm:
        layers.append(nn.BatchNorm2d(nf))
    if act:
        layers.append(GeneralRelu())
    return nn.Sequential(*layers)


class ResBlock(nn.Module):
    """act(convs(x) + idconv(pool(x)))."""

    def __init__(self, ni, nf, stride=2, ks=3):
        super().__init__()
        self.convs = nn.Sequential(conv(ni, nf, ks, stride=1), conv(nf, nf, ks, stride=stride, act=False))
        self.idconv = nn.Identity() if ni == nf else conv(ni, nf, ks=1, stride=1, act=False, norm=False)
        self.pool = nn.Identity() if stride == 1 else nn.AvgPool2d(2, ceil_mode=True)
        self.act = GeneralRelu()

    def forward(self, x):
        return self.act(self.convs(x) + self.idconv(self.pool(x)))


def blocks(*widths):
    return [ResBlock(ni, nf) for ni, nf in zip(widths, widths[1:])]


def head(nf):
    return [nn.Flatten(), nn.Linear(nf, 10, bias=False), nn.BatchNorm1d(10)]


def pooled_head(nf, pool=GlobalAvgPool, classes=10):
    return [pool(), nn.Linear(nf, classes, bias=False), nn.BatchNorm1d(classes)]


def convnet():
    widths = [8, 16, 32, 64, 128]
    return [conv(1, 8, stride=1), *[conv(ni, nf) for ni, nf in zip(widths, widths[1:])],
            conv(128, 10, act=False), nn.Flatten()]


def resnet():
    return [ResBlock(1, 8, stride=1), *blocks(8, 16, 32, 64, 128, 256), *head(256)]


def resnet_wide():
    return [ResBlock(1, 16, stride=1, ks=5), *blocks(16, 32, 64, 128, 256, 512), *head(512)]


def resnet_gap():
    return [ResBlock(1, 16, stride=1, ks=5), *blocks(16, 32, 64, 128, 256), ResBlock(256, 512, stride=1), *pooled_head(512)]


def resnet_slim():
    return [ResBlock(1, 16, stride=1, ks=5), *blocks(16, 32, 64, 128, 256), *pooled_head(256)]


def resnet_fast():
    return [conv(1, 16, ks=5, stride=1), *blocks(16, 32, 64, 128, 256), *pooled_head(256)]


def resnet_drop(p=0.1):
    layers = resnet_wide()
    return [layers[0], nn.Dropout2d(p), *layers[1:-2], nn.Dropout(p), *layers[-2:]]


def pooled_conv(ni, nf):
    return nn.Sequential(nn.Conv2d(ni, nf, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(nf), GeneralRelu())


def resnet9(channels=1, classes=10):
    return [conv(channels, 64, stride=1), pooled_conv(64, 128), ResBlock(128, 128, stride=1), pooled_conv(128, 256),
            pooled_conv(256, 512), ResBlock(512, 512, stride=1), *pooled_head(512, GlobalMaxPool, classes)]


MODELS = {"convnet": convnet, "resnet": resnet, "resnet-wide": resnet_wide, "resnet-gap": resnet_gap,
          "resnet-slim": resnet_slim, "resnet-fast": resnet_fast, "resnet-drop": resnet_drop, "resnet9": resnet9}


def create_model(name, seed=42):
    """The named model, convolutions Kaiming normal with a=0.1, all else as PyTorch initialises by default."""
    torch.manual_seed(seed)
    model = nn.Sequential(*MODELS[name]())
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=0.1)
    return model
