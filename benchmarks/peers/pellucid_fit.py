"""pellucid: the public `fit` and `predict_proba`, and the inner step by itself."""

from peers import Contestant


def network(case):
    from pellucid import (
        Adam,
        Conv2D,
        Dense,
        Flatten,
        GradientDescent,
        MaxPool2D,
        NeuralNetwork,
    )

    *hidden, outputs = case.sizes[1:]
    if case.truth_table:
        layers = [Dense(units, "sigmoid", bias=False) for units in case.sizes[1:]]
        loss, optimizer = "sum_of_squares", GradientDescent(1.0)
    else:
        layers = []
        for each in case.convolutions:
            where = {"stride": each.stride, "padding": each.padding}
            layers.append(Conv2D(each.filters, each.kernel, "relu", **where))
            if each.pool:
                layers.append(MaxPool2D(2))
        if case.image:
            layers.append(Flatten())
        layers += [*(Dense(units, "relu") for units in hidden), Dense(outputs)]
        loss, optimizer = "cross_entropy", Adam()
    return NeuralNetwork(layers, loss=loss, input_shape=case.shape), optimizer


class Pellucid(Contestant):
    title = "pellucid"
    packages = ("pellucid",)
    imports = "from pellucid import Dense, NeuralNetwork"
    shuffle = False
    engine = "compiled"  # as "auto", but where it cannot run there is a gap

    def training(self, case):
        net, optimizer = network(case)
        first = net.weights.copy()
        x, y = case.data()

        def run(blocks):
            net.weights = first
            net.fit(
                x,
                y,
                epochs=blocks * case.block,
                batch_size=case.batch,
                shuffle=self.shuffle,
                optimizer=optimizer,
                progress=False,
                engine=self.engine,
            )

        return run

    def prediction(self, case):
        net, _ = network(case)
        x, _ = case.data()

        def run(calls):
            for _ in range(calls):
                net.predict_proba(x)

        return run


class Shuffled(Pellucid):
    title = "pellucid, a new order every epoch"
    shuffle = True


class Readable(Pellucid):
    title = "pellucid, readable engine"
    engine = "readable"


class Inner(Contestant):
    """The same without the loop around it: no history, no epochs, no progress."""

    title = "pellucid, inner step"

    def training(self, case):
        net, optimizer = network(case)
        first = net.weights.copy()
        training = started(net, optimizer, *case.data(), case.batch)

        def run(blocks):
            net.weights = first
            for vector in training.memory.values():
                vector[...] = 0
            step, end = 0, blocks * case.iterations
            while step < end:
                step += len(training.advance(step, end - step).losses)

        return run


def started(net, optimizer, x, y, batch):
    """Return a training of the compiled engine, as `fit` starts it."""
    from pellucid.training.batches import ArrayBatches
    from pellucid.training.state import fresh_memory

    data = net.samples(x, y, learn=True)
    batches = ArrayBatches(
        data.x,
        data.y,
        data.weight,
        batch,
        shuffle=False,
        seed=0,
        run=0,
        no_single=False,
    )
    layout = net.blueprint.layout.parameters
    engine, _ = net.engines.choose("compiled", "training")
    return engine.start(
        net.weights,
        optimizer,
        fresh_memory(optimizer, layout.size, net.dtype),
        batches,
        key=1,
        total=10**9,
        decayed=layout.mask(lambda name, slot: slot.role == "weight"),
        trained=None,
    )
