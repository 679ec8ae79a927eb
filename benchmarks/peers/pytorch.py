"""PyTorch on the CPU: eager as installed, with what may be faster, and compiled."""

from itertools import pairwise

from peers import Contestant


def model(case):
    from torch import nn

    if case.truth_table:
        pairs = [
            (nn.Linear(a, b, bias=False), nn.Sigmoid()) for a, b in pairwise(case.sizes)
        ]
        return nn.Sequential(*(layer for pair in pairs for layer in pair))
    layers = []
    for a, b in pairwise(case.sizes):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class PyTorch(Contestant):
    title = "PyTorch"
    packages = ("torch",)
    imports = "import torch"
    fused = None
    threads = None  # as many as it likes

    def training(self, case):
        import torch

        torch.manual_seed(0)
        net = model(case)
        parameters = list(net.parameters())
        first = [p.detach().clone() for p in parameters]
        if case.truth_table:
            loss = torch.nn.MSELoss(reduction="sum")
            optimizer = torch.optim.SGD(parameters, lr=1.0, fused=self.fused)
        else:
            loss = torch.nn.CrossEntropyLoss()
            optimizer = torch.optim.Adam(parameters, fused=self.fused)
        x, y = map(torch.from_numpy, case.data())
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

    def prediction(self, case):
        import torch

        net = model(case).eval()
        x, _ = case.data()

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


class Compiled(PyTorch):
    """The whole step, update included; it may fail, and takes a minute to compile."""

    title = "PyTorch, torch.compile"
    alone = True

    def compiled(self, step):
        import torch

        return torch.compile(step)
