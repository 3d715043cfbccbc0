"""A second numbering, by brute force: cells of a grid visited by two nested loops, signs from spreadsheets' columns.

It knows nothing of positions in micrometres or of lines found by nearness: it is given the grid that was drawn.
"""

from itertools import product

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLUMNS = [*LETTERS, *(a + b for a, b in product(LETTERS, LETTERS)), *("".join(c) for c in product(LETTERS, repeat=3))]


def sign(kind: str, start: str, step: int, skip: tuple[str, ...], place: int) -> str:
    """The sign at a place of a sequence, by listing it from its start."""
    endless = COLUMNS if kind == "letters" else [str(value) for value in range(5000)]
    listed = [one for one in endless[endless.index(start) :: step] if one not in skip]
    return listed[place]


def numbered(grid: list[str], rules: dict) -> dict[tuple[int, int], tuple[str, str, int]]:
    """For every cell that is not a dot, by (row, column) from 0: its row sign, its seat sign and its running number."""
    corner, by_rows = rules["corner"], rules["lines"] == "rows"
    right, bottom = "right" in corner, "bottom" in corner
    if rules["mirrored"]:
        right = not right
    height, width = len(grid), len(grid[0])
    ys = list(range(height))[:: -1 if bottom else 1]
    xs = list(range(width))[:: -1 if right else 1]
    outer, inner = (ys, xs) if by_rows else (xs, ys)
    found: dict[tuple[int, int], tuple[str, str, int]] = {}
    line, running, place, start = 0, 0, 0, rules["seats"][1]
    for a in outer:
        cells = [(a, b) if by_rows else (b, a) for b in inner]
        cells = [cell for cell in cells if grid[cell[0]][cell[1]] != "."]
        if not cells:
            continue
        if rules["serpentine"] and line % 2 == 1:
            cells.reverse()
        row = sign(*rules["rows"], line)
        if not rules["continuous"]:
            place, start = 0, rules["seats"][1]
        if row in rules["line_starts"]:
            place, start = 0, rules["line_starts"][row]
        kind, _, step, skip = rules["seats"]
        for cell in cells:
            running += 1
            found[cell] = (row, sign(kind, start, step, skip, place), running)
            place += 1
        line += 1
    return found
