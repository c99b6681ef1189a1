"""From `[notify]` to a plan and the notifiers that carry it out."""

from __future__ import annotations

from datetime import timedelta

from ancu.models.clock import Clock
from ancu.server.adapters.notify_email import EmailNotifier
from ancu.server.adapters.notify_provider import ProviderNotifier
from ancu.server.adapters.notify_webhook import WebhookNotifier
from ancu.server.adapters.notify_webpush import WebPushNotifier
from ancu.server.adapters.notify_zalo import ZaloNotifier
from ancu.server.notify.engine import Plan, Webhook
from ancu.server.notify.port import Notifier
from ancu.server.notify.retry import Backoff
from ancu.server.notify.routing import RoutingPolicy
from ancu.server.notify.settings import NotifySettings

__all__ = ["build_notifiers", "plan_of"]


def build_notifiers(settings: NotifySettings, clock: Clock) -> dict[str, Notifier]:
    """A notifier for each channel that is configured; opens no connection. Raises ConfigError."""
    built: dict[str, Notifier] = {}
    if settings.push is not None:
        built["push"] = WebPushNotifier(settings.push, clock)
    if settings.zalo is not None:
        built["zalo"] = ZaloNotifier(settings.zalo, clock)
    if settings.sms is not None:
        built["sms"] = ProviderNotifier(settings.sms, clock)
    if settings.voice is not None:
        built["voice"] = ProviderNotifier(settings.voice, clock, "speech")
    if settings.email is not None:
        built["email"] = EmailNotifier(settings.email, clock)
    if settings.webhooks:
        built["webhook"] = WebhookNotifier(settings.webhooks, clock)
    return built


def plan_of(settings: NotifySettings) -> Plan:
    channels = settings.channels
    return Plan(
        order=tuple(channels),
        routing=RoutingPolicy(
            pause=timedelta(seconds=settings.pause_s),
            severities={name: frozenset(table.severities) for name, table in channels.items()},
        ),
        patience=timedelta(seconds=settings.patience_s),
        backoff=Backoff(settings.retry_first_s, settings.retry_cap_s, settings.give_up_s),
        webhooks=tuple(
            Webhook(hook.name, frozenset(hook.severities), frozenset(hook.wards) or None) for hook in settings.webhooks
        ),
        persons=tuple(name for name in settings.persons if name in channels),
    )
