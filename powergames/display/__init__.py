"""What results show of themselves: a plain table of cells, and the terminal, HTML and LaTeX that print it."""

from __future__ import annotations

from powergames.display.text import counted as counted
from powergames.display.text import mixture_text as mixture_text
from powergames.display.text import number_list as number_list
from powergames.display.text import number_text as number_text
from powergames.display.text import printable as printable
from powergames.display.text import regret_text as regret_text
