"""Who is who: exact minimum-cost assignment on the small components of a sparse graph."""

from __future__ import annotations

from collections.abc import Mapping


def assign(costs: Mapping[tuple[int, int], float], unmatched: float) -> list[tuple[int, int]]:
    """Return the (row, column) pairs of least total cost, in row order.

    ``costs`` holds the allowed pairs only; leaving a row without a column costs ``unmatched``, so
    a pair that costs more is never taken. Ties fall the same way every time.

    >>> assign({(0, 0): 1.0, (0, 1): 2.0, (1, 0): 1.5}, unmatched=9.0)
    [(0, 1), (1, 0)]
    """
    pairs: list[tuple[int, int]] = []
    for rows, columns in _components(costs):
        if len(rows) == 1 or len(columns) == 1:
            best = min((costs[row, column], row, column) for row in rows for column in columns)
            if best[0] < unmatched:
                pairs.append(best[1:])
        elif len(rows) == 2:
            pairs += _pairs_of_two(costs, rows, columns, unmatched)
        else:
            pairs += _component_pairs(costs, rows, columns, unmatched)
    return sorted(pairs)


def _components(costs: Mapping[tuple[int, int], float]) -> list[tuple[list[int], list[int]]]:
    """Split the graph into its connected parts, each (rows, columns) in ascending order."""
    columns_of: dict[int, list[int]] = {}
    rows_of: dict[int, list[int]] = {}
    for row, column in costs:
        columns_of.setdefault(row, []).append(column)
        rows_of.setdefault(column, []).append(row)
    parts: list[tuple[list[int], list[int]]] = []
    seen: set[int] = set()
    for first in sorted(columns_of):
        if first in seen:
            continue
        seen.add(first)
        rows, columns, waiting = [first], set[int](), [first]
        while waiting:
            for column in columns_of[waiting.pop()]:
                if column in columns:
                    continue
                columns.add(column)
                for row in rows_of[column]:
                    if row not in seen:
                        seen.add(row)
                        rows.append(row)
                        waiting.append(row)
        parts.append((sorted(rows), sorted(columns)))
    return parts


def _pairs_of_two(
    costs: Mapping[tuple[int, int], float], rows: list[int], columns: list[int], unmatched: float
) -> list[tuple[int, int]]:
    """Try all ways of two rows, which is what most components have."""
    least, pairs = 2 * unmatched, list[tuple[int, int]]()
    offered = [costs.get((rows[1], column), unmatched) for column in columns]
    for column, cost in zip(columns, offered, strict=True):
        if unmatched + cost < least:
            least, pairs = unmatched + cost, [(rows[1], column)]
    for column in columns:
        own = costs.get((rows[0], column), unmatched)
        if own >= unmatched:
            continue
        if own + unmatched < least:
            least, pairs = own + unmatched, [(rows[0], column)]
        for other, cost in zip(columns, offered, strict=True):
            if other != column and cost < unmatched and own + cost < least:
                least, pairs = own + cost, [(rows[0], column), (rows[1], other)]
    return pairs


def _component_pairs(
    costs: Mapping[tuple[int, int], float], rows: list[int], columns: list[int], unmatched: float
) -> list[tuple[int, int]]:
    # Each row gets a column of its own that stands for "nobody", so that every row has an answer.
    width = len(columns)
    matrix = [
        [min(costs.get((row, column), unmatched), unmatched) for column in columns]
        + [unmatched] * len(rows)
        for row in rows
    ]
    chosen = _hungarian(matrix)
    return [
        (row, columns[column])
        for row, column in zip(rows, chosen, strict=True)
        if column < width and costs.get((row, columns[column]), unmatched) < unmatched
    ]


def _hungarian(matrix: list[list[float]]) -> list[int]:
    """Return the column of each row; rows may not outnumber columns.

    Shortest augmenting paths with potentials, O(rows² columns): Jonker and Volgenant, Computing
    38 (1987).
    """
    height, width = len(matrix), len(matrix[0])
    row_potential = [0.0] * (height + 1)
    column_potential = [0.0] * (width + 1)
    row_of = [0] * (width + 1)
    for row in range(1, height + 1):
        row_of[0] = row
        column = 0
        least = [float("inf")] * (width + 1)
        came_from = [0] * (width + 1)
        done = [False] * (width + 1)
        while row_of[column]:
            done[column] = True
            current = row_of[column]
            costs = matrix[current - 1]
            step, following = float("inf"), 0
            for other in range(1, width + 1):
                if done[other]:
                    continue
                reduced = costs[other - 1] - row_potential[current] - column_potential[other]
                if reduced < least[other]:
                    least[other], came_from[other] = reduced, column
                if least[other] < step:
                    step, following = least[other], other
            for other in range(width + 1):
                if done[other]:
                    row_potential[row_of[other]] += step
                    column_potential[other] -= step
                else:
                    least[other] -= step
            column = following
        while column:
            previous = came_from[column]
            row_of[column] = row_of[previous]
            column = previous
    answer = [0] * height
    for column in range(1, width + 1):
        if row_of[column]:
            answer[row_of[column] - 1] = column - 1
    return answer
