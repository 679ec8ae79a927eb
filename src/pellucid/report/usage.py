"""The lines of Python that use a network again."""

import json
from pathlib import PurePath

from pellucid.report.result import Result


def snippet(result: Result, folder: PurePath) -> str:
    """Return a short program that loads the network and predicts.

    Parameters
    ----------
    result : Result
        Whose model is used.
    folder : PurePath
        Where its files are.

    Returns
    -------
    str
    """
    model, settings = (
        json.dumps(folder.joinpath(name).as_posix(), ensure_ascii=False)
        for name in ("model.pellucid", "settings.json")
    )
    if result.inputs is None:
        row = result.table.x[-1].astype(int).tolist()
        return f"""import pellucid

network = pellucid.load({model})
print(network.predict([{row}]))
"""
    columns = len(result.table.features)
    what = f"{columns} columns" if columns > 1 else "1 column"
    after = ""
    if result.targets is not None:
        after = """\
y_hat = y_hat * settings["target_scale"] + settings["target_mean"]
"""
    return f"""import json
from pathlib import Path

import pellucid

network = pellucid.load({model})
settings = json.loads(Path({settings}).read_text())

# Three rows of the data; rows of your own need the same {what}.
x = pellucid.data.load("{result.dataset.name}").x[:3]
y_hat = network.predict((x - settings["mean"]) / settings["scale"])
{after}print(y_hat)
"""
