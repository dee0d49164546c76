"""The process of the index: how prices move when nothing in particular happens.

Owns `ProcessSettings` and three processes: geometric Brownian motion, jump diffusion (Merton, 1976) and stochastic
variance (Heston, 1993, by full truncation Euler: Lord, Koekkoek and van Dijk, 2010). All are martingales. Randomness
comes in as a generator, time as steps; nothing else moves them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Protocol

import attrs


class Process(Protocol):
    """`volatility` is that of this moment, `long_volatility` what it returns to at `reversion` per year; fractions per year."""

    @property
    def volatility(self) -> float: ...

    @property
    def long_volatility(self) -> float: ...

    @property
    def reversion(self) -> float: ...

    def advance(self, years: float) -> tuple[float, float]:
        """Move on: the logarithm of the move, and the move in standard deviations of an ordinary one."""
        ...


@attrs.frozen(kw_only=True)
class ProcessSettings:
    """`kind`: gbm, jumps or heston. What another kind needs is left alone.

    jumps: `jumps_per_year` at times of a Poisson process, their logarithms normal with `jump_mean` and `jump_deviation`; the
    diffusion between them has what is left of the variance. heston: variance returns at `reversion` per year, moves by
    `variance_volatility` and correlates by `correlation` with the index. Raises ValueError.
    """

    kind: str = "heston"
    reversion: float = 25.0
    variance_volatility: float = 2.0
    correlation: float = -0.3
    jumps_per_year: float = 60.0
    jump_mean: float = -0.01
    jump_deviation: float = 0.03

    def __attrs_post_init__(self) -> None:
        if self.kind not in PROCESSES:
            raise ValueError(f"process.kind is {self.kind!r}; expected one of {', '.join(PROCESSES)}")
        for name in ("reversion", "variance_volatility", "jumps_per_year", "jump_deviation"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"process.{name} is {getattr(self, name)}; expected a finite number greater than 0")
        for name in ("correlation", "jump_mean"):
            if not abs(getattr(self, name)) < 1:
                raise ValueError(f"process.{name} is {getattr(self, name)}; expected a number between -1 and 1")

    def open(self, volatility: float, random: Random) -> Process:
        """The process with this volatility in the long run. Raises ValueError where the jumps alone have more than that."""
        return PROCESSES[self.kind](self, volatility, random)


@attrs.define(eq=False)
class Brownian:
    """d ln S = −σ²/2 dt + σ dW."""

    settings: ProcessSettings
    volatility: float
    random: Random

    @property
    def long_volatility(self) -> float:
        return self.volatility

    @property
    def reversion(self) -> float:
        return self.settings.reversion

    def advance(self, years: float) -> tuple[float, float]:
        deviation, shock = self.volatility * math.sqrt(years), self.random.gauss()
        return deviation * shock - 0.5 * deviation**2, shock


@attrs.define(eq=False)
class Jumps:
    """d ln S = (−σ²/2 − λκ) dt + σ dW + J dN, with κ = E[exp J] − 1, and σ² + λ E[J²] the variance that was asked for."""

    settings: ProcessSettings
    volatility: float
    random: Random
    _diffusion: float = attrs.field(init=False)
    _compensator: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        per_year, mean, deviation = self.settings.jumps_per_year, self.settings.jump_mean, self.settings.jump_deviation
        variance = self.volatility**2 - per_year * (mean**2 + deviation**2)
        if variance <= 0:
            raise ValueError(
                f"process: jumps alone have a volatility of {math.sqrt(self.volatility**2 - variance):.3f}, "
                f"not less than the {self.volatility} asked for; expected fewer or smaller jumps"
            )
        self._diffusion = math.sqrt(variance)
        self._compensator = per_year * math.expm1(mean + 0.5 * deviation**2)

    @property
    def long_volatility(self) -> float:
        return self.volatility

    @property
    def reversion(self) -> float:
        return self.settings.reversion

    def advance(self, years: float) -> tuple[float, float]:
        deviation = self._diffusion * math.sqrt(years)
        move = deviation * self.random.gauss() - (0.5 * self._diffusion**2 + self._compensator) * years
        for _ in range(self._arrivals(years)):
            move += self.random.gauss(self.settings.jump_mean, self.settings.jump_deviation)
        return move, move / deviation

    def _arrivals(self, years: float) -> int:
        """How many jumps: exponential waits that fit into the step."""
        count, left = -1, years
        while left >= 0:
            left -= self.random.expovariate(self.settings.jumps_per_year)
            count += 1
        return count


@attrs.define(eq=False)
class Heston:
    """d ln S = −v/2 dt + √v dW, dv = κ(θ − v) dt + ξ√v dB, dW dB = ρ dt."""

    settings: ProcessSettings
    long_volatility: float
    random: Random
    _variance: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._variance = self.long_volatility**2

    @property
    def volatility(self) -> float:
        return math.sqrt(max(self._variance, _LEAST_VARIANCE * self.long_volatility**2))

    @property
    def reversion(self) -> float:
        return self.settings.reversion

    def advance(self, years: float) -> tuple[float, float]:
        """Within one step variance is at most drawn all the way to its mean, however long the step."""
        variance, correlation = max(self._variance, 0.0), self.settings.correlation
        shock, other = self.random.gauss(), self.random.gauss()
        turn = correlation * shock + math.sqrt(1.0 - correlation**2) * other
        pull, turned = -math.expm1(-self.settings.reversion * years), math.sqrt(variance * years) * turn
        self._variance += pull * (self.long_volatility**2 - variance) + self.settings.variance_volatility * turned
        return math.sqrt(variance * years) * shock - 0.5 * variance * years, shock


_LEAST_VARIANCE = 0.01
PROCESSES: Mapping[str, Callable[[ProcessSettings, float, Random], Process]] = {"gbm": Brownian, "jumps": Jumps, "heston": Heston}
