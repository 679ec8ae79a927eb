"""The page about a network that was trained on a table."""

from pellucid.report.drawing import Drawing
from pellucid.report.markup import Markup
from pellucid.report.sections import Section
from pellucid.report.story import count
from pellucid.report.table_columns import columns
from pellucid.report.table_data import data, encoding
from pellucid.report.table_examples import examples
from pellucid.report.table_head import head
from pellucid.report.table_run import TableRun
from pellucid.report.table_scores import judged, probabilities
from pellucid.report.table_training import network, training
from pellucid.report.table_use import settings, use


def table_page(run: TableRun, pictures: Drawing) -> tuple[str, Markup, list[Section]]:
    """Return what a page about a table says.

    Parameters
    ----------
    run : TableRun
        What is told.
    pictures : Drawing
        Draws.

    Returns
    -------
    title : str
        What it is about.
    head : Markup
        The outcome in short.
    sections : list of Section
        The rest.
    """
    used = count(len(run.encoder.used), "column")
    found = [
        data(run, pictures),
        encoding(run),
        network(run),
        training(run, pictures),
        judged(run, pictures),
        probabilities(run, pictures) if run.classes else None,
        columns(run, pictures),
        examples(run),
        settings(run),
        use(run),
    ]
    return (
        f"Predicting {run.table.target} from {used}",
        head(run),
        [section for section in found if section is not None],
    )
