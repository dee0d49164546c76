"""What a venue holds back and charges: margin models, fees, the cash of settlement, and value at risk.

Owns the `MarginModel` protocol with Gate's classic model and a scenario model with presets, which the venue, the risk
rules and `desk.what_if` share. Ledger figures are Decimal; scenarios are computed in float, on numpy where the
`vector` extra is installed and on the standard library where not, and become Decimal by one documented rounding.
Formulas that no venue publishes say so. Never reads a market or a clock: marks and times come in as arguments.
"""

from strikeloop.margin.account import AccountMargin, Holding, MarginModel, OpenOrder
from strikeloop.margin.charges import BasisCharge, Charge, DeltaFloor, ShortOptionCharge, VolatilitySpreadCharge
from strikeloop.margin.classic import Classic
from strikeloop.margin.fees import settlement_cash, settlement_fee, trading_fee
from strikeloop.margin.free import FREE, Free
from strikeloop.margin.legs import Leg
from strikeloop.margin.portfolio import DERIBIT_LIKE, GATE, MODELS, SPAN_LIKE, Portfolio, RiskUnit
from strikeloop.margin.revaluation import Revaluation, Shocks, revalue
from strikeloop.margin.var import DayScenarios, book_volatility, day_shocks, drawn, tail_loss, value_at_risk

__all__ = [
    "DERIBIT_LIKE",
    "FREE",
    "GATE",
    "MODELS",
    "SPAN_LIKE",
    "AccountMargin",
    "BasisCharge",
    "Charge",
    "Classic",
    "DayScenarios",
    "DeltaFloor",
    "Free",
    "Holding",
    "Leg",
    "MarginModel",
    "OpenOrder",
    "Portfolio",
    "Revaluation",
    "RiskUnit",
    "Shocks",
    "ShortOptionCharge",
    "VolatilitySpreadCharge",
    "book_volatility",
    "day_shocks",
    "drawn",
    "revalue",
    "settlement_cash",
    "settlement_fee",
    "tail_loss",
    "trading_fee",
    "value_at_risk",
]
