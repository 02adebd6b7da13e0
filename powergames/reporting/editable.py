"""A page on which a game of two players is edited, and solved by the page itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from powergames.errors import InputError
from powergames.games.catalog.normal_form import named_game
from powergames.games.kinds import AnyGame, as_game
from powergames.games.normal_form import NormalFormGame
from powergames.io._text import write_atomically
from powergames.objectives import FORMS
from powergames.reporting.assemble import check_page_name
from powergames.reporting.page import assembled

# Actions of each player that the page can solve at once.
FEWEST, MOST = 2, 4

# Games of the catalog that every such page offers.
CLASSICS = (
    "stag_hunt",
    "prisoners_dilemma",
    "chicken",
    "battle_of_the_sexes",
    "matching_pennies",
    "coordination",
    "rock_paper_scissors",
    "shapley",
    "oneill",
)

STYLES = ("style.css", "play.css")
SCRIPTS = (
    "theme.js",
    "elements.js",
    "fractions.js",
    "equilibria.js",
    "statements.js",
    "payoffs.js",
    "charts.js",
    "story.js",
    "learners.js",
    "learning.js",
    "play.js",
)


def editable(
    game: AnyGame, path: str | os.PathLike[str] | None = None, *, title: str | None = None, form: str = "penalty"
) -> str:
    """Make a page on which the payoffs of a game can be changed; it finds all equilibria by itself, without a network.

    Parameters
    ----------
    game : NormalFormGame
        Two players with two to four actions each. The page opens with it, and offers the classic games too.
    path : path, optional
        A .html file to write the page to.
    title : str, optional
        By default the title of the game.
    form : {"penalty", "adversarial"}, default "penalty"
        How the page reads λ at first: as a price or as a chance. The equilibria are the same.

    Returns
    -------
    str
        The page, complete in itself.

    Raises
    ------
    InputError
        If the game is another one, an argument cannot be used, or the file cannot be written.

    Examples
    --------
    >>> import powergames as pg
    >>> "Would you trust?" in editable(pg.load("stag_hunt"))
    True
    """
    game = as_game(game)
    sizes = " x ".join(map(str, game.n_actions))
    if game.n_players != 2 or not all(FEWEST <= size <= MOST for size in game.n_actions):
        raise InputError(
            f"editable page: got a game of {game.n_players} players with {sizes} actions; give one of two players with "
            f"{FEWEST} to {MOST} actions each, or make a page that is not editable"
        )
    if form not in FORMS:
        raise InputError(f"form: got {form!r}; choose one of {', '.join(FORMS)}")
    if path is not None:
        check_page_name(path)
    games = [_data(name, as_game(named_game(name))) for name in CLASSICS]
    own = _data("", game, title)
    same = [k for k, each in enumerate(games) if each | {"name": ""} == own]
    if not same:
        games.insert(0, own)
    data = {"games": games, "first": same[0] if same else 0, "form": form}
    text = assembled("play.html", STYLES, SCRIPTS, data, own["title"])
    if path is not None:
        write_atomically(path, text.encode())
    return text


def _data(name: str, game: NormalFormGame, title: str | None = None) -> dict[str, Any]:
    payoffs = [[[_number(value) for value in row] for row in own] for own in game.exact_payoffs.tolist()]
    heading = (game.title if title is None else title) or "Untitled game"
    return {
        "name": name,
        "title": heading,
        "players": _spoken(game.players, "player"),
        "actions": [_spoken(own, "action") for own in game.actions],
        "payoffs": payoffs,
    }


def _spoken(names: Sequence[str], word: str) -> list[str]:
    """Put a word before names that only count, as "0" and "1" do.

    Examples
    --------
    >>> _spoken(("0", "1"), "player"), _spoken(("1", "2"), "action")
    (['player 0', 'player 1'], ['1', '2'])
    """
    return [f"{word} {name}" for name in names] if list(names) == list(map(str, range(len(names)))) else list(names)


def _number(value: Fraction) -> str:
    """A number as people write it: as a decimal if it is a short one.

    Examples
    --------
    >>> _number(Fraction(1, 4)), _number(Fraction(1, 3)), _number(Fraction(3))
    ('0.25', '1/3', '3')
    """
    text = f"{float(value):.12g}"
    return text if Fraction(text) == value else str(value)
