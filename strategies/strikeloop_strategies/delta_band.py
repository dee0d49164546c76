"""DeltaBand: the smallest hedger that is of use. Owns nothing but its band; the account's positions are its only memory."""

from __future__ import annotations

from strikeloop import Desk, PortfolioRiskUpdated, hookimpl, plugin


@plugin
class DeltaBand:
    """Reduce the position that pushes most while portfolio delta is outside the band.

    band: units of the underlying that total delta may stray to either side.
    """

    band: float = 0.25

    @hookimpl
    def on_portfolio_risk(self, event: PortfolioRiskUpdated, desk: Desk) -> None:
        if abs(event.total_delta) <= self.band or desk.working:
            return
        pushing = [p for p in desk.positions if p.exposure.delta * event.total_delta > 0]
        if pushing:
            worst = max(pushing, key=lambda p: abs(p.exposure.delta))
            desk.close(worst.contract, size=1, tag="delta-band")
