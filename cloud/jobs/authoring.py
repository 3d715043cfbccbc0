"""Authoring what a job found: a few operations a commit, so that devices' pushes come in between."""

from collections.abc import Sequence

from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.ids import Id
from cloud.studios import Studios

AT_ONCE = 50
"""Operations in one commit: some tenths of a second. Five hundred held a studio, or SQLite's one writer, for seconds."""


def author(studios: Studios, studio: Id, drafts: Sequence[CloudDraft]) -> None:
    """Author drafts whose ids every worker would give them: what is broken off is gone on with in the next round."""
    device, authority = studios.studio(studio).cloud_device, studios.authority(studio)
    for start in range(0, len(drafts), AT_ONCE):
        authority.author_all(device, drafts[start : start + AT_ONCE])
