"""The page: one file of HTML with all that it shows inside."""

from importlib.resources import files
from string import Template

from pellucid._version import __version__
from pellucid.report.image_page import image_page
from pellucid.report.markup import join, tag
from pellucid.report.measured import measured
from pellucid.report.pictures import Pictures
from pellucid.report.result import Result
from pellucid.report.table_page import table_page
from pellucid.report.table_run import TableRun
from pellucid.report.truth_table import truth_table


def page(result: Result | TableRun) -> str:
    """Return a page about a training.

    The page needs no other file and no network, follows the reader's choice of light or
    dark, can be printed, and can be read aloud.

    Parameters
    ----------
    result : Result or TableRun
        What it is about.

    Returns
    -------
    str
        HTML.
    """
    pictures = Pictures()
    if isinstance(result, TableRun):
        name = result.table.name
        title, head, sections = table_page(result, pictures)
    else:
        name = result.dataset.name
        tell = measured if len(result.test) else truth_table
        tell = image_page if result.noun == "image" else tell
        title, head, sections = tell(result, pictures)
    links = [tag("li", tag("a", s.title, href=f"#{s.anchor}")) for s in sections]
    here = files(__package__)
    return Template(here.joinpath("page.html").read_text("utf-8")).substitute(
        title=tag("title", f"{title} | pellucid"),
        style=here.joinpath("page.css").read_text("utf-8") + pictures.colours.rules(),
        head=join(
            [
                tag("p", f"pellucid report: {name}", class_="kicker"),
                tag("h1", title),
                head,
            ]
        ),
        links=join(links, "\n"),
        sections=join((section.html() for section in sections), "\n"),
        version=__version__,
    )
