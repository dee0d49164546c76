"""Alerts that leave the process: sinks on apprise, a webhook, the desktop and a file, and a digest.

None of them slows the run, whatever becomes of the service behind it; none shows a secret.
"""

from __future__ import annotations

from strikeloop_notify.alerts import AppriseAlerts, DesktopAlerts, LogAlerts, WebhookAlerts
from strikeloop_notify.digest import Digest

__all__ = ["AppriseAlerts", "DesktopAlerts", "Digest", "LogAlerts", "WebhookAlerts"]
