"""Which kinds of targets there are: a new one is one file and one line here."""

from __future__ import annotations

from consumers.notify.targets import mail, mqtt, sia, web_push, webhook
from consumers.notify.targets.target import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (webhook.KIND, web_push.KIND, mqtt.KIND, mail.KIND, sia.KIND)
}
Settings = webhook.WebhookSettings | mqtt.MqttSettings | mail.MailSettings | sia.SiaSettings
"""Those that an administrator may name; discriminated by ``kind``."""
