"""Tell the guardian one notice by its way; whatever happens comes back as a value."""

from __future__ import annotations

from koubou.model.notice import Channel, Guardian, Notice, NotTold, Told, Trouble
from koubou.notices.exchange import NotDone
from koubou.notices.github import tell_github
from koubou.notices.webhook import tell_webhook


def deliver(guardian: Guardian, notice: Notice) -> Told | NotTold:
    """Try once; may take a minute. Raises nothing."""
    try:
        if notice.channel is Channel.GITHUB and guardian.github is not None:
            return tell_github(guardian.github, notice, guardian)
        if notice.channel is Channel.WEBHOOK and guardian.webhook is not None:
            return tell_webhook(guardian.webhook, notice, guardian)
    except NotDone as error:
        return error.why
    except Exception as error:  # noqa: BLE001 - whatever it is, the guardian is still to be told
        what = f"a bug: {type(error).__name__}; please report it"
        return NotTold(trouble=Trouble.BUG, reason=what)
    return NotTold(trouble=Trouble.SETTINGS, reason=f"guardian.{notice.channel} is not in the settings any more")
