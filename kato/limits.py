"""How much one may ask for (SPEC 8 and 9): every limit, its default, and what is judged by it.

What is counted elsewhere, such as connections, is counted where it happens; how many there may be
stands here.
"""

from dataclasses import dataclass

MAX_VALUES = 1_000_000
