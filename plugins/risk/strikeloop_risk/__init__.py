"""Pre-trade rules, which judge every order before it leaves, and monitors, which raise alerts.

Rules: OrderLimits, GreekLimits, MarginGuard. Monitors: RiskMonitor, MarginMonitor, PositionMonitor, ExpiryMonitor,
HealthMonitor.
Nothing here trades, and nothing here reads a clock: all of it is judged on what the desk shows.
"""

from __future__ import annotations

from strikeloop_risk.expiry_monitor import ExpiryMonitor
from strikeloop_risk.greek_limits import GreekLimits
from strikeloop_risk.health_monitor import HealthMonitor
from strikeloop_risk.margin_guard import MarginGuard
from strikeloop_risk.margin_monitor import MarginMonitor, projected
from strikeloop_risk.order_limits import OrderLimits
from strikeloop_risk.position_monitor import PositionMonitor
from strikeloop_risk.risk_monitor import RiskMonitor

__all__ = [
    "ExpiryMonitor",
    "GreekLimits",
    "HealthMonitor",
    "MarginGuard",
    "MarginMonitor",
    "OrderLimits",
    "PositionMonitor",
    "RiskMonitor",
    "projected",
]
