"""The guardian's webhook: a POST of JSON, at least once, with a key by which the receiver knows it again."""

from __future__ import annotations

from koubou.model.notice import Guardian, Notice, NotTold, Told, Trouble, WebhookWay
from koubou.notices.exchange import Exchange
from koubou.notices.words import webhook_body


def tell_webhook(way: WebhookWay, notice: Notice, guardian: Guardian) -> Told | NotTold:
    """Post it. Raises NotDone. The same `Idempotency-Key` is sent with every try of one notice."""
    with Exchange({}) as exchange:
        answer = exchange.ask(
            "POST", way.address, webhook_body(notice, guardian), {"Idempotency-Key": f'"{notice.marker}"'}
        )
    status, said = answer.status, f"the webhook answered {answer.status}"
    if 200 <= status < 300:
        return Told()
    if status == 429:
        return NotTold(trouble=Trouble.RATE, reason=said, wait=answer.wait())
    if status >= 500 or status == 408:
        return NotTold(trouble=Trouble.SERVER, reason=said, wait=answer.wait())
    remedy = "check guardian.webhook in the settings, then systemctl reload koubou"
    return NotTold(trouble=Trouble.SETTINGS, reason=said, remedy=remedy)
