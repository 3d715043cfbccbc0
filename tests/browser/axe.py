"""axe-core in a page: what breaks WCAG 2.2 A and AA, by its rules and its judgement of every element."""

import hashlib
from pathlib import Path

from tests.browser.chromium import Chromium

SHA256 = "880970c081707360e64f34cea25ff91892f5bc95675b0776925b9709dd8a68bb"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_FILE = Path(__file__).parents[1] / "data" / "axe" / "axe.min.js"


def violations(browser: Chromium) -> list[str]:
    """Each rule that an element of the open page breaks, with the element."""
    source = _FILE.read_bytes()
    assert hashlib.sha256(source).hexdigest() == SHA256
    browser.run(source.decode() + "; true")
    found = browser.run(
        f"axe.run(document, {{runOnly: {TAGS}, resultTypes: ['violations']}})"
        ".then(all => all.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.target} ${node.failureSummary}`)))"
    )
    assert browser.run("axe.version") == "4.10.3"
    broken: list[str] = found
    return broken


def passes(browser: Chromium) -> int:
    """How many rules the open page was found to keep, so that an empty page does not look like a good one."""
    found: int = browser.run(f"axe.run(document, {{runOnly: {TAGS}}}).then(all => all.passes.length)")
    return found
