"""What results show of themselves: plain tables of cells, which the terminal, HTML, LaTeX and data frames print."""

from __future__ import annotations

from powergames.display.fitting import Part as Part
from powergames.display.fitting import lines as lines
from powergames.display.fitting import parts as parts
from powergames.display.markup import to_html as to_html
from powergames.display.markup import to_latex as to_latex
from powergames.display.shown import MOST as MOST
from powergames.display.shown import Shown as Shown
from powergames.display.shown import blocks as blocks
from powergames.display.shown import frame as frame
from powergames.display.tables import Block as Block
from powergames.display.tables import Cell as Cell
from powergames.display.tables import Table as Table
from powergames.display.tables import name as name
from powergames.display.tables import number as number
from powergames.display.tables import power as power
from powergames.display.tables import regret as regret
from powergames.display.text import ROUNDING as ROUNDING
from powergames.display.text import counted as counted
from powergames.display.text import discount_text as discount_text
from powergames.display.text import mixture_text as mixture_text
from powergames.display.text import number_list as number_list
from powergames.display.text import number_text as number_text
from powergames.display.text import regret_text as regret_text
from powergames.display.text import state_text as state_text
from powergames.errors import printable as printable
