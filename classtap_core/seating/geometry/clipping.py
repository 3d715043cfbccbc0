"""What of one polygon lies in another: where things meet, to measure and to show. No verdict rests on it alone."""

from classtap_core.seating.geometry.polygons import Polygon


def clipped(polygon: list[tuple[float, float]], window: Polygon) -> list[tuple[float, float]]:
    """The part of a polygon inside a convex window (Sutherland and Hodgman)."""
    (x0, y0), (x1, y1), (x2, y2) = window[0], window[1], window[2]
    turn = 1 if (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0) > 0 else -1
    kept = polygon
    for (ax, ay), (bx, by) in zip(window, (*window[1:], window[0]), strict=True):
        sides = [turn * ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) for x, y in kept]
        part: list[tuple[float, float]] = []
        for index, (x, y) in enumerate(kept):
            here, before = sides[index], sides[index - 1]
            if (here >= 0) != (before >= 0):
                share = before / (before - here)
                px, py = kept[index - 1]
                part.append((px + share * (x - px), py + share * (y - py)))
            if here >= 0:
                part.append((x, y))
        kept = part
        if not kept:
            return []
    return kept
