"""PyTorch on the CPU: eager as installed, with what may be faster, and compiled."""

from itertools import pairwise

import numpy as np

from peers import Contestant


def model(case):
    from torch import nn

    if case.truth_table:
        pairs = [
            (nn.Linear(a, b, bias=False), nn.Sigmoid()) for a, b in pairwise(case.sizes)
        ]
        return nn.Sequential(*(layer for pair in pairs for layer in pair))
    layers, channels = [], case.image[-1:]
    for each in case.convolutions:
        where = {"stride": each.stride, "padding": each.padding}
        layers += [nn.Conv2d(*channels, each.filters, each.kernel, **where), nn.ReLU()]
        if each.pool:
            layers.append(nn.MaxPool2d(2))
        channels = [each.filters]
    if case.image:
        layers.append(nn.Flatten())
    for a, b in pairwise(case.sizes):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class PyTorch(Contestant):
    title = "PyTorch"
    packages = ("torch",)
    imports = "import torch"
    fused = None
    threads = None  # as many as it likes
    channels_last = False  # the order of axes in memory, of images and of filters

    def training(self, case):
        import torch

        torch.manual_seed(0)
        net = self.arranged(model(case))
        parameters = list(net.parameters())
        first = [p.detach().clone() for p in parameters]
        if case.truth_table:
            loss = torch.nn.MSELoss(reduction="sum")
            optimizer = torch.optim.SGD(parameters, lr=1.0, fused=self.fused)
        else:
            loss = torch.nn.CrossEntropyLoss()
            optimizer = torch.optim.Adam(parameters, fused=self.fused)
        x, y = map(torch.from_numpy, self.data(case))
        batches = list(zip(x.split(case.batch), y.split(case.batch), strict=True))

        def step(x, y):
            optimizer.zero_grad()
            loss(net(x), y).backward()
            optimizer.step()

        step = self.compiled(step)

        threads = self.threads or torch.get_num_threads()

        def run(blocks):
            torch.set_num_threads(threads)
            with torch.no_grad():
                for p, values in zip(parameters, first, strict=True):
                    p.copy_(values)
            optimizer.state.clear()
            for _ in range(blocks * case.block):
                for x, y in batches:
                    step(x, y)

        return run

    def compiled(self, step):
        return step

    def arranged(self, net):
        import torch

        last = self.channels_last
        return net.to(
            memory_format=torch.channels_last if last else torch.contiguous_format
        )

    def data(self, case):
        """Return a case's data, channels before height and width for PyTorch."""
        x, y = case.data()
        if case.image:
            x = np.moveaxis(x, -1, 1)  # in memory they stay last
            x = x if self.channels_last else np.ascontiguousarray(x)
        return x, y

    def prediction(self, case):
        import torch

        net = self.arranged(model(case)).eval()
        x, _ = self.data(case)

        def run(calls):
            with torch.inference_mode():
                for _ in range(calls):
                    torch.softmax(net(torch.from_numpy(x)), dim=1).numpy()

        return run


class Fused(PyTorch):
    title = "PyTorch, fused update"
    fused = True


class OneThread(Fused):
    title = "PyTorch, fused update, one thread"
    threads = 1


class ChannelsLast(PyTorch):
    title = "PyTorch, channels last"
    channels_last = True


class Compiled(PyTorch):
    """The whole step, update included; it may fail, and takes a minute to compile."""

    title = "PyTorch, torch.compile"
    alone = True

    def compiled(self, step):
        import torch

        return torch.compile(step)
