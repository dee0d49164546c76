"""Pre-trade rules, which judge every order before it leaves, and monitors, which raise alerts.

Rules: OrderLimits, PositionLimits, TradingScope, OrderFlow, DataGuard, GreekLimits, MarginGuard, StressLimit, VarLimit,
LossLimits. Monitors: RiskMonitor, MarginMonitor, PositionMonitor, ExpiryMonitor, HealthMonitor. Nothing here trades, and nothing
here reads a clock: all of it is judged on what the desk shows.
"""

from __future__ import annotations

from strikeloop_risk.data_guard import DataGuard
from strikeloop_risk.expiry_monitor import ExpiryMonitor
from strikeloop_risk.greek_limits import GreekLimits
from strikeloop_risk.health_monitor import HealthMonitor
from strikeloop_risk.loss_limits import LossLimits
from strikeloop_risk.margin_guard import MarginGuard
from strikeloop_risk.margin_monitor import MarginMonitor, projected
from strikeloop_risk.order_flow import OrderFlow
from strikeloop_risk.order_limits import OrderLimits
from strikeloop_risk.position_limits import PositionLimits
from strikeloop_risk.position_monitor import PositionMonitor
from strikeloop_risk.risk_monitor import RiskMonitor
from strikeloop_risk.scenario_limits import StressLimit, VarLimit
from strikeloop_risk.trading_scope import TradingScope

__all__ = [
    "DataGuard",
    "ExpiryMonitor",
    "GreekLimits",
    "HealthMonitor",
    "LossLimits",
    "MarginGuard",
    "MarginMonitor",
    "OrderFlow",
    "OrderLimits",
    "PositionLimits",
    "PositionMonitor",
    "RiskMonitor",
    "StressLimit",
    "TradingScope",
    "VarLimit",
    "projected",
]
